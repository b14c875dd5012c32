/** The forms of the option `auth`, and Basic authentication (RFC 7617). */
import { inspect } from 'node:util'
import { InvalidHeader } from '../core/errors.ts'
import { typeName } from '../core/pairs.ts'
import type { HeaderMap } from '../http/headers.ts'

/** The request for an {@link Auth}, which may change its headers. */
export interface AuthTarget {
  readonly headers: HeaderMap
}

/** Adds credentials to requests. `T` is the type of request that it needs. */
export interface Auth<T extends AuthTarget = AuthTarget> {
  /**
   * Called with the prepared request before it is sent; changes it, or returns another one to send instead.
   * An error rejects the call.
   */
  apply(request: T): AuthResult<T> | Promise<AuthResult<T>>
  /**
   * Responds to a challenge: called once for each request if the server returns 4xx with `WWW-Authenticate`. Changes the
   * copy of the request and returns `true` to send it; with `false` the 4xx is the response of the call. After a redirect
   * to the same origin it is called for a new challenge; other origins never get its credentials.
   *
   * @param challenges the values of the header `WWW-Authenticate`, see RFC 9110 section 11.6.1
   */
  answer?(request: T, challenges: readonly string[]): boolean | Promise<boolean>
}

/** The request to send; `undefined` means the one that was passed. */
// biome-ignore lint/suspicious/noConfusingVoidType: a function without a return statement is to be accepted
export type AuthResult<T extends AuthTarget = AuthTarget> = T | undefined | void

/** An {@link Auth} as a function. */
export type AuthFunction<T extends AuthTarget = AuthTarget> = (request: T) => AuthResult<T> | Promise<AuthResult<T>>

/** The option `auth`: `[user, password]`, an {@link Auth}, or a function of the prepared request. */
export type AuthInit<T extends AuthTarget = AuthTarget> =
  | readonly [user: string, password: string]
  // What TypeScript makes of the same list in a variable, without `as const`; so it is with `cert` and `timeout`.
  | readonly string[]
  | Auth<T>
  | AuthFunction<T>

/**
 * Normalizes the option `auth`.
 *
 * @throws TypeError for another value, InvalidHeader for an invalid user or password; messages contain neither
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
 * The header value of Basic authentication, in UTF-8 (RFC 7617; requests encodes latin-1).
 *
 * @throws TypeError if one is not a string, InvalidHeader for a `:` in the user or a control character in either
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

  /** The name of the header. */
  protected get header(): string {
    return 'Authorization'
  }

  /** Sets the header; an existing one is overridden. */
  apply(request: AuthTarget): void {
    request.headers.set(this.header, this.#credentials)
  }

  /** Hides the password. */
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
 * @internal Checks a user or password; messages do not contain it.
 *
 * @throws TypeError if it is not a string, InvalidHeader for a control character (RFC 7617, RFC 7616)
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
