/** The options of a session, and their defaults. */
import { type AuthInit, toAuth } from '../auth/auth.ts'
import { checkCount, checkFlag, optionNames } from '../core/options.ts'
import type { CookiesInit } from '../http/cookies.ts'
import { HeaderMap, type HeadersInit } from '../http/headers.ts'
import type { ParamsInit, ParamValue } from '../http/url.ts'
import type { ProxiesInit } from '../transport/proxies.ts'
import { type ClientCert, toClientCertSource } from '../trust/client-cert.ts'
import { toTrust, type Verify } from '../trust/verify.ts'
import type { HooksInit } from './hooks.ts'
import type { PreparedRequest, ResponseHook } from './prepared-request.ts'
import { checkDays, type SESSION_DEFAULTS, type TimeoutInit, toContinueLimit, toTimeout } from './settings.ts'

/** The options of a session; each is also a property of it. */
export interface SessionOptions {
  /** Sent with each request; override the defaults (User-Agent, Accept-Encoding, Accept, Connection). */
  headers?: HeadersInit | undefined
  /** `[user, password]`, an `Auth`, or a function of the prepared request. Default: netrc's, else the URL's. */
  auth?: AuthInit<PreparedRequest> | null | undefined
  /** Appended to the query of each URL; overridden by a call's `params` of the same names. */
  params?: ParamsInit | null | undefined
  /**
   * What to trust: `true` (the default roots), `false` (no verification: for tests), a path, PEM text, bytes, a `CABundle`, a pin,
   * or a list. Overridden by a call and by the environment's bundle. Default: `true`.
   *
   * @example
   * const session = new Session({ verify: 'company-ca.pem' })
   */
  verify?: Verify | null | undefined
  /** The client certificate: a path, `[cert, key]`, `{ cert, key, passphrase }` or `{ pfx, passphrase }`. */
  cert?: ClientCert | null | undefined
  /** The initial cookies; those that servers set are added. */
  cookies?: CookiesInit | undefined
  /** In ms: a number, `[connect, read]`, or `{ connect, read, total }`. Default: no limit. */
  timeout?: TimeoutInit | null | undefined
  /** The proxy by scheme, or by scheme and host. As in requests, the environment's proxies override them. */
  proxies?: ProxiesInit | null | undefined
  /** Whether the call resolves before the body has been read, so that it can be streamed. Default: `false` */
  stream?: boolean | undefined
  /** `{ response: fn }` or `{ response: [fn, …] }`: functions that are called with every response. */
  hooks?: HooksInit | null | undefined
  /** The number of redirects to follow; one more throws `TooManyRedirects`. Default: 30 */
  maxRedirects?: number | undefined
  /** Whether to read the environment (`REQUESTS_CA_BUNDLE`, `CURL_CA_BUNDLE`, `HTTPS_PROXY`, netrc …). Default: `true` */
  trustEnv?: boolean | undefined
  /** How many days before a certificate expires a `CertificateExpiryWarning` is emitted; `false`: never. Default: 14 */
  expiryWarning?: number | false | undefined
  /** Whether to use Node's lenient parser for responses that violate HTTP. Default: `false` */
  insecureHTTPParser?: boolean | undefined
  /** How long bodies wait for `100 Continue`, in ms; `true`: 1000, `false`: not at all. Default: `false` */
  expectContinue?: number | boolean | undefined
}

/** `session.params`, to write into: as assigned, or an empty object. */
export type SessionParams = ParamsInit & { [name: string]: ParamValue }

/** `session.proxies`, to write into. */
export type SessionProxies = { [key: string]: string | URL | null | undefined }

/** `session.hooks`, to write into: by default a list of no functions. */
export type SessionHooks = { response: ResponseHook[] }

export const SESSION_OPTIONS = optionNames<SessionOptions>({
  headers: true,
  auth: true,
  params: true,
  verify: true,
  cert: true,
  cookies: true,
  timeout: true,
  proxies: true,
  stream: true,
  hooks: true,
  maxRedirects: true,
  trustEnv: true,
  expiryWarning: true,
  insecureHTTPParser: true,
  expectContinue: true,
})

/**
 * Checks of the properties that are assigned whole: a TypeError or RangeError names the property, an SSLError the content, such as
 * an empty path or a damaged PEM text.
 */
export const SESSION_CHECKS: readonly (readonly [CheckedName, (value: unknown) => unknown])[] = [
  ['auth', (auth) => auth !== null && auth !== undefined && toAuth(auth as AuthInit)],
  ['verify', (verify) => toTrust((verify ?? true) as Verify, 'session')],
  ['cert', (cert) => cert !== null && cert !== undefined && toClientCertSource(cert as ClientCert)],
  ['timeout', (timeout) => toTimeout(timeout as TimeoutInit)],
  ['stream', (stream) => checkFlag('stream', stream)],
  ['maxRedirects', (count) => checkCount('maxRedirects', count)],
  ['trustEnv', checkTrustEnv],
  ['expiryWarning', (days) => checkDays(days as number)],
  ['insecureHTTPParser', (isLenient) => checkFlag('insecureHTTPParser', isLenient)],
  ['expectContinue', toContinueLimit],
]

type CheckedName = keyof typeof SESSION_DEFAULTS & keyof SessionOptions

function checkTrustEnv(trustEnv: unknown): void {
  // As in requests, null would mean that the environment is not read: the opposite of an option that is null.
  if (trustEnv === null) throw new TypeError('trustEnv must be a boolean, not null')
  checkFlag('trustEnv', trustEnv)
}

/** Those of Python requests, but for the name. */
export const DEFAULT_HEADERS = HeaderMap.from({
  'User-Agent': 'vouch/0.2.0',
  'Accept-Encoding': 'gzip, deflate, br, zstd',
  Accept: '*/*',
  Connection: 'keep-alive',
})
