/** Selects the proxy of a request by requests' rules (`select_proxy`, `get_environ_proxies`, `should_bypass_proxies`). */
import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net'
import { domainToASCII } from 'node:url'
import { basicCredentials } from '../auth/auth.ts'
import { withoutBrackets } from '../core/address.ts'
import { getUrlAuth, hasKeyAsHost, KEY_AS_HOST, redactUrl, withoutAuth } from '../core/credentials.ts'
import { variable } from '../core/environment.ts'
import { InvalidProxyURL } from '../core/errors.ts'
import { keyMaterialIn } from '../core/key-material.ts'
import { isRecord, type MappingInit, typeName } from '../core/pairs.ts'
import { SERVICE_SCHEMES, type Service } from '../core/service.ts'

/**
 * The option `proxies`: proxies by scheme (`http`, `https`), by scheme and host (`https://example.com`), or for `all`. `null` or
 * an empty string: none. `no_proxy` overrides the variable `NO_PROXY`.
 */
export type ProxiesInit = MappingInit<string | URL | null | undefined>

/** The same, checked. */
type ProxyTable = { readonly [key: string]: string | URL | null | undefined }

/** A proxy, parsed from its URL. */
export interface ProxyServer {
  /** `http:`, `https:`, `socks4:`, `socks4a:`, `socks5:` or `socks5h:`; without credentials. */
  readonly url: URL
  /** For an http or https proxy: the value of the header `Proxy-Authorization`. */
  readonly authorization: string | undefined
  /** For a SOCKS proxy. */
  readonly login?: readonly [user: string, password: string] | undefined
}

/** Whether a proxy uses SOCKS, which forwards bytes and is independent of HTTP. */
export function isSocks({ url }: ProxyServer): boolean {
  return url.protocol.startsWith('socks')
}

/** The sources of proxies for a request. */
export interface ProxyRules {
  readonly call: ProxyTable | null | undefined
  readonly session: ProxyTable | null | undefined
  /** `undefined` if the environment is ignored. */
  readonly env: NodeJS.ProcessEnv | undefined
  /**
   * Whether the environment overrides the session. It does in `request`. In `send` it does not, and `proxies` of the call, even
   * `{}` or `null`, replace all other sources (requests' `Session.send`).
   */
  readonly envOverSession: boolean
}

/**
 * The proxy for a URL; `undefined`: none.
 *
 * @throws InvalidProxyURL if it cannot be used
 */
export function proxyFor(url: URL, { call, session, env, envOverSession }: ProxyRules): ProxyServer | undefined {
  const callProxies = call ?? undefined
  const callOnly = call !== undefined && !envOverSession
  const sessionProxies = callOnly ? undefined : (session ?? undefined)
  const envProxies =
    env && !callOnly
      ? environmentProxies(url, env, own(callProxies, 'no_proxy') ?? own(sessionProxies, 'no_proxy'))
      : undefined
  if (!callProxies && !sessionProxies && !envProxies) return undefined
  const text = select(
    url,
    envOverSession
      ? [callProxies, envProxies, sessionProxies]
      : [callProxies, sessionProxies, forScheme(url, envProxies)],
  )
  return text === undefined ? undefined : parseProxy(text)
}

/**
 * The proxy for a server of another protocol than https: the one for its scheme, else the one for all. In a call, which is about
 * this server alone, the one for https counts as well; HTTPS_PROXY does not, since clients of these protocols do not read it.
 *
 * @throws InvalidProxyURL if it cannot be used
 */
export function proxyForService({ scheme, origin }: Service, rules: ProxyRules): ProxyServer | undefined {
  const entries = Object.entries(rules.call ?? {})
  const forHttps = entries.filter(([key]) => /^https(?::|$)/.test(key))
  const renamed = forHttps.map(([key, proxy]) => [key.replace('https', scheme), proxy] as const)
  const call = rules.call && Object.fromEntries([...renamed, ...entries])
  return proxyFor(new URL(origin), { ...rules, call })
}

/** The environment's `all` as a proxy for this scheme, so that it overrides the session's `all` (`resolve_proxies`). */
function forScheme({ protocol }: URL, envProxies: ProxyTable | undefined): ProxyTable | undefined {
  const scheme = protocol.slice(0, -1)
  return envProxies && { [scheme]: own(envProxies, scheme) ?? own(envProxies, 'all') }
}

