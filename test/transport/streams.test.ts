/** Bodies in motion: who owns a stream, who waits for whom, and what is left when it ends early. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createGzip } from 'node:zlib'
import { Request, type RequestOptions, Session } from '../../src/index.ts'
import { eventually } from '../helpers/eventually.ts'
import { createAuthority } from '../helpers/pki.ts'
import { type Echo, startHttpServer, startHttpsServer } from '../helpers/servers.ts'
import { startTcpServer } from '../helpers/tcp.ts'
import { tempDir } from '../helpers/temp.ts'

const dir = tempDir()
after(() => dir[Symbol.dispose]())
const file = dir.write('large', Buffer.alloc(3_000_000, 'x'))

const authority = createAuthority()

const FAILURES: [what: string, options: RequestOptions, url: (tls: string) => string][] = [
  ['a refused connection', {}, () => 'http://127.0.0.1:1/'],
  ['a name that does not resolve', {}, () => 'http://nowhere.invalid/'],
  ['a scheme without an adapter', {}, () => 'ftp://127.0.0.1/'],
  ['a server that is not trusted', {}, (tls) => tls],
  ['a bundle that is not there', { verify: '/nowhere.pem' }, (tls) => tls],
  ['an aborted signal', { signal: AbortSignal.abort() }, (tls) => tls],
  ['a proxy that is not there', { proxies: { all: 'http://127.0.0.1:1' } }, () => 'http://127.0.0.1:2/'],
]

for (const [what, options, url] of FAILURES) {
  for (const as of ['data', 'files'] as const) {
    test(`${what} closes the streams of ${as}, files and all`, async () => {
      const { chain, key } = authority.issue({ hosts: ['localhost'] })
      await using server = await startHttpsServer({ cert: chain, key })
      await using session = new Session()
      let cancelled = false
      const cancel = () => {
        cancelled = true
      }
      const web = new ReadableStream({ cancel })
      const read = createReadStream(file)
      const readable = new Readable({ read() {} })
      for (const data of [read, readable, web]) {
        const body = as === 'data' ? { data } : { files: { file: data } }
        await assert.rejects(session.post(url(server.url), { ...body, ...options }))
      }
      assert(read.destroyed && readable.destroyed)
      await eventually(() => cancelled && read.closed, 'a stream stays open')
    })
  }
}

test('a generator that was being read is ended, and a file stream can be sent again after a failure', async () => {
  await using refusing = await startTcpServer((socket) => socket.resetAndDestroy())
  await using server = await startHttpServer()
  await using session = new Session()
  let ended = false
  const generator = async function* () {
    try {
      for (;;) {
        yield Buffer.alloc(65_536)
        await sleep(1)
      }
    } finally {
      ended = true
    }
  }
  await assert.rejects(session.post(refusing.url, { data: generator() }), { name: 'ConnectionError' })
  await eventually(() => ended, 'the generator goes on')
  const stream = createReadStream(dir.write('small', 'again'))
  const prepared = session.prepareRequest(new Request('PUT', refusing.url, { data: stream }))
  await assert.rejects(session.send(prepared))
  prepared.target = new URL(server.url127)
  assert.equal((await session.send(prepared)).json<Echo>().body, 'again')
})

test('an error in a stream rejects with that very error, and closes the connection', async () => {
  let closed = 0
  await using server = await startTcpServer((socket) => socket.on('data', () => {}).on('close', () => closed++))
  await using session = new Session()
  const failure = new Error('the disk is on fire')
  const failing = async function* () {
    yield 'a'
    await sleep(10)
    throw failure
  }
  const readable = new Readable({
    read() {
      setTimeout(() => readable.destroy(failure), 20)
    },
  })
  for (const data of [failing(), readable]) await assert.rejects(session.post(server.url, { data }), failure)
  await assert.rejects(session.post(server.url, { files: { f: failing() } }), failure)
  await eventually(() => closed === 3, 'a connection stays open')
})

const ENDINGS: [what: string, end: (socket: Socket) => void][] = [
  ['reads on', () => {}],
  ['closes the connection', (socket) => socket.pause() && setTimeout(() => socket.destroy(), 50)],
  ['resets the connection', (socket) => socket.pause() && setTimeout(() => socket.resetAndDestroy(), 50)],
  ['ends its side', (socket) => socket.pause() && socket.end()],
]

for (const [what, end] of ENDINGS) {
  test(`an answer that comes during the upload is not lost when the server then ${what}`, async () => {
    await using server = await startTcpServer((socket) => {
      let received = 0
      socket.on('data', ({ length }) => {
        const before = received
        received += length
        if (before >= 100_000 || received < 100_000) return
        socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig')
        end(socket)
      })
    })
    await using session = new Session()
    let ended = false
    const generator = async function* () {
      try {
        for (let count = 0; count < 1024; count++) yield Buffer.alloc(65_536)
      } finally {
        ended = true
      }
    }
    for (const data of [generator(), Buffer.alloc(32_000_000)]) {
      const response = await session.post(server.url, { data })
      assert.deepEqual([response.statusCode, response.text], [413, 'big'])
    }
    await eventually(() => ended, 'the upload goes on')
  })
}

test('a server that does not read makes the upload wait', async () => {
  let socketOfServer: Socket | undefined
  await using server = await startTcpServer((socket) => {
    socketOfServer = socket.pause()
  })
  await using session = new Session()
  let produced = 0
  const generator = async function* () {
    for (let count = 0; count < 1024; count++) {
      produced += 65_536
      yield Buffer.alloc(65_536)
    }
  }
  const sending = session.post(server.url, { data: generator() })
  let before = -1
  while (produced !== before) {
    before = produced
    await sleep(100)
  }
  // What the sockets of both sides buffer, and a few chunks in transit.
  assert(produced > 0 && produced < 24_000_000, `${produced} bytes were produced`)
  socketOfServer?.on('data', () => {}).resume()
  await eventually(() => produced === 1024 * 65_536, 'the upload does not go on')
  socketOfServer?.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
  assert.equal((await sending).statusCode, 200)
})

for (const encoding of ['identity', 'gzip']) {
  test(`a reader who does not read makes a server wait that sends ${encoding}`, async () => {
    let sent = 0
    await using server = await startHttpServer({
      handler: (_request, response) => {
        response.setHeader('Content-Encoding', encoding)
        const source = Readable.from(
          (function* () {
            for (let count = 0; count < 1024; count++) {
              sent += 65_536
              yield randomBytes(65_536)
            }
          })(),
        )
        if (encoding === 'gzip') source.pipe(createGzip({ level: 1 })).pipe(response)
        else source.pipe(response)
      },
    })
    await using session = new Session()
    const response = await session.get(server.url127, { stream: true })
    let before = -1
    while (sent !== before) {
      before = sent
      await sleep(100)
    }
    assert(sent < 24_000_000, `${sent} bytes were sent`)
    let received = 0
    for await (const chunk of response) received += chunk.length
    assert.equal(received, 1024 * 65_536)
  })
}

test('an unread response is closed with its session', async () => {
  await using server = await startHttpServer({ handler: (_request, response) => response.write('x') })
  const session = new Session()
  const response = await session.get(server.url127, { stream: true })
  await session.close()
  await assert.rejects(response.read(), { name: 'ChunkedEncodingError' })
})

test('what is sent over TLS arrives whole, in order, from a file in many pieces', async () => {
  const { chain, key } = authority.issue({ hosts: ['localhost'] })
  await using server = await startHttpsServer({
    cert: chain,
    key,
    handler: async (request, response) => {
      const hash = createHash('sha256')
      for await (const chunk of request) hash.update(chunk as Buffer)
      response.end(hash.digest('hex'))
    },
  })
  await using session = new Session({ verify: authority.certificate })
  const content = Buffer.from(Array.from({ length: 400_000 }, (_, n) => n % 251))
  const path = dir.write('patterned', content)
  const response = await session.put(server.url, { data: createReadStream(path, { highWaterMark: 1000 }) })
  assert.equal(response.text, createHash('sha256').update(content).digest('hex'))
})
