/** One request on the wire and its answer, carried by got. The only file that knows got. */
import http from 'node:http'
import https from 'node:https'
import type { Socket } from 'node:net'
import got, {
  type Request as GotRequest,
  type Response as GotResponse,
  Options,
  type OptionsInit,
  RequestError,
} from 'got'
import { ConnectionError, RequestException } from '../errors.ts'
import type { HeaderMap } from '../headers.ts'
import { isSocks, type ProxyServer } from '../proxies.ts'
import type { ResolvedTrust } from '../trust/verify.ts'
import type { AdapterResponse, Progress, SendSettings, WireBody, WireRequest } from './adapter.ts'
import { serverAddress } from './address.ts'
import { sessionClosed } from './agents.ts'
import { decodeBody } from './decode.ts'
import { warnExpiring } from './expiry.ts'
import { BROKEN, type ErrorContext, mapBodyError, mapRequestError } from './map-error.ts'
import type { Route } from './route.ts'
import { limitSilence } from './time-limits.ts'
import { chainOf, tlsInfo } from './tls-info.ts'

export class Exchange {
  /** Resolves when the headers have arrived. */
  readonly response: Promise<AdapterResponse>
  readonly #request: WireRequest
  readonly #settings: SendSettings
  readonly #route: Route
  #clientRequest: http.ClientRequest | undefined
  #failureCode: string | undefined
  #reason = ''
  #stream: GotRequest | undefined
  /** The body while it is read. */
  #body: AsyncGenerator<Uint8Array, void, undefined> | undefined
  /** What the user's own body threw while it was read, or one of his callbacks. */
  #userError: unknown