/** An own property only: properties of `Object.prototype` are not proxies. */
function own(proxies: ProxyTable | undefined, key: string): ProxyTable[string] {
  return proxies !== undefined && Object.hasOwn(proxies, key) ? proxies[key] : undefined
}

/** The most specific key that any source has, from the first source that has it. `null` removes a key, `''` means no proxy. */
function select(url: URL, sources: readonly (ProxyTable | undefined)[]): string | undefined {
  const scheme = url.protocol.slice(0, -1)
  for (const key of [`${scheme}://${url.hostname}`, scheme, `all://${url.hostname}`, 'all']) {
    for (const source of sources) {
      const proxy = own(source, key)
      if (proxy === undefined) continue
      // null removes the key, so that a more general one applies (requests' merge_setting); '' means no proxy at all.
      if (proxy === null) break
      return String(proxy) === '' ? undefined : String(proxy)
    }
  }
  return undefined
}

/** A copy, which later changes do not reach. @throws TypeError for another shape, or a key that no request would look up */
export function checkProxies(proxies: ProxiesInit | null | undefined): ProxyTable | null | undefined {
  if (proxies === undefined || proxies === null) return proxies
  if (!isRecord(proxies) || Array.isArray(proxies)) {
    throw new TypeError(`proxies must be an object such as { https: 'http://proxy:3128' }, not ${typeName(proxies)}`)
  }
  const checked: Record<string, string | null | undefined> = Object.create(null)
  for (const [key, proxy] of Object.entries(proxies)) {
    if (!PROXY_KEY.test(key)) {
      throw new TypeError(
        `proxies has no key "${redactUrl(key)}": there are http, https, all, no_proxy, and https://HOST and the like, without a port`,
      )
    }
    if (proxy === undefined || proxy === null || typeof proxy === 'string') checked[key] = proxy
    else if (proxy instanceof URL) checked[key] = proxy.href
    else throw new TypeError(`proxies.${redactUrl(key)} must be the URL of a proxy, or null, not ${typeName(proxy)}`)
  }
  return checked
}

/**
 * Hosts as in URLs: a key with a port, a path or a wildcard would never match, and the request would bypass its proxy. `ftp` and
 * others are harmless: they occur in tables that are shared with other programs.
 */
const PROXY_KEY = new RegExp(
  `^(?:no_proxy|(?:https?|all|ftp|wss?|socks\\w*|${SERVICE_SCHEMES.join('|')})(?:://(?:[^A-Z/?#@*:%[\\]]+|\\[[\\da-f:.]+\\]))?)$`,
)

/** The environment's proxies for this URL. Lower-case names have precedence; an empty one disables the other. */
function environmentProxies(
  url: URL,
  env: NodeJS.ProcessEnv,
  noProxy: string | URL | null | undefined,
): ProxyTable | undefined {
  const scheme = url.protocol.slice(0, -1)
  // REQUEST_METHOD means a CGI script, where HTTP_PROXY is the request's header "Proxy" (CVE-2016-1000110).
  const isScript = scheme === 'http' && variable(env, 'REQUEST_METHOD') !== undefined
  const upper = isScript ? undefined : variable(env, `${scheme.toUpperCase()}_PROXY`)
  const schemeProxy = variable(env, `${scheme}_proxy`) ?? upper
  const all = variable(env, 'all_proxy') ?? variable(env, 'ALL_PROXY')
  if (!schemeProxy && !all) return undefined
  const envNoProxy = variable(env, 'no_proxy') || variable(env, 'NO_PROXY') || ''
  if (bypassesProxy(url, String(noProxy ?? envNoProxy))) return undefined
  return { ...(schemeProxy && { [scheme]: schemeProxy }), ...(all && { all }) }
}

/**
 * Whether a list in the form of NO_PROXY names the URL's host.
 *
 * @param noProxy names (with their sub-domains, with or without a leading dot, of any script), names with a port, addresses (IPv6
 *   with or without brackets) and networks (`10.0.0.0/8`, `fd00::/8`); `*` for everything
 */
