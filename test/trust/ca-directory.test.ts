import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { certificateNames, nameMatches } from '../../src/trust/ca-directory.ts'
import { readElement, readElements } from '../../src/x509/der.ts'
import { subjectHash } from '../../src/x509/subject-hash.ts'
import { openssl } from '../helpers/openssl.ts'
import { createAuthority, toDer } from '../helpers/pki.ts'

const [UTF8, NUMERIC, PRINTABLE, TELETEX, IA5, UNIVERSAL, BMP, BIT_STRING] = [
  0x0c, 0x12, 0x13, 0x14, 0x16, 0x1c, 0x1e, 0x03,
]
const COMMON_NAME = '0603550403'
const ORGANIZATION = '060355040a'
const EMAIL = '06092a864886f70d010901'

type Attribute = [type: string, tag: number, value: string | Buffer]

const utf16 = (text: string) => Buffer.from(text, 'utf16le').swap16()
const utf32 = (text: string) =>
  Buffer.concat(
    Array.from(text, (character) => {
      const unit = Buffer.alloc(4)
      unit.writeUInt32BE(character.codePointAt(0) ?? 0)
      return unit
    }),
  )

/** One name per row: its relative names, each with its attributes. */
const names: [what: string, name: Attribute[][]][] = [
  ['nothing at all', []],
  ['plain text', [[[COMMON_NAME, UTF8, 'Test CA']]]],
  ['several relative names', [[[ORGANIZATION, UTF8, 'Org']], [[COMMON_NAME, PRINTABLE, 'Test CA']]]],
  ['mixed case', [[[COMMON_NAME, PRINTABLE, 'TeSt Ca ZZ']]]],
  ['blanks around and between', [[[COMMON_NAME, UTF8, '  Test \t\n  CA\v\f\r ']]]],
  ['nothing but blanks', [[[COMMON_NAME, UTF8, '   ']]]],
  ['an empty value', [[[COMMON_NAME, UTF8, '']]]],
  ['letters beyond ASCII', [[[COMMON_NAME, UTF8, 'ÄÖÜ Straße ÉCOLE Ünïcode']]]],
  ['a no-break space', [[[COMMON_NAME, UTF8, '\u00a0Test\u00a0\u00a0CA\u00a0']]]],
  ['other scripts', [[[COMMON_NAME, UTF8, '证书 Сертификат 😀']]]],
  ['Teletex', [[[COMMON_NAME, TELETEX, Buffer.from('Z\xfcrich  CA', 'latin1')]]]],
  ['BMPString', [[[COMMON_NAME, BMP, utf16('Test  CÄ 证书')]]]],
  ['UniversalString', [[[COMMON_NAME, UNIVERSAL, utf32('Test  CÄ 😀')]]]],
  ['NumericString', [[[COMMON_NAME, NUMERIC, '12  34 ']]]],
  ['a bit string', [[[COMMON_NAME, BIT_STRING, Buffer.from([0, 1, 2])]]]],
  ['an e-mail address', [[[EMAIL, IA5, 'CA@Example.COM']]]],
  [
    'several attributes in one',
    [
      [
        [COMMON_NAME, UTF8, 'B'],
        [ORGANIZATION, UTF8, 'A'],
        [EMAIL, IA5, 'x@y'],
      ],
    ],
  ],
  [
    'several attributes in one, the longest first',
    [
      [
        [COMMON_NAME, UTF8, 'long '.repeat(30)],
        [COMMON_NAME, UTF8, 'b'],
      ],
    ],
  ],
  ['a long value', [[[COMMON_NAME, UTF8, 'Long Name '.repeat(40)]]]],
  ['a value that grows beyond 127 octets in UTF-8', [[[COMMON_NAME, BMP, utf16('ÄÖ'.repeat(35))]]]],
]

for (const [what, name] of names) {
  test(`the subject's hash is that of openssl: ${what}`, () => {
    const pem = withSubject(name)
    assert.equal(subjectHash(new X509Certificate(pem)), openssl(['x509', '-noout', '-subject_hash'], pem).trim())
  })
}

test('a certificate without extensions (v1 and v3) has its subject where others have it', () => {
  for (const pem of [createAuthority().certificate, versionOne()]) {
    assert.equal(subjectHash(new X509Certificate(pem)), openssl(['x509', '-noout', '-subject_hash'], pem).trim())
  }
})

