/** One request on the wire and its answer, carried by got. The only file that knows got. */
import type http from 'node:http'
import type { Socket } from 'node:net'
import got, { type Request as GotRequest, type Response as GotResponse, Options, RequestError } from 'got'
import { decodeBody } from '../body/decode.ts'
import { authorityOf, serverAddress } from '../core/address.ts'
import { codeOf } from '../core/error-code.ts'
import { ConnectionError, RequestException } from '../core/errors.ts'
import type { ResolvedTrust } from '../trust/verify.ts'
import type { AdapterResponse, Progress, SendSettings, WireRequest } from './adapter.ts'
import { forwarderFor, openRequest } from './client-request.ts'
import { sessionClosed } from './connection.ts'
import { warnExpiring } from './expiry.ts'
import { BROKEN, type ErrorContext, mapBodyError, mapRequestError } from './map-error.ts'
import type { Route } from './route.ts'
import { limitSilence, TotalTimeLimit } from './time-limits.ts'
import { chainOf, tlsInfo } from './tls-info.ts'
import { sendBody } from './upload.ts'

export class Exchange {
  /** Resolves when the headers have arrived. */
  readonly response: Promise<AdapterResponse>
  readonly #request: WireRequest
  readonly #settings: SendSettings
  readonly #route: Route
  readonly #stream: GotRequest
  #clientRequest: http.ClientRequest | undefined
  #answer: http.IncomingMessage | undefined
  #reason = ''
  #failureCode: string | undefined
  /** What the user's own body threw while it was read, or one of his callbacks. */
  #userError: unknown

