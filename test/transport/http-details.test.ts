/** The corners of HTTP/1.1, byte by byte. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { post, type RequestOptions, Session } from '../../src/index.ts'
import { startHttpServer } from '../helpers/servers.ts'
import { startTcpServer, type TcpServer } from '../helpers/tcp.ts'

interface RawServer extends TcpServer {
  /** What arrived, as latin-1. */
  received(): string
}

/** Answers each request (its head, and `body` if it has one) with these bytes; `close` ends the connection after it. */
async function answering(answer: string, close = false): Promise<RawServer> {
  let received = ''
  const server = await startTcpServer((socket) => {
    let pending = ''
    socket.setEncoding('latin1').on('data', (data: string) => {
      received += data
      pending += data
      const length = Number(/content-length: (\d+)/i.exec(pending)?.[1] ?? 0)
      const end = pending.indexOf('\r\n\r\n') + 4
      if (end < 4 || pending.length < end + length) return
      pending = ''
      socket.write(answer, 'latin1')
      if (close) socket.end()
    })
  })
  return Object.assign(server, { received: () => received })
}

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const many = (count: number, size: number) =>
  Array.from({ length: count }, (_, n) => `X-${n}: ${'v'.repeat(size)}\r\n`).join('')

type Answer = [
  what: string,
  answer: string,
  expected: { status: number; text: string; connections: number },
  close?: boolean,
]

