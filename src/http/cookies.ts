/** `CookieJar`: the cookies of a session, by the rules of RFC 6265. */
import { inspect } from 'node:util'
import type { Cookie, CookieJar as ToughJar } from 'tough-cookie'
import { displayName, displayValue } from '../core/credentials.ts'
import { refuseUnknownProperties } from '../core/known-properties.ts'
import { toughCookie } from '../core/lazy.ts'
import { optionNames, ownOptions, ownProperties } from '../core/options.ts'
import { type MappingInit, type PairListInit, toPairs } from '../core/pairs.ts'
import { printable } from '../core/printable.ts'
import { isExpired, isProtected, keepsPromise, matchesUrl } from './cookie-rules.ts'
import { isToken } from './token.ts'

/** The attributes of a cookie that is set by hand. Without a `domain` it is sent to every host that the user names. */
export interface CookieAttributes {
  readonly domain?: string | undefined
  /** Default: `/` */
  readonly path?: string | undefined
  readonly expires?: Date | undefined
  /** Whether it is sent over https only. Default: `false` */
  readonly secure?: boolean | undefined
  readonly httpOnly?: boolean | undefined
}

/** The option `cookies`: names and values, or a jar. */
export type CookiesInit = MappingInit<string> | PairListInit<string> | CookieJar

/**
 * The cookies of a session, by the rules of RFC 6265 (with the package tough-cookie).
 *
 * @example
 * session.cookies.set('theme', 'dark', { domain: 'example.com' })
 * session.cookies.get('theme') // 'dark'
 */
export class CookieJar implements Iterable<[name: string, value: string]> {
  /** Cookies without a domain by name and path. As in requests, they are sent to every host that the user names. */
  readonly #domainless = new Map<string, Cookie>()
  #jar: ToughJar | undefined

  /** A new jar of these cookies. @throws TypeError for an invalid name or value, or another shape */
  static from(init: CookiesInit | null | undefined): CookieJar {
    const jar = new CookieJar()
    if (init !== undefined && init !== null) jar.update(init)
    return jar
  }

  /** The number of cookies that have not expired. */
  get size(): number {
    return this.#domainless.size + this.#stored().length
  }

