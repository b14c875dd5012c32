/**
 * The error classes of vouch, with the names of Python requests.
 *
 *     Error
 *     └─ RequestException                request? response? code cause
 *        ├─ HTTPError                    raiseForStatus() met a 4xx or 5xx
 *        ├─ ConnectionError
 *        │  ├─ ProxyError
 *        │  ├─ SSLError                  reason host port peerCertificate chain trust findings hints summary
 *        │  │  ├─ CABundleError          path? line?
 *        │  │  └─ ClientCertError        path? line?
 *        │  └─ ConnectTimeout            (a Timeout too)
 *        ├─ Timeout
 *        │  ├─ ConnectTimeout
 *        │  └─ ReadTimeout
 *        ├─ URLRequired
 *        ├─ TooManyRedirects
 *        ├─ MissingSchema
 *        ├─ InvalidSchema
 *        ├─ InvalidURL
 *        │  └─ InvalidProxyURL
 *        ├─ InvalidHeader
 *        ├─ ChunkedEncodingError
 *        ├─ ContentDecodingError
 *        ├─ StreamConsumedError
 *        ├─ RetryError
 *        ├─ UnrewindableBodyError
 *        └─ InvalidJSONError
 *           └─ JSONDecodeError
 *
 * A wrong argument (an unknown option, a number for `verify`) is a `TypeError`, and an aborted signal
 * rejects with the signal's own reason: neither is in this tree.
 *
 * Source of the tree: `requests/exceptions.py` (2.34). The difference: certificate-file errors, builtin
 * `OSError`s there, are `SSLError`s here, so that one `catch` of `RequestException` sees everything.
 */
import type { X509Certificate } from 'node:crypto'
import { boundedMessage } from './printable.ts'
import type { TrustInfo } from './trust-info.ts'

/** The request of an error. It is a `PreparedRequest`: `client/prepared-request.ts` extends this interface with that class. */
export interface ErrorRequest {
  readonly method: string
  readonly url: string
}

/** The response of an error. It is a `Response`: `client/response.ts` extends this interface with that class. */
export interface ErrorResponse {
  readonly statusCode: number
  readonly request: ErrorRequest
}

/** Options of every error of the tree. */
export interface RequestExceptionOptions {
  /** The request that failed. */
  request?: ErrorRequest | undefined
  /** The response that was being handled, if there was one. */
  response?: ErrorResponse | undefined
  /** A machine-readable code; defaults to the class's own (`ERR_…`). Node's code where Node reported one. */
  code?: string | undefined
  /** The underlying error. */
  cause?: unknown
}

/** The base class of all errors of a request. */
export class RequestException extends Error {
  static readonly code: string = 'ERR_REQUEST'
  /** Node's or OpenSSL's code (`ECONNREFUSED`, `DEPTH_ZERO_SELF_SIGNED_CERT` …), else the class's own `ERR_…`. */
  readonly code: string
  /** The request that failed; not enumerable, so that logging the error does not log its headers. */
  declare request?: ErrorRequest | undefined
  /** The response that was being handled, if there was one; not enumerable. */
  declare response?: ErrorResponse | undefined

  constructor(message: string, options: RequestExceptionOptions = {}) {
    super(boundedMessage(message), options.cause === undefined ? undefined : { cause: options.cause })
    this.name = new.target.name
    Object.defineProperty(this, 'name', { enumerable: false })
    this.code = options.code ?? new.target.code
    hide(this, 'request', options.request ?? options.response?.request)
    hide(this, 'response', options.response)
  }
}

/** `raiseForStatus()` found a status of 400 or above; `response` is the response. */
export class HTTPError extends RequestException {
  declare response: ErrorResponse
  static override readonly code = 'ERR_HTTP_STATUS'
}

/** The server could not be reached, or the connection failed before a response arrived. */
export class ConnectionError extends RequestException {
  static override readonly code: string = 'ERR_CONNECTION'
}

/** The proxy could not be reached, was not trusted, or refused the connection. */
export class ProxyError extends ConnectionError {
  static override readonly code = 'ERR_PROXY'
}

/** Why a TLS connection was refused. */
export type SSLErrorReason =
  | 'self-signed'
  | 'unknown-ca'
  | 'missing-intermediate'
  | 'expired'
  | 'not-yet-valid'
  | 'hostname-mismatch'
  | 'pin-mismatch'
  | 'wrong-purpose'
  | 'invalid-ca'
  | 'weak'
  | 'revoked'
  | 'client-certificate'
  | 'not-tls'
  | 'protocol'
  | 'bad-bundle'
  | 'other'

