/** The response of `fetch`: the global `Response`, with the body as it arrives. */

import type { Readable } from 'node:stream'
import type { ReadableByteStreamController } from 'node:stream/web'
import { toBuffer } from '../body/read.ts'
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

/** The body as a stream of bytes. Nothing is read before it is asked for, so that a slow reader slows the server down. */
export function bodyStream({ body, rawHeaders }: AdapterResponse, rules: BodyRules): ReadableStream<Uint8Array> {
  // Of an encoded body it is the length before decoding.
  const isEncoded = headerValues(rawHeaders, 'content-encoding').length > 0
  const [length] = isEncoded ? [] : headerValues(rawHeaders, 'content-length')
  return new ReadableStream(new ByteSource(body, Number(length), rules))
}

/** @param body `null` for a response without one */
export function toResponse(
  { statusCode, reason, rawHeaders }: AdapterResponse,
  body: ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer> | null,
  facts: ResponseFacts,
): globalThis.Response {
  // Of other responses the constructor makes none; what it refuses becomes a property.
  const isStandard = statusCode >= 200 && statusCode <= 599 && REASON_PHRASE.test(reason)
  const init = isStandard ? { status: statusCode, statusText: reason } : { status: 500 }
  const response = new globalThis.Response(body, init)
  const { headers } = response
  if (body instanceof Uint8Array) headers.delete('content-type')
  for (const [name, value] of headerPairs(rawHeaders)) addHeader(headers, name, value)
  if (isStandard) return describe(response, { ...facts })
  return describe(response, {
    ...facts,
    status: statusCode,
    statusText: reason,
    ok: statusCode >= 200 && statusCode <= 299,
  })
}

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
  for (const name of Object.keys(facts)) {
    Object.defineProperty(response, name, { value: facts[name], configurable: true })
  }
  const clone = () => describe(globalThis.Response.prototype.clone.call(response), facts)
  return Object.defineProperty(response, 'clone', { value: clone, configurable: true, writable: true })
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
    this.#body.on('readable', wake).on('end', wake).on('error', wake).on('close', wake)
    this.#rules.signal?.addEventListener('abort', this.#abort)
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
      this.#finish()
      const error = body.errored ?? new Error('the connection was closed before the end of the body')
      return Promise.reject(this.#rules.toFailure(error))
    }
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    return promise.then(() => this.pull(controller))
  }

  cancel(): void {
    this.#finish()
    this.#body.destroy()
  }

  #close(controller: ReadableByteStreamController): void {
    this.#finish()
    controller.close()
    controller.byobRequest?.respond(0)
  }

  /** Also of a body that has arrived and has not been read. */
  readonly #abort = (): void => {
    this.#finish()
    this.#controller?.error(this.#rules.signal?.reason)
    this.#body.destroy()
    this.#wake?.()
  }

  #finish(): void {
    this.#rules.signal?.removeEventListener('abort', this.#abort)
  }
}
