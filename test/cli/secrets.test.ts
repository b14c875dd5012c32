import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import type { Command } from '../../src/cli/command.ts'
import { reportError } from '../../src/cli/report-error.ts'
import { DAMAGED, markKey } from '../helpers/damaged-keys.ts'
import { run } from '../helpers/processes.ts'
import { SECRET_URLS, showsSecret } from '../helpers/secrets.ts'
import { tempDir } from '../helpers/temp.ts'
import { main } from './vouch.ts'

/** No name is looked up, and no connection leaves this machine: requests go to a proxy that refuses them. */
const OFFLINE = ['--proxy', 'http://127.0.0.1:1']

/** Places for a text of the user before any command has its options, with one in it; each fails. */
const LINES: Readonly<Record<string, (given: string) => readonly string[]>> = {
  'a command': (given) => [given],
  'the second word of a command': (given) => ['cert', given],
  'a misspelt command': (given) => ['crt', given],
  'an option in place of a command': (given) => [`--${given}`],
  'an unknown option': (given) => ['get', `--${given}`],
  '--header': (given) => ['get', 'localhost:1', '--header', `:${given}`],
  'a file of headers': (given) => ['get', 'localhost:1', '--header', `@${given}`],
}

/** Standard output and standard error as one, and whether the command has failed. */
async function outcomeOf(cwd: string, args: readonly string[]): Promise<{ text: string; failed: boolean }> {
  const { status, stdout, stderr } = await run(process.execPath, [main, ...args], { cwd })
  return { text: stdout + stderr, failed: status !== 0 }
}

for (const [index, [what, lineOf]] of Object.entries(LINES).entries()) {
  test(`a password in ${what} is in no output`, async () => {
    using dir = tempDir()
    // Processes are slow to start: each place gets three of the forms, in turn, so that each form comes in many places.
    const forms = [0, 4, 7].map((offset) => SECRET_URLS[(index + offset) % SECRET_URLS.length] ?? '')
    const lines = forms.map((given) => [...lineOf(given), '--json'])
    const runs = await Promise.all(lines.map((args) => outcomeOf(dir.path, args)))
    for (const [each, { text, failed }] of runs.entries()) {
      assert(failed && text !== '', `${lines[each]}: ${text}`)
      assert(!showsSecret(text), `${lines[each]}: ${text}`)
    }
  })
}

const key = markKey(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)

/** Passwords in URLs, and keys in the forms that an argument may have. */
const SECRETS = [
  ...SECRET_URLS,
  ...DAMAGED.map(([, damage]) => damage(key.pem, key.der)).filter((form) => !form.includes('\0')),
]

/** What each command needs besides the option that is tried. */
const POSITIONALS: Readonly<Record<string, readonly string[]>> = {
  audit: [],
  'ca create': [],
  'ca issue': ['localhost'],
  'ca issue-client': ['ann'],
  'ca trust': [],
  'ca untrust': [],
  'cert create': ['localhost'],
  'cert ensure': ['localhost'],
  request: ['PUT', 'localhost:1'],
}

for (const command of await commands()) {
  test(`no option and no argument of vouch ${command.name} shows a password or a key`, async () => {
    using dir = tempDir()
    using _ = inDirectory(dir.path)
    const needed = POSITIONALS[command.name] ?? ['localhost:1']
    const options = Object.entries(command.options).flatMap(([name, { type }]) => (type === 'string' ? [name] : []))
    const lines: ((given: string) => string[])[] = [
      (given) => [...needed.slice(0, -1), given],
      (given) => [...needed, given],
      ...options.map((name) => (given: string) => [...needed, `--${name}=${given}`]),
    ]
    const failed: string[] = []
    let hidden = 0
    for (const line of lines) {
      for (const given of SECRETS) {
        // Absolute, it would be a file in the root directory that some commands write.
        const args = line(given.replace(/^(?=\/\/)/, '.'))
        if ('proxy' in command.options && !args.at(-1)?.startsWith('--proxy')) args.unshift(...OFFLINE)
        if ('json' in command.options) args.push('--json')
        const text = await outputOf(command, args)
        if (showsSecret(text) || key.isIn(text)) failed.push(`${JSON.stringify(args)}: ${text}`)
        if (text.includes('***')) hidden++
      }
    }
    assert.deepEqual(failed, [])
    assert(hidden > SECRETS.length, `${hidden} of ${lines.length * SECRETS.length} were shown hidden`)
  })
}

/** All commands, each with its options: a new one is tried as well. */
async function commands(): Promise<Command[]> {
  const folder = new URL('../../src/cli/commands/', import.meta.url)
  const modules: object[] = await Promise.all(readdirSync(folder).map((name) => import(new URL(name, folder).href)))
  return modules
    .flatMap((module) => Object.values(module))
    .filter((value): value is Command => value?.help && value.run)
}

/** Both outputs of a command, as one. In this process, since a thousand would take minutes to start. */
async function outputOf(command: Command, args: readonly string[]): Promise<string> {
  let text = ''
  const stream = () =>
    new Writable({
      write(chunk, _, done) {
        text += chunk
        done()
      },
    })
  const output = { stdout: stream(), stderr: stream() }
  try {
    await command.run(args, output)
  } catch (error) {
    reportError(error, 'vouch --help', true, output)
  }
  return text
}

/** Makes a directory that of the process and its user. */
function inDirectory(path: string): Disposable {
  const [before, home] = [process.cwd(), process.env.HOME]
  process.chdir(path)
  process.env.HOME = path
  return {
    [Symbol.dispose]() {
      process.chdir(before)
      process.env.HOME = home
    },
  }
}

test('a password in the path of a certificate that is made is in no output', async () => {
  using dir = tempDir()
  for (const [index, given] of ['user:hunter2@host', 'user:hun/ter2@host'].entries()) {
    const [cert, key] = [join(`cert${index}`, given), join(`key${index}`, given)]
    for (const path of [cert, key]) mkdirSync(dirname(dir.join(path)), { recursive: true })
    for (const json of [[], ['--json']]) {
      const args = ['cert', 'ensure', 'localhost', '--cert', cert, '--key', key, ...json]
      const { text, failed } = await outcomeOf(dir.path, args)
      assert(!failed && text.includes('***@host'), text)
      assert(!showsSecret(text), text)
    }
  }
})
