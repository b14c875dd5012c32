import http from 'node:http'
import https from 'node:https'
import { isIP } from 'node:net'
import got, {
  type Request as GotRequest,
  type Response as GotResponse,
  Options,
  type OptionsInit,
  RequestError,
} from 'got'
import { CABundleError, ClientCertError } from '../errors.ts'
import { assertClientCertExists, type ClientIdentity, resolveClientCert } from '../trust/client-cert.ts'
import { whileBeingWritten } from '../trust/live-file.ts'
import { type ResolvedTrust, resolveTrust, type TrustInfo } from '../trust/verify.ts'
import { warnInsecure } from '../warnings.ts'
import type { Adapter, AdapterResponse, SendSettings, WireRequest } from './adapter.ts'
import { AgentPool, type PoolOptions } from './agents.ts'
import { type ErrorContext, mapBodyError, mapRequestError } from './map-error.ts'
import { peerCertificateOf, tlsInfo } from './tls-info.ts'

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
  /** How often `close` was called: a request that it cut off is not sent again. */
  #closed = 0

  /**
   * @param options `poolConnections` (10 pools), `poolMaxsize` (10 connections each), `poolBlock` (false),
   *   `keepAliveTimeout` (30,000 ms)
   * @throws TypeError for an unknown option, RangeError for a number out of range
   */
  constructor(options: HTTPAdapterOptions = {}) {
    this.#pool = new AgentPool(checkPoolOptions(options))
  }

  async send(request: WireRequest, settings: SendSettings): Promise<AdapterResponse> {
    settings.signal?.throwIfAborted()
    const route = this.#route(request, settings) ?? (await this.#routeOnceSettled(request, settings))
    if (route.trust && !route.trust.verified) warnInsecure(request.target.hostname)
    const exchange = new Exchange(request, settings, route)
    const closed = this.#closed
    try {
      return await exchange.response
    } catch (error) {
      if (!exchange.lostIdleConnection || !canBeSentAgain(request) || closed !== this.#closed) throw error
      return await new Exchange(request, settings, route).response
    }
  }

  /** Closes every connection, those in use as well. The adapter can be used again. */
  close(): void {
    this.#closed++
    this.#pool.close()
  }

  /** The agent for a request; `undefined` when a file of trust cannot be used right now. */
  #route(request: WireRequest, settings: SendSettings): Route | undefined {
    try {
      return this.#findRoute(request, settings)
    } catch (error) {
      if (pathOfError(error) === undefined) throw error
      return undefined
    }
  }

  #routeOnceSettled(request: WireRequest, settings: SendSettings): Promise<Route> {
    return whileBeingWritten(() => this.#findRoute(request, settings), pathOfError)
  }

  #findRoute({ target: url }: WireRequest, { trust: wanted, cert }: SendSettings): Route {
    if (url.protocol !== 'https:') {
      if (cert) assertClientCertExists(cert)
      return { agent: this.#pool.plain(url.origin), trust: undefined }
    }
    const trust = resolveTrust(wanted)
    const identity: ClientIdentity | undefined = cert && resolveClientCert(cert)
    return { agent: this.#pool.secure({ origin: url.origin, trust, identity }), trust }
  }
}

/** How a request reaches its server. */
interface Route {
  readonly agent: http.Agent
  readonly trust: ResolvedTrust | undefined
}

/** One request on the wire and the beginning of its answer. */
class Exchange {
  readonly response: Promise<AdapterResponse>
  readonly #request: WireRequest
  readonly #settings: SendSettings
  readonly #route: Route
  #clientRequest: http.ClientRequest | undefined

