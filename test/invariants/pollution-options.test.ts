/** I2: no property of `Object.prototype` is an option of any public function, whatever its name and value. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import https from 'node:https'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import {
  createCA,
  createSelfSignedCert,
  ensureSelfSignedCert,
  fetchCert,
  loadCA,
  watchCert,
} from '../../src/certs/index.ts'
import {
  CABundle,
  CookieJar,
  disableWarnings,
  explain,
  get,
  HTTPAdapter,
  Request,
  Session,
  tlsOptions,
  trustedAgent,
} from '../../src/index.ts'
import { createAuthority } from '../helpers/pki.ts'
import { tempDir } from '../helpers/temp.ts'

disableWarnings()
const authority = createAuthority()
const { chain, key } = authority.issue()
// In a process of its own: servers of Node take options from Object.prototype, which is not the matter here.
const server = await startServer()
const dir = tempDir()
const file = (name: string) => join(dir.path, name)
await ensureSelfSignedCert(file('cert.pem'), file('key.pem'), 'localhost')
await createCA(file('ca.pem'), file('ca.key'))
const watched = https.createServer()
after(() => {
  watched.close()
  dir[Symbol.dispose]()
  server.close()
})

/** Every name of an option, from the lists against which options are checked. */
const LIST = /(?:optionNames<[^(]*\(|: Record<keyof \w+, true> = )\{?([^)}]*)/g
const NAMES = new Set<string>()
const SOURCES = fileURLToPath(new URL('../../src/', import.meta.url))
for (const path of readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })) {
  if (!path.endsWith('.ts')) continue
  const text = readFileSync(join(SOURCES, path), 'utf8')
  for (const [, list = ''] of text.matchAll(LIST)) {
    for (const [, name = ''] of list.matchAll(/\b(\w+): true/g)) NAMES.add(name)
  }
}

