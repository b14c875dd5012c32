/** The response to a request: status, headers and body. */
import { isUtf8 } from 'node:buffer'
import type { Readable } from 'node:stream'
import { inspect } from 'node:util'
import { charsetOf, charsetParameter, decodeJson, decodeText, streamDecoder } from '../body/charset.ts'
import { lines, mapStream, readChunks, rechunk, toBuffer } from '../body/read.ts'
import { redactUrl } from '../core/credentials.ts'
import { ConnectionError, HTTPError, JSONDecodeError, RequestException, StreamConsumedError } from '../core/errors.ts'
import { chardet } from '../core/lazy.ts'
import { CookieJar } from '../http/cookies.ts'
import { type Link, parseLinkHeader } from '../http/link-header.ts'
import type { AdapterResponse } from '../transport/adapter.ts'
import type { TlsInfo } from '../transport/tls-info.ts'
import type { PreparedRequest } from './prepared-request.ts'
import { isRedirect } from './redirects.ts'

declare module '../core/errors.ts' {
  interface ErrorResponse extends Response {}
}

/**
 * The answer to a request.
 *
 * With `stream: false` the body has been read: `content`, `text` and `json()` are there at once. With `stream: true` it
 * waits: read it with `for await`, `iterContent`, `iterLines` or all of it with `read()`, or let go of it with `close()`.
 *
 * @example
 * const response = await get('https://example.com/data.json')
 * response.raiseForStatus().json()
 */
export class Response {
  readonly statusCode: number
  /** The reason phrase of the status line, e.g. `Not Found`; may be empty. */
  readonly reason: string
  /** The request that was answered: after redirects, the last one. */
  readonly request: PreparedRequest
  /** The responses that redirected here, the oldest first. */
  history: Response[] = []
  /** ms from sending the request to the arrival of the headers. */
  readonly elapsed: number
  /** The connection's TLS side; `null` for plain http. */
  readonly tls: TlsInfo | null
  /** The request that a redirect asks for, when redirects were not followed; `null` as well when it cannot be made. */
  next: PreparedRequest | null = null

  /** As the adapter gave it. */
  readonly #body: Readable
  #raw: Readable | undefined
  readonly #rawHeaders: readonly string[]
  readonly #mapBodyError: (error: Error) => Error
  readonly #maxSize: number | undefined
  #headers: Headers | undefined
  #content: Buffer | undefined
  #reading: Promise<Buffer> | undefined
  #consumed = false
  /** What was assigned; `undefined`: nothing was. */
  #encoding: string | null | undefined

  /**
   * Not for users: responses come from sessions.
   *
   * @param elapsed ms
   * @param maxSize the largest body to accept, in bytes after decoding
   */
  constructor(answer: AdapterResponse, request: PreparedRequest, elapsed: number, maxSize: number | undefined) {
    this.statusCode = answer.statusCode
    this.reason = answer.reason
    this.request = request
    this.elapsed = elapsed
    this.tls = answer.tls
    this.#body = answer.body
    this.#rawHeaders = answer.rawHeaders
    this.#maxSize = maxSize
    this.#mapBodyError = answer.mapBodyError ?? ((error) => new ConnectionError(error.message, { cause: error }))
  }

  /** The body as a stream of decompressed bytes. Reading from it directly bypasses `content`. */
  get raw(): Readable {
    // Made for who asks: it costs, and what `read()` and the iterators need is there without.
    this.#raw ??= mapStream(this.#body, this.#described())
    return this.#raw
  }

  /** The URL that answered, after redirects; without credentials. */
  get url(): string {
    return this.request.url
  }

  /** Whether `raiseForStatus()` would let it pass: the status is neither 4xx nor 5xx. */
  get ok(): boolean {
    return this.statusCode < 400 || this.statusCode >= 600
  }

