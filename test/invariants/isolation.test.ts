/** I1: no socket and no TLS session is ever shared between two different (trust, client certificate, proxy) triples. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { disableWarnings, get, Session, SSLError, type Verify } from '../../src/index.ts'
import { Origin } from '../../src/transport/origin.ts'
import { poolKey } from '../../src/transport/pool-manager.ts'
import { resolveTrust, toTrust } from '../../src/trust/verify.ts'
import { startObservedProxy } from '../helpers/observed-proxy.ts'
import { createAuthority } from '../helpers/pki.ts'
import { runParameters, TIMEOUT } from '../helpers/random.ts'
import { startHttpServer, startHttpsServer } from '../helpers/servers.ts'
import { sequences, walk } from './isolation/steps.ts'

// verify: false is one of the trusts in the mixture.
disableWarnings('InsecureRequestWarning')

const first = createAuthority({ commonName: 'First CA' })
const second = createAuthority({ commonName: 'Second CA' })

test('random sequences of requests and changes never share a connection or a TLS session', TIMEOUT, async (t) => {
  const totals = { sequences: 0, requests: 0, connections: 0, resumed: 0, tunnels: 0 }
  const property = fc.asyncProperty(sequences, async (steps) => {
    const counts = await walk(steps)
    totals.sequences++
    for (const [name, count] of Object.entries(counts)) totals[name as keyof typeof counts] += count
  })
  await fc.assert(property, runParameters(40, 10_000))
  const { sequences: run, requests, connections, resumed, tunnels } = totals
  t.diagnostic(`random sequences run: ${run}, requests observed: ${requests}`)
  t.diagnostic(`connections: ${connections}, of resumed TLS sessions: ${resumed}, through tunnels: ${tunnels}`)
})

test('a connection made without verification never serves a request that verifies', async () => {
  const { chain, key } = first.issue()
  await using server = await startHttpsServer({ cert: chain, key })
  await using session = new Session({ trustEnv: false })
  for (const verify of [false, first.certificate, false, first.certificate] as const) {
    await session.get(server.url, { verify })
  }
  await assert.rejects(session.get(server.url), SSLError)
  await assert.rejects(session.get(server.url, { verify: second.certificate }), SSLError)
  assert.equal(server.connections, 4)
})

test('a TLS session of one trust is not resumed under another, on new connections', async () => {
  const { chain, key } = first.issue()
  await using server = await startHttpsServer({
    cert: chain,
    key,
    handler: (_request, response) => response.setHeader('connection', 'close').end(),
  })
  await using session = new Session({ trustEnv: false })
  for (let round = 0; round < 3; round++) {
    await session.get(server.url, { verify: first.certificate })
    await assert.rejects(session.get(server.url, { verify: second.certificate }), SSLError)
  }
  assert.equal(server.sessionsReused, 2, 'the same trust does resume')
})

test('calls without a session share connections by the same rules', async () => {
  const { chain, key } = first.issue()
  await using server = await startHttpsServer({ cert: chain, key })
  for (let round = 0; round < 2; round++) {
    for (const verify of [false, first.certificate]) await get(server.url, { verify })
    for (const verify of [true, second.certificate]) await assert.rejects(get(server.url, { verify }), SSLError)
  }
  // Two that are kept, and four that were refused.
  assert.equal(server.connections, 6)
})

test('plain connections through SOCKS belong to a proxy and its user', async () => {
  const { chain: cert, key } = first.issue()
  await using server = await startHttpServer()
  await using proxy = await startObservedProxy('socks5h', { cert, key })
  await using session = new Session()
  for (let round = 0; round < 2; round++) {
    for (const user of [undefined, 'ada', 'bob']) await session.get(server.url, { proxies: { all: proxy.url(user) } })
    await session.get(server.url)
  }
  assert.deepEqual([server.connections, proxy.tunnels], [4, 3])
})

/** Every field of a pool's key alone; of those that are equal otherwise. */
const PIN = `sha256:${'a'.repeat(64)}`
const OTHER_PIN = `sha256:${'b'.repeat(64)}`

const KEYS: readonly [ingredient: string, one: object, other: object][] = [
  ['port', { origin: origin('https://a:1') }, { origin: origin('https://a:2') }],
  ['host', { origin: origin('https://a:1') }, { origin: origin('https://b:1') }],
  ['authorities', { trust: trust(first.certificate) }, { trust: trust(second.certificate) }],
  ['verification', { trust: trust(true) }, { trust: trust(false) }],
  ['client certificate', { identity: client('abc') }, { identity: client('abd') }],
  ['client certificate or none', { identity: client('abc') }, { identity: undefined }],
  ['proxy or none', { proxy: proxy('http://p:1') }, { proxy: undefined }],
  ['scheme of the proxy', { proxy: proxy('http://p:1') }, { proxy: proxy('https://p:1') }],
  ['kind of SOCKS', { proxy: proxy('socks5://p:1') }, { proxy: proxy('socks5h://p:1') }],
  ['host of the proxy', { proxy: proxy('http://p:1') }, { proxy: proxy('http://q:1') }],
  ['port of the proxy', { proxy: proxy('http://p:1') }, { proxy: proxy('http://p:2') }],
  ['authorization', { proxy: proxy('http://p:1', 'Basic YTpi') }, { proxy: proxy('http://p:1', 'Basic YTpj') }],
  ['pin', { trust: trust(PIN) }, { trust: trust(OTHER_PIN) }],
  ['number of pins', { trust: trust([PIN]) }, { trust: trust([PIN, OTHER_PIN]) }],
  ['pin or roots', { trust: trust(PIN) }, { trust: trust(true) }],
  ['address to connect to', { connectTo: { host: '::1', port: 1 } }, { connectTo: { host: '::1', port: 2 } }],
  ['address to connect to or none', { connectTo: { host: 'b', port: 1 } }, { connectTo: undefined }],
  ['trust for the proxy', { proxyTrust: trust(true) }, { proxyTrust: trust(false) }],
  ['login', { proxy: socks(['a', 'b']) }, { proxy: socks(['a', 'c']) }],
  ['login or none', { proxy: socks(['a', 'b']) }, { proxy: socks(undefined) }],
]

for (const [ingredient, one, other] of KEYS) {
  test(`connections that differ in nothing but their ${ingredient} belong to two pools`, () => {
    const common = {
      origin: origin('https://a:1'),
      trust: trust(true),
      identity: undefined,
      proxy: undefined,
      proxyTrust: undefined,
      connectTo: undefined,
    }
    assert.notEqual(poolKey({ ...common, ...one }), poolKey({ ...common, ...other }))
  })
}

function origin(url: string) {
  return new Origin(new URL(url))
}

function trust(verify: Verify) {
  return resolveTrust(toTrust(verify, 'call'))
}

function client(digest: string) {
  return { digest, options: { cert: '', key: '' }, shown: '', stale: false }
}

function proxy(url: string, authorization?: string) {
  return { url: new URL(url), authorization }
}

function socks(login: readonly [string, string] | undefined) {
  return { ...proxy('socks5://p:1'), login }
}
