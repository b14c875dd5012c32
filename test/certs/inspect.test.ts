import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { createCA, createSelfSignedCert, inspectCert, type KeyType } from '../../src/certs/index.ts'
import { CABundle } from '../../src/index.ts'
import { certificateSequences, derElement, readElement, readElements, SEQUENCE } from '../../src/x509/der.ts'
import { leaf } from '../conformance/limbo/forge.ts'
import { openssl } from '../helpers/openssl.ts'
import { createAuthority, selfSigned, toDer, toPkcs7 } from '../helpers/pki.ts'
import { tempDir } from '../helpers/temp.ts'

const DAY = 24 * 60 * 60 * 1000

test('a certificate says who it is, for whom, by whom and until when', async () => {
  using dir = tempDir()
  const file = dir.join('cert.pem')
  const hosts = ['localhost', '*.example.com', '127.0.0.1', '2001:db8::7']
  const pair = await createSelfSignedCert(file, dir.join('key.pem'), hosts, { organization: 'Müller, "Söhne"' })
  const info = inspectCert(file)
  const { fingerprint: sha1, serialNumber } = new X509Certificate(pair.cert)
  assert.deepEqual(info, {
    subject: 'O=Müller\\, \\"Söhne\\", CN=localhost',
    issuer: 'O=Müller\\, \\"Söhne\\", CN=localhost',
    hosts,
    validFrom: pair.validFrom,
    validTo: pair.validTo,
    daysLeft: 364,
    serialNumber,
    keyType: 'ec-p256',
    fingerprint: pair.fingerprint,
    fingerprints: { sha1, sha256: pair.fingerprint },
    ca: false,
    selfSigned: true,
    purposes: ['serverAuth'],
    pem: pair.cert,
  })
  assert(openssl(['x509', '-noout', '-fingerprint', '-sha256'], pair.cert).includes(info.fingerprint))
  for (const source of [pathToFileURL(file), pair.cert, Buffer.from(pair.cert), toDer(pair.cert)]) {
    assert.deepEqual(inspectCert(source), info)
  }
  assert.deepEqual(inspectCert(new X509Certificate(pair.cert)), info)
})

for (const keyType of ['ec-p256', 'ec-p384', 'rsa-2048', 'ed25519'] satisfies KeyType[]) {
  test(`the kind of key is called ${keyType}, as when it was made`, async () => {
    assert.equal(inspectCert((await createSelfSignedCert(null, null, 'localhost', { keyType })).cert).keyType, keyType)
  })
}

test('days left are whole ones, 0 on the last day and negative afterwards', () => {
  const left = (ms: number) => inspectCert(selfSigned({ notAfter: new Date(Date.now() + ms) }).certificate).daysLeft
  assert.deepEqual(
    [left(2 * DAY + 5000), left(2 * DAY - 5000), left(5000), left(-5000), left(-DAY - 5000)],
    [2, 1, 0, -1, -2],
  )
})

test('a CA, a certificate that it issued, and one that only claims to be self-signed differ', async () => {
  const ca = await createCA({ commonName: 'Team CA' })
  const root = inspectCert(ca.cert)
  assert.deepEqual([root.ca, root.selfSigned, root.purposes, root.hosts], [true, true, [], []])
  const client = inspectCert((await ca.issueClient('ada')).cert)
  assert.deepEqual([client.ca, client.selfSigned, client.purposes], [false, false, ['clientAuth']])
  assert.equal(client.issuer, 'CN=Team CA')
  // Issuer and subject are one name, the key is another's.
  const impostor = createAuthority({ commonName: 'same', keyIdentifiers: false })
  const forged = impostor.issue({ commonName: 'same', keyIdentifiers: false }).certificate
  assert.equal(inspectCert(forged).selfSigned, false)
})

