/** `HeaderMap`: headers that are found in any case and sent in the spelling in which they were set. */
import { inspect } from 'node:util'
import { InvalidHeader } from '../core/errors.ts'
import { isIterable, toPairs, typeName } from '../core/pairs.ts'
import { isToken, TOKEN_CHARACTER } from './token.ts'

/** The value of a header: a list repeats it, `null` removes one that the session would send. */
export type HeaderValue = string | readonly string[] | null | undefined

/** What `headers` takes: an object, a `Map`, a list of pairs (a name that comes twice is sent twice), `Headers`. */
export type HeadersInit =
  | { readonly [name: string]: HeaderValue }
  | ReadonlyMap<string, HeaderValue>
  | Iterable<readonly [string, HeaderValue]>

/**
 * The headers of a request: found by name in any case, sent in the spelling in which they were set, in the order in
 * which they first came. The counterpart of requests' `CaseInsensitiveDict`; every name and value has been checked.
 *
 * @example
 * const headers = HeaderMap.from({ 'X-Trace': '1' })
 * headers.set('x-trace', '2')
 * headers.get('X-TRACE') // '2'
 * [...headers]           // [['x-trace', '2']]
 */
export class HeaderMap implements Iterable<[name: string, value: string]> {
  #entries = new Map<string, Entry>()

  /**
   * A new map of these headers; `null` and `undefined` values are left out.
   *
   * @throws InvalidHeader for a name or value that cannot be sent, TypeError for another shape.
   */
  static from(init: HeadersInit | null | undefined): HeaderMap {
    if (init instanceof HeaderMap) return init.clone()
    return mergeHeaders(new HeaderMap(), init)
  }

  /** The number of different names. */
  get size(): number {
    return this.#entries.size
  }

  /** The value, of a repeated header all values with `, ` between (RFC 9110, 5.3), or `undefined`. */
  get(name: string): string | undefined {
    return this.#entries.get(name.toLowerCase())?.values.join(', ')
  }

  /** The values of a header one by one; an empty list when it is not there. */
  getAll(name: string): string[] {
    return [...(this.#entries.get(name.toLowerCase())?.values ?? [])]
  }

  has(name: string): boolean {
    return this.#entries.has(name.toLowerCase())
  }

  /**
   * Sets a header in the place and instead of one with the same name in any case.
   *
   * @throws InvalidHeader for a name or value that cannot be sent.
   */
  set(name: string, value: string | readonly string[]): this {
    const values: string[] = Array.isArray(value) ? [...value] : [value]
    for (const item of values) checkHeader(name, item)
    if (values.length === 0) this.delete(name)
    else this.#entries.set(name.toLowerCase(), { name, values })
    return this
  }

  /** Adds a value to those that a header has. @throws InvalidHeader as {@link set}. */
  append(name: string, value: string): this {
    return this.set(name, [...this.getAll(name), value])
  }

  /** Removes a header; says whether it was there. */
  delete(name: string): boolean {
    return this.#entries.delete(name.toLowerCase())
  }

  /** The names as they were spelled. */
  keys(): string[] {
    return Array.from(this.#entries.values(), ({ name }) => name)
  }

  /** Name and value of each line to be sent: a repeated header comes as often as it has values. */
  *[Symbol.iterator](): Generator<[name: string, value: string], void, undefined> {
    for (const { name, values } of this.#entries.values()) {
      for (const value of values) yield [name, value]
    }
  }

  /** An independent copy; nothing is checked again. */
  clone(): HeaderMap {
    const copy = new HeaderMap()
    copy.#entries = new Map(this.#entries)
    return copy
  }

  /** For Node's requests: name, value, name, value … */
  toList(): string[] {
    const list: string[] = []
    for (const { name, values } of this.#entries.values()) {
      for (const value of values) list.push(name, value)
    }
    return list
  }

  /** Credentials are not shown. */
  [inspect.custom](_depth: number, options: object, show: typeof inspect): string {
    const shown = Array.from(this.#entries.values(), ({ name, values }) => {
      return [name, SECRET.test(name) ? '***' : values.length === 1 ? values[0] : values]
    })
    return `HeaderMap ${show(Object.fromEntries(shown), options)}`
  }
}

/**
 * The headers of a session with those of a call over them, in a new map: the call wins, `null` removes,
 * `undefined` inherits. A call of `null` is as if the session had none.
 *
 * @throws InvalidHeader for a name or value that cannot be sent, TypeError for another shape.
 */
export function mergeHeaders(session: HeaderMap, call: HeadersInit | null | undefined): HeaderMap {
  if (call === null) return new HeaderMap()
  const merged = session.clone()
  if (call === undefined) return merged
  const isList = isIterable(call) && !(call instanceof Map)
  const seen = new Set<string>()
  for (const [name, value] of toPairs(call, 'headers', ACCEPTED)) {
    if (value === undefined) continue
    if (value === null) {
      merged.delete(name)
    } else if (isList && seen.has(name.toLowerCase())) {
      merged.append(name, value as string)
    } else {
      merged.set(name, value as string | string[])
      if (isList) seen.add(name.toLowerCase())
    }
  }
  return merged
}

/**
 * Refuses what cannot be sent as a header: a name that is empty or no token (RFC 9110, 5.6.2); a value that begins
 * with white space, has control characters (CR, LF and NUL would smuggle in other headers), is not latin-1, or is
 * no string. The message never contains the value, nor what stands behind a `:` in the name: it may be a secret.
 *
 * @throws InvalidHeader (requests' `check_header_validity`; there a name may contain blanks, which servers refuse).
 */
export function checkHeader(name: unknown, value: unknown): void {
  if (typeof name !== 'string') throw new InvalidHeader(`Header name must be a string, got ${typeName(name)}`)
  if (!isToken(name)) {
    if (name === '') throw new InvalidHeader(`${INVALID} header name: it is empty`)
    const at = name.search(NOT_TOKEN)
    throw new InvalidHeader(`${INVALID} header name: '${name.slice(0, at)}' is followed by ${characterAt(name, at)}`)
  }
  if (typeof value !== 'string') {
    throw new InvalidHeader(`Header value for '${name}' must be a string, got ${typeName(value)}`)
  }
  if (VALUE.test(value)) return
  const at = value.search(NOT_VALUE)
  const found = characterAt(value, at)
  if (value.charCodeAt(at) > 0xff) {
    throw new InvalidHeader(
      `Header value for '${name}' must be latin-1, got ${found}; use encodeURIComponent() or RFC 8187 (name*=UTF-8''…)`,
    )
  }
  throw new InvalidHeader(`${INVALID} header value for '${name}': ${found}`)
}

/** One header; never changed once it is in a map, so that copies can share it. */
interface Entry {
  readonly name: string
  readonly values: readonly string[]
}

const ACCEPTED = 'an object, a Map, a list of [name, value] pairs or Headers'

/** The beginning of requests' message. */
const INVALID = 'Invalid leading whitespace, reserved character(s), or return character(s) in'

/** Headers whose values are credentials. */
const SECRET = /^(?:proxy-)?authorization$|^cookie$/i

const NOT_TOKEN = new RegExp(`(?!${TOKEN_CHARACTER}).`, 's')
const VALUE = /^(?![ \t])[\t\x20-\x7e\x80-\xff]*$/
const NOT_VALUE = /^[ \t]|[^\t\x20-\x7e\x80-\xff]/

function characterAt(text: string, index: number): string {
  const code = text.codePointAt(index) ?? 0
  return `U+${code.toString(16).toUpperCase().padStart(4, '0')} at index ${index}`
}
