import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { Session } from '../../src/index.ts'
import { readPkcs12 } from '../../src/x509/pkcs12.ts'
import { opensslBytes } from '../helpers/openssl.ts'
import { createAuthority } from '../helpers/pki.ts'
import { startHttpsServer } from '../helpers/servers.ts'
import { tempDir } from '../helpers/temp.ts'

const servers = createAuthority({ commonName: 'Server CA' })
const clients = createAuthority({ commonName: 'Client CA' })
const below = clients.intermediate()
const ada = below.issue({ hosts: [], commonName: 'ada', extendedKeyUsage: ['clientAuth'] })

/** A file with the certificate, its key, its intermediate and its root. */
function pkcs12(passphrase: string, ...flags: string[]): Buffer {
  using dir = tempDir()
  const files = ['-in', dir.write('chain', `${ada.chain}${clients.certificate}`), '-inkey', dir.write('key', ada.key)]
  return opensslBytes(['pkcs12', '-export', ...files, '-passout', `pass:${passphrase}`, ...flags])
}

const FORMS: readonly (readonly [what: string, passphrase: string, ...flags: string[]])[] = [
  ['as OpenSSL 3 writes it', 'grün secret'],
  ['with AES-128', 'secret', '-keypbe', 'AES-128-CBC', '-certpbe', 'AES-128-CBC'],
  ['with AES-192', 'secret', '-keypbe', 'AES-192-CBC', '-certpbe', 'AES-192-CBC', '-macalg', 'sha512'],
  ['with triple DES', 'grün secret', '-keypbe', 'PBE-SHA1-3DES', '-certpbe', 'PBE-SHA1-3DES', '-macalg', 'sha1'],
  ['with triple DES and a long passphrase', 'x'.repeat(70), '-keypbe', 'PBE-SHA1-3DES', '-certpbe', 'PBE-SHA1-3DES'],
  ['with triple DES and no passphrase', '', '-keypbe', 'PBE-SHA1-3DES', '-certpbe', 'PBE-SHA1-3DES'],
  ['with no passphrase', ''],
  ['not encrypted', 'secret', '-keypbe', 'NONE', '-certpbe', 'NONE'],
  ['derived once', 'secret', '-iter', '1'],
]

for (const [what, passphrase, ...flags] of FORMS) {
  test(`PKCS#12 ${what}: the key, and its certificate before the others`, () => {
    const { cert, key } = readPkcs12(pkcs12(passphrase, ...flags), passphrase)
    assert.equal(key, ada.key)
    const [first, ...others] = cert.match(/-----BEGIN.*?END CERTIFICATE-----\n/gs) ?? []
    assert.equal(new X509Certificate(first ?? '').subject, 'CN=ada')
    assert.deepEqual(others.sort(), [below.certificate, clients.certificate].sort())
  })
}

test('a client certificate in PKCS#12 adds nothing to what is trusted, whatever else is in its file', async () => {
  const cert = { pfx: pkcs12('secret'), passphrase: 'secret' }
  const theirs = clients.issue()
  const alsoTheirs = below.issue()
  const ours = servers.issue()
  await using one = await startHttpsServer({ key: theirs.key, cert: theirs.chain })
  await using two = await startHttpsServer({ key: alsoTheirs.key, cert: alsoTheirs.chain })
  const wants = { ca: clients.certificate, requestCert: true, rejectUnauthorized: true }
  await using good = await startHttpsServer({ key: ours.key, cert: ours.chain, ...wants })
  for (const verify of [servers.certificate, true]) {
    await using session = new Session({ verify, cert })
    for (const { url } of [one, two])
      await assert.rejects(session.get(url), { name: 'SSLError', reason: /unknown-ca|missing/ })
  }
  // It serves its purpose, with its intermediate.
  await using session = new Session({ verify: servers.certificate, cert })
  assert.equal((await session.get(good.url)).statusCode, 200)
})

test('what is not understood is refused, with a way out', async () => {
  const whole = pkcs12('secret')
  for (const [bytes, message] of [
    [whole.subarray(0, 400), /structure is not understood/],
    [Buffer.from('3003020103', 'hex'), /structure is not understood/],
    [pkcs12('secret', '-nokeys'), /no key with its certificate/],
  ] as const) {
    assert.throws(() => readPkcs12(bytes, 'secret'), { message })
  }
  assert.throws(() => readPkcs12(whole, 'wrong'))
})
