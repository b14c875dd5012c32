import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { createCA, createSelfSignedCert, type FetchCertOptions, fetchCert } from '../../src/certs/index.ts'
import { get } from '../../src/index.ts'
import { withEnv } from '../helpers/environment.ts'
import { eventually } from '../helpers/eventually.ts'
import { createAuthority } from '../helpers/pki.ts'
import { startProxy } from '../helpers/proxy.ts'
import { startHttpServer, startHttpsServer } from '../helpers/servers.ts'
import { startSocks4a } from '../helpers/socks4a.ts'
import { startSilentServer, startTcpServer } from '../helpers/tcp.ts'
import { tempDir } from '../helpers/temp.ts'

test('the chain is what the server sends, its own certificate first, whichever CA issued it', async () => {
  const root = createAuthority()
  const intermediate = root.intermediate()
  const { key, chain, certificate } = intermediate.issue()
  await using server = await startHttpsServer({ key, cert: chain })
  const fetched = await fetchCert(server.url)
  assert.deepEqual(
    fetched.map(({ pem }) => pem),
    [certificate, intermediate.certificate],
  )
  assert.equal(server.requests, 0)
  await using alone = await startHttpsServer({ key, cert: certificate })
  assert.equal((await fetchCert(alone.url)).length, 1)
  // Saved, it is what to trust.
  const [first] = await fetchCert(server.url127)
  assert.equal((await get(server.url, { verify: first.pem })).statusCode, 200)
})

test('hosts and ports alone will do, addresses of both kinds, and names to ask for', async () => {
  const [one, two] = [await createSelfSignedCert(null, null, 'one'), await createSelfSignedCert(null, null, 'two')]
  const asked: string[] = []
  await using server = await startHttpsServer(one)
  server.server.on('secureConnection', ({ servername }) => asked.push(servername || 'none'))
  ;(server.server as unknown as { addContext(name: string, pair: object): void }).addContext('two', two)
  for (const url of [`localhost:${server.port}`, `127.0.0.1:${server.port}`, new URL(`${server.url}/a?b`)]) {
    assert.equal((await fetchCert(url))[0].fingerprint, one.fingerprint)
  }
  assert.equal((await fetchCert(server.url, { servername: 'two' }))[0].fingerprint, two.fingerprint)
  // A key that was given in its place would be sent unencrypted.
  const before = server.connections
  await assert.rejects(fetchCert(server.url, { servername: '4f'.repeat(32) }), {
    name: 'TypeError',
    message: /^servername: the host may be a key/,
  })
  assert.equal(server.connections, before)
  // The server sees the end of a handshake after the client.
  while (asked.length < 4) await once(server.server, 'secureConnection')
  assert.deepEqual(asked, ['localhost', 'none', 'localhost', 'two'])
  assert.deepEqual(server.handshakeErrors, [])
  await using ipv6 = await startHttpsServer({ ...one, host: '::1' })
  assert.equal((await fetchCert(`[::1]:${ipv6.port}`))[0].fingerprint, one.fingerprint)
})

for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`a server that wants a client certificate (${maxVersion}) still shows its own`, async () => {
    const ca = await createCA()
    const pair = await ca.issue('localhost')
    await using server = await startHttpsServer({
      ...pair,
      ca: ca.cert,
      requestCert: true,
      rejectUnauthorized: true,
      maxVersion,
    })
    assert.equal((await fetchCert(server.url))[0].fingerprint, pair.fingerprint)
  })
}

test('an expired certificate and a weak key are shown, they are not judged', async () => {
  const expired = createAuthority({ notAfter: new Date(Date.now() - 1000) }).issue({ keyType: 'rsa-1024' })
  const relaxed = { ciphers: 'DEFAULT@SECLEVEL=0' }
  await using server = await startHttpsServer({ key: expired.key, cert: expired.chain, ...relaxed })
  assert.equal((await fetchCert(server.url))[0].keyType, 'rsa-1024')
})

test('where there is no certificate, the error says why', async () => {
  await using plain = await startHttpServer()
  await assert.rejects(fetchCert(`127.0.0.1:${plain.port}`), {
    name: 'SSLError',
    reason: 'not-tls',
    port: plain.port,
    message: /does not speak TLS on this port \(127\.0\.0\.1:\d+\)/,
  })
  await assert.rejects(fetchCert('127.0.0.1:1'), {
    name: 'ConnectionError',
    code: 'ECONNREFUSED',
    message: /127\.0\.0\.1:1/,
  })
  await using silent = await startSilentServer()
  await using closing = await startTcpServer((socket) => socket.end())
  await assert.rejects(fetchCert(`127.0.0.1:${silent.port}`, { timeout: 50 }), {
    name: 'ConnectTimeout',
    message: /did not present a certificate within 50 ms/,
  })
  await assert.rejects(fetchCert(`127.0.0.1:${closing.port}`), { name: 'ConnectionError' })
})

