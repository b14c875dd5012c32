/** URLs as requests prepares them: completed with `params`, percent-encoded, checked. */
import { redactUrl } from '../core/credentials.ts'
import { InvalidSchema, InvalidURL, MissingSchema, URLRequired } from '../core/errors.ts'
import { isRecord, type PairsInit, type ParamValue, typeName } from '../core/pairs.ts'
import { encodeForm, percentEncode } from './form.ts'

export type { ParamValue } from '../core/pairs.ts'

/** What `params` takes. A string or bytes are appended as they are, only quoted where they have to be. */
export type ParamsInit = string | Uint8Array | PairsInit<ParamValue>

/**
 * Merges a call's `params` into a session's as requests does (`merge_setting`): of two mappings the call's names
 * win and a `null` takes the name away; anything else (a string, a list of pairs, `URLSearchParams`) replaces the
 * session's. `undefined` inherits, `null` is as if there were none.
 */
export function mergeParams(
  session: ParamsInit | null | undefined,
  call: ParamsInit | null | undefined,
): ParamsInit | undefined {
  if (call === null) return undefined
  if (call === undefined) return session ?? undefined
  const defaults = entriesOfMapping(session)
  const overrides = entriesOfMapping(call)
  if (!defaults || !overrides) return call
  const merged = new Map(defaults)
  for (const [name, value] of overrides) {
    if (value !== undefined) merged.set(name, value)
  }
  for (const [name, value] of merged) {
    if (value === null) merged.delete(name)
  }
  return merged
}

/**
 * The text of `params` that goes into the query; the rules are those of `encodeForm`. Strings and bytes
 * are returned as they are: {@link prepareUrl} quotes them.
 *
 * @throws TypeError when it is none of the shapes of {@link ParamsInit}.
 */
export function encodeParams(params: ParamsInit): string {
  if (typeof params === 'string') return params
  if (params instanceof Uint8Array) return Buffer.from(params.buffer, params.byteOffset, params.byteLength).toString()
  return encodeForm(
    params,
    'params',
    'a string, bytes, an object, a Map, a list of [name, value] pairs or URLSearchParams',
  )
}

/**
 * Checks and quotes a URL and appends `params` to its query, as requests' `PreparedRequest.prepare_url` does. The
 * result is a new `URL`; its `href` is the string, kept by Node and not computed again.
 *
 * - Leading white space is dropped; a scheme that does not begin with `http` passes untouched, without `params`.
 * - `%XX` is kept (in capitals; of unreserved characters, decoded), illegal characters are quoted, and a part
 *   (path, query, fragment) with a stray `%` has every `%` written `%25`. The fragment is kept.
 * - Host names that are not ASCII become A-labels, dot segments go away.
 *
 * Where a `URL` is written otherwise than requests writes it: the default port is left out, `'` in a query is
 * `%27`, numeric hosts are written as IPv4 addresses (`127.1` as `127.0.0.1`), and
 * IPv6 zones and hosts such as `1.2.3.4.5` are refused. A stray `%` in `params` leaves the rest of the URL alone.
 *
 * @throws URLRequired without a URL, MissingSchema without a scheme, InvalidURL when it cannot be used,
 *   InvalidSchema when it has another scheme and is no URL besides. Messages never show user and password.
 *
 * @example
 * prepareUrl('https://example.com/a b?x=1#top', { q: 'tea & milk' }).href
 * // 'https://example.com/a%20b?x=1&q=tea+%26+milk#top'
 */
export function prepareUrl(url: string | URL, params?: ParamsInit | null): URL {
  const text = toUrlText(url)
  const query = params === undefined || params === null ? '' : encodeParams(params)
  if (query === '' && PLAIN.test(text)) return parse(text, text)
  if (!/^http/i.test(text) && text.includes(':')) return passUntouched(text)
  return parse(compose(text, query), text)
}

