/** How bodies, connections and pools end when something unusual happens. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { ConnectionError, get, HTTPAdapter, Session, SSLError } from '../../src/index.ts'
import { eventually } from '../helpers/eventually.ts'
import { createAuthority, selfSigned } from '../helpers/pki.ts'
import { startHttpServer, startHttpsServer, type TestServer } from '../helpers/servers.ts'
import { startTcpServer } from '../helpers/tcp.ts'
import { tempDir } from '../helpers/temp.ts'

/** A server that begins a body and never ends it. */
function startEndless(encoding: 'identity' | 'gzip'): Promise<TestServer> {
  return startHttpServer({
    handler: (_request, response) => {
      response.writeHead(200, { 'content-encoding': encoding })
      response.write(encoding === 'gzip' ? gzipSync('hello').subarray(0, 12) : 'hello')
    },
  })
}

for (const encoding of ['identity', 'gzip'] as const) {
  test(`close() destroys the connection of an unfinished ${encoding} body, read or not`, async () => {
    await using server = await startEndless(encoding)
    await using session = new Session()
    session.mount('http://', new HTTPAdapter({ poolMaxsize: 2, poolBlock: true }))
    for (let count = 0; count < 5; count++) (await session.get(server.url127, { stream: true })).close()
    const response = await session.get(server.url127, { stream: true })
    const reading = assert.rejects(response.read())
    await delay(10)
    response.close()
    await reading
    await eventually(() => server.open === 0, 'the connection is left open')
  })

  test(`session.close() ends the ${encoding} bodies of pools that made room for others`, async () => {
    await using one = await startEndless(encoding)
    await using two = await startEndless(encoding)
    const session = new Session()
    session.mount('http://', new HTTPAdapter({ poolConnections: 1 }))
    const responses = [await session.get(one.url127, { stream: true }), await session.get(two.url127, { stream: true })]
    const reading = responses.map((response) => assert.rejects(response.read()))
    await session.close()
    await Promise.all(reading)
    await eventually(() => one.open + two.open === 0, 'a connection is left open')
  })
}

for (const size of [0, 1, 16_000, 66_000, 200_000]) {
  test(`close() leaves no connection behind when ${size} bytes have arrived unread`, async () => {
    await using server = await startHttpServer({ handler: (_request, response) => response.end(Buffer.alloc(size)) })
    await using session = new Session()
    session.mount('http://', new HTTPAdapter({ poolMaxsize: 2 }))
    const responses = Array.from({ length: 6 }, () => session.get(server.url127, { stream: true }))
    for (const response of await Promise.all(responses)) {
      await delay(5)
      await response.close()
    }
    await eventually(() => server.open <= 2, 'connections were left behind')
    assert.equal((await session.get(server.url127)).content.length, size)
  })
}

test('a server that switches protocols unasked is an error at once', async () => {
  await using server = await startTcpServer((socket) => {
    socket.once('data', () => socket.write('HTTP/1.1 101 X\r\nUpgrade: other\r\nConnection: Upgrade\r\n\r\n'))
  })
  await assert.rejects(get(server.url), ConnectionError)
})

for (const [times, ends] of [
  [2, true],
  [3, false],
  [100, false],
] as const) {
  test(`a body that was encoded ${times} times is ${ends ? 'decoded' : 'refused'}`, async () => {
    await using server = await startHttpServer({
      handler: (_request, response) => {
        const encoded = Array(times)
          .fill(0)
          .reduce<Buffer>((body) => gzipSync(body), Buffer.from('hello'))
        response.writeHead(200, { 'content-encoding': Array(times).fill('gzip').join() }).end(encoded)
      },
    })
    if (ends) assert.equal((await get(server.url127)).text, 'hello')
    else await assert.rejects(get(server.url127), { name: 'ContentDecodingError' })
  })
}

/** A server that answers the first request of a connection, and drops the connection at the second. */
async function startDropping() {
  const authority = createAuthority()
  const { chain, key } = authority.issue({ hosts: ['127.0.0.1'] })
  const seen = new WeakSet<Socket>()
  const asked: string[] = []
  const server = await startHttpsServer({
    cert: chain,
    key,
    handler: (request, response) => {
      asked.push(`${request.method} ${seen.has(request.socket) ? 'again' : 'first'}`)
      if (seen.has(request.socket)) request.socket.destroy()
      else response.end()
      seen.add(request.socket)
    },
  })
  return { server, asked, certificate: authority.certificate }
}

test('a GET on a connection that breaks is sent again, a POST is not', async () => {
  const { server: dropping, asked, certificate } = await startDropping()
  await using server = dropping
  await using session = new Session({ verify: certificate })
  await session.get(server.url127)
  assert((await session.get(server.url127)).ok)
  await assert.rejects(session.post(server.url127, { data: 'pay' }), ConnectionError)
  assert.deepEqual(asked, ['GET first', 'GET again', 'GET first', 'POST again'])
})

test('a request that is sent again is judged by what is trusted then', async () => {
  const { server: dropping, certificate } = await startDropping()
  await using server = dropping
  using dir = tempDir()
  const path = dir.write('bundle.pem', certificate)
  await using session = new Session({ verify: path })
  await session.get(server.url127)
  const again = session.get(server.url127)
  dir.write('bundle.pem', selfSigned().certificate)
  await assert.rejects(again, SSLError)
})

test('a stale client certificate alone retires its connections', async () => {
  const authority = createAuthority()
  const { chain, key } = authority.issue({ hosts: ['127.0.0.1'] })
  await using server = await startHttpsServer({ cert: chain, key, ca: authority.certificate, requestCert: true })
  using dir = tempDir()
  await using session = new Session({ verify: authority.certificate, cert: dir.join('client.pem') })
  for (let round = 0; round < 3; round++) {
    const pair = authority.issue({ commonName: `client ${round}`, hosts: [], extendedKeyUsage: ['clientAuth'] })
    dir.write('client.pem', pair.chain + pair.key)
    await session.get(server.url127)
  }
  await eventually(() => server.open <= 1, 'a connection was left behind')
  assert.equal(server.open, 1)
})
