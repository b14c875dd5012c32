/** Pins: `verify: 'sha256:…'` is the SHA-256 of a server's certificate, `'sha256//…='` that of its public key. */
import { hash, timingSafeEqual } from 'node:crypto'
import { displayName } from '../core/credentials.ts'
import { LruMap } from '../core/lru-map.ts'
import { publicKeyOf } from '../x509/fingerprint.ts'
import { digestOf, type TrustDigest } from './digest.ts'

/** The pins of a `verify`: the server must present one of these certificates, or a certificate with one of these keys. */
export class Pins {
  /** As in messages, each once and sorted: `sha256:AA:BB:…`, `sha256//BASE64=`. */
  readonly texts: readonly string[]
  readonly digest: TrustDigest
  readonly #certificates: readonly Buffer[]
  readonly #keys: readonly Buffer[]

  constructor(pins: readonly Pin[]) {
    const byText = new Map(pins.map((pin) => [pin.text, pin]))
    const unique = [...byText.values()]
    this.texts = [...byText.keys()].sort()
    this.digest = digestOf('pins', ...this.texts)
    this.#certificates = unique.filter(({ kind }) => kind === 'certificate').map(({ sha256 }) => sha256)
    this.#keys = unique.filter(({ kind }) => kind === 'key').map(({ sha256 }) => sha256)
  }

  get size(): number {
    return this.texts.length
  }

  /** Whether a certificate, in DER, is a pinned one or has a pinned key. */
  match(der: Buffer): boolean {
    if (isAmong(this.#certificates, der)) return true
    const key = this.#keys.length > 0 ? publicKeyOf(der) : undefined
    return key !== undefined && isAmong(this.#keys, key)
  }
}

/**
 * The pins of a value of `verify`; `undefined` if none of its texts is meant as one.
 *
 * @throws TypeError for a damaged pin, another hash, for pins beside certificates or paths, and in Bun and Deno
 */
export function pinsOf(verify: unknown): Pins | undefined {
  if (typeof verify === 'string') return isPin(verify) ? pinsOfTexts([verify]) : undefined
  if (!Array.isArray(verify)) return undefined
  const values: unknown[] = verify.flat(Number.POSITIVE_INFINITY)
  const texts = values.filter((value): value is string => typeof value === 'string' && isPin(value))
  if (texts.length === 0) return undefined
  if (texts.length < values.length) {
    throw new TypeError(
      'verify: pins and certificates do not go together: a pin alone says who the server is; use one session for each',
    )
  }
  return pinsOfTexts(texts)
}

/** Whether a text is meant as a pin, though perhaps damaged, or of another hash. A file of that name is written `./sha256:…`. */
export function isPin(text: string): boolean {
  return PIN.test(text)
}

/** The error of a connection whose server presents another certificate; Node destroys the connection with it. */
export class PinMismatchError extends Error {
  override readonly name = 'PinMismatchError'
  readonly code = 'ERR_PIN_MISMATCH'

  constructor(options?: ErrorOptions) {
    super('the certificate matches no pin', options)
  }
}

interface Pin {
  readonly kind: 'certificate' | 'key'
  readonly sha256: Buffer
  readonly text: string
}

const PIN = /^\s*(sha-?\d+|md5)(:|\/\/)/i

/** Parsed once: a session's `verify` is resolved for each request. */
const known = new LruMap<string, Pins>(512)

function pinsOfTexts(texts: readonly string[]): Pins {
  const { bun, deno } = process.versions
  if (bun ?? deno) {
    const runtime = bun ? 'Bun' : 'Deno'
    throw new TypeError(
      `verify: pins work in Node only: ${runtime} does not show the certificate of a server that it refuses`,
    )
  }
  const key = texts.join('\n')
  let pins = known.get(key)
  if (pins === undefined) {
    pins = new Pins(texts.map(parsePin))
    known.set(key, pins)
  }
  return pins
}

function parsePin(given: string): Pin {
  const text = given.trim()
  const [prefix = '', name = '', separator] = PIN.exec(text) ?? []
  if (name.toLowerCase() !== 'sha256') {
    const advice = /^sha-256$/i.test(name) ? "write 'sha256:…'" : 'only SHA-256 names a server beyond doubt'
    throw pinError(text, `a pin begins with 'sha256:' or 'sha256//', not '${prefix.trim()}': ${advice}`)
  }
  const value = text.slice(prefix.length)
  return separator === ':' ? certificatePin(text, value) : keyPin(text, value)
}

function certificatePin(text: string, value: string): Pin {
  const digits = value.replaceAll(':', '')
  if (!/^[0-9a-f]*$/i.test(digits)) throw pinError(text, 'not only hex digits and colons')
  if (digits.length !== HEX_DIGITS) {
    throw pinError(text, `${digits.length} hex digit${digits.length === 1 ? '' : 's'}; a SHA-256 has ${HEX_DIGITS}`)
  }
  const sha256 = Buffer.from(digits, 'hex')
  const pairs = digits.toUpperCase().match(/../g) ?? []
  return { kind: 'certificate', sha256, text: `sha256:${pairs.join(':')}` }
}

function keyPin(text: string, value: string): Pin {
  if (value.includes(';')) throw pinError(text, 'for several pins write a list')
  const sha256 = Buffer.from(value, 'base64')
  // Buffer.from ignores what is no base64: only the text that it would write itself is one.
  if (sha256.toString('base64') !== value) throw pinError(text, "not valid base64; it ends in '='")
  if (sha256.length !== BYTES) throw pinError(text, `base64 of ${sha256.length} bytes; a SHA-256 has ${BYTES}`)
  return { kind: 'key', sha256, text: `sha256//${value}` }
}

function pinError(text: string, problem: string): TypeError {
  return new TypeError(
    `verify: '${displayName(text)}' is no pin: ${problem} (a file of this name is './${displayName(text)}')`,
  )
}

/** In constant time for each pin. */
function isAmong(pinned: readonly Buffer[], bytes: Buffer): boolean {
  if (pinned.length === 0) return false
  const sha256 = hash('sha256', bytes, 'buffer')
  return pinned.some((each) => timingSafeEqual(each, sha256))
}

const BYTES = 32
const HEX_DIGITS = 64
