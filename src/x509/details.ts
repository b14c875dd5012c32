/**
 * Fields of a certificate that Node's `X509Certificate` lacks: key usage, identifiers, the signature's hash, name
 * constraints.
 */
import type { X509Certificate } from 'node:crypto'
import { isIPv4 } from 'node:net'
import { CONTEXT_0, type DerElement, OBJECT_IDENTIFIER, readElement, readElements, required, SEQUENCE } from './der.ts'

/** `undefined`: the certificate does not have the extension. */
export interface CertificateDetails {
  /** 1 to 3. */
  readonly version: number
  /** The bits of keyUsage that are set, by their names in RFC 5280. */
  readonly keyUsage: readonly string[] | undefined
  /** basicConstraints. */
  readonly basicConstraints: BasicConstraints | undefined
  /** In hexadecimal digits. */
  readonly subjectKeyId: string | undefined
  /** The identifier of the issuer's key, and the serial number of the issuer's certificate. */
  readonly authorityKeyId: string | undefined
  readonly authoritySerial: string | undefined
  readonly nameConstraints: NameConstraints | undefined
  /** The kinds of names in subjectAltName: `DNS`, `IP Address`, `URI`, `email`, `other`. */
  readonly altNameKinds: readonly string[]
  /** `SHA-1`, `MD5`, `MD4`, `MD2` if the signature uses it. */
  readonly weakHash: string | undefined
}

interface BasicConstraints {
  readonly ca: boolean
  /** How many CAs may follow below it (pathLenConstraint). */
  readonly pathLength: number | undefined
}

/** What a CA may issue for (RFC 5280, section 4.2.1.10); addresses as `10.0.0.0/255.0.0.0`. */
export interface NameConstraints {
  readonly permitted: readonly ConstrainedName[]
  readonly excluded: readonly ConstrainedName[]
}

export interface ConstrainedName {
  readonly kind: 'DNS' | 'IP Address' | 'other'
  readonly value: string
}

/** `undefined` if the certificate or an extension is damaged. */
export function detailsOf(certificate: X509Certificate): CertificateDetails | undefined {
  try {
    return readDetails(certificate.raw)
  } catch {
    return undefined
  }
}

function readDetails(der: Buffer): CertificateDetails {
  const [signed, algorithm] = readElements(readElement(der).content)
  const fields = readElements(required(signed).content)
  const explicit = fields.find(({ tag }) => tag === EXTENSIONS)
  const extensions = explicit === undefined ? new Map<string, Buffer>() : readExtensions(explicit)
  const read = <T>(oid: string, parse: (value: Buffer) => T): T | undefined => {
    const value = extensions.get(oid)
    return value === undefined ? undefined : parse(value)
  }
  const authority = read(AUTHORITY_KEY_IDENTIFIER, (value) => readElements(readElement(value).content))
  const [version] = fields
  return {
    version: version?.tag === CONTEXT_0 ? (version.content.at(-1) ?? 0) + 1 : 1,
    keyUsage: read(KEY_USAGE, readKeyUsage),
    basicConstraints: read(BASIC_CONSTRAINTS, readBasicConstraints),
    subjectKeyId: read(SUBJECT_KEY_IDENTIFIER, (value) => readElement(value).content.toString('hex')),
    authorityKeyId: authority?.find(({ tag }) => tag === 0x80)?.content.toString('hex'),
    authoritySerial: authority?.find(({ tag }) => tag === 0x82)?.content.toString('hex'),
    nameConstraints: read(NAME_CONSTRAINTS, readNameConstraints),
    altNameKinds: read(SUBJECT_ALT_NAME, readKinds) ?? [],
    weakHash: weakHashOf(required(algorithm)),
  }
}

/** The values of the extensions by object identifier (hex). */
function readExtensions(explicit: DerElement): Map<string, Buffer> {
  const list = readElements(readElement(explicit.content).content)
  return new Map(
    list.map((extension) => {
      const [oid, ...rest] = readElements(extension.content)
      return [required(oid).content.toString('hex'), required(rest.at(-1)).content]
    }),
  )
}