const wrong: [what: string, url: unknown, options: unknown, name: string, message: RegExp][] = [
  ['an http: URL', 'http://localhost/', {}, 'InvalidSchema', /not http:\/\/: try https:\/\/localhost/],
  ['no host', 'https://', {}, 'InvalidURL', /not a URL or host/],
  [
    'a password in what is no URL',
    'https://ada:secret@ho st',
    {},
    'InvalidURL',
    /^not a URL or host: 'https:\/\/\*\*\*@ho st'$/,
  ],
  ['a number', 5, {}, 'InvalidURL', /must be a string, not number/],
  ['timeout: 0', 'localhost', { timeout: 0 }, 'RangeError', /timeout must be above 0 and at most \d+ ms, not 0/],
  ['an endless timeout', 'localhost', { timeout: 1e12 }, 'RangeError', /timeout/],
  ['an unknown option', 'localhost', { verify: true }, 'TypeError', /fetchCert has no option "verify"/],
]

for (const [what, url, options, name, message] of wrong) {
  test(`${what} is a ${name}`, async () => {
    await assert.rejects(fetchCert(url as string, options as object), { name, message })
  })
}

test('a proxy is gone through, the one that is given or the one of the environment', async () => {
  const pair = await createSelfSignedCert(null, null, 'localhost')
  await using server = await startHttpsServer(pair)
  await using proxy = await startProxy({ authenticate: (credentials) => credentials === 'Basic YWRhOnNlY3JldA==' })
  const withUser = proxy.url.replace('//', '//ada:secret@')
  const fingerprint = async (options?: FetchCertOptions) => (await fetchCert(server.url, options))[0].fingerprint
  const target = `localhost:${server.port}`
  assert.equal(await fingerprint({ proxies: { https: withUser } }), pair.fingerprint)
  assert.deepEqual(proxy.tunnels, [target])
  await withEnv({ HTTPS_PROXY: withUser }, async () => {
    assert.equal(await fingerprint(), pair.fingerprint)
    assert.deepEqual(proxy.tunnels, [target, target])
    for (const options of [{ trustEnv: false }, { proxies: { https: null, no_proxy: 'localhost' } }])
      assert.equal(await fingerprint(options), pair.fingerprint)
    await withEnv({ NO_PROXY: 'localhost' }, fingerprint)
    assert.equal(proxy.tunnels.length, 2)
  })
  await assert.rejects(fingerprint({ proxies: { all: proxy.url } }), { name: 'ProxyError', message: /407/ })
  await assert.rejects(fingerprint({ proxies: { all: 'gopher://proxy' } }), { name: 'InvalidProxyURL' })
  // Neither the tunnel nor the handshake in it outlives the call.
  await eventually(() => proxy.open === 0, 'a connection is left open')
})

test('a proxy that speaks TLS is verified, and one that is not trusted learns nothing', async () => {
  const ca = createAuthority()
  const pair = await createSelfSignedCert(null, null, 'localhost')
  await using server = await startHttpsServer(pair)
  const { key, chain } = ca.issue()
  await using proxy = await startProxy({ key, cert: chain })
  using dir = tempDir()
  const proxies = { https: proxy.url.replace('//', '//ada:secret@') }
  await withEnv({ REQUESTS_CA_BUNDLE: dir.write('ca.pem', ca.certificate) }, async () => {
    assert.equal((await fetchCert(server.url, { proxies }))[0].fingerprint, pair.fingerprint)
    assert.equal(proxy.headers.length, 1)
    await assert.rejects(fetchCert(server.url, { proxies, trustEnv: false }), { name: 'ProxyError' })
  })
  await assert.rejects(fetchCert(server.url, { proxies }), { name: 'ProxyError' })
  assert.equal(proxy.headers.length, 1)
})

test('a SOCKS proxy is gone through', async () => {
  const pair = await createSelfSignedCert(null, null, 'localhost')
  await using server = await startHttpsServer(pair)
  await using proxy = await startSocks4a()
  const [{ fingerprint }] = await fetchCert(server.url, { proxies: { all: `socks4a://127.0.0.1:${proxy.port}` } })
  assert.equal(fingerprint, pair.fingerprint)
})

for (const [where, answer] of [
  ['before the tunnel', ''],
  ['in the tunnel', 'HTTP/1.1 200 OK\r\n\r\n'],
] as const) {
  test(`the time limit ends a wait ${where}`, async () => {
    await using stalling = await startTcpServer((socket) => socket.once('data', () => socket.write(answer)))
    const proxies = { all: stalling.url }
    await assert.rejects(fetchCert('https://box.example', { proxies, timeout: 50 }), {
      name: 'ConnectTimeout',
      message: 'box.example:443 did not present a certificate within 50 ms',
    })
    await eventually(() => stalling.sockets.size === 0, 'a connection is left open')
  })
}
