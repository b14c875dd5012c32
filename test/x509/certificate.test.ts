import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { BundleSyntaxError, readCertificates, TrustAnchor } from '../../src/x509/certificate.ts'
import { PemSyntaxError } from '../../src/x509/pem.ts'
import { context, sequence } from '../conformance/limbo/asn1.ts'
import { openssl } from '../helpers/openssl.ts'
import { createAuthority, selfSigned, toDer, toPkcs7, toPkcs12, toTrustedCertificate } from '../helpers/pki.ts'

const { certificate, key } = createAuthority()
const other = createAuthority({ commonName: 'Other CA' }).certificate
const der = toDer(certificate)
const trusted = toTrustedCertificate(certificate)
const fingerprint = (pem: string) => new X509Certificate(pem).fingerprint256
const encode = (label: string, content: Buffer) =>
  `-----BEGIN ${label}-----\n${content.toString('base64')}\n-----END ${label}-----\n`
/** A tag, a short length and a content. */
const element = (tag: number, ...parts: Buffer[]) => {
  const content = Buffer.concat(parts)
  return Buffer.concat([Buffer.from([tag, content.length]), content])
}
const signedData = Buffer.from('06092a864886f70d010702', 'hex')
const emptyPkcs7 = element(0x30, signedData, element(0xa0, element(0x30, Buffer.from([2, 1, 1]))))
const brokenPkcs7 = element(
  0x30,
  signedData,
  element(0xa0, element(0x30, element(0xa0, element(0x30, Buffer.from([5, 0]))))),
)
/** With an extendedCertificate of PKCS#6, obsolete for decades, before the certificate. */
const obsoletePkcs7 = sequence(
  signedData,
  context(0, sequence(context(0, Buffer.concat([context(0, Buffer.from([5, 0]), true), der]), true)), true),
)
const withoutContent = element(0x30, signedData)
const cutPkcs7 = element(0x30, signedData, Buffer.from([0xa0, 0x20]))

const good: [what: string, content: string | Buffer, expected: string[]][] = [
  ['PEM', certificate, [certificate]],
  ['two of them', certificate + other, [certificate, other]],
  ['a label of old', certificate.replaceAll(' CERT', ' X509 CERT'), [certificate]],
  ["OpenSSL's own label", trusted, [certificate]],
  ['a key beside it', key + certificate, [certificate]],
  ['DER', der, [certificate]],
  ['DER twice', Buffer.concat([der, toDer(other)]), [certificate, other]],
  ['DER, then PEM', Buffer.concat([toDer(other), Buffer.from(`\n${certificate}`)]), [certificate]],
  ['PKCS#7', toPkcs7(certificate, other), [certificate, other]],
  ['PKCS#7 under the label CMS', toPkcs7(certificate).replaceAll('PKCS7', 'CMS'), [certificate]],
  ['PKCS#7 as DER', toDer(toPkcs7(certificate, other)), [certificate, other]],
  ['PKCS#7 with a certificate of an obsolete kind, which is passed over', obsoletePkcs7, [certificate]],
  ['PKCS#7 beside a certificate, which OpenSSL passes over', toPkcs7(other) + certificate, [certificate]],
]

for (const [what, content, expected] of good) {
  test(`the certificates are found: ${what}`, () => {
    const anchors = readCertificates(Buffer.from(content))
    assert.deepEqual(
      anchors.map((anchor) => anchor.certificate.fingerprint256).sort(),
      expected.map(fingerprint).sort(),
    )
  })
}

