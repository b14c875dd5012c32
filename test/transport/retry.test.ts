import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { createReadStream } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { test } from 'node:test'
import {
  ConnectTimeout,
  HTTPAdapter,
  type MaxRetries,
  ProxyError,
  ReadTimeout,
  RetryError,
  Session,
  SSLError,
} from '../../src/index.ts'
import { parseRetryAfter, Retries } from '../../src/transport/retry.ts'
import { toRetryPolicy } from '../../src/transport/retry-policy.ts'
import { createAuthority } from '../helpers/pki.ts'
import { freePort } from '../helpers/ports.ts'
import { startProxy } from '../helpers/proxy.ts'
import { startHttpServer, startHttpsServer, type TestServer } from '../helpers/servers.ts'
import { startSilentServer, startTcpServer, type TcpServer } from '../helpers/tcp.ts'
import { tempDir } from '../helpers/temp.ts'

function sessionWith(maxRetries: MaxRetries): Session {
  const session = new Session()
  session.mount('http://', new HTTPAdapter({ maxRetries }))
  session.mount('https://', new HTTPAdapter({ maxRetries }))
  return session
}

/** A server that answers the n-th request with the n-th of these: a status, or `reset`; the last one from then on. */
function scripted(
  ...script: (number | 'reset' | readonly [status: number, retryAfter: string])[]
): Promise<TestServer> {
  let step = 0
  return startHttpServer({
    handler: async (request: IncomingMessage, response: ServerResponse) => {
      let body = ''
      for await (const chunk of request) body += chunk
      const what = script[Math.min(step++, script.length - 1)] ?? 200
      if (what === 'reset') request.socket.resetAndDestroy()
      else if (typeof what === 'number') response.writeHead(what).end(`${request.method} ${body}`)
      else response.writeHead(what[0], { 'Retry-After': what[1] }).end()
    },
  })
}

/** A port of 127.0.0.1 where a server appears after `refused` connections: until then they are reset at once. */
async function reluctant(refused: number): Promise<TcpServer> {
  const server: TcpServer = await startTcpServer((socket) => {
    if (server.accepted <= refused) socket.resetAndDestroy()
    else socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok')
  })
  return server
}

test('a number retries connections that cannot be made, whatever the method, and the last error stands', async () => {
  const port = await freePort()
  await using session = sessionWith(2)
  await assert.rejects(session.post(`http://127.0.0.1:${port}/`, { data: 'x' }), { code: 'ECONNREFUSED' })
})

test('a server that comes up meanwhile is reached', async () => {
  const port = await freePort()
  await using session = sessionWith({ total: 8, backoffFactor: 5 })
  const request = session.post(`http://127.0.0.1:${port}/`, { data: 'x' })
  await using server = await startHttpServer({ port })
  assert.equal((await request).json<{ body: string }>().body, 'x')
  assert.equal(server.requests, 1)
})

test('a number retries nothing that may have reached the server', async () => {
  await using server = await scripted('reset', 200)
  await using session = sessionWith(5)
  await assert.rejects(session.get(server.url127), { name: 'ConnectionError', code: 'ECONNRESET' })
  await using failing = await scripted([503, '0'], 200)
  assert.equal((await session.get(failing.url127)).statusCode, 503)
  assert.deepEqual([server.requests, failing.requests], [1, 1])
})

test('a policy retries what broke, for methods that may be repeated', async () => {
  await using server = await scripted('reset', 'reset', 200)
  await using session = sessionWith({ total: 2 })
  assert.equal((await session.put(server.url127, { data: 'again' })).text, 'PUT again')
  await using other = await scripted('reset', 200)
  await assert.rejects(session.post(other.url127, { data: 'once' }), { code: 'ECONNRESET' })
  assert.deepEqual([server.requests, other.requests], [3, 1])
})

test('total, connect and read each limit the retries', async () => {
  for (const [policy, attempts] of [
    [{ total: 3 }, 4],
    [{ total: 3, read: 1 }, 2],
    [{ read: 2 }, 3],
    [{ read: 0 }, 1],
    [{ connect: 0 }, 11],
  ] as const) {
    await using server = await reluctant(Number.POSITIVE_INFINITY)
    await using session = sessionWith(policy)
    await assert.rejects(session.get(`http://127.0.0.1:${server.port}/`), { code: 'ECONNRESET' })
    assert.equal(server.accepted, attempts, JSON.stringify(policy))
  }
})

test('statuses of the list are retried, then the response is what it is, or a RetryError', async () => {
  await using server = await scripted(503, 502, 200)
  await using session = sessionWith({ total: 2, statusForcelist: [502, 503] })
  assert.equal((await session.get(server.url127)).text, 'GET ')
  assert.deepEqual([server.requests, server.connections], [3, 1])
  await using failing = await scripted(503)
  await assert.rejects(session.get(failing.url127), (error: Error) => {
    assert(error instanceof RetryError)
    assert.equal(error.message, `too many 503 error responses from 127.0.0.1:${failing.port}: retried 2 times`)
    assert.equal(error.request?.url, `${failing.url127}/`)
    return true
  })
  assert.equal(failing.requests, 3)
  assert.equal((await session.post(failing.url127, { data: 'x' })).statusCode, 503)
  await using other = await scripted(500)
  assert.equal((await session.get(other.url127)).statusCode, 500)
})

