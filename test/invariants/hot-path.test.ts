/**
 * What a request on an open connection does, counted: files looked at, certificates read, contexts made, URLs parsed. No clock:
 * a microsecond that comes back drowns in the noise of a benchmark, a look at a file does not.
 */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import fs from 'node:fs'
import http from 'node:http'
import { syncBuiltinESMExports } from 'node:module'
import { type TestContext, test } from 'node:test'
import tls from 'node:tls'
import { CABundle, caStats, Session, type Verify } from '../../src/index.ts'
import { moduleUrl } from '../helpers/modules.ts'
import { createAuthority } from '../helpers/pki.ts'
import { outputOfScript } from '../helpers/processes.ts'
import { startHttpsServer } from '../helpers/servers.ts'
import { tempDir } from '../helpers/temp.ts'

const authority = createAuthority()
const { chain, key } = authority.issue()
const REQUESTS = 20
const SOURCES = new URL('.', moduleUrl('index')).href

/** Each way to trust, and how many files one request looks at. */
const WAYS: readonly (readonly [name: string, files: number, verify: (path: string) => Verify])[] = [
  ['a path', 1, (path) => path],
  ['a list of a path and text', 1, (path) => [path, createAuthority().certificate]],
  ['PEM text', 0, () => authority.certificate],
  ['a bundle made once', 0, () => CABundle.from(authority.certificate)],
]

for (const [name, files, verifyOf] of WAYS) {
  test(`with ${name} a request looks at ${files === 1 ? 'one file' : 'no file'}, and makes nothing anew`, async (t) => {
    await using server = await startHttpsServer({ cert: chain, key })
    using dir = tempDir()
    const verify = verifyOf(dir.write('bundle.pem', authority.certificate))
    await using session = new Session()
    const ask = async () => (await session.get(server.url, { verify })).json()
    await settle(ask)
    const calls = countCalls(t)
    const before = caStats()
    for (let request = 0; request < REQUESTS; request++) await ask()
    const { contextBuilds, parses } = caStats()
    assert.deepEqual(
      { ...calls(), contextBuilds: contextBuilds - before.contextBuilds, parses: parses - before.parses },
      {
        statSync: files * REQUESTS,
        readFileSync: 0,
        openSync: 0,
        readdirSync: 0,
        X509Certificate: 0,
        createSecureContext: 0,
        connect: 0,
        // The pool of the request: Node asks it once.
        addRequest: REQUESTS,
        // The user's.
        URL: REQUESTS,
        contextBuilds: 0,
        parses: 0,
      },
    )
  })
}

/** Until the file is old enough to be believed by its status, and the absence of a netrc file is known. */
async function settle(ask: () => Promise<unknown>): Promise<void> {
  await ask()
  await new Promise((resolve) => setTimeout(resolve, 100))
  await ask()
}

/** Counts calls of what should be rare, of the whole process; URLs that `src/` parses, not those of got. */
function countCalls(t: TestContext): () => Record<string, number> {
  const spies = new Map<string, ReturnType<typeof t.mock.method>['mock']>()
  for (const name of ['statSync', 'readFileSync', 'openSync', 'readdirSync'] as const)
    spies.set(name, t.mock.method(fs, name).mock)
  spies.set('X509Certificate', t.mock.method(crypto, 'X509Certificate').mock)
  for (const name of ['createSecureContext', 'connect'] as const) spies.set(name, t.mock.method(tls, name).mock)
  spies.set('addRequest', t.mock.method(http.Agent.prototype as unknown as { addRequest(): void }, 'addRequest').mock)
  const { URL: Original } = globalThis
  let urls = 0
  globalThis.URL = class extends Original {
    constructor(...args: ConstructorParameters<typeof URL>) {
      super(...args)
      if (isOurs(new Error().stack)) urls++
    }
  }
  syncBuiltinESMExports()
  t.after(() => {
    globalThis.URL = Original
    t.mock.restoreAll()
    syncBuiltinESMExports()
  })
  return () => ({ ...Object.fromEntries(Array.from(spies, ([name, spy]) => [name, spy.callCount()])), URL: urls })
}

/** Whether it is a file of `src/` that calls the constructor in which this stack was taken. */
function isOurs(stack: string | undefined): boolean {
  const [, , caller = ''] = stack?.split('\n') ?? []
  return caller.includes(SOURCES)
}

test('a finished request is collected: next to nothing of it gets into old space', async () => {
  await using server = await startHttpsServer({ cert: chain, key })
  using dir = tempDir()
  const program = `
    import v8 from 'node:v8'
    import { Session } from ${JSON.stringify(moduleUrl('index'))}
    const session = new Session({ verify: process.argv[2] })
    const ask = async (times) => { while (times-- > 0) (await session.get(process.argv[1])).json() }
    const old = () => v8.getHeapSpaceStatistics().find((space) => space.space_name === 'old_space').space_used_size
    await ask(1500)
    const before = old()
    await ask(1500)
    console.log((old() - before) / 1500)
    await session.close()`
  // Young space at its smallest, so that all is moved on that can be; and no full collection, which would hide it.
  const flags = ['--max-semi-space-size=1', '--initial-heap-size=512']
  const args = [server.url, dir.write('bundle.pem', authority.certificate)]
  const stdout = await outputOfScript(program, { flags, args })
  assert(Number(stdout) < 5000, `${Number(stdout)} bytes for each request`)
})
