/** The arguments of `fetch`, checked as the Fetch standard requires: Node's `Request` or any object of that shape. */

import { type BodyHolder, extractBody, requestBody } from '../body/body-init.ts'
import type { EncodedBody } from '../body/encode.ts'
import { displayName, hasKeyAsHost, KEY_AS_HOST, redactUrl } from '../core/credentials.ts'
import { isIterable, isRecord } from '../core/pairs.ts'
import { isToken } from '../http/token.ts'

/** What a call of `fetch` asks for. */
export interface FetchRequest {
  readonly url: URL
  readonly method: string
  /** Names and values, as the caller spelled the names. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly signal: AbortSignal | undefined
  readonly redirect: globalThis.Request['redirect']
  readonly mode: globalThis.Request['mode']
  readonly cache: globalThis.Request['cache']
  /** Whether cookies are sent and stored: `credentials: 'include'`. */
  readonly withCookies: boolean
  /** Subresource integrity; `''` is none. */
  readonly integrity: string
}

/** The members of `init`, and of an `input` that is a `Request`, before they are checked. */
type Members = { readonly [name: string]: unknown }

/**
 * The URL of `input`, and `input` itself if it has the shape of a `Request`.
 *
 * @throws TypeError for a text that is no absolute URL, and for a URL with credentials
 */
export function fetchInput(input: unknown): { readonly url: URL; readonly request: Members | undefined } {
  const request = isRequest(input) ? input : undefined
  const text = String(request ? request.url : input)
  const url = URL.parse(text)
  if (hasKeyAsHost(text)) throw new TypeError(`Failed to parse URL from ${redactUrl(text)}: ${KEY_AS_HOST}`)
  if (url === null) throw new TypeError(`Failed to parse URL from ${redactUrl(text)}`)
  if (url.username !== '' || url.password !== '') {
    throw new TypeError(`Request cannot be constructed from a URL that includes credentials: ${redactUrl(url)}`)
  }
  return { url, request }
}

/**
 * The request without its body. Node's `Request` checks the members, with Node's own messages.
 *
 * @throws TypeError for a wrong value, and for an option that `fetch` does not take
 */
export function toFetchRequest(url: URL, request: Members | undefined, init: Members): FetchRequest {
  for (const options of request === undefined ? [init] : [request, init]) refuseForeignOptions(options)
  const members: Record<string, unknown> = {}
  for (const name of REQUEST_MEMBERS) {
    const value = init[name] ?? request?.[name]
    if (value !== undefined) members[name] = value
  }
  for (const name of INIT_MEMBERS) if (init[name] !== undefined) members[name] = init[name]
  const signal = toSignal(init.signal === undefined ? request?.signal : init.signal)
  if (Object.keys(members).length === 0) return { ...PLAIN_GET, url, signal }
  const { method, headers, redirect, mode, cache, credentials, integrity } = nodeRequest(url, members)
  return {
    url,
    method,
    headers: asGiven(headers, members.headers),
    signal,
    redirect,
    mode,
    cache,
    withCookies: credentials === 'include',
    integrity,
  }
}

/** @throws TypeError with Node's own message, but for values that may be secret; for an invalid header with ours */
function nodeRequest(url: URL, members: Members): globalThis.Request {
  try {
    return new Request(url, members)
  } catch (error) {
    const { headers } = members
    const pairs: readonly unknown[] = isIterable(headers) ? [...headers] : Object.entries(Object(headers))
    const [name] = (pairs.find((pair) => Array.isArray(pair) && isInvalid(pair)) ?? []) as unknown[]
    if (name === undefined) throw withoutSecrets(error as Error, members)
    throw new TypeError(
      isToken(String(name)) ? `the value of the header ${name} is not valid` : 'the name of a header is not valid',
    )
  }
}

/** Node's messages show a wrong value as a whole. */
function withoutSecrets({ message }: Error, { headers: _, ...others }: Members): TypeError {
  const values = Object.values(others).map(String).filter(Boolean)
  return new TypeError(values.reduce((text, value) => text.replaceAll(value, () => displayName(value)), message))
}

function isInvalid([name, value]: readonly unknown[]): boolean {
  try {
    new Headers([[String(name), String(value)]])
    return false
  } catch {
    return true
  }
}