/** Options of {@link SSLError}, apart from the common ones. */
export interface SSLErrorOptions extends RequestExceptionOptions {
  reason?: SSLErrorReason | undefined
  host?: string | undefined
  port?: number | undefined
  /** The certificates that the server presented, its own first. */
  chain?: readonly X509Certificate[] | undefined
  /** Where in the chain it fails. */
  failing?: number | undefined
  trust?: TrustInfo | undefined
  findings?: readonly string[] | undefined
  hints?: readonly string[] | undefined
  /** Lines to stand below the message; the hints are among them. */
  details?: string | undefined
}

/**
 * The TLS handshake failed, usually because the server's certificate is not trusted.
 *
 * @example
 * try {
 *   await get('https://localhost:8443/')
 * } catch (error) {
 *   if (error instanceof SSLError) console.error(error.reason, error.peerCertificate?.subject, error.hints)
 * }
 */
export class SSLError extends ConnectionError {
  static override readonly code: string = 'ERR_SSL'
  /** The kind of failure, for programs; the message may change. */
  readonly reason: SSLErrorReason
  /** The host that was connected to. */
  readonly host: string | undefined
  readonly port: number | undefined
  /**
   * The certificates that the server presented, if the handshake got that far: its own first, each issued by the next. Not
   * enumerable.
   */
  declare readonly chain: readonly X509Certificate[]
  /** Which certificate of the chain fails: its index, or the chain's length for one that is missing. Not enumerable. */
  declare readonly failing: number | undefined
  /** What was expected and what was found instead, one sentence each. Not enumerable. */
  declare readonly findings: readonly string[]
  /** What was trusted, and where that was set. */
  readonly trust: TrustInfo | undefined
  /** What to write or do, one sentence each, the likeliest first. */
  readonly hints: readonly string[]

  constructor(message: string, options: SSLErrorOptions = {}) {
    const { details = '', chain = [], findings = [], failing } = options
    super(message + details, options)
    this.reason = options.reason ?? 'other'
    this.host = options.host
    this.port = options.port
    this.trust = options.trust
    this.hints = options.hints ?? []
    // The message contains them already: a log should not print them twice.
    for (const key of details === '' ? [] : (['trust', 'hints'] as const)) hide(this, key, this[key])
    for (const [key, value] of Object.entries({ chain, findings, failing })) hide(this, key, value)
  }

  /** The certificate that the server presented, if the handshake got that far. */
  get peerCertificate(): X509Certificate | undefined {
    return this.chain[0]
  }

  /** The first line of the message: what went wrong, and where. */
  get summary(): string {
    return this.message.split('\n', 1)[0] ?? ''
  }
}

/** Options of {@link CABundleError} and {@link ClientCertError}. */
export interface CertificateFileErrorOptions extends Pick<SSLErrorOptions, 'cause' | 'code' | 'hints'> {
  path?: string | undefined
  line?: number | undefined
}

/** A line each, as in the report of a server that is refused. */
function hintLines(hints: readonly string[] = []): string {
  return hints.map((hint, index) => `\n  ${(index === 0 ? 'hint' : '').padEnd(11)}${hint}`).join('')
}

/** Internal: what the two below have in common. */
abstract class CertificateFileError extends SSLError {
  /** The file or directory, if the source was one, without the password of a URL passed by mistake. */
  readonly path: string | undefined
  /** The line (from 1) of the block that is wrong, in a PEM source. */
  readonly line: number | undefined

  constructor(message: string, reason: SSLErrorReason, options: CertificateFileErrorOptions) {
    super(message, { ...options, reason, details: hintLines(options.hints) })
    this.path = options.path
    this.line = options.line
  }
}

/** A source of trust (`verify`, `REQUESTS_CA_BUNDLE` …) cannot be used. Raised before any connection is made. */
export class CABundleError extends CertificateFileError {
  static override readonly code = 'ERR_CA_BUNDLE'

  constructor(message: string, options: CertificateFileErrorOptions = {}) {
    super(message, 'bad-bundle', options)
  }
}