  /** The value of the cookie with this name, and with this domain and path if given; of several, the one set last. */
  get(name: string, place: { domain?: string; path?: string } = {}): string | undefined {
    const where = ownOptions(place, 'cookies.get', PLACE)
    const domainless = where.domain === undefined ? [...this.#domainless.values()] : []
    return [...domainless, ...this.#stored()].findLast((cookie) => matches(cookie, name, where))?.value
  }

  /** Whether there is a cookie of this name. */
  has(name: string): boolean {
    return this.get(name) !== undefined
  }

  /**
   * Sets a cookie.
   *
   * @throws TypeError for a name, value or attribute that cookies cannot have (RFC 6265 section 4.1.1), and for a public
   *   suffix such as `.com` as the domain
   *
   * @example
   * jar.set('theme', 'dark', { domain: '.example.com', secure: true })
   */
  set(name: string, value: string, attributes: CookieAttributes = {}): this {
    if (typeof name !== 'string' || typeof value !== 'string') {
      throw new TypeError(`cookies: name and value must be strings, got ${typeof name} and ${typeof value}`)
    }
    const { Cookie } = toughCookie()
    if (!isToken(name) || !COOKIE_VALUE.test(value)) {
      throw new TypeError(
        `cookies: '${displayName(name.replace(/=.*/s, '=…'))}' has a character that cookies cannot have (RFC 6265 section 4.1.1)`,
      )
    }
    const { domain, path = '/', expires, secure = false, httpOnly = false } = checkAttributes(attributes)
    const hostOnly = !domain?.startsWith('.')
    const host = domain?.replace(/^\./, '')
    const shared = { key: name, value, path, secure, httpOnly, ...(expires && { expires }) }
    const cookie = new Cookie(ownProperties({ ...shared, hostOnly, ...(hostOnly ? {} : { domain: host as string }) }))
    if (host === undefined) this.#domainless.set(`${name};${path}`, cookie)
    else this.#setForUrl(cookie, `${secure ? 'https' : 'http'}://${host}${path}`)
    return this
  }

  /** Removes the cookies of this name. Returns whether there were any. */
  delete(name: string, place: { domain?: string; path?: string } = {}): boolean {
    const where = ownOptions(place, 'cookies.delete', PLACE)
    const found = this.#stored().filter((cookie) => matches(cookie, name, where))
    for (const cookie of found) {
      this.#jar?.store.removeCookie(cookie.domain ?? '', cookie.path ?? '/', cookie.key, () => {})
    }
    const candidates = where.domain === undefined ? [...this.#domainless] : []
    const domainless = candidates.filter(([, cookie]) => matches(cookie, name, where))
    for (const [key] of domainless) this.#domainless.delete(key)
    return found.length + domainless.length > 0
  }

  /** Removes all cookies. */
  clear(): void {
    this.#domainless.clear()
    this.#jar = undefined
  }

  /** Sets all of these cookies; they override those of the same name. @throws TypeError as {@link set} */
  update(cookies: CookiesInit): this {
    if (cookies instanceof CookieJar) {
      for (const [key, cookie] of cookies.#domainless) this.#domainless.set(key, cookie)
      for (const cookie of cookies.#stored()) this.#insert(cookie)
      return this
    }
    for (const [name, value] of toPairs(cookies, 'cookies', ACCEPTED)) this.set(name, value as string)
    return this
  }

  /** All names and values; if several cookies have one name, the last one set. */
  toObject(): Record<string, string> {
    return Object.fromEntries(this)
  }

  *[Symbol.iterator](): Generator<[name: string, value: string], void, undefined> {
    for (const cookie of [...this.#domainless.values(), ...this.#stored()]) yield [cookie.key, cookie.value]
  }

  /**
   * @internal The value of the Cookie header for a request.
   * @param direct false if a redirect led here: cookies set without a domain are then not sent
   */
  headerFor(url: URL, direct: boolean): string | undefined {
    const domainless = direct ? Array.from(this.#domainless.values()).filter((cookie) => matchesUrl(url, cookie)) : []
    // Several cookies of one name are all sent, the longest path first (RFC 6265 section 5.4).
    const cookies = [...domainless, ...this.#matching(url)]
    if (cookies.length === 0) return undefined
    return cookies.map(({ key, value }) => `${key}=${value}`).join('; ')
  }

  /** @internal Stores the Set-Cookie headers of a response, and ignores those that RFC 6265 refuses. */
  store(setCookie: readonly string[], url: URL): void {
    if (setCookie.length === 0) return
    // The jar is looked at once: a response may have thousands of these headers.
    const isSecure = url.protocol === 'https:'
    const room = { protected: isSecure ? [] : this.#stored().filter(({ secure }) => secure), ...countsOf(this.#all()) }
    for (const line of setCookie) this.#storeLine(line, url, room)
  }

  #storeLine(line: string, url: URL, room: Room): void {
    const cookie = toughCookie().Cookie.parse(line)
    if (cookie === undefined || !keepsPromise(cookie, url)) return
    if (url.protocol !== 'https:' && isProtected(cookie, url, room.protected)) return
    if (cookie.key.length + cookie.value.length > MAX_LENGTH) return
    this.#makeRoom(cookie.domain ?? url.hostname, room)
    this.#tough().setCookieSync(cookie, undecoded(url), { ignoreError: true })
  }

  /**
   * Counts a cookie. In a domain or a jar that is full, removes the expired cookies, or the oldest tenth: servers must not fill the
   * memory.
   */
  #makeRoom(domain: string, room: Room): void {
    if (isFull(domain, room)) {
      // One that was replaced was counted twice.
      Object.assign(room, countsOf(this.#all()))
      if (isFull(domain, room)) this.#removeOldest(domain, room)
    }
    room.total++
    room.byDomain.set(domain, (room.byDomain.get(domain) ?? 0) + 1)
  }

  #removeOldest(domain: string, room: Room): void {
    const isOfDomain = (room.byDomain.get(domain) ?? 0) >= MAX_OF_DOMAIN
    const all = this.#all().filter((cookie) => !isOfDomain || cookie.domain === domain)
    const expired = all.filter(isExpired)
    const byAge = all.sort((one, other) => (one.creationIndex ?? 0) - (other.creationIndex ?? 0))
    for (const cookie of expired.length > 0 ? expired : byAge.slice(0, Math.ceil(all.length / 10))) {
      this.#jar?.store.removeCookie(cookie.domain ?? '', cookie.path ?? '/', cookie.key, () => {})
    }
    Object.assign(room, countsOf(this.#all()))
  }

  /** Names only: values are often credentials. */
  [inspect.custom](): string {
    return `CookieJar { ${Array.from(this, ([name]) => printable(name)).join(', ')} }`
  }

  /** @throws TypeError for a public suffix such as `.com` */
  #setForUrl(cookie: Cookie, url: string): void {
    try {
      this.#tough().setCookieSync(cookie, url)
    } catch (cause) {
      throw new TypeError(
        `cookies: '${displayName(cookie.key)}' cannot be set for ${cookie.domain}: ${(cause as Error).message}`,
        {
          cause,
        },
      )
    }
  }

  /** The stored cookies for the URL: those of its host and of the domains above it. */
  #matching(url: URL): Cookie[] {
    const { hostname } = url
    if (!SPECIAL_USE.has(hostname)) return this.#jar?.getCookiesSync(undecoded(url)) ?? []
    return this.#stored().filter((cookie) => cookie.domain === hostname && matchesUrl(url, cookie))
  }

  /** Bypasses the rules of `setCookie`, which the cookie has passed before. */
  #insert(cookie: Cookie): void {
    this.#tough().store.putCookie(cookie, () => {})
  }

  #tough(): ToughJar {
    // As in requests, secure cookies are not sent over http, not even to localhost.
    this.#jar ??= new (toughCookie().CookieJar)(undefined, { allowSecureOnLocal: false })
    return this.#jar
  }

  /** Without the expired ones: servers delete a cookie by an expiry date in the past. */
  #stored(): Cookie[] {
    return this.#all().filter((cookie) => !isExpired(cookie))
  }

  #all(): Cookie[] {
    const all: Cookie[] = []
    this.#jar?.store.getAllCookies((_error, cookies) => all.push(...(cookies ?? [])))
    return all
  }
}

/** What a response finds in the jar. */
interface Room {
  /** The secure cookies, which a response without TLS must not replace. */
  readonly protected: readonly Cookie[]
  total: number
  byDomain: Map<string, number>
}

function countsOf(cookies: readonly Cookie[]): Pick<Room, 'total' | 'byDomain'> {
  const byDomain = new Map<string, number>()
  for (const { domain } of cookies) byDomain.set(domain ?? '', (byDomain.get(domain ?? '') ?? 0) + 1)
  return { total: cookies.length, byDomain }
}

function isFull(domain: string, { total, byDomain }: Room): boolean {
  return total >= MAX_COOKIES || (byDomain.get(domain) ?? 0) >= MAX_OF_DOMAIN
}

/** Of name and value together; the limits are those of RFC 6265bis and of Chromium. */
const MAX_LENGTH = 4096
const MAX_OF_DOMAIN = 180
const MAX_COOKIES = 3300

refuseUnknownProperties(CookieJar, (name) => {
  const shown = displayName(name)
  return `a CookieJar has no property "${shown}"; cookies.set("${shown}", value) sets a cookie`
})

const ACCEPTED = 'an object, a Map, a list of [name, value] pairs or a CookieJar'

const COOKIE_VALUE = /^[\x20-\x3a\x3c-\x7e\x80-\xff]*$/

const PLACE: ReadonlySet<string> = new Set(['domain', 'path'])

const ATTRIBUTES = optionNames<CookieAttributes>({
  domain: true,
  path: true,
  expires: true,
  secure: true,
  httpOnly: true,
})

/** tough-cookie does not check these, and fails later, when the cookie is sent. */
function checkAttributes(attributes: CookieAttributes): CookieAttributes {
  const own = ownOptions(attributes, 'cookies.set', ATTRIBUTES)
  const { domain, path, expires } = own
  if (domain !== undefined && (typeof domain !== 'string' || !DOMAIN.test(domain))) {
    throw new TypeError(`cookies: domain must be a host name such as 'example.com', not ${displayValue(domain)}`)
  }
  if (path !== undefined && (typeof path !== 'string' || !COOKIE_PATH.test(path))) {
    throw new TypeError(`cookies: path must begin with a slash, not ${displayValue(path)}`)
  }
  if (expires !== undefined && !(expires instanceof Date && !Number.isNaN(expires.getTime()))) {
    throw new TypeError(`cookies: expires must be a valid Date, not ${displayValue(expires)}`)
  }
  for (const name of ['secure', 'httpOnly'] as const) {
    if (own[name] !== undefined && typeof own[name] !== 'boolean') {
      throw new TypeError(`cookies: ${name} must be a boolean, not ${displayValue(own[name])}`)
    }
  }
  return own
}

/** A leading dot includes the subdomains; an IPv6 address is in brackets. */
const DOMAIN = /^\.?(?:[^\s\p{Cc}/:?#@[\]\\,;%]{1,255}|\[[\da-f:.]{2,45}\])$/iu
const COOKIE_PATH = /^\/[\x20-\x3a\x3c-\x7e]*$/

/** The URL for tough-cookie, which decodes paths: by RFC 6265 they are compared as they are, `/a%20b` with `/a%20b`. */
function undecoded({ hostname, pathname, protocol }: URL): URL {
  // It takes anything with these properties; its types say URL.
  return { hostname, pathname: pathname.replaceAll('%', '%25'), protocol } as URL
}

/** Special-use names (RFC 6761, 6762), which are valid host names, but `getCookies` of tough-cookie throws for them. */
const SPECIAL_USE: ReadonlySet<string> = new Set(['test', 'local', 'example'])

function matches(cookie: Cookie, name: string, where: { domain?: string; path?: string }): boolean {
  return (
    cookie.key === name &&
    (where.domain === undefined || cookie.domain === where.domain.replace(/^\./, '')) &&
    (where.path === undefined || cookie.path === where.path)
  )
}
