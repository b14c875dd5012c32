import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { createCA, createSelfSignedCert, fetchCert } from '../../src/certs/index.ts'
import { get } from '../../src/index.ts'
import { createAuthority } from '../helpers/pki.ts'
import { startHttpServer, startHttpsServer } from '../helpers/servers.ts'

test('the chain is what the server sends, its own certificate first, whoever issued it', async () => {
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
  // The server hears of the end of a handshake after the client.
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
  const silent = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1')
  const closing = createServer((socket) => socket.end()).listen(0, '127.0.0.1')
  await Promise.all([once(silent, 'listening'), once(closing, 'listening')])
  const port = (server: typeof silent) => (server.address() as { port: number }).port
  await assert.rejects(fetchCert(`127.0.0.1:${port(silent)}`, { timeout: 50 }), {
    name: 'ConnectTimeout',
    message: /did not present a certificate within 50 ms/,
  })
  await assert.rejects(fetchCert(`127.0.0.1:${port(closing)}`), { name: 'ConnectionError' })
  silent.close()
  closing.close()
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
  ['timeout: 0', 'localhost', { timeout: 0 }, 'TypeError', /timeout must be a number of ms above 0, not 0/],
  ['an endless timeout', 'localhost', { timeout: 1e12 }, 'TypeError', /timeout/],
  ['an unknown option', 'localhost', { verify: true }, 'TypeError', /fetchCert has no option "verify"/],
]

for (const [what, url, options, name, message] of wrong) {
  test(`${what} is a ${name}`, async () => {
    await assert.rejects(fetchCert(url as string, options as object), { name, message })
  })
}
