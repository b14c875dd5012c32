/** Hosts and ports: read from URLs, prepared for Node's sockets, and written as text. */
import { isIP, isIPv6 } from 'node:net'

export interface ServerAddress {
  /** An IPv6 address without its brackets. */
  readonly host: string
  readonly port: number
  /** For SNI and the name check: without a trailing dot, and empty for an address (RFC 6066 section 3). */
  readonly servername: string
}

/**
 * The options of a socket that Node would otherwise find on a polluted `Object.prototype`: a `path` there became a Unix socket to
 * connect to.
 */
export const SOCKET_DEFAULTS: object = {
  path: undefined,
  lookup: undefined,
  family: undefined,
  hints: undefined,
  localAddress: undefined,
  localPort: undefined,
  signal: undefined,
  timeout: undefined,
}

/** Host, port (with the scheme's default) and server name of the URL of a server or proxy. */
export function serverAddress({ hostname, port, protocol }: URL): ServerAddress {
  const host = withoutBrackets(hostname)
  return {
    host,
    port: port === '' ? (DEFAULT_PORTS.get(protocol) ?? 80) : Number(port),
    servername: isIP(host) === 0 ? host.replace(/\.$/, '') : '',
  }
}

/** `host:port`, with an IPv6 address in brackets (RFC 3986 section 3.2.2). */
export function authorityOf({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${hostInUrl(host)}:${port}`
}

/** The authority as an `https:` URL has it: without the default port. */
export function httpsAuthority({ host, port }: { readonly host: string; readonly port: number }): string {
  return port === 443 ? hostInUrl(host) : authorityOf({ host, port })
}

/** Host and port of an {@link authorityOf}. */
export function parseAuthority(authority: string): { readonly host: string; readonly port: number } {
  const colon = authority.lastIndexOf(':')
  return { host: withoutBrackets(authority.slice(0, colon)), port: Number(authority.slice(colon + 1)) }
}

/** A host as it stands in a URL: an IPv6 address in brackets. */
export function hostInUrl(host: string): string {
  return isIPv6(host) ? `[${host}]` : host
}

/** The host of a URL, an IPv6 address without its brackets. */
export function withoutBrackets(hostname: string): string {
  return hostname.startsWith('[') && hostname.endsWith(']') ? hostname.slice(1, -1) : hostname
}

const DEFAULT_PORTS: ReadonlyMap<string, number> = new Map([
  ['https:', 443],
  // urllib3's, and curl's.
  ...['socks4:', 'socks4a:', 'socks5:', 'socks5h:'].map((scheme) => [scheme, 1080] as const),
])
