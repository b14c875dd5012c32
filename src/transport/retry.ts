/** Whether a request is sent again: urllib3's `Retry`, but for certificate failures, which are final. */
import { displayValue } from '../core/credentials.ts'
import { ConnectionError, ConnectTimeout, ProxyError, ReadTimeout, RetryError, SSLError } from '../core/errors.ts'
import { checkFlag, checkInteger, optionNames, ownOptions } from '../core/options.ts'
import type { AdapterResponse, WireRequest } from './adapter.ts'
import { BROKEN, NOT_CONNECTED } from './map-error.ts'

/** Which failures are retried, and how often. Times are in ms. */
export interface RetryInit {
  /** Retries of all kinds together. Default 10, as in urllib3 */
  total?: number | undefined
  /** Retries of what never reached the server (DNS, TCP, TLS, connect timeout). Default: as many as `total` allows */
  connect?: number | undefined
  /** Retries of what broke after that (a reset, a read timeout), for the allowed methods. Default: as many as `total` allows */
  read?: number | undefined
  /** Statuses that are retried for the allowed methods, e.g. `[502, 503, 504]`. Default: none */
  statusForcelist?: Iterable<number> | undefined
  /** Before the n-th retry in a row: `backoffFactor * 2 ** (n - 1)` ms, none before the first. Default 0 */
  backoffFactor?: number | undefined
  /** Methods that may reach the server twice. Default: DELETE, GET, HEAD, OPTIONS, PUT, TRACE (RFC 9110 section 9.2.2) */
  allowedMethods?: Iterable<string> | undefined
  /** Whether a 413, 429 or 503 with `Retry-After` is retried, and that header obeyed. Default `true` */
  respectRetryAfter?: boolean | undefined
}

/** A number of retries for connections that cannot be made, or a policy. */
export type MaxRetries = number | RetryInit

/** RFC 9110 section 9.2.2: these may be repeated when the connection failed before the answer. */
export const IDEMPOTENT: ReadonlySet<string> = new Set(['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PUT', 'TRACE'])

/** A policy, settled. */
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
    const connect = count('maxRetries', init, 0)
    return { ...toRetryPolicy({ respectRetryAfter: false }), total: connect, connect, read: 0 }
  }
  if (typeof init !== 'object' || init === null) {
    throw new TypeError(
      `maxRetries must be a number of retries or an object such as { total: 3 }, not ${displayValue(init)}`,
    )
  }
  const own = ownOptions(init, 'maxRetries', RETRY_OPTIONS)
  const respectRetryAfter = checkFlag('maxRetries.respectRetryAfter', own.respectRetryAfter) ?? true
  return {
    total: count('maxRetries.total', own.total, 10),
    connect: count('maxRetries.connect', own.connect, Number.POSITIVE_INFINITY),
    read: count('maxRetries.read', own.read, Number.POSITIVE_INFINITY),
    statuses: toSet('statusForcelist', own.statusForcelist, 'statuses such as 503', isStatus) ?? new Set(),
    backoffFactor: duration('maxRetries.backoffFactor', own.backoffFactor),
    methods: toMethods(own.allowedMethods) ?? IDEMPOTENT,
    respectRetryAfter,
  }
}

/** The retries of one request. */
export class Retries {
  readonly #policy: RetryPolicy
  readonly #request: WireRequest
  readonly #deadline: number
  /** How many there were, in all and by kind. */
  #done = 0
  readonly #doneByKind = { connect: 0, read: 0, status: 0 }

  /** @param deadline the time of `performance.now()` after which no retry begins */
  constructor(policy: RetryPolicy, request: WireRequest, deadline: number | undefined) {
    this.#policy = policy
    this.#request = request
    this.#deadline = deadline ?? Number.POSITIVE_INFINITY
  }

