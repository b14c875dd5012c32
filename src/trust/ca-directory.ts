/**
 * Directories of certificates, as OpenSSL reads them: `HHHHHHHH.N`, the names that `openssl rehash` makes.
 *
 * OpenSSL computes the hash of the issuer that it looks for and opens `hash.0`, `hash.1` and so on until one is missing,
 * so a certificate under any other name is never seen. A directory without such names at all is what people make by
 * hand; requests trusts nothing there and does not say so, here its certificate files count.
 */
import { hash, type X509Certificate } from 'node:crypto'
import { readElement, readElements, SEQUENCE, SET } from '../x509/der.ts'

/** The file names of a directory that are to be read, and whether they are hashed names. */
export interface DirectoryListing {
  readonly hashed: boolean
  readonly names: readonly string[]
}

/** Picks the names that count: hashed ones numbered from 0 without a gap, else `*.pem`, `*.crt`, `*.cer`. */
export function certificateNames(names: readonly string[]): DirectoryListing {
  const present = new Set(names)
  const hashed = names.filter((name) => HASHED_NAME.test(name)).sort(byHashAndNumber)
  if (hashed.length === 0) return { hashed: false, names: names.filter((name) => PLAIN_NAME.test(name)).sort() }
  return { hashed: true, names: hashed.filter((name) => isReachable(name, present)) }
}

const HASHED_NAME = /^[0-9a-f]{8}\.[0-9]{1,9}$/
const PLAIN_NAME = /^[^.].*\.(?:pem|crt|cer)$/i

/** OpenSSL's order of reading: `.2` before `.10`. */
function byHashAndNumber(a: string, b: string): number {
  return a.slice(0, 8) === b.slice(0, 8) ? Number(a.slice(9)) - Number(b.slice(9)) : a < b ? -1 : 1
}

/** Whether OpenSSL gets as far as this name, counting up from 0. */
function isReachable(name: string, present: ReadonlySet<string>): boolean {
  const [prefix, suffix] = name.split('.') as [string, string]
  for (let number = Number(suffix) - 1; number >= 0; number--) {
    if (!present.has(`${prefix}.${number}`)) return false
  }
  return String(Number(suffix)) === suffix
}

/** Whether OpenSSL would open a file of this name when it looks for one of these certificates. */
export function nameMatches(name: string, certificates: Iterable<X509Certificate>): boolean {
  const prefix = name.slice(0, 8)
  for (const certificate of certificates) {
    if (subjectHash(certificate) === prefix) return true
  }
  return false
}

/** What `openssl x509 -noout -subject_hash` prints: SHA-1 of the canonical subject, the first four bytes, little-endian. */
export function subjectHash(certificate: X509Certificate): string {
  let subject = hashes.get(certificate)
  if (subject === undefined) {
    const digest = hash('sha1', canonicalName(subjectOf(certificate.raw)), 'buffer')
    subject = digest.readUInt32LE(0).toString(16).padStart(8, '0')
    hashes.set(certificate, subject)
  }
  return subject
}

/** A directory is gone through for each request, and a hash costs ten times a status call. */
const hashes = new WeakMap<X509Certificate, string>()

/** The subject's relative distinguished names (RFC 5280 section 4.1): the field after serial, algorithm, issuer, validity. */
function subjectOf(certificate: Buffer): Buffer {
  const [tbs] = readElements(readElement(certificate).content)
  const fields = tbs ? readElements(tbs.content) : []
  // The version, tagged [0], is absent in v1 certificates. What follows the first SEQUENCEs is fixed in order.
  const sequences = fields.filter((field) => field.tag === SEQUENCE)
  const subject = sequences[3]
  if (subject === undefined) throw new RangeError('the certificate has no subject')
  return subject.content
}

/** OpenSSL's `x509_name_canon`: text as UTF-8, lower case (ASCII only), white space trimmed and folded. */
function canonicalName(names: Buffer): Buffer {
  const encoded = readElements(names).map((relativeName) => {
    const attributes = readElements(relativeName.content).map((attribute) => {
      const [type, value] = readElements(attribute.content)
      if (type === undefined || value === undefined) throw new RangeError('a name in the certificate is damaged')
      const text = decodeText(value.tag, value.content)
      const canonical = text === undefined ? value.bytes : encode(UTF8_STRING, Buffer.from(fold(text), 'utf8'))
      return encode(SEQUENCE, Buffer.concat([type.bytes, canonical]))
    })
    return encode(SET, Buffer.concat(attributes.sort(Buffer.compare)))
  })
  return Buffer.concat(encoded)
}

const UTF8_STRING = 0x0c
const BMP_STRING = 0x1e
const UNIVERSAL_STRING = 0x1c
/** NumericString is not among them: OpenSSL leaves it as it is. */
const LATIN1_STRINGS: ReadonlySet<number> = new Set([0x13, 0x14, 0x16, 0x1a])

function decodeText(tag: number, content: Buffer): string | undefined {
  if (tag === UTF8_STRING) return content.toString('utf8')
  if (tag === BMP_STRING) return Buffer.from(content).swap16().toString('utf16le')
  if (LATIN1_STRINGS.has(tag)) return content.toString('latin1')
  if (tag !== UNIVERSAL_STRING) return undefined
  const characters: string[] = []
  for (let offset = 0; offset + 4 <= content.length; offset += 4) {
    characters.push(String.fromCodePoint(content.readUInt32BE(offset)))
  }
  return characters.join('')
}

function fold(text: string): string {
  const trimmed = text.replace(/^[\t-\r ]+|[\t-\r ]+$/g, '').replace(/[\t-\r ]+/g, ' ')
  return trimmed.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
}

function encode(tag: number, content: Buffer): Buffer {
  if (content.length < 0x80) return Buffer.concat([Buffer.from([tag, content.length]), content])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(content.length)
  const octets = length.subarray(length.findIndex((octet) => octet !== 0))
  return Buffer.concat([Buffer.from([tag, 0x80 | octets.length]), octets, content])
}