const discarded: [what: string, answer: (response: ServerResponse) => void, connections?: number][] = [
  ['short, so its connection is kept', (response) => response.writeHead(503).end('x'.repeat(1000)), 1],
  ['long, so its connection is closed', (response) => response.writeHead(503).end('x'.repeat(1_000_000)), 2],
  [
    'damaged, which does not matter',
    (response) => response.writeHead(503, { 'Content-Encoding': 'gzip' }).end('not gzip'),
  ],
]

for (const [what, answer, connections] of discarded) {
  test(`the body of an answer that is not the last is ${what}`, async () => {
    let requests = 0
    await using server = await startHttpServer({
      handler: (_request, response) => (++requests === 1 ? answer(response) : response.end('the last')),
    })
    await using session = sessionWith({ statusForcelist: [503] })
    assert.equal((await session.get(server.url127)).text, 'the last')
    assert.equal(server.requests, 2)
    if (connections !== undefined) assert.equal(server.connections, connections)
  })
}

test('other methods are retried when the policy allows them', async () => {
  await using server = await scripted(503, 'reset', 200)
  await using session = sessionWith({ statusForcelist: new Set([503]), allowedMethods: ['post'] })
  assert.equal((await session.post(server.url127, { json: { a: 1 } })).text, 'POST {"a":1}')
  await using other = await scripted('reset')
  await assert.rejects(session.get(other.url127), { code: 'ECONNRESET' })
  assert.equal(other.requests, 1)
})

test('the file of a stream is sent again, a stream that was read is not', async () => {
  using dir = tempDir()
  const file = dir.write('body', 'of a file')
  await using session = sessionWith({ statusForcelist: [503] })
  await using server = await scripted(503, 200)
  assert.equal((await session.put(server.url127, { data: createReadStream(file) })).text, 'PUT of a file')
  await using other = await scripted(503, 200)
  const body = async function* () {
    yield 'once'
  }
  assert.equal((await session.put(other.url127, { data: body() })).statusCode, 503)
})

test('Retry-After is obeyed for 413, 429 and 503, unless the policy says otherwise', async () => {
  for (const status of [413, 429, 503]) {
    await using server = await scripted([status, '1'], 200)
    await using session = sessionWith({})
    const { elapsed, statusCode } = await session.get(server.url127)
    assert.equal(statusCode, 200)
    assert(elapsed >= 990, `${status}: ${elapsed} ms`)
    await using proud = sessionWith({ respectRetryAfter: false })
    await using other = await scripted([status, '1'], 200)
    assert.equal((await proud.get(other.url127)).statusCode, status)
  }
  await using server = await scripted([502, '1'], 200)
  await using session = sessionWith({})
  assert.equal((await session.get(server.url127)).statusCode, 502)
})

test('a certificate that is not trusted is tried once', async () => {
  const authority = createAuthority()
  const { certificate, key } = authority.issue()
  await using server = await startHttpsServer({ cert: certificate, key })
  await using session = sessionWith({ total: 5, allowedMethods: ['GET'] })
  await assert.rejects(session.get(server.url), SSLError)
  assert.equal(server.connections, 1)
})

test('a missing bundle, a port without TLS, a refusing proxy are tried once', async () => {
  await using session = sessionWith(5)
  await assert.rejects(session.get('https://127.0.0.1:1/', { verify: '/nowhere.pem' }), { name: 'CABundleError' })
  await using plain = await startHttpServer()
  await assert.rejects(session.get(plain.url127.replace('http:', 'https:')), { name: 'SSLError', reason: 'not-tls' })
  await using proxy = await startProxy({ authenticate: () => false })
  await assert.rejects(session.get('https://127.0.0.1:1/', { proxies: { all: proxy.url } }), ProxyError)
  assert.deepEqual([plain.connections, proxy.tunnels.length], [1, 1])
})

test('a proxy that cannot be reached, and a handshake that is cut off, are retried', async () => {
  const port = await freePort()
  await using session = sessionWith({ total: 8, backoffFactor: 5 })
  const viaProxy = session.get('http://127.0.0.1:1/', { proxies: { all: `http://127.0.0.1:${port}` } })
  await using proxy = await startHttpServer({ port })
  assert.equal((await viaProxy).json<{ url: string }>().url, 'http://127.0.0.1:1/')
  assert.equal(proxy.requests, 1)
  await using server = await reluctant(2)
  await assert.rejects(session.get(`https://127.0.0.1:${server.port}/`), SSLError)
  assert(server.accepted >= 3)
})

