/** Reads trusted certificates from the bytes of a file: PEM, DER or PKCS#7. */
import { hash, X509Certificate } from 'node:crypto'
import { SharedValues } from '../core/shared-values.ts'
import { derOfBer } from './ber.ts'
import { contentKind, isPkcs12 } from './content-kind.ts'
import { CONTEXT_0, readElement, readElements, SEQUENCE } from './der.ts'
import { CERTIFICATE_LABELS, isPem, labelName, type PemBlock, PemSyntaxError, scanPem, toPem } from './pem.ts'

const WITH_SETTINGS = 'TRUSTED CERTIFICATE'

/** A trusted certificate (RFC 5280: trust anchor). One object for each, however many bundles have it. */
export class TrustAnchor {
  /** One PEM block for OpenSSL: a `TRUSTED CERTIFICATE` keeps its trust settings. */
  readonly pem: string
  /** SHA-256 of label and content, in hex: equal ids mean equal trust. */
  readonly id: string
  /** Whether it is a `TRUSTED CERTIFICATE`. */
  readonly hasSettings: boolean
  /** Whether its settings refuse it for servers. */
  readonly refusesServers: boolean
  #certificate: X509Certificate | undefined

  private constructor(label: string, bytes: Buffer, pem: string, id: string) {
    this.hasSettings = label === WITH_SETTINGS
    this.refusesServers = this.hasSettings && refusesServers(bytes)
    this.pem = pem
    this.id = id
  }

  /** The anchor of these bytes, which are not parsed yet. */
  static of(label: 'CERTIFICATE' | typeof WITH_SETTINGS, bytes: Buffer): TrustAnchor {
    const pem = toPem(label, bytes)
    const id = hash('sha256', pem)
    let anchor = anchors.get(id)
    if (anchor === undefined) {
      anchor = new TrustAnchor(label, bytes, pem, id)
      anchors.set(id, anchor)
    }
    return anchor
  }

  /** From a valid PEM block, such as one of Node's own roots. */
  static fromPem(pem: string): TrustAnchor {
    const [block] = scanPem(pem)
    if (block === undefined) throw new PemSyntaxError(1, 'not a PEM block')
    return TrustAnchor.of('CERTIFICATE', block.bytes)
  }

  /** @throws OpenSSL's error if the bytes are no certificate */
  get certificate(): X509Certificate {
    this.#certificate ??= new X509Certificate(this.pem)
    return this.#certificate
  }
}

/** By their ids. They are held by the bundles that have them. */
const anchors = new SharedValues<TrustAnchor>(0)

/** How many certificates are in memory. */
export function anchorCount(): number {
  return anchors.size
}

/**
 * By OpenSSL's settings after a certificate (`X509_CERT_AUX`): a SEQUENCE of the purposes that it is trusted for, and `[0]` of those
 * that it is refused for. If it is trusted for some, it is refused for all others.
 */
function refusesServers(bytes: Buffer): boolean {
  try {
    const [, settings] = readElements(bytes)
    const lists = settings === undefined ? [] : readElements(settings.content)
    const purposesOf = (wanted: number) => {
      const list = lists.find(({ tag }) => tag === wanted)
      return list && readElements(list.content).map(({ content }) => content.toString('hex'))
    }
    const isForServers = (purpose: string) => purpose === SERVER_AUTH || purpose === ANY_PURPOSE
    const trusted = purposesOf(SEQUENCE)
    return purposesOf(CONTEXT_0)?.some(isForServers) === true || trusted?.some(isForServers) === false
  } catch {
    return false
  }
}

/** 1.3.6.1.5.5.7.3.1 and 2.5.29.37.0. */
const SERVER_AUTH = '2b06010505070301'
const ANY_PURPOSE = '551d2500'

/** For damage that nothing else is known of. */
const GET_AGAIN = 'get the file again from its source, and compare the sizes: it is used whole or not at all'

/** The problem of a bundle, its line (PEM only), and how to correct it. */
export class BundleSyntaxError extends Error {
  readonly line: number | undefined
  readonly hints: readonly string[]
  /** For content that was given by value, not as a file. */
  readonly valueHints: readonly string[]

  constructor(
    problem: string,
    options: {
      line?: number
      hints?: readonly string[] | undefined
      valueHints?: readonly string[]
      cause?: unknown
    } = {},
  ) {
    super(problem, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'BundleSyntaxError'
    this.line = options.line
    this.hints = options.hints ?? [GET_AGAIN]
    this.valueHints = options.valueHints ?? this.hints
  }
}

/** For PEM with private keys and no certificate. */
export class KeysOnlyError extends BundleSyntaxError {
  constructor() {
    super('no certificate in it: it holds a private key; name the certificate that belongs to it', {
      hints: ['the file of the certificate often ends in .crt or .cer'],
    })
  }
}

/**
 * All certificates in the content of a bundle: PEM text with anything between the blocks, one DER certificate or
 * several, or PKCS#7 (`.p7b`, PEM or DER). PKCS#7 blocks count only in a file without certificate blocks: in others OpenSSL,
 * and with it requests, ignores them.
 *
 * @throws BundleSyntaxError if there is none, or one of them is damaged: a bundle is never used in part; KeysOnlyError if there are
 *   keys only
 */
export function readCertificates(content: Buffer): TrustAnchor[] {
  if (isPem(content)) return readPemCertificates(content.toString('latin1'), content)
  const isBinary = content[0] === SEQUENCE && !isPkcs12(content)
  if (isBinary) return readDerCertificates(content)
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
    throw new BundleSyntaxError(error.message, { line: error.line, hints: error.hints, cause: error })
  }
}

