/**
 * Recognises keys and certificates in unsupported forms (base64 of PEM, PEM without line feeds, …), and suggests how to
 * convert them.
 */
import { LruMap } from './lru-map.ts'

/** What a text is that was taken for a path or a name. It contains nothing of the text. */
export interface KeyMaterial {
  /** `base64 of PEM`, for messages. */
  readonly what: string
  /** How to convert it; `undefined` if that is not known. */
  readonly fix: string | undefined
}

/**
 * What a text is if it is, or may be, a key or certificate; `undefined` for what may be a path or a name.
 *
 * Messages show paths and names as they were given. A private key that was given in the wrong form would be among them, so a
 * text that is long, random or has the marks of a key is not shown.
 *
 * @example
 * keyMaterialIn('LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0t…')?.what // 'base64 of PEM'
 */
export function keyMaterialIn(text: string): KeyMaterial | undefined {
  if (text.length < MIN_LENGTH || plain.get(text)) return undefined
  const material = keyIn(text) ?? (text.length > MAX_LENGTH ? TOO_LONG : undefined)
  if (material === undefined) plain.set(text, true)
  return material
}

/** The same as {@link keyMaterialIn}, but a text is not taken for a key because of its length alone. */
export function keyIn(text: string): KeyMaterial | undefined {
  return text.length < MIN_LENGTH ? undefined : (pemIn(text) ?? encodedIn(text) ?? unreadableIn(text))
}

/** Paths that were looked at: each request looks at those of its options. */
const plain = new LruMap<string, true>(256)

/** A hint for a text that was taken for a path. */
export function notAPath({ what, fix }: KeyMaterial): string {
  return `it is no path, but ${what}${fix === undefined ? '' : `: ${fix}`}`
}

