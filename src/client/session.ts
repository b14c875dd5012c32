/** `Session`: requests that share connections, cookies and settings. */
import { inspect } from 'node:util'
import type { AuthInit } from '../auth/auth.ts'
import { destroyBody } from '../body/encode.ts'
import { displayName } from '../core/credentials.ts'
import { environmentOf } from '../core/environment.ts'
import { SSLError } from '../core/errors.ts'
import { refuseUnknownProperties } from '../core/known-properties.ts'
import { isPlainObject, ownOptions, suggest } from '../core/options.ts'
import { snapshot } from '../core/snapshot.ts'
import { CookieJar, type CookiesInit } from '../http/cookies.ts'
import { HeaderMap, type HeadersInit, mergeHeaders } from '../http/headers.ts'
import { encodeParams, mergeParams, type ParamsInit } from '../http/url.ts'
import type { Adapter } from '../transport/adapter.ts'
import { checkProxies, type ProxiesInit } from '../transport/proxies.ts'
import type { ClientCert } from '../trust/client-cert.ts'
import type { Verify } from '../trust/verify.ts'
import { dispatch } from './dispatch.ts'
import { type Fetch, fetchWith } from './fetch.ts'
import { checkedHooks, type HooksInit, toHooks } from './hooks.ts'
import { MountedAdapters } from './mounted-adapters.ts'
import { prepareRequest } from './prepare.ts'
import { PreparedRequest } from './prepared-request.ts'
import type { Request, RequestParts } from './request.ts'
import type { Response } from './response.ts'
import {
  DEFAULT_HEADERS,
  SESSION_CHECKS,
  SESSION_OPTIONS,
  type SessionHooks,
  type SessionOptions,
  type SessionParams,
  type SessionProxies,
} from './session-options.ts'
import {
  REQUEST_OPTIONS,
  type RequestOptions,
  requestSettings,
  SEND_OPTIONS,
  SESSION_DEFAULTS,
  type SendOptions,
  type Settings,
  sendSettings,
  type TimeoutInit,
} from './settings.ts'

/**
 * Requests that share connections, cookies and settings. Keep one session for each service or trust setting; it sends any
 * number of requests concurrently. Options of a call override those of the session.
 *
 * @example
 * const session = new Session({ verify: 'company-ca.pem', headers: { 'X-Team': 'blue' } })
 * const users = (await session.get('https://intranet.example/users')).json()
 * await session.close()
 */
export class Session {
  /** Credentials for each request; `null`: those of netrc, else of the URL. */
  declare auth: AuthInit<PreparedRequest> | null
  /** What to trust; overridden by a call and by the environment's bundle. `null` means `true`. */
  declare verify: Verify | null
  /** The client certificate; `null`: none. */
  declare cert: ClientCert | null
  /** In ms; `null`: no limit. */
  declare timeout: TimeoutInit | null
  /** Whether calls resolve before the body has been read. */
  declare stream: boolean
  /** The number of redirects to follow. */
  declare maxRedirects: number
  /** Whether to read the environment: bundles, proxies, netrc. */
  declare trustEnv: boolean
  /** How many days before a certificate expires a `CertificateExpiryWarning` is emitted; `false`: never. */
  declare expiryWarning: number | false
  /** Whether to use Node's lenient parser for responses that violate HTTP. */
  declare insecureHTTPParser: boolean
  /** How long bodies wait for `100 Continue`, in ms; `true`: 1000, `false`: not at all. */
  declare expectContinue: number | boolean
  /** The properties above, which are checked and copied when they are assigned. */
  readonly #values: Record<string, unknown> = Object.create(null)
  #params!: ParamsInit
  #proxies!: ProxiesInit
  #hooks!: HooksInit
  /** The same, to be written into. */
  #writableHooks!: SessionHooks
  #headers: HeaderMap
  #cookies: CookieJar
  #fetch: Fetch | undefined
  readonly #adapters = new MountedAdapters()

  /** @throws TypeError or RangeError for an unknown option or a wrong value */
  constructor(defaults: SessionOptions = {}) {
    const options = ownOptions(defaults, 'Session', SESSION_OPTIONS)
    this.#headers = mergeHeaders(DEFAULT_HEADERS, options.headers)
    this.#cookies = CookieJar.from(options.cookies)
    this.params = snapshot(options.params ?? {})
    this.proxies = snapshot(options.proxies ?? {})
    this.hooks = snapshot(options.hooks ?? { response: [] })
    for (const [name, check] of SESSION_CHECKS) {
      const value = options[name] ?? SESSION_DEFAULTS[name]
      check(value)
      this.#values[name] = ownCopy(value)
    }
  }

