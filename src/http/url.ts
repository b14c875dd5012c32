/** Prepares URLs as requests does: adds `params`, percent-encodes and checks them. */
import { displayName, hasKeyAsHost, KEY_AS_HOST, redactUrl } from '../core/credentials.ts'
import { InvalidSchema, InvalidURL, MissingSchema, URLRequired } from '../core/errors.ts'
import { isRecord, type PairsInit, type ParamValue, typeName } from '../core/pairs.ts'
import { encodeForm, percentEncode } from './form.ts'

export type { ParamValue } from '../core/pairs.ts'

/** What `params` takes. A string or bytes are appended to the query; only characters that are illegal there are escaped. */
export type ParamsInit = string | Uint8Array | PairsInit<ParamValue>

/**
 * Merges a call's `params` into a session's as requests does (`merge_setting`): of two mappings the call's names
 * override, and `null` removes a name; anything else (a string, a list of pairs, `URLSearchParams`) replaces the
 * session's. `undefined` inherits, `null` means no parameters at all.
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
 * Encodes `params` for the query by the rules of `encodeForm`. Strings and bytes are returned unchanged:
 * {@link prepareUrl} escapes them.
 *
 * @throws TypeError if it has none of the shapes of {@link ParamsInit}
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
 * Checks and escapes a URL and appends `params` to its query, as requests' `PreparedRequest.prepare_url` does. Returns a
 * new `URL`.
 *
 * - Leading white space is dropped. A URL whose scheme does not begin with `http` stays unchanged, without `params`.
 * - `%XX` is kept (in capitals; unreserved characters are decoded), illegal characters are escaped. If a part
 *   (path, query, fragment) has a stray `%`, every `%` of that part becomes `%25`. The fragment is kept.
 * - Host names that are not ASCII become A-labels, dot segments are resolved.
 *
 * Differences from requests, which come from `URL`: the default port is left out, `'` in a query becomes `%27`, numeric
 * hosts become IPv4 addresses (`127.1` becomes `127.0.0.1`), and IPv6 zones and hosts such as `1.2.3.4.5` are refused. A
 * stray `%` in `params` does not affect the rest of the URL.
 *
 * @throws URLRequired without a URL, MissingSchema without a scheme, InvalidURL if it cannot be parsed, InvalidSchema if it
 *   has another scheme and cannot be parsed. Messages never contain user and password.
 *
 * @example
 * prepareUrl('https://example.com/a b?x=1#top', { q: 'tea & milk' }).href
 * // 'https://example.com/a%20b?x=1&q=tea+%26+milk#top'
 */
export function prepareUrl(url: string | URL, params?: ParamsInit | null): URL {
  const text = toUrlText(url)
  const query = params === undefined || params === null ? '' : encodeParams(params)
  if (query === '' && PLAIN.test(text)) return parse(text, text)
  if (!/^http/i.test(text) && text.includes(':')) return parseOtherScheme(text)
  return parse(assemble(text, query), text)
}

