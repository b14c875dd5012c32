/** A URL's server, as Node's sockets want it. */
import { isIP } from 'node:net'

export interface ServerAddress {
  /** An IPv6 address without its brackets. */
  readonly host: string
  readonly port: number
  /** For SNI and the name check: without a trailing dot, and empty for an address (RFC 6066 section 3). */
  readonly servername: string
}

/** For sockets: what somebody put on `Object.prototype` is not a Unix socket to connect to. */
export const NO_PATH: object = { path: undefined }

/** Host, port (with the scheme's default) and server name of the URL of a server or proxy. */
export function serverAddress({ hostname, port, protocol }: URL): ServerAddress {
  const host = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
  return {
    host,
    port: port === '' ? (DEFAULT_PORTS.get(protocol) ?? 80) : Number(port),
    servername: isIP(host) === 0 ? host.replace(/\.$/, '') : '',
  }
}

const DEFAULT_PORTS: ReadonlyMap<string, number> = new Map([
  ['https:', 443],
  // urllib3's, and curl's.
  ...['socks4:', 'socks4a:', 'socks5:', 'socks5h:'].map((scheme) => [scheme, 1080] as const),
])