  constructor(request: WireRequest, settings: SendSettings, route: Route) {
    this.#request = request
    this.#settings = settings
    this.#route = route
    this.response = new Promise((resolve, reject) => {
      const stream = this.#start()
      stream.once('response', (response: GotResponse) => {
        stream.off('error', fail)
        // The body may fail before anybody listens; whoever reads it sees the error all the same.
        stream.on('error', () => {})
        resolve(this.#answer(stream, response))
      })
      const fail = (error: Error) => reject(this.#mapError(error, mapRequestError))
      stream.once('error', fail)
    })
  }

  /** Whether the failure was that of a pooled connection which the server had closed: nothing was processed then. */
  get lostIdleConnection(): boolean {
    return this.#clientRequest?.reusedSocket === true && LOST.has(this.#failureCode ?? '')
  }

  #failureCode: string | undefined

  #start(): GotRequest {
    const { method, target, body } = this.#request
    const { onUploadProgress, onDownloadProgress } = this.#settings
    const stream = gotStream(target, this.#gotOptions() as OptionsInit, PREPARED)
    // got waits for a stream to be written into it, unless it knows the body, or that the method has none.
    if (body === undefined && method !== 'GET' && method !== 'HEAD') stream.end()
    if (onUploadProgress) stream.on('uploadProgress', onUploadProgress)
    if (onDownloadProgress) stream.on('downloadProgress', onDownloadProgress)
    return stream
  }

  #gotOptions(): Record<string, unknown> {
    const { method, body, headers } = this.#request
    const { timeout, deadline, signal } = this.#settings
    const options: Record<string, unknown> = {
      // got refuses a body with HEAD, requests does not; what is sent is made by #open in any case.
      method: body !== undefined && method === 'HEAD' ? 'POST' : method,
      request: () => this.#open(),
    }
    if (body !== undefined) {
      options.body = body
      if (method === 'GET') options.allowGetBody = true
      const length = headers.get('content-length')
      // For the progress of the upload only.
      if (length !== undefined) options.headers = { 'content-length': length }
    }
    if (signal) options.signal = signal
    if (timeout.read !== undefined || deadline !== undefined) {
      options.timeout = {
        ...(timeout.read !== undefined && { socket: timeout.read }),
        // A limit of 0 would be none; one that has run out already fails at the first tick.
        ...(deadline !== undefined && { request: Math.max(1, Math.ceil(deadline - performance.now())) }),
      }
    }
    return options
  }

  /** The request as Node sends it. The agent carries all that TLS checks; see `agents.ts`. */
  #open(): http.ClientRequest {
    const { method, target: url, headers } = this.#request
    const secure = url.protocol === 'https:'
    const host = bareHost(url)
    const options = {
      agent: this.#route.agent,
      host,
      port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
      path: `${url.pathname}${url.search}`,
      method,
      headers: headers.toRecord(),
      // From the URL and never from a Host header, and none for an address (RFC 6066 section 3).
      servername: isIP(host) === 0 ? host.replace(/\.$/, '') : '',
      connectTimeout: this.#settings.timeout.connect,
    }
    this.#clientRequest = secure ? https.request(options) : http.request(options)
    return this.#clientRequest
  }

  #answer(stream: GotRequest, response: GotResponse): AdapterResponse {
    const { trust } = this.#route
    const socket = this.#clientRequest?.socket
    const reused = this.#clientRequest?.reusedSocket ?? false
    return {
      statusCode: response.statusCode,
      reason: response.statusMessage ?? '',
      rawHeaders: response.rawHeaders,
      body: stream,
      tls: socket && trust ? tlsInfo(socket, reused, trust.verified, trust.info) : null,
      mapBodyError: (error) => this.#mapError(error, mapBodyError),
    }
  }

  #mapError(error: Error, map: (cause: Error, context: ErrorContext) => Error): Error {
    const { signal } = this.#settings
    if (signal?.aborted) return signal.reason
    // got wraps what Node reported; its wrapper holds the headers, with their credentials, for all to log.
    const cause = error instanceof RequestError && error.cause instanceof Error ? error.cause : error
    this.#failureCode = (cause as NodeJS.ErrnoException).code
    return map(cause, this.#errorContext())
  }

  #errorContext(): ErrorContext {
    const { target: url } = this.#request
    const { timeout } = this.#settings
    const socket = this.#clientRequest?.socket
    const trust: TrustInfo | undefined = this.#route.trust?.info
    return {
      host: bareHost(url),
      port: url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port),
      peerCertificate: peerCertificateOf(socket),
      trust,
      connected: socket !== undefined && socket !== null && !socket.connecting && !isHandshaking(socket),
      readTimeout: timeout.read,
      totalTimeout: timeout.total,
    }
  }
}

/** Everything that is the same for each request. got does no more here than it is asked to: the session redirects, retries and keeps cookies. */
const PREPARED = new Options(undefined, {
  followRedirect: false,
  throwHttpErrors: false,
  retry: { limit: 0 },
  responseType: 'buffer',
  strictContentLength: false,
})
PREPARED.isStream = true

/** got with prepared options as its third argument, whose `isStream` decides what it returns; its types do not know that. */
const gotStream = got as unknown as (url: URL, options: OptionsInit, prepared: Options) => GotRequest

const POOL_DEFAULTS: PoolOptions = {
  poolConnections: 10,
  poolMaxsize: 10,
  poolBlock: false,
  keepAliveTimeout: 30_000,
}

function checkPoolOptions(options: HTTPAdapterOptions): PoolOptions {
  const merged: Record<string, unknown> = { ...POOL_DEFAULTS }
  for (const [name, value] of Object.entries(options)) {
    if (!(name in POOL_DEFAULTS)) {
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

/** What a connection that died while idle looks like. */
const LOST: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE'])

/** RFC 9110 section 9.2.2: these may be repeated when the connection failed before the answer. */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])

function canBeSentAgain({ method, body }: WireRequest): boolean {
  return IDEMPOTENT.has(method) && (body === undefined || Buffer.isBuffer(body))
}

function pathOfError(error: unknown): string | undefined {
  return error instanceof CABundleError || error instanceof ClientCertError ? error.path : undefined
}

/** The host as Node connects to it: an IPv6 address without its brackets. */
function bareHost({ hostname }: URL): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
}

function isHandshaking(socket: object): boolean {
  return 'secureConnecting' in socket && socket.secureConnecting === true
}