  constructor(request: WireRequest, settings: SendSettings, route: Route) {
    this.#request = request
    this.#settings = settings
    this.#route = route
    this.response = new Promise((resolve, reject) => {
      const stream = this.#start()
      const fail = (error: Error) => reject(this.#mapError(error, mapRequestError))
      stream.once('error', fail)
      stream.once('response', (response: GotResponse) => {
        // What this throws is an error of the stream, by got.
        const answer = this.#answer(stream, response)
        stream.off('error', fail)
        // The body may fail before anybody listens; whoever reads it sees the error all the same.
        stream.on('error', () => {})
        resolve(answer)
      })
    })
  }

  /** Whether a pooled connection broke: most likely the server had closed it while it was idle. */
  get lostIdleConnection(): boolean {
    return this.#clientRequest?.reusedSocket === true && BROKEN.has(this.#failureCode ?? '')
  }

  #start(): GotRequest {
    const { method, target, body } = this.#request
    const { onUploadProgress, onDownloadProgress, signal } = this.#settings
    const stream = gotStream(target, this.#gotOptions(), PREPARED)
    this.#stream = stream
    if (signal) endWith(stream, signal)
    // got waits for a stream to be written into it, unless it knows the body, or that the method has none.
    if (body === undefined && method !== 'GET' && method !== 'HEAD') stream.end()
    stream.once('upgrade', (_response: unknown, socket: Socket) => {
      socket.destroy()
      stream.destroy(new ConnectionError('the server switched protocols (101), which nobody asked it to'))
    })
    if (onUploadProgress) {
      const tell = this.#teller(stream, onUploadProgress)
      stream.on('uploadProgress', tell)
      // got tells of the end when the body's stream has ended, which may be after the answer.
      stream.once('response', () => {
        const { transferred, total, percent } = stream.uploadProgress
        if (percent === 1) tell({ transferred, total, percent })
      })
    }
    if (onDownloadProgress) stream.on('downloadProgress', this.#teller(stream, onDownloadProgress))
    return stream
  }

  #gotOptions(): OptionsInit {
    const { method, body, headers } = this.#request
    const { deadline } = this.#settings
    const options: OptionsInit = { method: method as NonNullable<OptionsInit['method']>, request: () => this.#open() }
    if (body !== undefined) {
      // Of bytes that are not sent at once got forgets the rest when an answer comes in between.
      if (!Buffer.isBuffer(body)) this.#body = this.#watch(body)
      else if (body.length > CHUNK) this.#body = this.#watch(chunksOf(body))
      options.body = this.#body ?? (body as Buffer)
      // For the progress of the upload only.
      options.headers = { 'content-length': headers.get('content-length') }
      if (method === 'GET') options.allowGetBody = true
      // got refuses a body with HEAD, requests does not; what is sent is made by #open in any case.
      if (method === 'HEAD') options.method = 'POST'
    }
    // A limit of 0 would be none; one that has run out already fails at the first tick.
    if (deadline !== undefined) options.timeout = { request: Math.max(1, Math.ceil(deadline - performance.now())) }
    return options
  }

  /** Calls back, of the end once only; what the callback throws ends the exchange. */
  #teller(stream: GotRequest, callback: (progress: Progress) => void): (progress: Progress) => void {
    let isOver = false
    return (progress) => {
      if (isOver) return
      isOver = progress.percent === 1
      try {
        callback(progress)
      } catch (error) {
        this.#userError = error
        stream.destroy(error as Error)
      }
    }
  }

  /** The body, with a note of what it throws: that is the user's error and not the connection's. */
  async *#watch(body: Exclude<WireBody, Buffer> | Iterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* body
    } catch (error) {
      this.#userError = error
      // After the answer has begun got would wait for its end, which may wait for the body's.
      this.#stream?.destroy(error as Error)
      throw error
    }
  }

  /** The request as Node sends it. The agent carries all that TLS checks; see `agents.ts`. */
  #open(): http.ClientRequest {
    const { method, target: url, headers } = this.#request
    const { pool } = this.#route
    if (pool.closed) throw sessionClosed()
    const forwarder = this.#forwarder
    const peer = forwarder?.url ?? url
    const fields = (forwarder ? headers : withoutProxyAuth(headers)).toRecord()
    if (forwarder) {
      if (!headers.has('Host')) fields.Host = url.host
      if (forwarder.authorization !== undefined) fields['Proxy-Authorization'] = forwarder.authorization
    }
    const path = `${url.pathname}${url.search}`
    const options = {
      ...serverAddress(peer),
      agent: pool.agent,
      path: forwarder ? `${url.origin}${path}` : path,
      method,
      headers: fields,
      maxHeaderSize: MAX_HEADER_SIZE,
      connectTimeout: this.#settings.timeout.connect,
    }
    const request = peer.protocol === 'https:' ? https.request(options) : http.request(options)
    // A tunnel that is given up fails its request after got has turned away from it.
    request.on('error', () => {})
    // Node adds one that was taken away; with `Expect` it has sent the headers already.
    if (!headers.has('Connection') && !request.headersSent) request.removeHeader('Connection')
    // Node would leave out what comes behind the thousandth.
    request.maxHeadersCount = 0
    ignoreErrorsAfterResponse(request)
    // got writes one of its own where the server sent none.
    request.once('response', ({ statusMessage = '' }) => {
      this.#reason = statusMessage
    })
    if (this.#request.body !== undefined) this.#endUploadWith(request)
    limitSilence(request, this.#settings.timeout.read)
    this.#clientRequest = request
    return request
  }

  /** An answer may come before the body has been sent to its end. */
  #endUploadWith(request: http.ClientRequest): void {
    // A server that has answered and will close the connection may read no more.
    request.once('response', (response) => {
      response.once('end', () => !request.writableFinished && !request.shouldKeepAlive && request.destroy())
    })
    // got forgets a body that was given up.
    request.once('close', () => void this.#body?.return().catch(() => {}))
  }

  /** The proxy that gets plain http requests, with the whole URL; for https the agent has a tunnel through it. */
  get #forwarder(): ProxyServer | undefined {
    const { proxy } = this.#route
    return this.#request.target.protocol === 'http:' && proxy && !isSocks(proxy) ? proxy : undefined
  }

  #answer(stream: GotRequest, response: GotResponse): AdapterResponse {
    const { trust } = this.#route
    const socket = this.#clientRequest?.socket
    const reused = this.#clientRequest?.reusedSocket ?? false
    if (socket && !reused && trust?.verified) this.#warnExpiring(socket, trust)
    // On Node 26 a body that is given up after it arrived, but before it was read, would keep its connection for good.
    stream.once('close', () => response.destroy())
    return {
      statusCode: response.statusCode,
      reason: this.#reason,
      rawHeaders: response.rawHeaders,
      body: decodeBody(stream, response.headers['content-encoding']),
      tls: socket && trust ? tlsInfo(socket, reused, trust.verified, trust.info) : null,
      mapBodyError: (error) => this.#mapError(error, mapBodyError),
    }
  }

  #warnExpiring(socket: Socket, { set: trusted }: ResolvedTrust): void {
    const { expiryWarning } = this.#settings
    if (expiryWarning === false) return
    const { host, port } = serverAddress(this.#forwarder?.url ?? this.#request.target)
    warnExpiring(socket, expiryWarning, { server: `${host}:${port}`, trusted, client: this.#route.identity?.shown })
  }

  #mapError(error: Error, map: (cause: Error, context: ErrorContext) => Error): Error {
    const { signal } = this.#settings
    if (signal?.aborted) return signal.reason
    // got wraps what Node reported; its wrapper holds the headers, with their credentials, for all to log.
    const cause = error instanceof RequestError && error.cause instanceof Error ? error.cause : error
    if (cause === this.#userError || cause instanceof RequestException) return cause
    this.#failureCode = (cause as NodeJS.ErrnoException).code
    return map(cause, this.#errorContext())
  }

  #errorContext(): ErrorContext {
    return {
      ...serverAddress(this.#request.target),
      forwardedBy: this.#forwarder?.url,
      through: this.#route.proxy?.url,
      client: this.#clientRequest?.reusedSocket ? undefined : this.#route.identity?.shown,
      chain: chainOf(this.#clientRequest?.socket),
      trust: this.#route.trust,
      totalTimeout: this.#settings.timeout.total,
    }
  }
}

/** What is the same for each request. got is asked for little: the session redirects, retries and keeps cookies. */
const PREPARED = new Options(undefined, {
  followRedirect: false,
  throwHttpErrors: false,
  retry: { limit: 0 },
  // In decode.ts: got knows neither raw deflate nor several encodings at once.
  decompress: false,
  responseType: 'buffer',
  strictContentLength: false,
})
PREPARED.isStream = true

/** Ends the exchange when the signal does. Not by got, which goes on listening where the answer comes before the upload's end. */
function endWith(stream: GotRequest, signal: AbortSignal): void {
  const abort = () => stream.destroy(new Error('aborted'))
  const stop = () => signal.removeEventListener('abort', abort)
  signal.addEventListener('abort', abort)
  stream.once('close', stop)
  stream.once('response', (response: GotResponse) => response.once('close', stop))
}

/** Bytes behind a whole response cost its connection, and got would give up the response for them. */
function ignoreErrorsAfterResponse(request: http.ClientRequest): void {
  let response: http.IncomingMessage | undefined
  request.once('response', (arrived) => {
    response = arrived
  })
  const emit = request.emit.bind(request) as (event: string, ...values: unknown[]) => boolean
  request.emit = (event: string, ...values: unknown[]) => {
    return event === 'error' && response?.complete ? true : emit(event, ...values)
  }
}

function* chunksOf(body: Buffer): Generator<Buffer, void, undefined> {
  for (let start = 0; start < body.length; start += CHUNK) yield body.subarray(start, start + CHUNK)
}

/** Bytes; what a socket takes at once. */
const CHUNK = 65_536

/** got with prepared options as its third argument, whose `isStream` decides what it returns; its types do not know that. */
const gotStream = got as unknown as (url: URL, options: OptionsInit, prepared: Options) => GotRequest

/** The credentials for a proxy are for the proxy, which got them with CONNECT, if there is one; the origin must not see them. */
function withoutProxyAuth(headers: HeaderMap): HeaderMap {
  if (!headers.has('Proxy-Authorization')) return headers
  const rest = headers.clone()
  rest.delete('Proxy-Authorization')
  return rest
}

/**
 * For all headers of a response together, in bytes. Node's own limit of 16 KiB is for servers; http.client takes lines of up
 * to 64 KiB.
 */
const MAX_HEADER_SIZE = 262_144
