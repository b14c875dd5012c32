/** Responses that come before the end of an upload, from servers that close their connection or read on. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { createReadStream, writeFileSync } from 'node:fs'
import { createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { after, test } from 'node:test'
import { createServer as createTlsServer } from 'node:tls'
import { HTTPDigestAuth, type RequestOptions, Session } from '../../src/index.ts'
import { selfSigned } from '../helpers/pki.ts'
import { startProxy } from '../helpers/proxy.ts'
import { startSocks4a } from '../helpers/socks4a.ts'
import { startServer, startTcpServer } from '../helpers/tcp.ts'
import { tempDir } from '../helpers/temp.ts'

const folder = tempDir()
after(() => folder[Symbol.dispose]())

function fileOf(bytes: number): string {
  const path = `${folder.path}/${bytes}.bin`
  writeFileSync(path, Buffer.alloc(bytes, 'x'))
  return path
}

const small = fileOf(300_000)
const large = fileOf(2_000_000)

async function* chunks(count: number, bytes: number): AsyncGenerator<Buffer> {
  for (let n = 0; n < count; n++) yield Buffer.alloc(bytes, 'x')
}

const BODIES: readonly (readonly [what: string, options: () => RequestOptions])[] = [
  ['1 kB in memory', () => ({ data: Buffer.alloc(1000) })],
  ['300 kB in memory', () => ({ data: Buffer.alloc(300_000) })],
  ['8 MB in memory', () => ({ data: Buffer.alloc(8_000_000) })],
  ['JSON of 1 MB', () => ({ json: 'x'.repeat(1_000_000) })],
  ['a file of 300 kB', () => ({ data: createReadStream(small) })],
  ['a file of 2 MB', () => ({ data: createReadStream(large) })],
  ['a file as a part', () => ({ files: { f: createReadStream(large) } })],
  ['a Blob', () => ({ data: new Blob([Buffer.alloc(3_000_000)]) })],
  ['a generator of many small chunks', () => ({ data: chunks(3000, 1000) })],
  ['a web stream', () => ({ data: ReadableStream.from(chunks(40, 65_536)) })],
  ['bytes with progress', () => ({ data: Buffer.alloc(2_000_000), onUploadProgress: () => {} })],
]

const RESPONSES: readonly (readonly [framing: string, wire: string])[] = [
  ['a length', 'HTTP/1.1 413 Too Large\r\nContent-Length: 9\r\nConnection: close\r\n\r\ntoo large'],
  ['a length and keep-alive', 'HTTP/1.1 413 Too Large\r\nContent-Length: 9\r\n\r\ntoo large'],
  ['chunks', 'HTTP/1.1 413 Too Large\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ntoo large\r\n0\r\n\r\n'],
  ['the end of the connection', 'HTTP/1.1 413 Too Large\r\n\r\ntoo large'],
  ['HTTP/1.0', 'HTTP/1.0 413 Too Large\r\n\r\ntoo large'],
]

/** What a server does after its response. A reset follows if it closes while bytes of the upload are unread. */
type Ending = 'resets' | 'reads on'

/** A server that responds as soon as it has the headers. */
async function startEarly(server: Server, event: string, respond: (head: string) => string, ending: Ending) {
  server.on(event, (socket: Socket) => {
    let head = ''
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      if (head.includes('\r\n\r\n')) return
      head += chunk.toString('latin1')
      if (!head.includes('\r\n\r\n')) return
      const wire = respond(head)
      if (ending === 'reads on') {
        socket.end(wire)
        return
      }
      socket.pause()
      socket.write(wire, () => socket.destroy())
    })
  })
  return Object.assign(await startServer(server), { server })
}

const startPlain = (respond: (head: string) => string, ending: Ending) =>
  startEarly(createTcpServer(), 'connection', respond, ending)

const TIMES = 5

async function assertRefused(url: string, options: () => RequestOptions, session = new Session()): Promise<void> {
  await using _ = session
  for (let n = 0; n < TIMES; n++) {
    const response = await session.post(url, { ...options(), timeout: { read: 10_000 } })
    assert.deepEqual([response.statusCode, response.text], [413, 'too large'])
  }
}

for (const [framing, wire] of RESPONSES) {
  for (const ending of ['resets', 'reads on'] as const) {
    test(`a response framed by ${framing}, of a server that then ${ending}, refuses any upload`, async (t) => {
      for (const [what, options] of BODIES) {
        await t.test(what, async () => {
          await using server = await startPlain(() => wire, ending)
          await assertRefused(`http://127.0.0.1:${server.port}/`, options)
        })
      }
    })
  }
}

const [, refusal = ''] = RESPONSES[0] ?? []

