/**
 * Objects, `Map`s, lists of pairs and `URLSearchParams` as pairs of name and value. The counterpart of requests'
 * `to_key_val_list`, for `params`, `data` and `files`.
 */

import { displayName } from './credentials.ts'

/**
 * An object whose type is an interface. Interfaces have no index signature, so TypeScript cannot check the values; they are
 * checked when they are used. Functions, dates, promises, maps and lists are not meant.
 */
export type InterfaceObject = object & {
  readonly [Symbol.hasInstance]?: never
  readonly [Symbol.toPrimitive]?: never
  readonly [Symbol.toStringTag]?: never
  readonly [Symbol.iterator]?: never
}

/** An object with names and values, of a type or of an interface. */
export type MappingInit<V> = { readonly [name: string]: V } | InterfaceObject

/** A list of pairs, also without `as const`. */
export type PairListInit<V> = Iterable<readonly [string, V]> | readonly (readonly (string | V)[])[]

/** A mapping or a list of pairs, not yet looked into. */
export type PairsInit<V> = MappingInit<V> | ReadonlyMap<string, V> | PairListInit<V> | URLSearchParams

/** One value of a form field or of a URL parameter; `null` and `undefined` leave it out. */
export type ParamScalar = string | number | bigint | boolean | Uint8Array | null | undefined

/** A value, or a list of values that repeats the name. */
export type ParamValue = ParamScalar | readonly ParamScalar[]

/**
 * The names and values of a mapping or list of pairs, in order.
 *
 * @param option the option's name for messages, such as `params`.
 * @param accepted what the option takes, for messages.
 * @throws TypeError when it is none of these, or a pair is not a pair.
 */
export function toPairs(value: unknown, option: string, accepted: string): [name: string, value: unknown][] {
  if (isIterable(value)) {
    return Array.from(value, (pair, index) => {
      if (!Array.isArray(pair) || pair.length !== 2) {
        throw new TypeError(`${option}[${index}] must be a [name, value] pair, got ${typeName(pair)}`)
      }
      return [toName(pair[0], option), pair[1]]
    })
  }
  if (isRecord(value)) return Object.entries(value)
  throw new TypeError(`${option} must be ${accepted}, got ${typeName(value)}`)
}

/**
 * The same with lists written out (`{ a: [1, 2] }` is `a` twice), values as text or bytes, and `null` and
 * `undefined` left out, inside lists too: requests' `_encode_params` before `urlencode`.
 *
 * @throws TypeError for a value that is no {@link ParamValue}.
 */
export function toFieldList(
  value: unknown,
  option: string,
  accepted: string,
): [name: string, value: string | Buffer][] {
  const fields: [string, string | Buffer][] = []
  for (const [name, values] of toPairs(value, option, accepted)) {
    for (const item of Array.isArray(values) ? values : [values]) {
      if (item !== null && item !== undefined) fields.push([name, toText(item, `${option}.${displayName(name)}`)])
    }
  }
  return fields
}

/** Whether it is an object used as a mapping: a plain one or an instance of a class, but no `Date`, stream, … */
export function isRecord(value: unknown): value is { readonly [name: string]: unknown } {
  if (Object.prototype.toString.call(value) !== '[object Object]') return false
  const object = value as { readonly pipe?: unknown }
  return typeof object.pipe !== 'function' && !(Symbol.asyncIterator in object)
}

/** Whether it is iterable and more than a string. */
export function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value
}

/** What a value is, in a word for error messages; never its content. */
export function typeName(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (typeof value !== 'object') return typeof value
  const name: unknown = value.constructor?.name
  return typeof name === 'string' && name !== '' && name !== 'Object' ? name : 'an object'
}

function toName(name: unknown, option: string): string {
  if (typeof name === 'string') return name
  if (typeof name === 'number' || typeof name === 'bigint') return String(name)
  throw new TypeError(`a name in ${option} must be a string, got ${typeName(name)}`)
}

function toText(value: unknown, where: string): string | Buffer {
  switch (typeof value) {
    case 'string':
      return value
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value)
  }
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  const hint = value instanceof Date ? '; use toISOString()' : isRecord(value) ? '; use JSON.stringify()' : ''
  throw new TypeError(
    `${where} must be a string, number, boolean, bigint, bytes, null or a list of these, got ${typeName(value)}${hint}`,
  )
}