  static {
    for (const [name, check] of SESSION_CHECKS) {
      Object.defineProperty(this.prototype, name, {
        get(this: Session) {
          return this.#values[name]
        },
        set(this: Session, value: unknown) {
          try {
            check(value)
          } catch (error) {
            // Contents, such as an empty path or a damaged PEM text, are an error of the request that uses them.
            if (!(error instanceof SSLError)) throw error
          }
          this.#values[name] = ownCopy(value)
        },
        enumerable: true,
        configurable: true,
      })
    }
  }

  /** The headers of every request; assign any value of the option `headers`. */
  get headers(): HeaderMap {
    return this.#headers
  }

  set headers(headers: HeadersInit) {
    this.#headers = HeaderMap.from(headers)
  }

  /** Appended to the query of each URL; `null`: none. */
  get params(): SessionParams {
    return this.#params as SessionParams
  }

  set params(params: ParamsInit | null) {
    encodeParams(params ?? {})
    this.#params = params ?? {}
  }

  /** Proxies; as in requests, the environment's override them. `null`: none. */
  get proxies(): SessionProxies {
    return this.#proxies
  }

  set proxies(proxies: ProxiesInit | null) {
    checkProxies(proxies)
    this.#proxies = proxies ?? {}
  }

  /** Functions called with each response, unless the call has hooks; `null`: none. */
  get hooks(): SessionHooks {
    return this.#writableHooks
  }

  set hooks(hooks: HooksInit | null) {
    toHooks(hooks)
    this.#hooks = hooks ?? { response: [] }
    this.#writableHooks = checkedHooks(this.#hooks) as SessionHooks
  }

  /** The cookies set by hand and by servers; assign any value of the option `cookies`. */
  get cookies(): CookieJar {
    return this.#cookies
  }

  set cookies(cookies: CookiesInit) {
    this.#cookies = cookies instanceof CookieJar ? cookies : CookieJar.from(cookies)
  }

  /**
   * Sends a request and follows its redirects.
   *
   * @throws RequestException, as one of its subclasses; TypeError for a wrong option; the signal's reason if it is aborted
   */
  async request(method: string, url: string | URL, options: RequestOptions = NO_OPTIONS): Promise<Response> {
    let prepared: PreparedRequest
    let settings: Settings
    try {
      const own = options === NO_OPTIONS ? options : ownOptions(options, 'the request', REQUEST_OPTIONS)
      settings = requestSettings(this, own)
      prepared = this.#prepare(method, url, own, settings.env)
    } catch (error) {
      // The request owns the streams of its body, even if it cannot be prepared.
      destroyBody(options ?? {})
      throw error
    }
    return await dispatch(this, prepared, settings)
  }

  /**
   * Like the global `fetch`, with this session's trust settings, for libraries that accept a `fetch`. It is bound to the session.
   *
   * Cookies are sent and stored with `credentials: 'include'` only; the session's hooks do not run.
   *
   * @throws TypeError `fetch failed: …`, with vouch's error as its cause; the signal's reason if it is aborted
   *
   * @example
   * const { fetch } = new Session({ verify: 'company-ca.pem' })
   * const openai = new OpenAI({ fetch })
   */
  get fetch(): Fetch {
    if (this.#fetch === undefined) {
      const fetch: Fetch = (input, init = undefined) => fetchWith(this, input, init)
      this.#fetch = fetch
    }
    return this.#fetch
  }

  /**
   * Sends a GET request and reads its response. A status of 400 or above is not an error; `raiseForStatus()` throws for it.
   *
   * @throws as {@link request}
   *
   * @example
   * const users = (await session.get('https://intranet.example/users', { params: { page: 2 } })).json()
   */
  get(url: string | URL, options?: RequestOptions): Promise<Response> {
    return this.request('GET', url, options)
  }

  /** Sends an OPTIONS request. @throws as {@link request} */
  options(url: string | URL, options?: RequestOptions): Promise<Response> {
    return this.request('OPTIONS', url, options)
  }

  /** Sends a HEAD request. As in requests, it follows redirects only with `allowRedirects: true`. @throws as {@link request} */
  async head(url: string | URL, options?: RequestOptions): Promise<Response> {
    const own = options && ownOptions(options, 'the request', REQUEST_OPTIONS)
    return this.request('HEAD', url, { ...own, allowRedirects: own?.allowRedirects ?? false })
  }