test('a bundle, a list and whatever holds several certificates give a list', () => {
  using dir = tempDir()
  const [a, b] = [selfSigned({ commonName: 'a' }).certificate, selfSigned({ commonName: 'b' }).certificate]
  const subjects = (infos: readonly { subject: string }[]) => infos.map(({ subject }) => subject)
  const both = dir.write('certs/both.pem', a + b)
  assert.deepEqual(subjects(inspectCert(CABundle.from(a))), ['CN=a'])
  assert.deepEqual(subjects(inspectCert([a, b])), ['CN=a', 'CN=b'])
  assert.deepEqual(subjects(inspectCert<[]>(both)), ['CN=a', 'CN=b'])
  assert.deepEqual(subjects(inspectCert<[]>(toPkcs7(a, b))), ['CN=a', 'CN=b'])
  assert.deepEqual(subjects(inspectCert<[]>(dir.join('certs'))), ['CN=a', 'CN=b'])
  assert(inspectCert(CABundle.bundled()).length > 50)
})

test('names that look like two are one', () => {
  // CVE-2021-44532: a comma in a name is no separator.
  const { certificate } = selfSigned({ hosts: ['a.example, DNS:evil.example', 'b"c\\d'] })
  assert.deepEqual(inspectCert(certificate).hosts, ['a.example, DNS:evil.example', 'b"c\\d'])
})

test('what is no certificate is refused by name', () => {
  using dir = tempDir()
  const key = dir.write('key.pem', selfSigned().key)
  assert.throws(() => inspectCert(key), { name: 'CABundleError', message: /key\.pem.*private key/ })
  assert.throws(() => inspectCert(dir.join('none')), { name: 'CABundleError', message: /none/ })
  assert.throws(() => inspectCert(5 as never), { name: 'TypeError', message: /not number/ })
})

test('what is signed with its own key is self-signed, authority or not', () => {
  assert.equal(inspectCert(selfSigned({ ca: false, keyUsage: ['digitalSignature'] }).certificate).selfSigned, true)
  assert.equal(inspectCert(selfSigned({ ca: null, keyUsage: null }).certificate).selfSigned, true)
})

test('an EC key that has no point is called unknown', () => {
  const raw = toDer(selfSigned().certificate)
  const [tbs, ...rest] = readElements(readElement(raw).content)
  assert(tbs)
  const key = certificateSequences(raw)[4]
  assert(key)
  const [algorithm] = readElements(key.content)
  assert(algorithm)
  // One zero byte is the point at infinity (SEC 1, section 2.3.3); of unused bits there may be any number.
  for (const bits of ['03020000', '03020100', '030100']) {
    const noPoint = derElement(SEQUENCE, Buffer.concat([algorithm.bytes, Buffer.from(bits, 'hex')]))
    const parts: Buffer[] = readElements(tbs.content).map(({ bytes }) => (bytes.equals(key.bytes) ? noPoint : bytes))
    const certificate: Buffer[] = [derElement(SEQUENCE, Buffer.concat(parts)), ...rest.map(({ bytes }) => bytes)]
    assert.equal(inspectCert(derElement(SEQUENCE, Buffer.concat(certificate))).keyType, 'unknown', bits)
  }
})

test('a key of an unknown algorithm is called unknown, and has signed nothing', () => {
  const der = toDer(selfSigned().certificate)
  const ecPublicKey = Buffer.from('2a8648ce3d0201', 'hex')
  der[der.indexOf(ecPublicKey) + ecPublicKey.length - 1] = 0x7f
  const { keyType, selfSigned: isSelfSigned, subject, issuer } = inspectCert(der)
  assert.deepEqual([keyType, isSelfSigned, subject === issuer], ['unknown', false, true])
})

test('a purpose without a name is shown by its number', () => {
  const { purposes } = inspectCert(leaf(undefined, { purposes: ['serverAuth', 'sgc'] }).pem)
  assert.deepEqual(purposes, ['serverAuth', '2.16.840.1.113730.4.1'])
})
