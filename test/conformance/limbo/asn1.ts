/** DER in the small: just what certificates are made of, the malformed ones too. */

/** A value of any tag; lengths in the fewest octets. */
export function tlv(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content)
  if (body.length < 0x80) return Buffer.concat([Buffer.from([tag, body.length]), body])
  const hex = body.length.toString(16)
  const length = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex')
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length]), length, body])
}

export const sequence = (...content: readonly Uint8Array[]): Buffer => tlv(0x30, ...content)
export const set = (...content: readonly Uint8Array[]): Buffer => tlv(0x31, ...content)
export const octets = (content: Uint8Array): Buffer => tlv(0x04, content)
export const bits = (content: Uint8Array, unused = 0): Buffer => tlv(0x03, Buffer.from([unused]), content)
export const boolean = (value: boolean): Buffer => tlv(0x01, Buffer.from([value ? 0xff : 0]))
/** The octets as they are: two's complement, the sign first. */
export const integer = (...content: readonly number[]): Buffer => tlv(0x02, Buffer.from(content))
export const utf8 = (text: string): Buffer => tlv(0x0c, Buffer.from(text))
export const NULL: Buffer = tlv(0x05)

/** A context-specific tag: `constructed` holds other values. */
export const context = (tag: number, content: Uint8Array, constructed = false): Buffer =>
  tlv((constructed ? 0xa0 : 0x80) | tag, content)

/** `2.5.29.17` */
export function oid(text: string): Buffer {
  const [first = 0, second = 0, ...others] = text.split('.').map(Number)
  return tlv(0x06, Buffer.from([first * 40 + second, ...others.flatMap(inSevens)]))
}

/** Seven bits an octet, the highest first, each but the last with its eighth bit set. */
function inSevens(number: number): number[] {
  const digits = [number % 128]
  for (let rest = Math.floor(number / 128); rest > 0; rest = Math.floor(rest / 128)) digits.unshift(0x80 | (rest % 128))
  return digits
}
