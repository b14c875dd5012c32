/** `application/x-www-form-urlencoded`, as Python writes it. */
import { type PairsInit, type ParamValue, toFieldList } from '../core/pairs.ts'

/** The names and values of a form. */
export type FormInit = PairsInit<ParamValue>

/** The Content-Type that goes with {@link encodeForm}. */
export const FORM_TYPE = 'application/x-www-form-urlencoded'

/**
 * Encodes names and values as `application/x-www-form-urlencoded`, as Python's `urlencode(doseq=True)` does: a
 * space becomes `+`, `A-Z a-z 0-9 _ . - ~` stay, every other byte of the UTF-8 becomes `%XX`. A list repeats its name;
 * `null` and `undefined` are left out. Booleans are `true` and `false` (requests writes `True` and `False`).
 *
 * @param option the name of the option, for messages
 * @throws TypeError for another shape or value
 *
 * @example
 * encodeForm({ q: 'tea & milk', tag: ['a', 'b'], page: null }) // 'q=tea+%26+milk&tag=a&tag=b'
 */
export function encodeForm(
  fields: FormInit,
  option = 'data',
  accepted = 'an object, a Map, a list of [name, value] pairs or URLSearchParams',
): string {
  return toFieldList(fields, option, accepted)
    .map(([name, value]) => `${quotePlus(name)}=${quotePlus(value)}`)
    .join('&')
}

/** Escapes every byte of the text's UTF-8 as `%XX`; a lone surrogate counts as U+FFFD. */
export function percentEncode(text: string | Buffer): string {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text
  return bytes.toString('hex').toUpperCase().replace(/../g, '%$&')
}

/** Python's `urllib.parse.quote_plus`. */
function quotePlus(value: string | Buffer): string {
  // latin1 maps each byte to one character, so invalid UTF-8 is kept.
  if (typeof value !== 'string') {
    return value
      .toString('latin1')
      .replace(/[^\w.~-]/g, (byte) => (byte === ' ' ? '+' : percentEncode(Buffer.from(byte, 'latin1'))))
  }
  return value.replace(/[^\w.~ -]+/g, percentEncode).replaceAll(' ', '+')
}