test('connect and read timeouts are retried', async () => {
  await using server = await startSilentServer()
  const { port } = server
  await using session = sessionWith({ total: 2 })
  await assert.rejects(session.get(`https://127.0.0.1:${port}/`, { timeout: [30, 1000] }), ConnectTimeout)
  assert.equal(server.accepted, 3)
  await assert.rejects(session.get(`http://127.0.0.1:${port}/`, { timeout: [1000, 30] }), ReadTimeout)
  assert.equal(server.accepted, 6)
})

test('a wait ends with the signal, with the session, and does not begin when the total limit ends before it', async () => {
  await using server = await scripted([503, '60'])
  await using session = sessionWith({ total: 3 })
  const reason = new Error('changed my mind')
  const controller = new AbortController()
  const aborted = session.get(server.url127, { signal: controller.signal })
  const closed = session.get(server.url127)
  await new Promise<void>((resolve) => {
    server.server.on('request', () => server.requests === 2 && resolve())
  })
  // The responses are on their way.
  await new Promise((resolve) => setTimeout(resolve, 50))
  controller.abort(reason)
  await assert.rejects(aborted, reason)
  const started = performance.now()
  await assert.rejects(session.get(server.url127, { timeout: { total: 5000 } }), RetryError)
  assert(performance.now() - started < 4000)
  await session.close()
  await assert.rejects(closed, { name: 'ConnectionError', message: /closed/ })
})

const CUT: [what: string, policy: MaxRetries, response: Parameters<typeof scripted>[number], wait: RegExp][] = [
  ['that the server asks for', { total: 3 }, [503, '60'], /, in 60000 ms$/],
  ['between two retries', { total: 3, statusForcelist: [503], backoffFactor: 2000 }, 503, /, in 4000 ms$/],
]

for (const [what, policy, response, wait] of CUT) {
  test(`a wait ${what} that the total limit would cut is a RetryError that says so`, async () => {
    await using server = await scripted(response)
    await using session = sessionWith(policy)
    await assert.rejects(session.get(server.url127, { timeout: { total: 3000 } }), (error: Error) => {
      assert(error instanceof RetryError)
      assert.match(error.message, /^503 error response from .*: the total time limit is over before the next retry/)
      assert.match(error.message, wait)
      return true
    })
    // Without the limit it is the number of retries that ends them.
    await using patient = sessionWith({ total: 1, statusForcelist: [503], respectRetryAfter: false })
    await assert.rejects(patient.get(server.url127), { name: 'RetryError', message: /retried once$/ })
  })
}

test('the waits between retries double, and begin with none', () => {
  const policy = toRetryPolicy({ total: 20, backoffFactor: 100, respectRetryAfter: false })
  const request = { method: 'GET', target: new URL('http://localhost/'), rewindable: true } as never
  const retries = new Retries(policy, request, undefined)
  const error = new ReadTimeout('slow')
  const waits = Array.from({ length: 14 }, () => retries.afterError(error))
  assert.deepEqual(waits.slice(0, 5), [0, 200, 400, 800, 1600])
  assert.equal(waits.at(-1), 120_000)
})

const NOW = Date.parse('2026-11-24T12:00:00Z')
const RETRY_AFTER: [value: string | undefined, expected: number | undefined][] = [
  ['3', 3000],
  [' 120 ', 120_000],
  ['0', 0],
  ['Tue, 24 Nov 2026 12:00:10 GMT', 10_000],
  ['Tue, 24 Nov 2026 11:00:00 GMT', 0],
  ['999999999', 21_600_000],
  ['soon', undefined],
  ['-1', undefined],
  ['1.5', undefined],
  [undefined, undefined],
]

for (const [value, expected] of RETRY_AFTER) {
  test(`Retry-After: ${value} means ${expected} ms`, () => assert.equal(parseRetryAfter(value, NOW), expected))
}

const WRONG: [unknown, RegExp][] = [
  [-1, /maxRetries must be a whole number/],
  [1.5, /maxRetries must be a whole number/],
  ['3', /maxRetries must be a number of retries or an object/],
  [null, /maxRetries must be/],
  [{ totl: 3 }, /maxRetries has no option "totl": did you mean "total"/],
  [{ total: '3' }, /maxRetries.total must be a whole number/],
  [{ backoffFactor: -1 }, /maxRetries.backoffFactor must be a number of ms/],
  [{ statusForcelist: 503 }, /maxRetries.statusForcelist must be a list/],
  [{ statusForcelist: ['503'] }, /maxRetries.statusForcelist must be a list/],
  [{ allowedMethods: 'GET' }, /maxRetries.allowedMethods must be a list/],
  [{ respectRetryAfter: 1 }, /maxRetries.respectRetryAfter must be a boolean/],
]

for (const [value, message] of WRONG) {
  test(`maxRetries: ${JSON.stringify(value)} is refused`, () => {
    assert.throws(() => new HTTPAdapter({ maxRetries: value as MaxRetries }), { name: 'TypeError', message })
  })
}
