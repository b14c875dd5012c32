/** Which proxy a request goes through: requests' rules (`select_proxy`, `get_environ_proxies`, `should_bypass_proxies`). */
import { BlockList, isIPv4 } from 'node:net'
import { basicCredentials } from '../auth/auth.ts'
import { withoutBrackets } from '../core/address.ts'
import { getUrlAuth, redactUrl, withoutAuth } from '../core/credentials.ts'
import { variable } from '../core/environment.ts'
import { InvalidProxyURL } from '../core/errors.ts'
import { isRecord, typeName } from '../core/pairs.ts'

/**
 * What `proxies` takes: by scheme (`http`, `https`), by scheme and host (`https://example.com`), or for `all`. `null` or
 * an empty string: none. `no_proxy` stands in for the variable `NO_PROXY`.
 */
export type ProxiesInit = { readonly [key: string]: string | URL | null | undefined }

/** A proxy, ready to be connected to. */
export interface ProxyServer {
  /** `http:`, `https:`, `socks4:`, `socks4a:`, `socks5:` or `socks5h:`; without credentials. */
  readonly url: URL
  /** What an http or https proxy is told: the value of the header `Proxy-Authorization`. */
  readonly authorization: string | undefined
  /** What a SOCKS proxy is told. */
  readonly login?: readonly [user: string, password: string] | undefined
}

/** Whether a proxy passes on bytes and knows nothing of HTTP. */
export function isSocks({ url }: ProxyServer): boolean {
  return url.protocol.startsWith('socks')
}

/** Where proxies may come from, in a request. */
export interface ProxyRules {
  readonly call: ProxiesInit | null | undefined
  readonly session: ProxiesInit | null | undefined
  /** `undefined` when the environment does not count. */
  readonly env: NodeJS.ProcessEnv | undefined
  /**
   * Whether the environment goes over the session: it does in `request`. Not so in `send`, where `proxies` of the call,
   * `{}` and `null` as well, are all that counts (requests' `Session.send`).
   */
  readonly envOverSession: boolean
}

/**
 * The proxy for a URL; `undefined`: none.
 *
 * @throws InvalidProxyURL when it cannot be used
 */
export function proxyFor(url: URL, { call, session, env, envOverSession }: ProxyRules): ProxyServer | undefined {
  const ofCall = call ?? undefined
  const isAlone = call !== undefined && !envOverSession
  const ofSession = isAlone ? undefined : (session ?? undefined)
  const ofEnv =
    env && !isAlone ? environmentProxies(url, env, own(ofCall, 'no_proxy') ?? own(ofSession, 'no_proxy')) : undefined
  if (!ofCall && !ofSession && !ofEnv) return undefined
  const text = select(url, envOverSession ? [ofCall, ofEnv, ofSession] : [ofCall, ofSession, specific(url, ofEnv)])
  return text === undefined ? undefined : parseProxy(text)
}

/** The environment's proxy for all schemes as one for this scheme, which goes over the session's `all` (`resolve_proxies`). */
function specific({ protocol }: URL, ofEnv: ProxiesInit | undefined): ProxiesInit | undefined {
  const scheme = protocol.slice(0, -1)
  return ofEnv && { [scheme]: own(ofEnv, scheme) ?? own(ofEnv, 'all') }
}

/** What somebody put on `Object.prototype` is no proxy. */
function own(proxies: ProxiesInit | undefined, key: string): ProxiesInit[string] {
  return proxies !== undefined && Object.hasOwn(proxies, key) ? proxies[key] : undefined
}

/** The most specific key that any source has; of the sources the first. A key of `null` or `''` means: none. */
function select(url: URL, sources: readonly (ProxiesInit | undefined)[]): string | undefined {
  const scheme = url.protocol.slice(0, -1)
  for (const key of [`${scheme}://${url.hostname}`, scheme, `all://${url.hostname}`, 'all']) {
    for (const source of sources) {
      const proxy = own(source, key)
      if (proxy === undefined) continue
      // A null takes the key away, so that a more general one counts (requests' merge_setting); '' means none at all.
      if (proxy === null) break
      return String(proxy) === '' ? undefined : String(proxy)
    }
  }
  return undefined
}

/** @throws TypeError for another shape, or a key that no request would ask for */
export function checkProxies(proxies: ProxiesInit | null | undefined): ProxiesInit | null | undefined {
  if (proxies === undefined || proxies === null) return proxies
  if (!isRecord(proxies) || Array.isArray(proxies)) {
    throw new TypeError(`proxies must be an object such as { https: 'http://proxy:3128' }, not ${typeName(proxies)}`)
  }
  for (const [key, proxy] of Object.entries(proxies)) {
    if (!PROXY_KEY.test(key)) {
      throw new TypeError(
        `proxies has no key "${redactUrl(key)}": there are http, https, all, no_proxy, and https://HOST and the like, without a port`,
      )
    }
    if (proxy === undefined || proxy === null || typeof proxy === 'string' || proxy instanceof URL) continue
    throw new TypeError(`proxies.${key} must be the URL of a proxy, or null, not ${typeName(proxy)}`)
  }
  return proxies
}

