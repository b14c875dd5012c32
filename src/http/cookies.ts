/** `CookieJar`: the cookies of a session, by the rules of RFC 6265. */
import { inspect } from 'node:util'
import type { Cookie, CookieJar as ToughJar } from 'tough-cookie'
import { toughCookie } from '../core/lazy.ts'
import { optionNames, ownOptions } from '../core/options.ts'
import { toPairs } from '../core/pairs.ts'
import { isToken } from './token.ts'

/** Where a cookie that is set by hand belongs. Without a `domain` it goes to every host that is asked for directly. */
export interface CookieAttributes {
  readonly domain?: string | undefined
  /** Default: `/` */
  readonly path?: string | undefined
  readonly expires?: Date | undefined
  /** Whether it goes to https servers only. Default: false */
  readonly secure?: boolean | undefined
  readonly httpOnly?: boolean | undefined
}

/** What `cookies` takes: names and values, or a jar. */
export type CookiesInit = { readonly [name: string]: string } | Iterable<readonly [string, string]> | CookieJar

/**
 * The cookies of a session, kept by the rules of RFC 6265 (the package tough-cookie).
 *
 * @example
 * session.cookies.set('theme', 'dark', { domain: 'example.com' })
 * session.cookies.get('theme') // 'dark'
 */
export class CookieJar implements Iterable<[name: string, value: string]> {
  /** Cookies without a domain, by name and path: as in requests, they are sent to whatever host is asked. */
  readonly #anywhere = new Map<string, Cookie>()
  #jar: ToughJar | undefined

  static from(init: CookiesInit | null | undefined): CookieJar {
    const jar = new CookieJar()
    if (init !== undefined && init !== null) jar.update(init)
    return jar
  }

  get size(): number {
    return this.#anywhere.size + this.#stored().length
  }

