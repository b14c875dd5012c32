/**
 * What requests tests of itself about TLS, proxies and redirects (tests/test_requests.py and tests/test_lowlevel.py of 2.34,
 * named in brackets), where no other test of ours has it:
 *
 * | their tests | ours |
 * |---|---|
 * | test_env_cert_bundles | precedence-differential |
 * | test_certificate_failure, test_https_warnings | requests-differential, warnings |
 * | test_invalid_ssl_certificate_files | trust/client-cert |
 * | test_pyopenssl_redirect | redirects-tls |
 * | test_auth_is_stripped_…, test_should_strip_auth_…, test_HTTP_30x_…, test_rewind_…, test_fragment_… | redirects |
 * | test_header_… | headers |
 * | test_chunked_encoding_error, test_conflicting_content_lengths, test_iter_content_wraps_exceptions (but for TLS) | response-decoding, transport/http-details |
 * | test_digestauth_… | auth/digest-servers |
 * | test_basicauth_with_netrc, …_leak | auth/netrc-session |
 * | test_proxy_error_on_bad_url, test_should_bypass_proxies…, test_select_proxies, test_proxy_env_vars_override_default | proxies, proxies-differential |
 * | test_proxy_authorization_not_appended_…, test_session_close_proxy_clear | transport/proxy |
 * | test_transport_adapter_ordering, test_session_get_adapter_prefix_… | session |
 * | test_json_decode_compatibility_…, bodies, test_redirect_rfc1808_… | wire-differential, response, body/ |
 *
 * Not so here: test_proxy_authorization_preserved_on_request (credentials for a proxy reach no origin) and
 * test_requests_are_updated_each_time (of their insides).
 */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { CABundleError, disableWarnings, get, ProxyError, Request, Session, SSLError } from '../../src/index.ts'
import { withEnv } from '../helpers/environment.ts'
import { type CertificateOptions, createAuthority } from '../helpers/pki.ts'
import { startProxy } from '../helpers/proxy.ts'
import { startHttpServer, startHttpsServer } from '../helpers/servers.ts'
import { startTcpServer } from '../helpers/tcp.ts'
import { tempDir } from '../helpers/temp.ts'

// It comes once per host.
disableWarnings('InsecureRequestWarning')

const DAY = 24 * 60 * 60 * 1000
const EXPIRED: CertificateOptions = { notBefore: new Date(Date.now() - 9 * DAY), notAfter: new Date(Date.now() - DAY) }

const switches: [their: string, server: CertificateOptions, verify: 'true' | 'bundle', verdict: string][] = [
  ['test_different_connection_pool_for_tls_settings_verify_True', EXPIRED, 'true', 'expired'],
  ['…_verify_bundle_expired_cert', EXPIRED, 'bundle', 'expired'],
  ['…_verify_bundle_unexpired_cert', {}, 'bundle', 'trusted'],
]
for (const [their, options, verify, verdict] of switches) {
  test(`a connection made without verification is not used with verify: ${verify} [${their}]`, async () => {
    using dir = tempDir()
    const root = createAuthority()
    const { key, chain } = root.issue(options)
    await using server = await startHttpsServer({ key, cert: chain })
    await using session = new Session()
    await session.get(server.url, { verify: false })
    const trust = verify === 'true' || dir.write('ca.crt', root.certificate)
    const found = await session.get(server.url, { verify: trust }).then(
      () => 'trusted',
      (error) => (error instanceof SSLError ? error.reason : error),
    )
    assert.equal(found, verdict)
    assert.equal(server.connections, 2)
  })
}

test('a client certificate does not make up for an unknown server [test_different_connection_pool_for_mtls_settings]', async () => {
  using dir = tempDir()
  const root = createAuthority()
  const { key, chain } = root.issue()
  const client = root.issue({ hosts: [], commonName: 'ada', extendedKeyUsage: ['clientAuth'] })
  const cert: [string, string] = [dir.write('client.pem', client.chain), dir.write('client.key', client.key, 0o600)]
  await using server = await startHttpsServer({
    ...{ key, cert: chain, ca: root.certificate, requestCert: true, rejectUnauthorized: false },
    handler: ({ socket }, response) => response.end((socket as TLSSocket).getPeerCertificate().subject?.CN),
  })
  await using session = new Session()
  assert.equal((await session.get(server.url, { verify: false, cert })).text, 'ada')
  await assert.rejects(session.get(server.url, { cert }), SSLError)
  assert.deepEqual([server.connections, server.requests], [2, 1])
})

test('a bundle that is not there is an error in these words [test_invalid_ca_certificate_path]', async () => {
  await assert.rejects(get('https://localhost:1/', { verify: '/garbage' }), (error) => {
    assert(error instanceof CABundleError)
    assert.match(error.message, /^Could not find a suitable TLS CA certificate bundle, invalid path: \/garbage$/m)
    return true
  })
})