  constructor(request: WireRequest, settings: SendSettings, route: Route) {
    this.#request = request
    this.#settings = settings
    this.#route = route
    const stream = gotStream(request.target, undefined, PREPARED)
    this.#stream = stream
    // got asks for it in a moment. It gets the answer and nothing else to do: bodies that it sends itself it forgets where
    // the answer comes before their end. Bound rather than a literal: see `lighten`.
    stream.options.request = this.#send.bind(this)
    stream.end()
    // `on` where `once` would do: these come once anyway, and each `once` is an object more and a removal.
    stream.on('end', () => {
      // An upload may go on behind the answer, and fail.
      if (this.#clientRequest?.writableFinished) process.nextTick(lighten, stream)
    })
    stream.on('close', () => {
      this.#abort()
      // On Node 26 an answer that is given up after it arrived, but before it was read, would keep its connection for good.
      this.#answer?.destroy()
    })
    this.#limit()
    this.response = new Promise((resolve, reject) => {
      // The body may fail later, when all that matters is that somebody listens; whoever reads it sees the error all the same.
      let isAnswered = false
      stream.on('error', (error: Error) => {
        if (isAnswered) return
        try {
          reject(this.#mapError(error, mapRequestError))
        } catch (unexpected) {
          // Thrown here, it would be nobody's, and end the process.
          reject(unexpected)
        }
      })
      stream.on('response', (response: GotResponse) => {
        // What this throws is an error of the stream, by got.
        resolve(this.#toResponse(response))
        isAnswered = true
      })
    })
  }

  /** Whether a pooled connection broke: most likely the server had closed it while it was idle. */
  get lostIdleConnection(): boolean {
    return this.#clientRequest?.reusedSocket === true && BROKEN.has(this.#failureCode ?? '')
  }

  /** Ends the exchange with the signal and at the deadline. */
  #limit(): void {
    const { signal, deadline, timeout, onDownloadProgress } = this.#settings
    const stream = this.#stream
    if (onDownloadProgress) stream.on('downloadProgress', this.#teller(onDownloadProgress))
    if (signal === undefined && deadline === undefined) return
    const end = () => stream.destroy(new TotalTimeLimit(timeout.total))
    const timer = deadline === undefined ? undefined : setTimeout(end, deadline - performance.now()).unref()
    const abort = () => stream.destroy(new Error('aborted'))
    signal?.addEventListener('abort', abort)
    const stop = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
    }
    stream.once('close', stop)
    stream.once('response', (response: GotResponse) => response.once('close', stop))
  }

  /** Sends the request. The answer, when its headers have arrived. */
  #send(): Promise<http.IncomingMessage> {
    return new Promise((resolve, reject) => {
      if (this.#route.pool.closed) throw sessionClosed()
      const { connect, read } = this.#settings.timeout
      const request = openRequest(this.#request, this.#route, connect)
      this.#clientRequest = request
      request.on('error', (error) => {
        if (this.#answer === undefined) reject(error)
        // A connection that breaks while the answer arrives breaks the answer, which says so itself; one that breaks for
        // bytes behind it, or for an upload that the server has no use for, does not. got may not have the answer yet.
        else if (!this.#answer.complete && !BROKEN.has(codeOf(error))) setImmediate(() => this.#stream.destroy(error))
      })
      request.on('response', (answer) => {
        this.#answer = answer
        // got writes one of its own where the server sent none.
        this.#reason = answer.statusMessage ?? ''
        resolve(answer)
      })
      request.on('upgrade', (_answer, socket) => {
        socket.destroy()
        reject(new ConnectionError('the server switched protocols (101), which nobody asked it to'))
      })
      limitSilence(request, read)
      if (this.#request.body === undefined && this.#settings.onUploadProgress === undefined) request.end()
      else this.#sendBody(request)
    })
  }

  #abort(): void {
    const request = this.#clientRequest
    if (request === undefined || request.destroyed) return
    request.destroy()
    this.#route.pool.abort(request)
  }

  #sendBody(request: http.ClientRequest): void {
    const { body, headers } = this.#request
    const { onUploadProgress } = this.#settings
    const length = headers.get('Content-Length')
    const total = body === undefined ? 0 : length === undefined ? undefined : Number(length)
    sendBody(request, body, total, onUploadProgress).catch((error) => {
      this.#userError = error
      this.#stream.destroy(error)
    })
  }

  /** Calls back, of the end once only; what the callback throws ends the exchange. */
  #teller(callback: (progress: Progress) => void): (progress: Progress) => void {
    let isOver = false
    return (progress) => {
      if (isOver) return
      isOver = progress.percent === 1
      try {
        callback(progress)
      } catch (error) {
        this.#userError = error
        this.#stream.destroy(error as Error)
      }
    }
  }

  #toResponse(response: GotResponse): AdapterResponse {
    const { trust } = this.#route
    const socket = this.#clientRequest?.socket
    const reused = this.#clientRequest?.reusedSocket ?? false
    if (socket && !reused && trust?.verified) this.#warnExpiring(socket, trust)
    return {
      statusCode: response.statusCode,
      reason: this.#reason,
      rawHeaders: response.rawHeaders,
      body: decodeBody(this.#stream, response.headers['content-encoding']),
      tls: socket && trust ? tlsInfo(socket, reused, trust.verified, trust.info) : null,
      mapBodyError: (error) => this.#mapError(error, mapBodyError),
    }
  }

  #warnExpiring(socket: Socket, { set: trusted }: ResolvedTrust): void {
    const { expiryWarning } = this.#settings
    if (expiryWarning === false) return
    const { target } = this.#request
    const server = authorityOf(serverAddress(forwarderFor(target, this.#route)?.url ?? target))
    warnExpiring(socket, expiryWarning, { server, trusted, client: this.#route.identity?.displayName })
  }

  #mapError(error: Error, map: (cause: Error, context: ErrorContext) => Error): Error {
    const { signal } = this.#settings
    if (signal?.aborted) return signal.reason
    const cause = error instanceof RequestError ? unwrapped(error) : error
    if (cause === this.#userError || cause instanceof RequestException) return cause
    this.#failureCode = codeOf(cause)
    return map(cause, this.#errorContext())
  }

  #errorContext(): ErrorContext {
    const { target } = this.#request
    return {
      ...serverAddress(target),
      forwardedBy: forwarderFor(target, this.#route)?.url,
      through: this.#route.proxy?.url,
      client: this.#clientRequest?.reusedSocket ? undefined : this.#route.identity?.displayName,
      chain: chainOf(this.#clientRequest?.socket),
      trust: this.#route.trust,
    }
  }
}

/** What is the same for each request. got is asked for little: the session redirects, retries and keeps cookies. */
const PREPARED = new Options(undefined, {
  followRedirect: false,
  throwHttpErrors: false,
  // In decode.ts: got knows neither raw deflate nor several encodings at once.
  decompress: false,
  responseType: 'buffer',
  strictContentLength: false,
})
PREPARED.isStream = true
// got copies all of it for each request.
PREPARED.retry = { limit: 0, methods: [], statusCodes: [], errorCodes: [] }
for (const unused of ['agent', 'cacheOptions', 'headers', 'https', 'pagination', 'timeout'] as const)
  PREPARED[unused] = {}

/** got with prepared options as its third argument, whose `isStream` decides what it returns; its types do not know that. */
const gotStream = got as unknown as (url: URL, options: undefined, prepared: Options) => GotRequest

/**
 * Takes from got's stream what it holds of a request that is over.
 *
 * V8 allocates a function literal that is assigned to a property (`this.onwrite = () => …`) in old space, with all that it
 * refers to; each stream of Node 24 and newer has one, and each of got's. Not taken apart, every request would stay until
 * the next full collection: 11 µs of garbage collection for each, and half as much memory again.
 */
function lighten(stream: GotRequest): void {
  stream.removeAllListeners()
  Object.assign(stream, { options: undefined, response: undefined, _request: undefined })
}

/** What Node reported, which got wraps: its wrapper holds the headers, with their credentials, for all to log. */
function unwrapped({ cause, message, code }: RequestError): Error {
  // What got found itself, such as an answer that was cut short, is a plain object there.
  return cause instanceof Error ? cause : Object.assign(new Error(message), { code })
}
