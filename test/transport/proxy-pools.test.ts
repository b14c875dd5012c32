/** Pools of connections through proxies: their limits, and requests that end before they have a connection. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { type Channel, subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import https from 'node:https'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ConnectionError, HTTPAdapter, ProxyError, Session, trustedAgent } from '../../src/index.ts'
import { startMicrosocks } from '../helpers/debian-proxies.ts'
import { eventually } from '../helpers/eventually.ts'
import { createAuthority } from '../helpers/pki.ts'
import { whyNo } from '../helpers/programs.ts'
import { startProxy } from '../helpers/proxy.ts'
import { startHttpServer, startHttpsServer } from '../helpers/servers.ts'
import { startSilentServer } from '../helpers/tcp.ts'

const ca = createAuthority()
const { chain: cert, key } = ca.issue({ hosts: ['localhost', '127.0.0.1'] })

/** A session that opens at most two connections to a server. */
function narrowSession(proxy: string): Session {
  const session = new Session({ verify: ca.certificate, proxies: { all: proxy } })
  const adapter = new HTTPAdapter({ poolMaxsize: 2, poolBlock: true })
  session.mount('https://', adapter)
  session.mount('http://', adapter)
  return session
}

const times = <T>(count: number, action: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => action(index)))

for (const [kind, options] of [
  ['http', {}],
  ['https', { key, cert }],
] as const) {
  test(`poolBlock: ten requests through a slow ${kind} proxy open two tunnels`, async () => {
    await using origin = await startHttpsServer({ key, cert })
    await using proxy = await startProxy({ ...options, authenticate: () => sleep(30, true) })
    await using session = narrowSession(proxy.url)
    const responses = await times(10, (index) => session.get(`${origin.url127}/${index}`))
    assert.deepEqual(
      responses.map((response) => response.json<{ url: string }>().url),
      Array.from({ length: 10 }, (_, index) => `/${index}`),
    )
    assert.deepEqual([origin.connections, proxy.connections, proxy.tunnels.length], [2, 2, 2])
  })
}

test('poolBlock holds for SOCKS as well, with http and https', { skip: whyNo('microsocks') }, async () => {
  await using secure = await startHttpsServer({ key, cert })
  await using plain = await startHttpServer()
  await using proxy = await startMicrosocks()
  await using session = narrowSession(`socks5h://127.0.0.1:${proxy.port}`)
  for (const origin of [secure, plain]) {
    await times(10, (index) => session.get(`${origin.url127}/${index}`))
    assert.equal(origin.connections, 2)
  }
})

test('poolBlock: when tunnels are refused, the waiting requests are admitted', async () => {
  await using origin = await startHttpsServer({ key, cert })
  let refusals = 5
  await using proxy = await startProxy({ authenticate: () => sleep(5, refusals-- <= 0) })
  await using session = narrowSession(proxy.url)
  const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => session.get(origin.url127)))
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected')
  assert.equal(refused.length, 5)
  assert(refused.every(({ reason }) => reason instanceof ProxyError))
})

test('poolBlock: however a request ends, its connection is released', async () => {
  const handler = (request: IncomingMessage, response: ServerResponse) => {
    if (request.url === '/hang') return
    if (request.url === '/break') request.socket.destroy()
    else if (request.url === '/half') response.writeHead(200, { 'content-length': 9 }).write('half')
    else if (request.url === '/close') response.writeHead(200, { connection: 'close' }).end('closed')
    else response.end('ok')
  }
  await using secure = await startHttpsServer({ key, cert, handler })
  await using plain = await startHttpServer({ handler })
  await using proxy = await startProxy()
  for (const [origin, url] of [
    [secure, proxy.url],
    [plain, ''],
  ] as const) {
    await using session = narrowSession(url)
    for (let round = 0; round < 3; round++) {
      await Promise.allSettled([
        session.get(`${origin.url127}/hang`, { timeout: { total: 20 } }),
        session.get(`${origin.url127}/hang`, { timeout: { read: 20 } }),
        session.get(`${origin.url127}/hang`, { signal: AbortSignal.timeout(20) }),
        session.get(`${origin.url127}/never-sent`, { signal: AbortSignal.abort() }),
        session.get(`${origin.url127}/break`),
        session.get(`${origin.url127}/close`),
        session.get(`${origin.url127}/half`, { stream: true }).then((response) => response.close()),
        session.post(`${origin.url127}/ok`, { data: failingBody() }),
        session.get(`${origin.url127}/ok`, { verify: true }),
      ])
    }
    const responses = await times(6, () => session.get(`${origin.url127}/ok`))
    assert(responses.every(({ text }) => text === 'ok'))
  }
})

