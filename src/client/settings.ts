/**
 * Resolves the settings of a request from the options of the call, the session and the environment. No other file reads
 * the options about sending.
 */

import { displayValue } from '../core/credentials.ts'
import { environmentOf, processEnvironment } from '../core/environment.ts'
import {
  checkCount,
  checkFlag,
  checkFunction,
  checkSignal,
  checkTimeLimit,
  MAX_TIMER_MS,
  optionNames,
  ownOptions,
  ownProperties,
} from '../core/options.ts'
import type { SendSettings, TimeoutLimits } from '../transport/adapter.ts'
import type { Progress } from '../transport/progress.ts'
import { checkProxies, type ProxiesInit, type ProxyRules } from '../transport/proxies.ts'
import { type ClientCert, toClientCertSource } from '../trust/client-cert.ts'
import { resolveVerify, type Trust, toTrust, type Verify } from '../trust/verify.ts'
import { REQUEST_PARTS, type RequestParts } from './request.ts'

/**
 * Time limits in ms: one number for connect and read, `[connect, read]`, or each by name; `total` covers everything from
 * the call to the end of the body, redirects included. `null` is no limit.
 */
export type TimeoutInit =
  | number
  | readonly [connect: number | null, read: number | null]
  | readonly (number | null)[]
  | {
      readonly connect?: number | null | undefined
      readonly read?: number | null | undefined
      readonly total?: number | null | undefined
    }

/** The options that decide how a request is sent; `undefined` inherits from the session. */
export interface SendOptions {
  /**
   * What to trust: `true` (the default roots), `false` (no verification: for tests), the path of a file or directory,
   * PEM text, bytes, a certificate, a `CABundle`, or a list of these, which replace the default roots; or a pin, or a list of
   * pins, which identify the server. Default: `REQUESTS_CA_BUNDLE`, else `CURL_CA_BUNDLE`, else the
   * session's, else the default roots.
   *
   * @example
   * verify: 'company-ca.pem'
   * verify: CABundle.default().with('company-ca.pem') // the default roots and one more
   * verify: 'sha256:58CF3FB8…' // this certificate
   */
  verify?: Verify | null | undefined
  /**
   * The client certificate: a path, `[cert, key]`, `{ cert, key, passphrase }` or `{ pfx, passphrase }`. `null`: none. Default: the
   * session's.
   */
  cert?: ClientCert | null | undefined
  /** In ms: a number, `[connect, read]`, or `{ connect, read, total }`. Default: the session's, else no limit. */
  timeout?: TimeoutInit | null | undefined
  /**
   * The proxy by scheme (`http`, `https`, `all`) or scheme and host: `{ https: 'http://user:password@proxy:3128' }`.
   * Overrides the environment's (`HTTPS_PROXY` …); `null` removes a key, `''` means no proxy.
   */
  proxies?: ProxiesInit | null | undefined
  /** Whether to follow redirects. Default: `true`, for `head` `false`. */
  allowRedirects?: boolean | null | undefined
  /** Whether the call resolves before the body has been read, so that it can be streamed. Default: `false`. */
  stream?: boolean | null | undefined
  /** Aborts the request at any time; the promise rejects with the signal's reason. */
  signal?: AbortSignal | null | undefined
  /** The largest body to accept, in bytes after decoding; a larger one is an error (`ERR_MAX_RESPONSE_SIZE`). Default: no limit. */
  maxResponseSize?: number | null | undefined
  /**
   * How many days before a certificate expires a `CertificateExpiryWarning` is emitted, once for each certificate: the
   * server's, the client's, those of a bundle of at most ten. `false`: never. Default: 14.
   */
  expiryWarning?: number | false | null | undefined
  /**
   * Whether to use Node's lenient parser for responses that violate HTTP, as some devices send them. It may read such a response as
   * two, so use it only for servers that need it. Default: `false`.
   */
  insecureHTTPParser?: boolean | null | undefined
  /**
   * Sends `Expect: 100-continue`, and the body when the server agrees or after this time in ms (`true`: 1000). A server that
   * refuses the request then does so before the upload. Default: `false`.
   */
  expectContinue?: number | boolean | null | undefined
  /** Called with the bytes of the body that have been sent; `percent` is 0 to 1. */
  onUploadProgress?: ((progress: Progress) => void) | null | undefined
  /** Called with the bytes of the response's body that have been received, before decompression; `percent` is 0 to 1. */
  onDownloadProgress?: ((progress: Progress) => void) | null | undefined
}

