/** The body of a response of `fetch`, until it is read: as a whole where it arrives, or through a web stream. */

import type { Readable } from 'node:stream'
import type { ReadableByteStreamController } from 'node:stream/web'
import { readAll, toBuffer, truncatedBody } from '../body/read.ts'
import { atEndOfIteration } from '../core/end-of-iteration.ts'
import { headerValues } from '../http/raw-headers.ts'
import type { AdapterResponse } from '../transport/adapter.ts'

/** How the body is read. */
export interface BodyRules {
  readonly signal: AbortSignal | undefined
  /** The error that the reader of the body gets. */
  readonly toFailure: (error: unknown) => unknown
}

/** Bodies that nobody can read any more, since their response or stream was collected: as with Node's fetch, that closes the connection. */
const abandoned = new FinalizationRegistry<Readable>((body) => body.destroy())

/**
 * Bodies that were received in this iteration of the event loop. Most are read in it: to register each would cost more than to read it,
 * mostly in garbage collection.
 */
let received: UnreadBody[] = []

function registerLater(body: UnreadBody): void {
  if (atEndOfIteration === undefined) {
    body.register()
    return
  }
  if (received.push(body) > 1) return
  atEndOfIteration(() => {
    const bodies = received
    received = []
    for (const each of bodies) each.register()
  })
}

/** A body of which nothing is read before it is asked for, so that a slow reader slows the server down. */
export class UnreadBody {
  readonly #answer: AdapterResponse
  readonly #rules: BodyRules
  /** Whether {@link read} was called. */
  isUsed = false
  #isTaken = false
  #isRegistered = false

  constructor(answer: AdapterResponse, rules: BodyRules) {
    this.#answer = answer
    this.#rules = rules
    registerLater(this)
  }

  /** Closes the connection once nobody can read this body any more. */
  register(): void {
    if (this.#isTaken) return
    this.#isRegistered = true
    abandoned.register(this, this.#answer.body, this)
  }

  /** All of it. @throws TypeError with Node's message if it was read; the failure */
  async read(): Promise<Buffer> {
    if (this.isUsed) throw new TypeError('Body is unusable: Body has already been read')
    this.isUsed = true
    this.#take()
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
    this.#take()
    const { body, rawHeaders } = this.#answer
    // Of an encoded body it is the length before decoding.
    const isEncoded = headerValues(rawHeaders, 'content-encoding').length > 0
    const [length] = isEncoded ? [] : headerValues(rawHeaders, 'content-length')
    const stream = new ReadableStream(new ByteSource(body, Number(length), this.#rules))
    abandoned.register(stream, body)
    return stream
  }

  #take(): void {
    this.#isTaken = true
    if (this.#isRegistered) abandoned.unregister(this)
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
  /** Weak: the listeners of the body refer to this source, and would keep a stream that nobody reads. */
  #controller: WeakRef<ReadableByteStreamController> | undefined
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
    this.#controller = new WeakRef(controller)
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
    this.#controller?.deref()?.error(this.#rules.signal?.reason)
    this.#body.destroy()
    this.#wake?.()
  }

  #finish(): void {
    this.#rules.signal?.removeEventListener('abort', this.#abort)
  }
}
