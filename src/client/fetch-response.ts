/** The response of `fetch`: the global `Response`, with the body as it arrives. */
import type { Readable } from 'node:stream'
import type { ReadableByteStreamController } from 'node:stream/web'
import { toBuffer } from '../body/read.ts'
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
export function bodyStream(body: Readable, rules: BodyRules): ReadableStream<Uint8Array> {
  return new ReadableStream(new ByteSource(body, rules))
}

/** @param body `null` for a response without one */
export function toResponse(
  { statusCode, reason, rawHeaders }: AdapterResponse,
  body: ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer> | null,
  facts: ResponseFacts,
): globalThis.Response {
  // The constructor takes no other status.
  const isKnown = statusCode >= 200 && statusCode <= 599
  const response = new globalThis.Response(body, { status: isKnown ? statusCode : 500 })
  const { headers } = response
  if (body instanceof Uint8Array) headers.delete('content-type')
  for (let index = 0; index < rawHeaders.length; index += 2)
    addHeader(headers, rawHeaders[index] ?? '', rawHeaders[index + 1] ?? '')
  return describe(
    response,
    isKnown ? { ...facts, statusText: reason } : { ...facts, statusText: reason, status: statusCode },
  )
}

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

/** Reads a Node stream for a web stream. */
class ByteSource {
  readonly type = 'bytes'
  readonly #body: Readable
  readonly #rules: BodyRules
  #controller: ReadableByteStreamController | undefined
  /** Ends the wait for more of the body. */
  #wake: (() => void) | undefined

  constructor(body: Readable, rules: BodyRules) {
    this.#body = body
    this.#rules = rules
  }

  start(controller: ReadableByteStreamController): void {
    this.#controller = controller
    const wake = () => this.#wake?.()
    for (const event of ['readable', 'end', 'error', 'close']) this.#body.on(event, wake)
    this.#rules.signal?.addEventListener('abort', this.#abort)
  }

  async pull(controller: ReadableByteStreamController): Promise<void> {
    const body = this.#body
    for (;;) {
      const chunk: unknown = body.read()
      if (chunk !== null) {
        // A copy: the stream transfers the memory of its chunks, and those of Node share theirs.
        const bytes = new Uint8Array(toBuffer(chunk))
        if (bytes.length === 0) continue
        controller.enqueue(bytes)
        return
      } else if (body.readableEnded) {
        this.#finish()
        controller.close()
        controller.byobRequest?.respond(0)
        return
      } else if (body.destroyed) {
        this.#finish()
        throw this.#rules.toFailure(body.errored ?? new Error('the connection was closed before the end of the body'))
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    }
  }

  cancel(): void {
    this.#finish()
    this.#body.destroy()
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