/** The options of `get`, `post` and the other request functions. */
export interface RequestOptions extends RequestParts, SendOptions {}

/** The settings of a session about sending. */
export interface SessionSettings {
  readonly verify: Verify | null | undefined
  readonly cert: ClientCert | null | undefined
  readonly timeout: TimeoutInit | null | undefined
  readonly stream: boolean
  readonly trustEnv: boolean
  readonly maxRedirects: number
  readonly proxies: ProxiesInit | null | undefined
  readonly expiryWarning: number | false
  readonly insecureHTTPParser: boolean
  readonly expectContinue: number | boolean
}

/** The settings of a session without options. */
export const SESSION_DEFAULTS = Object.freeze({
  auth: null,
  verify: true,
  cert: null,
  timeout: null,
  stream: false,
  trustEnv: true,
  maxRedirects: 30,
  proxies: null,
  expiryWarning: 14,
  insecureHTTPParser: false,
  expectContinue: false,
}) satisfies SessionSettings

/** The settings of a request and of its redirects. */
export interface Settings extends SendSettings {
  readonly allowRedirects: boolean
  readonly maxRedirects: number
  readonly stream: boolean
  readonly maxResponseSize: number | undefined
  /** Evaluated for each hop: the proxy depends on the URL. */
  readonly proxyRules: ProxyRules
  /** `undefined` if it is not to be read (`trustEnv: false`). */
  readonly env: NodeJS.ProcessEnv | undefined
}

/**
 * Resolves the options of a request function: the call overrides the session, and the environment's bundle overrides a
 * `verify` that is unset or `true`.
 *
 * @throws TypeError or RangeError for a wrong value, CABundleError for an empty or damaged bundle given by value
 */
export function requestSettings(
  session: SessionSettings,
  call: SendOptions,
  env: NodeJS.ProcessEnv = processEnvironment(),
): Settings {
  const own = ownProperties(call)
  return resolveSettings(session, own, resolveVerify(own.verify, session, env), env, true)
}

/** Resolves the options of `Session.send`. As in requests, the environment's bundle is ignored (psf/requests#3626). */
export function sendSettings(
  session: SessionSettings,
  call: SendOptions,
  env: NodeJS.ProcessEnv = processEnvironment(),
): Settings {
  const own = ownProperties(call)
  const { verify } = own
  const trust =
    verify === undefined || verify === null ? toTrust(session.verify ?? true, 'session') : toTrust(verify, 'call')
  return resolveSettings(session, own, trust, env, false)
}

/** What a request takes, in the order of the documentation. */
export const REQUEST_OPTIONS = optionNames<RequestOptions>({
  verify: true,
  cert: true,
  params: true,
  data: true,
  json: true,
  files: true,
  headers: true,
  cookies: true,
  auth: true,
  timeout: true,
  allowRedirects: true,
  proxies: true,
  stream: true,
  hooks: true,
  signal: true,
  maxResponseSize: true,
  expiryWarning: true,
  insecureHTTPParser: true,
  expectContinue: true,
  onUploadProgress: true,
  onDownloadProgress: true,
})

/** What `Session.send` takes. */
export const SEND_OPTIONS: ReadonlySet<string> = new Set(
  [...REQUEST_OPTIONS].filter((name) => !REQUEST_PARTS.has(name)),
)

