/** Values as JSON in UTF-8, without the silent losses of `JSON.stringify`. */
import { InvalidJSONError } from '../core/errors.ts'
import { typeName } from '../core/pairs.ts'

/** The Content-Type that goes with {@link encodeJson}. */
export const JSON_TYPE = 'application/json'

/**
 * Writes a value as JSON in UTF-8. `Map`s are written as objects.
 *
 * The text is that of `JSON.stringify`, hence without the blanks of Python's `", "` and `": "` and with other
 * than ASCII characters as they are; the values are the same. `undefined` and functions are left out of
 * objects and become `null` in arrays.
 *
 * @throws InvalidJSONError for what JSON cannot hold: `NaN` and infinities (which `JSON.stringify` alone would
 *   turn into `null`), a `BigInt`, a `Set` (which it would empty), a cycle, `undefined` or a function as the whole.
 */
export function encodeJson(value: unknown): Buffer {
  let text = stringify(value)
  // A number that is not finite has become `null` and a Map or Set `{}`: only then is a second look needed.
  if (text?.includes('null') || text?.includes('{}')) text = stringify(value, strictly)
  if (text === undefined) throw new InvalidJSONError(`json must be a JSON value, got ${typeName(value)}`)
  return Buffer.from(text)
}

function stringify(value: unknown, replacer?: (key: string, value: unknown) => unknown): string | undefined {
  try {
    return JSON.stringify(value, replacer)
  } catch (error) {
    if (error instanceof InvalidJSONError) throw error
    const reason = error instanceof Error ? error.message.split('\n', 1)[0] : String(error)
    throw new InvalidJSONError(`json cannot be serialised: ${reason}`, { cause: error })
  }
}

function strictly(key: string, value: unknown): unknown {
  const where = key === '' ? '' : ` at ${JSON.stringify(key)}`
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new InvalidJSONError(`Out of range float values are not JSON compliant: ${value}${where}`)
  }
  if (value instanceof Map) return Object.fromEntries(value)
  if (value instanceof Set) throw new InvalidJSONError(`json cannot hold a Set${where}; use an array`)
  return value
}
