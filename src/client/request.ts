/** `Request`: a request as the user describes it, and the options that determine what is sent. */
import { inspect } from 'node:util'
import type { AuthInit } from '../auth/auth.ts'
import type { BodyOptions } from '../body/encode.ts'
import { displayName, redactUrl } from '../core/credentials.ts'
import { refuseUnknownProperties } from '../core/known-properties.ts'
import { optionNames, ownOptions, suggest } from '../core/options.ts'
import { CookieJar, type CookiesInit } from '../http/cookies.ts'
import { HeaderMap, type HeadersInit } from '../http/headers.ts'
import type { ParamsInit } from '../http/url.ts'
import { type HooksInit, toHooks } from './hooks.ts'
import { prepareRequest } from './prepare.ts'
import type { PreparedRequest } from './prepared-request.ts'

/** The options that make up what is sent. */
export interface RequestParts extends BodyOptions {
  /** Appended to the URL's query; overrides the session's parameters of the same names. `null` removes a name. */
  params?: ParamsInit | null | undefined
  /**
   * Overrides the session's headers of the same names (case-insensitive). A list as the value, or a repeated name in a list of
   * pairs, repeats the header; `null` removes it.
   */
  headers?: HeadersInit | null | undefined
  /** Sent with this request and its redirects, in addition to the session's, and not stored. `null`: no cookies at all. */
  cookies?: CookiesInit | null | undefined
  /** `[user, password]`, an `Auth`, or a function of the prepared request. Default: the session's, else netrc's, else the URL's. */
  auth?: AuthInit<PreparedRequest> | null | undefined
  /** `{ response: fn }` or `{ response: [fn, …] }`: called with every response, redirects included. Replaces the session's. */
  hooks?: HooksInit | null | undefined
}

/**
 * A request as the user describes it; {@link Session.prepareRequest} makes a {@link PreparedRequest} of it.
 *
 * @example
 * const prepared = session.prepareRequest(new Request('POST', url, { json: { a: 1 } }))
 * const response = await session.send(prepared)
 */
export class Request {
  /** In any case; sent in capitals. */
  method: string
  url: string | URL
  /** The options that make up what is sent. The options about sending belong to `session.send`. */
  parts: RequestParts

  /** @throws TypeError for an unknown option */
  constructor(method: string, url: string | URL, parts: RequestParts = {}) {
    this.method = method
    this.url = url
    this.parts = ownOptions(parts, 'Request', REQUEST_PARTS)
  }

  /** Leaves out the parts, which hold credentials. */
  [inspect.custom](): string {
    return `Request ${displayName(this.method)} ${redactUrl(this.url)}`
  }

  /** Leaves out the parts, which hold credentials. */
  toJSON(): object {
    return { method: displayName(this.method), url: redactUrl(this.url) }
  }

  /** Prepares the request without a session. @throws RequestException, TypeError for parts that cannot be sent */
  prepare(): PreparedRequest {
    const prepared = prepareRequest({
      method: this.method,
      url: this.url,
      params: this.parts.params,
      headers: HeaderMap.from(this.parts.headers),
      body: this.parts,
      auth: this.parts.auth ?? undefined,
      cookies: CookieJar.from(this.parts.cookies),
      hooks: toHooks(this.parts.hooks),
    })
    prepared.adoptsSessionCookies = this.parts.cookies !== null
    return prepared
  }
}

/** What the constructor takes. */
export const REQUEST_PARTS = optionNames<RequestParts>({
  params: true,
  headers: true,
  cookies: true,
  auth: true,
  hooks: true,
  data: true,
  json: true,
  files: true,
})

refuseUnknownProperties(Request, (name) => {
  const isPart = REQUEST_PARTS.has(name)
  return `a Request has no property "${displayName(name)}"${isPart ? `: it is request.parts.${name}` : suggest(name, REQUEST_PROPERTIES)}`
})

const REQUEST_PROPERTIES: ReadonlySet<string> = new Set(['method', 'url', 'parts'])
