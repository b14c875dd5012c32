/** Requests through real proxies: tunnels and forwarding, over http and https, each leg verified by the same trust. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'
import { ConnectTimeout, disableWarnings, get, HTTPProxyAuth, ProxyError, Session, SSLError } from '../../src/index.ts'
import { withEnv } from '../helpers/environment.ts'
import { eventually } from '../helpers/eventually.ts'
import { moduleUrl } from '../helpers/modules.ts'
import { createAuthority } from '../helpers/pki.ts'
import { outputOfScript } from '../helpers/processes.ts'
import { startProxy } from '../helpers/proxy.ts'
import { type Echo, type Handler, startHttpServer, startHttpsServer } from '../helpers/servers.ts'

disableWarnings('InsecureRequestWarning')

const originCA = createAuthority({ commonName: 'Origin CA' })
const proxyCA = createAuthority({ commonName: 'Proxy CA' })
const both = [originCA.certificate, proxyCA.certificate]
const ofProxy = proxyCA.issue({ hosts: ['localhost', '127.0.0.1'] })
const tlsProxy = { key: ofProxy.key, cert: ofProxy.chain }

function startOrigin(options: object = {}) {
  const { chain, key } = originCA.issue({ hosts: ['localhost', '127.0.0.1'] })
  return startHttpsServer({ cert: chain, key, ...options })
}

for (const [kind, options] of [
  ['http', {}],
  ['https', tlsProxy],
] as const) {
  test(`https through an ${kind} proxy: one tunnel for all requests, the origin verified`, async () => {
    await using origin = await startOrigin()
    await using proxy = await startProxy(options)
    await using session = new Session({ verify: both, proxies: { https: proxy.url } })
    for (let count = 0; count < 3; count++) {
      const response = await session.get(origin.url)
      assert.equal(response.tls?.peerCertificate?.issuer, 'CN=Origin CA')
      assert.equal(response.tls?.reused, count > 0)
    }
    assert.deepEqual(proxy.tunnels, [`localhost:${origin.port}`])
    assert.deepEqual([proxy.connections, origin.connections], [1, 1])
    await assert.rejects(session.get(origin.url, { verify: proxyCA.certificate }), SSLError)
  })

  test(`http through an ${kind} proxy: the whole URL, one connection, the Host of the origin`, async () => {
    await using origin = await startHttpServer()
    await using proxy = await startProxy(options)
    await using session = new Session({ verify: both, proxies: { http: proxy.url } })
    for (let count = 0; count < 2; count++) {
      const response = await session.post(`${origin.url127}/path?q=1#part`, { data: 'hello' })
      const { url, body, headers } = response.json<Echo>()
      assert.deepEqual([url, body, headers.host], ['/path?q=1', 'hello', `127.0.0.1:${origin.port}`])
      assert.equal(response.tls, null)
    }
    assert.deepEqual(proxy.forwarded, Array(2).fill(`${origin.url127}/path?q=1`))
    assert.equal(proxy.connections, 1)
  })

  test(`credentials in the URL of an ${kind} proxy reach the proxy, and no server`, async () => {
    await using secure = await startOrigin()
    await using plain = await startHttpServer()
    const expected = `Basic ${Buffer.from('ada:s:cret').toString('base64')}`
    await using proxy = await startProxy({ ...options, authenticate: (credentials) => credentials === expected })
    const url = proxy.url.replace('://', '://ada:s%3Acret@')
    await using session = new Session({ verify: both, proxies: { all: url } })
    for (const origin of [secure.url, plain.url127]) {
      const { headers } = (await session.get(origin)).json<Echo>()
      assert.equal(headers['proxy-authorization'], undefined)
    }
    assert.deepEqual(
      proxy.headers.map((headers) => headers['proxy-authorization']),
      [expected, expected],
    )
    await using stranger = new Session({ verify: both, proxies: { all: proxy.url } })
    await assert.rejects(stranger.get(secure.url), {
      name: 'ProxyError',
      message: /Tunnel connection failed: 407 Proxy Authentication Required/,
    })
    assert.equal((await stranger.get(plain.url127)).statusCode, 407)
  })
}

test('the certificate of an https proxy is verified, whatever the origin is', async () => {
  await using secure = await startOrigin()
  await using plain = await startHttpServer()
  await using proxy = await startProxy(tlsProxy)
  for (const verify of [true, originCA.certificate]) {
    for (const url of [secure.url, plain.url127]) {
      await assert.rejects(get(url, { verify, proxies: { all: proxy.url } }), (error) => {
        assert(error instanceof ProxyError && error.cause instanceof SSLError, String(error))
        assert.equal(error.cause.reason, 'unknown-ca')
        return true
      })
    }
  }
  assert.deepEqual([secure.connections, plain.connections], [0, 0])
  assert((await get(secure.url, { verify: false, proxies: { all: proxy.url } })).ok)
})

test('a client certificate is presented to the origin, never to the proxy', async () => {
  const clients = createAuthority({ commonName: 'Client CA' })
  const ada = clients.issue({ commonName: 'ada', hosts: [], extendedKeyUsage: ['clientAuth'] })
  const mutual = { requestCert: true, rejectUnauthorized: false, ca: clients.certificate }
  const presented: string[] = []
  await using origin = await startOrigin({
    ...mutual,
    handler: (request: { socket: unknown }, response: { end: (text: string) => void }) =>
      response.end(String((request.socket as TLSSocket).getPeerCertificate().subject?.CN)),
  })
  await using asked = await startHttpsServer({
    ...tlsProxy,
    ...mutual,
    handler: (request, response) => {
      presented.push(String((request.socket as TLSSocket).getPeerCertificate().subject?.CN))
      response.end()
    },
  })
  asked.server.on('connect', (request, socket) => {
    presented.push(String((request.socket as TLSSocket).getPeerCertificate().subject?.CN))
    socket.end('HTTP/1.1 502 No\r\n\r\n')
  })
  const cert = { cert: ada.chain, key: ada.key }
  await assert.rejects(get(origin.url, { verify: both, cert, proxies: { all: asked.url } }), ProxyError)
  assert((await get('http://127.0.0.1:9/', { verify: both, cert, proxies: { all: asked.url } })).ok)
  assert.deepEqual(presented, ['undefined', 'undefined'])
  await using proxy = await startProxy(tlsProxy)
  assert.equal((await get(origin.url, { verify: both, cert, proxies: { all: proxy.url } })).text, 'ada')
})

test('connections are not shared between proxies, nor between credentials for one', async () => {
  await using origin = await startOrigin()
  await using first = await startProxy()
  await using second = await startProxy()
  await using session = new Session({ verify: both })
  const proxies = [first.url, second.url, first.url.replace('://', '://a:b@'), first.url.replace('://', '://a:c@'), '']
  for (let round = 0; round < 2; round++) {
    for (const https of proxies) assert((await session.get(origin.url, { proxies: { https } })).ok)
  }
  assert.equal(origin.connections, proxies.length)
  assert.deepEqual([first.connections, second.connections], [3, 1])
})

test('HTTPProxyAuth reaches the proxy of a tunnel, and not the origin behind it', async () => {
  await using origin = await startOrigin()
  await using proxy = await startProxy({ authenticate: (credentials) => credentials !== undefined })
  const auth = new HTTPProxyAuth('ada', 'secret')
  const response = await get(origin.url, { verify: both, auth, proxies: { all: proxy.url } })
  assert.equal(response.json<Echo>().headers['proxy-authorization'], undefined)
  assert.match(proxy.headers[0]?.['proxy-authorization'] ?? '', /^Basic /)
})

test('the environment names the proxy, for each hop of a redirect anew', async () => {
  await using origin = await startHttpServer({
    handler: (request, response) => {
      if (request.url === '/') response.writeHead(302, { location: `http://localhost:${origin.port}/end` }).end()
      else response.end('end')
    },
  })
  await using proxy = await startProxy()
  await withEnv({ HTTP_PROXY: proxy.url, NO_PROXY: 'localhost' }, async () => {
    assert.equal((await get(`${origin.url127}/`)).text, 'end')
    assert.deepEqual(proxy.forwarded, [`${origin.url127}/`])
    await using session = new Session({ trustEnv: false })
    await session.get(origin.url127)
  })
  assert.equal(proxy.forwarded.length, 1)
})

test('a proxy that cannot be reached, or that does not speak TLS, is a ProxyError that says so', async () => {
  await using origin = await startOrigin()
  await using plain = await startHttpServer()
  const closed = 'http://127.0.0.1:1'
  for (const url of [origin.url, plain.url127]) {
    await assert.rejects(get(url, { verify: both, proxies: { all: closed } }), {
      name: 'ProxyError',
      code: 'ECONNREFUSED',
      message: /127\.0\.0\.1:1/,
    })
  }
  const wrong = plain.url127.replace('http:', 'https:').replace('127.0.0.1', 'ada:secret@127.0.0.1')
  await assert.rejects(get(origin.url, { verify: both, proxies: { all: wrong } }), (error) => {
    assert(error instanceof ProxyError)
    assert.match(error.message, /your proxy appears to only use HTTP and not HTTPS/)
    assert.doesNotMatch(`${error.stack}`, /secret/)
    return true
  })
})

test('a proxy that never answers CONNECT is abandoned at the time limit, by a signal and by close()', async () => {
  await using silent = await startHttpServer()
  silent.server.on('connect', () => {})
  const https = silent.url127
  await assert.rejects(get('https://localhost:9/', { proxies: { https }, timeout: 60 }), ConnectTimeout)
  const signal = AbortSignal.timeout(60)
  await assert.rejects(get('https://localhost:9/', { proxies: { https }, signal }), { name: 'TimeoutError' })
  const session = new Session({ proxies: { https } })
  const pending = assert.rejects(session.get('https://localhost:9/'))
  await delay(30)
  await session.close()
  await pending
})

test('a program that used tunnels exits, with the tunnels still open', async () => {
  await using origin = await startOrigin()
  await using proxy = await startProxy()
  await using secure = await startProxy(tlsProxy)
  const script = `
    import { get } from '${moduleUrl('index')}'
    const verify = ${JSON.stringify(both.join(''))}
    for (const https of ${JSON.stringify([proxy.url, secure.url])}) {
      console.log((await get('${origin.url}', { verify, proxies: { https } })).statusCode)
    }`
  assert.equal(await outputOfScript(script, { limit: 20_000 }), '200\n200\n')
})

test('close() closes the tunnels', async () => {
  await using origin = await startOrigin()
  await using proxy = await startProxy(tlsProxy)
  const session = new Session({ verify: both, proxies: { https: proxy.url } })
  await session.get(origin.url)
  assert.equal(proxy.open, 1)
  await session.close()
  await eventually(() => proxy.open === 0, 'a tunnel is left open')
})

test('credentials for a proxy are not sent to an origin where there is no proxy', async () => {
  await using server = await startHttpServer()
  const env = { HTTP_PROXY: 'http://127.0.0.1:1', NO_PROXY: '127.0.0.1' }
  for (const [options, variables] of [
    [{ auth: new HTTPProxyAuth('ada', 'secret') }, {}],
    [{ headers: { 'Proxy-Authorization': 'Basic abc' } }, {}],
    [{ headers: { 'Proxy-Authorization': 'Basic abc' } }, env],
  ] as const) {
    const { headers } = await withEnv(variables, async () => (await get(server.url127, options)).json<Echo>())
    assert.equal(headers['proxy-authorization'], undefined)
  }
})

test("credentials of the proxy's URL are sent once, over a header of any spelling", async () => {
  await using server = await startHttpServer()
  const seen: string[] = []
  const handler: Handler = (request, response) => {
    for (const [index, name] of request.rawHeaders.entries()) {
      if (/^proxy-authorization$/i.test(name)) seen.push(request.rawHeaders[index + 1] ?? '')
    }
    response.end()
  }
  await using proxy = await startHttpServer({ handler })
  const http = `http://ada:secret@127.0.0.1:${proxy.port}`
  await get(server.url127, { proxies: { http }, headers: { 'proxy-AUTHORIZATION': 'Basic other' } })
  assert.deepEqual(seen, ['Basic YWRhOnNlY3JldA=='])
})
