import { inspect } from 'node:util'
import type { Cookie, CookieJar as ToughJar } from 'tough-cookie'
import { toPairs } from './body/pairs.ts'
import { toughCookie } from './lazy.ts'

/** Where a cookie that is set by hand belongs. Without a `domain` it goes to every host that is asked for directly. */
export interface CookieAttributes {
  readonly domain?: string
  /** Default: `/` */
  readonly path?: string
  readonly expires?: Date
  readonly secure?: boolean
  readonly httpOnly?: boolean
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
  /** Cookies without a domain: as in requests, they are sent to whatever host is asked. */
  readonly #anywhere = new Map<string, string>()
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
    const found = this.#stored().filter((cookie) => matches(cookie, name, where))
    return found.at(-1)?.value ?? (where.domain === undefined ? this.#anywhere.get(name) : undefined)
  }

  has(name: string): boolean {
    return this.get(name) !== undefined
  }

  set(name: string, value: string, attributes: CookieAttributes = {}): this {
    if (typeof name !== 'string' || typeof value !== 'string') {
      throw new TypeError(`cookies: name and value must be strings, got ${typeof name} and ${typeof value}`)
    }
    const { Cookie } = toughCookie()
    if (!COOKIE_NAME.test(name) || !COOKIE_VALUE.test(value)) {
      throw new TypeError(`cookies: '${name}' has a character that cookies cannot have (RFC 6265 section 4.1.1)`)
    }
    const { domain, path = '/', ...rest } = attributes
    if (domain === undefined) {
      this.#anywhere.set(name, value)
      return this
    }
    const host = domain.replace(/^\./, '')
    const hostOnly = !domain.startsWith('.')
    const cookie = new Cookie({ key: name, value, path, hostOnly, ...rest, ...(hostOnly ? {} : { domain: host }) })
    this.#open().setCookieSync(cookie, `${rest.secure ? 'https' : 'http'}://${host}${path}`)
    return this
  }

  /** Removes the cookies of this name; says whether there were any. */
  delete(name: string, where: { domain?: string; path?: string } = {}): boolean {
    const found = this.#stored().filter((cookie) => matches(cookie, name, where))
    for (const cookie of found) {
      this.#jar?.store.removeCookie(cookie.domain ?? '', cookie.path ?? '/', cookie.key, () => {})
    }
    return (where.domain === undefined && this.#anywhere.delete(name)) || found.length > 0
  }

  clear(): void {
    this.#anywhere.clear()
    this.#jar = undefined
  }

  /** Sets all of these, over what is there. */
  update(cookies: CookiesInit): this {
    if (cookies instanceof CookieJar) {
      for (const [name, value] of cookies.#anywhere) this.#anywhere.set(name, value)
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
    yield* this.#anywhere
    for (const cookie of this.#stored()) yield [cookie.key, cookie.value]
  }

  /**
   * @internal The value of the Cookie header for a request.
   * @param direct whether the user named this host; if not (a redirect did), cookies without a domain stay at home
   */
  headerFor(url: URL, direct: boolean): string | undefined {
    const pairs = new Map(direct ? this.#anywhere : undefined)
    for (const cookie of this.#jar?.getCookiesSync(url.href) ?? []) pairs.set(cookie.key, cookie.value)
    if (pairs.size === 0) return undefined
    // A cookie without a name (`Set-Cookie: x`) is a value alone (RFC 6265bis section 5.8.3).
    return Array.from(pairs, ([name, value]) => (name === '' ? value : `${name}=${value}`)).join('; ')
  }

  /** @internal Takes in the Set-Cookie headers of a response; those that the rules refuse are passed over. */
  store(setCookie: readonly string[], url: URL): void {
    for (const line of setCookie) this.#open().setCookieSync(line, url.href, { ignoreError: true })
  }

  /** Values are not shown: they are often credentials. */
  [inspect.custom](): string {
    return `CookieJar { ${Array.from(this, ([name]) => name).join(', ')} }`
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

  #stored(): Cookie[] {
    const stored: Cookie[] = []
    this.#jar?.store.getAllCookies((_error, cookies) => stored.push(...(cookies ?? [])))
    return stored
  }
}

const ACCEPTED = 'an object, a Map, a list of [name, value] pairs or a CookieJar'

const COOKIE_NAME = /^[\w!#$%&'*+.^`|~-]+$/
const COOKIE_VALUE = /^[\x20-\x3a\x3c-\x7e\x80-\xff]*$/

function matches(cookie: Cookie, name: string, where: { domain?: string; path?: string }): boolean {
  return (
    cookie.key === name &&
    (where.domain === undefined || cookie.domain === where.domain.replace(/^\./, '')) &&
    (where.path === undefined || cookie.path === where.path)
  )
}
