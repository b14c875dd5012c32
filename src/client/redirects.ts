/**
 * The target of a redirect and the headers of the next request: requests' rules, except that `cert` and a custom Host
 * stay with their origin.
 */

import { redactUrl, withoutAuth } from '../core/credentials.ts'
import { InvalidURL } from '../core/errors.ts'
import { percentEncode } from '../http/form.ts'
import type { HeaderMap } from '../http/headers.ts'
import { noAdapter, prepareUrl } from '../http/url.ts'

/** What determines the next request. */
export interface RedirectStep {
  readonly url: URL
  readonly method: string
  readonly headers: HeaderMap
  /** Whether the body is sent again: for 307 and 308 only. */
  readonly keepsBody: boolean
}

/** The request that was redirected. */
export interface RedirectedRequest {
  readonly method: string
  readonly target: URL
  readonly headers: HeaderMap
}

/** The statuses that are followed if there is a Location: not 300, 304, 305 and 306. */
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/** Whether a response with this status and a Location is a redirect (requests' `is_redirect`). */
export function isRedirect(statusCode: number): boolean {
  return REDIRECTS.has(statusCode)
}

/**
 * Computes the next request.
 *
 * @param location the header in latin-1, one character for each byte, as Node returns it
 * @throws InvalidSchema if its scheme is neither http nor https, InvalidURL if it cannot be parsed
 */
export function redirectStep(request: RedirectedRequest, statusCode: number, location: string): RedirectStep {
  const url = resolveLocation(request.target, location)
  const method = redirectMethod(statusCode, request.method)
  const keepsBody = statusCode === 307 || statusCode === 308
  const headers = request.headers.clone()
  // Set again from the jar, which knows the domain of each cookie.
  headers.delete('Cookie')
  headers.delete('Proxy-Authorization')
  if (url.origin !== request.target.origin) headers.delete('Host')
  if (mustStripAuth(request.target, url)) headers.delete('Authorization')
  if (!keepsBody) {
    for (const name of ['Content-Length', 'Content-Type', 'Transfer-Encoding']) headers.delete(name)
  }
  return { url, method, headers, keepsBody }
}

/** requests' `should_strip_auth`: true for another host, and for another port or scheme unless http:80 becomes https:443. */
export function mustStripAuth(from: URL, to: URL): boolean {
  if (from.hostname !== to.hostname) return true
  const upgraded = from.protocol === 'http:' && to.protocol === 'https:' && from.port === '' && to.port === ''
  return !upgraded && from.origin !== to.origin
}

/** requests' `rebuild_method`: follows the browsers, which differ from RFC 9110. */
export function redirectMethod(statusCode: number, method: string): string {
  if ((statusCode === 302 || statusCode === 303) && method !== 'HEAD') return 'GET'
  return statusCode === 301 && method === 'POST' ? 'GET' : method
}

function resolveLocation(base: URL, location: string): URL {
  // The URL parser, like browsers, treats a backslash as a slash: `/\\host` would name another host.
  const text = escapeLocation(location).replaceAll('\\', '%5C')
  const url = lacksHost(text, base) ? null : URL.parse(text, base.href)
  if (url === null) throw new InvalidURL(`the redirect leads to an invalid URL: ${redactUrl(text)}`)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw noAdapter(withoutAuth(url))
  }
  // The fragment is kept unless the new URL has one (RFC 9110 section 10.2.2).
  if (url.hash === '') url.hash = base.hash
  // Drop credentials embedded in Location: they come from the server, not from the user.
  return prepareUrl(withoutAuth(url))
}

/** Whether a Location has an empty host, as `http:///end` has: the URL parser would take the first part of the path for one. */
function lacksHost(location: string, base: URL): boolean {
  const [, scheme, slashes = ''] = /^\s*(https?:)?(\/*)(?=[^/]|$)/i.exec(location) ?? []
  if (slashes.length > 2 || /^\s*(?:https?:)?\/\/(?:[?#]|\s*$)/i.test(location)) return true
  return scheme !== undefined && slashes.length < 2 && scheme.toLowerCase() !== base.protocol
}

/** Each byte above 127 is percent-encoded, whatever its charset; those of the host are UTF-8 if they can be. */
function escapeLocation(location: string): string {
  const [authority = ''] = /^\s*(?:[a-z][a-z\d+.-]*:)?\/\/[^/?#\\]*/i.exec(location) ?? []
  const rest = location
    .slice(authority.length)
    .replace(/[\x80-\xff]/g, (byte) => percentEncode(Buffer.from(byte, 'latin1')))
  return decodeLocation(authority) + rest
}

/** Many servers send UTF-8 in Location, although headers are latin-1. */
export function decodeLocation(location: string): string {
  const bytes = Buffer.from(location, 'latin1')
  const text = bytes.toString('utf8')
  return text.includes('\ufffd') ? location : text
}
