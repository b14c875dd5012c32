/** Uploads that do not end as planned: answered early, aborted, broken by their own source. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { get, HTTPAdapter, post, Session, UnrewindableBodyError } from '../../src/index.ts'
import { eventually } from '../helpers/eventually.ts'
import { type Handler, startHttpServer } from '../helpers/servers.ts'
import { startTcpServer } from '../helpers/tcp.ts'

/** Answers with half of a page at once, takes the upload, and sends the rest. */
const early: Handler = async (request, response) => {
  response.writeHead(413, { 'Content-Length': '2000' })
  response.write('x'.repeat(1000))
  for await (const _ of request);
  response.end('y'.repeat(1000))
}

for (const size of [1000, 65_536, 65_537, 200_000, 3_000_000]) {
  test(`a body of ${size} bytes in memory is sent to its end where the answer begins before`, async () => {
    await using server = await startHttpServer({ handler: early })
    await using session = new Session()
    for (const options of [
      { data: Buffer.alloc(size) },
      { json: 'x'.repeat(size) },
      { files: { f: Buffer.alloc(size) } },
    ]) {
      const response = await session.post(server.url127, options)
      assert.deepEqual([response.statusCode, response.content.length], [413, 2000])
    }
    assert.equal(server.connections, 1)
  })
}

/** A server that notes whether an upload ended as a whole one. */
async function startNoting(answer: (socket: Socket) => void) {
  const notes: string[] = []
  const server = await startTcpServer((socket) => {
    let text = ''
    socket.on('data', (chunk) => {
      if (text === '') answer(socket)
      text += chunk.toString('latin1')
      if (/\r\n0\r\n\r\n$/.test(text)) notes.push('whole')
    })
    socket.on('close', () => notes.push('closed'))
  })
  return Object.assign(server, { notes })
}

async function* slowly(count = 10): AsyncGenerator<Buffer> {
  for (let n = 0; n < count; n++) {
    yield Buffer.alloc(1000)
    await delay(30)
  }
}

const sources: [what: string, options: () => Parameters<typeof post>[1]][] = [
  ['a generator', () => ({ data: slowly() })],
  ['a part that is a generator', () => ({ files: { f: slowly() } })],
  ['a web stream', () => ({ data: ReadableStream.from(slowly()) })],
]

for (const [what, options] of sources) {
  test(`an upload of ${what} that is aborted for a redirect is not taken for a complete one`, async () => {
    await using server = await startNoting((socket) => {
      socket.write('HTTP/1.1 307 Go\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n')
    })
    await assert.rejects(post(server.url, options()), UnrewindableBodyError)
    await delay(400)
    assert.deepEqual(server.notes, ['closed'])
  })

  test(`an upload of ${what} that is aborted by a hook is not taken for a complete one`, async () => {
    await using server = await startNoting((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
    })
    const hooks = {
      response: () => {
        throw new Error('of the hook')
      },
    }
    await assert.rejects(post(server.url, { ...options(), hooks }), /of the hook/)
    await delay(400)
    assert(!server.notes.includes('whole'), server.notes.join())
  })
}

for (const stream of [false, true]) {
  test(`what a body throws after the answer has begun ends the call (stream: ${stream})`, async () => {
    await using server = await startNoting((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbegun\r\n')
    })
    const data = (async function* () {
      yield Buffer.from('x')
      await delay(100)
      throw new Error('of the body')
    })()
    const call = async () => (await post(server.url, { data, stream })).read()
    await assert.rejects(call(), /of the body/)
  })
}

test('no listener stays on a signal, however requests end', async () => {
  await using server = await startHttpServer({
    handler: (request, response) => {
      if (request.url === '/early') response.writeHead(200, { connection: 'close' }).end('early')
      else if (request.url === '/hang') return
      else response.end('ok')
    },
  })
  const controller = new AbortController()
  const { signal } = controller
  const listeners = () => getEventListeners(signal, 'abort').length
  await using session = new Session()
  for (let n = 0; n < 20; n++) {
    await session.post(`${server.url127}/early`, { data: slowly(3), signal })
    await session.post(`${server.url127}/early`, { data: Buffer.alloc(3_000_000), signal }).catch(() => {})
    await session.get(server.url127, { signal })
    await session.get(`${server.url127}/hang`, { signal, timeout: 20 }).catch(() => {})
  }
  await eventually(() => listeners() === 0, 'a listener is left on the signal')
  const last = assert.rejects(session.get(`${server.url127}/hang`, { signal }), { message: 'enough' })
  await delay(20)
  controller.abort(new Error('enough'))
  await last
})

const odd: [what: string, method: 'GET' | 'HEAD', wire: string, status: number, text: string][] = [
  ['a 204 with a body', 'GET', 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello', 204, ''],
  ['more than was announced', 'GET', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok\r\nEXTRA', 200, 'ok'],
  ['a HEAD with a body', 'HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', 200, ''],
]

for (const [what, method, wire, status, text] of odd) {
  test(`${what} is a response all the same, and its connection is not used again`, async () => {
    await using server = await startNoting((socket) => socket.write(wire))
    await using session = new Session()
    for (let n = 0; n < 2; n++) {
      const response = await session.request(method, server.url)
      assert.deepEqual([response.statusCode, response.text], [status, text])
    }
  })
}

test('the pauses that a body makes are not the silence of the server', async () => {
  await using server = await startHttpServer()
  const data = (async function* () {
    yield 'a'
    await delay(400)
    yield 'b'
  })()
  assert.equal((await post(server.url127, { data, timeout: { read: 150 } })).json<{ body: string }>().body, 'ab')
})

test('a thousand headers and more are all there', async () => {
  const lines = Array.from({ length: 1500 }, (_, n) => `X-${n}: ${n}`).join('\r\n')
  await using server = await startNoting((socket) => {
    socket.end(`HTTP/1.1 200 OK\r\n${lines}\r\nSet-Cookie: last=1\r\nContent-Length: 0\r\n\r\n`)
  })
  const response = await get(server.url)
  assert.deepEqual([response.headers.get('x-1499'), response.cookies.get('last')], ['1499', '1'])
})

test('Expect without a Connection header is sent', async () => {
  await using server = await startHttpServer()
  const response = await post(server.url127, { data: 'x', headers: { Expect: '100-continue', Connection: null } })
  assert.equal(response.json<{ body: string }>().body, 'x')
})

test('closing a session ends a request with retries, which is not sent again', async () => {
  await using server = await startHttpServer({ handler: () => {} })
  await using session = new Session()
  session.mount('http://', new HTTPAdapter({ maxRetries: { total: 3 } }))
  const asked = assert.rejects(session.get(server.url127), { name: 'ConnectionError', message: /session was closed/ })
  await delay(50)
  await session.close()
  await asked
  await delay(50)
  assert.equal(server.requests, 1)
})
