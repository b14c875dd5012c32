/** Copies of option values, so that later changes of lists and bytes have no effect. */

/**
 * The value with copies of its lists, plain objects, maps, URLs and bytes; all other objects are the same.
 *
 * @example
 * const verify = snapshot(['a.pem', bytes]) // bytes.fill(0) does not change it
 */
export function snapshot<T>(value: T): T {
  return copy(value) as T
}

function copy(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return Array.from(value, copy)
  if (value instanceof Uint8Array) return Buffer.from(value)
  if (value instanceof ArrayBuffer) return value.slice(0)
  if (ArrayBuffer.isView(value)) return Buffer.from(Buffer.from(value.buffer, value.byteOffset, value.byteLength))
  if (value instanceof URL) return new URL(value)
  if (value instanceof URLSearchParams) return new URLSearchParams(value)
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Map.prototype)
    return new Map(Array.from(value as Map<unknown, unknown>, ([key, each]) => [key, copy(each)]))
  if (prototype !== Object.prototype && prototype !== null) return value
  return Object.assign(
    Object.create(prototype),
    Object.fromEntries(Object.entries(value).map(([key, each]) => [key, copy(each)])),
  )
}