  /** ms to wait before the request is sent again; `undefined` when it is not, and the error stands. */
  afterError(error: unknown): number | undefined {
    const kind = kindOf(error)
    if (kind === undefined || !this.#request.rewindable) return undefined
    if (kind === 'read' && !this.#isMethodAllowed) return undefined
    return this.#next(kind, undefined)
  }

  /**
   * ms to wait before the request is sent again; `undefined` when the response stands.
   *
   * @throws RetryError when it should be sent again, but no retry is left
   */
  afterResponse(response: AdapterResponse): number | undefined {
    const { statusCode } = response
    const { statuses, respectRetryAfter, total } = this.#policy
    const retryAfter = respectRetryAfter ? parseRetryAfter(headerOf(response, 'retry-after')) : undefined
    const isAsked = retryAfter !== undefined && RETRY_AFTER.has(statusCode) && total > 0
    if (!(statuses.has(statusCode) || isAsked) || !this.#isMethodAllowed || !this.#request.rewindable) return undefined
    const delay = this.#next('status', retryAfter)
    if (delay !== undefined) return delay
    const times = this.#done === 1 ? 'once' : `${this.#done} times`
    const { host } = this.#request.target
    throw new RetryError(`too many ${statusCode} error responses from ${host}: retried ${times}`)
  }

  get #isMethodAllowed(): boolean {
    return this.#policy.methods.has(this.#request.method)
  }

  #next(kind: 'connect' | 'read' | 'status', retryAfter: number | undefined): number | undefined {
    const { total, connect, read, backoffFactor } = this.#policy
    const max = { connect, read, status: total }[kind]
    if (this.#done >= total || this.#doneByKind[kind] >= max) return undefined
    const backoff = this.#done === 0 ? 0 : Math.min(MAX_BACKOFF, backoffFactor * 2 ** this.#done)
    const delay = retryAfter || backoff
    // A wait that the total limit would end is not begun: what happened says more than that it took too long.
    if (performance.now() + delay >= this.#deadline) return undefined
    this.#done++
    this.#doneByKind[kind]++
    return delay
  }
}

/** `Retry-After` in ms: seconds, or a date (RFC 9110 section 10.2.3); `undefined` for anything else. */
export function parseRetryAfter(value: string | undefined, now: number = Date.now()): number | undefined {
  if (value === undefined) return undefined
  const seconds = /^\s*(\d+)\s*$/.exec(value)?.[1]
  // Date.parse would take '-1' and '1.5' for months.
  const date = /^\s*[A-Za-z]/.test(value) ? Date.parse(value) - now : Number.NaN
  const ms = seconds === undefined ? date : Number(seconds) * 1000
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), MAX_RETRY_AFTER)
}

/** Two minutes, urllib3's `DEFAULT_BACKOFF_MAX`. */
const MAX_BACKOFF = 120_000

/** Six hours, urllib3's `DEFAULT_RETRY_AFTER_MAX`: a server must not put a client to sleep for good. */
const MAX_RETRY_AFTER = 21_600_000

/** The statuses whose `Retry-After` counts, by urllib3. */
const RETRY_AFTER: ReadonlySet<number> = new Set([413, 429, 503])

/** What kind of failure an error is; `undefined` for one that a retry cannot mend. */
function kindOf(error: unknown): 'connect' | 'read' | undefined {
  if (error instanceof ConnectTimeout) return 'connect'
  if (error instanceof ReadTimeout) return 'read'
  if (!(error instanceof ConnectionError)) return undefined
  const { code } = error
  const isBroken = BROKEN.has(code) || code.startsWith('HPE_')
  // A connection that was closed during the handshake says nothing about certificates; every other failure of TLS is final.
  if (error instanceof SSLError) return isBroken ? 'connect' : undefined
  if (NOT_CONNECTED.has(code)) return 'connect'
  if (!isBroken) return undefined
  return error instanceof ProxyError ? 'connect' : 'read'
}

function headerOf({ rawHeaders }: AdapterResponse, name: string): string | undefined {
  const index = rawHeaders.findIndex((each, at) => at % 2 === 0 && each.toLowerCase() === name)
  return index < 0 ? undefined : rawHeaders[index + 1]
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

function count(name: string, value: unknown, otherwise: number): number {
  return value === undefined ? otherwise : checkInteger(name, value, 0)
}

function duration(name: string, value: unknown): number {
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
  wanted: string,
  fits: (value: unknown) => boolean,
): ReadonlySet<T> | undefined {
  if (values === undefined) return undefined
  const isList = typeof values === 'object' && values !== null && Symbol.iterator in values
  if (isList && Array.from(values).every(fits)) return new Set(values)
  throw new TypeError(`maxRetries.${name} must be a list of ${wanted}`)
}

function isStatus(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 100 && Number(value) <= 999
}
