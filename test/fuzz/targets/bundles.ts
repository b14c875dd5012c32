/** Bundles and directories of certificates. */
import assert from 'node:assert/strict'
import { mkdirSync, rmSync } from 'node:fs'
import tls from 'node:tls'
import fc from 'fast-check'
import { CABundle, CABundleError } from '../../../src/index.ts'
import { certificateNames } from '../../../src/trust/ca-directory.ts'
import { BundleSyntaxError, readCertificates, type TrustAnchor } from '../../../src/x509/certificate.ts'
import { readElement } from '../../../src/x509/der.ts'
import { openssl } from '../../helpers/openssl.ts'
import { createAuthority, subjectHash, toDer, toPkcs7, toTrustedCertificate } from '../../helpers/pki.ts'
import { tempDir } from '../../helpers/temp.ts'
import { damaged } from '../arbitraries.ts'
import { type Target, target } from '../harness.ts'

const authorities = [
  createAuthority({ commonName: 'One' }),
  createAuthority({ commonName: 'Two', keyType: 'ed25519' }),
  createAuthority({ commonName: 'Three', keyType: 'rsa-2048' }),
] as const
const [one, two, three] = authorities.map(({ certificate }) => certificate) as [string, string, string]
const pkcs7 = toPkcs7(one, two)

const CORPUS: readonly Buffer[] = [
  ...[one, one + two, `# a comment\n${two}\n\n${three}`, toTrustedCertificate(one), authorities[0].key + one],
  ...[openssl(['x509', '-text'], two), pkcs7, pkcs7 + one, one.replaceAll('CERTIFICATE', 'X509 CERTIFICATE')],
]
  .map((text): Buffer => Buffer.from(text))
  .concat(toDer(one), Buffer.concat([toDer(two), toDer(one)]), toDer(pkcs7))

const PIECES: readonly Buffer[] = [
  ...['-----BEGIN CERTIFICATE-----\n', '\n-----END CERTIFICATE-----\n', '-----', '-----BEGIN ', '\n\n', '\0', '\n\0'],
  ...['=', 'AAAA', 'Proc-Type: 4,ENCRYPTED\n\n', ' ', '\t\n', '\xa0', 'MIIB', '-----BEGIN PKCS7-----\n'],
]
  .map((text): Buffer => Buffer.from(text, 'latin1'))
  // DER: lengths of 127 octets, of 4 GB, indefinite, and a certificate as it is.
  .concat(...['30ff', '3084ffffffff', '3080'].map((hex) => Buffer.from(hex, 'hex')), toDer(one))

function read(content: Buffer): readonly TrustAnchor[] {
  try {
    return readCertificates(content)
  } catch (error) {
    if (!(error instanceof BundleSyntaxError)) throw error
    const lines = content.toString('latin1').split('\n').length
    assert(error.line === undefined || (error.line >= 1 && error.line <= lines), `line ${error.line} of ${lines}`)
    return []
  }
}

/**
 * What is trusted stands in the content, octet by octet: as it is, or in some base64 between dashes. All of it but the
 * signature: of that OpenSSL clears the bits that the encoding says are not used.
 */
function assertFound(anchors: readonly TrustAnchor[], content: Buffer): void {
  const decoded = content
    .toString('latin1')
    .split('-----')
    .map((text) => Buffer.from(text.replace(/[^A-Za-z0-9+/]/g, ''), 'base64'))
  for (const { certificate } of anchors) {
    const signed = readElement(readElement(certificate.raw).content).bytes
    assert(
      [content, ...decoded].some((bytes) => bytes.includes(signed)),
      `not there: ${signed.toString('base64')}`,
    )
  }
}

const scanning = target('the content of a bundle', damaged(CORPUS, PIECES), (content) => {
  const anchors = read(content)
  assertFound(anchors, content)
  // Whatever is accepted here OpenSSL accepts.
  if (anchors.length > 0) tls.createSecureContext({ ca: anchors.map(({ pem }) => pem).join('') })
})