  /** The headers, found by name in any case; repeated ones joined by `, `. */
  get headers(): Headers {
    if (this.#headers === undefined) {
      this.#headers = new Headers()
      for (const [name, value] of headerPairs(this.#rawHeaders)) this.#headers.append(name, value)
    }
    return this.#headers
  }

  /**
   * @internal The first value of a header, without making a `Headers` (which loads all of fetch: 10 ms once).
   * @param name in lower case
   */
  header(name: string): string | undefined {
    const at = this.#indexOf(name, 0)
    return at < 0 ? undefined : this.#rawHeaders[at + 1]
  }

  /** @internal All values of a header. */
  headerValues(name: string): string[] {
    const values: string[] = []
    for (let at = this.#indexOf(name, 0); at >= 0; at = this.#indexOf(name, at + 2)) {
      values.push(this.#rawHeaders[at + 1] ?? '')
    }
    return values
  }

  #indexOf(name: string, from: number): number {
    for (let at = from; at < this.#rawHeaders.length; at += 2) {
      const each = this.#rawHeaders[at] ?? ''
      if (each.length === name.length && each.toLowerCase() === name) return at
    }
    return -1
  }

  /** The cookies that this response sets. */
  get cookies(): CookieJar {
    const jar = new CookieJar()
    jar.store(this.headerValues('set-cookie'), this.request.target)
    return jar
  }

  /** Whether this is a redirect that could be followed. */
  get isRedirect(): boolean {
    return isRedirect(this.statusCode) && this.header('location') !== undefined
  }

  /** Whether this is a redirect of the permanent kind (301, 308). */
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
   * @throws StreamConsumedError when it was streamed, or is still to be read (`await response.read()`)
   */
  get content(): Buffer {
    if (this.#content !== undefined) return this.#content
    throw this.#consumed
      ? new StreamConsumedError('The content for this response was already consumed', { response: this })
      : new StreamConsumedError('the body has not been read yet: await response.read(), or iterate over it', {
          response: this,
        })
  }

  /** Reads the whole body, unless that was done before, and keeps it as `content`. */
  read(): Promise<Buffer> {
    this.#reading ??= this.#readAll()
    return this.#reading
  }

  async #readAll(): Promise<Buffer> {
    const chunks: Buffer[] = []
    const take = this.#begin()
    try {
      await readChunks(this.#source, (chunk) => chunks.push(take(chunk)))
    } catch (error) {
      throw this.#describe(error)
    }
    this.#content = chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)
    return this.#content
  }

  /**
   * The charset that `text` decodes with; assign another to override it. From the Content-Type: its charset, else
   * ISO-8859-1 for text (RFC 2616's default, as in requests), UTF-8 for JSON, `null` for anything else.
   */
  get encoding(): string | null {
    return this.#encoding === undefined ? charsetOf(this.header('content-type')) : this.#encoding
  }

  set encoding(value: string | null) {
    this.#encoding = value
  }

  /** The charset that the bytes look like. */
  get apparentEncoding(): string {
    const { content } = this
    // The beginning tells enough; guessing takes 0.2 s for each MB.
    return isUtf8(content) ? 'utf-8' : (chardet().detect(content.subarray(0, 65_536))?.toLowerCase() ?? 'utf-8')
  }

  /** The body as text, by `encoding`, or by `apparentEncoding` when that is `null`. What cannot be decoded is U+FFFD. */
  get text(): string {
    const { content } = this
    return content.length === 0 ? '' : decodeText(content, this.encoding ?? this.apparentEncoding)
  }

  /**
   * The body parsed as JSON.
   *
   * @throws JSONDecodeError when it is not
   */
  json<T = unknown>(): T {
    const { content } = this
    const charset = this.#encoding === undefined ? charsetParameter(this.header('content-type')) : this.#encoding
    const text = charset === undefined || charset === null ? decodeJson(content) : this.text
    try {
      return JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text)
    } catch (cause) {
      const problem = cause instanceof Error ? cause.message : String(cause)
      throw new JSONDecodeError(`the response of ${this.url} is not JSON: ${problem}`, { response: this, cause })
    }
  }

  /** Returns the response when it is {@link ok}. @throws HTTPError otherwise, in requests' words */
  raiseForStatus(): this {
    if (this.ok) return this
    const kind = this.statusCode < 500 ? 'Client' : 'Server'
    const message = `${this.statusCode} ${kind} Error: ${this.reason} for url: ${redactUrl(this.url)}`
    throw new HTTPError(message, { response: this })
  }

  /**
   * The body piece by piece: of `chunkSize` bytes (the last one may be shorter), or as it arrives.
   *
   * @throws TypeError for a wrong `chunkSize`; while iterating StreamConsumedError on a second pass over a body that was not
   *   read before
   */
  iterContent(chunkSize?: number | null): AsyncGenerator<Buffer, void, undefined> {
    if (chunkSize !== undefined && chunkSize !== null && !(Number.isInteger(chunkSize) && chunkSize > 0)) {
      throw new TypeError(`chunkSize must be a whole number of bytes, or null, not ${String(chunkSize)}`)
    }
    const source = this.#content === undefined ? this.#stream() : whole(this.#content)
    return chunkSize === undefined || chunkSize === null ? source : rechunk(source, chunkSize)
  }

  /**
   * The body line by line, as text, without line ends. Without a charset in the Content-Type, or an `encoding` of yours, it is
   * UTF-8, as that of event streams always is.
   */
  async *iterLines(): AsyncGenerator<string, void, undefined> {
    const charset = this.#encoding === undefined ? charsetParameter(this.header('content-type')) : this.#encoding
    yield* lines(this.iterContent(), streamDecoder(charset ?? 'utf-8'))
  }

  [Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    return this.iterContent()
  }

  /** Lets go of a body that is not wanted: what has not arrived is given up together with its connection. */
  close(): void {
    if (this.#source.readableEnded) return
    this.#consumed = true
    this.#source.destroy()
  }

  /** Closes, for `using`. */
  [Symbol.dispose](): void {
    this.close()
  }

  /** As short as what is shown, for the same reason. */
  toJSON(): object {
    const { statusCode, reason } = this
    return { statusCode, reason, url: redactUrl(this.url) }
  }

  /** Short, as in requests: what is inside (the connection, the request as sent) holds credentials. */
  [inspect.custom](): string {
    return `Response [${this.statusCode}] ${redactUrl(this.url)}`
  }

  async *#stream(): AsyncGenerator<Buffer, void, undefined> {
    const take = this.#begin()
    try {
      for await (const chunk of this.#source as AsyncIterable<unknown>) yield take(chunk)
    } catch (error) {
      throw this.#describe(error)
    }
  }

  /** For `raw`. */
  async *#described(): AsyncGenerator<Buffer, void, undefined> {
    try {
      for await (const chunk of this.#body as AsyncIterable<unknown>) yield toBuffer(chunk)
    } catch (error) {
      throw this.#describe(error)
    }
  }

  /** What is read: who has begun with `raw` may go on with `read()`. */
  get #source(): Readable {
    return this.#raw ?? this.#body
  }

  /** Marks the body as taken; what it returns makes bytes of each chunk and counts them. */
  #begin(): (chunk: unknown) => Buffer {
    if (this.#consumed || this.#source.readableEnded) {
      throw new StreamConsumedError('The content for this response was already consumed', { response: this })
    }
    this.#consumed = true
    const max = this.#maxSize ?? Number.POSITIVE_INFINITY
    let size = 0
    return (chunk) => {
      const bytes = toBuffer(chunk)
      size += bytes.length
      if (size > max) throw this.#tooLarge(max)
      return bytes
    }
  }

  #tooLarge(limit: number): RequestException {
    return new RequestException(`the response of ${this.url} is larger than maxResponseSize (${limit} bytes)`, {
      code: 'ERR_MAX_RESPONSE_SIZE',
      response: this,
    })
  }

  #describe(error: unknown): unknown {
    if (!(error instanceof Error)) return error
    const mapped = error instanceof RequestException ? error : this.#mapBodyError(error)
    if (mapped instanceof RequestException) {
      mapped.request ??= this.request
      mapped.response ??= this
    }
    return mapped
  }
}

async function* whole(content: Buffer): AsyncGenerator<Buffer, void, undefined> {
  if (content.length > 0) yield content
}

function* headerPairs(rawHeaders: readonly string[]): Generator<[string, string]> {
  for (let index = 0; index < rawHeaders.length; index += 2) {
    yield [rawHeaders[index] ?? '', rawHeaders[index + 1] ?? '']
  }
}
