import { inspect } from 'node:util'
import { type Auth, type AuthInit, toAuth } from './auth/basic.ts'
import { type BodyOptions, type EncodedBody, encodeBody, NO_BODY } from './body/encode.ts'
import { typeName } from './body/pairs.ts'
import { CookieJar, type CookiesInit } from './cookies.ts'
import { UnrewindableBodyError } from './errors.ts'
import { HeaderMap, type HeadersInit } from './headers.ts'
import { mustStripAuth, type RedirectStep } from './redirects.ts'
import type { Response } from './response.ts'
import type { WireRequest } from './transport/adapter.ts'
import { getUrlAuth, type ParamsInit, prepareUrl, redactUrl, withoutAuth } from './url.ts'

/** A function that sees each response, and may give back another one in its place. */
// biome-ignore lint/suspicious/noConfusingVoidType: a function without a return statement is to be accepted
export type ResponseHook = (response: Response) => Response | undefined | void | Promise<Response | undefined | void>

/** What `hooks` takes: those of a call replace those of the session, as in requests. */
export interface HooksInit {
  readonly response?: ResponseHook | readonly ResponseHook[] | null | undefined
}

/** The parts of a request that make up what is sent. */
export interface RequestParts extends BodyOptions {
  /** Appended to the URL's query. */
  readonly params?: ParamsInit | null | undefined
  readonly headers?: HeadersInit | null | undefined
  readonly cookies?: CookiesInit | null | undefined
  /** `[user, password]`, an `Auth`, or a function of the prepared request. */
  readonly auth?: AuthInit<PreparedRequest> | null | undefined
  readonly hooks?: HooksInit | null | undefined
}

/**
 * A request as the user describes it; {@link Session.prepareRequest} makes a {@link PreparedRequest} of it.
 *
 * @example
 * const prepared = session.prepareRequest(new Request('POST', url, { json: { a: 1 } }))
 * const response = await session.send(prepared)
 */
export class Request {
  method: string
  url: string | URL
  parts: RequestParts

  constructor(method: string, url: string | URL, parts: RequestParts = {}) {
    this.method = method
    this.url = url
    this.parts = parts
  }

  /** Short: the parts hold credentials. */
  [inspect.custom](): string {
    return `Request ${this.method} ${redactUrl(this.url)}`
  }

  /** Prepares it alone, without a session's headers and cookies. */
  prepare(): PreparedRequest {
    return PreparedRequest.prepare({
      method: this.method,
      url: this.url,
      params: this.parts.params,
      headers: HeaderMap.from(this.parts.headers),
      body: this.parts,
      auth: this.parts.auth ?? undefined,
      cookies: CookieJar.from(this.parts.cookies),
      hooks: toHooks(this.parts.hooks),
    })
  }
}

/** What a {@link PreparedRequest} is made of, session and call merged. */
export interface PrepareInit {
  readonly method: string
  readonly url: string | URL
  readonly params: ParamsInit | null | undefined
  readonly headers: HeaderMap
  readonly body: BodyOptions
  readonly auth: AuthInit<PreparedRequest> | undefined
  readonly cookies: CookieJar
  readonly hooks: readonly ResponseHook[]
}

/** What goes over the wire: the exact method, URL, headers and body. */
export class PreparedRequest implements WireRequest {
  method: string
  /** The URL, without credentials. */
  target: URL
  readonly headers: HeaderMap
  /** The body and what is known about it. */
  encoded: EncodedBody
  /** The cookies that this request and those it is redirected to may send. */
  readonly cookies: CookieJar
  readonly hooks: readonly ResponseHook[]
  /** @internal An auth that takes its time; the session waits for it. */
  pendingAuth: Promise<PreparedRequest> | undefined
  /**
   * The URL that the user named: cookies without a domain go nowhere where its Authorization would not, however long the
   * chain of redirects.
   */
  readonly #home: URL
  /** @internal Whether a redirect led to another origin on the way here: the client certificate stays behind then. */
  foreign = false

  /** @internal Use {@link Session.prepareRequest} or {@link Request.prepare}. */
  constructor(
    method: string,
    target: URL,
    headers: HeaderMap,
    encoded: EncodedBody,
    cookies: CookieJar,
    hooks: readonly ResponseHook[],
    home = target,
  ) {
    this.method = method
    this.target = target
    this.headers = headers
    this.encoded = encoded
    this.cookies = cookies
    this.hooks = hooks
    this.#home = home
  }

  /**
   * @internal In requests' order: method, URL, headers, cookies, body, and the auth last, which sees the whole request.
   */
  static prepare(init: PrepareInit): PreparedRequest {
    const method = checkMethod(init.method)
    const url = prepareUrl(init.url, init.params)
    const encoded = encodeBody(init.body)
    const { headers } = init
    const prepared = new PreparedRequest(method, withoutAuth(url), headers, encoded, init.cookies, init.hooks)
    prepared.setCookieHeader()
    setBodyHeaders(method, headers, encoded)
    const auth = init.auth ?? getUrlAuth(url)
    return auth === undefined ? prepared : applyAuth(prepared, toAuth<PreparedRequest>(auth))
  }

