/** Options: their names, with suggestions for wrong ones, and checks of their values. */
import { displayName, displayValue } from './credentials.ts'
import { typeName } from './pairs.ts'

/** The names of an options type: the compiler requires each of them. */
export function optionNames<T>(names: Record<keyof T, true>): ReadonlySet<string> {
  return new Set(Object.keys(names))
}

/**
 * A copy of the options with checked names, and without a prototype: a property of `Object.prototype` is no option.
 *
 * @param where the function or class that takes the options, for messages
 * @throws TypeError if the options are not a plain object, or for a name that is no option
 */
export function ownOptions<T extends object>(options: T, where: string, names: ReadonlySet<string>): T {
  checkOptionNames(options, where, names)
  return Object.assign(Object.create(null), options)
}

/** The own properties of an object: a property of `Object.prototype` is no option. The same object if it has no prototype. */
export function ownProperties<T extends object>(object: T): T {
  return Object.getPrototypeOf(object) === null ? object : Object.assign(Object.create(null), object)
}

/** @throws TypeError as {@link ownOptions} */
export function checkOptionNames(options: object, where: string, names: ReadonlySet<string>): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError(`the options of ${where} must be an object, not ${typeName(options)}`)
  }
  if (!isPlainObject(options)) {
    throw new TypeError(`the options of ${where} must be a plain object: inherited properties would be ignored`)
  }
  for (const name of Object.keys(options)) {
    if (!names.has(name)) throw new TypeError(`${where} has no option "${displayName(name)}"${suggest(name, names)}`)
  }
}

/** Whether it is an object without a class, in whose place properties would be inherited. */
export function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** A boolean; `undefined` for `null` and `undefined`. @throws TypeError for another value */
export function checkFlag(name: string, value: unknown): boolean | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'boolean') return value
  throw new TypeError(`${name} must be a boolean, not ${displayValue(value)}`)
}

/** A number of 0 or more. @throws TypeError for another value */
export function checkCount(name: string, value: unknown): number {
  if (typeof value === 'number' && value >= 0) return value
  throw new TypeError(`${name} must be a number of 0 or more, not ${displayValue(value)}`)
}

/** A whole number of at least `min`. @throws TypeError for another value */
export function checkInteger(name: string, value: unknown, min: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min) return value
  throw new TypeError(`${name} must be a whole number of ${min} or more, not ${displayValue(value)}`)
}

/**
 * A time in ms that a timer can measure; `undefined`, no limit, for `undefined`, `null` and infinity.
 *
 * @throws TypeError for another type, RangeError for a time that is not above 0, or longer than {@link MAX_TIMER_MS}
 */
export function checkTimeLimit(name: string, value: unknown): number | undefined {
  if (value === undefined || value === null || value === Number.POSITIVE_INFINITY) return undefined
  if (typeof value !== 'number' || Number.isNaN(value)) {
    throw new TypeError(`${name} must be a number of ms or null, not ${displayValue(value)}`)
  }
  if (value > 0 && value <= MAX_TIMER_MS) return value
  throw new RangeError(`${name} must be above 0 and at most ${MAX_TIMER_MS} ms, not ${value}; null is no limit`)
}

/** The longest delay of a timer, 24 days: Node replaces a longer one by 1 ms. */
export const MAX_TIMER_MS = 2 ** 31 - 1

/** A function; `undefined` for `null` and `undefined`. @throws TypeError for another value */
export function checkFunction<T>(name: string, value: T | null | undefined): T | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'function') return value
  throw new TypeError(`${name} must be a function, not ${displayValue(value)}`)
}

/** An `AbortSignal`; `undefined` for `null` and `undefined`. @throws TypeError for another value */
export function checkSignal(signal: AbortSignal | null | undefined): AbortSignal | undefined {
  if (signal === undefined || signal === null) return undefined
  if (signal instanceof AbortSignal) return signal
  throw new TypeError(`signal must be an AbortSignal, not ${displayValue(signal)}`)
}

/** @internal The end of the message: our option for another client's name, or the most similar one, such as that for `allow_redirects`. */
export function suggest(name: string, names: ReadonlySet<string>): string {
  const known = FOREIGN_OPTIONS.get(name.toLowerCase())
  if (known !== undefined && (names.has(known) || /\W/.test(known))) {
    return names.has(known) ? `: did you mean "${known}"?` : `: see ${known}`
  }
  const best = nearest(name, names)
  return best === undefined ? `; it has ${[...names].join(', ')}` : `: did you mean "${best}"?`
}

/** The most similar of these names; `undefined` if none is similar enough. */
export function nearest(name: string, names: Iterable<string>): string | undefined {
  let best: string | undefined
  let least = Math.max(2, Math.ceil(name.length / 3)) + 1
  for (const candidate of names) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase())
    if (distance < least) {
      best = candidate
      least = distance
    }
  }
  return best
}

/** Options of other clients (axios, got, fetch, undici, request, node:https), in lower case: our option, or what to use. */
const FOREIGN_OPTIONS: ReadonlyMap<string, string> = new Map([
  ['body', 'data'],
  ['form', 'data'],
  ['formdata', 'files'],
  ['query', 'params'],
  ['qs', 'params'],
  ['searchparams', 'params'],
  ['ca', 'verify'],
  ['cafile', 'verify'],
  ['cacert', 'verify'],
  ['rejectunauthorized', 'verify'],
  ['strictssl', 'verify'],
  ['insecure', 'verify'],
  ['key', 'cert'],
  ['pfx', 'cert'],
  ['proxy', 'proxies'],
  ['redirect', 'allowRedirects'],
  ['followredirect', 'allowRedirects'],
  ['followredirects', 'allowRedirects'],
  ['cookiejar', 'cookies'],
  ['jar', 'cookies'],
  ['username', 'auth'],
  ['password', 'auth'],
  ['user', 'auth'],
  ['maxcontentlength', 'maxResponseSize'],
  ['maxredirects', 'session.maxRedirects'],
  ['maxretries', "session.mount('https://', new HTTPAdapter({ maxRetries }))"],
  ['retry', "session.mount('https://', new HTTPAdapter({ maxRetries }))"],
  ...['poolConnections', 'poolMaxsize', 'poolBlock', 'keepAliveTimeout'].map((name): [string, string] => [
    name.toLowerCase(),
    `session.mount('https://', new HTTPAdapter({ ${name} }))`,
  ]),
  ['agent', "session.mount('https://', new HTTPAdapter({ … })); trust is `verify` and `cert`"],
  ['httpagent', "session.mount('http://', new HTTPAdapter({ … }))"],
  ['httpsagent', "session.mount('https://', new HTTPAdapter({ … })); trust is `verify` and `cert`"],
  ['dispatcher', "session.mount('https://', new HTTPAdapter({ … })); trust is `verify` and `cert`"],
  ['responsetype', 'response.json(), .text, .content, or `stream: true`'],
  ['throwhttperrors', 'response.raiseForStatus()'],
  ['validatestatus', 'response.raiseForStatus()'],
])

/** Levenshtein's distance. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const current = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (previous[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      current.push(Math.min(replaced, (previous[j] as number) + 1, (current[j - 1] as number) + 1))
    }
    previous = current
  }
  return previous[b.length] as number
}
