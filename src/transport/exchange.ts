/** One request on the wire and its response. */
import type http from 'node:http'
import { decodeBody } from '../body/decode.ts'
import { onDeadline } from '../core/deadline.ts'
import { codeOf, toError } from '../core/error-code.ts'
import { ConnectionError, RequestException } from '../core/errors.ts'
import type { AdapterResponse, SendSettings, WireRequest } from './adapter.ts'
import { openRequest } from './client-request.ts'
import { sessionClosed } from './connection.ts'
import { errorContext } from './error-context.ts'
import { warnExpiring } from './expiry-warnings.ts'
import { dropReferences, type GotResponse, type GotStream, openGotStream, unwrapError } from './got-stream.ts'
import { BROKEN, type ErrorContext, mapBodyError, mapRequestError } from './map-error.ts'
import { statusLineError } from './parser-errors.ts'
import { progressReporter } from './progress.ts'
import type { Route } from './route.ts'
import { enforceReadTimeout, InternalTotalTimeout } from './time-limits.ts'
import { tlsInfo } from './tls-info.ts'
import { sendBody, serverAgrees } from './upload.ts'

export class Exchange {
  /** Resolves when the headers have arrived. */
  readonly response: Promise<AdapterResponse>
  readonly #request: WireRequest
  readonly #settings: SendSettings
  readonly #route: Route
  readonly #stream: GotStream
  #clientRequest: http.ClientRequest | undefined
  #message: http.IncomingMessage | undefined
  #reason = ''
  #withheldBody = false
  #failureCode: string | undefined
  /** What the user's own body, or one of the user's callbacks, threw, and the error that the stream is destroyed with. */
  #userFailure: { readonly thrown: unknown; readonly cause: Error } | undefined
  #hasResponse = false
  /** What broke the response before got had it. */
  #bodyError: Error | undefined

