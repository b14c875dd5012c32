/** Preparation of a request: method, URL, headers, cookies, body and credentials, in requests' order. */
import { type AuthInit, toAuth } from '../auth/auth.ts'
import { netrcAuth } from '../auth/netrc.ts'
import { type BodyOptions, type EncodedBody, encodeBody, withDeclaredLength } from '../body/encode.ts'
import { displayValue, getUrlAuth, withoutAuth } from '../core/credentials.ts'
import type { CookieJar } from '../http/cookies.ts'
import type { HeaderMap } from '../http/headers.ts'
import { isToken } from '../http/token.ts'
import { type ParamsInit, prepareUrl } from '../http/url.ts'
import { setBodyHeaders } from './body-headers.ts'
import { PreparedRequest, type ResponseHook } from './prepared-request.ts'

/** The parts of a request, those of session and call merged. */
export interface PrepareInit {
  readonly method: string
  readonly url: string | URL
  readonly params: ParamsInit | null | undefined
  readonly headers: HeaderMap
  readonly body: BodyOptions
  readonly auth: AuthInit<PreparedRequest> | undefined
  readonly cookies: CookieJar
  readonly hooks: readonly ResponseHook[]
  /** Names the netrc file (`NETRC`). Default: none is read. */
  readonly env?: NodeJS.ProcessEnv | undefined
}

/** What {@link assembleRequest} takes. */
export interface AssembleInit extends Pick<PrepareInit, 'method' | 'headers' | 'auth' | 'cookies' | 'hooks' | 'env'> {
  readonly url: URL
  readonly encoded: EncodedBody
}

/**
 * Prepares a request in requests' order: method, URL, headers, cookies, body, and the auth last, since it sees the whole
 * request.
 *
 * @throws RequestException of the kind that fits for a URL, header or body that cannot be sent; TypeError for a wrong option
 */
export function prepareRequest(init: PrepareInit): PreparedRequest {
  const method = checkMethod(init.method)
  const url = prepareUrl(init.url, init.params)
  const encoded = withDeclaredLength(encodeBody(init.body), init.headers.get('Content-Length'))
  return assembleRequest({ ...init, method, url, encoded })
}

/** The last steps of {@link prepareRequest}, for a method, URL and body that need no more checks. */
export function assembleRequest(init: AssembleInit): PreparedRequest {
  const { method, url, headers, encoded, cookies, hooks, env } = init
  const prepared = new PreparedRequest(method, withoutAuth(url), headers, encoded, cookies, hooks)
  prepared.setCookieHeader()
  setBodyHeaders(method, headers, encoded)
  const auth = init.auth ?? (env && netrcAuth(url, env)) ?? getUrlAuth(url)
  return auth === undefined ? prepared : prepared.applyAuth(toAuth<PreparedRequest>(auth))
}

/** The method in capitals, as requests sends it. @throws TypeError if it is not a token (RFC 9110 section 9.1), or CONNECT */
function checkMethod(method: string): string {
  if (typeof method !== 'string' || !isToken(method)) {
    throw new TypeError(`method must be an HTTP method such as 'GET', not ${displayValue(method)}`)
  }
  if (method.toUpperCase() === 'CONNECT') throw new TypeError('CONNECT opens a tunnel; it is not a request to send')
  return method.toUpperCase()
}
