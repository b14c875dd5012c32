import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ConnectionError, HTTPAdapter, type HTTPAdapterOptions, Session } from '../../src/index.ts'
import { eventually } from '../helpers/eventually.ts'
import { moduleUrl, nodeMajor } from '../helpers/modules.ts'
import { selfSigned } from '../helpers/pki.ts'
import { outputOfScript, startScript } from '../helpers/processes.ts'
import { type Handler, startHttpServer, startHttpsServer, type TestServer } from '../helpers/servers.ts'

/** A session whose pools are of these sizes. */
function sessionWith(options: HTTPAdapterOptions): Session {
  const session = new Session()
  const adapter = new HTTPAdapter(options)
  session.mount('https://', adapter)
  session.mount('http://', adapter)
  return session
}

const slow: Handler = async (_request, response) => {
  await sleep(20)
  response.end('ok')
}

const settlesAt = (server: TestServer, wanted: number): Promise<void> =>
  eventually(() => server.open === wanted, `not ${wanted} connections are open`)

const times = <T>(count: number, action: () => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, action))

test('twenty requests one after the other use one connection, by http and by https', async () => {
  const { key, certificate: cert } = selfSigned({ hosts: ['127.0.0.1'] })
  await using plain = await startHttpServer()
  await using secure = await startHttpsServer({ key, cert })
  await using session = new Session({ verify: cert })
  for (const server of [plain, secure]) {
    for (let count = 0; count < 20; count++) await session.get(`${server.url127}/${count}`)
    assert.deepEqual([server.connections, server.requests], [1, 20])
  }
})

test('poolMaxsize connections are kept when idle; more are opened, and closed afterwards', async () => {
  await using server = await startHttpServer({ handler: slow })
  await using session = sessionWith({ poolMaxsize: 2 })
  await times(6, () => session.get(server.url127))
  assert.equal(server.connections, 6)
  await settlesAt(server, 2)
})

test('with poolBlock no more than poolMaxsize are opened; further requests wait', async () => {
  await using server = await startHttpServer({ handler: slow })
  await using session = sessionWith({ poolMaxsize: 2, poolBlock: true })
  const responses = await times(6, () => session.get(server.url127))
  assert.ok(responses.every(({ ok }) => ok))
  assert.equal(server.connections, 2)
})

test('the least recently used pool is closed when there are more than poolConnections', async () => {
  await using one = await startHttpServer()
  await using two = await startHttpServer()
  await using three = await startHttpServer()
  await using session = sessionWith({ poolConnections: 2 })
  for (const { url127 } of [one, two, one, three, one, two]) await session.get(url127)
  // The fourth request closes the pool of the second server, the last one that of the third.
  assert.deepEqual([one.connections, two.connections, three.connections], [1, 2, 1])
  await settlesAt(three, 0)
})

test('a retired pool lets the request that uses it finish', async () => {
  await using server = await startHttpServer({ handler: slow })
  await using other = await startHttpServer()
  await using session = sessionWith({ poolConnections: 1 })
  const [response] = await Promise.all([session.get(server.url127), session.get(other.url127)])
  assert.equal(response.text, 'ok')
  await settlesAt(server, 0)
})

test('an idle connection is closed after keepAliveTimeout', async () => {
  await using server = await startHttpServer()
  await using session = sessionWith({ keepAliveTimeout: 40 })
  await session.get(server.url127)
  await sleep(10)
  assert.equal(server.open, 1)
  await settlesAt(server, 0)
  await session.get(server.url127)
  assert.equal(server.connections, 2)
})

test('a server that takes longer than keepAliveTimeout is waited for', async () => {
  const handler: Handler = (_request, response) => void setTimeout(() => response.end('ok'), 100)
  const { key, certificate: cert } = selfSigned({ hosts: ['127.0.0.1'] })
  await using plain = await startHttpServer({ handler })
  await using secure = await startHttpsServer({ handler, cert, key })
  await using session = sessionWith({ keepAliveTimeout: 20 })
  for (const { url127 } of [plain, secure]) assert.equal((await session.get(url127, { verify: cert })).text, 'ok')
})

test('a server that announces how long it keeps a connection is believed', async () => {
  await using server = await startHttpServer({
    handler: (_request, response) => response.setHeader('Keep-Alive', 'timeout=2').end(),
  })
  server.server.keepAliveTimeout = 0
  await using session = new Session()
  await session.get(server.url127)
  // Node closes it a second before its time, Node 22 in time.
  await sleep(nodeMajor < 24 ? 1500 : 500)
  await settlesAt(server, 0)
})

