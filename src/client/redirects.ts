/** Where a redirect leads and what the next request may take along: requests' rules, but for what would leak: `cert` and a Host of one's own stay behind. */

import { redactUrl, withoutAuth } from '../core/credentials.ts'
import { InvalidURL } from '../core/errors.ts'
import type { HeaderMap } from '../http/headers.ts'
import { noAdapter, prepareUrl } from '../http/url.ts'

/** The beginning of the next request. */
export interface RedirectStep {
  readonly url: URL
  readonly method: string
  readonly headers: HeaderMap
  /** Whether the body goes along: after 307 and 308 only. */
  readonly keepsBody: boolean
}

/** What a redirect starts from. */
export interface RedirectedRequest {
  readonly method: string
  readonly target: URL
  readonly headers: HeaderMap
}

/** The statuses that are followed, when there is a Location; never 300, 304 to 306. */
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/** Whether a response with this status is a redirect, if it says where to (requests' `is_redirect`). */
export function isRedirect(statusCode: number): boolean {
  return REDIRECTS.has(statusCode)
}

/**
 * The next request.
 *
 * @param location the header, each byte as one character (latin-1), as Node hands it out
 * @throws InvalidSchema when it leads to something that is not http, InvalidURL when it is no URL
 */
export function redirectStep(request: RedirectedRequest, statusCode: number, location: string): RedirectStep {
  const url = resolveLocation(request.target, location)
  const method = redirectMethod(statusCode, request.method)
  const keepsBody = statusCode === 307 || statusCode === 308
  const headers = request.headers.clone()
  // Rebuilt from the jar, which knows where each cookie belongs.
  headers.delete('Cookie')
  headers.delete('Proxy-Authorization')
  if (url.origin !== request.target.origin) headers.delete('Host')
  if (mustStripAuth(request.target, url)) headers.delete('Authorization')
  if (!keepsBody) {
    for (const name of ['Content-Length', 'Content-Type', 'Transfer-Encoding']) headers.delete(name)
  }
  return { url, method, headers, keepsBody }
}

/** requests' `should_strip_auth`: to another host always, to another port or scheme unless http:80 becomes https:443. */
export function mustStripAuth(from: URL, to: URL): boolean {
  if (from.hostname !== to.hostname) return true
  const upgraded = from.protocol === 'http:' && to.protocol === 'https:' && from.port === '' && to.port === ''
  return !upgraded && from.origin !== to.origin
}

/** requests' `rebuild_method`: what browsers do rather than what RFC 9110 would have liked. */
export function redirectMethod(statusCode: number, method: string): string {
  if ((statusCode === 302 || statusCode === 303) && method !== 'HEAD') return 'GET'
  return statusCode === 301 && method === 'POST' ? 'GET' : method
}

function resolveLocation(base: URL, location: string): URL {
  // A backslash is no slash, as browsers have it: `/\\host` would be another host.
  const text = decodeLocation(location).replaceAll('\\', '%5C')
  let url: URL
  try {
    url = new URL(text, base)
  } catch {
    throw new InvalidURL(`the redirect leads to an invalid URL: ${redactUrl(text)}`)
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw noAdapter(withoutAuth(url))
  }
  // The fragment belongs to the reader, not to the server: it is kept unless the new URL has one (RFC 9110, 10.2.2).
  if (url.hash === '') url.hash = base.hash
  // Credentials in a Location are the redirecting server's idea, not the user's.
  return prepareUrl(withoutAuth(url))
}

/** Servers send UTF-8 in Location, though headers are latin-1. */
function decodeLocation(location: string): string {
  const bytes = Buffer.from(location, 'latin1')
  const text = bytes.toString('utf8')
  return text.includes('\ufffd') ? location : text
}
