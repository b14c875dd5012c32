/** The body of a response: a stream that is read once, up to the size limit, and buffered if it is read as a whole. */
import type { Readable } from 'node:stream'
import { MappedStream, readAll, toBuffer } from '../body/read.ts'
import { redactUrl } from '../core/credentials.ts'
import { ConnectionError, type ErrorResponse, RequestException, StreamConsumedError } from '../core/errors.ts'
import { printable } from '../core/printable.ts'
import type { AdapterResponse } from '../transport/adapter.ts'

export class ResponseBody {
  /** For errors. */
  readonly #response: ErrorResponse
  /** The adapter's stream. */
  readonly #received: Readable
  readonly #mapError: (error: Error) => Error
  readonly #maxSize: number
  #raw: Readable | undefined
  #content: Buffer | undefined
  #reading: Promise<Buffer> | undefined
  #isConsumed = false
  #isClosed = false

  /** @param maxSize in bytes after decoding */
  constructor(
    { body, mapBodyError }: AdapterResponse,
    response: ErrorResponse,
    maxSize: number = Number.POSITIVE_INFINITY,
  ) {
    this.#received = body
    // Without a listener, an 'error' event before the body is read would end the process.
    body.on('error', () => {})
    this.#response = response
    this.#maxSize = maxSize
    this.#mapError = mapBodyError ?? ((error) => new ConnectionError(printable(error.message), { cause: error }))
  }

  /** The decompressed bytes; reading them bypasses `content`. */
  get raw(): Readable {
    // Created on demand: `read()` and the iterators do not need it.
    if (this.#raw === undefined) {
      this.#raw = new MappedStream(this.#received, this.#withContext())
      // After `close()`: the error of a body that ended early would blame the server.
      if (this.#isClosed) this.#raw.destroy()
    }
    return this.#raw
  }

  /** @throws StreamConsumedError if it was streamed, or has not been read yet */
  get content(): Buffer {
    if (this.#content !== undefined) return this.#content
    throw this.#isConsumed
      ? this.#consumedError()
      : new StreamConsumedError('the body has not been read yet: await response.read(), or iterate over it', {
          response: this.#response,
        })
  }

  /** Reads everything and keeps it as `content`. @throws RequestException if reading fails */
  read(): Promise<Buffer> {
    this.#reading ??= this.#readAll()
    return this.#reading
  }

  /** The chunks as received, or the whole content if it was read. */
  chunks(): AsyncGenerator<Buffer, void, undefined> {
    return this.#content === undefined ? this.#stream() : singleChunk(this.#content)
  }

  /** Discards what has not been read, and destroys the connection. */
  close(): void {
    if (this.#source.readableEnded) return
    this.#isConsumed = true
    this.#isClosed = true
    this.#source.destroy()
  }

  /** The stream to read: after `raw` was used, `read()` reads its rest. */
  get #source(): Readable {
    return this.#raw ?? this.#received
  }

  async #readAll(): Promise<Buffer> {
    const accept = this.#startReading()
    try {
      this.#content = await readAll(this.#source, accept)
      return this.#content
    } catch (error) {
      throw this.#attachContext(error)
    }
  }

  async *#stream(): AsyncGenerator<Buffer, void, undefined> {
    const accept = this.#startReading()
    try {
      for await (const chunk of this.#source as AsyncIterable<unknown>) yield accept(chunk)
    } catch (error) {
      throw this.#attachContext(error)
    }
  }

  /** For `raw`. */
  async *#withContext(): AsyncGenerator<Buffer, void, undefined> {
    try {
      for await (const chunk of this.#received as AsyncIterable<unknown>) yield toBuffer(chunk)
    } catch (error) {
      throw this.#attachContext(error)
    }
  }

  /** Marks the body as consumed. Returns a function that converts each chunk to bytes and checks the total size. */
  #startReading(): (chunk: unknown) => Buffer {
    if (this.#isConsumed || this.#source.readableEnded) throw this.#consumedError()
    this.#isConsumed = true
    let size = 0
    return (chunk) => {
      const bytes = toBuffer(chunk)
      size += bytes.length
      if (size > this.#maxSize) throw this.#tooLarge()
      return bytes
    }
  }

  #consumedError(): StreamConsumedError {
    return new StreamConsumedError('The content for this response was already consumed', { response: this.#response })
  }

  #tooLarge(): RequestException {
    const url = redactUrl(this.#response.request.url)
    return new RequestException(`the response of ${url} is larger than maxResponseSize (${this.#maxSize} bytes)`, {
      code: 'ERR_MAX_RESPONSE_SIZE',
      response: this.#response,
    })
  }

  #attachContext(error: unknown): unknown {
    if (!(error instanceof Error)) return error
    const mapped = error instanceof RequestException ? error : this.#mapError(error)
    if (mapped instanceof RequestException) {
      mapped.request ??= this.#response.request
      mapped.response ??= this.#response
    }
    return mapped
  }
}

async function* singleChunk(content: Buffer): AsyncGenerator<Buffer, void, undefined> {
  if (content.length > 0) yield content
}
