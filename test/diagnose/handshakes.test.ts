/** Handshakes that fail: every alert and OpenSSL's own errors, and that each way out that is named leads out. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { createSecureServer } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { explain, get, type RequestOptions, SSLError } from '../../src/index.ts'
import { moduleUrl, nodeMajor } from '../helpers/modules.ts'
import { certify, rsa } from '../helpers/openssl-pki.ts'
import { outputOfScript } from '../helpers/processes.ts'
import { startProgram, whyNo } from '../helpers/programs.ts'
import { startServer, startTcpServer } from '../helpers/tcp.ts'
import type { TempDir } from '../helpers/temp.ts'
import { tempDir } from '../helpers/temp.ts'

const server = certify({ keyType: rsa(2048) })
const client = certify({ subject: '/CN=ada', extensions: ['extendedKeyUsage=clientAuth'] })
const cert = { cert: client.certificate, key: client.key }

/** Answers the first bytes of each connection. */
function answering(answer: (hello: Buffer, socket: Socket) => void) {
  return startTcpServer((socket) => socket.once('data', (hello) => answer(hello, socket)))
}

/** The record of a fatal alert. */
const alertRecord = (alert: number) => Buffer.from([0x15, 3, 3, 0, 2, 2, alert])

async function refusal(port: number, options: RequestOptions = {}): Promise<SSLError> {
  const error = await get(`https://localhost:${port}/`, { verify: server.certificate, ...options }).then(
    () => assert.fail('the handshake must fail'),
    (error: unknown) => error,
  )
  assert(error instanceof SSLError, String(error))
  assert(error.hints.length > 0, error.message)
  return error
}

const CLIENT_ALERTS: ReadonlyMap<number, RegExp> = new Map([
  [42, /refuses the client certificate/],
  [43, /does not support/],
  [44, /it was revoked/],
  [45, /it has expired/],
  [46, /refuses the client certificate/],
  [48, /does not know its CA/],
  [49, /access denied/],
  [51, /signature was not accepted/],
  [116, /got none that it accepts/],
])

/** RFC 8446, appendix B.2, and those of older versions. */
const OTHER_ALERTS = [10, 20, 22, 30, 40, 47, 50, 70, 71, 80, 86, 90, 100, 109, 110, 112, 113, 115, 120, 255]

/** RFC 8446, section 6.2: all others are about a certificate that was sent. */
const ASKING = [42, 46, 116]

test('each alert has a reason and hints, and a client certificate is refused only if one was given', async () => {
  for (const alert of [...CLIENT_ALERTS.keys(), ...OTHER_ALERTS]) {
    await using answers = await answering((_, socket) => socket.end(alertRecord(alert)))
    const without = await refusal(answers.port)
    const withClient = await refusal(answers.port, { cert })
    const words = CLIENT_ALERTS.get(alert)
    const asks = ASKING.includes(alert)
    assert.equal(without.reason, asks ? 'client-certificate' : 'protocol', `${alert}: ${without.message}`)
    assert.equal(withClient.reason, words ? 'client-certificate' : 'protocol', `${alert}: ${withClient.message}`)
    assert.doesNotMatch(without.message, /refuse/, `${alert}`)
    if (asks) assert.match(without.summary, /^the server (?:probably )?asks for a client certificate/)
    // Alert 40 is what a server sends that has no cipher in common, and one that wants a certificate.
    else if (alert !== 40) assert.doesNotMatch(without.message, /client.?certificate|cert:/, `${alert}`)
    if (words) {
      assert.match(withClient.summary, words)
      assert.match(withClient.hints.join(), /\(given as PEM text\)/)
    }
  }
})

const WORDS: [alert: number, words: RegExp][] = [
  [51, /could not verify the handshake \(decrypt error\)/],
  [48, /ended the handshake \(unknown CA\)/],
  [112, /no site of this name/],
  [120, /does not speak HTTP\/1\.1/],
  [70, /no TLS version in common/],
  [40, /no cipher in common, or it wants a client certificate/],
]

for (const [alert, words] of WORDS) {
  test(`alert ${alert} is said in words: ${words.source}`, async () => {
    await using answers = await answering((_, socket) => socket.end(alertRecord(alert)))
    assert.match((await refusal(answers.port)).summary, words)
  })
}

test('a server without certificate for the name says so in its alert', async () => {
  await using running = await startProgram((port, dir) => [
    ...sServer(port, dir),
    ...['-servername', 'other.test', '-servername_fatal'],
    ...['-cert2', dir.join('cert.pem'), '-key2', dir.join('key.pem')],
  ])
  const error = await refusal(running.port)
  assert.equal(error.reason, 'protocol')
  assert.match(error.message, /no site of this name/)
  const explanation = String(await explain(`https://localhost:${running.port}/`, { verify: server.certificate }))
  assert.match(explanation, /cannot be verified: the server has no site of this name/)
  assert.doesNotMatch(explanation, /not trusted/)
})

test('a server of HTTP/2 alone', async () => {
  await using http2 = await startServer(createSecureServer({ key: server.key, cert: server.certificate }))
  const error = await refusal(http2.port)
  assert.match(error.message, /does not speak HTTP\/1\.1/)
  assert.match(error.message, /HTTP\/2/)
})

