/** Which failures are retried, and how often: the options of urllib3's `Retry`. */
import { displayValue } from '../core/credentials.ts'
import { checkFlag, checkInteger, optionNames, ownOptions } from '../core/options.ts'

/** Which failures are retried, and how often. Times are in ms. */
export interface RetryInit {
  /** Retries of all kinds together. Default 10, as in urllib3 */
  total?: number | undefined
  /** Retries of failed connection attempts (DNS, TCP, TLS, connect timeout). Default: as many as `total` allows */
  connect?: number | undefined
  /** Retries after a connection broke (a reset, a read timeout), for the allowed methods. Default: as many as `total` allows */
  read?: number | undefined
  /** Statuses that are retried for the allowed methods, e.g. `[502, 503, 504]`. Default: none */
  statusForcelist?: Iterable<number> | undefined
  /** In ms: the n-th consecutive retry waits `backoffFactor * 2 ** (n - 1)`, the first does not wait. Default: 0 */
  backoffFactor?: number | undefined
  /** Methods that may be sent to the server twice. Default: DELETE, GET, HEAD, OPTIONS, PUT, TRACE (RFC 9110 section 9.2.2) */
  allowedMethods?: Iterable<string> | undefined
  /** Whether a 413, 429 or 503 with `Retry-After` is retried after that time. Default: `true` */
  respectRetryAfter?: boolean | undefined
}

/** A number of retries for connections that cannot be opened, or a policy. */
export type MaxRetries = number | RetryInit

/** RFC 9110 section 9.2.2: these may be repeated if the connection fails before the response. */
export const IDEMPOTENT: ReadonlySet<string> = new Set(['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PUT', 'TRACE'])

/** A policy with its defaults. */
export interface RetryPolicy {
  readonly total: number
  readonly connect: number
  readonly read: number
  readonly statuses: ReadonlySet<number>
  readonly backoffFactor: number
  readonly methods: ReadonlySet<string>
  readonly respectRetryAfter: boolean
}

/** @throws TypeError for an unknown name or a wrong value */
export function toRetryPolicy(init: MaxRetries): RetryPolicy {
  if (typeof init === 'number') {
    const connect = checkRetries('maxRetries', init, 0)
    return { ...toRetryPolicy({ respectRetryAfter: false }), total: connect, connect, read: 0 }
  }
  if (typeof init !== 'object' || init === null) {
    throw new TypeError(
      `maxRetries must be a number of retries or an object such as { total: 3 }, not ${displayValue(init)}`,
    )
  }
  const own = ownOptions(init, 'maxRetries', RETRY_OPTIONS)
  return {
    total: checkRetries('maxRetries.total', own.total, 10),
    connect: checkRetries('maxRetries.connect', own.connect, Number.POSITIVE_INFINITY),
    read: checkRetries('maxRetries.read', own.read, Number.POSITIVE_INFINITY),
    statuses: toSet('statusForcelist', own.statusForcelist, 'statuses such as 503', isStatus) ?? new Set(),
    backoffFactor: checkDuration('maxRetries.backoffFactor', own.backoffFactor),
    methods: toMethods(own.allowedMethods) ?? IDEMPOTENT,
    respectRetryAfter: checkFlag('maxRetries.respectRetryAfter', own.respectRetryAfter) ?? true,
  }
}

const RETRY_OPTIONS = optionNames<RetryInit>({
  total: true,
  connect: true,
  read: true,
  statusForcelist: true,
  backoffFactor: true,
  allowedMethods: true,
  respectRetryAfter: true,
})

function checkRetries(name: string, value: unknown, defaultValue: number): number {
  return value === undefined ? defaultValue : checkInteger(name, value, 0)
}

function checkDuration(name: string, value: unknown): number {
  if (value === undefined) return 0
  if (typeof value === 'number' && value >= 0) return value
  throw new TypeError(`${name} must be a number of ms of 0 or more, not ${displayValue(value)}`)
}

function toMethods(methods: Iterable<string> | undefined): ReadonlySet<string> | undefined {
  const set = toSet('allowedMethods', methods, "methods such as 'GET'", (each) => typeof each === 'string')
  return set && new Set(Array.from(set, (method) => method.toUpperCase()))
}

function toSet<T>(
  name: string,
  values: Iterable<T> | undefined,
  expected: string,
  isValid: (value: unknown) => boolean,
): ReadonlySet<T> | undefined {
  if (values === undefined) return undefined
  const isList = typeof values === 'object' && values !== null && Symbol.iterator in values
  if (isList && Array.from(values).every(isValid)) return new Set(values)
  throw new TypeError(`maxRetries.${name} must be a list of ${expected}`)
}

function isStatus(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 100 && Number(value) <= 999
}
