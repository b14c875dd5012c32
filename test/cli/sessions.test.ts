/** The sessions of docs/reference/command-line.md: each of its sessions is run, and its outputs are compared. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { createSelfSignedCert } from '../../src/certs/index.ts'
import { onPosix } from '../helpers/platform.ts'
import { type Handler, startHttpsServer } from '../helpers/servers.ts'
import { tempDir } from '../helpers/temp.ts'
import { shell } from './vouch.ts'

const page = readFileSync('docs/reference/command-line.md', 'utf8')
const sessions = [...page.matchAll(/```console\n([\s\S]*?)```/g)].map(([, session = '']) => session)

const handler: Handler = ({ url }, response) => {
  if (url === '/report.json') response.setHeader('content-type', 'application/json').end('{"status":"ok"}\n')
  else if (url === '/big.bin') response.end('0123456789\n'.repeat(200_000))
  else response.writeHead(404).end()
}

/** What is typed, and what is printed then. */
function stepsOf(session: string): { typed: string; printed: string }[] {
  return session
    .split(/^\$ /m)
    .slice(1)
    .map((step) => {
      const end = step.indexOf('\n')
      return { typed: step.slice(0, end), printed: step.slice(end + 1) }
    })
}

/** Runs the lines in one shell, for `$?`; what each of them prints. */
async function run(dir: Parameters<typeof shell>[0], lines: readonly string[]): Promise<string[]> {
  const script = lines.map((line) => `${line}\nstatus=$?; printf '${MARK}'; (exit $status)`).join('\n')
  const { stdout } = await shell(dir, script)
  return stdout.split(MARK).slice(0, -1)
}

const MARK = '=== next ==='

/** `…` stands for anything in a line, a fingerprint or a date for any other. */
function pattern(printed: string): RegExp {
  const source = printed
    .replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
    .replace(/(?:[\dA-F]{2}:){4}…/g, '(?:[\\dA-F]{2}:)+[\\dA-F]{2}')
    .replace(/\d{4}-\d\d-\d\dT[\d:]+\\\.\d{3}Z/g, '\\d{4}-\\d\\d-\\d\\dT[\\d:]+\\.\\d{3}Z')
    .replace(/\d{4}-\d\d-\d\d(?!T)/g, '\\d{4}-\\d\\d-\\d\\d')
    .replace(/…/g, '.*')
  return new RegExp(`^${source}$`)
}

for (const session of sessions) {
  const steps = stepsOf(session)
  test(`the session that begins with \`${steps[0]?.typed}\` goes as documented`, onPosix, async () => {
    using dir = tempDir()
    const pair = await createSelfSignedCert(dir.join('cert.pem'), dir.join('key.pem'), ['localhost', '127.0.0.1'])
    await using server = await startHttpsServer({ cert: pair.cert, key: pair.key, handler })
    const here = (text: string) => text.replaceAll('localhost:8443', `localhost:${server.port}`)
    const printed = await run(
      dir,
      steps.map(({ typed }) => here(typed)),
    )
    for (const [index, step] of steps.entries()) {
      assert.match(printed[index] ?? '', pattern(here(step.printed)), `$ ${step.typed}`)
    }
  })
}

test('every command has a session', () => {
  const typed = sessions.flatMap(stepsOf).map((step) => step.typed)
  for (const command of ['check', 'get', 'cert create', 'cert ensure', 'cert show', 'cert fetch']) {
    assert(
      typed.some((line) => line.startsWith(`vouch ${command} `)),
      command,
    )
  }
})