export function bypassesProxy(url: URL, noProxy: string): boolean {
  const list = noProxy.replaceAll(' ', '')
  const host = withoutBrackets(url.hostname).toLowerCase()
  const entries = list
    .toLowerCase()
    .split(',')
    .filter((entry) => entry !== '')
  if (entries.includes('*')) return true
  if (isIPv4(host)) return entries.some((entry) => entry === host || isInNetwork(host, entry))
  const names = url.port === '' ? [host] : [host, `${host}:${url.port}`]
  if (isIPv6(host)) return entries.some((entry) => isIPv6Entry(host, url.port, entry))
  return entries.some((entry) => {
    const name = toAscii(entry.replace(/^\.+/, ''))
    return name !== '' && names.some((each) => each === name || each.endsWith(`.${name}`))
  })
}

/** A name as in URLs: international names as A-labels. */
function toAscii(name: string): string {
  return /\P{ASCII}/u.test(name) ? name.replace(/^[^:]+/, domainToASCII) : name
}

function isIPv6Entry(host: string, port: string, entry: string): boolean {
  const [, inBrackets = '', bits = '', ofPort] = /^\[([^\]]+)\](\/\d+)?(?::(\d+))?$/.exec(entry) ?? []
  const address = inBrackets === '' ? entry : inBrackets + bits
  if (ofPort !== undefined && ofPort !== port) return false
  if (isIPv6(address)) return isInNetwork(host, `${address}/128`)
  return isInNetwork(host, address)
}

function isInNetwork(address: string, network: string): boolean {
  const [, base = '', bits = ''] = /^([\da-f.:]+)\/(\d{1,3})$/.exec(network) ?? []
  const family = isIP(base)
  if (family !== isIP(address) || Number(bits) < 1 || Number(bits) > (family === 4 ? 32 : 128)) return false
  const type = family === 4 ? 'ipv4' : 'ipv6'
  const list = new BlockList()
  list.addSubnet(base, Number(bits), type)
  return list.check(address, type)
}

function parseProxy(text: string): ProxyServer {
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`
  const url = URL.parse(withScheme)
  const isKey = hasKeyAsHost(text)
  if (!url?.hostname || isKey || /^(?:https?|socks\w*):(?!\/\/[^/])/i.test(text)) {
    const isWhole = withScheme === text || keyMaterialIn(text) !== undefined
    const redacted = isWhole ? redactUrl(text) : redactUrl(withScheme).slice('http://'.length)
    throw new InvalidProxyURL(
      `Please check proxy URL. It is malformed and could be missing the host: '${redacted}'${isKey ? `; ${KEY_AS_HOST}` : ''}`,
    )
  }
  const scheme = url.protocol.slice(0, -1)
  const credentials = getUrlAuth(url)
  if (scheme === 'http' || scheme === 'https') {
    return { url: withoutAuth(url), authorization: credentials && basicCredentials(...credentials) }
  }
  if (!scheme.startsWith('socks')) {
    throw new InvalidProxyURL(`Proxy URL had unsupported scheme ${redactUrl(scheme)}, should use http:// or https://`)
  }
  // The rest of a mistyped URL may hold the password.
  const shown = redactUrl(`${scheme}://${url.host}`)
  if (!SOCKS_SCHEMES.has(scheme)) {
    throw new InvalidProxyURL(
      `Unable to determine SOCKS version from '${shown}': write socks5h:// (the proxy resolves names), socks5://, socks4a:// or socks4://`,
    )
  }
  return { url: withoutAuth(url), authorization: undefined, login: checkLogin(url.protocol, credentials, shown) }
}

const SOCKS_SCHEMES: ReadonlySet<string> = new Set(['socks4', 'socks4a', 'socks5', 'socks5h'])

/** RFC 1929: a user and a password of at most 255 bytes. SOCKS 4 ends the user with a NUL, and would take what follows for a host. */
function checkLogin(
  protocol: string,
  credentials: readonly [user: string, password: string] | undefined,
  redacted: string,
): readonly [user: string, password: string] | undefined {
  if (protocol.startsWith('socks4') && credentials?.[0].includes('\0')) {
    throw new InvalidProxyURL(`the user for the proxy '${redacted}' has a NUL, which SOCKS 4 cannot express`)
  }
  if (credentials?.every((each) => Buffer.byteLength(each) <= 255) ?? true) return credentials
  throw new InvalidProxyURL(`the user or password for the proxy '${redacted}' is longer than SOCKS allows (255 bytes)`)
}
