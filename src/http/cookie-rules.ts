/** Which cookies may be set and sent (RFC 6265 and RFC 6265bis), beyond the rules that tough-cookie applies. */
import type { Cookie } from 'tough-cookie'
import { toughCookie } from '../core/lazy.ts'

/** Whether a cookie is what a prefix of its name promises; prefixes count in any case (RFC 6265bis section 5.7). */
export function keepsPromise({ key, secure, domain, path }: Cookie, { protocol }: URL): boolean {
  const [prefix] = /^__(?:host|secure)-/i.exec(key) ?? []
  if (prefix === undefined) return true
  if (!secure || protocol !== 'https:') return false
  return /^__secure-$/i.test(prefix) || (domain === null && path === '/')
}

/**
 * Whether a response without TLS must not set the cookie: it has the attribute Secure, or would replace or hide a secure one
 * (RFC 6265bis section 5.7, steps 13 and 14).
 */
export function isProtected({ secure, key, domain, path }: Cookie, url: URL, secureOnes: readonly Cookie[]): boolean {
  if (secure) return true
  const { domainMatch, pathMatch, defaultPath } = toughCookie()
  const host = domain ?? url.hostname
  const own = path ?? defaultPath(url.pathname)
  return secureOnes.some(
    (other) =>
      other.key === key &&
      (domainMatch(host, other.domain ?? '') || domainMatch(other.domain ?? '', host)) &&
      pathMatch(own, other.path ?? '/'),
  )
}

/** Whether scheme, expiry and path (RFC 6265 section 5.1.4) allow to send the cookie. */
export function matchesUrl({ protocol, pathname }: URL, cookie: Cookie): boolean {
  if (cookie.secure && protocol !== 'https:') return false
  if (isExpired(cookie)) return false
  return toughCookie().pathMatch(pathname, cookie.path ?? '/')
}

export function isExpired(cookie: Cookie): boolean {
  return (cookie.expiryTime() ?? Number.POSITIVE_INFINITY) <= Date.now()
}
