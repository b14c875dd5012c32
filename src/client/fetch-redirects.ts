/** Redirects of `fetch`, by the Fetch standard ("HTTP-redirect fetch"). */

import { redactUrl, withoutAuth } from '../core/credentials.ts'
import { InvalidURL, RequestException, UnrewindableBodyError } from '../core/errors.ts'
import { noAdapter } from '../http/url.ts'
import type { PreparedRequest } from './prepared-request.ts'
import { decodeLocation, type RedirectStep } from './redirects.ts'

/** What of a call decides whether a redirect is followed. */
export interface RedirectRules {
  readonly mode: globalThis.Request['mode']
  /** Whether the Cookie header is the caller's own, and not made from the jar. */
  readonly ownCookies: boolean
}

/**
 * The next request.
 *
 * @param location the header as Node returns it, one character per byte (latin-1)
 * @throws RequestException of the kind that fits, for a redirect that the standard does not follow
 */
export function fetchRedirect(
  request: PreparedRequest,
  statusCode: number,
  location: string,
  { mode, ownCookies }: RedirectRules,
): RedirectStep {
  const url = resolve(location, request.target)
  const isSameOrigin = url.origin === request.target.origin
  if (!isSameOrigin && mode === 'same-origin') {
    throw new RequestException(
      `the redirect leads to another origin, which mode 'same-origin' forbids: ${redactUrl(url)}`,
    )
  }
  // A program has no origin: to the standard every request is a cross-origin one.
  if (url.username !== '' || url.password !== '') {
    throw new InvalidURL(`the redirect leads to a URL with credentials: ${redactUrl(url)}`)
  }
  if (statusCode !== 303 && request.body !== undefined && !request.rewindable) {
    throw new UnrewindableBodyError(
      `the server redirects (${statusCode}), and the body cannot be sent again: it is a stream`,
      { request },
    )
  }
  const method = methodAfter(statusCode, request.method)
  const keepsBody = method === request.method && statusCode !== 303
  const headers = request.headers.clone()
  const ofOrigin = isSameOrigin ? (ownCookies ? [] : ['Cookie']) : ORIGIN_HEADERS
  for (const name of keepsBody ? ofOrigin : [...BODY_HEADERS, ...ofOrigin]) headers.delete(name)
  return { url, method, headers, keepsBody }
}

/** 301 and 302 turn POST into GET; 303 turns everything but HEAD into GET. */
function methodAfter(statusCode: number, method: string): string {
  if (statusCode === 303) return method === 'HEAD' ? method : 'GET'
  return (statusCode === 301 || statusCode === 302) && method === 'POST' ? 'GET' : method
}

function resolve(location: string, base: URL): URL {
  const text = decodeLocation(location)
  const url = URL.parse(text, base.href)
  if (url === null) throw new InvalidURL(`the redirect leads to an invalid URL: ${redactUrl(text)}`)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw noAdapter(withoutAuth(url))
  if (url.hash === '') url.hash = base.hash
  return url
}

/** What describes a body, and goes with it. */
const BODY_HEADERS = [
  'Content-Encoding',
  'Content-Language',
  'Content-Location',
  'Content-Type',
  'Content-Length',
  'Transfer-Encoding',
]

/** What was meant for one origin. */
const ORIGIN_HEADERS = ['Authorization', 'Proxy-Authorization', 'Cookie', 'Host']