// biome-ignore lint/correctness/useYield: it fails before it has anything to give
async function* failingBody(): AsyncGenerator<Uint8Array> {
  throw new Error('the disk is full')
}

for (const [scheme, url] of [
  ['http', 'https://localhost:9/'],
  ['https', 'https://localhost:9/'],
  ['socks5h', 'https://localhost:9/'],
  ['socks5h', 'http://localhost:9/'],
] as const) {
  test(`the limits and a signal end a request to ${url} while a silent ${scheme} proxy is waited for`, async () => {
    await using silent = await startSilentServer()
    const proxy = `127.0.0.1:${silent.port}`
    await using session = new Session({ proxies: { all: `${scheme}://ada:secret@${proxy}` } })
    await assert.rejects(session.get(url, { timeout: { total: 40 } }), { name: 'Timeout' })
    await assert.rejects(session.get(url, { signal: AbortSignal.timeout(40) }), { name: 'TimeoutError' })
    await assert.rejects(session.get(url, { timeout: { connect: 40 } }), {
      name: 'ConnectTimeout',
      message: `Connection to localhost:9 through proxy ${proxy} timed out. (connect timeout=40 ms: ms, not seconds?)`,
    })
    for (const socket of silent.sockets) await once(socket, 'close')
  })
}

for (const scheme of ['http', 'socks5h']) {
  test(`a request of another client that is destroyed fails at once, while a silent ${scheme} proxy is waited for`, async () => {
    await using silent = await startSilentServer()
    const agent = trustedAgent({ proxy: `${scheme}://127.0.0.1:${silent.port}` })
    const request = https.get('https://localhost:9/', { agent })
    await eventually(() => silent.sockets.size > 0, 'no connection is made')
    const reason = new Error('not needed any more')
    const failed = once(request, 'error', { signal: AbortSignal.timeout(5000) })
    request.destroy(reason)
    assert.deepEqual(await failed.catch(() => 'nothing was emitted'), [reason])
    for (const socket of silent.sockets) await once(socket, 'close')
    agent.destroy()
  })
}

test('close() ends the requests that wait for a tunnel and those that wait for a connection, and opens none', async () => {
  await using silent = await startHttpServer()
  let session = narrowSession('')
  silent.server.on('connect', () => {
    if (silent.connections === 2) void session.close()
  })
  session = narrowSession(silent.url127)
  const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => session.get('https://localhost:9/')))
  for (const outcome of outcomes) {
    assert(outcome.status === 'rejected' && outcome.reason instanceof ConnectionError)
    assert.equal(outcome.reason.message, 'the session was closed before the request was sent')
  }
  assert.equal(silent.connections, 2)
})

/** The calls of `setNoDelay` of `net.Socket`. */
const noDelayOf = (socket: object): unknown =>
  Object.getOwnPropertySymbols(socket)
    .filter(({ description }) => description === 'kSetNoDelay')
    .map((symbol) => (socket as Record<symbol, unknown>)[symbol])[0]

test('connections to proxies do not wait to fill packets, as those to servers do not', async () => {
  await using origin = await startHttpsServer({ key, cert })
  await using proxy = await startProxy()
  await using secure = await startProxy({ key, cert })
  const sockets: Socket[] = []
  const note: Parameters<Channel['subscribe']>[0] = (message) => sockets.push((message as { socket: Socket }).socket)
  for (const url of ['', proxy.url, secure.url, `socks5h://127.0.0.1:${origin.port}`]) {
    sockets.length = 0
    subscribe('net.client.socket', note)
    await using session = narrowSession(url)
    await session.get(origin.url127, { timeout: 500 }).catch(() => {})
    unsubscribe('net.client.socket', note)
    // The proxies run in this process too: theirs, to the server behind them, come later.
    assert.equal(noDelayOf(sockets[0] as Socket), true, url)
  }
})
