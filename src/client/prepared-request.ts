/**
 * `PreparedRequest`: a request ready to be sent, with the credentials and cookies that later requests may also send.
 */
import { inspect } from 'node:util'
import { type Auth, HTTPBasicAuth } from '../auth/auth.ts'
import { netrcAuth } from '../auth/netrc.ts'
import { type EncodedBody, NO_BODY } from '../body/encode.ts'
import { displayName, redactUrl } from '../core/credentials.ts'
import { UnrewindableBodyError } from '../core/errors.ts'
import { CookieJar } from '../http/cookies.ts'
import type { HeaderMap } from '../http/headers.ts'
import type { WireRequest } from '../transport/adapter.ts'
import { setBodyHeaders, setLengthHeaders } from './body-headers.ts'
import { mustStripAuth, type RedirectStep } from './redirects.ts'
import type { Response } from './response.ts'

declare module '../core/errors.ts' {
  interface ErrorRequest extends PreparedRequest {}
}

/** A function that is called with each response, and may return another one to replace it. */
// biome-ignore lint/suspicious/noConfusingVoidType: a function without a return statement is to be accepted
export type ResponseHook = (response: Response) => Response | undefined | void | Promise<Response | undefined | void>

/**
 * A request ready to be sent: the exact method, URL, headers and body.
 *
 * @example
 * const prepared = session.prepareRequest(new Request('GET', 'https://example.com/'))
 * prepared.headers.set('X-Trace', '1')
 * const response = await session.send(prepared)
 */
export class PreparedRequest implements WireRequest {
  /** In capitals. */
  method: string
  /** The URL, without credentials. */
  target: URL
  /** The headers as sent; they can be changed. */
  readonly headers: HeaderMap
  /** The body, with its type and length. */
  encoded: EncodedBody
  /** The cookies that this request and its redirects may send. */
  readonly cookies: CookieJar
  /** Functions that are called with the response and those of redirects. */
  readonly hooks: readonly ResponseHook[]
  /** @internal The request with the credentials of an asynchronous auth; the session awaits it. */
  pendingAuth: Promise<PreparedRequest> | undefined
  /** The source of the credentials, which may respond to a challenge. */
  #auth: Auth<PreparedRequest> | undefined
  /**
   * The URL that the user named. Cookies without a domain are sent only to URLs to which its Authorization may be sent, even
   * after several redirects.
   */
  readonly #initialUrl: URL
  /** @internal Whether a redirect led to another origin before this request: the client certificate is then not sent. */
  crossOrigin = false
  /** @internal Whether the redirects of this request take the cookies of the session that sends it: it was prepared without one. */
  adoptsSessionCookies = false

  /** Internal: use {@link Session.prepareRequest} or {@link Request.prepare}. */
  constructor(
    method: string,
    target: URL,
    headers: HeaderMap,
    encoded: EncodedBody,
    cookies: CookieJar,
    hooks: readonly ResponseHook[],
    initialUrl = target,
  ) {
    this.method = method
    this.target = target
    this.headers = headers
    this.encoded = encoded
    this.cookies = cookies
    this.hooks = hooks
    this.#initialUrl = initialUrl
  }

  /** The URL as a string, without credentials. */
  get url(): string {
    return this.target.href
  }

  /** Path and query, as sent in the request line. */
  get pathUrl(): string {
    return `${this.target.pathname}${this.target.search}`
  }

  /** Bytes, or an iterable of chunks; `undefined` without a body. */
  get body(): EncodedBody['content'] {
    return this.encoded.content
  }

  static {
    // Without a setter, code that is not strict would lose what it assigns.
    for (const name of ['url', 'pathUrl', 'body']) {
      Object.defineProperty(this.prototype, name, {
        set() {
          throw new TypeError(`prepared.${name} cannot be assigned; create another request`)
        },
      })
    }
  }

  /** Whether the body can be sent again for a redirect, a retry or a challenge. */
  get rewindable(): boolean {
    return this.encoded.rewindable
  }

  /** An independent copy, which shares the body. An asynchronous auth is applied again. */
  copy(): PreparedRequest {
    const copy = this.#clone(CookieJar.from(this.cookies))
    return this.pendingAuth && this.#auth ? copy.applyAuth(this.#auth) : copy
  }

