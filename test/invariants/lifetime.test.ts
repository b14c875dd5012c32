/** I6 and I7: what is cached is bounded, what is opened is closed, and the process is left as it was. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import http from 'node:http'
import https from 'node:https'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import tls from 'node:tls'
import { LruMap } from '../../src/core/lru-map.ts'
import { CABundle, caStats, get, HTTPAdapter, Session, SSLError } from '../../src/index.ts'
import { eventually } from '../helpers/eventually.ts'
import { collectGarbage } from '../helpers/garbage.ts'
import { moduleUrl } from '../helpers/modules.ts'
import { createAuthority, selfSigned } from '../helpers/pki.ts'
import { outputOfScript } from '../helpers/processes.ts'
import { type Handler, startHttpsServer } from '../helpers/servers.ts'
import { tempDir } from '../helpers/temp.ts'

const authority = createAuthority()
const { chain, key } = authority.issue()

test('a thousand sessions with the same bundle hold one TLS context', async () => {
  await using server = await startHttpsServer({ cert: chain, key })
  using dir = tempDir()
  const path = dir.write('bundle.pem', authority.certificate)
  await get(server.url, { verify: path })
  const before = caStats()
  const sessions = Array.from({ length: 1000 }, () => new Session({ verify: path }))
  for (const session of sessions) {
    assert((await session.get(server.url)).ok)
    await session.close()
  }
  const after = caStats()
  assert.equal(after.contexts, before.contexts)
  assert.equal(after.contextBuilds, before.contextBuilds)
  assert.equal(after.parses, before.parses)
})

test('twenty requests of a session use one connection', async () => {
  await using server = await startHttpsServer({ cert: chain, key })
  await using session = new Session({ verify: authority.certificate })
  for (let count = 0; count < 20; count++) await session.get(server.url)
  assert.equal(server.connections, 1)
})

/** As many requests, each with a trust of its own, and the same again for another round. */
function differentTrusts(session: Session, url: string, count = 150): () => Promise<void> {
  const bundle = CABundle.from(authority.certificate)
  const trusts = Array.from({ length: count }, (_, index) => {
    return bundle.with(selfSigned({ commonName: String(index) }).certificate)
  })
  return async () => {
    for (const verify of trusts) assert((await session.get(url, { verify })).ok)
  }
}

test('no more pools are kept than were chosen, and no more contexts than they use, and the last hundred', async () => {
  await using server = await startHttpsServer({ cert: chain, key })
  await using session = new Session()
  session.mount('https://', new HTTPAdapter({ poolConnections: 10 }))
  const before = caStats()
  await differentTrusts(session, server.url)()
  assert(server.connections >= 150)
  await eventually(() => server.open <= 12, 'more connections are open than ten pools keep', 1000)
  assert.equal(caStats().poolEvictions - before.poolEvictions, 140)
  await eventually(() => {
    collectGarbage()
    return caStats().contexts <= 112
  }, 'contexts stay in memory that nothing uses')
})

test('a hundred and fifty trusts keep their connections and contexts where no number of pools was chosen', async () => {
  await using server = await startHttpsServer({ cert: chain, key })
  await using session = new Session()
  const round = differentTrusts(session, server.url)
  await round()
  const before = caStats()
  await round()
  assert.equal(server.connections, 150)
  assert.equal(caStats().contextBuilds, before.contextBuilds)
  assert.equal(caStats().poolEvictions, before.poolEvictions)
})

/** Also what tests before this one have left, which takes several collections and turns. */
async function collectAll(): Promise<void> {
  for (let times = 0; times < 20; times++) {
    collectGarbage()
    await setImmediate()
  }
}