/** The error for a URL without a mounted adapter, with advice for the common mistakes. */
export function noAdapter(url: string | URL): InvalidSchema {
  const redacted = redactUrl(url)
  const advice = /^[\w.-]+:\d+(?:[/?#]|$)/.test(redacted)
    ? `. Perhaps you meant https://${redacted}?`
    : /^(?:https?\+)?unix:/i.test(redacted)
      ? ': Unix sockets are not supported'
      : ''
  return new InvalidSchema(`No connection adapters were found for '${redacted}'${advice}`)
}

/** URLs that need no escaping: these are only parsed. */
const PLAIN =
  /^(?!.*\?(?:#|$))https?:\/\/[a-z0-9][a-z0-9.-]*(?::\d+)?(?:[/?][\w.~!$&'()*+,;=:@/?-]*)?(?:#[\w.~!$&'()*+,;=:@/?-]+)?$/i

/** Scheme, authority, path, query and fragment, as urllib3's `parse_url` splits them: a `\` ends the authority. */
const PARTS = /^(http[a-z0-9+-]*):(?:\/\/([^\\/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/is

function toUrlText(url: string | URL): string {
  if (typeof url === 'string') return url.trimStart()
  if (url === undefined || url === null) throw new URLRequired('a URL is required to make a request')
  if (typeof url.href === 'string') return url.href
  throw new TypeError(`url must be a string or a URL, got ${typeName(url)}`)
}

/** Parses a URL of another scheme, for which a user may have mounted an adapter. */
function parseOtherScheme(text: string): URL {
  const url = URL.parse(text)
  // The parser drops control characters: 'ht\ttp://' becomes http, but none of the checks has seen it.
  if (url === null || hasKeyAsHost(text) || /^https?:$/.test(url.protocol)) throw noAdapter(text)
  return url
}

/** The URL with every part escaped and the query appended. */
function assemble(text: string, extraQuery: string): string {
  const parts = PARTS.exec(text)
  if (!parts) {
    const redacted = redactUrl(text)
    throw new MissingSchema(
      `Invalid URL '${redacted}': No scheme supplied. Perhaps you meant https://${redacted.replace(/^\/+/, '')}?`,
    )
  }
  const [, scheme, authority = '', path = '', query, fragment] = parts
  const at = authority.lastIndexOf('@')
  const host = authority.slice(at + 1)
  if (host === '' || host.startsWith(':')) throw new InvalidURL(`Invalid URL '${redactUrl(text)}': No host supplied`)
  // The URL parser drops tabs and line breaks: it would contact another host than the text shows.
  if (/[\s\p{Cc}]/u.test(host))
    throw new InvalidURL(`Failed to parse: ${redactUrl(text)}, the host has a blank or a control character`)
  const userinfo = at < 0 ? '' : `${normalizeEscapes(authority.slice(0, at))}@`
  const root = path.startsWith('/') ? '' : '/'
  const queries = [normalizeEscapes(query ?? ''), normalizeEscapes(extraQuery, /[^\w.~!$&'()*+,;=:@/?#%-]+/gu)].filter(
    (part) => part !== '',
  )
  const search = queries.length > 0 ? `?${queries.join('&')}` : ''
  const hash = fragment ? `#${normalizeEscapes(fragment)}` : ''
  return `${scheme}://${userinfo}${host}${root}${normalizeEscapes(path)}${search}${hash}`
}

/** Why the URL parser refuses an authority. Does not repeat it: it may be a password with a slash that is not escaped. */
function hostProblem(url: string, host: string): string {
  const [, port] = /:([^:\]]*)$/.exec(host) ?? []
  if (host.includes('[') && !/^\[[\da-f:.]*\](?::\d*)?$/i.test(host))
    return 'the IPv6 address in brackets is not complete'
  if (port !== undefined && !/^\d*$/.test(port)) {
    return url.includes('@')
      ? 'the port is not a number (a slash, ? or # in a password must be percent-encoded)'
      : 'the port is not a number'
  }
  if (Number(port) > 65_535) return 'the port is larger than 65535'
  if (host.startsWith('[')) return 'the IPv6 address is not valid'
  return /^[\d.]+(?::\d*)?$/.test(host) ? 'the IPv4 address is not valid' : 'the host has a character that no host has'
}

function parse(text: string, original: string): URL {
  if (hasKeyAsHost(text)) throw new InvalidURL(`Failed to parse: ${redactUrl(original)}, ${KEY_AS_HOST}`)
  let url: URL
  try {
    url = new URL(text)
  } catch {
    // The parser's error is not the cause of ours: it contains the URL with its password.
    const host = /^[^:]*:\/\/(?:[^\\/?#]*@)?([^\\/?#]*)/.exec(text)?.[1] ?? ''
    if (/\P{ASCII}/u.test(host)) throw new InvalidURL('URL has an invalid label.')
    throw new InvalidURL(`Failed to parse: ${redactUrl(original)}, ${hostProblem(text, host)}`)
  }
  const { hostname, pathname } = url
  // got's notation: http://unix:SOCKET:PATH.
  if (hostname === 'unix' && /^\/.+:\//.test(pathname)) {
    throw new InvalidURL(`Unix sockets are not supported: '${redactUrl(url)}'`)
  }
  if (hostname.startsWith('*') || hostname.startsWith('.')) throw new InvalidURL('URL has an invalid label.')
  if (hostname.includes('..') || (hostname.length > 63 && hostname.split('.').some((label) => label.length > 63))) {
    throw new InvalidURL(`Failed to parse: '${displayName(hostname)}', label empty or too long`)
  }
  return url
}

/** Escapes one part of a URL: urllib3's `_encode_invalid_chars`, then requests' `requote_uri`. */
function normalizeEscapes(part: string, illegal = /[^\w.~!$&'()*+,;=:@/?%-]+/gu): string {
  const escaped = /%(?![0-9a-f]{2})/i.test(part) ? part.replaceAll('%', '%25') : part.replace(/%../g, decodeUnreserved)
  return escaped.replace(illegal, percentEncode)
}

function decodeUnreserved(quoted: string): string {
  const character = String.fromCharCode(Number.parseInt(quoted.slice(1), 16))
  return /[\w.~-]/.test(character) ? character : quoted.toUpperCase()
}

/** The entries of a plain object or a `Map`; `undefined` for other values. */
function entriesOfMapping(params: ParamsInit | null | undefined): Iterable<readonly [string, ParamValue]> | undefined {
  if (params instanceof Map) return params
  if (typeof params === 'object' && params !== null && !(Symbol.iterator in params) && isRecord(params)) {
    return Object.entries(params as { readonly [name: string]: ParamValue })
  }
  return undefined
}