  /**
   * @internal The request with the response of its auth to a challenge; `undefined` if the auth has none.
   *
   * @param challenges the values of WWW-Authenticate
   * @throws UnrewindableBodyError if the body is a stream that has been read
   */
  async withChallengeResponse(challenges: readonly string[]): Promise<PreparedRequest | undefined> {
    const auth = this.#auth
    if (auth?.answer === undefined) return undefined
    const clone = this.#clone(this.cookies)
    if (!(await auth.answer(clone, challenges))) return undefined
    clone.#assertRewindable('to answer the challenge of the server')
    clone.setCookieHeader()
    return clone
  }

  /**
   * @internal The request that follows a redirect.
   *
   * @param env names the netrc file (`NETRC`) for the credentials of another origin; `undefined`: none is read
   * @throws UnrewindableBodyError if it needs the body, which is a stream that has been read
   */
  redirected(step: RedirectStep, env: NodeJS.ProcessEnv | undefined): PreparedRequest {
    if (step.keepsBody) this.#assertRewindable('for redirect')
    const { method, url, headers } = step
    const encoded = step.keepsBody ? this.encoded : NO_BODY
    const next = new PreparedRequest(method, url, headers, encoded, this.cookies, this.hooks, this.#initialUrl)
    next.adoptsSessionCookies = this.adoptsSessionCookies
    next.crossOrigin = this.crossOrigin || url.origin !== this.target.origin
    setBodyHeaders(method, headers, encoded)
    next.setCookieHeader()
    next.#inheritAuth(this, env)
    return next
  }

  /** Takes over the credentials of the previous request, unless they belong to another origin. */
  #inheritAuth(previous: PreparedRequest, env: NodeJS.ProcessEnv | undefined): void {
    if (previous.#auth?.answer && !mustStripAuth(previous.target, this.target)) {
      this.#auth = previous.#auth
      // It was computed for the previous URL. As in requests, the server challenges again.
      this.headers.delete('Authorization')
      return
    }
    const isDowngrade = previous.target.protocol === 'https:' && this.target.protocol === 'http:'
    if (env === undefined || isDowngrade || previous.target.origin === this.target.origin) return
    const auth = this.headers.has('Authorization') ? undefined : netrcAuth(this.target, env)
    if (auth) new HTTPBasicAuth(...auth).apply(this)
  }

  /** A copy with its own headers. */
  #clone(cookies: CookieJar): PreparedRequest {
    const { method, target, headers, encoded, hooks } = this
    const clone = new PreparedRequest(method, target, headers.clone(), encoded, cookies, hooks, this.#initialUrl)
    clone.crossOrigin = this.crossOrigin
    clone.adoptsSessionCookies = this.adoptsSessionCookies
    clone.#auth = this.#auth
    return clone
  }

  /** @internal Adds credentials; if the auth is asynchronous, {@link pendingAuth} is the request with them. */
  applyAuth(auth: Auth<PreparedRequest>): PreparedRequest {
    this.#auth = auth
    const result = auth.apply(this)
    // Accept any thenable, as `await` does.
    if (typeof result === 'object' && result !== null && 'then' in result) {
      this.pendingAuth = Promise.resolve(result).then((request) => requestOfAuth(this, request))
      // `dispatch` awaits it. Until then a rejection must not count as unhandled.
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

  /** @internal Sets the length headers just before sending: an auth or the user may have changed the body or the headers. */
  finalizeBodyHeaders(): void {
    setLengthHeaders(this.method, this.headers, this.encoded)
  }

  /** @internal Sets the Cookie header from the jar, unless the user set one. */
  setCookieHeader(): void {
    if (this.headers.has('Cookie')) return
    const value = this.cookies.headerFor(this.target, !mustStripAuth(this.#initialUrl, this.target))
    if (value !== undefined) this.headers.set('Cookie', value)
  }

  /** Hides the credentials in the headers. */
  [inspect.custom](_depth: number, options: object, show: typeof inspect): string {
    return `PreparedRequest ${displayName(this.method)} ${redactUrl(this.url)} ${show(this.headers, options)}`
  }

  /** Leaves out headers and body, which hold credentials. */
  toJSON(): object {
    return { method: displayName(this.method), url: redactUrl(this.url) }
  }
}

function requestOfAuth(prepared: PreparedRequest, result: unknown): PreparedRequest {
  if (result === undefined || result === null) return prepared
  if (result instanceof PreparedRequest) return result
  throw new TypeError('auth must return the request, or nothing')
}
