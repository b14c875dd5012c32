/** The response of `fetch`: the global `Response`, with a streamed body. */

import type { Readable } from 'node:stream'
import type { ReadableByteStreamController } from 'node:stream/web'
import { readAll, toBuffer, truncatedBody } from '../body/read.ts'
import { headerPairs, headerValues } from '../http/raw-headers.ts'
import type { AdapterResponse } from '../transport/adapter.ts'

/** What a `Response` made by hand cannot be given. */
export interface ResponseFacts {
  readonly url: string
  readonly redirected: boolean
  readonly type: globalThis.Response['type']
}

/** How the body is read. */
export interface BodyRules {
  readonly signal: AbortSignal | undefined
  /** The error that the reader of the body gets. */
  readonly toFailure: (error: unknown) => unknown
}

/** Statuses whose responses have no body (Fetch standard, "null body status"). */
export function hasNoBody(method: string, statusCode: number): boolean {
  return method === 'HEAD' || statusCode === 204 || statusCode === 205 || statusCode === 304
}

/** @param body how to read it; its bytes, if it was read; `null` for a response without one */
export function toResponse(
  answer: AdapterResponse,
  body: BodyRules | Uint8Array<ArrayBuffer> | null,
  facts: ResponseFacts,
): globalThis.Response {
  const { statusCode, reason, rawHeaders } = answer
  // Of other responses the constructor makes none; what it refuses becomes a property.
  const isStandard = statusCode >= 200 && statusCode <= 599 && REASON_PHRASE.test(reason)
  const init = isStandard ? { status: statusCode, statusText: reason } : { status: 500 }
  const isRead = body === null || body instanceof Uint8Array
  const response = new globalThis.Response(isRead ? body : null, init)
  for (const [name, value] of headerPairs(rawHeaders)) addHeader(response.headers, name, value)
  const ok = statusCode >= 200 && statusCode <= 299
  const known = isStandard ? { ...facts } : { ...facts, status: statusCode, statusText: reason, ok }
  return isRead ? describe(response, known) : attachBody(response, new UnreadBody(answer, body), init, known)
}

const DECODER = new TextDecoder()

/** RFC 9112, section 4. */
const REASON_PHRASE = /^[\t\x20-\x7e\x80-\xff]*$/

/** A value that Node's parser accepts and `Headers` does not is left out. */
function addHeader(headers: Headers, name: string, value: string): void {
  try {
    headers.append(name, value)
  } catch {}
}

/** The getters of `Response` read what Node's own fetch keeps inside; properties of the object take precedence. */
function describe(response: globalThis.Response, facts: Readonly<Record<string, unknown>>): globalThis.Response {
  define(response, facts, false)
  const clone = () => describe(globalThis.Response.prototype.clone.call(response), facts)
  return define(response, { clone }, true)
}

function define(
  response: globalThis.Response,
  members: Readonly<Record<string, unknown>>,
  writable: boolean,
): globalThis.Response {
  for (const name of Object.keys(members)) {
    Object.defineProperty(response, name, { value: members[name], configurable: true, writable })
  }
  return response
}

/**
 * Gives a response a body. Its methods read it where it arrives; the web stream, which costs more than the rest of the response, is
 * made for those who ask for it.
 */
function attachBody(
  response: globalThis.Response,
  unread: UnreadBody,
  init: ResponseInit,
  facts: Readonly<Record<string, unknown>>,
): globalThis.Response {
  let streamed: globalThis.Response | undefined
  const toStreamed = () => {
    if (streamed) return streamed
    const body = unread.isUsed ? '' : unread.toStream()
    streamed = new globalThis.Response(body, { ...init, headers: response.headers })
    if (unread.isUsed) void streamed.text()
    return streamed
  }
  const text = async () => (streamed ? streamed.text() : DECODER.decode(await unread.read()))
  const json = async () => JSON.parse(await text())
  // A copy: the memory of Node's chunks is shared.
  const bytes = async () => new Uint8Array(streamed ? await streamed.arrayBuffer() : await unread.read())
  const arrayBuffer = async () => (streamed ? streamed.arrayBuffer() : (await bytes()).buffer)
  const blob = async () => toStreamed().blob()
  const formData = async () => toStreamed().formData()
  const clone = () => describe(toStreamed().clone(), facts)
  define(response, facts, false)
  define(response, { text, json, bytes, arrayBuffer, blob, formData, clone }, true)
  return Object.defineProperties(response, {
    body: { get: () => toStreamed().body, configurable: true },
    bodyUsed: { get: () => (streamed ? streamed.bodyUsed : unread.isUsed), configurable: true },
  })
}

