/** The adapter for http and https, with the names and options of requests' `HTTPAdapter`. */
import { displayName } from '../core/credentials.ts'
import { delay } from '../core/deadline.ts'
import { ConnectionError } from '../core/errors.ts'
import { refuseUnknownProperties } from '../core/known-properties.ts'
import { checkFlag, checkInteger, optionNames, ownOptions } from '../core/options.ts'
import type { Adapter, AdapterResponse, SendSettings, WireRequest } from './adapter.ts'
import type { PoolOptions } from './agents.ts'
import { ConnectTo, type ConnectToInit } from './connect-to.ts'
import { PoolManager } from './pool-manager.ts'
import { exchangeOverPool } from './pooled-exchange.ts'
import { sendUnlessRenewing } from './renewal.ts'
import { Retries, sendWithRetries } from './retry.ts'
import { type MaxRetries, type RetryPolicy, toRetryPolicy } from './retry-policy.ts'

/** Options of an {@link HTTPAdapter}, by the names of requests. */
export interface HTTPAdapterOptions extends PoolOptionsInit {
  /**
   * How often a failed connection attempt is retried, or a policy for more kinds of failures. Default: 0. Untrusted certificates
   * are never retried.
   */
  maxRetries?: MaxRetries | undefined
  /**
   * Other addresses to connect to, by host or host and port of the URL, for tunnels and containers. The URL, the server name, the
   * `Host` header and the name check stay the same. Not available through a proxy.
   */
  connectTo?: ConnectToInit | null | undefined
}

type PoolOptionsInit = { readonly [Name in keyof PoolOptions]?: PoolOptions[Name] | undefined }

/**
 * The adapter for http and https: a pool of connections, with got on top of it.
 *
 * A session has its own, mounted for `https://` and `http://`; create another to choose the sizes of its pools.
 *
 * @example
 * session.mount('https://', new HTTPAdapter({ poolMaxsize: 50, maxRetries: { total: 3, statusForcelist: [503] } }))
 */
export class HTTPAdapter implements Adapter {
  readonly #pools: PoolManager
  /** `undefined` if nothing is retried. */
  readonly #retryPolicy: RetryPolicy | undefined
  /** Aborted by `close`, to end waits before retries; created by the first wait. */
  #closing: AbortController | undefined

  /**
   * @param options `poolConnections` (pools that have a connection, and the last 100), `poolMaxsize` (10 connections each), `poolBlock` (false),
   *   `keepAliveTimeout` (30,000 ms), `maxRetries` (0), `connectTo` (none)
   * @throws TypeError for an unknown option or a wrong value
   */
  constructor(options: HTTPAdapterOptions = {}) {
    const own = ownOptions(options, 'HTTPAdapter', ADAPTER_OPTIONS)
    const { maxRetries = 0, connectTo } = own
    this.#pools = new PoolManager(checkPoolOptions(own), new ConnectTo(connectTo))
    const policy = toRetryPolicy(maxRetries)
    this.#retryPolicy = policy.total === 0 && policy.statuses.size === 0 ? undefined : policy
  }

  send(request: WireRequest, settings: SendSettings): Promise<AdapterResponse> {
    const wait = (ms: number) => this.#wait(ms, settings)
    const send = () => {
      return sendUnlessRenewing(request, settings, () => exchangeOverPool(this.#pools, request, settings), wait)
    }
    return this.#retryPolicy === undefined
      ? send()
      : sendWithRetries(new Retries(this.#retryPolicy, request, settings.deadline), send, wait)
  }

  /** Closes every connection, those in use as well. The adapter can be used again. */
  close(): void {
    this.#pools.close()
    this.#closing?.abort(new ConnectionError('the session was closed before the request was sent again'))
    this.#closing = undefined
  }

  /** @throws the signal's reason, or a ConnectionError if the adapter is closed meanwhile */
  #wait(ms: number, { signal }: SendSettings): Promise<void> {
    this.#closing ??= new AbortController()
    return delay(ms, [signal, this.#closing.signal])
  }
}

refuseUnknownProperties(HTTPAdapter, (name) => {
  return `an HTTPAdapter has no property "${displayName(name)}"; its options are given to new HTTPAdapter({ … })`
})

const ADAPTER_OPTIONS = optionNames<HTTPAdapterOptions>({
  poolConnections: true,
  poolMaxsize: true,
  poolBlock: true,
  keepAliveTimeout: true,
  maxRetries: true,
  connectTo: true,
})

function checkPoolOptions(options: PoolOptionsInit): PoolOptions {
  const { poolConnections, poolMaxsize = 10, poolBlock, keepAliveTimeout = 30_000 } = options
  return {
    poolConnections:
      poolConnections === undefined ? undefined : checkInteger('HTTPAdapter: poolConnections', poolConnections, 1),
    poolMaxsize: checkInteger('HTTPAdapter: poolMaxsize', poolMaxsize, 1),
    poolBlock: checkFlag('HTTPAdapter: poolBlock', poolBlock) ?? false,
    keepAliveTimeout: checkInteger('HTTPAdapter: keepAliveTimeout', keepAliveTimeout, 1),
  }
}
