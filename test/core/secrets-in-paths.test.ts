/** I5: a URL with a password that is passed as a path appears nowhere: not in an error, a warning, an event or a response. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import https from 'node:https'
import { dirname, resolve } from 'node:path'
import { after, test } from 'node:test'
import { inspect } from 'node:util'
import { inspectCert } from '../../src/certs/index.ts'
import {
  CABundle,
  type ClientCert,
  explain,
  get,
  Session,
  type TrustedAgentOptions,
  tlsOptions,
  trustedAgent,
} from '../../src/index.ts'
import { createAuthority } from '../helpers/pki.ts'
import { SECRET_URLS, shownOf, showsSecret } from '../helpers/secrets.ts'
import { startHttpServer, startHttpsServer } from '../helpers/servers.ts'
import { tempDir } from '../helpers/temp.ts'

const PATHS = [
  ...SECRET_URLS,
  'https://user:hunter2@host/\0',
  'https://localhost:hunter2/',
  'https://user:hunter2＠host/x',
  'user:hunter2＠host/x',
]

/** A file is there, and it is no certificate: other errors than those of a missing one. */
const JUNK: readonly string[] = PATHS.filter((path) => !path.includes('\0') && !path.startsWith('//'))

const root = createAuthority()
const { certificate, key } = root.issue()
const server = await startHttpsServer({ cert: certificate, key })
const plain = await startHttpServer()
const dir = tempDir()
const home = process.cwd()
process.chdir(dir.path)
after(async () => {
  process.chdir(home)
  dir[Symbol.dispose]()
  await Promise.all([server.close(), plain.close()])
})

const warnings: unknown[] = []
process.removeAllListeners('warning')
process.on('warning', (warning) => warnings.push(warning))

function assertSilent(value: unknown, title: string): void {
  const text = shownOf(value)
  assert(!showsSecret(text), `${title}: ${text}`)
}

async function outcome(action: () => unknown): Promise<unknown> {
  try {
    return await action()
  } catch (error) {
    return error
  }
}

const certs = (path: string): [form: string, cert: ClientCert][] => [
  ['a path', path],
  ['a pair', [path, `${path}.key`]],
  ['a pair with the key inside', [path, null]],
  ['a key', [dir.write('client.pem', certificate), path]],
  ['{ cert, key }', { cert: path, key: path }],
  ['{ key }', { cert: certificate, key: path }],
  ['{ pfx }', { pfx: path, passphrase: 'x' }],
  ['an unknown property', { [path]: path } as never],
  ...fileUrls(path).map((url): [string, ClientCert] => ['a URL', url]),
  ...fileUrls(path).map((url): [string, ClientCert] => ['a pair of URLs', [url, url]]),
]

/** The URL objects that can be made of it. */
function fileUrls(path: string): URL[] {
  return [path, `file:///${path}`].flatMap((text) => URL.parse(text) ?? [])
}

/** A request of `node:https` through an agent. */
async function requestWith(options: TrustedAgentOptions): Promise<unknown> {
  const agent = trustedAgent(options)
  try {
    const [response] = await once(https.get(server.url, { agent }), 'response')
    response.resume()
    return response.statusCode
  } finally {
    agent.destroy()
  }
}

/** Every use of a bundle and of a client certificate in the public API. */
async function* uses(path: string): AsyncGenerator<[what: string, result: unknown]> {
  for (const verify of [path, [path], ...fileUrls(path)]) {
    const what = `verify ${inspect(verify)}`
    yield [`get, ${what}`, await outcome(() => get(server.url, { verify }))]
    yield [
      `Session, ${what}`,
      await outcome(async () => {
        await using session = new Session({ verify })
        return await session.get(server.url)
      }),
    ]
    yield [`explain, ${what}`, await outcome(() => explain(server.url, { verify }))]
    yield [`tlsOptions, ${what}`, await outcome(() => tlsOptions(verify))]
    yield [`trustedAgent, ${what}`, await outcome(() => requestWith({ verify }))]
    yield [`CABundle, ${what}`, await outcome(() => CABundle.from(verify as string).toPEM())]
    yield [`inspectCert, ${what}`, await outcome(() => inspectCert(verify as string))]
  }
  yield ['an option', await outcome(() => get(server.url, { [path]: 1 }))]
  yield ['options of tlsOptions', await outcome(() => tlsOptions(root.certificate, path as never))]
  yield ['trustEnv', await outcome(() => explain(server.url, { trustEnv: path as never }))]
  for (const [form, cert] of certs(path)) {
    for (const { url } of [server, plain]) {
      yield [`get ${url}, cert as ${form}`, await outcome(() => get(url, { cert, verify: root.certificate }))]
    }
    yield [`explain, cert as ${form}`, await outcome(() => explain(server.url, { cert, verify: root.certificate }))]
    yield [`tlsOptions, cert as ${form}`, await outcome(() => tlsOptions(root.certificate, { cert }))]
  }
}

async function check(path: string): Promise<void> {
  const events: unknown[] = []
  const listener = (event: unknown) => events.push(event)
  subscribe('vouch:trust', listener)
  try {
    let count = 0
    for await (const [what, result] of uses(path)) {
      count++
      assertSilent(result, what)
    }
    for (const variable of ['REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE']) {
      process.env[variable] = path
      try {
        await using session = new Session({ verify: path })
        for (const result of [
          await outcome(() => get(server.url)),
          await outcome(() => session.get(server.url)),
          await outcome(() => explain(server.url)),
          await outcome(() => tlsOptions()),
        ]) {
          assertSilent(result, `${variable}=${path}`)
        }
      } finally {
        delete process.env[variable]
      }
    }
    await new Promise(setImmediate)
    assert(count > 40 && events.length > 0)
    assertSilent(events, 'events')
    for (const warning of warnings) assertSilent(warning, 'a warning')
  } finally {
    unsubscribe('vouch:trust', listener)
  }
}

for (const path of PATHS) {
  test(`a missing file named like a URL with a password: ${JSON.stringify(path)}`, () => check(path))
}

for (const [what, content] of [
  ['a file without a certificate', 'junk'],
  ['a file of a damaged certificate', '-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n'],
  ['a usable bundle', root.certificate],
  ['a client certificate with its key', certificate + key],
] as const) {
  for (const path of JUNK) {
    test(`${what} at a path like a URL with a password: ${JSON.stringify(path)}`, async () => {
      const file = resolve(path)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, content)
      await check(path)
    })
  }
}

test('a response says which bundle was trusted, without the password in its name', async () => {
  writeFileSync('user:hunter2@ca.pem', root.certificate)
  const response = await get(server.url, { verify: 'user:hunter2@ca.pem' })
  assert.equal(response.tls?.trust.path, '***@ca.pem')
})