/** The marks of PEM, also without its first or last line, or in UTF-16. */
function pemIn(text: string): KeyMaterial | undefined {
  if (!PEM_MARK.test(text)) return text.includes('\0') ? pemIn(text.replaceAll('\0', '')) : undefined
  if (/^\s*"/.test(text)) return { what: 'PEM as a JSON string', fix: 'use JSON.parse(value)' }
  if (text.includes('\\n')) {
    return {
      what: 'PEM with \\n for line feeds',
      fix: "the line feeds are written as \\n: use value.replaceAll('\\\\n', '\\n')",
    }
  }
  if (/%(?:0a|20|2b|2f)/i.test(text)) return { what: 'percent-encoded PEM', fix: 'use decodeURIComponent(value)' }
  if (/[^A-Z]BEGIN [A-Z]/.test(text) && !text.includes('-----BEGIN'))
    return { what: 'PEM without five dashes before BEGIN', fix: FIVE_DASHES }
  if (!text.includes('-----BEGIN')) return { what: 'PEM without its first line', fix: FIRST_LINE }
  if (text.includes('\n')) return { what: 'PEM', fix: undefined }
  if (text.includes('\r')) return { what: 'PEM with CR for line feeds', fix: "use value.replaceAll('\\r', '\\n')" }
  return /-----[ \t]/.test(text)
    ? { what: 'PEM with blanks for line feeds', fix: 'the line feeds have become blanks: give the text with its lines' }
    : { what: 'PEM without line feeds', fix: 'the line feeds are missing: give the text with its lines' }
}

const PEM_MARK =
  /-----(?:BEGIN|END)|(?:PRIVATE KEY|CERTIFICATE)-----|BEGIN (?:(?!BEGIN )[A-Z ])*(?:PRIVATE KEY|CERTIFICATE)/
const FIVE_DASHES = 'a word processor or a web page may have replaced them: get the text again'
const FIRST_LINE = 'its first line, such as -----BEGIN PRIVATE KEY-----, is missing'

/** PEM or DER in base64 or hexadecimal digits, even twice. */
function encodedIn(text: string): KeyMaterial | undefined {
  const listed = listedBytes(text)
  if (listed && isDer(listed)) return { what: 'DER as a list of bytes', fix: 'pass the bytes themselves, a Buffer' }
  const compact = text.replace(/\\[nr]|[\s"'\0]/g, '')
  for (const [name, encoding, pattern] of ENCODINGS) {
    if (!pattern.test(compact)) continue
    const bytes = Buffer.from(compact.replaceAll(':', ''), encoding)
    const inner = contentOf(bytes)
    if (inner !== undefined) return { what: `${inner} in ${name}`, fix: `use Buffer.from(value, '${encoding}')` }
  }
  return undefined
}

/** The bytes of `48,46,2,…`, as JavaScript writes them, and of `0x30, 0x2e`, `30 2e 2`, `\x30\x2e` and `\060\056`. */
function listedBytes(text: string): Buffer | undefined {
  const [list] = BYTE_LIST.exec(text) ?? []
  if (list === undefined) return undefined
  const numbers = list.replace(/0x|\\x/gi, ' ').match(/[0-9a-f]+/gi) ?? []
  const radix = numbers[0] === '48' ? 10 : /^\\\d/.test(list) ? 8 : 16
  return Buffer.from(numbers.map((digits) => Number.parseInt(digits, radix)))
}

const BYTE_LIST = /(?:(?:0x|\\x|\\)?[0-9a-f]{1,3}(?:[\s,;]+|(?=\\))){31,}(?:0x|\\x|\\)?[0-9a-f]{1,3}/i

const ENCODINGS = [
  ['hexadecimal digits', 'hex', /^(?:[0-9a-f]{2}:?){14,}$/i],
  // Node reads base64url as well.
  ['base64', 'base64', /^[A-Za-z0-9+/_-]{32,}={0,2}$/],
] as const

function contentOf(bytes: Buffer): string | undefined {
  const text = bytes.toString('latin1')
  if (PEM_MARK.test(text)) return 'PEM'
  if (isDer(bytes)) return 'DER'
  return /^[\s!-~]{32,}$/.test(text) ? keyMaterialIn(text)?.what : undefined
}

/** A SEQUENCE, perhaps cut short, whose first element is what keys, certificates and PKCS#12 begin with: an INTEGER or a SEQUENCE. */
function isDer(bytes: Buffer): boolean {
  if (bytes[0] !== 0x30) return false
  const length = bytes[1] ?? 0
  const first = bytes[length < 0x80 ? 2 : 2 + (length & 0x7f)]
  return first === 0x02 || first === 0x30
}

/** Bytes that were read as text, and random characters. */
function unreadableIn(text: string): KeyMaterial | undefined {
  if ((text.match(BINARY) ?? []).length >= 3) {
    return { what: 'bytes that were read as text', fix: 'pass the bytes themselves, a Buffer' }
  }
  const mayBeFile = text.includes('.')
  const isRandom =
    HEX_RUN.test(text) ||
    [...(text.match(BASE64_RUN) ?? []), ...text.split(/[\\/]/)].some((run) => looksRandom(run, mayBeFile))
  return isRandom ? { what: 'base64 or the like', fix: undefined } : undefined
}

/**
 * Whether a run of letters and digits is random: in base64, two characters out of three have a neighbour of another class (capital,
 * small letter, digit); in words and in the digests of paths far fewer, or there are no capitals.
 */
function looksRandom(run: string, mayBeFile: boolean): boolean {
  if (run.length < MIN_LENGTH) return false
  const characters = run.replace(/[^A-Za-z0-9]/g, '')
  if (characters.length < MIN_LENGTH) return false
  const classes = Array.from(characters, (character) => (character < 'A' ? 0 : character < 'a' ? 1 : 2))
  const count = (kind: number) => classes.filter((each) => each === kind).length / classes.length
  const changes = classes.filter((kind, index) => index > 0 && kind !== classes[index - 1]).length / classes.length
  return changes > (mayBeFile ? 0.4 : 0.3) && count(0) > 0.02 && count(1) > 0.15 && count(2) > 0.15
}

const BASE64_RUN = /[A-Za-z0-9+/_=-]{28,}/g
/** Longer than the digests in paths. */
const HEX_RUN = /[0-9a-f]{96}/i
// biome-ignore lint/suspicious/noControlCharactersInRegex: what bytes of keys become as text
const BINARY = /[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f-\x9f\ufffd]/g

/** Shorter texts are no keys: an Ed25519 key has 64 characters of base64. */
const MIN_LENGTH = 28
/** Longer than any path that helps in a message. */
const MAX_LENGTH = 300
const TOO_LONG: KeyMaterial = { what: 'too long for a path or a name', fix: undefined }