function resolveSettings(
  session: SessionSettings,
  call: SendOptions,
  trust: Trust,
  environment: NodeJS.ProcessEnv,
  envOverSession: boolean,
): Settings {
  const cert = call.cert === undefined ? session.cert : call.cert
  const timeout = toTimeout(call.timeout === undefined ? session.timeout : call.timeout)
  const env = environmentOf(session.trustEnv, environment)
  return {
    trust,
    cert: cert === undefined || cert === null ? undefined : toClientCertSource(cert),
    timeout,
    deadline: timeout.total === undefined ? undefined : performance.now() + timeout.total,
    allowRedirects: checkFlag('allowRedirects', call.allowRedirects) ?? true,
    maxRedirects: checkCount('maxRedirects', session.maxRedirects),
    stream: checkFlag('stream', call.stream === undefined ? session.stream : call.stream) ?? false,
    signal: checkSignal(call.signal),
    maxResponseSize: checkSize(call.maxResponseSize),
    expiryWarning: checkDays(call.expiryWarning === undefined ? session.expiryWarning : call.expiryWarning),
    insecureHTTPParser: checkFlag('insecureHTTPParser', call.insecureHTTPParser ?? session.insecureHTTPParser) ?? false,
    expectContinue: toContinueLimit(call.expectContinue ?? session.expectContinue),
    onUploadProgress: checkFunction('onUploadProgress', call.onUploadProgress),
    onDownloadProgress: checkFunction('onDownloadProgress', call.onDownloadProgress),
    proxy: undefined,
    proxyRules: {
      call: checkProxies(call.proxies),
      session: checkProxies(session.proxies),
      env,
      envOverSession,
    },
    env,
  }
}

const NO_LIMITS: TimeoutLimits = Object.freeze({ connect: undefined, read: undefined, total: undefined })
interface Limits {
  connect?: unknown
  read?: unknown
  total?: unknown
}

const LIMIT_NAMES: ReadonlySet<string> = new Set(['connect', 'read', 'total'])

/** @throws TypeError for another shape, RangeError for a limit that is not above 0 */
export function toTimeout(timeout: TimeoutInit | null | undefined): TimeoutLimits {
  if (timeout === undefined || timeout === null) return NO_LIMITS
  if (typeof timeout === 'number')
    return { ...NO_LIMITS, connect: checkTimeLimit('timeout', timeout), read: checkTimeLimit('timeout', timeout) }
  if (Array.isArray(timeout)) {
    if (timeout.length !== 2) throw new TypeError(`timeout must be [connect, read], not a list of ${timeout.length}`)
    return {
      ...NO_LIMITS,
      connect: checkTimeLimit('timeout[0] (connect)', timeout[0]),
      read: checkTimeLimit('timeout[1] (read)', timeout[1]),
    }
  }
  if (typeof timeout !== 'object') {
    throw new TypeError(
      `timeout must be a number of ms, [connect, read] or { connect, read, total }, not ${typeof timeout}`,
    )
  }
  const { connect, read, total }: Limits = ownOptions(timeout as Limits, 'timeout', LIMIT_NAMES)
  return {
    connect: checkTimeLimit('timeout.connect', connect),
    read: checkTimeLimit('timeout.read', read),
    total: checkTimeLimit('timeout.total', total),
  }
}

/** How long to wait for `100 Continue`, in ms; `undefined`: not at all. */
export function toContinueLimit(wait: unknown): number | undefined {
  if (wait === true) return CONTINUE_LIMIT_MS
  if (wait === false || wait === undefined || wait === null) return undefined
  if (typeof wait !== 'number') {
    throw new TypeError(`expectContinue must be a number of ms, or a boolean, not ${displayValue(wait)}`)
  }
  return checkTimeLimit('expectContinue', wait) ?? MAX_TIMER_MS
}

/** That of curl. */
const CONTINUE_LIMIT_MS = 1000

function checkSize(size: unknown): number | undefined {
  if (size === undefined || size === null || size === Number.POSITIVE_INFINITY) return undefined
  if (typeof size === 'number' && size >= 0) return size
  throw new TypeError(`maxResponseSize must be a number of bytes, not ${displayValue(size)}`)
}

/** @throws TypeError for anything but a number of days or `false`; `null` is the default */
export function checkDays(days: number | false | null): number | false {
  if (days === null) return SESSION_DEFAULTS.expiryWarning
  if (days === false || (typeof days === 'number' && days >= 0)) return days
  throw new TypeError(`expiryWarning must be a number of days, or false, not ${displayValue(days)}`)
}
