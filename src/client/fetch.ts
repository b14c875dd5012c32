/** `fetch` as in the Fetch standard, with the trust settings of a session, for libraries that accept a fetch. */

import type { AuthInit } from '../auth/auth.ts'
import { type EncodedBody, withDeclaredLength } from '../body/encode.ts'
import { drainBody, readAll } from '../body/read.ts'
import { withDeadline } from '../core/deadline.ts'
import { ConnectionError, RequestException, SSLError, TooManyRedirects } from '../core/errors.ts'
import { CookieJar } from '../http/cookies.ts'
import { type HeaderMap, mergeHeaders } from '../http/headers.ts'
import { headerValues } from '../http/raw-headers.ts'
import { encodeParams, type ParamsInit } from '../http/url.ts'
import type { Adapter, AdapterResponse } from '../transport/adapter.ts'
import { sendRequest, withRequest } from './dispatch.ts'
import { fetchRedirect } from './fetch-redirects.ts'
import { type FetchRequest, fetchBody, fetchInput, toFetchRequest } from './fetch-request.ts'
import { hasNoBody, toResponse } from './fetch-response.ts'
import { matchesIntegrity } from './integrity.ts'
import { assembleRequest } from './prepare.ts'
import type { PreparedRequest } from './prepared-request.ts'
import { isRedirect } from './redirects.ts'
import { requestSettings, type SessionSettings, type Settings } from './settings.ts'

/** What of a session applies to `fetch`. */
export interface FetchSession extends SessionSettings {
  readonly headers: HeaderMap
  readonly params: ParamsInit | null
  readonly auth: AuthInit<PreparedRequest> | null
  readonly cookies: CookieJar
  getAdapter(url: URL): Adapter
}

/** The type of the global `fetch`. */
export type Fetch = typeof globalThis.fetch

/** Node's own, for `data:` and `blob:` URLs: there is no server to trust. Reading the property does not load it. */
const nodeFetch = globalThis.fetch

/**
 * Node's `fetch`, with the trust, proxies, client certificate, headers, params, auth and time limits of a session.
 *
 * @throws TypeError for wrong arguments, as Node's; TypeError `fetch failed: …` with vouch's error as its `cause`; the signal's
 *   reason if it is aborted
 */
export async function fetchWith(
  session: FetchSession,
  input: Parameters<Fetch>[0],
  init: Parameters<Fetch>[1],
): Promise<globalThis.Response> {
  const { url, request } = fetchInput(input)
  // Node's own error would show it.
  if (init !== undefined && typeof init !== 'object') throw new TypeError(`init must be an object, got ${typeof init}`)
  const members = (init ?? NO_MEMBERS) as { readonly [name: string]: unknown }
  const call = toFetchRequest(url, request, members)
  const { signal } = call
  if (url.protocol === 'data:' || url.protocol === 'blob:') return nodeFetch(url, init)
  const extracted = fetchBody(call.method, request, members)
  let encoded: EncodedBody | undefined
  try {
    encoded = extracted instanceof Promise ? await extracted : extracted
    signal?.throwIfAborted()
    const settings = requestSettings(session, { signal })
    const prepared = prepare(session, call, encoded, settings)
    const first = prepared.pendingAuth ? await withDeadline(prepared.pendingAuth, settings) : prepared
    return await follow(session, call, first, settings)
  } catch (error) {
    encoded?.destroy?.()
    throw toFailure(error, signal)
  }
}

const NO_MEMBERS = Object.freeze(Object.create(null))

function prepare(session: FetchSession, call: FetchRequest, encoded: EncodedBody, settings: Settings): PreparedRequest {
  const headers = mergeHeaders(session.headers, call.headers.length > 0 ? call.headers : undefined)
  addCacheHeaders(headers, call.cache)
  // The caller's Authorization is final.
  const isAuthorized = headers.has('Authorization')
  return assembleRequest({
    method: call.method,
    url: withParams(call.url, session.params),
    headers,
    encoded: withDeclaredLength(encoded, headers.get('Content-Length')),
    cookies: call.withCookies ? session.cookies : new CookieJar(),
    hooks: [],
    auth: isAuthorized ? undefined : (session.auth ?? undefined),
    env: isAuthorized ? undefined : settings.env,
  })
}

/** What `cache` and a range ask of the caches and encoders between here and the server (Fetch standard, "HTTP-network-or-cache fetch"). */
function addCacheHeaders(headers: HeaderMap, cache: globalThis.Request['cache']): void {
  const isConditional = cache === 'default' && CONDITIONS.some((name) => headers.has(name))
  if (cache === 'no-cache' && !headers.has('Cache-Control')) headers.set('Cache-Control', 'max-age=0')
  if (cache === 'no-store' || cache === 'reload' || isConditional) {
    if (!headers.has('Pragma')) headers.set('Pragma', 'no-cache')
    if (!headers.has('Cache-Control')) headers.set('Cache-Control', 'no-cache')
  }
  // A part of an encoded body cannot be decoded.
  if (headers.has('Range')) headers.set('Accept-Encoding', 'identity')
}

