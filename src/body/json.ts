/** Values as JSON in UTF-8, without the silent losses of `JSON.stringify`. */
import { InvalidJSONError } from '../core/errors.ts'
import { typeName } from '../core/pairs.ts'
import { printable } from '../core/printable.ts'

/** The Content-Type that goes with {@link encodeJson}. */
export const JSON_TYPE = 'application/json'

/**
 * Encodes a value as JSON in UTF-8. `Map`s become objects.
 *
 * The text is that of `JSON.stringify`: unlike Python's it has no blanks after `,` and `:`, and characters beyond ASCII
 * are not escaped. `undefined` and functions are left out of objects and become `null` in arrays.
 *
 * @throws InvalidJSONError for a value that JSON cannot represent: `NaN` and infinities (`JSON.stringify` writes `null`),
 *   a `BigInt`, a `Set` (`JSON.stringify` writes `{}`), a cycle, `undefined` or a function at the top
 */
export function encodeJson(value: unknown): Buffer {
  let text = stringify(value)
  // A number that is not finite became `null`, a Map or Set `{}`: only such a text has to be checked.
  if (text?.includes('null') || text?.includes('{}')) text = stringify(value, checkValue)
  if (text === undefined) throw new InvalidJSONError(`json must be a JSON value, got ${typeName(value)}`)
  return Buffer.from(text)
}

function stringify(value: unknown, replacer?: (key: string, value: unknown) => unknown): string | undefined {
  try {
    return JSON.stringify(value, replacer)
  } catch (error) {
    if (error instanceof InvalidJSONError) throw error
    const reason = error instanceof Error ? error.message.split('\n', 1)[0] : String(error)
    throw new InvalidJSONError(`json cannot be serialised: ${printable(reason ?? '')}`, { cause: error })
  }
}

function checkValue(key: string, value: unknown): unknown {
  const where = key === '' ? '' : ` at "${printable(key)}"`
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new InvalidJSONError(`Out of range float values are not JSON compliant: ${value}${where}`)
  }
  if (value instanceof Map) return Object.fromEntries(value)
  if (value instanceof Set) throw new InvalidJSONError(`json cannot hold a Set${where}; use an array`)
  return value
}