  constructor(request: WireRequest, settings: SendSettings, route: Route) {
    this.#request = request
    this.#settings = settings
    this.#route = route
    const stream = openGotStream(request.target, this.#send.bind(this))
    this.#stream = stream
    // `on`, not `once`: these events are emitted once, and `once` costs another object and a removal.
    stream.on('end', () => {
      // An upload may continue after the response, and fail.
      if (this.#clientRequest?.writableFinished) process.nextTick(dropReferences, stream)
    })
    stream.on('close', () => this.#abort())
    this.#observe()
    this.response = new Promise((resolve, reject) => {
      // After the response has resolved this listener only prevents an uncaught 'error' event; the reader of the body receives
      // the error itself.
      stream.on('error', (error: Error) => {
        if (this.#hasResponse) return
        try {
          reject(this.#mapError(error, mapRequestError))
        } catch (unexpected) {
          // Thrown from an event listener it would end the process.
          reject(unexpected)
        }
      })
      stream.on('response', (response: GotResponse) => {
        // got turns an error thrown here into an error of the stream.
        resolve(this.#toResponse(response))
        this.#hasResponse = true
        if (this.#bodyError) stream.destroy(this.#bodyError)
      })
    })
  }

  /**
   * Whether a pooled connection was of no use: most likely the server had closed it while it was idle, or had sent more than its
   * previous response.
   */
  get lostIdleConnection(): boolean {
    const code = this.#failureCode ?? ''
    return this.#isReused && (BROKEN.has(code) || code === LEFTOVER)
  }

  /** Whether a response came in place of `100 Continue`, so that the body was not sent. */
  get withheldBody(): boolean {
    return this.#withheldBody
  }

  get #isReused(): boolean {
    return this.#clientRequest?.reusedSocket ?? false
  }

  /** Ends the exchange when the signal is aborted and at the deadline, and reports the progress of the download. */
  #observe(): void {
    const { signal, deadline, timeout, onDownloadProgress } = this.#settings
    const stream = this.#stream
    if (onDownloadProgress) {
      const report = progressReporter(onDownloadProgress, (error) => this.#failByUser(error))
      stream.on('downloadProgress', (progress) => {
        try {
          report(progress)
        } catch (error) {
          this.#failByUser(error)
        }
      })
    }
    if (signal === undefined && deadline === undefined) return
    const end = () => stream.destroy(new InternalTotalTimeout(timeout.total))
    const stop = onDeadline({ signal, deadline }, end, { unref: true })
    stream.once('close', stop)
    stream.once('response', (response: GotResponse) => response.once('close', stop))
  }

  /** Sends the request. Resolves when the headers of the response have arrived. */
  #send(): Promise<http.IncomingMessage> {
    return new Promise((resolve, reject) => {
      if (this.#route.pool.closed) throw sessionClosed()
      const request = openRequest(this.#request, this.#route, this.#settings)
      this.#clientRequest = request
      request.on('error', (error) => {
        if (this.#message === undefined) reject(error)
        // A break after the response is complete (trailing bytes, an upload the server ignores) is not an error.
        else if (!this.#message.complete && !this.#isRefusedUpload(error, this.#message)) this.#failBody(error)
      })
      request.on('response', (message) => {
        this.#message = message
        const broken = statusLineError(message)
        if (broken) {
          reject(broken)
          return
        }
        if (mayHaveForbiddenBody(message) || this.#mayBeUnread(message)) request.shouldKeepAlive = false
        // got replaces an empty reason phrase by its own.
        this.#reason = message.statusMessage?.trim() ?? ''
        resolve(message)
      })
      request.on('upgrade', (_message, socket) => {
        socket.destroy()
        reject(new ConnectionError('the server switched protocols (101), which the request did not ask for'))
      })
      enforceReadTimeout(request, this.#settings.timeout.read)
      if (this.#request.body === undefined && this.#settings.onUploadProgress === undefined) request.end()
      else this.#sendBody(request)
    })
  }

  #sendBody(request: http.ClientRequest): void {
    const { body, headers } = this.#request
    const { onUploadProgress, expectContinue } = this.#settings
    const length = headers.get('Content-Length')
    const total = body === undefined ? 0 : length === undefined ? undefined : Number(length)
    const report = onUploadProgress && progressReporter(onUploadProgress, (error) => this.#failByUser(error))
    const send = () => {
      this.#withheldBody = false
      return sendBody(request, body, total, report)
    }
    this.#withheldBody = body !== undefined && expectContinue !== undefined
    const sending = this.#withheldBody
      ? serverAgrees(request, expectContinue ?? 0).then((agreed) => (agreed ? send() : this.#endWithoutBody(request)))
      : send()
    sending.catch((error) => this.#failByUser(error))
  }

  /** The connection cannot be used again: the server may still wait for the body. */
  #endWithoutBody(request: http.ClientRequest): void {
    const response = this.#message
    if (response === undefined || response.readableEnded) request.destroy()
    else response.once('end', () => request.destroy())
  }

  /**
   * Whether the body is sent again now, to a server that may not have read it: the server closes the connection then, and what is
   * sent on it meanwhile is lost.
   */
  #mayBeUnread({ statusCode, headers }: http.IncomingMessage): boolean {
    const isSentAgain = headers['www-authenticate'] !== undefined || statusCode === 307 || statusCode === 308
    return isSentAgain && this.#request.body !== undefined
  }

  /**
   * Whether a server that refuses an upload has reset the connection after its response: the system does that if it closes while
   * bytes of the upload are unread. What it said of its refusal counts. Not over TLS, which is to notice what others cut off.
   */
  #isRefusedUpload(error: Error, { statusCode = 0 }: http.IncomingMessage): boolean {
    const isUpload = this.#request.body !== undefined && this.#route.trust === undefined
    return isUpload && statusCode >= 400 && BROKEN.has(codeOf(error))
  }

  /**
   * Fails the body at once: as soon as the request has emitted the error, Node ends a body that has no length with what has
   * arrived of it, and half a body would pass as a whole one.
   */
  #failBody(error: Error): void {
    if (this.#hasResponse) this.#stream.destroy(error)
    else this.#bodyError ??= error
  }

  #failByUser(error: unknown): void {
    this.#userFailure = { thrown: error, cause: toError(error) }
    this.#stream.destroy(this.#userFailure.cause)
  }

  #abort(): void {
    const request = this.#clientRequest
    if (request !== undefined && !request.destroyed) {
      request.destroy()
      this.#route.pool.abort(request)
    }
    // On Node 26 a response that is destroyed after it arrived, but before it was read, would keep its connection open.
    this.#message?.destroy()
  }

  #toResponse(response: GotResponse): AdapterResponse {
    const { trust } = this.#route
    const socket = this.#clientRequest?.socket
    const isReused = this.#isReused
    const { expiryWarning } = this.#settings
    if (socket && !isReused && trust?.verified && expiryWarning !== false) {
      warnExpiring(socket, expiryWarning, this.#request.target, this.#route)
    }
    return {
      statusCode: response.statusCode,
      reason: this.#reason,
      rawHeaders: response.rawHeaders,
      body: decodeBody(this.#stream, response.headers['content-encoding']),
      tls: socket && trust ? tlsInfo(socket, isReused, trust.verified, trust.info) : null,
      mapBodyError: (error) => this.#mapError(error, mapBodyError),
    }
  }

  #mapError(error: Error, map: (cause: Error, context: ErrorContext) => Error): Error {
    const { signal } = this.#settings
    if (signal?.aborted) return signal.reason
    const cause = unwrapError(error)
    if (cause === this.#userFailure?.cause) return this.#userFailure.thrown as Error
    if (cause instanceof RequestException) return cause
    this.#failureCode = codeOf(cause)
    const connection = { socket: this.#clientRequest?.socket, isReused: this.#isReused }
    const { insecureHTTPParser: lenient } = this.#settings
    return map(cause, { ...errorContext(this.#request.target, this.#route, connection), lenient })
  }
}

/**
 * Whether bytes may follow a response that has no body by its status (RFC 9112 section 6.3): those of a broken server. On the next
 * response of the connection they would be taken for its beginning.
 */
function mayHaveForbiddenBody({ statusCode, headers }: http.IncomingMessage): boolean {
  if (statusCode !== 204 && statusCode !== 304) return false
  return headers['transfer-encoding'] !== undefined || !/^0*$/.test(headers['content-length'] ?? '')
}

/** The parser's code for bytes that begin no response. */
const LEFTOVER = 'HPE_INVALID_CONSTANT'