/**
 * A host as URLs have it: with a port, a path or a wildcard it would never be found, and the request go without its proxy.
 * `ftp` and others are in tables that people bring along from elsewhere, and harm nobody.
 */
const PROXY_KEY = /^(?:no_proxy|(?:https?|all|ftp|wss?|socks\w*)(?::\/\/(?:[^A-Z/?#@*:%[\]]+|\[[\da-f:.]+\]))?)$/

/** The environment's proxies for this URL. Lower-case names win; an empty one takes the other away. */
function environmentProxies(
  url: URL,
  env: NodeJS.ProcessEnv,
  noProxy: string | URL | null | undefined,
): ProxiesInit | undefined {
  const scheme = url.protocol.slice(0, -1)
  // Set by a web server for a CGI script, where HTTP_PROXY is the request's header "Proxy" (CVE-2016-1000110).
  const isScript = scheme === 'http' && variable(env, 'REQUEST_METHOD') !== undefined
  const upper = isScript ? undefined : variable(env, `${scheme.toUpperCase()}_PROXY`)
  const own = variable(env, `${scheme}_proxy`) ?? upper
  const all = variable(env, 'all_proxy') ?? variable(env, 'ALL_PROXY')
  if (!own && !all) return undefined
  const ofEnv = variable(env, 'no_proxy') || variable(env, 'NO_PROXY') || ''
  if (bypassesProxy(url, String(noProxy ?? ofEnv))) return undefined
  return { ...(own && { [scheme]: own }), ...(all && { all }) }
}

/**
 * Whether a list in the form of NO_PROXY names the URL's host.
 *
 * @param noProxy names (with their sub-domains, with or without a leading dot), names with a port, IPv4 addresses and
 *   networks (`10.0.0.0/8`), IPv6 addresses; `*` alone for everything
 */
export function bypassesProxy(url: URL, noProxy: string): boolean {
  const list = noProxy.replaceAll(' ', '')
  if (list === '*') return true
  const host = withoutBrackets(url.hostname).toLowerCase()
  const entries = list
    .toLowerCase()
    .split(',')
    .filter((entry) => entry !== '')
  if (isIPv4(host)) return entries.some((entry) => entry === host || isInNetwork(host, entry))
  const names = url.port === '' ? [host] : [host, `${host}:${url.port}`]
  return entries.some((entry) => {
    const name = entry.replace(/^\.+/, '')
    return name !== '' && names.some((each) => each === name || each.endsWith(`.${name}`))
  })
}

function isInNetwork(address: string, network: string): boolean {
  const [, base = '', bits = ''] = /^([\d.]+)\/(\d{1,2})$/.exec(network) ?? []
  if (!isIPv4(base) || Number(bits) < 1 || Number(bits) > 32) return false
  const list = new BlockList()
  list.addSubnet(base, Number(bits))
  return list.check(address)
}

function parseProxy(text: string): ProxyServer {
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`
  const shown = redactUrl(text)
  const url = URL.parse(withScheme)
  if (!url?.hostname || /^(?:https?|socks\w*):(?!\/\/[^/])/i.test(text)) {
    throw new InvalidProxyURL(`Please check proxy URL. It is malformed and could be missing the host: '${shown}'`)
  }
  const scheme = url.protocol.slice(0, -1)
  const credentials = getUrlAuth(url)
  if (scheme === 'http' || scheme === 'https') {
    return { url: withoutAuth(url), authorization: credentials && basicCredentials(...credentials) }
  }
  if (!scheme.startsWith('socks')) {
    throw new InvalidProxyURL(`Proxy URL had unsupported scheme ${scheme}, should use http:// or https://`)
  }
  if (!SOCKS_SCHEMES.has(scheme)) {
    throw new InvalidProxyURL(
      `Unable to determine SOCKS version from '${shown}': write socks5h:// (the proxy resolves names), socks5://, socks4a:// or socks4://`,
    )
  }
  return { url: withoutAuth(url), authorization: undefined, login: checkLogin(credentials, shown) }
}

const SOCKS_SCHEMES: ReadonlySet<string> = new Set(['socks4', 'socks4a', 'socks5', 'socks5h'])

/** RFC 1929: a user and a password of at most 255 bytes. */
function checkLogin(
  credentials: readonly [user: string, password: string] | undefined,
  shown: string,
): readonly [user: string, password: string] | undefined {
  if (credentials?.every((each) => Buffer.byteLength(each) <= 255) ?? true) return credentials
  throw new InvalidProxyURL(`the user or password for the proxy '${shown}' is longer than SOCKS allows (255 bytes)`)
}
