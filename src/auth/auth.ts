/** What the option `auth` takes, and what it becomes. */
import { typeName } from '../core/pairs.ts'
import type { HeaderMap } from '../http/headers.ts'
import { HTTPBasicAuth } from './basic.ts'

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