  /**
   * Sends a POST request with a body (`json`, `data` or `files`) and reads its response.
   *
   * @throws as {@link request}
   *
   * @example
   * await session.post('https://intranet.example/users', { json: { name: 'Ada' } })
   */
  post(url: string | URL, options?: RequestOptions): Promise<Response> {
    return this.request('POST', url, options)
  }

  /** Sends a PUT request; the body is given as for {@link post}. @throws as {@link request} */
  put(url: string | URL, options?: RequestOptions): Promise<Response> {
    return this.request('PUT', url, options)
  }

  /** Sends a PATCH request; the body is given as for {@link post}. @throws as {@link request} */
  patch(url: string | URL, options?: RequestOptions): Promise<Response> {
    return this.request('PATCH', url, options)
  }

  /** Sends a DELETE request. @throws as {@link request} */
  delete(url: string | URL, options?: RequestOptions): Promise<Response> {
    return this.request('DELETE', url, options)
  }

  /** Prepares a request with the session's headers, params, cookies and auth. @throws RequestException, TypeError */
  prepareRequest(request: Request): PreparedRequest {
    return this.#prepare(request.method, request.url, request.parts, environmentOf(this.trustEnv))
  }

  /**
   * Sends a prepared request unchanged. As in requests, `verify` comes from the options or the session, never from
   * `REQUESTS_CA_BUNDLE` or `CURL_CA_BUNDLE`.
   *
   * @throws as {@link request}
   */
  async send(request: PreparedRequest, options: SendOptions = {}): Promise<Response> {
    if (!(request instanceof PreparedRequest)) {
      throw new TypeError('You can only send PreparedRequests: session.send(session.prepareRequest(request))')
    }
    return dispatch(this, request, sendSettings(this, ownOptions(options, 'send', SEND_OPTIONS)))
  }

  /**
   * Uses `adapter` for URLs that begin with `prefix`, ignoring letter case; the longest matching prefix wins.
   *
   * @throws TypeError for a prefix that is not a string, or an adapter without `send` and `close`
   *
   * @example
   * session.mount('https://', new HTTPAdapter({ maxRetries: 3 }))
   */
  mount(prefix: string, adapter: Adapter): void {
    this.#adapters.mount(prefix, adapter)
  }

  /** The adapter for a URL. @throws InvalidSchema if none is mounted for it */
  getAdapter(url: string | URL): Adapter {
    return this.#adapters.get(url)
  }

  /** Closes every connection, also of responses that are being read. The session can be used again. */
  close(): Promise<void> {
    return this.#adapters.close()
  }

  [Symbol.dispose](): void {
    void this.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Leaves out the settings, which hold credentials. */
  [inspect.custom](): string {
    return 'Session {}'
  }

  /** Leaves out the settings, which hold credentials. */
  toJSON(): object {
    return {}
  }

  #prepare(
    method: string,
    url: string | URL,
    parts: RequestParts,
    env: NodeJS.ProcessEnv | undefined,
  ): PreparedRequest {
    const auth = parts.auth === undefined ? this.auth : parts.auth
    return prepareRequest({
      method,
      url,
      params: mergeParams(this.params, parts.params),
      headers: mergeHeaders(this.#headers, parts.headers),
      body: parts,
      auth: auth ?? undefined,
      cookies: this.#cookiesFor(parts.cookies),
      hooks: toHooks(parts.hooks === undefined ? this.#hooks : parts.hooks),
      env,
    })
  }

  /** The session's cookies; those of a call are added to a copy, so that they are not stored. */
  #cookiesFor(call: CookiesInit | null | undefined): CookieJar {
    if (call === undefined) return this.#cookies
    return call === null ? new CookieJar() : CookieJar.from(this.#cookies).update(call)
  }
}

/** Lists and bytes that are changed later change nothing; an object with methods, such as an `Auth`, stays itself. */
function ownCopy(value: unknown): unknown {
  return isPlainObject(value) && Object.hasOwn(value, 'apply') ? value : snapshot(value)
}

refuseUnknownProperties(Session, (name) => {
  return `Session has no property "${displayName(name)}"${suggest(name, SESSION_PROPERTIES)}`
})

const SESSION_PROPERTIES: ReadonlySet<string> = new Set([...SESSION_OPTIONS, 'fetch', 'mount', 'getAdapter'])

const NO_OPTIONS: RequestOptions = Object.freeze(Object.create(null))
