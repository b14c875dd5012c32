/** `HTTPAdapter`: sends requests over http and https, on pooled connections. */
import type { Readable } from 'node:stream'
import { delay } from '../core/deadline.ts'
import { ConnectionError, SSLError } from '../core/errors.ts'
import { retryWhileBeingWritten } from '../core/file-errors.ts'
import { checkFlag, checkInteger, optionNames, ownOptions } from '../core/options.ts'
import { warnInsecure } from '../core/warnings.ts'
import { publishRefusal } from '../trust/events.ts'
import type { Adapter, AdapterResponse, SendSettings, WireRequest } from './adapter.ts'
import type { PoolOptions } from './agents.ts'
import { Exchange } from './exchange.ts'
import { PoolManager } from './pool-manager.ts'
import { isBeingRenewed, TAKEOVER_TIME } from './renewal.ts'
import { IDEMPOTENT, type MaxRetries, Retries, type RetryPolicy, toRetryPolicy } from './retry.ts'
import { findRoute } from './route.ts'

/** Options of an {@link HTTPAdapter}, by the names of requests. */
export interface HTTPAdapterOptions extends PoolOptionsInit {
  /**
   * How often a connection that cannot be made is tried again, or a policy for that and for more. Default 0. A
   * certificate that is not trusted is no reason to try again.
   */
  maxRetries?: MaxRetries | undefined
}

type PoolOptionsInit = { readonly [Name in keyof PoolOptions]?: PoolOptions[Name] | undefined }

/**
 * The adapter for http and https: a pool of connections, and got on top of it.
 *
 * A session has one of its own, mounted for `https://` and `http://`; make another to choose the sizes of its pools.
 *
 * @example
 * session.mount('https://', new HTTPAdapter({ poolMaxsize: 50, maxRetries: { total: 3, statusForcelist: [503] } }))
 */
export class HTTPAdapter implements Adapter {
  readonly #pool: PoolManager
  /** `undefined` when there are none. */
  readonly #retries: RetryPolicy | undefined
  /** Aborted by `close`, to end the waits before retries; made by the first of them. */
  #closing: AbortController | undefined

  /**
   * @param options `poolConnections` (10 pools), `poolMaxsize` (10 connections each), `poolBlock` (false),
   *   `keepAliveTimeout` (30,000 ms), `maxRetries` (0)
   * @throws TypeError for an unknown option or a wrong value
   */
  constructor(options: HTTPAdapterOptions = {}) {
    const { maxRetries = 0, ...pool } = ownOptions(options, 'HTTPAdapter', ADAPTER_OPTIONS)
    this.#pool = new PoolManager(checkPoolOptions(pool))
    const policy = toRetryPolicy(maxRetries)
    this.#retries = policy.total === 0 && policy.statuses.size === 0 ? undefined : policy
  }

  send(request: WireRequest, settings: SendSettings): Promise<AdapterResponse> {
    return this.#retries ? this.#sendAgain(this.#retries, request, settings) : this.#sendOnce(request, settings)
  }

