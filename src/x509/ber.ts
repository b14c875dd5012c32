/**
 * Converts BER (X.690) to DER: PKCS#7 and PKCS#12 files of some programs have indefinite lengths and split octet
 * strings.
 */
import type { BaseBlock } from 'asn1js'
import { asn1 } from '../core/lazy.ts'
import { derElement } from './der.ts'

/**
 * The same element in DER, as far as structure goes. What has neither indefinite lengths nor octets in pieces, certificates for
 * example, keeps its bytes.
 *
 * @throws RangeError if it is no BER
 */
export function derOfBer(bytes: Buffer): Buffer {
  const { offset, result } = asn1().fromBER(bytes)
  if (offset === -1) throw new RangeError(`no BER: ${result.error}`)
  return encode(result)
}

function encode(block: BaseBlock, isPieces = isOctetString(block)): Buffer {
  const children = childrenOf(block)
  const raw = Buffer.from(block.valueBeforeDecodeView)
  if (children === undefined) return raw
  if (isPieces) return derElement((raw[0] ?? 0) & ~CONSTRUCTED, Buffer.concat(children.map(octetsOf)))
  const isEncrypted = isEncryptedContent(children)
  const parts = children.map((child, index) => encode(child, isOctetString(child) || (isEncrypted && index === 2)))
  const isSame = !block.lenBlock.isIndefiniteForm && parts.every((part, index) => sameBytes(part, children[index]))
  return isSame ? raw : derElement(raw[0] ?? 0, Buffer.concat(parts))
}

const CONSTRUCTED = 0x20

/** `undefined` for a primitive element. */
function childrenOf(block: BaseBlock): BaseBlock[] | undefined {
  const { value } = block.valueBlock as { value?: unknown }
  return block.idBlock.isConstructed && Array.isArray(value) ? value.filter((child) => !isEnd(child)) : undefined
}

const isEnd = ({ idBlock }: BaseBlock): boolean => idBlock.tagClass === 1 && idBlock.tagNumber === 0

const isOctetString = ({ idBlock }: BaseBlock): boolean => idBlock.tagClass === 1 && idBlock.tagNumber === 4

/** EncryptedContentInfo (RFC 5652, section 6.1): type, algorithm, and octets whose tag `[0]` does not say that they are octets. */
function isEncryptedContent([type, algorithm, content]: readonly BaseBlock[]): boolean {
  return (
    type?.idBlock.tagNumber === 6 &&
    algorithm?.idBlock.tagNumber === 16 &&
    content?.idBlock.tagClass === 3 &&
    content.idBlock.tagNumber === 0
  )
}

/** The content of octets, in pieces of pieces or whole. */
function octetsOf(block: BaseBlock): Buffer {
  const children = childrenOf(block)
  if (children) return Buffer.concat(children.map(octetsOf))
  const raw = Buffer.from(block.valueBeforeDecodeView)
  return raw.subarray(raw.length - block.lenBlock.length)
}

function sameBytes(part: Buffer, child: BaseBlock | undefined): boolean {
  return child !== undefined && part.equals(child.valueBeforeDecodeView)
}
