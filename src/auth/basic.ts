import { inspect } from 'node:util'
import { InvalidHeader } from '../core/errors.ts'
import { typeName } from '../core/pairs.ts'
import type { Auth, AuthTarget } from './auth.ts'

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