function anchorOfBlock(block: PemBlock): TrustAnchor {
  if (block.headers) {
    throw new BundleSyntaxError('a certificate block has header lines, which belong to encrypted keys only', {
      line: block.line,
    })
  }
  const anchor =
    block.label === WITH_SETTINGS
      ? TrustAnchor.of(WITH_SETTINGS, block.bytes)
      : TrustAnchor.of('CERTIFICATE', firstElement(block.bytes))
  return parsed(anchor, 'the block holds base64, but no certificate: it is damaged or cut short', block.line)
}

/** The certificate without trailing bytes, which OpenSSL ignores. */
function firstElement(bytes: Buffer): Buffer {
  try {
    return readElement(bytes).bytes
  } catch {
    return bytes
  }
}

/** @throws BundleSyntaxError if it is no certificate */
function parsed(anchor: TrustAnchor, problem: string, line?: number): TrustAnchor {
  try {
    // Always of PEM: given bytes, `X509Certificate` would also accept PEM inside them.
    void anchor.certificate
    return anchor
  } catch (cause) {
    throw new BundleSyntaxError(problem, line === undefined ? { cause } : { line, cause })
  }
}

/** DER: certificates one after the other, or one PKCS#7 file. */
function readDerCertificates(content: Buffer): TrustAnchor[] {
  const anchors: TrustAnchor[] = []
  if (content.subarray(0, BER_SIGNED_DATA.length).equals(BER_SIGNED_DATA)) return readPkcs7(content)
  for (let rest = content; rest.length > 0; ) {
    let bytes: Buffer
    try {
      bytes = readElement(rest).bytes
    } catch (cause) {
      throw new BundleSyntaxError('the file looks like DER, but is damaged or cut short', { cause })
    }
    if (anchors.length === 0 && isPkcs7(bytes)) return readPkcs7(bytes)
    const anchor = TrustAnchor.of('CERTIFICATE', bytes)
    anchors.push(parsed(anchor, 'the file is DER, but holds no certificate (a key, perhaps)'))
    rest = rest.subarray(bytes.length)
  }
  return anchors
}

/** The object identifier 1.2.840.113549.1.7.2 (signedData, RFC 5652 section 5.1), as DER. */
const SIGNED_DATA = Buffer.from('06092a864886f70d010702', 'hex')
/** The same at the start of a file in BER: a SEQUENCE of indefinite length. */
const BER_SIGNED_DATA = Buffer.concat([Buffer.from('3080', 'hex'), SIGNED_DATA])

function isPkcs7(bytes: Buffer): boolean {
  const { content } = readElement(bytes)
  return content.subarray(0, SIGNED_DATA.length).equals(SIGNED_DATA)
}

/** The certificates of a "degenerate" SignedData, the content of a `.p7b` file (RFC 5652 sections 3 and 5.1). */
function readPkcs7(bytes: Buffer, line?: number): TrustAnchor[] {
  let certificates: Buffer[]
  try {
    certificates = certificatesOf(bytes)
  } catch (cause) {
    throw new BundleSyntaxError('the PKCS#7 data is damaged', line === undefined ? { cause } : { line, cause })
  }
  if (certificates.length === 0) {
    throw new BundleSyntaxError('the PKCS#7 data holds no certificate', line === undefined ? {} : { line })
  }
  const problem = 'the PKCS#7 data holds a damaged certificate'
  return certificates.map((der) => parsed(TrustAnchor.of('CERTIFICATE', der), problem, line))
}

function certificatesOf(pkcs7: Buffer): Buffer[] {
  try {
    return certificatesIn(pkcs7)
  } catch {
    return certificatesIn(derOfBer(pkcs7))
  }
}

/** @throws RangeError if it is no DER */
function certificatesIn(pkcs7: Buffer): Buffer[] {
  const [, explicit] = readElements(readElement(pkcs7).content)
  const signedData = explicit?.tag === CONTEXT_0 ? readElement(explicit.content) : undefined
  const set = signedData && readElements(signedData.content).find((element) => element.tag === CONTEXT_0)
  // CertificateChoices: a plain certificate is a SEQUENCE; the other, long obsolete choices are tagged.
  return set ? readElements(set.content).flatMap((item) => (item.tag === SEQUENCE ? [item.bytes] : [])) : []
}

/** Describes a file without certificates: it is often the wrong one of two. */
function noCertificate(content: Buffer, blocks: readonly PemBlock[] = []): BundleSyntaxError {
  const problem = 'no certificate in it'
  const describe = (what: string, ...hints: string[]) => new BundleSyntaxError(`${problem}: ${what}`, { hints })
  const labels = new Set(blocks.map((block) => block.label))
  for (const label of labels) {
    if (label === 'OPENSSH PRIVATE KEY')
      return describe('it holds a private key of SSH, which has no certificate', 'name a certificate (X.509) instead')
    if (label.endsWith('PRIVATE KEY')) return new KeysOnlyError()
    if (label.endsWith('CERTIFICATE REQUEST'))
      return describe(
        'it holds a signing request, not the certificate made from it',
        'name the certificate that the CA made from it',
      )
    if (label === 'X509 CRL')
      return describe('it holds a revocation list only', 'name the certificate of the CA instead')
  }
  if (labels.size > 0)
    return describe(`it holds ${[...labels].map((label) => `"${labelName(label)}"`).join(', ')} only`, ASK_FOR_PEM)
  const known = contentKind(content)
  return known
    ? new BundleSyntaxError(`${problem}: ${known.what}`, known)
    : describe('it is neither PEM nor DER', ASK_FOR_PEM)
}

const ASK_FOR_PEM = 'a PEM certificate begins with the line -----BEGIN CERTIFICATE-----'