const listings: [what: string, names: string[], hashed: boolean, expected: string[]][] = [
  [
    'hashed names in their order of reading',
    ['0a1b2c3d.1', '0a1b2c3d.0', '00000000.0'],
    true,
    ['00000000.0', '0a1b2c3d.0', '0a1b2c3d.1'],
  ],
  [
    'ten and more',
    Array.from({ length: 11 }, (_, i) => `0a1b2c3d.${i}`).reverse(),
    true,
    Array.from({ length: 11 }, (_, i) => `0a1b2c3d.${i}`),
  ],
  ['hashed names beside plain ones', ['a.pem', '0a1b2c3d.0'], true, ['0a1b2c3d.0']],
  ['a gap', ['0a1b2c3d.0', '0a1b2c3d.2'], true, ['0a1b2c3d.0']],
  ['no 0', ['0a1b2c3d.1'], true, []],
  ['a number with a zero before it', ['0a1b2c3d.0', '0a1b2c3d.01'], true, ['0a1b2c3d.0']],
  ['the same number twice', ['0a1b2c3d.01', '0a1b2c3d.1', '0a1b2c3d.0'], true, ['0a1b2c3d.0', '0a1b2c3d.1']],
  ['revocation lists', ['0a1b2c3d.0', '0a1b2c3d.r0'], true, ['0a1b2c3d.0']],
  ['a huge number', ['0a1b2c3d.999999999'], true, []],
  ['upper case is no hash', ['0A1B2C3D.0', 'ca.crt'], false, ['ca.crt']],
  [
    'plain names',
    ['b.pem', 'A.CRT', 'c.cer', 'd.der', 'key.txt', '.hidden.pem', '.pem'],
    false,
    ['A.CRT', 'b.pem', 'c.cer'],
  ],
  ['nothing', [], false, []],
]

for (const [what, entries, hashed, expected] of listings) {
  test(`the names that count in a directory: ${what}`, () => {
    assert.deepEqual(certificateNames(entries), { hashed, names: expected })
  })
}

test('a directory of very many names of one hash is listed in a time that grows with their number', () => {
  const entries = Array.from({ length: 30_000 }, (_, index) => `0a1b2c3d.${index}`)
  const before = process.cpuUsage()
  assert.equal(certificateNames(entries.toReversed()).names.length, entries.length)
  const { user } = process.cpuUsage(before)
  // µs; a look at all names before each of them took minutes.
  assert(user < 5e6, `${user / 1e6} s`)
})

test('a hashed name belongs to the certificates that have its hash', () => {
  const [one, two] = ['One', 'Two'].map(
    (commonName) => new X509Certificate(createAuthority({ commonName }).certificate),
  )
  assert(one && two)
  assert.equal(nameMatches(`${subjectHash(two)}.3`, [one, two]), true)
  assert.equal(nameMatches(`${subjectHash(two)}.3`, [one]), false)
})

test('a damaged name is not taken for another', () => {
  const raw = (tbs: Buffer) => ({ raw: element(0x30, element(0x30, tbs)) }) as X509Certificate
  const sequence = element(0x30, Buffer.alloc(0))
  assert.throws(() => subjectHash(raw(sequence)), /the certificate has no subject/)
  assert.throws(() => subjectHash({ raw: element(0x30, Buffer.alloc(0)) } as X509Certificate), /has no subject/)
  const noValue = element(0x30, element(0x31, element(0x30, Buffer.from(COMMON_NAME, 'hex'))))
  assert.throws(() => subjectHash(raw(Buffer.concat([sequence, sequence, sequence, noValue]))), /name .* is damaged/)
})

function element(tag: number, content: Buffer): Buffer {
  if (content.length < 0x80) return Buffer.concat([Buffer.from([tag, content.length]), content])
  return Buffer.concat([Buffer.from([tag, 0x82, content.length >> 8, content.length & 0xff]), content])
}

/** A certificate with this subject. Its signature is wrong, which is not verified here. */
function withSubject(name: Attribute[][]): string {
  const subject = name.map((relative) =>
    element(
      0x31,
      Buffer.concat(
        relative.map(([type, tag, value]) =>
          element(0x30, Buffer.concat([Buffer.from(type, 'hex'), element(tag, Buffer.from(value))])),
        ),
      ),
    ),
  )
  return rebuilt((fields) => [...fields.slice(0, 5), element(0x30, Buffer.concat(subject)), ...fields.slice(6)])
}

/** Without the version and without extensions. */
const versionOne = () => rebuilt((fields) => fields.slice(1, 7))

function rebuilt(change: (fields: Buffer[]) => Buffer[]): string {
  const [tbs, ...rest] = readElements(readElement(toDer(createAuthority().certificate)).content)
  assert(tbs)
  const fields = readElements(tbs.content).map(({ bytes }) => bytes)
  const changed = element(0x30, Buffer.concat(change(fields)))
  const der = element(0x30, Buffer.concat([changed, ...rest.map(({ bytes }) => bytes)]))
  return `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`
}