async function startServer(): Promise<{ readonly url: string; close(): void }> {
  const program = `
    const server = require('node:https').createServer(JSON.parse(process.argv[1]), (request, response) => response.end('ok'))
    server.listen(0, 'localhost', () => console.log(server.address().port))`
  const child = spawn(process.execPath, ['-e', program, JSON.stringify({ cert: chain, key })], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [port] = await once(child.stdout, 'data')
  return { url: `https://localhost:${String(port).trim()}/`, close: () => child.kill() }
}

/** What each function comes to. */
const ACTIONS: readonly (readonly [name: string, run: () => unknown])[] = [
  ['get', async () => (await get(server.url)).statusCode],
  ['get with verify', async () => (await get(server.url, { verify: authority.certificate })).text],
  [
    'get with timeouts',
    async () => (await get(server.url, { verify: authority.certificate, timeout: { connect: 9999 } })).text,
  ],
  ['session', () => inSession(new Session(), async (session) => (await session.get(server.url)).statusCode)],
  [
    'session.head',
    () =>
      inSession(
        new Session({ verify: authority.certificate }),
        async (session) => (await session.head(server.url)).statusCode,
      ),
  ],
  [
    'session.send',
    () =>
      inSession(
        new Session({ verify: authority.certificate }),
        async (session) =>
          (await session.send(session.prepareRequest(new Request('POST', server.url, { data: 'x' })))).statusCode,
      ),
  ],
  ['fetch', () => inSession(new Session(), async (session) => (await session.fetch(server.url)).status)],
  [
    'HTTPAdapter',
    () =>
      inSession(new Session({ verify: authority.certificate }), async (session) => {
        session.mount('https://', new HTTPAdapter())
        return (await session.get(server.url)).statusCode
      }),
  ],
  ['Request', () => JSON.stringify(new Request('POST', 'https://host/', {}).prepare().headers.toList())],
  ['explain', async () => (await explain(server.url)).reason],
  ['explain with verify', async () => (await explain(server.url, { verify: authority.certificate })).trust.source],
  ['tlsOptions', () => tlsOptions(authority.certificate).rejectUnauthorized],
  ['trustedAgent', () => requestWith({})],
  ['trustedAgent with verify', () => requestWith({ verify: authority.certificate })],
  ['CABundle', () => CABundle.from(authority.certificate).size],
  [
    'CookieJar',
    () => {
      const jar = new CookieJar().set('a', '1', { domain: 'a.test' }).set('a', '2')
      const found = [jar.get('a'), jar.get('a', { domain: 'a.test' }), jar.headerFor(new URL('http://a.test/'), true)]
      return [...found, jar.delete('a'), jar.size].join()
    },
  ],
  ['createSelfSignedCert', async () => described(await createSelfSignedCert(null, null, 'localhost'))],
  [
    'ensureSelfSignedCert',
    async () => (await ensureSelfSignedCert(file('cert.pem'), file('key.pem'), 'localhost')).action,
  ],
  ['createCA', async () => described(await (await createCA()).issue('localhost'))],
  ['loadCA', async () => described(await (await loadCA(file('ca.pem'), file('ca.key'))).issueClient('ada'))],
  ['fetchCert', async () => (await fetchCert(server.url)).length],
  [
    'watchCert',
    () => {
      using watch = watchCert(watched, file('cert.pem'), file('key.pem'))
      return watch.certificate.hosts.join()
    },
  ],
]

async function inSession(session: Session, use: (session: Session) => Promise<unknown>): Promise<unknown> {
  try {
    return await use(session)
  } finally {
    await session.close()
  }
}

function requestWith(options: { verify?: string }): Promise<unknown> {
  const agent = trustedAgent(options)
  return new Promise((resolve, reject) => {
    https
      .get(server.url, { agent }, (response) => response.resume().on('end', () => resolve(response.statusCode)))
      .on('error', reject)
  }).finally(() => agent.destroy())
}

const described = (pair: {
  cert: string
  key: string
  hosts: string[]
  certFile: string | null
  validFrom: Date
  validTo: Date
}) =>
  JSON.stringify([
    pair.cert.split('BEGIN').length,
    pair.key.length,
    pair.hosts,
    pair.certFile,
    Math.round((pair.validTo.getTime() - pair.validFrom.getTime()) / 86_400_000),
  ])

async function outcomeOf(run: () => unknown): Promise<string> {
  try {
    return String(await run())
  } catch (error) {
    const { name, code, message } = error as Error & { code?: string }
    return `${name} ${code} ${message.split('\n', 1)[0]}`.replace(/:\d{4,5}/g, ':PORT')
  }
}

const expected = new Map<string, string>()
for (const [name, run] of ACTIONS) expected.set(name, await outcomeOf(run))

test('the functions do their work while nothing is polluted', () => {
  assert(NAMES.size > 50, [...NAMES].join())
  for (const [name, outcome] of expected) {
    if (name === 'get' || name === 'session' || name === 'trustedAgent')
      assert.match(outcome, /UNABLE_TO|SELF_SIGNED/, name)
    else assert.doesNotMatch(outcome, name === 'fetch' ? /^200/ : /Error/, name)
  }
})

const SOCKET_OPTIONS = ['lookup', 'family', 'localAddress', 'localPort'] as const

const VALUES = [false, authority.certificate, 7]

/** With these on `Object.prototype` Node itself makes no stream, loads no module and assigns no socket to a request. */
const NEEDED: ReadonlySet<string> = new Set(['signal', 'path', 'timeout'])

/** Node's own `https.get`, whose agent is ours, takes these from `Object.prototype`. */
const OF_NODE: ReadonlySet<string> = new Set(['headers', 'auth', 'servername', 'insecureHTTPParser', ...SOCKET_OPTIONS])

for (const name of SOCKET_OPTIONS) NAMES.add(name)

for (const name of NAMES) {
  if (NEEDED.has(name)) continue
  const actions = ACTIONS.filter(([action]) => !(OF_NODE.has(name) && action.startsWith('trustedAgent')))
  test(`Object.prototype.${name} decides nothing`, async () => {
    for (const value of VALUES) {
      Object.defineProperty(Object.prototype, name, { value, configurable: true, writable: true })
      const outcomes = new Map<string, string>()
      try {
        await Promise.all(actions.map(async ([action, run]) => outcomes.set(action, await outcomeOf(run))))
      } finally {
        Reflect.deleteProperty(Object.prototype, name)
      }
      for (const [action, outcome] of outcomes) {
        assert.equal(outcome, expected.get(action), `${action}, with ${typeof value}`)
      }
    }
  })
}
