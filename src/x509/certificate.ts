/** Certificates that are trusted, and how they are found in the bytes of a file: PEM, DER or PKCS#7. */
import { hash, X509Certificate } from 'node:crypto'
import { printable } from '../core/printable.ts'
import { CONTEXT_0, readElement, readElements, SEQUENCE } from './der.ts'
import { CERTIFICATE_LABELS, isPem, type PemBlock, PemSyntaxError, scanPem, toPem } from './pem.ts'

const WITH_SETTINGS = 'TRUSTED CERTIFICATE'

/** A trusted certificate (RFC 5280: trust anchor). */
export class TrustAnchor {
  /** One PEM block for OpenSSL: a `TRUSTED CERTIFICATE` keeps its trust settings. */
  readonly pem: string
  /** SHA-256 of label and content, in hex: equal ids mean equal trust. */
  readonly id: string
  #certificate: X509Certificate | undefined

  /** Whether it is a `TRUSTED CERTIFICATE`. */
  readonly hasSettings: boolean

  constructor(label: string, bytes: Buffer, certificate?: X509Certificate) {
    this.hasSettings = label === WITH_SETTINGS
    this.pem = toPem(label, bytes)
    this.id = hash('sha256', this.pem)
    this.#certificate = certificate
  }

  /** From a valid PEM block, such as one of Node's own roots; parsed on first use. */
  static fromPem(pem: string): TrustAnchor {
    const [block] = scanPem(pem)
    if (block === undefined) throw new PemSyntaxError(1, 'not a PEM block')
    return new TrustAnchor('CERTIFICATE', block.bytes)
  }

  static fromCertificate(certificate: X509Certificate): TrustAnchor {
    return new TrustAnchor('CERTIFICATE', certificate.raw, certificate)
  }

  get certificate(): X509Certificate {
    this.#certificate ??= new X509Certificate(this.pem)
    return this.#certificate
  }
}

/** The problem of a bundle, its line (PEM only), and how to correct it. */
export class BundleSyntaxError extends Error {
  readonly line: number | undefined
  readonly hints: readonly string[]

  constructor(problem: string, options: { line?: number; hints?: readonly string[]; cause?: unknown } = {}) {
    super(problem, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'BundleSyntaxError'
    this.line = options.line
    this.hints = options.hints ?? []
  }
}

/**
 * All certificates in the content of a bundle: PEM text with anything between the blocks, one DER certificate or
 * several, or PKCS#7 (`.p7b`, PEM or DER). PKCS#7 blocks count only in a file without certificate blocks: in others OpenSSL,
 * and with it requests, ignores them.
 *
 * @throws BundleSyntaxError if there is none, or one of them is damaged: a bundle is never used in part.
 */
export function readCertificates(content: Buffer): TrustAnchor[] {
  if (isPem(content)) return readPemCertificates(content.toString('latin1'), content)
  if (content[0] === SEQUENCE) return readDerCertificates(content)
  throw noCertificate(content)
}

function readPemCertificates(text: string, content: Buffer): TrustAnchor[] {
  const blocks = scanBlocks(text)
  const anchors = blocks.filter((block) => CERTIFICATE_LABELS.has(block.label)).map(anchorOfBlock)
  if (anchors.length > 0) return anchors
  const pkcs7 = blocks.filter((block) => block.label === 'PKCS7' || block.label === 'CMS')
  if (pkcs7.length > 0) return pkcs7.flatMap((block) => readPkcs7(block.bytes, block.line))
  throw noCertificate(content, blocks)
}

function scanBlocks(text: string): PemBlock[] {
  try {
    return scanPem(text)
  } catch (error) {
    if (!(error instanceof PemSyntaxError)) throw error
    throw new BundleSyntaxError(error.message, { line: error.line, cause: error })
  }
}

function anchorOfBlock(block: PemBlock): TrustAnchor {
  if (block.headers) {
    throw new BundleSyntaxError('a certificate block has header lines, which belong to encrypted keys only', {
      line: block.line,
    })
  }
  const certificate = parseCertificate(
    toPem(block.label, block.label === WITH_SETTINGS ? block.bytes : firstElement(block.bytes)),
    'the block holds base64, but no certificate: it is damaged or cut short',
    block.line,
  )
  return block.label === WITH_SETTINGS
    ? new TrustAnchor(block.label, block.bytes, certificate)
    : TrustAnchor.fromCertificate(certificate)
}

/** The certificate without trailing bytes, which OpenSSL ignores. */
function firstElement(bytes: Buffer): Buffer {
  try {
    return readElement(bytes).bytes
  } catch {
    return bytes
  }
}

/** Always as PEM: given bytes, `X509Certificate` would also accept PEM inside them. */
function parseCertificate(pem: string, problem: string, line?: number): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch (cause) {
    throw new BundleSyntaxError(problem, line === undefined ? { cause } : { line, cause })
  }
}

