import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { deflateRawSync } from 'node:zlib'
import { get, HTTPAdapter, Request, Session, SSLError, UnrewindableBodyError } from '../../src/index.ts'
import { eventually } from '../helpers/eventually.ts'
import { createAuthority } from '../helpers/pki.ts'
import { type Handler, startHttpServer, startHttpsServer } from '../helpers/servers.ts'

test('an answer that comes before the whole body was sent is the answer', async () => {
  const early: Handler = (_request, response) => response.writeHead(413, { Connection: 'close' }).end('too large')
  await using server = await startHttpServer({ handler: early })
  async function* slowly() {
    for (let count = 0; count < 20; count++) {
      yield Buffer.alloc(10_000)
      await sleep(5)
    }
  }
  for (const data of [slowly(), Buffer.alloc(5_000_000)]) {
    await using session = new Session()
    assert.equal((await session.post(server.url127, { data })).statusCode, 413)
  }
})

test('informational answers are passed over', async () => {
  const handler: Handler = (_request, response) => {
    response.writeProcessing()
    response.writeEarlyHints({ link: '</x>; rel=preload' })
    response.end('done')
  }
  await using server = await startHttpServer({ handler })
  await using session = new Session()
  assert.equal((await session.get(server.url127)).text, 'done')
})

test('a request that waits in a full pool can be aborted and timed out', async () => {
  await using server = await startHttpServer({
    handler: (_request, response) => sleep(200).then(() => response.end('ok')),
  })
  await using session = new Session()
  session.mount('http://', new HTTPAdapter({ poolBlock: true, poolMaxsize: 1 }))
  const first = session.get(server.url127)
  const reason = new Error('not any more')
  const controller = new AbortController()
  setTimeout(() => controller.abort(reason), 30)
  await assert.rejects(session.get(server.url127, { signal: controller.signal }), reason)
  await assert.rejects(session.get(server.url127, { timeout: { total: 30 } }), { name: 'Timeout' })
  assert.equal((await first).text, 'ok')
  assert.equal(server.requests, 1)
})

const BODIES: [title: string, body: () => AsyncGenerator<Uint8Array>, error: object][] = [
  [
    'throws',
    async function* () {
      yield Buffer.from('x')
      throw new RangeError('the disk is full')
    },
    { name: 'RangeError', message: 'the disk is full' },
  ],
  [
    'yields what is no bytes',
    async function* () {
      yield 5 as unknown as Uint8Array
    },
    { name: 'TypeError' },
  ],
]

for (const [title, body, error] of BODIES) {
  test(`a body that ${title} rejects with its own error`, async () => {
    await using server = await startHttpServer()
    await using session = new Session()
    await assert.rejects(session.post(server.url127, { data: body() }), error)
    await eventually(() => server.open === 0, 'a connection is left open')
  })
}

test('a stream that is sent twice is an UnrewindableBodyError', async () => {
  await using server = await startHttpServer()
  await using session = new Session()
  const prepared = session.prepareRequest(new Request('POST', server.url127, { data: Readable.from(['x']) }))
  assert.ok((await session.send(prepared)).ok)
  await assert.rejects(session.send(prepared), UnrewindableBodyError)
})

test('close() leaves no connection behind of requests that have only just begun', async () => {
  await using server = await startHttpServer()
  for (const wait of [() => undefined, () => sleep(0)]) {
    const session = new Session()
    const asked = session.get(server.url127).catch(() => {})
    await wait()
    await session.close()
    await asked
    await eventually(() => server.open === 0, 'a connection is left open')
  }
})

test('close() rejects the requests that wait in a full pool', async () => {
  await using server = await startHttpServer({
    handler: (_request, response) => sleep(100).then(() => response.end('ok')),
  })
  const session = new Session()
  session.mount('http://', new HTTPAdapter({ poolBlock: true, poolMaxsize: 1 }))
  const asked = [session.get(server.url127), session.get(server.url127)]
  setTimeout(() => void session.close(), 30)
  const outcomes = await Promise.allSettled(asked)
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'rejected'],
  )
  await eventually(() => server.open === 0, 'a connection is left open')
})

test('deflate without its zlib header is decoded, as some servers send it', async () => {
  await using server = await startHttpServer({
    handler: (_request, response) =>
      response.writeHead(200, { 'Content-Encoding': 'deflate' }).end(deflateRawSync('hello')),
  })
  assert.equal((await get(server.url127)).text, 'hello')
})

test('the error of a handshake that the server refuses is one line', async () => {
  const ca = createAuthority()
  const { key, chain: cert } = ca.issue({ hosts: ['127.0.0.1'] })
  await using server = await startHttpsServer({ key, cert, ciphers: 'ECDHE-RSA-AES128-SHA', maxVersion: 'TLSv1.2' })
  await assert.rejects(get(server.url127, { verify: ca.certificate }), (error) => {
    assert.ok(error instanceof SSLError)
    assert.doesNotMatch(error.summary, /\n/)
    assert.doesNotMatch(error.message, /openssl\//)
    assert.equal(error.reason, 'protocol')
    return true
  })
})

test('an error keeps nothing of what the server sent', async () => {
  await using server = await startHttpServer({
    handler: ({ socket }) => socket.end('garbage; Set-Cookie: secret\r\n\r\n'),
  })
  await assert.rejects(get(server.url127), ({ cause }: Error) => !('rawPacket' in (cause as object)))
})

test('an option of an adapter that is undefined is as if it was not there', async () => {
  await using server = await startHttpServer()
  const [poolConnections, poolMaxsize, poolBlock, keepAliveTimeout, maxRetries] = [] as undefined[]
  await using session = new Session()
  session.mount('http://', new HTTPAdapter({ poolConnections, poolMaxsize, poolBlock, keepAliveTimeout, maxRetries }))
  assert.equal((await session.get(server.url127)).statusCode, 200)
})
