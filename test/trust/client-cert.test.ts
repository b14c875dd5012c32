import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdirSync, renameSync, rmSync, utimesSync } from 'node:fs'
import { test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { pathToFileURL } from 'node:url'
import { CABundleError, ClientCertError, get } from '../../src/index.ts'
import { type ClientCert, toClientCertSource } from '../../src/trust/client-cert.ts'
import { assertClientCertExists, resolveClientCert } from '../../src/trust/client-identity.ts'
import { createAuthority, encryptKey, toDer, toPkcs7, toPkcs12 } from '../helpers/pki.ts'
import { startHttpsServer } from '../helpers/servers.ts'
import { type TempDir, tempDir } from '../helpers/temp.ts'

const root = createAuthority()
const middle = root.intermediate()
const client = middle.issue({ hosts: [], commonName: 'client', extendedKeyUsage: ['clientAuth'] })
const rsa = root.issue({ hosts: [], commonName: 'client', extendedKeyUsage: ['clientAuth'], keyType: 'rsa-2048' })
const stranger = root.issue({ hosts: [], commonName: 'stranger' })
const { chain, key } = client
const both = chain + key
const der = (pem: string, format: 'pkcs8' | 'pkcs1' | 'sec1') =>
  createPrivateKey(pem).export({ format: 'der', type: format })
const encryptedDer = createPrivateKey(key).export({
  format: 'der',
  type: 'pkcs8',
  cipher: 'aes-256-cbc',
  passphrase: 'secret',
})

const resolve = (cert: unknown) => resolveClientCert(toClientCertSource(cert as ClientCert))

const forms: [what: string, make: (dir: TempDir) => ClientCert][] = [
  ['one file, certificate first', (dir) => dir.write('a', both)],
  ['one file, key first', (dir) => dir.write('a', key + chain)],
  ['a file: URL', (dir) => pathToFileURL(dir.write('a', both))],
  ['PEM text', () => both],
  ['a pair of paths', (dir) => [dir.write('c', chain), dir.write('k', key)]],
  ['a pair of URLs', (dir) => [pathToFileURL(dir.write('c', chain)), pathToFileURL(dir.write('k', key))]],
  ['a pair without a key: it is in the first', (dir) => [dir.write('a', both), null]],
  ['an object with paths', (dir) => ({ cert: dir.write('c', chain), key: dir.write('k', key) })],
  ['an object without a key: it is in the certificate', () => ({ cert: both })],
  ['an object with PEM text', () => ({ cert: chain, key })],
  ['an object with bytes of PEM', () => ({ cert: Buffer.from(chain), key: new Uint8Array(Buffer.from(key)) })],
  ['text before the key', () => ({ cert: chain, key: `0 is no DER\n${key}` })],
  ['CRLF', () => ({ cert: chain.replaceAll('\n', '\r\n'), key: key.replaceAll('\n', '\r\n') })],
  ['byte-order marks', () => ({ cert: `\ufeff${chain}`, key: `\ufeff${key}` })],
  ['a key as PKCS#8', () => ({ cert: chain, key: der(key, 'pkcs8') })],
  ['a key as SEC1', () => ({ cert: chain, key: der(key, 'sec1') })],
  ['a key as encrypted PKCS#8', () => ({ cert: chain, key: encryptedDer, passphrase: 'secret' })],
  ['a chain as PKCS#7', () => ({ cert: toPkcs7(...chain.split(/(?<=END CERTIFICATE-----\n)/)), key })],
  ['an encrypted key', () => ({ cert: chain, key: encryptKey(key, 'secret'), passphrase: 'secret' })],
  [
    'an encrypted key of the old form',
    () => ({ cert: chain, key: encryptKey(key, 'secret', 'traditional'), passphrase: 'secret' }),
  ],
  ['a passphrase that is not needed', () => ({ cert: chain, key, passphrase: 'secret' })],
  ['PKCS#12 by path', (dir) => ({ pfx: dir.write('p', toPkcs12(client, 'secret')), passphrase: 'secret' })],
  ['PKCS#12 as bytes', () => ({ pfx: toPkcs12(client, 'secret'), passphrase: 'secret' })],
  ['PKCS#12 with an empty passphrase', () => ({ pfx: toPkcs12(client, ''), passphrase: '' })],
  ['PKCS#12 without a passphrase', () => ({ pfx: toPkcs12(client, '') })],
]

for (const [what, make] of forms) {
  test(`a server that asks for a client certificate sees it, with its chain: ${what}`, async () => {
    using dir = tempDir()
    await using server = await startHttpsServer({
      ...pairOf(root.issue()),
      ca: root.certificate,
      requestCert: true,
      handler: ({ socket }, response) => {
        const { authorized, getPeerCertificate } = socket as TLSSocket
        response.end(`${authorized} ${getPeerCertificate.call(socket as TLSSocket).subject.CN}`)
      },
    })
    const response = await get(server.url, { verify: root.certificate, cert: make(dir) })
    assert.equal(response.text, 'true client')
  })
}

const pairOf = ({ chain: cert, key }: { chain: string; key: string }) => ({ cert, key })

test('a certificate in DER and an RSA key in the form of PKCS#1 are taken', () => {
  const { options } = resolve({ cert: toDer(rsa.certificate), key: der(rsa.key, 'pkcs1') })
  assert('cert' in options)
  assert.equal(new X509Certificate(options.cert).checkPrivateKey(createPrivateKey(options.key)), true)
})

const errors: [
  what: string,
  make: (dir: TempDir) => unknown,
  message: RegExp,
  more?: { path?: string; line?: number; hint?: RegExp; code?: string },
][] = [
  [
    'a missing file',
    () => 'missing.pem',
    /^Could not find the TLS certificate file, invalid path: missing\.pem$/,
    { path: 'missing.pem', code: 'ENOENT' },
  ],
  [
    'a missing certificate of a pair',
    (dir) => ['missing.crt', dir.write('k', key)],
    /^Could not find the TLS certificate file, invalid path: missing\.crt$/,
  ],
  ['both missing', () => ['missing.crt', 'missing.key'], /certificate file, invalid path: missing\.crt$/],
  [
    'a missing key',
    (dir) => [dir.write('c', chain), 'missing.key'],
    /^Could not find the TLS key file, invalid path: missing\.key$/,
    { path: 'missing.key', code: 'ENOENT' },
  ],
  [
    'a missing PKCS#12 file',
    () => ({ pfx: 'missing.p12' }),
    /^Could not find the TLS PKCS#12 file, invalid path: missing\.p12$/,
  ],
  [
    'a path below a file',
    (dir) => dir.join(dir.write('c', chain).slice(dir.path.length + 1), 'x'),
    /invalid path/,
    { code: 'ENOENT' },
  ],
  ['a directory', (dir) => dir.path, /cannot read the TLS certificate file .*: it is not a regular file/],
  ['a path with NUL', () => 'a\0b', /^Could not find the TLS certificate file, invalid path: a\\u\{0\}b$/],
  ['a path that is too long', () => 'x'.repeat(5000), /^Could not find the TLS certificate file/],
  ['an empty path', () => '', /the path of the client certificate is empty/],
  [
    'no key in the file',
    (dir) => dir.write('c', chain),
    /cannot use the client key .*: there is no private key in it/,
    { hint: /name the key file/ },
  ],
  ['no key in the text', () => chain, /cannot use the client key given as PEM text: there is no private key/],
  ['no key in DER', () => ({ cert: toDer(chain) }), /there is no private key in it/],
  [
    'a cut key in DER',
    () => ({ cert: chain, key: der(key, 'pkcs8').subarray(0, 30) }),
    /there is no private key in it/,
  ],
  [
    'a damaged key in DER',
    () => ({ cert: chain, key: Buffer.from([0x30, 3, 2, 1, 0]) }),
    /it is damaged, or of a kind/,
  ],
  [
    'no certificate in the file',
    (dir) => dir.write('k', key),
    /cannot use the client certificate .*: no certificate in it: it holds a private key/,
  ],
  [
    'a certificate that is damaged',
    () => ({ cert: `#\n${chain.replace(/\n./, '\n!')}`, key }),
    /cannot use the client certificate given as PEM text, line 3: .*not base64/,
    { line: 3 },
  ],
  ['a PKCS#12 file instead of PEM', (dir) => dir.write('p', toPkcs12(client, '')), /is a PKCS#12 store/],
  [
    'the key of another certificate',
    (dir) => [dir.write('c', chain), dir.write('k', stranger.key)],
    /the client key .*k does not belong to the certificate .*c$/,
    { hint: /the key that the certificate was issued for/, code: 'ERR_OSSL_X509_KEY_VALUES_MISMATCH' },
  ],
  ['the same, given as text', () => ({ cert: chain, key: stranger.key }), /does not belong to/],
  [
    'a chain in the wrong order',
    () => ({ cert: middle.certificate + client.certificate, key }),
    /does not belong/,
    { hint: /later certificate of the file: put that one first/ },
  ],
  [
    'an encrypted key without passphrase',
    () => ({ cert: chain, key: encryptKey(key, 'secret') }),
    /cannot use the client key given as PEM text: it is encrypted/,
    { hint: /passphrase/ },
  ],
  [
    'an encrypted key of the old form without passphrase',
    () => chain + encryptKey(key, 'secret', 'traditional'),
    /it is encrypted/,
  ],
  ['an encrypted key in DER without passphrase', () => ({ cert: chain, key: encryptedDer }), /it is encrypted/],
  [
    'an encrypted key with a wrong passphrase',
    () => ({ cert: chain, key: encryptKey(key, 'secret'), passphrase: 'wrong' }),
    /it cannot be decrypted: the passphrase is wrong/,
  ],
  [
    'an encrypted key with an empty passphrase',
    () => ({ cert: chain, key: encryptKey(key, 'secret'), passphrase: '' }),
    /it cannot be decrypted/,
  ],
  [
    'an encrypted key in DER with a wrong passphrase',
    () => ({ cert: chain, key: encryptedDer, passphrase: 'wrong' }),
    /it cannot be decrypted/,
  ],
  [
    'a damaged key',
    () => ({ cert: chain, key: key.replace(/\n.{9}/, '\nAAAAAAAAA') }),
    /it is damaged, or of a kind that Node cannot read/,
  ],
]

for (const [what, make, message, { path, line, hint, code } = {}] of errors) {
  test(`a client certificate that cannot be used is an error in plain words: ${what}`, () => {
    using dir = tempDir()
    assert.throws(
      () => resolve(make(dir)),
      (error: unknown) => {
        assert(error instanceof ClientCertError)
        assert.match(error.summary, message)
        assert.equal(error.line, line)
        if (path) assert.equal(error.path, path)
        if (hint) assert.match(error.hints.join(), hint)
        if (code) assert.equal(error.code, code)
        assert.doesNotMatch(`${error.stack} ${error.hints}`, /secret|wrong'/)
        return true
      },
    )
  })
}

const wrongTypes: [what: string, value: unknown, message: RegExp][] = [
  ['true', true, /not boolean/],
  ['false', false, /not boolean/],
  ['a number', 1, /not number/],
  ['null', null, /not object/],
  ['a list of one', ['a.pem'], /not a list of 1/],
  ['a list of three', ['a', 'b', 'c'], /not a list of 3/],
  ['an empty list', [], /not a list of 0/],
  ['a pair with a number', ['a', 1], /not number/],
  ['a pair without a certificate', [null, 'a'], /not null/],
  ['an empty object', {}, /not undefined/],
  ['an object with an unknown name', { cert: 'a', password: 'b' }, /not an object with "password"/],
  ['PKCS#12 and a certificate', { pfx: 'a', cert: 'b' }, /"pfx" and "cert" or "key"/],
  ['PKCS#12 and a key', { pfx: 'a', key: 'b' }, /"pfx" and "cert" or "key"/],
  ['a passphrase of another type', { cert: 'a', passphrase: 1 }, /cert\.passphrase must be a string, not number/],
  ['bytes alone', Buffer.from('x'), /not an object with "0"/],
  ['a URL that is no file', new URL('https://localhost/a.pem'), /must be a file: URL, not https:/],
]

for (const [what, value, message] of wrongTypes) {
  test(`a value of another type is refused with what is accepted: ${what}`, () => {
    assert.throws(
      () => toClientCertSource(value as ClientCert),
      (error: unknown) => {
        assert(error instanceof TypeError)
        assert.match(error.message, message)
        return true
      },
    )
  })
}

test('equal content is one identity, whatever its form; anything else is another', () => {
  using dir = tempDir()
  const digest = (cert: ClientCert) => resolve(cert).digest
  const path = dir.write('both', both)
  assert.equal(digest({ cert: chain, key }), digest([dir.write('c', chain), dir.write('k', key)]))
  assert.equal(digest({ cert: chain, key }), digest(path))
  assert.equal(resolve(path), resolve(path))
  const all: ClientCert[] = [
    { cert: chain, key },
    { cert: client.certificate, key },
    { cert: rsa.certificate, key: rsa.key },
  ]
  assert.equal(new Set(all.map(digest)).size, all.length)
})

test('a file that changed is read again, and what was made of it before is stale', () => {
  using dir = tempDir()
  const [certFile, keyFile, pfxFile] = [
    dir.write('c', chain),
    dir.write('k', key),
    dir.write('p', toPkcs12(client, '')),
  ]
  const pem = resolve([certFile, keyFile])
  const pfx = resolve({ pfx: pfxFile })
  assert.deepEqual([pem.stale, pfx.stale], [false, false])
  dir.write('c', rsa.chain)
  dir.write('k', rsa.key)
  dir.write('p', toPkcs12(rsa, ''))
  assert.notEqual(resolve([certFile, keyFile]).digest, pem.digest)
  assert.notEqual(resolve({ pfx: pfxFile }).digest, pfx.digest)
  assert.deepEqual([pem.stale, pfx.stale], [true, true])
})

test('a path that cannot be is an error of ours for a request, too', async () => {
  for (const path of ['a\0b', 'x'.repeat(5000)]) {
    await assert.rejects(get('https://localhost:1/', { cert: path }), ClientCertError)
    await assert.rejects(get('http://localhost:1/', { cert: path }), ClientCertError)
    await assert.rejects(get('https://localhost:1/', { verify: path }), CABundleError)
  }
})

test('a pair that is being replaced is waited for, whichever of the two comes first', async () => {
  using dir = tempDir()
  await using server = await startHttpsServer({ ...pairOf(root.issue()), ca: root.certificate, requestCert: true })
  const cert = [dir.join('c'), dir.join('k')] as const
  const old = new Date('2020-01-01T00:00:00Z')
  for (const first of [0, 1]) {
    dir.write('c', chain)
    dir.write('k', key)
    const news = [dir.write('c.new', rsa.chain), dir.write('k.new', rsa.key)]
    // What is renamed keeps the time of its content.
    for (const path of [...cert, ...news]) utimesSync(path, old, old)
    renameSync(news[first] ?? '', cert[first] ?? '')
    const response = get(server.url, { verify: root.certificate, cert })
    await new Promise((done) => setTimeout(done, 20))
    renameSync(news[1 - first] ?? '', cert[1 - first] ?? '')
    assert.equal((await response).statusCode, 200)
  }
})

test('for plain http a path must exist, and nothing else is looked at', () => {
  using dir = tempDir()
  const check = (cert: ClientCert) => assertClientCertExists(toClientCertSource(cert))
  mkdirSync(dir.join('d'))
  check(dir.join('d'))
  check({ pfx: Buffer.from('junk') })
  check({ cert: 'junk -----BEGIN', key: 'junk -----BEGIN' })
  const keyFile = dir.write('k', 'junk')
  check([dir.join('d'), keyFile])
  rmSync(keyFile)
  assert.throws(() => check([dir.join('d'), keyFile]), /Could not find the TLS key file/)
  for (const path of ['a\0b', 'x'.repeat(5000)])
    assert.throws(() => check(path), /Could not find the TLS certificate file/)
  assert.throws(() => check({ pfx: keyFile }), /Could not find the TLS certificate file/)
})

test('bytes are copied: changing them later changes no client certificate', () => {
  const { certificate, key } = createAuthority().issue()
  const [cert, keyBytes] = [Buffer.from(certificate), Buffer.from(key)]
  const source = toClientCertSource({ cert, key: keyBytes })
  const { digest } = resolveClientCert(source)
  const other = toClientCertSource({ cert, key: keyBytes })
  for (const bytes of [cert, keyBytes]) bytes.fill(0)
  assert.doesNotThrow(() => resolveClientCert(other))
  assert.equal(resolveClientCert(other).digest, digest)
})