  /** The value of the cookie of this name, of the given domain if one is given; the one set last when there are several. */
  get(name: string, where: { domain?: string; path?: string } = {}): string | undefined {
    const everywhere = where.domain === undefined ? [...this.#anywhere.values()] : []
    return [...everywhere, ...this.#stored()].findLast((cookie) => matches(cookie, name, where))?.value
  }

  has(name: string): boolean {
    return this.get(name) !== undefined
  }

  set(name: string, value: string, attributes: CookieAttributes = {}): this {
    if (typeof name !== 'string' || typeof value !== 'string') {
      throw new TypeError(`cookies: name and value must be strings, got ${typeof name} and ${typeof value}`)
    }
    const { Cookie } = toughCookie()
    if (!isToken(name) || !COOKIE_VALUE.test(value)) {
      throw new TypeError(`cookies: '${name}' has a character that cookies cannot have (RFC 6265 section 4.1.1)`)
    }
    const { domain, path = '/', expires, secure = false, httpOnly = false } = checkAttributes(attributes)
    const hostOnly = !domain?.startsWith('.')
    const host = domain?.replace(/^\./, '')
    const shared = { key: name, value, path, secure, httpOnly, ...(expires && { expires }) }
    const cookie = new Cookie({ ...shared, hostOnly, ...(hostOnly ? {} : { domain: host as string }) })
    if (host === undefined) this.#anywhere.set(`${name};${path}`, cookie)
    else this.#bind(cookie, `${secure ? 'https' : 'http'}://${host}${path}`)
    return this
  }

  /** Removes the cookies of this name; says whether there were any. */
  delete(name: string, where: { domain?: string; path?: string } = {}): boolean {
    const found = this.#stored().filter((cookie) => matches(cookie, name, where))
    for (const cookie of found) {
      this.#jar?.store.removeCookie(cookie.domain ?? '', cookie.path ?? '/', cookie.key, () => {})
    }
    const everywhere = where.domain === undefined ? [...this.#anywhere] : []
    const unbound = everywhere.filter(([, cookie]) => matches(cookie, name, where))
    for (const [key] of unbound) this.#anywhere.delete(key)
    return found.length + unbound.length > 0
  }

  clear(): void {
    this.#anywhere.clear()
    this.#jar = undefined
  }

  /** Sets all of these, over what is there. */
  update(cookies: CookiesInit): this {
    if (cookies instanceof CookieJar) {
      for (const [key, cookie] of cookies.#anywhere) this.#anywhere.set(key, cookie)
      for (const cookie of cookies.#stored()) this.#put(cookie)
      return this
    }
    for (const [name, value] of toPairs(cookies, 'cookies', ACCEPTED)) this.set(name, value as string)
    return this
  }

  /** All names and values; of several cookies with one name the last. */
  toObject(): Record<string, string> {
    return Object.fromEntries(this)
  }

  *[Symbol.iterator](): Generator<[name: string, value: string], void, undefined> {
    for (const cookie of [...this.#anywhere.values(), ...this.#stored()]) yield [cookie.key, cookie.value]
  }

  /**
   * @internal The value of the Cookie header for a request.
   * @param direct whether the user named this host; if not (a redirect did), cookies without a domain stay at home
   */
  headerFor(url: URL, direct: boolean): string | undefined {
    const unbound = direct ? Array.from(this.#anywhere.values()).filter((cookie) => isFor(url, cookie)) : []
    // Several of one name are all sent, the most special path first (RFC 6265 section 5.4).
    const cookies = [...unbound, ...this.#boundTo(url)]
    if (cookies.length === 0) return undefined
    // A cookie without a name (`Set-Cookie: x`) is a value alone (RFC 6265bis section 5.8.3).
    return cookies.map(({ key, value }) => (key === '' ? value : `${key}=${value}`)).join('; ')
  }

  /** @internal Takes in the Set-Cookie headers of a response; those that the rules refuse are passed over. */
  store(setCookie: readonly string[], url: URL): void {
    for (const line of setCookie) this.#open().setCookieSync(line, url.href, { ignoreError: true })
  }

  /** Values are not shown: they are often credentials. */
  [inspect.custom](): string {
    return `CookieJar { ${Array.from(this, ([name]) => name).join(', ')} }`
  }

  /** @throws TypeError for a domain that holds those of many owners, such as `.com` */
  #bind(cookie: Cookie, url: string): void {
    try {
      this.#open().setCookieSync(cookie, url)
    } catch (cause) {
      throw new TypeError(`cookies: '${cookie.key}' cannot be set for ${cookie.domain}: ${(cause as Error).message}`, {
        cause,
      })
    }
  }

  /** The cookies of the URL's host, and of domains that it is in. */
  #boundTo(url: URL): Cookie[] {
    const { hostname } = url
    if (!SPECIAL_USE.has(hostname)) return this.#jar?.getCookiesSync(url.href) ?? []
    return this.#stored().filter((cookie) => cookie.domain === hostname && isFor(url, cookie))
  }

  /** Straight into the store: the cookie has passed the rules before. */
  #put(cookie: Cookie): void {
    this.#open().store.putCookie(cookie, () => {})
  }

  #open(): ToughJar {
    // Secure means https here, also on this machine: as in requests, and as the name says.
    this.#jar ??= new (toughCookie().CookieJar)(undefined, { looseMode: true, allowSecureOnLocal: false })
    return this.#jar
  }

  /** Without those that have ended, which is how servers take a cookie away. */
  #stored(): Cookie[] {
    const stored: Cookie[] = []
    this.#jar?.store.getAllCookies((_error, cookies) => stored.push(...(cookies ?? [])))
    const now = Date.now()
    return stored.filter((cookie) => (cookie.expiryTime() ?? Number.POSITIVE_INFINITY) > now)
  }
}

const ACCEPTED = 'an object, a Map, a list of [name, value] pairs or a CookieJar'

const COOKIE_VALUE = /^[\x20-\x3a\x3c-\x7e\x80-\xff]*$/

const ATTRIBUTES = optionNames<CookieAttributes>({
  domain: true,
  path: true,
  expires: true,
  secure: true,
  httpOnly: true,
})

/** The rest of tough-cookie takes what it is given, and fails when it is sent. */
function checkAttributes(attributes: CookieAttributes): CookieAttributes {
  const own = ownOptions(attributes, 'cookies.set', ATTRIBUTES)
  const { domain, path, expires } = own
  if (domain !== undefined && (typeof domain !== 'string' || !DOMAIN.test(domain))) {
    throw new TypeError(`cookies: domain must be a host name such as 'example.com', not ${inspect(domain)}`)
  }
  if (path !== undefined && (typeof path !== 'string' || !COOKIE_PATH.test(path))) {
    throw new TypeError(`cookies: path must begin with a slash, not ${inspect(path)}`)
  }
  if (expires !== undefined && !(expires instanceof Date && !Number.isNaN(expires.getTime()))) {
    throw new TypeError(`cookies: expires must be a valid Date, not ${inspect(expires)}`)
  }
  for (const name of ['secure', 'httpOnly'] as const) {
    if (own[name] !== undefined && typeof own[name] !== 'boolean') {
      throw new TypeError(`cookies: ${name} must be a boolean, not ${inspect(own[name])}`)
    }
  }
  return own
}

/** With a leading dot for its subdomains too; an IPv6 address in brackets. */
const DOMAIN = /^\.?(?:[^\s/:?#@[\]\\,;]+|\[[\da-f:.]+\])$/i
const COOKIE_PATH = /^\/[\x20-\x3a\x3c-\x7e]*$/

/** RFC 6265, section 5.1.4, and what else decides besides the host. */
function isFor({ protocol, pathname }: URL, cookie: Cookie): boolean {
  if (cookie.secure && protocol !== 'https:') return false
  if ((cookie.expiryTime() ?? Number.POSITIVE_INFINITY) <= Date.now()) return false
  return toughCookie().pathMatch(pathname, cookie.path ?? '/')
}

/** Hosts (RFC 6761, 6762) for which tough-cookie fails where it is to look for cookies: machines may be called so. */
const SPECIAL_USE: ReadonlySet<string> = new Set(['test', 'local', 'example'])

function matches(cookie: Cookie, name: string, where: { domain?: string; path?: string }): boolean {
  return (
    cookie.key === name &&
    (where.domain === undefined || cookie.domain === where.domain.replace(/^\./, '')) &&
    (where.path === undefined || cookie.path === where.path)
  )
}
