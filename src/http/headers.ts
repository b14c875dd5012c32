/** `HeaderMap`: headers with case-insensitive names, sent in the spelling in which they were set. */
import { inspect } from 'node:util'
import { displayHeader, displayName } from '../core/credentials.ts'
import { InvalidHeader } from '../core/errors.ts'
import { refuseUnknownProperties } from '../core/known-properties.ts'
import { isIterable, type MappingInit, type PairListInit, toPairs, typeName } from '../core/pairs.ts'
import { isToken, TOKEN_CHARACTER } from './token.ts'

/** The value of a header: a list repeats the header, `null` removes the session's. */
export type HeaderValue = string | readonly string[] | null | undefined

/** What `headers` takes: an object, a `Map`, `Headers`, or a list of pairs, in which a repeated name repeats the header. */
export type HeadersInit = MappingInit<HeaderValue> | ReadonlyMap<string, HeaderValue> | PairListInit<HeaderValue>

/**
 * The headers of a request: names are case-insensitive, and are sent as they were written, in the order of their first
 * appearance. The counterpart of requests' `CaseInsensitiveDict`. Every name and value has been checked.
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
   * @throws InvalidHeader for an invalid name or value, TypeError for another shape
   */
  static from(init: HeadersInit | null | undefined): HeaderMap {
    if (init instanceof HeaderMap) return init.clone()
    return mergeHeaders(new HeaderMap(), init)
  }

  /** The number of names. */
  get size(): number {
    return this.#entries.size
  }

  /** The value; the values of a repeated header are joined by `, ` (RFC 9110 section 5.3). `undefined` if it is missing. */
  get(name: string): string | undefined {
    return this.#entries.get(name.toLowerCase())?.values.join(', ')
  }

  /** The values of a header; empty if it is missing. */
  getAll(name: string): string[] {
    return [...(this.#entries.get(name.toLowerCase())?.values ?? [])]
  }

  /** Whether the header is there. */
  has(name: string): boolean {
    return this.#entries.has(name.toLowerCase())
  }

  /**
   * Sets a header; one of the same name, in any case, is replaced in its place. An empty list removes it.
   *
   * @throws InvalidHeader for an invalid name or value
   */
  set(name: string, value: string | readonly string[]): this {
    const values: string[] = Array.isArray(value) ? [...value] : [value]
    for (const item of values) checkHeader(name, item)
    if (values.length === 0) this.delete(name)
    else this.#entries.set(name.toLowerCase(), { name, values })
    return this
  }

  /** Adds a value to a header. @throws InvalidHeader as {@link set}. */
  append(name: string, value: string): this {
    return this.set(name, [...this.getAll(name), value])
  }

  /** Removes a header. Returns whether it was there. */
  delete(name: string): boolean {
    return this.#entries.delete(name.toLowerCase())
  }

  /** The names as they were written. */
  keys(): string[] {
    return Array.from(this.#entries.values(), ({ name }) => name)
  }

  /** Name and value of each line that is sent; a repeated header has a line for each value. */
  *[Symbol.iterator](): Generator<[name: string, value: string], void, undefined> {
    for (const { name, values } of this.#entries.values()) {
      for (const value of values) yield [name, value]
    }
  }

  /** An independent copy. */
  clone(): HeaderMap {
    const copy = new HeaderMap()
    copy.#entries = new Map(this.#entries)
    return copy
  }

  /** Names and values in turn, as Node's requests take them. */
  toList(): string[] {
    const list: string[] = []
    for (const { name, values } of this.#entries.values()) {
      for (const value of values) list.push(name, value)
    }
    return list
  }

  /** Hides credentials. */
  [inspect.custom](_depth: number, options: object, show: typeof inspect): string {
    const redacted = Array.from(this.#entries.values(), ({ name, values }) => {
      const shown = values.map((value) => displayHeader(name, value))
      return [name, shown.length === 1 ? shown[0] : shown]
    })
    return `HeaderMap ${show(Object.fromEntries(redacted), options)}`
  }
}

refuseUnknownProperties(HeaderMap, (name) => {
  const shown = displayName(name)
  return `headers have no property "${shown}"; headers.set("${shown}", value) sets a header`
})

/**
 * A new map of a session's headers, overridden by those of a call: `null` removes a header, `undefined` inherits it. If
 * the call's headers are `null`, the map is empty.
 *
 * @throws InvalidHeader for an invalid name or value, TypeError for another shape
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
 * Checks a header. The name must be a token (RFC 9110 section 5.6.2). The value must be a latin-1 string without leading
 * white space and control characters: CR, LF and NUL would inject other headers. The message contains neither the value nor
 * the rest of the name after an invalid character, since both may be secrets.
 *
 * @throws InvalidHeader (requests' `check_header_validity`, which accepts blanks in names; servers refuse them)
 */
export function checkHeader(name: unknown, value: unknown): void {
  if (typeof name !== 'string') throw new InvalidHeader(`Header name must be a string, got ${typeName(name)}`)
  if (!isToken(name)) {
    if (name === '') throw new InvalidHeader(`${INVALID} header name: it is empty`)
    const at = name.search(NOT_TOKEN)
    throw new InvalidHeader(
      `${INVALID} header name: '${displayName(name.slice(0, at))}' is followed by ${characterAt(name, at)}`,
    )
  }
  if (typeof value !== 'string') {
    throw new InvalidHeader(`Header value for '${displayName(name)}' must be a string, got ${typeName(value)}`)
  }
  if (VALUE.test(value)) return
  const at = value.search(NOT_VALUE)
  const found = characterAt(value, at)
  if (value.charCodeAt(at) > 0xff) {
    throw new InvalidHeader(
      `Header value for '${displayName(name)}' must be latin-1, got ${found}; use encodeURIComponent() or RFC 8187 (name*=UTF-8''…)`,
    )
  }
  throw new InvalidHeader(`${INVALID} header value for '${displayName(name)}': ${found}`)
}

/** One header; immutable, so that copies of a map share it. */
interface Entry {
  readonly name: string
  readonly values: readonly string[]
}

const ACCEPTED = 'an object, a Map, a list of [name, value] pairs or Headers'

/** The beginning of requests' message. */
const INVALID = 'Invalid leading whitespace, reserved character(s), or return character(s) in'

const NOT_TOKEN = new RegExp(`(?!${TOKEN_CHARACTER}).`, 's')
const VALUE = /^(?![ \t])[\t\x20-\x7e\x80-\xff]*$/
const NOT_VALUE = /^[ \t]|[^\t\x20-\x7e\x80-\xff]/

function characterAt(text: string, index: number): string {
  const code = text.codePointAt(index) ?? 0
  return `U+${code.toString(16).toUpperCase().padStart(4, '0')} at index ${index}`
}