test('a client certificate is not looked into where the URL is http [test_http_with_certificate]', async () => {
  await using server = await startHttpServer()
  assert.equal((await get(server.url, { cert: '.' })).statusCode, 200)
})

const ways: [way: string, their: string, (session: Session, url: string) => Promise<unknown>][] = [
  ['get', 'get', (session, url) => session.get(url)],
  ['request', 'request', (session, url) => session.request('GET', url)],
  ['send', 'send_self_prepared_request', (session, url) => session.send(new Request('GET', url).prepare())],
  [
    'send of what the session prepared',
    'send_session_prepared_request',
    (session, url) => session.send(session.prepareRequest(new Request('GET', url))),
  ],
]
for (const [way, their, ask] of ways) {
  test(`the proxy of the environment is asked by ${way} [test_respect_proxy_env_on_${their}]`, async () => {
    await using server = await startHttpServer()
    await using session = new Session()
    await withEnv({ http_proxy: 'http://127.0.0.1:1' }, () => assert.rejects(ask(session, server.url), ProxyError))
    assert.equal(server.connections, 0)
  })
}

test('the proxy of the environment is asked for the next hop of a redirect that is sent by hand [test_respect_proxy_env_on_send_with_redirects]', async () => {
  await using server = await startHttpServer({
    handler: (_, response) => response.writeHead(302, { Location: '/next' }).end(),
  })
  await using session = new Session()
  const { next } = await session.get(server.url, { allowRedirects: false })
  assert(next)
  await withEnv({ http_proxy: 'http://127.0.0.1:1' }, () => assert.rejects(session.send(next), ProxyError))
  assert.equal(server.requests, 1)
})

for (const [userinfo, expected] of [
  ['user:pass', 'Basic dXNlcjpwYXNz'],
  ['user:', 'Basic dXNlcjo='],
]) {
  test(`a proxy gets the credentials ${userinfo} of its URL [test_proxy_auth, test_proxy_auth_empty_pass]`, async () => {
    await using server = await startHttpServer()
    await using proxy = await startProxy()
    await get(server.url, { proxies: { http: proxy.url.replace('//', `//${userinfo}@`) } })
    assert.deepEqual(
      proxy.headers.map((headers) => headers['proxy-authorization']),
      [expected],
    )
  })
}

for (const variable of ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY']) {
  test(`${variable} may name a SOCKS proxy [test_use_proxy_from_environment]`, async () => {
    await using proxy = await startTcpServer((socket) => socket.destroy())
    const scheme = variable.toLowerCase().startsWith('https') ? 'https' : 'http'
    await withEnv({ [variable]: `socks5://127.0.0.1:${proxy.port}` }, () =>
      assert.rejects(get(`${scheme}://127.0.0.1:1/`), ProxyError),
    )
    assert.equal(proxy.accepted, 1)
  })
}

test('a chunked upload has the Host header that was set, and no other [test_chunked_upload_uses_only_specified_host_header]', async () => {
  await using server = await startHttpServer({
    handler: async (request, response) => {
      for await (const _ of request);
      const hosts = request.rawHeaders.filter((_, index, all) => all[index - 1]?.toLowerCase() === 'host')
      response.end(JSON.stringify([request.headers['transfer-encoding'], ...hosts]))
    },
  })
  await using session = new Session()
  const upload = (headers: Record<string, string>) =>
    session.post(server.url, {
      headers,
      data: (async function* () {
        yield 'a'
      })(),
    })
  assert.deepEqual((await upload({ Host: 'sample-host' })).json(), ['chunked', 'sample-host'])
  assert.deepEqual((await upload({})).json(), ['chunked', new URL(server.url).host])
})

test('TLS that breaks in the middle of a body is an SSLError [test_iter_content_wraps_exceptions]', async () => {
  const root = createAuthority()
  const { key, chain } = root.issue()
  const raw: Socket[] = []
  await using server = await startHttpsServer({
    ...{ key, cert: chain },
    handler: (_, response) => response.writeHead(200, { 'Content-Length': 1000 }).write('begun'),
  })
  server.server.on('connection', (socket) => raw.push(socket))
  const response = await get(server.url, { verify: root.certificate, stream: true })
  // A record of application data that TLS has not encrypted.
  raw[0]?.write(Buffer.from(`1703030020${'00'.repeat(32)}`, 'hex'))
  await assert.rejects(
    async () => {
      for await (const _ of response.iterContent());
    },
    (error) => {
      assert(error instanceof SSLError, `${error}`)
      assert.match(error.message, /^TLS broke in the middle of the response of localhost:\d+ \(ERR_SSL_\w+\)/)
      return true
    },
  )
})
