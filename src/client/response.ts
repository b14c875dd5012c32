/** The response to a request: status, headers and body. */
import { isUtf8 } from 'node:buffer'
import type { Readable } from 'node:stream'
import { inspect } from 'node:util'
import { charsetOf, charsetOfMark, charsetParameter, decodeJson, decodeText, streamDecoder } from '../body/charset.ts'
import { lines, rechunk } from '../body/read.ts'
import { redactUrl } from '../core/credentials.ts'
import { HTTPError, JSONDecodeError, RequestException } from '../core/errors.ts'
import { chardet } from '../core/lazy.ts'
import { checkInteger } from '../core/options.ts'
import { typeName } from '../core/pairs.ts'
import { printable } from '../core/printable.ts'
import { CookieJar } from '../http/cookies.ts'
import { type Link, parseLinkHeader } from '../http/link-header.ts'
import { headerPairs, headerValues } from '../http/raw-headers.ts'
import type { AdapterResponse } from '../transport/adapter.ts'
import type { TlsInfo } from '../transport/tls-info.ts'
import type { PreparedRequest } from './prepared-request.ts'
import { isRedirect } from './redirects.ts'
import { ResponseBody } from './response-body.ts'

declare module '../core/errors.ts' {
  interface ErrorResponse extends Response {}
}

/**
 * The response to a request.
 *
 * With `stream: false` the body has been read: `content`, `text` and `json()` are available at once. With `stream: true`
 * read it with `for await`, `iterContent` or `iterLines`, or completely with `read()`, or discard it with `close()`.
 *
 * @example
 * const response = await get('https://example.com/data.json')
 * response.raiseForStatus().json()
 */
export class Response {
  /** The status of the response: 200, 404 … */
  readonly statusCode: number
  /** The reason phrase of the status line, e.g. `Not Found`; may be empty. */
  readonly reason: string
  /** The request of this response: after redirects, the last one. */
  readonly request: PreparedRequest
  /** The responses that redirected here, the oldest first. */
  history: Response[] = []
  /** Time in ms from sending the request to receiving the headers. */
  readonly elapsed: number
  /** TLS details of the connection; `null` for plain http. */
  readonly tls: TlsInfo | null
  /** The next request, if this is a redirect and redirects are not followed; `null` if it cannot be prepared. */
  next: PreparedRequest | null = null

  readonly #body: ResponseBody
  readonly #rawHeaders: readonly string[]
  #headers: Headers | undefined
  /** The value that was assigned; `undefined`: none. */
  #encoding: string | null | undefined

  /**
   * Internal: sessions make responses.
   *
   * @param elapsed ms
   * @param maxSize the largest body to accept, in bytes after decoding
   */
  constructor(received: AdapterResponse, request: PreparedRequest, elapsed: number, maxSize: number | undefined) {
    this.statusCode = received.statusCode
    this.reason = received.reason
    this.request = request
    this.elapsed = elapsed
    this.tls = received.tls
    this.#body = new ResponseBody(received, this, maxSize)
    this.#rawHeaders = received.rawHeaders
  }

  /** The body as a stream of decompressed bytes. Reading from it directly bypasses `content`. */
  get raw(): Readable {
    return this.#body.raw
  }

  /** The URL of this response, after redirects; without credentials. */
  get url(): string {
    return this.request.url
  }

  /** Whether the status is neither 4xx nor 5xx; if so, `raiseForStatus()` does not throw. */
  get ok(): boolean {
    return this.statusCode < 400 || this.statusCode >= 600
  }

