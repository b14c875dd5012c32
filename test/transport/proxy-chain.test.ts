/** Requests through the npm package proxy-chain, which asks for credentials and passes on to further proxies. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type PrepareRequestFunction, Server } from 'proxy-chain'
import { get, ProxyError, Session, SSLError } from '../../src/index.ts'
import { startMicrosocks } from '../helpers/debian-proxies.ts'
import { withEnv } from '../helpers/environment.ts'
import { createAuthority } from '../helpers/pki.ts'
import { whyNo } from '../helpers/programs.ts'
import { startProxy } from '../helpers/proxy.ts'
import { type Echo, startHttpServer, startHttpsServer } from '../helpers/servers.ts'

const ca = createAuthority({ commonName: 'Origin CA' })
const { chain: cert, key } = ca.issue({ hosts: ['localhost', '127.0.0.1'] })

interface ChainProxy extends AsyncDisposable {
  /** Its URL with this in front of the host. */
  url(userinfo?: string): string
  readonly stats: Server['stats']
}

async function startChain(prepareRequestFunction: PrepareRequestFunction): Promise<ChainProxy> {
  const server = new Server({ port: 0, host: '127.0.0.1', prepareRequestFunction })
  await server.listen()
  return {
    url: (userinfo = '') => `http://${userinfo}127.0.0.1:${server.port}`,
    stats: server.stats,
    async [Symbol.asyncDispose]() {
      await server.close(true)
    },
  }
}

/** Any user with this password. */
const withPassword: PrepareRequestFunction = ({ password }) => ({ requestAuthentication: password !== 's:e@cret' })

test('one CONNECT serves all requests of one user, and another user has one of his own', async () => {
  await using origin = await startHttpsServer({ cert, key })
  await using proxy = await startChain(withPassword)
  await using session = new Session({ verify: ca.certificate })
  for (const [index, user] of ['ada', 'bob', 'ada', 'bob'].entries()) {
    const proxies = { https: proxy.url(`${user}:s%3Ae%40cret@`) }
    for (let count = 0; count < 3; count++) {
      const response = await session.post(origin.url, { data: 'hello', proxies })
      assert.equal(response.json<Echo>().body, 'hello')
      assert.equal(response.tls?.reused, index > 1 || count > 0)
    }
  }
  assert.equal(proxy.stats.connectRequestCount, 2)
  assert.equal(origin.connections, 2)
  await assert.rejects(session.get(origin.url, { proxies: { https: proxy.url('ada:wrong@') } }), {
    name: 'ProxyError',
    message: /Tunnel connection failed: 407 Proxy Authentication Required; it does not accept the user and password/,
  })
})

test('plain http is forwarded, and credentials stay with the proxy', async () => {
  await using origin = await startHttpServer()
  await using proxy = await startChain(withPassword)
  await using session = new Session({ proxies: { http: proxy.url('ada:s%3Ae%40cret@') } })
  for (let count = 0; count < 3; count++) {
    const { url, headers } = (await session.get(`${origin.url}/a?b=c`)).json<Echo>()
    assert.deepEqual([url, headers.host], ['/a?b=c', `localhost:${origin.port}`])
    assert.equal(headers['proxy-authorization'], undefined)
  }
  assert.deepEqual([proxy.stats.httpRequestCount, proxy.stats.connectRequestCount], [3, 0])
  assert.equal((await get(origin.url, { proxies: { http: proxy.url() } })).statusCode, 407)
})

test('behind two proxies the server is verified as without one', async () => {
  await using origin = await startHttpsServer({ cert, key })
  await using plain = await startHttpServer()
  await using second = await startProxy({ authenticate: (credentials) => credentials === `Basic ${btoa('eve:inner')}` })
  await using first = await startChain(() => ({ upstreamProxyUrl: second.url.replace('://', '://eve:inner@') }))
  const proxies = { all: first.url() }
  const response = await get(origin.url, { verify: ca.certificate, proxies })
  assert.equal(response.tls?.peerCertificate?.issuer, 'CN=Origin CA')
  assert.deepEqual(second.tunnels, [`localhost:${origin.port}`])
  assert((await get(plain.url127, { proxies })).ok)
  assert.deepEqual(second.forwarded, [`${plain.url127}/`])
  await assert.rejects(get(origin.url, { proxies }), SSLError)
})

test('a proxy may go on by SOCKS', { skip: whyNo('microsocks') }, async () => {
  await using origin = await startHttpsServer({ cert, key })
  await using second = await startMicrosocks(['eve', 'inner'])
  await using first = await startChain(() => ({ upstreamProxyUrl: `socks5://eve:inner@127.0.0.1:${second.port}` }))
  assert((await get(origin.url127, { verify: ca.certificate, proxies: { https: first.url() } })).ok)
})

test('the error for a second proxy that is not there has the status of the first', async () => {
  await using first = await startChain(() => ({ upstreamProxyUrl: 'http://127.0.0.1:1' }))
  const proxies = { all: first.url() }
  await assert.rejects(get('https://localhost:9/', { proxies }), (error) => {
    assert(error instanceof ProxyError)
    assert.match(error.message, /^Unable to connect to proxy 127\.0\.0\.1:\d+: Tunnel connection failed: 59\d /)
    return true
  })
  assert.match(String((await get('http://localhost:9/', { proxies })).statusCode), /^59\d$/)
})

test('a redirect to a host of NO_PROXY goes there directly, and back through the proxy', async () => {
  await using origin = await startHttpsServer({
    cert,
    key,
    handler: ({ url = '', headers }, response) => {
      const next = { '/1': `https://localhost:${origin.port}/2`, '/2': `https://127.0.0.1:${origin.port}/3` }[url]
      if (next) response.writeHead(302, { location: next }).end()
      else response.end(headers.host)
    },
  })
  await using proxy = await startChain(() => ({}))
  await withEnv({ HTTPS_PROXY: proxy.url(), NO_PROXY: 'localhost' }, async () => {
    await using session = new Session({ verify: ca.certificate })
    const response = await session.get(`${origin.url127}/1`)
    assert.equal(response.text, `127.0.0.1:${origin.port}`)
    assert.equal(response.history.length, 2)
    assert.equal(response.tls?.reused, true)
  })
  assert.equal(proxy.stats.connectRequestCount, 1)
  assert.equal(origin.connections, 2)
})
