/** The option `expectContinue`: bodies that wait for `100 Continue`. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { HTTPDigestAuth, post, Session } from '../../src/index.ts'
import { PASSWORD, startDigestServer, USER } from '../helpers/digest.ts'
import { startHttpServer } from '../helpers/servers.ts'
import { startTcpServer } from '../helpers/tcp.ts'

/** A server that `respond`s to the head of each request, and keeps what it received. */
async function startRaw(respond: (socket: Socket, head: string) => void) {
  const received: string[] = []
  const server = await startTcpServer((socket) => {
    const index = received.push('') - 1
    socket.on('data', (chunk) => {
      const before = received[index] ?? ''
      received[index] = before + chunk.toString('latin1')
      if (!before.includes('\r\n\r\n') && received[index].includes('\r\n\r\n')) respond(socket, received[index])
    })
  })
  return Object.assign(server, {
    received,
    bodies: () => received.map((text) => text.slice(text.indexOf('\r\n\r\n') + 4)),
  })
}

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

test('the body is sent when the server agrees, and not before', async () => {
  await using server = await startRaw(async (socket) => {
    await delay(100)
    assert.deepEqual(server.bodies(), [''])
    socket.write('HTTP/1.1 100 Continue\r\n\r\n')
    await delay(50)
    socket.write(OK)
  })
  const response = await post(server.url, { data: 'the body', expectContinue: 5000 })
  assert.equal(response.text, 'ok')
  assert.match(server.received[0] ?? '', /^expect: 100-continue\r$/im)
  assert.deepEqual(server.bodies(), ['the body'])
})

test('nothing of the body is sent to a server that refuses it, and its connection is closed', async () => {
  await using server = await startRaw((socket) => {
    socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno')
  })
  await using session = new Session({ expectContinue: true })
  for (let n = 0; n < 2; n++) {
    const response = await session.post(server.url, { data: Buffer.alloc(100_000) })
    assert.deepEqual([response.statusCode, response.text], [413, 'no'])
  }
  assert.deepEqual(server.bodies(), ['', ''])
})

for (const head of ['200 OK\r\n', '302 Found\r\nLocation: /\r\n', '413 Too Large\r\nContent-Length: 9\r\n']) {
  test(`the read timeout limits a response in place of 100 Continue that falls silent: ${head.split('\r')[0]}`, async () => {
    await using server = await startTcpServer((socket) => {
      socket.once('data', () => socket.write(`HTTP/1.1 ${head}\r\nabc`))
    })
    const options = { data: Buffer.alloc(1000), expectContinue: 100, timeout: { read: 200 } }
    await assert.rejects(post(server.url, options), { name: 'ReadTimeout' })
    const response = await post(server.url, { ...options, allowRedirects: false, stream: true })
    await assert.rejects(response.read(), { name: 'ReadTimeout' })
  })
}

test('the read timeout limits a response that falls silent while the body of the request is produced', async () => {
  await using server = await startTcpServer((socket) => {
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\n\r\nabc'))
  })
  const data = (async function* () {
    yield 'x'
    await delay(2000, undefined, { ref: false })
  })()
  await assert.rejects(post(server.url, { data, timeout: { read: 200 } }), { name: 'ReadTimeout' })
})

test('a server that does not answer the expectation gets the body after the limit', async () => {
  await using server = await startRaw(async (socket) => {
    while (!(server.received[0] ?? '').endsWith('late')) await delay(10)
    socket.write(OK)
  })
  const started = performance.now()
  assert.equal((await post(server.url, { data: 'late', expectContinue: 150 })).text, 'ok')
  assert(performance.now() - started >= 149)
})

test('417 makes the request go out again without the expectation', async () => {
  await using server = await startRaw((socket, head) => {
    socket.write(/^expect:/im.test(head) ? 'HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n' : OK)
  })
  const data = (async function* () {
    yield 'once'
  })()
  assert.equal((await post(server.url, { data, expectContinue: true })).text, 'ok')
  assert.match(server.received[1] ?? '', /once/)
})

test('a request without a body, and one without the option, expects nothing', async () => {
  await using server = await startHttpServer()
  await using session = new Session({ expectContinue: true })
  const expected = async (response: ReturnType<typeof post>) =>
    (await response).json<{ headers: { expect?: string } }>().headers.expect
  assert.equal(await expected(session.post(server.url127)), undefined)
  assert.equal(await expected(session.post(server.url127, { data: 'x', expectContinue: false })), undefined)
  assert.equal(await expected(session.post(server.url127, { data: 'x' })), '100-continue')
})

test('a digest challenge comes before the body, which is sent once', async () => {
  await using server = await startDigestServer()
  await using session = new Session({ auth: new HTTPDigestAuth(USER, PASSWORD), expectContinue: true })
  assert.equal((await session.post(server.url127, { data: 'x' })).text, 'POST x')
})

for (const value of ['1', {}, Number.NaN]) {
  test(`expectContinue: ${JSON.stringify(value)} is a TypeError`, async () => {
    await assert.rejects(post('http://127.0.0.1:1/', { data: 'x', expectContinue: value as never }), TypeError)
  })
}