  async #sendAgain(policy: RetryPolicy, request: WireRequest, settings: SendSettings): Promise<AdapterResponse> {
    const retries = new Retries(policy, request, settings.deadline)
    for (;;) {
      const delay = await this.#attempt(request, settings, retries)
      if (typeof delay !== 'number') return delay
      await this.#wait(delay, settings)
    }
  }

  /** Closes every connection, those in use as well. The adapter can be used again. */
  close(): void {
    this.#pool.close()
    this.#closing?.abort(new ConnectionError('the session was closed before the request was sent again'))
    this.#closing = undefined
  }

  /** The response, or how many ms to wait before the next attempt. */
  async #attempt(request: WireRequest, settings: SendSettings, retries: Retries): Promise<AdapterResponse | number> {
    let response: AdapterResponse
    try {
      response = await this.#sendOnce(request, settings)
    } catch (error) {
      const delay = retries.afterError(error)
      if (delay === undefined) throw error
      return delay
    }
    try {
      const delay = retries.afterResponse(response)
      if (delay === undefined) return response
      await discard(response.body)
      return delay
    } catch (error) {
      response.body.destroy()
      throw error
    }
  }

  /** Once, but for a server whose certificate is being renewed at this moment: until it has taken it over. */
  async #sendOnce(request: WireRequest, settings: SendSettings): Promise<AdapterResponse> {
    let end: number | undefined
    for (let delay = FIRST_TAKEOVER_DELAY; ; delay = Math.min(2 * delay, MAX_TAKEOVER_DELAY)) {
      try {
        return await this.#exchange(request, settings)
      } catch (error) {
        end ??= Math.min(performance.now() + TAKEOVER_TIME, settings.deadline ?? Number.POSITIVE_INFINITY)
        const isInTime = performance.now() + delay < end
        if (!(isInTime && request.rewindable && (await isRenewal(error, settings)))) {
          publishRefusal(error)
          throw error
        }
      }
      await this.#wait(delay, settings)
    }
  }

  async #exchange(request: WireRequest, settings: SendSettings): Promise<AdapterResponse> {
    settings.signal?.throwIfAborted()
    const found = findRoute(this.#pool, request, settings)
    const route = found instanceof Promise ? await found : found
    const pending = canBeSentAgain(request) ? undefined : route.pool.detectClosedIdle()
    if (pending) await pending
    if (route.trust && !route.trust.verified) warnInsecure(request.target.hostname)
    const exchange = new Exchange(request, settings, route)
    try {
      return await exchange.response
    } catch (error) {
      if (route.pool.closed && !settings.signal?.aborted) throw closedMeanwhile(error)
      if (!exchange.lostIdleConnection || !canBeSentAgain(request)) throw error
      // The other idle connections are likely to be dead as well; and what is trusted may have changed since.
      route.pool.closeIdle()
      return await new Exchange(request, settings, await findRoute(this.#pool, request, settings)).response
    }
  }

  /** @throws the signal's reason, or a ConnectionError when the adapter is closed meanwhile */
  #wait(ms: number, { signal }: SendSettings): Promise<void> {
    this.#closing ??= new AbortController()
    return delay(ms, [signal, this.#closing.signal])
  }
}

/** Whatever a connection that was closed here looks like: it is nobody's fault, and nothing to try again. */
function closedMeanwhile(cause: unknown): ConnectionError {
  return cause instanceof ConnectionError && cause.code === 'ERR_CONNECTION'
    ? cause
    : new ConnectionError('the session was closed before the response arrived', { cause })
}

/** Reads a short body to its end, so that its connection can be used again; gives up a long one with its connection. */
async function discard(body: Readable): Promise<void> {
  let size = 0
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      size += chunk.length
      if (size > MAX_DISCARDED) break
    }
  } catch {
    // What is thrown away may be damaged.
  }
}

/** Reading 64 KiB costs less than a new connection. */
const MAX_DISCARDED = 65_536

/** ms; it is doubled up to the most, so that a server under load gets few handshakes in vain. */
const FIRST_TAKEOVER_DELAY = 20
const MAX_TAKEOVER_DELAY = 160

const ADAPTER_OPTIONS = optionNames<HTTPAdapterOptions>({
  poolConnections: true,
  poolMaxsize: true,
  poolBlock: true,
  keepAliveTimeout: true,
  maxRetries: true,
})

function checkPoolOptions(options: PoolOptionsInit): PoolOptions {
  const { poolConnections = 10, poolMaxsize = 10, poolBlock = false, keepAliveTimeout = 30_000 } = options
  for (const [name, value] of Object.entries({ poolConnections, poolMaxsize, keepAliveTimeout })) {
    checkInteger(`HTTPAdapter: ${name}`, value, 1)
  }
  checkFlag('HTTPAdapter: poolBlock', poolBlock)
  return { poolConnections, poolMaxsize, poolBlock, keepAliveTimeout }
}

function canBeSentAgain({ method, rewindable }: WireRequest): boolean {
  return IDEMPOTENT.has(method) && rewindable
}

/** Whether a certificate was refused that is being renewed; the file that says so may be half written at this moment. */
async function isRenewal(error: unknown, { trust }: SendSettings): Promise<boolean> {
  if (!(error instanceof SSLError)) return false
  const { peerCertificate, host } = error
  if (peerCertificate === undefined || host === undefined) return false
  return retryWhileBeingWritten(() => isBeingRenewed(peerCertificate, host, trust))
}
