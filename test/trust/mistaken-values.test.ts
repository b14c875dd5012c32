/** What people put into `verify` and `cert` that is no bundle and no client certificate: named for what it is, with what helps. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { readFileSync, statSync } from 'node:fs'
import { test } from 'node:test'
import { CABundleError, type ClientCert, ClientCertError, get, type Verify } from '../../src/index.ts'
import { openssl } from '../helpers/openssl.ts'
import { certify, rsa } from '../helpers/openssl-pki.ts'
import { toDer, toPkcs12 } from '../helpers/pki.ts'
import { outputOf } from '../helpers/processes.ts'
import { startHttpsServer } from '../helpers/servers.ts'
import { type TempDir, tempDir } from '../helpers/temp.ts'

const own = certify()
const pair = { ...own, chain: own.certificate }
const base64 = (text: string) => Buffer.from(text).toString('base64')
const FINGERPRINT = openssl(['x509', '-noout', '-fingerprint', '-sha256'], own.certificate).split('=')[1]?.trim() ?? ''
const SHA1 = openssl(['x509', '-noout', '-fingerprint', '-sha1'], own.certificate).split('=')[1]?.trim() ?? ''

async function refusal(options: { verify?: Verify; cert?: ClientCert }): Promise<CABundleError | ClientCertError> {
  // Nothing listens there: these errors come before a connection is made.
  const error = await get('https://localhost:1/', options).then(
    () => assert.fail('it must be refused'),
    (reason: unknown) => reason,
  )
  assert(error instanceof CABundleError || error instanceof ClientCertError, String(error))
  assert(error.hints.length > 0, error.message)
  for (const hint of error.hints) assert(error.message.includes(hint), hint)
  return error
}

const VALUES: [what: string, value: (dir: TempDir) => string, words: RegExp][] = [
  ['a fingerprint', () => FINGERPRINT, /this is a fingerprint \(SHA-256\): .*verify: 'sha256:…'/],
  ['a fingerprint without colons', () => FINGERPRINT.replaceAll(':', '').toLowerCase(), /this is a fingerprint/],
  ['a SHA-1 fingerprint', () => SHA1, /SHA-1 or MD5.*-fingerprint -sha256/],
  ['quotes', (dir) => `"${dir.write('ca.pem', own.certificate)}"`, /has quotes around it/],
  ['a CR', (dir) => `${dir.write('ca.pem', own.certificate)}\r`, /ca\.pem\\u\{d\}"[\s\S]*ends with a blank/],
  ['a blank', (dir) => `${dir.write('ca.pem', own.certificate)} `, /ca\.pem "[\s\S]*ends with a blank/],
  [
    'base64 of PEM',
    () => base64(own.certificate),
    /base64 encoding of PEM text: verify: Buffer\.from\(value, 'base64'\)/,
  ],
  ['a URL', () => 'https://ca.test/root.pem', /save it first/],
  ['nothing', () => 'none.pem', /there is no such file[\s\S]*working directory/],
]

for (const [what, value, words] of VALUES) {
  test(`verify is the path of a file, and given is ${what}`, async () => {
    using dir = tempDir()
    assert.match((await refusal({ verify: value(dir) })).message, words)
  })
}

test('what may be a private key in base64 is not shown', async () => {
  const { message, path } = await refusal({ verify: base64(own.key) })
  assert.doesNotMatch(`${message}${path}`, /LS0tLS1CRUdJTi/)
})

test('the decoded value that a hint names is trusted', async () => {
  await using server = await startHttpsServer({ key: own.key, cert: own.certificate })
  const verify = Buffer.from(base64(own.certificate), 'base64')
  assert.equal((await get(server.url, { verify })).statusCode, 200)
})

const FILES: [what: string, content: string | Buffer, words: RegExp][] = [
  ['a Java keystore', Buffer.from('feedfeed0000000200000001', 'hex'), /Java keystore[\s\S]*keytool -exportcert -rfc/],
  ['PKCS#12', toPkcs12(pair, 'x'), /PKCS#12 store[\s\S]*openssl pkcs12 -in FILE -nokeys/],
  ['base64 of PEM', base64(own.certificate), /base64 encoding of PEM text[\s\S]*base64 -d FILE/],
  ['base64 of DER', toDer(own.certificate).toString('base64'), /base64 without the lines/],
  [
    'a kubeconfig',
    `apiVersion: v1\nclusters:\n- cluster:\n    certificate-authority-data: ${base64(own.certificate)}\n`,
    /kubeconfig[\s\S]*kubectl config view --kubeconfig FILE --raw/,
  ],
  ['a web page', '<!DOCTYPE html><title>Sign in</title>', /a web page/],
  ['UTF-16', Buffer.from(`\ufeff${own.certificate}`, 'utf16le'), /UTF-16 text[\s\S]*iconv/],
  ['a private key', own.key, /holds a private key/],
  [
    'a damaged block',
    own.certificate.replace(/\n.*\n/, '\n'),
    /the block holds base64, but no certificate[\s\S]*get the file again/,
  ],
]

for (const [what, content, words] of FILES) {
  test(`a bundle that is ${what} is named for what it is`, async () => {
    using dir = tempDir()
    assert.match((await refusal({ verify: dir.write('bundle', content) })).message, words)
  })
}

const CONVERTED: [what: string, content: string | Buffer][] = [
  ['PKCS#12', toPkcs12(pair, 'x')],
  ['base64 of PEM', base64(own.certificate)],
  ['base64 of DER', toDer(own.certificate).toString('base64')],
  ['UTF-16', Buffer.from(`\ufeff${own.certificate}`, 'utf16le')],
  ['CR only', own.certificate.replaceAll('\n', '\r')],
]

for (const [what, content] of CONVERTED) {
  test(`a bundle that is ${what}: the command that the hint names writes a new file, which is one`, async () => {
    using dir = tempDir()
    const { hints } = await refusal({ verify: dir.write('bundle', content) })
    const [, command = ''] = /: (\(umask.*|openssl pkcs12 -in FILE.*)/.exec(hints.join('\n')) ?? []
    assert.match(command, /\bNEW\b/)
    const here = command.replace('FILE', dir.join('bundle')).replace(/NEW(\.pem)?/, dir.join('new'))
    await outputOf('sh', ['-c', what === 'PKCS#12' ? `${here} -passin pass:x` : here])
    await using server = await startHttpsServer({ key: own.key, cert: own.certificate })
    assert.equal((await get(server.url, { verify: dir.join('new') })).statusCode, 200)
    if (command.startsWith('(umask')) {
      assert.equal(statSync(dir.join('new')).mode & 0o777, 0o600)
      const kept = dir.write('new', 'kept')
      await outputOf('sh', ['-c', `${here} || true`])
      assert.equal(readFileSync(kept, 'utf8'), 'kept')
    }
  })
}

test('a key among the certificates of a directory is passed over, as one in a file is, until it is a certificate', async () => {
  using dir = tempDir()
  const verify = dir.join('certs')
  const other = certify()
  dir.write('certs/ca.pem', own.certificate)
  dir.write('certs/ca.key.pem', own.key)
  await using server = await startHttpsServer({ key: own.key, cert: own.certificate })
  await using second = await startHttpsServer({ key: other.key, cert: other.certificate })
  assert.equal((await get(server.url, { verify })).statusCode, 200)
  await assert.rejects(get(second.url, { verify }), { name: 'SSLError' })
  dir.write('certs/ca.key.pem', other.certificate)
  assert.equal((await get(second.url, { verify })).statusCode, 200)
})

test('a directory of keys only is refused', async () => {
  using dir = tempDir()
  dir.write('keys/a.pem', own.key)
  const error = await refusal({ verify: dir.join('keys') })
  assert.match(error.message, /a\.pem: no certificate in it: it holds a private key/)
})

test('a directory with a damaged file among its certificates: the command that the hint names makes it usable', async () => {
  using dir = tempDir()
  dir.write('certs/ca.pem', own.certificate)
  dir.write('certs/notes.pem', 'notes')
  const verify = dir.join('certs')
  const error = await refusal({ verify })
  const [, from = '', to = ''] = /mv -n (\S+) (\S+)/.exec(error.message) ?? []
  await outputOf('mv', ['-n', from, to])
  await using server = await startHttpsServer({ key: own.key, cert: own.certificate })
  assert.equal((await get(server.url, { verify })).statusCode, 200)
})

test('a client certificate in PKCS#12 that is given as a path leads to { pfx }, and that is sent', async () => {
  using dir = tempDir()
  const pfx = dir.write('client.p12', toPkcs12(pair, 'secret'))
  const error = await refusal({ cert: pfx })
  assert.match(error.message, /cert: \{ pfx: 'client\.p12', passphrase \}/)
  await using server = await startHttpsServer({
    key: own.key,
    cert: own.certificate,
    requestCert: true,
    rejectUnauthorized: false,
  })
  const response = await get(server.url, { verify: own.certificate, cert: { pfx, passphrase: 'secret' } })
  assert.equal(response.statusCode, 200)
})

const LEGACY = ['-provider', 'legacy', '-provider', 'default', '-passout', 'pass:secret']

test('a key with an old cipher is said to have one, whatever the passphrase; the command converts it', async () => {
  const { certificate, key } = certify({ keyType: rsa(2048) })
  const old = {
    md5: openssl(['pkcs8', '-topk8', '-v1', 'PBE-MD5-DES', ...LEGACY], key),
    rc2: openssl(['pkcs8', '-topk8', '-v1', 'PBE-SHA1-RC2-40', ...LEGACY], key),
    des: openssl(['rsa', '-traditional', '-des', ...LEGACY], key),
  }
  for (const [cipher, encrypted] of Object.entries(old)) {
    for (const passphrase of ['secret', 'wrong']) {
      const error = await refusal({ cert: { cert: certificate, key: encrypted, passphrase } })
      assert.match(error.message, /old cipher \(DES, RC2 or MD5\)/, cipher)
      assert.doesNotMatch(error.message, /passphrase is wrong/)
      assert.match(error.hints.join(), /openssl pkey -provider legacy -provider default -in OLD\.key -aes256/)
    }
    using dir = tempDir()
    const words = ['-provider', 'legacy', '-provider', 'default', '-in', dir.write('OLD.key', encrypted), '-aes256']
    const converted = openssl(['pkey', ...words, '-passin', 'pass:secret', '-passout', 'pass:secret'])
    await using server = await startHttpsServer({ key: own.key, cert: own.certificate })
    const cert = { cert: certificate, key: converted, passphrase: 'secret' }
    assert.equal((await get(server.url, { verify: own.certificate, cert })).statusCode, 200)
  }
  const current = openssl(['pkcs8', '-topk8', '-v2', 'aes-256-cbc', '-passout', 'pass:secret'], key)
  const wrong = await refusal({ cert: { cert: certificate, key: current, passphrase: 'wrong' } })
  assert.match(wrong.message, /passphrase is wrong/)
})

const KEYS: [what: string, content: string | Buffer, words: RegExp][] = [
  ['UTF-16', Buffer.from(`\ufeff${own.key}`, 'utf16le'), /client key .*: it is UTF-16 text[\s\S]*iconv/],
  [
    'one line with written line breaks',
    own.key.replaceAll('\n', '\\n'),
    /line breaks are written as \\n[\s\S]*replaceAll/,
  ],
  ['base64 of PEM', base64(own.key), /base64 encoding of PEM/],
  [
    'a certificate',
    own.certificate,
    /no private key in it: it holds "CERTIFICATE" only[\s\S]*name the file that has the key/,
  ],
]

for (const [what, content, words] of KEYS) {
  test(`a key that is ${what} gets the help that bundles get`, async () => {
    using dir = tempDir()
    const cert = { cert: own.certificate, key: dir.write('client.key', content) }
    const error = await refusal({ cert })
    assert.match(error.message, words)
    assert.doesNotMatch(error.message, /PRIVATE KEY-----MI/)
  })
}

test('a client certificate that is not there: plain words and the working directory', async () => {
  assert.match((await refusal({ cert: 'none.pem' })).message, /there is no such file[\s\S]*working directory/)
})