test('a certificate with ten thousand names is too large for OpenSSL', async () => {
  const names = Array.from({ length: 10_000 }, (_, index) => `DNS:h${index}.example`).join(',')
  const large = certify({ extensions: [`subjectAltName=${names}`] })
  await using running = await startProgram((port, dir) => sServer(port, dir, large))
  const error = await refusal(running.port)
  assert.equal(error.reason, 'protocol')
  assert.match(error.message, /too large for a handshake/)
  assert.match(error.message, /server's owner must/)
})

const OLD = ['-cipher', 'ALL@SECLEVEL=0']

/** Servers that are too old, and the options that their errors name. */
const WAYS: { what: string; args: readonly string[]; hint: RegExp; intolerant?: boolean }[] = [
  { what: 'TLS 1.0', args: ['-tls1', ...OLD], hint: /node (--tls-min-v1\.0 --tls-cipher-list=DEFAULT@SECLEVEL=0)/ },
  { what: 'TLS 1.1', args: ['-tls1_1', ...OLD], hint: /node (--tls-min-v1\.0 --tls-cipher-list=DEFAULT@SECLEVEL=0)/ },
  {
    what: 'old ciphers',
    args: ['-tls1_2', '-cipher', 'CAMELLIA128-SHA@SECLEVEL=0'],
    hint: /node (--tls-cipher-list=ALL@SECLEVEL=0)/,
  },
  { what: 'no idea of TLS 1.3', args: ['-tls1_2'], hint: /node (--tls-max-v1\.2)/, intolerant: true },
]

for (const { what, args, hint, intolerant = false } of WAYS) {
  test(`a server with ${what}: the options that the error names lead out`, async () => {
    await using running = await startProgram((port, dir) => [...sServer(port, dir), ...args])
    await using front = await answering((hello, socket) => {
      // The extension supported_versions (43) has TLS 1.3.
      if (intolerant && hello.includes(Buffer.from([0, 43]))) {
        socket.end()
        return
      }
      const upstream = connect(running.port, '127.0.0.1').on('error', () => {})
      upstream.write(hello)
      upstream.pipe(socket).pipe(upstream)
    })
    const error = await refusal(front.port)
    assert.equal(error.reason, 'protocol')
    const flags = hint.exec(error.message)?.[1]?.split(' ') ?? assert.fail(error.message)
    assert.equal(await statusWith(flags, front.port), '200')
  })
}

const LEGACY_CONFIG = `nodejs_conf = settings
[settings]
ssl_conf = ssl
[ssl]
system_default = defaults
[defaults]
Options = UnsafeLegacyServerConnect
`

test('a server with a key of 1024 bits is reached with a lower level of security, and its hint says so', {
  skip: nodeMajor < 24 && 'accepted by this Node',
}, async () => {
  const short = certify({ keyType: rsa(1024) })
  await using running = await startProgram((port, dir) => [...sServer(port, dir, short), ...OLD])
  const error = await refusal(running.port, { verify: short.certificate })
  assert.equal(error.reason, 'weak')
  const [, flag = ''] = /node (--tls-cipher-list=DEFAULT@SECLEVEL=0)/.exec(error.hints.join()) ?? []
  assert.equal(await statusWith([flag], running.port, short.certificate), '200')
})

test('a server without secure renegotiation is named', async () => {
  // A ServerHello of TLS 1.2 without extensions, RFC 5746's among them.
  const body = Buffer.concat([Buffer.from([3, 3]), randomBytes(32), Buffer.from([0, 0xc0, 0x2f, 0])])
  const hello = Buffer.concat([Buffer.from([2, 0, 0, body.length]), body])
  const record = Buffer.concat([Buffer.from([0x16, 3, 3, 0, hello.length]), hello])
  await using answers = await answering((_, socket) => socket.end(record))
  const error = await refusal(answers.port)
  assert.equal(error.reason, 'protocol')
  assert.match(error.message, /does not support secure renegotiation/)
  assert.match(error.message, /UnsafeLegacyServerConnect/)
})

test('a server without secure renegotiation is reached with the file that the documentation has', {
  skip: whyNo('gnutls-serv'),
}, async () => {
  await using running = await startProgram((port, dir) => [
    'gnutls-serv',
    ...['--http', '-p', String(port), '--priority', 'NORMAL:-VERS-TLS1.3:%DISABLE_SAFE_RENEGOTIATION'],
    ...['--x509certfile', dir.write('cert.pem', server.certificate), '--x509keyfile', dir.write('key.pem', server.key)],
  ])
  assert.match((await refusal(running.port)).message, /--openssl-config=FILE/)
  using dir = tempDir()
  const config = dir.write('legacy.cnf', LEGACY_CONFIG)
  assert.equal(await statusWith([`--openssl-config=${config}`], running.port), '200')
})

function sServer(port: number, dir: TempDir, { certificate, key } = server): [string, ...string[]] {
  const files = ['-cert', dir.write('cert.pem', certificate), '-key', dir.write('key.pem', key)]
  return ['openssl', 's_server', '-accept', `127.0.0.1:${port}`, '-www', ...files]
}

/** The status of a request in a process that was started with these options. */
async function statusWith(flags: readonly string[], port: number, trusted = server.certificate): Promise<string> {
  using dir = tempDir()
  const file = dir.write('server.pem', trusted)
  const script = `import { get } from ${JSON.stringify(moduleUrl('index'))}
    console.log((await get('https://localhost:${port}/', { verify: ${JSON.stringify(file)} })).statusCode)`
  return (await outputOfScript(script, { flags })).trim()
}
