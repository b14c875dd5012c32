import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import requests, {
  ConnectionError,
  ConnectTimeout,
  RequestException,
  type RequestOptions,
  Session,
  SSLError,
  Timeout,
} from '../../src/index.ts'
import { createAuthority, selfSigned } from '../helpers/pki.ts'
import { type Handler, startHttpServer, startHttpsServer } from '../helpers/servers.ts'
import { startTcpServer } from '../helpers/tcp.ts'
import { tempDir } from '../helpers/temp.ts'

type Name = keyof typeof requests
type ErrorClass = new (message: string) => RequestException

// The tree of requests/exceptions.py: a class, its code and those it is an instance of besides RequestException.
const TREE: [name: Name, code: string, parents: Name[]][] = [
  ['RequestException', 'ERR_REQUEST', []],
  ['HTTPError', 'ERR_HTTP_STATUS', []],
  ['ConnectionError', 'ERR_CONNECTION', []],
  ['ProxyError', 'ERR_PROXY', ['ConnectionError']],
  ['SSLError', 'ERR_SSL', ['ConnectionError']],
  ['CABundleError', 'ERR_CA_BUNDLE', ['SSLError', 'ConnectionError']],
  ['ClientCertError', 'ERR_CLIENT_CERT', ['SSLError', 'ConnectionError']],
  ['Timeout', 'ERR_TIMEOUT', []],
  ['ConnectTimeout', 'ERR_CONNECT_TIMEOUT', ['ConnectionError', 'Timeout']],
  ['ReadTimeout', 'ERR_READ_TIMEOUT', ['Timeout']],
  ['URLRequired', 'ERR_URL_REQUIRED', []],
  ['TooManyRedirects', 'ERR_TOO_MANY_REDIRECTS', []],
  ['MissingSchema', 'ERR_MISSING_SCHEMA', []],
  ['InvalidSchema', 'ERR_INVALID_SCHEMA', []],
  ['InvalidURL', 'ERR_INVALID_URL', []],
  ['InvalidProxyURL', 'ERR_INVALID_PROXY_URL', ['InvalidURL']],
  ['InvalidHeader', 'ERR_INVALID_HEADER', []],
  ['ChunkedEncodingError', 'ERR_CHUNKED_ENCODING', []],
  ['ContentDecodingError', 'ERR_CONTENT_DECODING', []],
  ['StreamConsumedError', 'ERR_STREAM_CONSUMED', []],
  ['RetryError', 'ERR_RETRY', []],
  ['UnrewindableBodyError', 'ERR_UNREWINDABLE_BODY', []],
  ['InvalidJSONError', 'ERR_INVALID_JSON', []],
  ['JSONDecodeError', 'ERR_JSON_DECODE', ['InvalidJSONError']],
]

const classOf = (name: Name): ErrorClass => requests[name] as unknown as ErrorClass

for (const [name, code, parents] of TREE) {
  test(`${name} has the code ${code} and is ${parents.join(', ') || 'nothing'} besides RequestException`, () => {
    const error = new (classOf(name))('the message')
    assert.equal(error.name, name)
    assert.equal(error.code, code)
    assert.equal(error.message, 'the message')
    assert.equal(String(error), `${name}: the message`)
    assert.ok(error instanceof Error)
    const expected = new Set([name, 'RequestException', ...parents])
    for (const [other] of TREE) assert.equal(error instanceof classOf(other), expected.has(other), other)
  })
}

test('a class of a user that extends Timeout is not confused with ConnectTimeout', () => {
  class Mine extends Timeout {}
  assert.equal(new ConnectTimeout('x') instanceof Mine, false)
  assert.equal(new Mine('x') instanceof Timeout, true)
  assert.equal(new Mine('x').name, 'Mine')
})

test('request and response are there, but no log that prints an error prints them', () => {
  const error = new RequestException('x', { cause: new Error('y') })
  assert.equal(error.request, undefined)
  assert.deepEqual(Object.keys(error), ['code'])
  assert.ok(error.cause instanceof Error)
})

/** Answers with these bytes and ends the connection. */
const wire =
  (text: string): Handler =>
  ({ socket }) =>
    socket.end(text)

