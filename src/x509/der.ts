/** A reader for DER (X.690): the subset needed for certificates, PKCS#7 and PKCS#12. It copies nothing. */

/** One tag-length-value element, its content still in place. */
export interface DerElement {
  /** The identifier octet, e.g. 0x30 for a SEQUENCE. */
  readonly tag: number
  /** The content octets. */
  readonly content: Buffer
  /** The whole element: identifier, length and content. */
  readonly bytes: Buffer
}

export const SEQUENCE = 0x30
export const SET = 0x31
export const OBJECT_IDENTIFIER = 0x06
/** `[0]`, constructed: an explicit or implicit context tag. */
export const CONTEXT_0 = 0xa0

/**
 * Reads the element at the start of `bytes`.
 *
 * @throws RangeError if it is cut short, its length exceeds 32 bits, or it has indefinite length (BER, not DER).
 */
export function readElement(bytes: Buffer): DerElement {
  const tag = bytes[0]
  const first = bytes[1]
  if (tag === undefined || first === undefined) throw new RangeError('DER element is cut short')
  let length = first
  let start = 2
  if (first >= 0x80) {
    const octets = first & 0x7f
    if (octets === 0) throw new RangeError('indefinite lengths (BER) are not supported')
    if (octets > 4 || bytes.length < 2 + octets) throw new RangeError('DER length is cut short or too long')
    length = bytes.readUIntBE(2, octets)
    start = 2 + octets
  }
  const end = start + length
  if (end > bytes.length) throw new RangeError('DER element is cut short')
  return { tag, content: bytes.subarray(start, end), bytes: bytes.subarray(0, end) }
}

/** The element itself. @throws RangeError for `undefined` */
export function required(element: DerElement | undefined): DerElement {
  if (element === undefined) throw new RangeError('DER element is missing')
  return element
}

/** The elements that `content` holds, one after the other. */
export function readElements(content: Buffer): DerElement[] {
  const elements: DerElement[] = []
  for (let rest = content; rest.length > 0; ) {
    const element = readElement(rest)
    elements.push(element)
    rest = rest.subarray(element.bytes.length)
  }
  return elements
}

/**
 * The SEQUENCEs of a certificate in their fixed order: algorithm, issuer, validity, subject, key (RFC 5280, section 4.1). The
 * version, tagged [0], is absent in v1 certificates.
 */
export function certificateSequences(certificate: Buffer): DerElement[] {
  const [tbs] = readElements(readElement(certificate).content)
  return tbs ? readElements(tbs.content).filter(({ tag }) => tag === SEQUENCE) : []
}

/** The element of this tag and content. */
export function derElement(tag: number, content: Buffer): Buffer {
  if (content.length < 0x80) return Buffer.concat([Buffer.from([tag, content.length]), content])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(content.length)
  const octets = length.subarray(length.findIndex((octet) => octet !== 0))
  return Buffer.concat([Buffer.from([tag, 0x80 | octets.length]), octets, content])
}