  /** The URL as a string, without credentials. */
  get url(): string {
    return this.target.href
  }

  /** Path and query, as they stand in the request line. */
  get pathUrl(): string {
    return `${this.target.pathname}${this.target.search}`
  }

  get body(): EncodedBody['content'] {
    return this.encoded.content
  }

  /** An independent copy; the body is shared. */
  copy(): PreparedRequest {
    const { method, target, headers, encoded, cookies, hooks } = this
    const jar = CookieJar.from(cookies)
    const copy = new PreparedRequest(method, target, headers.clone(), encoded, jar, hooks, this.#home)
    copy.foreign = this.foreign
    return copy
  }

  /**
   * @internal The request that a redirect asks for.
   * @throws UnrewindableBodyError when it needs the body again and that was a stream
   */
  redirected(step: RedirectStep): PreparedRequest {
    const encoded = step.keepsBody ? this.encoded : NO_BODY
    if (!encoded.rewindable) {
      throw new UnrewindableBodyError('Unable to rewind request body for redirect: it is a stream that has been read', {
        request: this,
      })
    }
    const { method, url, headers } = step
    const next = new PreparedRequest(method, url, headers, encoded, this.cookies, this.hooks, this.#home)
    next.foreign = this.foreign || url.origin !== this.target.origin
    setBodyHeaders(method, headers, encoded)
    next.setCookieHeader()
    return next
  }

  /** @internal A Cookie header of the user's own wins over the jar. */
  setCookieHeader(): void {
    if (this.headers.has('Cookie')) return
    const value = this.cookies.headerFor(this.target, !mustStripAuth(this.#home, this.target))
    if (value !== undefined) this.headers.set('Cookie', value)
  }

  /** Credentials in the headers are not shown. */
  [inspect.custom](_depth: number, options: object, show: typeof inspect): string {
    return `PreparedRequest ${this.method} ${this.url} ${show(this.headers, options)}`
  }
}

/** The hooks as a list. @throws TypeError for anything but functions, and for an event that does not exist */
export function toHooks(hooks: HooksInit | null | undefined): readonly ResponseHook[] {
  if (hooks === undefined || hooks === null) return NO_HOOKS
  if (typeof hooks !== 'object' || Array.isArray(hooks)) {
    throw new TypeError(`hooks must be an object such as { response: fn }, not ${typeName(hooks)}`)
  }
  const unknown = Object.keys(hooks).find((name) => name !== 'response')
  if (unknown !== undefined) throw new TypeError(`hooks: Unsupported event specified, with event name "${unknown}"`)
  const given = hooks.response ?? NO_HOOKS
  const list: readonly unknown[] = Array.isArray(given) ? given : [given]
  if (!list.every((hook) => typeof hook === 'function')) {
    throw new TypeError('hooks.response must be a function or a list of functions')
  }
  return list as readonly ResponseHook[]
}

const NO_HOOKS: readonly ResponseHook[] = []

/** A token (RFC 9110 section 9.1), in capitals as requests writes it. */
function checkMethod(method: string): string {
  if (typeof method !== 'string' || !/^[\w!#$%&'*+.^`|~-]+$/.test(method)) {
    throw new TypeError(`method must be an HTTP method such as 'GET', not ${inspect(method)}`)
  }
  if (method.toUpperCase() === 'CONNECT') throw new TypeError('CONNECT opens a tunnel; it is not a request to send')
  return method.toUpperCase()
}

/** How the body ends is said by us, whatever the user set: a wrong length would mix up two requests. */
function setBodyHeaders(method: string, headers: HeaderMap, encoded: EncodedBody): void {
  if (encoded.contentType !== undefined && !headers.has('Content-Type')) {
    headers.set('Content-Type', encoded.contentType)
  }
  headers.delete('Content-Length')
  headers.delete('Transfer-Encoding')
  if (encoded.contentLength === undefined) headers.set('Transfer-Encoding', 'chunked')
  else if (encoded.content !== undefined || (method !== 'GET' && method !== 'HEAD')) {
    headers.set('Content-Length', String(encoded.contentLength))
  }
}

function applyAuth(prepared: PreparedRequest, auth: Auth<PreparedRequest>): PreparedRequest {
  const result = auth.apply(prepared)
  // Any thenable: `await` would take it as well.
  if (typeof result === 'object' && 'then' in result) {
    prepared.pendingAuth = Promise.resolve(result).then((request) => requestOfAuth(prepared, request))
    // Waited for when the request is sent; until then a rejection is not unhandled.
    prepared.pendingAuth.catch(() => {})
    return prepared
  }
  return requestOfAuth(prepared, result)
}

// biome-ignore lint/suspicious/noConfusingVoidType: what an auth without a return statement gives back
function requestOfAuth(prepared: PreparedRequest, result: PreparedRequest | undefined | void): PreparedRequest {
  if (result === undefined) return prepared
  if (result instanceof PreparedRequest) return result
  throw new TypeError('auth must return the request, or nothing')
}