const CONDITIONS = ['If-Modified-Since', 'If-None-Match', 'If-Unmodified-Since', 'If-Match', 'If-Range']

/** Appended to the query; the rest of the URL stays as the URL standard writes it. */
function withParams(url: URL, params: ParamsInit | null): URL {
  const query = params === null ? '' : encodeParams(params)
  if (query === '') return url
  const extended = new URL(url)
  extended.search = url.search === '' ? query : `${url.search}&${query}`
  return extended
}

/** Sends the request and those that it is redirected to. */
async function follow(
  session: FetchSession,
  call: FetchRequest,
  first: PreparedRequest,
  settings: Settings,
): Promise<globalThis.Response> {
  const ownCookies = call.headers.some(([name]) => name.toLowerCase() === 'cookie')
  const rules = { mode: call.mode, ownCookies }
  let request = first
  let hop = settings
  let type: globalThis.Response['type'] = 'basic'
  for (let redirects = 0; ; redirects++) {
    const { answer, sent } = await send(session, call, request, hop)
    const { statusCode, body } = answer
    const isRedirected = redirects > 0
    if (!isRedirect(statusCode) || call.redirect === 'manual') return respond(call, sent, answer, type, isRedirected)
    const location = headerValues(answer.rawHeaders, 'location')[0]
    if (call.redirect === 'error') {
      body.destroy()
      throw new RequestException(`the server redirects (${statusCode}), and redirect is 'error'`, { request: sent })
    }
    if (location === undefined) return respond(call, sent, answer, type, isRedirected)
    try {
      if (redirects >= settings.maxRedirects) throw new TooManyRedirects(`Exceeded ${settings.maxRedirects} redirects.`)
      const step = fetchRedirect(sent, statusCode, location, rules)
      request = sent.redirected(step, settings.env)
    } catch (error) {
      body.destroy()
      throw withRequest(error, sent)
    }
    await drainBody(body)
    if (request.target.origin !== sent.target.origin) hop = { ...hop, cert: undefined }
    if (request.target.origin !== first.target.origin) type = 'cors'
  }
}

/** Sends one request, and once more if its auth has the response to a challenge. */
async function send(
  session: FetchSession,
  call: FetchRequest,
  request: PreparedRequest,
  settings: Settings,
): Promise<{ answer: AdapterResponse; sent: PreparedRequest }> {
  const answer = await exchange(session, call, request, settings)
  const { statusCode, body } = answer
  const challenges = statusCode >= 400 && statusCode < 500 ? headerValues(answer.rawHeaders, 'www-authenticate') : []
  if (challenges.length === 0) return { answer, sent: request }
  const sent = await withDeadline(request.withChallengeResponse(challenges), settings)
  if (sent === undefined) return { answer, sent: request }
  await drainBody(body)
  return { answer: await exchange(session, call, sent, settings), sent }
}

async function exchange(
  session: FetchSession,
  { withCookies }: FetchRequest,
  request: PreparedRequest,
  settings: Settings,
): Promise<AdapterResponse> {
  request.finalizeBodyHeaders()
  const { method, target, headers, body } = request
  // Unlike requests, fetch announces an empty body only where a body is usual.
  if (body === undefined && (method === 'DELETE' || method === 'OPTIONS')) headers.delete('Content-Length')
  const answer = await sendRequest(session.getAdapter(target), request, settings)
  if (withCookies) session.cookies.store(headerValues(answer.rawHeaders, 'set-cookie'), target)
  return answer
}

async function respond(
  { method, signal, integrity }: FetchRequest,
  request: PreparedRequest,
  answer: AdapterResponse,
  type: globalThis.Response['type'],
  redirected: boolean,
): Promise<globalThis.Response> {
  const { body, statusCode, mapBodyError = toConnectionError } = answer
  const facts = { url: withoutFragment(request.target), redirected, type }
  const mapped = (error: unknown) => (error instanceof Error ? mapBodyError(error) : error)
  body.on('error', () => {})
  if (hasNoBody(method, statusCode)) {
    // Its end frees the connection for the next request.
    await drainBody(body)
    return toResponse(answer, null, facts)
  }
  if (integrity === '') {
    const rules = { signal, toFailure: (error: unknown) => toFailure(withRequest(mapped(error), request), signal) }
    return toResponse(answer, rules, facts)
  }
  const bytes = new Uint8Array(await readAll(body).catch((error) => Promise.reject(mapped(error))))
  if (!matchesIntegrity(bytes, integrity)) throw new RequestException('integrity mismatch', { request })
  return toResponse(answer, bytes, facts)
}

function withoutFragment(url: URL): string {
  return url.hash === '' ? url.href : url.href.slice(0, url.href.indexOf('#'))
}

function toConnectionError(cause: Error): Error {
  return new ConnectionError(cause.message, { cause })
}

/** What `fetch` rejects with: the signal's reason, else a TypeError, whose message many libraries print without its cause. */
function toFailure(error: unknown, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted) return signal.reason
  const summary = error instanceof SSLError ? error.summary : error instanceof Error ? error.message : String(error)
  return new TypeError(`fetch failed: ${summary.split('\n', 1)[0]}`, { cause: error })
}