/** Bodies whose response was collected before anyone asked for them: as with Node's fetch, that closes the connection. */
const abandoned = new FinalizationRegistry<Readable>((body) => body.destroy())

/** A body of which nothing is read before it is asked for, so that a slow reader slows the server down. */
class UnreadBody {
  readonly #answer: AdapterResponse
  readonly #rules: BodyRules
  /** Whether {@link read} was called. */
  isUsed = false

  constructor(answer: AdapterResponse, rules: BodyRules) {
    this.#answer = answer
    this.#rules = rules
    abandoned.register(this, answer.body, this)
  }

  /** All of it. @throws TypeError with Node's message if it was read; the failure */
  async read(): Promise<Buffer> {
    if (this.isUsed) throw new TypeError('Body is unusable: Body has already been read')
    this.isUsed = true
    abandoned.unregister(this)
    const { body } = this.#answer
    const { signal, toFailure } = this.#rules
    const abort = () => body.destroy()
    if (signal?.aborted) abort()
    signal?.addEventListener('abort', abort)
    try {
      return await readAll(body)
    } catch (error) {
      throw toFailure(error)
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  }

  /** All of it, as a stream of bytes. */
  toStream(): ReadableStream<Uint8Array> {
    abandoned.unregister(this)
    const { body, rawHeaders } = this.#answer
    // Of an encoded body it is the length before decoding.
    const isEncoded = headerValues(rawHeaders, 'content-encoding').length > 0
    const [length] = isEncoded ? [] : headerValues(rawHeaders, 'content-length')
    return new ReadableStream(new ByteSource(body, Number(length), this.#rules))
  }
}

/**
 * Reads a Node stream for a web stream.
 *
 * `pull` returns a promise only if it has to wait, and the stream is closed with the last chunk if its length is known: each
 * promise and each further `pull` of a byte stream costs more than the rest of the response together.
 */
class ByteSource {
  readonly type = 'bytes'
  readonly #body: Readable
  readonly #rules: BodyRules
  #controller: ReadableByteStreamController | undefined
  /** Ends the wait for more of the body. */
  #wake: (() => void) | undefined
  /** In bytes; `NaN` if the length is not known. */
  #left: number

  constructor(body: Readable, length: number, rules: BodyRules) {
    this.#body = body
    this.#left = length
    this.#rules = rules
  }

  start(controller: ReadableByteStreamController): void {
    this.#controller = controller
    const wake = () => this.#wake?.()
    this.#body.on('readable', wake).on('end', wake).on('error', wake)
    this.#body.on('close', () => {
      this.#finish()
      wake()
    })
    if (this.#rules.signal?.aborted) this.#abort()
    else if (!this.#body.closed) this.#rules.signal?.addEventListener('abort', this.#abort)
  }

  pull(controller: ReadableByteStreamController): Promise<void> | undefined {
    const body = this.#body
    const chunk: unknown = body.read()
    if (chunk !== null) {
      // A copy: the stream transfers the memory of its chunks, and those of Node share theirs.
      const bytes = new Uint8Array(toBuffer(chunk))
      if (bytes.length === 0) return this.pull(controller)
      controller.enqueue(bytes)
      this.#left -= bytes.length
      if (this.#left === 0 && body.readableLength === 0) {
        // Lets the Node stream end, which frees the connection.
        body.read()
        this.#close(controller)
      }
      return undefined
    }
    if (body.readableEnded) {
      this.#close(controller)
      return undefined
    }
    if (body.destroyed) {
      const error = body.errored ?? truncatedBody()
      return Promise.reject(this.#rules.toFailure(error))
    }
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    return promise.then(() => this.pull(controller))
  }

  cancel(): void {
    this.#body.destroy()
  }

  #close(controller: ReadableByteStreamController): void {
    this.#finish()
    controller.close()
    controller.byobRequest?.respond(0)
  }

  /** Also of a body that has arrived and has not been read. */
  readonly #abort = (): void => {
    this.#controller?.error(this.#rules.signal?.reason)
    this.#body.destroy()
    this.#wake?.()
  }

  #finish(): void {
    this.#rules.signal?.removeEventListener('abort', this.#abort)
  }
}
