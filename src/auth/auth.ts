/** What the option `auth` takes, and Basic authentication (RFC 7617). */
import { inspect } from 'node:util'
import { InvalidHeader } from '../core/errors.ts'
import { typeName } from '../core/pairs.ts'
import type { HeaderMap } from '../http/headers.ts'

/** What an {@link Auth} is given: a request whose headers it may change. */
export interface AuthTarget {
  readonly headers: HeaderMap
}

/** Something that adds credentials to a request. `T` is the kind of request that it needs. */
export interface Auth<T extends AuthTarget = AuthTarget> {
  /**
   * Called with the finished request, last before it is sent; changes it, or returns another to be sent instead.
   * What it throws rejects the call.
   */
  apply(request: T): AuthResult<T> | Promise<AuthResult<T>>
  /**
   * Answers a challenge: called when the server refuses (4xx) and asks for credentials, once for each request. Changes
   * the copy of the request that it is given, and returns `true` to have it sent; otherwise the refusal is the response.
   * An auth that has this method is asked again after a redirect to the same origin, and by no other.
   *
   * @param challenges the values of the header `WWW-Authenticate`, see RFC 9110 section 11.6.1
   */
  answer?(request: T, challenges: readonly string[]): boolean | Promise<boolean>
}

/** The request to be sent; nothing means the one that was given. */
// biome-ignore lint/suspicious/noConfusingVoidType: a function without a return statement is to be accepted
export type AuthResult<T extends AuthTarget = AuthTarget> = T | undefined | void

/** The function form of an {@link Auth}. */
export type AuthFunction<T extends AuthTarget = AuthTarget> = (request: T) => AuthResult<T> | Promise<AuthResult<T>>

/** What the option `auth` takes. */
export type AuthInit<T extends AuthTarget = AuthTarget> =
  | readonly [user: string, password: string]
  | Auth<T>
  | AuthFunction<T>

/**
 * Makes an {@link Auth} of what was given as `auth`.
 *
 * @throws TypeError for anything else, InvalidHeader for a user or password that cannot be sent; neither shows them.
 */
export function toAuth<T extends AuthTarget = AuthTarget>(value: AuthInit<T>): Auth<T> {
  if (Array.isArray(value) && value.length === 2) return new HTTPBasicAuth(value[0], value[1])
  if (typeof value === 'function') return { apply: value }
  if (typeof value === 'object' && value !== null && 'apply' in value && typeof value.apply === 'function') return value
  throw new TypeError(
    `auth must be [user, password], an object with apply(request) or a function of the request, got ${typeName(value)}`,
  )
}

/**
 * The credentials of `Basic` authentication as they stand in the header, in UTF-8 (RFC 7617; requests writes
 * latin-1).
 *
 * @throws TypeError when one is not a string, InvalidHeader when the user has a `:` or either a control character.
 */
export function basicCredentials(user: string, password: string): string {
  checkCredential('Basic', 'user', user)
  checkCredential('Basic', 'password', password)
  if (user.includes(':')) throw new InvalidHeader("the user of Basic authentication must not have a ':' (RFC 7617)")
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
}

/**
 * Basic authentication; `[user, password]` means the same.
 *
 * @example
 * await get('https://example.com/', { auth: new HTTPBasicAuth('ada', 'secret') })
 */
export class HTTPBasicAuth implements Auth {
  readonly username: string
  readonly #credentials: string

  /** @throws as {@link basicCredentials}. */
  constructor(user: string, password: string) {
    this.#credentials = basicCredentials(user, password)
    this.username = user
  }

  /** The header that is set. */
  protected get header(): string {
    return 'Authorization'
  }

  /** Sets the header, over one that is there. */
  apply(request: AuthTarget): void {
    request.headers.set(this.header, this.#credentials)
  }

  /** The password is not shown. */
  [inspect.custom](): string {
    return `${this.constructor.name} { username: ${inspect(this.username)}, password: '***' }`
  }
}

/** Basic authentication at a proxy: sets `Proxy-Authorization`. */
export class HTTPProxyAuth extends HTTPBasicAuth {
  protected override get header(): string {
    return 'Proxy-Authorization'
  }
}

/**
 * @internal A user or password that can be sent; the message does not show it.
 *
 * @throws TypeError when it is not a string, InvalidHeader when it has a control character (RFC 7617, RFC 7616).
 */
export function checkCredential(scheme: 'Basic' | 'Digest', which: 'user' | 'password', value: unknown): void {
  if (typeof value !== 'string') {
    throw new TypeError(`the ${which} of ${scheme} authentication must be a string, got ${typeName(value)}`)
  }
  if (/\p{Cc}/u.test(value)) {
    const source = scheme === 'Basic' ? 'RFC 7617' : 'RFC 7616'
    throw new InvalidHeader(`the ${which} of ${scheme} authentication must not have control characters (${source})`)
  }
}