/** A client certificate (`cert`) or its key cannot be used. Raised before any connection is made. */
export class ClientCertError extends CertificateFileError {
  static override readonly code = 'ERR_CLIENT_CERT'

  constructor(message: string, options: CertificateFileErrorOptions = {}) {
    super(message, 'client-certificate', options)
  }
}

/** A time limit was exceeded. */
export class Timeout extends RequestException {
  static override readonly code: string = 'ERR_TIMEOUT'

  /** Gives {@link ConnectTimeout} its second parent: it is a `Timeout` as well as a `ConnectionError`. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (Function.prototype[Symbol.hasInstance].call(this, value)) return true
    return this === Timeout && value instanceof ConnectTimeout
  }
}

/** DNS, TCP and TLS together exceeded the connect timeout. Both a `ConnectionError` and a `Timeout`. */
export class ConnectTimeout extends ConnectionError {
  static override readonly code = 'ERR_CONNECT_TIMEOUT'
}

/** The server sent nothing for as long as the read timeout. */
export class ReadTimeout extends Timeout {
  static override readonly code = 'ERR_READ_TIMEOUT'
}

/** The URL of a request is missing. */
export class URLRequired extends RequestException {
  static override readonly code = 'ERR_URL_REQUIRED'
}

/** More redirects than `maxRedirects`; `response` is the last one, with its `history`. */
export class TooManyRedirects extends RequestException {
  static override readonly code = 'ERR_TOO_MANY_REDIRECTS'
}

/** The URL has no scheme (`example.com` for `https://example.com`). */
export class MissingSchema extends RequestException {
  static override readonly code = 'ERR_MISSING_SCHEMA'
}

/** No adapter is mounted for the URL's scheme. */
export class InvalidSchema extends RequestException {
  static override readonly code = 'ERR_INVALID_SCHEMA'
}

/** The URL cannot be used. */
export class InvalidURL extends RequestException {
  static override readonly code: string = 'ERR_INVALID_URL'
}

/** A proxy's URL cannot be used. */
export class InvalidProxyURL extends InvalidURL {
  static override readonly code = 'ERR_INVALID_PROXY_URL'
}

/** A header's name or value cannot be sent. */
export class InvalidHeader extends RequestException {
  static override readonly code = 'ERR_INVALID_HEADER'
}

/** The body of the response is truncated, or its chunks are invalid. */
export class ChunkedEncodingError extends RequestException {
  static override readonly code = 'ERR_CHUNKED_ENCODING'
}

/** The body does not match its Content-Encoding, and cannot be decompressed. */
export class ContentDecodingError extends RequestException {
  static override readonly code = 'ERR_CONTENT_DECODING'
}

/** The body was already streamed, or has not been read yet (`await response.read()`). */
export class StreamConsumedError extends RequestException {
  static override readonly code = 'ERR_STREAM_CONSUMED'
}

/** A status of the retry policy, and no retry is left. */
export class RetryError extends RequestException {
  static override readonly code = 'ERR_RETRY'
}

/** A request must be sent again, but its body is a stream that has been read. */
export class UnrewindableBodyError extends RequestException {
  static override readonly code = 'ERR_UNREWINDABLE_BODY'
}

/** `json` cannot be serialised, or a response is not JSON. */
export class InvalidJSONError extends RequestException {
  static override readonly code: string = 'ERR_INVALID_JSON'
}

/** The response's body is not JSON. */
export class JSONDecodeError extends InvalidJSONError {
  static override readonly code = 'ERR_JSON_DECODE'
}

// Minifiers rename classes, and the name of an error is its class's: code may compare it.
for (const [name, type] of Object.entries({
  RequestException,
  HTTPError,
  ConnectionError,
  ProxyError,
  SSLError,
  CABundleError,
  ClientCertError,
  Timeout,
  ConnectTimeout,
  ReadTimeout,
  URLRequired,
  TooManyRedirects,
  MissingSchema,
  InvalidSchema,
  InvalidURL,
  InvalidProxyURL,
  InvalidHeader,
  ChunkedEncodingError,
  ContentDecodingError,
  StreamConsumedError,
  RetryError,
  UnrewindableBodyError,
  InvalidJSONError,
  JSONDecodeError,
})) {
  Object.defineProperty(type, 'name', { value: name })
}

/** Sets a property that `console.log` and `JSON.stringify` skip: requests carry credentials. */
function hide(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, { value, enumerable: false, writable: true, configurable: true })
}
