/** A request as the user describes it (`Request`), and as it is sent (`PreparedRequest`). */
import { inspect } from 'node:util'
import { type Auth, type AuthInit, HTTPBasicAuth, toAuth } from '../auth/auth.ts'
import { netrcAuth } from '../auth/netrc.ts'
import { type BodyOptions, type EncodedBody, encodeBody, NO_BODY, withDeclaredLength } from '../body/encode.ts'
import { getUrlAuth, redactUrl, withoutAuth } from '../core/credentials.ts'
import { UnrewindableBodyError } from '../core/errors.ts'
import { optionNames, ownOptions } from '../core/options.ts'
import { typeName } from '../core/pairs.ts'
import { CookieJar, type CookiesInit } from '../http/cookies.ts'
import { HeaderMap, type HeadersInit } from '../http/headers.ts'
import { isToken } from '../http/token.ts'
import { type ParamsInit, prepareUrl } from '../http/url.ts'
import type { WireRequest } from '../transport/adapter.ts'
import { mustStripAuth, type RedirectStep } from './redirects.ts'
import type { Response } from './response.ts'

declare module '../core/errors.ts' {
  interface ErrorRequest extends PreparedRequest {}
}

/** A function that sees each response, and may give back another one in its place. */
// biome-ignore lint/suspicious/noConfusingVoidType: a function without a return statement is to be accepted
export type ResponseHook = (response: Response) => Response | undefined | void | Promise<Response | undefined | void>

/** What `hooks` takes: those of a call replace those of the session, as in requests. */
export interface HooksInit {
  /** Called in turn with each response, its body read unless `stream` is set; what one throws rejects the call. */
  response?: ResponseHook | readonly ResponseHook[] | null | undefined
}

/** The parts of a request that make up what is sent. */
export interface RequestParts extends BodyOptions {
  /** Appended to the URL's query, over the session's of the same names. `null` for a name takes it away. */
  params?: ParamsInit | null | undefined
  /**
   * Over the session's, name by name in any case; a list as a value, or a name that comes twice in a list of pairs, repeats
   * the header, `null` takes it away.
   */
  headers?: HeadersInit | null | undefined
  /** Sent with this request and its redirects beside those of the session, and not kept. `null`: none at all. */
  cookies?: CookiesInit | null | undefined
  /** `[user, password]`, an `Auth`, or a function of the prepared request. Default: the session's, netrc, the URL's. */
  auth?: AuthInit<PreparedRequest> | null | undefined
  /** `{ response: fn }`, or a list of functions there: each sees every response, those of redirects too. In place of the session's. */
  hooks?: HooksInit | null | undefined
}

/**
 * A request as the user describes it; {@link Session.prepareRequest} makes a {@link PreparedRequest} of it.
 *
 * @example
 * const prepared = session.prepareRequest(new Request('POST', url, { json: { a: 1 } }))
 * const response = await session.send(prepared)
 */
export class Request {
  /** In any case; it is sent in capitals. */
  method: string
  url: string | URL
  /** The options that make up what is sent; how it is sent is up to `session.send`. */
  parts: RequestParts

  constructor(method: string, url: string | URL, parts: RequestParts = {}) {
    this.method = method
    this.url = url
    this.parts = ownOptions(parts, 'Request', PARTS)
  }

  /** Short: the parts hold credentials. */
  [inspect.custom](): string {
    return `Request ${this.method} ${redactUrl(this.url)}`
  }

  /** Nothing of what it is made of: that holds credentials. */
  toJSON(): object {
    return { method: this.method, url: redactUrl(this.url) }
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
  /** Where credentials for the host may be (`NETRC`); left out: nowhere. */
  readonly env?: NodeJS.ProcessEnv | undefined
}

/** What goes over the wire: the exact method, URL, headers and body. */
export class PreparedRequest implements WireRequest {
  /** In capitals. */
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
  /** Where the credentials came from: it may have an answer to a challenge of the server. */
  #auth: Auth<PreparedRequest> | undefined
  /**
   * The URL that the user named: cookies without a domain go nowhere where its Authorization would not, however long the
   * chain of redirects.
   */
  readonly #home: URL
  /** @internal Whether a redirect led to another origin on the way here: the client certificate stays behind then. */
  foreign = false

