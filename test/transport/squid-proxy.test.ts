/** Requests through squid: as a plain proxy, with credentials, and as one that opens TLS connections. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { existsSync, globSync } from 'node:fs'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { CABundle, get, ProxyError, Session, SSLError } from '../../src/index.ts'
import { withEnv } from '../helpers/environment.ts'
import { createAuthority } from '../helpers/pki.ts'
import { whyNo } from '../helpers/programs.ts'
import { type Echo, startHttpServer, startHttpsServer } from '../helpers/servers.ts'
import { startSquid } from '../helpers/squid.ts'
import { tempDir } from '../helpers/temp.ts'

const squid = { skip: whyNo('squid') }

const originCA = createAuthority({ commonName: 'Origin CA' })
const squidCA = createAuthority({ commonName: 'Squid CA' })

function startOrigin() {
  const { chain, key } = originCA.issue({ hosts: ['localhost', '127.0.0.1'] })
  return startHttpsServer({ cert: chain, key })
}

test(
  'squid: https has one tunnel for all requests, http one connection, with and without credentials',
  squid,
  async () => {
    const login = ['ada', 's:e@cret'] as const
    await using secure = await startOrigin()
    await using plain = await startHttpServer()
    for (const [options, userinfo] of [
      [{}, ''],
      [{ login }, 'ada:s%3Ae%40cret@'],
    ] as const) {
      await using proxy = await startSquid(options)
      const before = secure.connections
      await using session = new Session({
        verify: originCA.certificate,
        proxies: { all: `http://${userinfo}127.0.0.1:${proxy.port}` },
      })
      for (let count = 0; count < 3; count++) {
        const response = await session.post(`${secure.url127}/a?b=c`, { data: 'hello' })
        const { body, headers } = response.json<Echo>()
        assert.deepEqual([body, headers['proxy-authorization'], headers.via], ['hello', undefined, undefined])
        assert.deepEqual([response.tls?.peerCertificate?.issuer, response.tls?.reused], ['CN=Origin CA', count > 0])
        const forwarded = (await session.post(`${plain.url127}/a?b=c`, { data: 'hello' })).json<Echo>()
        assert.deepEqual([forwarded.url, forwarded.body], ['/a?b=c', 'hello'])
        assert.equal(forwarded.headers['proxy-authorization'], undefined)
        assert.match(String(forwarded.headers.via), /squid/)
      }
      assert.equal(secure.connections - before, 1)
    }
  },
)

test('squid: the wrong credentials, or none, are refused, and are not in the error', squid, async () => {
  await using secure = await startOrigin()
  await using plain = await startHttpServer()
  await using proxy = await startSquid({ login: ['ada', 'right'] })
  await using session = new Session({ verify: originCA.certificate })
  const through = (userinfo: string) => ({ proxies: { all: `http://${userinfo}127.0.0.1:${proxy.port}` } })
  assert((await session.get(secure.url127, through('ada:right@'))).ok)
  for (const userinfo of ['ada:wrong-secret@', 'eve:right@', '']) {
    await assert.rejects(session.get(secure.url127, through(userinfo)), (error) => {
      assert(error instanceof ProxyError)
      assert.match(error.message, /127\.0\.0\.1:\d+: Tunnel connection failed: 407 Proxy Authentication Required; /)
      assert.doesNotMatch(inspect(error, { depth: 9, showHidden: true }), /wrong-secret|eve:|d3Jvbmct/)
      return true
    })
    assert.equal((await session.get(plain.url127, through(userinfo))).statusCode, 407)
  }
  assert.deepEqual([secure.connections, plain.connections], [1, 0])
})

test('squid: what it refuses to connect to is a ProxyError with its status', squid, async () => {
  await using proxy = await startSquid()
  const proxies = { all: `http://127.0.0.1:${proxy.port}` }
  // 192.0.2.0/24 is for documentation; squid connects to loopback only.
  await assert.rejects(get('https://192.0.2.1/', { proxies }), { name: 'ProxyError', message: /failed: 403 Forbidden/ })
  assert.equal((await get('http://192.0.2.1/', { proxies })).statusCode, 403)
  await assert.rejects(get('https://127.0.0.1:1/', { proxies }), { name: 'ProxyError', message: /failed: 503/ })
})

test('a proxy that inspects TLS is refused unless its CA is trusted', squid, async () => {
  await using origin = await startOrigin()
  await using proxy = await startSquid({ inspect: { ca: squidCA, origins: originCA.certificate } })
  await using session = new Session({ proxies: { https: `http://127.0.0.1:${proxy.port}` } })
  for (const verify of [true, originCA.certificate]) {
    await assert.rejects(session.get(origin.url, { verify }), (error) => {
      assert(error instanceof SSLError)
      // The forgery: what the user needs to see to find out who is in between.
      assert.deepEqual([error.peerCertificate?.subject, error.peerCertificate?.issuer], ['CN=localhost', 'CN=Squid CA'])
      return true
    })
  }
  assert.equal(origin.requests, 0)
  const response = await session.get(origin.url, { verify: squidCA.certificate })
  assert.equal(response.tls?.peerCertificate?.issuer, 'CN=Squid CA')
  assert.equal(response.json<Echo>().headers.host, `localhost:${origin.port}`)
})

test(
  'the CA of such a proxy goes by verify alone: a file, the environment, with the default roots',
  squid,
  async () => {
    using dir = tempDir()
    const path = dir.write('company-ca.pem', squidCA.certificate)
    await using origin = await startOrigin()
    await using proxy = await startSquid({ inspect: { ca: squidCA, origins: originCA.certificate } })
    const proxies = { https: `http://127.0.0.1:${proxy.port}` }
    for (const verify of [path, CABundle.default().with(path), [originCA.certificate, path]]) {
      assert((await get(origin.url, { verify, proxies })).ok)
    }
    await withEnv({ HTTPS_PROXY: proxies.https, REQUESTS_CA_BUNDLE: path }, async () => {
      const response = await get(origin.url)
      assert.equal(response.tls?.trust.source, 'REQUESTS_CA_BUNDLE')
      await assert.rejects(get(origin.url, { verify: originCA.certificate }), SSLError)
    })
  },
)

test('a direct connection and an inspected one to the same server are not shared', squid, async () => {
  await using origin = await startOrigin()
  await using proxy = await startSquid({ inspect: { ca: squidCA, origins: originCA.certificate } })
  await using session = new Session({ verify: [originCA.certificate, squidCA.certificate] })
  const https = `http://127.0.0.1:${proxy.port}`
  for (const [proxies, issuer] of [
    [{ https }, 'CN=Squid CA'],
    [{}, 'CN=Origin CA'],
    [{ https }, 'CN=Squid CA'],
    [{ https: '' }, 'CN=Origin CA'],
  ] as const) {
    assert.equal((await session.get(origin.url, { proxies })).tls?.peerCertificate?.issuer, issuer)
  }
})

test('the squid of a test has shared memory under a name of its own, and removes it', squid, async () => {
  const proxy = await startSquid()
  const own = globSync(`/dev/shm/vouch${proxy.port}-*`)
  await proxy[Symbol.asyncDispose]()
  assert(own.length > 0)
  assert.deepEqual(own.filter(existsSync), [])
})