/** The error for a URL whose scheme nobody is mounted for, with advice where the mistake is a known one. */
export function noAdapter(url: string | URL): InvalidSchema {
  const shown = redactUrl(url)
  const advice = /^[\w.-]+:\d+(?:[/?#]|$)/.test(shown)
    ? `. Perhaps you meant https://${shown}?`
    : /^(?:https?\+)?unix:/i.test(shown)
      ? ': Unix sockets are not supported'
      : ''
  return new InvalidSchema(`No connection adapters were found for '${shown}'${advice}`)
}

/** URLs that need no quoting: nothing but a lower-level parse is done for them. */
const PLAIN =
  /^(?!.*\?(?:#|$))https?:\/\/[a-z0-9][a-z0-9.-]*(?::\d+)?(?:[/?][\w.~!$&'()*+,;=:@/?-]*)?(?:#[\w.~!$&'()*+,;=:@/?-]+)?$/i

/** The scheme, authority, path, query and fragment of urllib3's `parse_url` (a `\` ends the authority). */
const PARTS = /^(http[a-z0-9+-]*):(?:\/\/([^\\/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/is

function toUrlText(url: string | URL): string {
  if (typeof url === 'string') return url.trimStart()
  if (url === undefined || url === null) throw new URLRequired('a URL is required to make a request')
  if (typeof url.href === 'string') return url.href
  throw new TypeError(`url must be a string or a URL, got ${typeName(url)}`)
}

/** A scheme of which the session knows whether there is an adapter for it. */
function passUntouched(text: string): URL {
  const url = URL.parse(text)
  // What the parser makes http of all the same, by dropping control characters, has passed none of the checks.
  if (url === null || /^https?:$/.test(url.protocol)) throw noAdapter(text)
  return url
}

/** The text with every part quoted and the query appended. */
function compose(text: string, extraQuery: string): string {
  const parts = PARTS.exec(text)
  if (!parts) {
    const shown = redactUrl(text)
    throw new MissingSchema(
      `Invalid URL '${shown}': No scheme supplied. Perhaps you meant https://${shown.replace(/^\/+/, '')}?`,
    )
  }
  const [, scheme, authority = '', path = '', query, fragment] = parts
  const at = authority.lastIndexOf('@')
  const host = authority.slice(at + 1)
  if (host === '' || host.startsWith(':')) throw new InvalidURL(`Invalid URL '${redactUrl(text)}': No host supplied`)
  // A URL parser would drop tabs and line breaks from the host and so contact another one than is read here.
  if (/[\s\p{Cc}]/u.test(host)) throw new InvalidURL(`Failed to parse: ${redactUrl(text)}`)
  const userinfo = at < 0 ? '' : `${requote(authority.slice(0, at))}@`
  const root = path.startsWith('/') ? '' : '/'
  const queries = [requote(query ?? ''), requote(extraQuery, /[^\w.~!$&'()*+,;=:@/?#%-]+/gu)].filter(
    (part) => part !== '',
  )
  const search = queries.length > 0 ? `?${queries.join('&')}` : ''
  const hash = fragment ? `#${requote(fragment)}` : ''
  return `${scheme}://${userinfo}${host}${root}${requote(path)}${search}${hash}`
}

function parse(text: string, original: string): URL {
  let url: URL
  try {
    url = new URL(text)
  } catch {
    // The parser's own error is not kept as the cause: it holds the URL with its password.
    const host = /^[^:]*:\/\/(?:[^\\/?#]*@)?([^\\/?#]*)/.exec(text)?.[1] ?? ''
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the range of ASCII
    if (/[^\x00-\x7f]/.test(host)) throw new InvalidURL('URL has an invalid label.')
    throw new InvalidURL(`Failed to parse: ${redactUrl(original)}`)
  }
  const { hostname, pathname } = url
  // got's way of writing them, http://unix:SOCKET:PATH.
  if (hostname === 'unix' && /^\/.+:\//.test(pathname)) {
    throw new InvalidURL(`Unix sockets are not supported: '${redactUrl(url)}'`)
  }
  if (hostname.startsWith('*') || hostname.startsWith('.')) throw new InvalidURL('URL has an invalid label.')
  if (hostname.includes('..') || (hostname.length > 63 && hostname.split('.').some((label) => label.length > 63))) {
    throw new InvalidURL(`Failed to parse: '${hostname}', label empty or too long`)
  }
  return url
}

/** requests' `requote_uri` after urllib3's `_encode_invalid_chars`, for one part of a URL. */
function requote(part: string, illegal = /[^\w.~!$&'()*+,;=:@/?%-]+/gu): string {
  const escaped = /%(?![0-9a-f]{2})/i.test(part) ? part.replaceAll('%', '%25') : part.replace(/%../g, normalizeEscape)
  return escaped.replace(illegal, percentEncode)
}

function normalizeEscape(quoted: string): string {
  const character = String.fromCharCode(Number.parseInt(quoted.slice(1), 16))
  return /[\w.~-]/.test(character) ? character : quoted.toUpperCase()
}

/** The entries of a plain object or a `Map`; `undefined` for anything else. */
function entriesOfMapping(params: ParamsInit | null | undefined): Iterable<readonly [string, ParamValue]> | undefined {
  if (params instanceof Map) return params
  if (typeof params === 'object' && params !== null && !(Symbol.iterator in params) && isRecord(params)) {
    return Object.entries(params as { readonly [name: string]: ParamValue })
  }
  return undefined
}