for (const ending of ['resets', 'reads on'] as const) {
  test(`over TLS a server that then ${ending} refuses any upload`, async (t) => {
    const certificate = selfSigned({ hosts: ['127.0.0.1'] })
    for (const [what, options] of BODIES) {
      await t.test(what, async () => {
        const listener = createTlsServer({ key: certificate.key, cert: certificate.certificate, noDelay: true })
        await using server = await startEarly(listener, 'secureConnection', () => refusal, ending)
        const session = new Session({ verify: certificate.certificate })
        await assertRefused(`https://127.0.0.1:${server.port}/`, options, session)
      })
    }
  })
}

test('an early response passes a SOCKS proxy', async () => {
  await using proxy = await startSocks4a()
  await using server = await startPlain(() => refusal, 'reads on')
  const proxies = { http: `socks4a://127.0.0.1:${proxy.port}` }
  await assertRefused(
    `http://127.0.0.1:${server.port}/`,
    () => ({ data: Buffer.alloc(2_000_000) }),
    new Session({ proxies }),
  )
})

test('an http proxy that refuses an upload itself is read to the end', async () => {
  await using proxy = await startPlain(() => refusal, 'resets')
  const session = new Session({ proxies: { http: `http://127.0.0.1:${proxy.port}` } })
  await assertRefused('http://server.invalid/', () => ({ data: createReadStream(large) }), session)
})

test('an early response passes an http proxy', async () => {
  await using proxy = await startProxy()
  await using server = await startPlain(() => refusal, 'reads on')
  const session = new Session({ proxies: { http: proxy.url } })
  await assertRefused(`http://127.0.0.1:${server.port}/`, () => ({ data: Buffer.alloc(100_000) }), session)
})

for (const status of ['307 Temporary Redirect', '308 Permanent Redirect']) {
  test(`a ${status.slice(0, 3)} before the end of a file is followed, and the file sent again from its start`, async () => {
    let received = 0
    await using target = await startPlain(() => 'unused', 'reads on')
    target.server.removeAllListeners('connection')
    target.server.on('connection', (socket: Socket) => {
      let text = ''
      socket.on('error', () => {})
      socket.on('data', (chunk) => {
        text += chunk.toString('latin1')
        received = text.length - text.indexOf('\r\n\r\n') - 4
        if (received === 2_000_000) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone')
      })
    })
    const wire = `HTTP/1.1 ${status}\r\nLocation: http://127.0.0.1:${target.port}/\r\nContent-Length: 0\r\n\r\n`
    await using server = await startPlain(() => wire, 'resets')
    await using session = new Session()
    for (let n = 0; n < TIMES; n++) {
      const response = await session.put(`http://127.0.0.1:${server.port}/`, { data: createReadStream(large) })
      assert.deepEqual([response.statusCode, response.text, received], [200, 'done', 2_000_000])
    }
  })
}

/** Whether it says so or not: it keeps the connection open for a moment, so that the client would use it again. */
for (const [what, response] of [
  ['a digest challenge', 'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm="r", nonce="n", qop="auth"\r\n'],
  ['a challenge of 403', 'HTTP/1.1 403 Forbidden\r\nWWW-Authenticate: Digest realm="r", nonce="n", qop="auth"\r\n'],
  ['a 307', 'HTTP/1.1 307 Temporary Redirect\r\nLocation: /again\r\n'],
  ['a 308', 'HTTP/1.1 308 Permanent Redirect\r\nLocation: /again\r\n'],
] as const) {
  test(`${what} of a server that closes its connection a little later leads to another connection`, async () => {
    await using server = await startTcpServer((socket) => {
      socket.once('data', (chunk) => {
        socket.pause()
        const isFirst = !/^authorization:|^POST \/again/im.test(chunk.toString('latin1'))
        socket.write(isFirst ? `${response}Content-Length: 0\r\n\r\n` : refusal)
        setTimeout(() => socket.destroy(), 30)
      })
    })
    for (const size of [1000, 60_000, 300_000, 2_000_000]) {
      await using session = new Session({ auth: new HTTPDigestAuth('ada', 'secret') })
      assert.equal((await session.post(server.url, { data: Buffer.alloc(size) })).text, 'too large')
    }
    assert.equal(server.accepted, 8)
  })
}

test('a digest challenge before the end of a file is answered', async () => {
  const challenge =
    'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm="r", nonce="n", qop="auth"\r\nContent-Length: 3\r\n\r\nwho'
  await using server = await startPlain((head) => (/^authorization:/im.test(head) ? refusal : challenge), 'resets')
  for (let n = 0; n < 20; n++) {
    await using session = new Session({ auth: new HTTPDigestAuth('ada', 'secret') })
    const response = await session.post(`http://127.0.0.1:${server.port}/`, { data: createReadStream(large) })
    assert.deepEqual([response.statusCode, response.history[0]?.text], [413, 'who'])
  }
})
