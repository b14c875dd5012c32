import { CABundleError, ClientCertError } from '../errors.ts'
import { assertClientCertExists, resolveClientCert } from '../trust/client-cert.ts'
import { whileBeingWritten } from '../trust/live-file.ts'
import { resolveTrust } from '../trust/verify.ts'
import { warnInsecure } from '../warnings.ts'
import type { Adapter, AdapterResponse, SendSettings, WireRequest } from './adapter.ts'
import { AgentPool, type Pool, type PoolOptions } from './agents.ts'
import { Exchange, type Route } from './exchange.ts'

/** Options of an {@link HTTPAdapter}, by the names of requests. */
export type HTTPAdapterOptions = Partial<PoolOptions>

/**
 * The adapter for http and https: a pool of connections, and got on top of it.
 *
 * A session has one of its own, mounted for `https://` and `http://`; make another to choose the sizes of its pools.
 *
 * @example
 * session.mount('https://', new HTTPAdapter({ poolMaxsize: 50, poolBlock: true }))
 */
export class HTTPAdapter implements Adapter {
  readonly #pool: AgentPool

  /**
   * @param options `poolConnections` (10 pools), `poolMaxsize` (10 connections each), `poolBlock` (false),
   *   `keepAliveTimeout` (30,000 ms)
   * @throws TypeError for an unknown option or a wrong value
   */
  constructor(options: HTTPAdapterOptions = {}) {
    this.#pool = new AgentPool(checkPoolOptions(options))
  }

  async send(request: WireRequest, settings: SendSettings): Promise<AdapterResponse> {
    settings.signal?.throwIfAborted()
    const route = await this.#route(request, settings)
    if (route.trust && !route.trust.verified) warnInsecure(request.target.hostname)
    const exchange = new Exchange(request, settings, route)
    try {
      return await exchange.response
    } catch (error) {
      if (!exchange.lostIdleConnection || !canBeSentAgain(request) || route.pool.closed) throw error
      // The other idle connections are likely to be dead as well; and what is trusted may have changed since.
      route.pool.closeIdle()
      return await new Exchange(request, settings, await this.#route(request, settings)).response
    }
  }

  /** Closes every connection, those in use as well. The adapter can be used again. */
  close(): void {
    this.#pool.close()
  }

  /** Waits only where a file of trust cannot be used right now, and may be in a moment. */
  #route(request: WireRequest, settings: SendSettings): Route | Promise<Route> {
    try {
      return this.#findRoute(request, settings)
    } catch (error) {
      if (pathOfError(error) === undefined) throw error
      return whileBeingWritten(() => this.#findRoute(request, settings), pathOfError)
    }
  }

  #findRoute(request: WireRequest, settings: SendSettings): Route {
    const { target: url } = request
    const { cert, proxy } = settings
    if (url.protocol !== 'https:') {
      if (cert) assertClientCertExists(cert)
      return { pool: this.#plainPool(url, settings), trust: undefined, proxy }
    }
    const trust = resolveTrust(settings.trust)
    const identity = cert && resolveClientCert(cert)
    const tunnel = proxy && {
      ...proxy,
      authorization: proxy.authorization ?? request.headers.get('Proxy-Authorization'),
    }
    const spec = { origin: originWithPort(url), trust, identity, proxy: tunnel }
    return { pool: this.#pool.secure(spec), trust, proxy: tunnel }
  }

  /** For plain http: to the origin, or to the proxy that forwards it, which is verified when it speaks TLS. */
  #plainPool(url: URL, { proxy, trust }: SendSettings): Pool {
    if (proxy?.url.protocol !== 'https:') return this.#pool.plain((proxy?.url ?? url).origin)
    const origin = originWithPort(proxy.url)
    return this.#pool.secure({ origin, trust: resolveTrust(trust), identity: undefined, proxy: undefined })
  }
}

/** `https://host:port`, also with the default port: a tunnel is asked for by both. */
function originWithPort(url: URL): string {
  return url.port === '' ? `${url.origin}:443` : url.origin
}

const POOL_DEFAULTS: PoolOptions = {
  poolConnections: 10,
  poolMaxsize: 10,
  poolBlock: false,
  keepAliveTimeout: 30_000,
}

function checkPoolOptions(options: HTTPAdapterOptions): PoolOptions {
  const merged: Record<string, unknown> = { ...POOL_DEFAULTS }
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(POOL_DEFAULTS, name)) {
      throw new TypeError(`HTTPAdapter has no option "${name}"; it has ${Object.keys(POOL_DEFAULTS).join(', ')}`)
    }
    if (value === undefined) continue
    if (name === 'poolBlock' ? typeof value !== 'boolean' : !(Number.isInteger(value) && Number(value) >= 1)) {
      const wanted = name === 'poolBlock' ? 'a boolean' : 'a whole number of 1 or more'
      throw new TypeError(`HTTPAdapter: ${name} must be ${wanted}, not ${String(value)}`)
    }
    merged[name] = value
  }
  return merged as unknown as PoolOptions
}

/** RFC 9110 section 9.2.2: these may be repeated when the connection failed before the answer. */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])

function canBeSentAgain({ method, body }: WireRequest): boolean {
  return IDEMPOTENT.has(method) && (body === undefined || Buffer.isBuffer(body))
}

function pathOfError(error: unknown): string | undefined {
  return error instanceof CABundleError || error instanceof ClientCertError ? error.path : undefined
}