const certificate = selfSigned({ hosts: ['localhost', '127.0.0.1'] })
const tls = { key: certificate.key, cert: certificate.certificate }
const closer = await startTcpServer((socket) => socket.end())
const resetter = await startTcpServer((socket) => socket.resetAndDestroy())
const paths: Record<string, Handler> = {
  '/closes': ({ socket }) => socket.end(),
  '/resets': ({ socket }) => (socket as typeof socket & { resetAndDestroy(): void }).resetAndDestroy(),
  '/garbage': wire('garbage\r\n\r\n'),
  '/lengths': wire('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx'),
  '/both': wire('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'),
  '/header': wire('HTTP/1.1 200 OK\r\nbad header: \0\r\n\r\n'),
  '/huge': wire(`HTTP/1.1 200 OK\r\nA: ${'a'.repeat(300_000)}\r\n\r\n`),
}
const handler: Handler = (request, response) => paths[request.url ?? '']?.(request, response)
const plain = await startHttpServer({ handler })
const secure = await startHttpsServer({ ...tls, handler })
const old = await startHttpsServer({ ...tls, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' })
const refused = await startHttpServer()
await refused.close()
after(() => Promise.all([plain.close(), secure.close(), old.close(), closer.close(), resetter.close()]))

type Row = [title: string, url: string, kind: Name, code: string | RegExp, message: RegExp, options?: RequestOptions]

// requests-spec 3.2.
const FAILURES: Row[] = [
  ['nothing listens', refused.url127, 'ConnectionError', 'ECONNREFUSED', /^Failed to establish a new connection/],
  ['nothing listens, by https', `https://127.0.0.1:${refused.port}`, 'ConnectionError', 'ECONNREFUSED', /refused/],
  [
    'the name does not resolve',
    'http://no.such.invalid/',
    'ConnectionError',
    /ENOTFOUND|EAI_AGAIN/,
    /does not resolve/,
  ],
  [
    'the server closes without an answer',
    `${plain.url127}/closes`,
    'ConnectionError',
    'ECONNRESET',
    /^Connection aborted/,
  ],
  [
    'the server closes without an answer',
    `${secure.url127}/closes`,
    'ConnectionError',
    'ECONNRESET',
    /^Connection aborted/,
    { verify: tls.cert },
  ],
  ['the server resets', `${plain.url127}/resets`, 'ConnectionError', 'ECONNRESET', /^Connection aborted/],
  ['the status line is garbage', `${plain.url127}/garbage`, 'ConnectionError', /^HPE_/, /not valid HTTP/],
  ['a header is garbage', `${plain.url127}/header`, 'ConnectionError', /^HPE_/, /not valid HTTP/],
  ['the headers are huge', `${plain.url127}/huge`, 'ConnectionError', 'HPE_HEADER_OVERFLOW', /larger than 256 KiB/],
  ['two Content-Lengths differ', `${plain.url127}/lengths`, 'InvalidHeader', /^HPE_/, /contradictory Content-Length/],
  [
    'Content-Length and chunks',
    `${plain.url127}/both`,
    'ConnectionError',
    'HPE_INVALID_TRANSFER_ENCODING',
    /not valid HTTP/,
  ],
  [
    'http is asked of a TLS port',
    `http://127.0.0.1:${secure.port}/`,
    'ConnectionError',
    'ECONNRESET',
    /^Connection aborted/,
  ],
  ['TLS is asked of an http port', `https://127.0.0.1:${plain.port}/`, 'SSLError', /SSL|EPROTO/, /does not speak TLS/],
  [
    'the server closes in the handshake',
    `https://127.0.0.1:${closer.port}/`,
    'SSLError',
    'ECONNRESET',
    /closed the connection during the TLS handshake/,
  ],
  [
    'the server resets in the handshake',
    `https://127.0.0.1:${resetter.port}/`,
    'ConnectionError',
    'ECONNRESET',
    /^Connection aborted/,
  ],
  ['the server speaks TLS 1.1 only', old.url127, 'SSLError', /SSL|EPROTO/, /no TLS version in common/],
  [
    'the certificate is self-signed',
    `${secure.url127}/`,
    'SSLError',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    /^certificate verify failed: self-signed certificate/,
  ],
  [
    'there is no scheme',
    'example.com/x',
    'MissingSchema',
    'ERR_MISSING_SCHEMA',
    /Perhaps you meant https:\/\/example\.com\/x\?$/,
  ],
  ['there is no host', 'http://', 'InvalidURL', 'ERR_INVALID_URL', /^Invalid URL 'http:\/\/': No host supplied$/],
  [
    'the scheme is unknown',
    'ftp://x/',
    'InvalidSchema',
    'ERR_INVALID_SCHEMA',
    /^No connection adapters were found for 'ftp:\/\/x\/'$/,
  ],
  [
    'the scheme only begins like http',
    `httpx://127.0.0.1:${plain.port}/`,
    'InvalidSchema',
    'ERR_INVALID_SCHEMA',
    /^No connection adapters/,
  ],
  [
    'the bundle does not exist',
    `${secure.url127}/`,
    'CABundleError',
    'ENOENT',
    /invalid path: \/nowhere\.pem$/,
    { verify: '/nowhere.pem' },
  ],
]

for (const [title, url, kind, code, message, options] of FAILURES) {
  test(`${title} (${/^\w+/.exec(url)}): ${kind} with ${code}`, async () => {
    await using session = new Session()
    for (const send of [() => session.get(url, options), () => requests.get(url, options)]) {
      await assert.rejects(send, (error) => {
        assert.ok(error instanceof classOf(kind))
        assert.equal(error.name, kind, String(error))
        // What is known of a handshake stands below the first line.
        const summary = error instanceof SSLError ? error.summary : error.message
        assert.match(summary, message)
        assert.doesNotMatch(summary, /\n/)
        if (typeof code === 'string') assert.equal(error.code, code)
        else assert.match(error.code, code)
        return true
      })
    }
  })
}

test('an error of the connection has the request and the error underneath', async () => {
  await using session = new Session()
  await assert.rejects(session.get(refused.url127), (error) => {
    assert.ok(error instanceof ConnectionError)
    assert.equal(error.request?.url, `${refused.url127}/`)
    assert.equal((error.cause as NodeJS.ErrnoException).syscall, 'connect')
    return true
  })
})

test('a server that hangs up on a client with a certificate may do so for that', async () => {
  const [clients, others] = [createAuthority(), createAuthority()]
  const eve = others.issue({ commonName: 'eve', hosts: [], extendedKeyUsage: ['clientAuth'] })
  using dir = tempDir()
  const path = dir.write('eve.pem', eve.chain + eve.key, 0o600)
  const options = { ...tls, ca: clients.certificate, requestCert: true, rejectUnauthorized: true }
  for (const [maxVersion, message] of [
    ['TLSv1.2', /during the TLS handshake[\s\S]*or it does not accept the client certificate \(.*eve\.pem\)/],
    ['TLSv1.3', /maybe for its client certificate \(.*eve\.pem\)$/],
  ] as const) {
    await using server = await startHttpsServer({ ...options, maxVersion })
    await assert.rejects(requests.get(server.url, { verify: certificate.certificate, cert: path }), { message })
  }
})
