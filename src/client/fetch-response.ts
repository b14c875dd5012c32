/** The response of `fetch`: a `Response` of Node with the head and the body of an answer. */

import { headerPairs } from '../http/raw-headers.ts'
import type { AdapterResponse } from '../transport/adapter.ts'
import { type BodyRules, UnreadBody } from './unread-body.ts'

/** What a `Response` made by hand cannot be given. */
export interface ResponseFacts {
  readonly url: string
  readonly redirected: boolean
  readonly type: globalThis.Response['type']
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
  const content = body === null || body instanceof Uint8Array ? body : new UnreadBody(answer, body)
  const head = { ...facts, status: statusCode, statusText: reason, headers: headerPairs(rawHeaders) }
  return new (servedResponse())(head, content)
}

const DECODER = new TextDecoder()

/** RFC 9112, section 4. */
const REASON_PHRASE = /^[\t\x20-\x7e\x80-\xff]*$/

/** All of a response but its body. */
interface Head extends ResponseFacts {
  readonly status: number
  readonly statusText: string
  readonly headers: Iterable<readonly [name: string, value: string]>
}

/** A body: not read yet, its bytes, or none. */
type Content = UnreadBody | Uint8Array<ArrayBuffer> | null

type ServedResponse = new (head: Head, content: Content, inner?: globalThis.Response) => globalThis.Response

let served: { readonly global: typeof globalThis.Response; readonly subclass: ServedResponse } | undefined

/** Made at the first use, since Node loads its `Response` then. */
function servedResponse(): ServedResponse {
  const global = globalThis.Response
  if (served?.global !== global) served = { global, subclass: subclassOf(baseOf(global)) }
  return served.subclass
}

/**
 * Node's `Response`, as Node's `fetch` uses it, even if a framework has put a subclass in its place. Such a subclass may remember what it
 * was made with, and take that for the body.
 */
function baseOf(global: typeof globalThis.Response): typeof globalThis.Response {
  let base = global
  for (let parent = base; Object.hasOwn(parent, 'prototype'); parent = Object.getPrototypeOf(parent)) base = parent
  return isExtensible(base) ? base : global
}

/** The constructor of `Response`, of which the types declare properties where it has accessors. */
declare class PlainResponse {
  constructor(body: null, init?: ResponseInit)
  get headers(): Headers
}

/** The class to extend. The constructor of a class that cannot be extended is left out. */
function extensible(Base: typeof globalThis.Response): typeof PlainResponse {
  if (isExtensible(Base)) return Base
  class Bare {
    readonly #headers = new Headers()
    get headers(): Headers {
      return this.#headers
    }
  }
  Object.setPrototypeOf(Bare.prototype, Base.prototype)
  return Bare
}

/**
 * A polyfill (whatwg-fetch, happy-dom) may define properties on each instance, which would hide those of a subclass or could not be
 * assigned; a mock may return an object of another class.
 */
function isExtensible(Base: typeof globalThis.Response): boolean {
  try {
    const sample = new Base(null)
    return sample instanceof Base && !Object.hasOwn(sample, 'url')
  } catch {
    return false
  }
}

/**
 * A `Response` with what its constructor refuses: a URL, any status, and a body that is read where it arrives. The web stream, which
 * costs more than the rest of the response, and the headers are made for those who ask for them.
 */
function subclassOf(Base: typeof globalThis.Response): ServedResponse {
  const Plain = extensible(Base)
  let streams: boolean | undefined
  const hasStreams = () => {
    streams ??= new Base(new ReadableStream()).body !== undefined
    return streams
  }
  class Served extends Plain implements globalThis.Response {
    readonly #head: Head
    readonly #content: Content
    /** Has the body, once a method of `Response` is to read it. */
    #inner: globalThis.Response | undefined
    #hasHeaders = false

    /** @param inner has the body of a clone */
    constructor(head: Head, content: Content, inner?: globalThis.Response) {
      super(null, standardInit(head))
      this.#head = head
      this.#content = content
      this.#inner = inner
    }

    get url(): string {
      return this.#head.url
    }
    get redirected(): boolean {
      return this.#head.redirected
    }
    get type(): globalThis.Response['type'] {
      return this.#head.type
    }
    get status(): number {
      return this.#head.status
    }
    get statusText(): string {
      return this.#head.statusText
    }
    get ok(): boolean {
      return this.#head.status >= 200 && this.#head.status <= 299
    }

    override get headers(): Headers {
      const headers = super.headers
      if (!this.#hasHeaders) {
        this.#hasHeaders = true
        for (const [name, value] of this.#head.headers) addHeader(headers, name, value)
      }
      return headers
    }

    get body(): globalThis.Response['body'] {
      return this.#streamed().body
    }
    get bodyUsed(): boolean {
      return this.#unread ? this.#unread.isUsed : (this.#inner?.bodyUsed ?? false)
    }

    async text(): Promise<string> {
      return this.#text()
    }
    async json(): Promise<unknown> {
      return JSON.parse(await this.#text())
    }
    // Copies: the memory of Node's chunks is shared.
    async bytes(): Promise<Uint8Array<ArrayBuffer>> {
      return this.#bytes()
    }
    async arrayBuffer(): Promise<ArrayBuffer> {
      return (await this.#bytes()).buffer
    }
    async blob(): Promise<Blob> {
      return this.#streamed().blob()
    }
    async formData(): Promise<FormData> {
      return this.#streamed().formData()
    }
    clone(): globalThis.Response {
      return new Served({ ...this.#head, headers: [...this.headers] }, null, this.#streamed().clone())
    }

    /** The body that is to be read where it arrives, unless a stream of it was made. */
    get #unread(): UnreadBody | undefined {
      return this.#content instanceof UnreadBody && this.#inner === undefined ? this.#content : undefined
    }

    async #text(): Promise<string> {
      return this.#unread ? DECODER.decode(await this.#unread.read()) : this.#streamed().text()
    }

    async #bytes(): Promise<Uint8Array<ArrayBuffer>> {
      return new Uint8Array(await (this.#unread ? this.#unread.read() : this.#streamed().arrayBuffer()))
    }

    #streamed(): globalThis.Response {
      if (this.#inner) return this.#inner
      if (this.#content !== null && !hasStreams()) throw new TypeError(NO_STREAMS)
      const isUsed = this.#unread?.isUsed === true
      const body = isUsed ? '' : this.#content instanceof UnreadBody ? this.#content.toStream() : this.#content
      const inner = new Base(body, { ...standardInit(this.#head), headers: this.headers })
      if (isUsed) void inner.text()
      this.#inner = inner
      return inner
    }
  }
  for (const name of Object.getOwnPropertyNames(Served.prototype)) {
    // As members of `Response` are (Web IDL), for those who copy or print them.
    Object.defineProperty(Served.prototype, name, { enumerable: true })
  }
  // What libraries print or compare.
  Object.defineProperty(Served.prototype, 'constructor', { value: Base, enumerable: false })
  return Served
}

const NO_STREAMS =
  'globalThis.Response was replaced by a class without streams: use text(), json(), bytes() or arrayBuffer() of the response'

/** What the constructor of `Response` accepts of a head. */
function standardInit({ status, statusText }: Head): ResponseInit | undefined {
  return status >= 200 && status <= 599 && REASON_PHRASE.test(statusText) ? { status, statusText } : undefined
}

/** A value that Node's parser accepts and `Headers` does not is left out. */
function addHeader(headers: Headers, name: string, value: string): void {
  try {
    headers.append(name, value)
  } catch {}
}