/** DER: certificates one after the other, or one PKCS#7 file. */
function readDerCertificates(content: Buffer): TrustAnchor[] {
  const anchors: TrustAnchor[] = []
  for (let rest = content; rest.length > 0; ) {
    let bytes: Buffer
    try {
      bytes = readElement(rest).bytes
    } catch (cause) {
      throw new BundleSyntaxError('the file looks like DER, but is damaged or cut short', { cause })
    }
    if (anchors.length === 0 && isPkcs7(bytes)) return readPkcs7(bytes)
    if (isPkcs12(bytes)) throw pkcs12Error()
    anchors.push(
      TrustAnchor.fromCertificate(
        parseCertificate(toPem('CERTIFICATE', bytes), 'the file is DER, but holds no certificate (a key, perhaps)'),
      ),
    )
    rest = rest.subarray(bytes.length)
  }
  return anchors
}

/** The object identifier 1.2.840.113549.1.7.2 (signedData, RFC 5652 section 5.1), as DER. */
const SIGNED_DATA = Buffer.from('06092a864886f70d010702', 'hex')
/** PFX (RFC 7292 section 4) begins with the INTEGER 3. */
const PKCS12_VERSION = Buffer.from('020103', 'hex')

function isPkcs7(bytes: Buffer): boolean {
  const { content } = readElement(bytes)
  return content.subarray(0, SIGNED_DATA.length).equals(SIGNED_DATA)
}

function isPkcs12(bytes: Buffer): boolean {
  const { content } = readElement(bytes)
  return content.subarray(0, PKCS12_VERSION.length).equals(PKCS12_VERSION)
}

function pkcs12Error(): BundleSyntaxError {
  return new BundleSyntaxError('the file is a PKCS#12 store, not a list of certificates', {
    hints: ['extract its certificates: openssl pkcs12 -in FILE -nokeys -out bundle.pem'],
  })
}

/** The certificates of a "degenerate" SignedData, the content of a `.p7b` file (RFC 5652 sections 3 and 5.1). */
function readPkcs7(bytes: Buffer, line?: number): TrustAnchor[] {
  let certificates: Buffer[]
  try {
    const [, explicit] = readElements(readElement(bytes).content)
    const signedData = explicit?.tag === CONTEXT_0 ? readElement(explicit.content) : undefined
    const set = signedData && readElements(signedData.content).find((element) => element.tag === CONTEXT_0)
    // CertificateChoices: a plain certificate is a SEQUENCE; the other, long obsolete choices are tagged.
    certificates = set ? readElements(set.content).flatMap((item) => (item.tag === SEQUENCE ? [item.bytes] : [])) : []
  } catch (cause) {
    throw new BundleSyntaxError('the PKCS#7 data is damaged', line === undefined ? { cause } : { line, cause })
  }
  if (certificates.length === 0) {
    throw new BundleSyntaxError('the PKCS#7 data holds no certificate', line === undefined ? {} : { line })
  }
  const problem = 'the PKCS#7 data holds a damaged certificate'
  return certificates.map((der) =>
    TrustAnchor.fromCertificate(parseCertificate(toPem('CERTIFICATE', der), problem, line)),
  )
}

/** Describes a file without certificates: it is often the wrong one of two. */
function noCertificate(content: Buffer, blocks: readonly PemBlock[] = []): BundleSyntaxError {
  const problem = 'no certificate in it'
  const describe = (what: string, ...hints: string[]) => new BundleSyntaxError(`${problem}: ${what}`, { hints })
  const text = content.toString('latin1')
  if (content.length === 0) return describe('the file is empty')
  if (/^(?:\xff\xfe|\xfe\xff|-\0-\0|\0-\0-)/.test(text)) {
    return describe('it is UTF-16 text', 'save it as UTF-8, or: iconv -f UTF-16 -t UTF-8 FILE > bundle.pem')
  }
  const labels = new Set(blocks.map((block) => block.label))
  for (const label of labels) {
    if (label.endsWith('PRIVATE KEY'))
      return describe('it holds a private key; name the certificate that belongs to it')
    if (label.endsWith('CERTIFICATE REQUEST'))
      return describe('it holds a signing request, not the certificate made from it')
    if (label === 'X509 CRL') return describe('it holds a revocation list only')
  }
  if (labels.size > 0)
    return describe(`it holds ${[...labels].map((label) => `"${printable(label)}"`).join(', ')} only`)
  if (text.includes('-----BEGIN ') && text.includes('\\n')) {
    return describe('its line breaks are written as \\n', 'replace each "\\n" by a real line break')
  }
  if (text.includes('-----BEGIN ') && !text.includes('\n')) {
    return describe('its lines do not end with a line feed', "convert it: tr '\\r' '\\n' < FILE > bundle.pem")
  }
  if (text.includes('-----BEGIN ')) {
    return describe(
      'something stands before "-----BEGIN" on its line',
      'the dashes must be the first characters of the line',
    )
  }
  if (text.trim() === '') return describe('there is nothing but white space')
  return describe('it is neither PEM nor DER', 'a PEM certificate begins with the line -----BEGIN CERTIFICATE-----')
}