/** What `new Request(url)` is. */
const PLAIN_GET = {
  method: 'GET',
  headers: [],
  redirect: 'follow',
  mode: 'cors',
  cache: 'default',
  withCookies: false,
  integrity: '',
} as const

/**
 * The body: of `init`, else of the request.
 *
 * @throws TypeError for a body that cannot be sent, and for any body of GET and HEAD
 */
export function fetchBody(
  method: string,
  request: (Members & BodyHolder) | undefined,
  init: Members,
): EncodedBody | Promise<EncodedBody> {
  const { body, duplex } = init
  const isInherited = body === undefined || body === null
  const hasBody = !isInherited || (request?.body !== undefined && request.body !== null)
  if (hasBody && (method === 'GET' || method === 'HEAD')) {
    throw new TypeError('Request with GET/HEAD method cannot have body.')
  }
  if (isInherited && request && method !== 'GET' && method !== 'HEAD') {
    if (request.bodyUsed === true) {
      throw new TypeError('Cannot construct a Request with a Request object that has already been used.')
    }
    return requestBody(request)
  }
  return extractBody(body, duplex)
}

/** A `Request` of this realm, or an object of its shape. A `URL` has no `url`. */
function isRequest(input: unknown): input is Members & BodyHolder {
  return typeof input === 'object' && input !== null && 'url' in input && typeof input.url === 'string'
}

/** In other clients these decide what is trusted, or the way to the server. To ignore them would be another trust. */
function refuseForeignOptions(options: Members): void {
  for (const name of FOREIGN_OPTIONS) {
    if (options[name] === undefined || options[name] === null) continue
    throw new TypeError(
      `fetch has no option "${name}": trust, client certificate and proxies are those of its session. ` +
        `Write: const { fetch } = new Session({ verify, cert, proxies })`,
    )
  }
}

const FOREIGN_OPTIONS = [
  'dispatcher',
  'agent',
  'httpAgent',
  'httpsAgent',
  'verify',
  'cert',
  'key',
  'pfx',
  'ca',
  'rejectUnauthorized',
  'proxy',
  'proxies',
  'tls',
] as const

/** Taken from `init`, else from the request. The remaining members of a request have no effect in Node. */
const REQUEST_MEMBERS = ['method', 'headers', 'redirect', 'credentials', 'integrity', 'mode', 'cache'] as const

/** Checked, and without effect, as in Node. */
const INIT_MEMBERS = ['keepalive', 'referrer', 'referrerPolicy', 'duplex', 'priority', 'window'] as const

/** Any signal of the standard's shape: polyfills have classes of their own. @throws TypeError for another value */
function toSignal(signal: unknown): AbortSignal | undefined {
  if (signal === undefined || signal === null) return undefined
  if (signal instanceof AbortSignal) return signal
  if (!isSignal(signal)) throw new TypeError('RequestInit: Expected signal to be an instance of AbortSignal.')
  const controller = new AbortController()
  const abort = () => controller.abort(signal.reason)
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort)
  return controller.signal
}

function isSignal(signal: unknown): signal is Pick<AbortSignal, 'aborted' | 'reason' | 'addEventListener'> {
  return (
    typeof signal === 'object' &&
    signal !== null &&
    'aborted' in signal &&
    typeof signal.aborted === 'boolean' &&
    'addEventListener' in signal &&
    typeof signal.addEventListener === 'function'
  )
}

/** The headers in the caller's spelling and order, if they were given as an object or a list; `Headers` keeps neither. */
function asGiven(headers: Headers, given: unknown): [name: string, value: string][] {
  const spelling = new Map<string, string>()
  for (const name of namesOf(given)) {
    const key = name.toLowerCase()
    if (!spelling.has(key)) spelling.set(key, name)
  }
  if (spelling.size === 0) return [...headers]
  return Array.from(spelling).flatMap(([key, name]) => {
    const values = key === 'set-cookie' ? headers.getSetCookie() : [headers.get(key) ?? '']
    return values.map((value): [string, string] => [name, value])
  })
}

function namesOf(given: unknown): string[] {
  if (Array.isArray(given)) return given.map(([name]) => String(name))
  return isRecord(given) && !isIterable(given) ? Object.keys(given) : []
}