const ANSWERS: Answer[] = [
  ['a length', OK, { status: 200, text: 'ok', connections: 1 }],
  ['an empty body', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', { status: 200, text: '', connections: 1 }],
  [
    'chunks',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
    { status: 200, text: 'ok', connections: 1 },
  ],
  [
    'trailers',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nok\r\n0\r\nX-T: 1\r\n\r\n',
    { status: 200, text: 'ok', connections: 1 },
  ],
  ['no body by its status', 'HTTP/1.1 204 No Content\r\n\r\n', { status: 204, text: '', connections: 1 }],
  [
    // A broken server may send those nine bytes.
    'a length that means nothing',
    'HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n',
    { status: 304, text: '', connections: 2 },
  ],
  ['neither length nor chunks', 'HTTP/1.1 200 OK\r\n\r\nok', { status: 200, text: 'ok', connections: 2 }, true],
  ['HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok', { status: 200, text: 'ok', connections: 2 }],
  [
    'Connection: close',
    'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok',
    { status: 200, text: 'ok', connections: 2 },
  ],
  ['100 Continue first', `HTTP/1.1 100 Continue\r\n\r\n${OK}`, { status: 200, text: 'ok', connections: 1 }],
  [
    '102 and 103 first',
    `HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n${OK}`,
    { status: 200, text: 'ok', connections: 1 },
  ],
  [
    'headers of 200 KiB',
    `HTTP/1.1 200 OK\r\n${many(4, 50_000)}Content-Length: 2\r\n\r\nok`,
    { status: 200, text: 'ok', connections: 1 },
  ],
]

for (const [what, answer, { status, text, connections }, close] of ANSWERS) {
  test(`an answer with ${what} is taken, and its connection ${connections === 1 ? 'is used again' : 'is not'}`, async () => {
    await using server = await answering(answer, close)
    await using session = new Session()
    for (let times = 0; times < 2; times++) {
      const response = await session.get(server.url)
      assert.deepEqual([response.statusCode, response.text], [status, text])
    }
    assert.equal(server.accepted, connections)
  })
}

test('the body of HEAD is none, whatever its length says', async () => {
  await using server = await answering('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nContent-Encoding: gzip\r\n\r\n')
  await using session = new Session()
  for (let times = 0; times < 2; times++) {
    const response = await session.head(server.url)
    assert.deepEqual([response.headers.get('content-length'), response.content.length], ['1000', 0])
  }
  assert.equal(server.accepted, 1)
})

const BROKEN: [what: string, answer: string, error: object][] = [
  ['garbage', 'garbage\r\n\r\n', { name: 'ConnectionError', message: /not valid HTTP/ }],
  [
    'headers of more than 256 KiB',
    `HTTP/1.1 200 OK\r\n${many(6, 50_000)}\r\n`,
    { name: 'ConnectionError', message: /larger than 256 KiB/ },
  ],
  [
    'both a length and chunks',
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
    { name: 'ConnectionError' },
  ],
  [
    'two lengths',
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok',
    { name: 'InvalidHeader', message: /contradictory/ },
  ],
  [
    'a chunk that is no number',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    { name: 'ChunkedEncodingError' },
  ],
]

for (const [what, answer, error] of BROKEN) {
  test(`an answer with ${what} is an error, and the next request has another connection`, async () => {
    await using server = await answering(answer)
    await using session = new Session()
    await assert.rejects(session.get(server.url), error)
    await assert.rejects(session.get(server.url), error)
    assert.equal(server.accepted, 2)
  })
}

test('Trailer goes out with a chunked body, and is an InvalidHeader with any other', async () => {
  await using server = await answering(OK)
  const headers = { Trailer: 'X-Sum' }
  for (const data of [undefined, 'x', Buffer.from('x')]) {
    const work = post(server.url, { headers, ...(data && { data }) })
    await assert.rejects(work, { name: 'InvalidHeader', message: /Trailer needs a chunked body/ })
  }
  assert.equal(server.accepted, 0)
  const data = (async function* () {
    yield 'x'
  })()
  assert.equal((await post(server.url, { headers, data })).text, 'ok')
  assert.match(server.received(), /Trailer: X-Sum\r\n/)
})

test('headers go out in latin-1 and come in so, and a reason may have accents or be none', async () => {
  await using server = await answering(
    'HTTP/1.1 200 Tr\xe8s bien\r\nX-A: caf\xe9\r\nX-B: 1\r\nX-B: 2\r\nContent-Length: 0\r\n\r\n',
  )
  await using session = new Session()
  const response = await session.post(server.url, { headers: { 'X-Name': 'Ren\xe9' }, data: 'x' })
  assert.match(server.received(), /X-Name: Ren\xe9\r\n/)
  assert.deepEqual(
    [response.reason, response.headers.get('x-a'), response.headers.get('x-b')],
    ['Tr\xe8s bien', 'caf\xe9', '1, 2'],
  )
  await using silent = await answering('HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n')
  assert.equal((await session.get(silent.url)).reason, '')
})

test('headers of a request may be long', async () => {
  await using server = await answering(OK)
  await using session = new Session()
  const value = 'x'.repeat(200_000)
  await session.get(server.url, { headers: { 'X-Long': value } })
  assert(server.received().includes(`X-Long: ${value}\r\n`))
})

test('Expect is a header like any other: the body is sent at once', async () => {
  await using server = await answering(OK)
  await using session = new Session()
  const headers = { Expect: '100-continue' }
  for (const data of ['body', Buffer.from('body')]) {
    assert.equal((await session.post(server.url, { data, headers })).text, 'ok')
  }
  assert.equal(server.received().match(/Expect: 100-continue[\s\S]*?\r\n\r\nbody/g)?.length, 2)
})

test('a Connection header that was taken away is not sent, and the connection is kept all the same', async () => {
  await using server = await answering(OK)
  await using session = new Session()
  for (let times = 0; times < 2; times++) await session.get(server.url, { headers: { Connection: null } })
  assert.doesNotMatch(server.received(), /^Connection/im)
  assert.equal(server.accepted, 1)
})

test('IPv6 addresses are asked', async () => {
  await using server = await startHttpServer({ host: '::1' })
  await using session = new Session()
  const { headers } = (await session.get(`${server.url127}/`)).json<{ headers: Record<string, string> }>()
  assert.equal(headers.host, `[::1]:${server.port}`)
})

const SOCKETS: [url: string, error: { name: string; message: RegExp }][] = [
  ['http+unix://%2Fvar%2Frun%2Fx.sock/info', { name: 'InvalidSchema', message: /Unix sockets are not supported/ }],
  ['unix:/var/run/x.sock:/info', { name: 'InvalidSchema', message: /Unix sockets are not supported/ }],
  ['http://unix:/var/run/x.sock:/info', { name: 'InvalidURL', message: /Unix sockets are not supported/ }],
]

for (const [url, error] of SOCKETS) {
  test(`${url} is refused in so many words`, async () => {
    await using session = new Session()
    await assert.rejects(session.get(url), error)
  })
}

const MEANT: [url: string, advice: RegExp | undefined][] = [
  ['localhost:8443/x', /Perhaps you meant https:\/\/localhost:8443\/x\?$/],
  ['example.com:80', /Perhaps you meant https:\/\/example.com:80\?$/],
  ['mailto:ada@example.com', undefined],
  ['ftp://example.com:21/', undefined],
]

for (const [url, advice] of MEANT) {
  test(`${url} is an InvalidSchema ${advice ? 'with' : 'without'} advice`, async () => {
    await using session = new Session()
    await assert.rejects(session.get(url), (error: Error) => {
      assert.equal(error.name, 'InvalidSchema')
      assert.match(error.message, advice ?? /^No connection adapters were found for '[^']*'$/)
      return true
    })
  })
}

test('an aborted request leaves the next one alone', async () => {
  await using server = await answering(OK)
  await using session = new Session()
  const options: RequestOptions = { signal: AbortSignal.abort(new Error('no')) }
  await assert.rejects(session.get(server.url, options), /no/)
  assert.equal((await session.get(server.url)).text, 'ok')
})