  /** The headers; names are case-insensitive, the values of a repeated header are joined by `, `. */
  get headers(): Headers {
    if (this.#headers === undefined) {
      this.#headers = new Headers()
      for (const [name, value] of headerPairs(this.#rawHeaders)) this.#headers.append(name, value)
    }
    return this.#headers
  }

  /** @internal The first value of a header. @param name in lower case */
  header(name: string): string | undefined {
    return this.headerValues(name)[0]
  }

  /** @internal All values of a header. */
  headerValues(name: string): string[] {
    return headerValues(this.#rawHeaders, name)
  }

  /** The cookies that this response sets. */
  get cookies(): CookieJar {
    const jar = new CookieJar()
    jar.store(this.headerValues('set-cookie'), this.request.target)
    return jar
  }

  /** Whether this is a redirect: status 301, 302, 303, 307 or 308, with a Location. */
  get isRedirect(): boolean {
    return isRedirect(this.statusCode) && this.header('location') !== undefined
  }

  /** Whether this is a permanent redirect: status 301 or 308, with a Location. */
  get isPermanentRedirect(): boolean {
    return this.isRedirect && (this.statusCode === 301 || this.statusCode === 308)
  }

  /** The links of the Link header by relation, or by URL if they have none (RFC 8288); malformed links are left out. */
  get links(): Record<string, Link> {
    return parseLinkHeader(this.headerValues('link'))
  }

  /**
   * The body.
   *
   * @throws StreamConsumedError if it was streamed, or has not been read yet (`await response.read()`)
   */
  get content(): Buffer {
    return this.#body.content
  }

  /** Reads the whole body and keeps it as `content`; if it was read before, returns it. @throws RequestException if reading fails */
  read(): Promise<Buffer> {
    return this.#body.read()
  }

  /**
   * The charset with which `text` decodes; assign another one to override it. Default: the charset of the Content-Type, else
   * ISO-8859-1 for text (the default of RFC 2616, as in requests), UTF-8 for JSON, `null` for other types.
   */
  get encoding(): string | null {
    return this.#encoding === undefined ? charsetOf(this.header('content-type')) : this.#encoding
  }

  set encoding(value: string | null) {
    if (value !== null && typeof value !== 'string')
      throw new TypeError(`encoding must be a string or null, not ${typeName(value)}`)
    this.#encoding = value
  }

  /** The charset that the package chardet detects from the bytes. */
  get apparentEncoding(): string {
    const { content } = this
    return isUtf8(content)
      ? 'utf-8'
      : (chardet().detect(content.subarray(0, DETECTION_BYTES))?.toLowerCase() ?? 'utf-8')
  }

  /**
   * The body as text, by an assigned `encoding`, else its byte-order mark, else `encoding`, else `apparentEncoding`. Without the
   * mark; invalid bytes become U+FFFD.
   *
   * @throws as {@link content}; RequestException if it is longer than a string can be (512 MiB)
   */
  get text(): string {
    const { content } = this
    if (content.length === 0) return ''
    const mark = this.#encoding === undefined ? charsetOfMark(content) : undefined
    return this.#toText(() => decodeText(content, mark ?? this.encoding ?? this.apparentEncoding))
  }

  /**
   * The body parsed as JSON; its charset is detected (UTF-8, UTF-16, UTF-32), unless the Content-Type or `encoding` names one.
   *
   * @throws JSONDecodeError if it is not JSON
   */
  json<T = unknown>(): T {
    const { content } = this
    const charset = this.#encoding === undefined ? charsetParameter(this.header('content-type')) : this.#encoding
    const text = charset === undefined || charset === null ? this.#toText(() => decodeJson(content)) : this.text
    try {
      return JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text)
    } catch (cause) {
      // The parser's message quotes the body as received.
      const problem = printable((cause as SyntaxError).message)
      const type = printable(this.header('content-type') ?? 'no Content-Type', 100)
      const received = content.length === 0 ? `${this.statusCode}, no body` : `${this.statusCode}, ${type}`
      const message = `the response of ${redactUrl(this.url)} (${received}) is not JSON: ${problem}`
      throw new JSONDecodeError(message, { response: this, cause: new SyntaxError(problem) })
    }
  }

  /** Returns the response if it is {@link ok}. @throws HTTPError if not, with requests' message */
  raiseForStatus(): this {
    if (this.ok) return this
    const kind = this.statusCode < 500 ? 'Client' : 'Server'
    const message = `${this.statusCode} ${kind} Error: ${printable(this.reason)} for url: ${redactUrl(this.url)}`
    throw new HTTPError(message, { response: this })
  }

  /**
   * The body in chunks of `chunkSize` bytes, the last of which may be shorter. Default: chunks as received.
   *
   * @throws TypeError for a wrong `chunkSize`; while iterating, StreamConsumedError on a second iteration of a body that has
   *   not been read
   */
  iterContent(chunkSize?: number | null): AsyncGenerator<Buffer, void, undefined> {
    if (chunkSize !== undefined && chunkSize !== null) checkInteger('chunkSize', chunkSize, 1)
    const chunks = this.#body.chunks()
    return chunkSize === undefined || chunkSize === null ? chunks : rechunk(chunks, chunkSize)
  }

  /**
   * The lines of the body as text, without their ends. The charset is `encoding` if assigned, else that of the Content-Type,
   * else UTF-8, the charset of event streams.
   */
  async *iterLines(): AsyncGenerator<string, void, undefined> {
    const charset = this.#encoding === undefined ? charsetParameter(this.header('content-type')) : this.#encoding
    const decoder = streamDecoder(charset ?? 'utf-8', { sniffed: this.#encoding === undefined })
    yield* lines(this.iterContent(), decoder)
  }

  /** The body in chunks as received. */
  [Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    return this.iterContent()
  }

  /** Discards a body that has not been read to its end, and destroys its connection. */
  close(): void {
    this.#body.close()
  }

  /** Closes, for `using`. */
  [Symbol.dispose](): void {
    this.close()
  }

  /** Leaves out headers and body, which may hold credentials. */
  toJSON(): object {
    const { statusCode, reason } = this
    return { statusCode, reason, url: redactUrl(this.url) }
  }

  /** Short, as in requests: the request and the headers hold credentials. */
  [inspect.custom](): string {
    return `Response [${this.statusCode}] ${redactUrl(this.url)}`
  }

  /** @throws RequestException if the body is longer than a string can be */
  #toText(decode: () => string): string {
    try {
      return decode()
    } catch (cause) {
      const { length } = this.content
      if (length <= MAX_TEXT_BYTES) throw cause
      const message = `the response of ${redactUrl(this.url)} is too long for a string: ${length} bytes; stream it, or read content`
      throw new RequestException(message, { code: 'ERR_STRING_TOO_LONG', response: this, cause })
    }
  }
}

/** A string of so many bytes can always be made. */
const MAX_TEXT_BYTES = 268_435_456

/** `chardet` takes 0.2 s for each MB, and the beginning suffices. */
const DETECTION_BYTES = 65_536