  /** Not for users: they have {@link Session.prepareRequest} and {@link Request.prepare}. */
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
    const { headers } = init
    const encoded = withDeclaredLength(encodeBody(init.body), headers.get('Content-Length'))
    const prepared = new PreparedRequest(method, withoutAuth(url), headers, encoded, init.cookies, init.hooks)
    prepared.setCookieHeader()
    setBodyHeaders(method, headers, encoded)
    const auth = init.auth ?? (init.env && netrcAuth(url, init.env)) ?? getUrlAuth(url)
    return auth === undefined ? prepared : prepared.#apply(toAuth<PreparedRequest>(auth))
  }

  /** The URL as a string, without credentials. */
  get url(): string {
    return this.target.href
  }

  /** Path and query, as they stand in the request line. */
  get pathUrl(): string {
    return `${this.target.pathname}${this.target.search}`
  }

  /** Bytes, or an iterable of them for a stream; `undefined` when there is none. */
  get body(): EncodedBody['content'] {
    return this.encoded.content
  }

  /** Whether the body can be sent again, for a redirect, a retry or a challenge. */
  get rewindable(): boolean {
    return this.encoded.rewindable
  }

  /** An independent copy; the body is shared. An auth that takes its time is asked anew. */
  copy(): PreparedRequest {
    const copy = this.#again(CookieJar.from(this.cookies))
    return this.pendingAuth && this.#auth ? copy.#apply(this.#auth) : copy
  }

  /**
   * @internal The request with credentials that answer a challenge; `undefined`: its auth has no answer.
   *
   * @param challenges the values of WWW-Authenticate
   * @throws UnrewindableBodyError when the body was a stream, of which nothing is left to be sent again
   */
  async answering(challenges: readonly string[]): Promise<PreparedRequest | undefined> {
    const auth = this.#auth
    if (auth?.answer === undefined) return undefined
    const again = this.#again(this.cookies)
    if (!(await auth.answer(again, challenges))) return undefined
    again.#assertRewindable('to answer the challenge of the server')
    again.setCookieHeader()
    return again
  }

  /**
   * @internal The request that a redirect asks for.
   *
   * @param env where another origin's credentials may be (`NETRC`); `undefined`: the environment does not count
   * @throws UnrewindableBodyError when it needs the body again and that was a stream
   */
  redirected(step: RedirectStep, env: NodeJS.ProcessEnv | undefined): PreparedRequest {
    if (step.keepsBody) this.#assertRewindable('for redirect')
    const { method, url, headers } = step
    const encoded = step.keepsBody ? this.encoded : NO_BODY
    const next = new PreparedRequest(method, url, headers, encoded, this.cookies, this.hooks, this.#home)
    next.foreign = this.foreign || url.origin !== this.target.origin
    setBodyHeaders(method, headers, encoded)
    next.setCookieHeader()
    next.#takeAuth(this, env)
    return next
  }

  /** The credentials of a redirected request: never those of another origin. */
  #takeAuth(from: PreparedRequest, env: NodeJS.ProcessEnv | undefined): void {
    if (from.#auth?.answer && !mustStripAuth(from.target, this.target)) {
      this.#auth = from.#auth
      // Made for another URL: the server is to ask again, as in requests.
      this.headers.delete('Authorization')
      return
    }
    const isDowngrade = from.target.protocol === 'https:' && this.target.protocol === 'http:'
    if (env === undefined || isDowngrade || from.target.origin === this.target.origin) return
    const auth = this.headers.has('Authorization') ? undefined : netrcAuth(this.target, env)
    if (auth) new HTTPBasicAuth(...auth).apply(this)
  }

  /** The same once more, with its own headers. */
  #again(cookies: CookieJar): PreparedRequest {
    const { method, target, headers, encoded, hooks } = this
    const again = new PreparedRequest(method, target, headers.clone(), encoded, cookies, hooks, this.#home)
    again.foreign = this.foreign
    again.#auth = this.#auth
    return again
  }

