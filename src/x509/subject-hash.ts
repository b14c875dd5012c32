/**
 * Names in certificates as OpenSSL compares them, and OpenSSL's subject hash, which names the files of a hashed
 * directory.
 */
import { hash, type X509Certificate } from 'node:crypto'
import { certificateSequences, derElement, readElements, SEQUENCE, SET } from './der.ts'

/** What `openssl x509 -noout -subject_hash` prints: SHA-1 of the canonical subject, the first four bytes, little-endian. */
export function subjectHash(certificate: X509Certificate): string {
  let subject = hashes.get(certificate)
  if (subject === undefined) {
    const digest = hash('sha1', canonicalName(namesOf(certificate.raw).subject), 'buffer')
    subject = digest.readUInt32LE(0).toString(16).padStart(8, '0')
    hashes.set(certificate, subject)
  }
  return subject
}

/** Cached: directories are checked at each request, and a hash costs ten times a status call. */
const hashes = new WeakMap<X509Certificate, string>()

/** Whether subject and issuer are one name to OpenSSL, which compares their canonical forms; `true` if they cannot be read. */
export function isSelfIssued({ raw }: X509Certificate): boolean {
  try {
    const { issuer, subject } = namesOf(raw)
    return canonicalName(issuer).equals(canonicalName(subject))
  } catch {
    return true
  }
}

/** The relative distinguished names of issuer and subject. */
function namesOf(certificate: Buffer): { readonly issuer: Buffer; readonly subject: Buffer } {
  const [, issuer, , subject] = certificateSequences(certificate)
  if (issuer === undefined || subject === undefined) throw new RangeError('the certificate has no subject')
  return { issuer: issuer.content, subject: subject.content }
}

/** OpenSSL's `x509_name_canon`: text as UTF-8, lower case (ASCII only), white space trimmed and folded. */
function canonicalName(names: Buffer): Buffer {
  const encoded = readElements(names).map((relativeName) => {
    const attributes = readElements(relativeName.content).map((attribute) => {
      const [type, value] = readElements(attribute.content)
      if (type === undefined || value === undefined) throw new RangeError('a name in the certificate is damaged')
      const text = decodeText(value.tag, value.content)
      const canonical = text === undefined ? value.bytes : derElement(UTF8_STRING, Buffer.from(fold(text), 'utf8'))
      return derElement(SEQUENCE, Buffer.concat([type.bytes, canonical]))
    })
    return derElement(SET, Buffer.concat(attributes.sort(Buffer.compare)))
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
