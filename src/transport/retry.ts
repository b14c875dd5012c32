/** Whether and when a request is sent again, as urllib3's `Retry` decides; certificate failures are never retried. */

import { drainBody } from '../body/read.ts'
import { ConnectionError, ConnectTimeout, ProxyError, ReadTimeout, RetryError, SSLError } from '../core/errors.ts'
import { headerValues } from '../http/raw-headers.ts'
import type { AdapterResponse, WireRequest } from './adapter.ts'
import { BROKEN, NOT_CONNECTED } from './map-error.ts'
import type { RetryPolicy } from './retry-policy.ts'

/**
 * Sends a request until its response or its error stands.
 *
 * @param send sends the request once
 * @param wait waits so many ms, and rejects if the request is aborted meanwhile
 */
export async function sendWithRetries(
  retries: Retries,
  send: () => Promise<AdapterResponse>,
  wait: (ms: number) => Promise<void>,
): Promise<AdapterResponse> {
  for (;;) {
    const outcome = await attempt(retries, send)
    if (typeof outcome !== 'number') return outcome
    await wait(outcome)
  }
}

/** The response, or how many ms to wait before the next attempt. */
async function attempt(retries: Retries, send: () => Promise<AdapterResponse>): Promise<AdapterResponse | number> {
  let response: AdapterResponse
  try {
    response = await send()
  } catch (error) {
    const delay = retries.afterError(error)
    if (delay === undefined) throw error
    return delay
  }
  try {
    const delay = retries.afterResponse(response)
    if (delay === undefined) return response
    await drainBody(response.body)
    return delay
  } catch (error) {
    response.body.destroy()
    throw error
  }
}

/** Counts the retries of one request and decides on the next. */
export class Retries {
  readonly #policy: RetryPolicy
  readonly #request: WireRequest
  readonly #deadline: number
  /** The retries so far, of all kinds together. */
  #done = 0
  /** The wait in ms that the deadline would cut, if a retry was left. */
  #cutWait: number | undefined
  readonly #doneByKind = { connect: 0, read: 0, status: 0 }

  /** @param deadline the time of `performance.now()` after which no retry starts */
  constructor(policy: RetryPolicy, request: WireRequest, deadline: number | undefined) {
    this.#policy = policy
    this.#request = request
    this.#deadline = deadline ?? Number.POSITIVE_INFINITY
  }

  /** ms to wait before the request is sent again; `undefined` if it is not, and the error stands. */
  afterError(error: unknown): number | undefined {
    const kind = kindOf(error)
    if (kind === undefined || !this.#request.rewindable) return undefined
    if (kind === 'read' && !this.#isMethodAllowed) return undefined
    return this.#next(kind, undefined)
  }

  /**
   * ms to wait before the request is sent again; `undefined` if the response stands.
   *
   * @throws RetryError if it should be sent again, but no retry is left
   */
  afterResponse(response: AdapterResponse): number | undefined {
    const { statusCode } = response
    const { statuses, respectRetryAfter, total } = this.#policy
    const retryAfter = respectRetryAfter
      ? parseRetryAfter(headerValues(response.rawHeaders, 'retry-after')[0])
      : undefined
    const isRequested = retryAfter !== undefined && RETRY_AFTER_STATUSES.has(statusCode) && total > 0
    if (!(statuses.has(statusCode) || isRequested) || !this.#isMethodAllowed || !this.#request.rewindable)
      return undefined
    const delay = this.#next('status', retryAfter)
    if (delay !== undefined) return delay
    if (this.#cutWait !== undefined) {
      throw new RetryError(
        `${statusCode} error response from ${this.#request.target.host}: the total time limit is over before the next retry, in ${Math.ceil(this.#cutWait)} ms`,
      )
    }
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
    const backoff = this.#done === 0 ? 0 : Math.min(MAX_BACKOFF_MS, backoffFactor * 2 ** this.#done)
    const delay = retryAfter || backoff
    // Do not start a wait that would exceed the deadline: the original error is more useful than a Timeout.
    this.#cutWait = performance.now() + delay >= this.#deadline ? delay : undefined
    if (this.#cutWait !== undefined) return undefined
    this.#done++
    this.#doneByKind[kind]++
    return delay
  }
}

/** `Retry-After` in ms: seconds, or a date (RFC 9110 section 10.2.3); `undefined` for anything else. */
export function parseRetryAfter(value: string | undefined, now: number = Date.now()): number | undefined {
  if (value === undefined) return undefined
  const seconds = /^\s*(\d+)\s*$/.exec(value)?.[1]
  // Date.parse would read '-1' and '1.5' as months.
  const date = /^\s*[A-Za-z]/.test(value) ? Date.parse(value) - now : Number.NaN
  const ms = seconds === undefined ? date : Number(seconds) * 1000
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS)
}

/** Two minutes, urllib3's `DEFAULT_BACKOFF_MAX`. */
const MAX_BACKOFF_MS = 120_000

/** Six hours, urllib3's `DEFAULT_RETRY_AFTER_MAX`: a server must not stop a client for longer. */
const MAX_RETRY_AFTER_MS = 21_600_000

/** The statuses whose `Retry-After` is obeyed, as in urllib3. */
const RETRY_AFTER_STATUSES: ReadonlySet<number> = new Set([413, 429, 503])

/** The kind of a failure; `undefined` if it is never retried. */
function kindOf(error: unknown): 'connect' | 'read' | undefined {
  if (error instanceof ConnectTimeout) return 'connect'
  if (error instanceof ReadTimeout) return 'read'
  if (!(error instanceof ConnectionError)) return undefined
  const { code } = error
  const isBroken = BROKEN.has(code) || code.startsWith('HPE_')
  // A connection closed during the handshake says nothing about certificates. All other TLS failures are final.
  if (error instanceof SSLError) return isBroken ? 'connect' : undefined
  if (NOT_CONNECTED.has(code)) return 'connect'
  if (!isBroken) return undefined
  return error instanceof ProxyError ? 'connect' : 'read'
}