  /** The request with credentials: at once, or when {@link pendingAuth} is there. */
  #apply(auth: Auth<PreparedRequest>): PreparedRequest {
    this.#auth = auth
    const result = auth.apply(this)
    // Any thenable: `await` would take it as well.
    if (typeof result === 'object' && result !== null && 'then' in result) {
      this.pendingAuth = Promise.resolve(result).then((request) => requestOfAuth(this, request))
      // Waited for when the request is sent; until then a rejection is not unhandled.
      this.pendingAuth.catch(() => {})
      return this
    }
    return requestOfAuth(this, result)
  }

  #assertRewindable(why: string): void {
    if (this.encoded.rewindable) return
    throw new UnrewindableBodyError(`Unable to rewind request body ${why}: it is a stream that has been read`, {
      request: this,
    })
  }

  /** @internal What is said of the body, settled at last: an auth or the user may have changed it. */
  settleFraming(): void {
    setFraming(this.method, this.headers, this.encoded)
  }

  /** @internal A Cookie header of the user's own wins over the jar. */
  setCookieHeader(): void {
    if (this.headers.has('Cookie')) return
    const value = this.cookies.headerFor(this.target, !mustStripAuth(this.#home, this.target))
    if (value !== undefined) this.headers.set('Cookie', value)
  }

  /** Credentials in the headers are not shown. */
  [inspect.custom](_depth: number, options: object, show: typeof inspect): string {
    return `PreparedRequest ${this.method} ${redactUrl(this.url)} ${show(this.headers, options)}`
  }

  /** No headers and no body: they hold credentials. */
  toJSON(): object {
    return { method: this.method, url: redactUrl(this.url) }
  }
}

const PARTS = optionNames<RequestParts>({
  params: true,
  headers: true,
  cookies: true,
  auth: true,
  hooks: true,
  data: true,
  json: true,
  files: true,
})

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
  if (typeof method !== 'string' || !isToken(method)) {
    throw new TypeError(`method must be an HTTP method such as 'GET', not ${inspect(method)}`)
  }
  if (method.toUpperCase() === 'CONNECT') throw new TypeError('CONNECT opens a tunnel; it is not a request to send')
  return method.toUpperCase()
}

function setBodyHeaders(method: string, headers: HeaderMap, encoded: EncodedBody): void {
  const { contentType } = encoded
  if (contentType !== undefined && lacksContentType(headers, contentType)) headers.set('Content-Type', contentType)
  headers.delete('Content-Length')
  headers.delete('Transfer-Encoding')
  setFraming(method, headers, encoded)
}

/** How the body ends is said by us, whatever was set by hand: a wrong length would mix up two requests. */
function setFraming(method: string, headers: HeaderMap, { content, contentLength }: EncodedBody): void {
  const hasLength = contentLength !== undefined && (content !== undefined || (method !== 'GET' && method !== 'HEAD'))
  const framing = [
    ['Content-Length', hasLength ? String(contentLength) : undefined],
    ['Transfer-Encoding', contentLength === undefined ? 'chunked' : undefined],
  ] as const
  for (const [name, value] of framing) {
    if (headers.get(name) === value) continue
    if (value === undefined) headers.delete(name)
    else headers.set(name, value)
  }
}

/** Whether it is not there, or is multipart without the boundary that nobody but us can know. */
function lacksContentType(headers: HeaderMap, contentType: string): boolean {
  const given = headers.get('Content-Type')
  if (given === undefined) return true
  return contentType.startsWith('multipart/form-data;') && /^\s*multipart\/form-data\s*;?\s*$/i.test(given)
}

// biome-ignore lint/suspicious/noConfusingVoidType: what an auth without a return statement gives back
function requestOfAuth(prepared: PreparedRequest, result: PreparedRequest | undefined | void): PreparedRequest {
  if (result === undefined || result === null) return prepared
  if (result instanceof PreparedRequest) return result
  throw new TypeError('auth must return the request, or nothing')
}