function readKeyUsage(value: Buffer): string[] {
  const [, ...octets] = readElement(value).content
  return KEY_USAGES.filter((_, bit) => ((octets[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0)
}

function readBasicConstraints(value: Buffer): BasicConstraints {
  const fields = readElements(readElement(value).content)
  const [flag, length] = [fields.find(({ tag }) => tag === 0x01), fields.find(({ tag }) => tag === 0x02)]
  const pathLength =
    length && length.content.length <= 4 ? length.content.readUIntBE(0, length.content.length) : undefined
  return { ca: flag !== undefined && flag.content[0] !== 0, pathLength }
}

function readKinds(value: Buffer): string[] {
  return readElements(readElement(value).content).map(({ tag }) => GENERAL_NAMES.get(tag) ?? 'other')
}

function readNameConstraints(value: Buffer): NameConstraints {
  const parts = readElements(readElement(value).content)
  const subtrees = (tag: number) =>
    parts.filter((part) => part.tag === tag).flatMap(({ content }) => readElements(content).map(constrainedName))
  return { permitted: subtrees(CONTEXT_0), excluded: subtrees(0xa1) }
}

function constrainedName(subtree: DerElement): ConstrainedName {
  const { tag, content } = readElement(subtree.content)
  const kind = GENERAL_NAMES.get(tag)
  if (kind === 'DNS') return { kind, value: content.toString('latin1') }
  if (kind === 'IP Address') return { kind, value: rangeOf(content) }
  return { kind: 'other', value: kind ?? 'other' }
}

/** `10.0.0.0/255.0.0.0`; of IPv6 in hexadecimal digits, for {@link isInRange} only. */
function rangeOf(octets: Buffer): string {
  const half = octets.length / 2
  const write = (part: Buffer) => (half === 4 ? part.join('.') : part.toString('hex'))
  return `${write(octets.subarray(0, half))}/${write(octets.subarray(half))}`
}

/** Whether an IPv4 address is in a range as {@link ConstrainedName} writes it; `undefined` for IPv6. */
export function isInRange(address: string, range: string): boolean | undefined {
  const [network = '', mask = ''] = range.split('/')
  if (!isIPv4(address)) return undefined
  if (!isIPv4(network)) return false
  const [bits, base, filter] = [address, network, mask].map((text) => text.split('.').map(Number)) as [
    number[],
    number[],
    number[],
  ]
  return bits.every((octet, index) => (octet & (filter[index] ?? 0)) === ((base[index] ?? 0) & (filter[index] ?? 0)))
}

/** By the AlgorithmIdentifier; RSASSA-PSS names its hash in its parameters, SHA-1 if it does not (RFC 8017, A.2.3). */
function weakHashOf({ content }: DerElement): string | undefined {
  const [oid, parameters] = readElements(content)
  const type = oid?.tag === OBJECT_IDENTIFIER ? oid.content.toString('hex') : ''
  if (type !== RSASSA_PSS) return WEAK_SIGNATURES.get(type)
  const fields = parameters?.tag === SEQUENCE ? readElements(parameters.content) : []
  const named = fields.find(({ tag }) => tag === CONTEXT_0)
  if (named === undefined) return 'SHA-1'
  const [hash] = readElements(readElement(named.content).content)
  return hash?.content.toString('hex') === SHA1 ? 'SHA-1' : undefined
}

/** `[3]` of TBSCertificate. */
const EXTENSIONS = 0xa3
const SUBJECT_KEY_IDENTIFIER = '551d0e'
const KEY_USAGE = '551d0f'
const SUBJECT_ALT_NAME = '551d11'
const BASIC_CONSTRAINTS = '551d13'
const NAME_CONSTRAINTS = '551d1e'
const AUTHORITY_KEY_IDENTIFIER = '551d23'

/** In the order of their bits (RFC 5280, section 4.2.1.3). */
const KEY_USAGES = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
]

/** The tags of GeneralName. */
const GENERAL_NAMES: ReadonlyMap<number, 'DNS' | 'IP Address' | 'URI' | 'email'> = new Map([
  [0x81, 'email'],
  [0x82, 'DNS'],
  [0x86, 'URI'],
  [0x87, 'IP Address'],
])

const RSASSA_PSS = '2a864886f70d01010a'
const SHA1 = '2b0e03021a'
const WEAK_SIGNATURES: ReadonlyMap<string, string> = new Map([
  ['2a864886f70d010102', 'MD2'],
  ['2a864886f70d010103', 'MD4'],
  ['2a864886f70d010104', 'MD5'],
  ['2a864886f70d010105', 'SHA-1'],
  ['2b0e03021d', 'SHA-1'],
  ['2a8648ce3d0401', 'SHA-1'],
  ['2a8648ce380403', 'SHA-1'],
])