const bad: [what: string, content: string | Buffer, problem: RegExp, line?: number | undefined, hint?: RegExp][] = [
  ['nothing', '', /the file is empty/],
  ['white space', ' \n', /nothing but white space/],
  ['text', 'hello', /neither PEM nor DER/, undefined, /begins with the line/],
  ['UTF-16', Buffer.from(`\ufeff${certificate}`, 'utf16le'), /UTF-16/, undefined, /iconv/],
  ['UTF-16 without a mark', Buffer.from(certificate, 'utf16le'), /UTF-16/],
  ['UTF-16, big-endian', Buffer.from(certificate, 'utf16le').swap16(), /UTF-16/],
  ['a private key', key, /a private key/],
  ['a signing request', encode('CERTIFICATE REQUEST', der), /a signing request/],
  ['a signing request of old', encode('NEW CERTIFICATE REQUEST', der), /a signing request/],
  ['a revocation list', encode('X509 CRL', der), /a revocation list only/],
  ['foreign blocks', encode('FOO', der) + encode('BAR', der), /it holds "FOO", "BAR" only/],
  [
    'written line breaks',
    certificate.replaceAll('\n', '\\n'),
    /line breaks are written/,
    undefined,
    /make them line breaks/,
  ],
  ['CR only', certificate.replaceAll('\n', '\r'), /do not end with a line feed/, undefined, /tr /],
  ['indented', certificate.replace(/^/gm, ' '), /its lines are indented/, undefined, /sed /],
  ['behind a word', certificate.replace(/^/, 'CA='), /something stands before/, undefined, /first characters/],
  [
    'bad base64',
    `${certificate}#\n${certificate.replace(/\n./, '\n!')}`,
    /not base64/,
    certificate.split('\n').length + 2,
  ],
  ['no certificate in the block', encode('CERTIFICATE', Buffer.from('abc')), /holds base64, but no certificate/, 1],
  ['the same with trust settings', `\n${encode('TRUSTED CERTIFICATE', Buffer.from('abc'))}`, /holds base64, but no/, 2],
  ['headers', certificate.replace('\n', '\nFoo: bar\n\n'), /has header lines/, 1],
  ['DER, cut short', der.subarray(0, 100), /looks like DER, but is damaged or cut short/],
  ['DER, one octet', Buffer.from([0x30]), /damaged or cut short/],
  ['DER, its length cut short', Buffer.from([0x30, 0x82, 1]), /damaged or cut short/],
  ['DER, its length too long', Buffer.from([0x30, 0x85, 1, 1, 1, 1, 1]), /damaged or cut short/],
  ['BER of indefinite length', Buffer.from([0x30, 0x80, 0, 0]), /damaged or cut short/],
  ['text that begins like DER', '0123456789', /looks like DER/],
  ['a key as DER', toDer(key), /holds no certificate \(a key, perhaps\)/],
  ['PKCS#12', toPkcs12(selfSigned(), 'secret'), /a PKCS#12 store/, undefined, /openssl pkcs12/],
  ['PKCS#7 without certificates', emptyPkcs7, /PKCS#7 data holds no certificate/],
  ['PKCS#7 without content', withoutContent, /PKCS#7 data holds no certificate/],
  ['PKCS#7 without certificates as PEM', encode('PKCS7', emptyPkcs7), /PKCS#7 data holds no certificate/, 1],
  ['PKCS#7 with a damaged certificate', brokenPkcs7, /PKCS#7 data holds a damaged certificate/],
  ['PKCS#7, damaged', cutPkcs7, /PKCS#7 data is damaged/],
  ['PKCS#7, damaged, as PEM', `#\n${encode('PKCS7', cutPkcs7)}`, /PKCS#7 data is damaged/, 2],
]

for (const [what, content, problem, line, hint] of bad) {
  test(`the problem is named: ${what}`, () => {
    assert.throws(
      () => readCertificates(Buffer.from(content)),
      (error: unknown) => {
        assert(error instanceof BundleSyntaxError)
        assert.match(error.message, problem)
        assert.equal(error.line, line)
        if (hint) assert.match(error.hints.join(), hint)
        return true
      },
    )
  })
}

test('an anchor is known by its content and by what it is trusted for', () => {
  const [plain] = readCertificates(Buffer.from(certificate))
  const [same] = readCertificates(der)
  const [rejected] = readCertificates(
    Buffer.from(toTrustedCertificate(certificate, { trust: [], reject: ['serverAuth'] })),
  )
  const [accepted] = readCertificates(Buffer.from(trusted))
  assert.equal(plain?.id, same?.id)
  assert.equal(new Set([plain, rejected, accepted].map((anchor) => anchor?.id)).size, 3)
})

test('the PEM of an anchor is what openssl writes, with its trust settings', () => {
  assert.equal(readCertificates(der)[0]?.pem, openssl(['x509', '-inform', 'DER'], der))
  assert.equal(readCertificates(Buffer.from(trusted))[0]?.pem, trusted)
})

test('a known PEM block becomes an anchor that is parsed when it is looked at', () => {
  const anchor = TrustAnchor.fromPem(certificate)
  assert.equal(anchor.certificate.fingerprint256, fingerprint(certificate))
  assert.equal(anchor.certificate, anchor.certificate)
  assert.throws(() => TrustAnchor.fromPem('nothing'), PemSyntaxError)
})