/** What is done to a block; each leaves something that is no certificate any more. */
const DAMAGES: readonly ((lines: string[], at: number) => string[])[] = [
  (lines, at) => lines.toSpliced(at, 1),
  (lines, at) => lines.with(at, `${lines[at]?.slice(1)}`),
  (lines, at) => lines.with(at, `!${lines[at]?.slice(1)}`),
  (lines, at) => lines.toSpliced(at, 0, ''),
  (lines, at) => lines.toSpliced(at, 0, '# a comment'),
  (lines, at) => lines.slice(0, at),
  (lines) => lines.slice(0, -1),
  (lines) => lines.with(-1, '-----END CERT-----'),
]

const damagedBlocks = target(
  'a bundle with one damaged block',
  fc.record({
    bundle: fc.array(fc.constantFrom(one, two, three), { minLength: 1, maxLength: 4 }),
    which: fc.nat(3),
    at: fc.nat(),
    damage: fc.constantFrom(...DAMAGES),
  }),
  ({ bundle, which, at, damage }) => {
    const blocks = bundle.map((pem) => pem.trimEnd().split('\n'))
    const index = which % blocks.length
    const block = blocks[index] ?? []
    // An empty line may stand behind BEGIN, where headers would end.
    const changed = damage(block, 2 + (at % (block.length - 3)))
    const first = 1 + blocks.slice(0, index).flat().length
    const content = Buffer.from(`${blocks.with(index, changed).flat().join('\n')}\n`)
    assert.throws(
      () => readCertificates(content),
      (error: BundleSyntaxError) => {
        assert(error instanceof BundleSyntaxError)
        const { line = 0 } = error
        // A block without an end is noticed where the next one begins.
        return line >= first && line <= first + changed.length
      },
    )
  },
)

const NAMES = [
  ...['a.pem', 'b.CRT', '.hidden.pem', 'c.cer', 'notes.txt', 'pem', `${subjectHash(one)}.0`, `${subjectHash(one)}.1`],
  ...[`${subjectHash(two)}.0`, `${subjectHash(two)}.01`, `${subjectHash(three)}.r0`, 'deadbeef.0', 'DEADBEEF.0'],
]

const listing = target('names in a directory', fc.array(fc.oneof(fc.constantFrom(...NAMES), fc.string())), (names) => {
  const { hashed, names: chosen } = certificateNames(names)
  assert(chosen.every((name) => names.includes(name)))
  const isHashed = (name: string) => /^[0-9a-f]{8}\.[0-9]+$/.test(name)
  assert(chosen.every((name) => isHashed(name) === hashed))
  for (const name of hashed ? chosen : []) {
    const [prefix, number = ''] = name.split('.')
    for (let before = 0; before < Number(number); before++) assert(chosen.includes(`${prefix}.${before}`), name)
  }
})

const directories = target(
  'a directory',
  fc.dictionary(fc.constantFrom(...NAMES), damaged(CORPUS, PIECES), { maxKeys: 4 }),
  (files) => {
    using dir = tempDir()
    const contents = Object.entries(files)
    for (const [name, content] of contents) dir.write(`ca/${name}`, content)
    mkdirSync(dir.join('ca'), { recursive: true })
    const bundle = CABundle.from(dir.join('ca'))
    try {
      const certificates = bundle.certificates.map(({ raw }) => raw)
      assert(certificates.length > 0)
      const whole = Buffer.concat(
        contents.flatMap(([, content]) => read(content).map((anchor) => anchor.certificate.raw)),
      )
      for (const raw of certificates) assert(whole.includes(raw))
    } catch (error) {
      if (!(error instanceof CABundleError)) throw error
      assert.equal(error.path?.startsWith(dir.path), true, String(error.path))
    }
    rmSync(dir.join('ca'), { recursive: true })
    assert.throws(() => bundle.size, CABundleError)
  },
)

export const BUNDLES: readonly Target[] = [scanning, damagedBlocks, listing, directories]