test('a connection that the server closed while it was idle is no error', async () => {
  await using server = await startHttpServer()
  await using session = new Session()
  for (let count = 0; count < 3; count++) {
    assert.ok((await session.get(server.url127)).ok)
    server.server.closeIdleConnections()
  }
  await settlesAt(server, 0)
  await sleep(20)
  assert.ok((await session.post(server.url127, { data: 'x' })).ok)
})

test('close() closes idle connections, and the session can be used again', async () => {
  await using server = await startHttpServer()
  await using session = new Session()
  await session.get(server.url127)
  await session.close()
  await session.close()
  await settlesAt(server, 0)
  assert.ok((await session.get(server.url127)).ok)
  assert.equal(server.connections, 2)
})

test('close() ends a request that waits, whose connection is not opened again', async () => {
  await using server = await startHttpServer({
    handler: (request, response) => (request.url === '/ok' ? response.end() : undefined),
  })
  for (const path of ['', '/ok']) {
    await using session = new Session()
    if (path !== '') await session.get(`${server.url127}${path}`)
    const waiting = assert.rejects(session.get(`${server.url127}/waits`), ConnectionError)
    setTimeout(() => void session.close(), 40)
    await waiting
    await settlesAt(server, 0)
  }
})

test('close() ends a body that is being read', async () => {
  await using server = await startHttpServer({ handler: (_request, response) => response.write('the beginning') })
  await using session = new Session()
  const response = await session.get(server.url127, { stream: true })
  const reading = assert.rejects(response.read())
  await session.close()
  await reading
})

const WRONG: [options: object, message: RegExp][] = [
  [{ poolConections: 5 }, /poolConections/],
  [{ poolMaxsize: 0 }, /poolMaxsize/],
  [{ poolMaxsize: '5' }, /poolMaxsize/],
  [{ poolBlock: 1 }, /poolBlock/],
  [{ keepAliveTimeout: -1 }, /keepAliveTimeout/],
]

for (const [options, message] of WRONG) {
  test(`new HTTPAdapter(${JSON.stringify(options)}) is a TypeError that names the option`, () => {
    assert.throws(() => new HTTPAdapter(options), { name: 'TypeError', message })
  })
}

test('a script that only makes requests exits, with connections still idle', async () => {
  const { key, certificate: cert } = selfSigned({ hosts: ['127.0.0.1'] })
  await using plain = await startHttpServer()
  await using secure = await startHttpsServer({ key, cert })
  const script = `
    import { get, Session } from '${moduleUrl('index')}'
    const verify = ${JSON.stringify(cert)}
    const session = new Session({ verify, timeout: { connect: 20_000, read: 20_000, total: 20_000 } })
    for (const url of ${JSON.stringify([plain.url127, secure.url127])}) {
      for (const client of [{ get }, session]) {
        const { statusCode } = await client.get(url, { verify, timeout: { total: 20_000 } })
        console.log(statusCode)
      }
    }`
  assert.equal(await outputOfScript(script, { limit: 10_000 }), '200\n'.repeat(4))
})

test('a POST does not go out on a connection that the server has closed while this process was busy', async () => {
  await using closer = await startScript(CLOSER)
  const url = `http://127.0.0.1:${closer.printed}/`
  await using session = new Session()
  for (let round = 0; round < 5; round++) {
    assert((await session.get(url)).ok)
    for (const end = performance.now() + 200; performance.now() < end; );
    assert((await session.post(url, { data: 'once' })).ok)
  }
})

/** A server in a process of its own, which closes connections that are idle for 50 ms. */
const CLOSER = `
  import { createServer } from 'node:net'
  const server = createServer((socket) => {
    let text = ''
    let timer
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      clearTimeout(timer)
      text += chunk
      const [head, body] = text.split('\\r\\n\\r\\n')
      if (body === undefined || body.length < Number(/content-length: (\\d+)/i.exec(head)?.[1] ?? 0)) return
      text = ''
      socket.write('HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok')
      timer = setTimeout(() => socket.end(), 50)
    })
  })
  server.listen(0, '127.0.0.1', () => console.log(server.address().port))
  setTimeout(() => process.exit(), 30000).unref()`