test('pools that nothing uses are closed, but for the last hundred', async (t) => {
  await using server = await startHttpsServer({ cert: chain, key })
  await using session = new Session()
  session.mount('https://', new HTTPAdapter({ keepAliveTimeout: 1 }))
  const round = differentTrusts(session, server.url)
  const pools = () => caStats().contexts
  t.mock.timers.enable({ apis: ['setTimeout'] })
  await round()
  while (server.open > 0) await setImmediate()
  await collectAll()
  const before = pools()
  t.mock.timers.tick(60_000)
  await collectAll()
  assert.equal(pools(), before, 'a pool was closed that was used in the last minute')
  t.mock.timers.tick(60_000)
  t.mock.timers.reset()
  await eventually(() => {
    collectGarbage()
    return pools() <= before - 50
  }, 'pools that nothing uses hold their contexts')
})

test('a bounded map drops the entry used longest ago', () => {
  const dropped: string[] = []
  const map = new LruMap<string, number>(2, (_value, key) => dropped.push(key))
  map.set('a', 1)
  map.set('b', 2)
  map.get('a')
  map.set('c', 3)
  assert.deepEqual(dropped, ['b'])
  assert.equal(map.size, 2)
})

for (const [what, code] of [
  ['requests alone', ''],
  ['a session that is never closed', 'const s = new Session({ verify: ca }); await s.get(url); await s.get(url)'],
  ['a response that is closed unread', 'const r = await get(url, { verify: ca, stream: true }); r.close()'],
  [
    'a session closed under an unread response',
    'const s = new Session({ verify: ca }); await s.get(url + "/endless", { stream: true }); await s.close()',
  ],
  ['a refused server', 'await get(url).catch(() => {})'],
  [
    'a timeout and a signal that are not used up',
    'await get(url, { verify: ca, timeout: { connect: 1e6, read: 1e6, total: 1e6 }, signal: AbortSignal.timeout(1e6) })',
  ],
] as const) {
  test(`a program exits when its work is done: ${what}`, async () => {
    await using server = await startHttpsServer({
      cert: chain,
      key,
      handler: (request, response) => (request.url === '/endless' ? response.write('on and on') : response.end('done')),
    })
    const script = `
      const { get, Session } = await import('${moduleUrl('index')}')
      const url = ${JSON.stringify(server.url)}
      const ca = ${JSON.stringify(authority.certificate)}
      await Promise.all([get(url, { verify: ca }), get(url, { verify: ca })])
      ${code}
      console.log('done')
    `
    assert.equal(await outputOfScript(script, { limit: 20_000 }), 'done\n')
  })
}

test('session.close() leaves no connection behind, and requests in flight are refused', async () => {
  const handler: Handler = (request, response) => request.url === '/quick' && response.end()
  await using server = await startHttpsServer({ cert: chain, key, handler })
  const session = new Session({ verify: authority.certificate })
  // On a connection that has served before: it must not be taken for one that the server has dropped.
  await session.get(`${server.url}/quick`)
  const pending = assert.rejects(session.get(server.url), { name: 'ConnectionError' })
  await eventually(() => server.requests === 2, 'the second request does not arrive')
  await session.close()
  await pending
  await eventually(() => server.open === 0, 'a connection is left open')
  assert.equal(server.requests, 2)
})

test('nothing of the process changes: its agents, TLS defaults, listeners, environment and globals', async () => {
  const look = () => ({
    agents: JSON.stringify([https.globalAgent, http.globalAgent]),
    tls: [
      tls.DEFAULT_CIPHERS,
      tls.DEFAULT_MIN_VERSION,
      tls.DEFAULT_MAX_VERSION,
      tls.getCACertificates('default').length,
    ],
    listeners: process.eventNames().map((name) => [String(name), process.listenerCount(name)]),
    environment: JSON.stringify(process.env),
    globals: Object.getOwnPropertyNames(globalThis).sort(),
  })
  // Node defines some globals when they are first used.
  void [globalThis.fetch, globalThis.Headers, globalThis.Response, globalThis.FormData]
  const before = look()
  await using server = await startHttpsServer({ cert: chain, key })
  await get(server.url, { verify: authority.certificate, cookies: { a: 'b' } })
  await assert.rejects(get(server.url), SSLError)
  assert.deepEqual(look(), before)
})
