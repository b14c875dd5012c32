/** URLs of servers that use TLS with a protocol other than https. */
import { authorityOf, withoutBrackets } from './address.ts'
import { hasKeyAsHost, KEY_AS_HOST } from './credentials.ts'
import { InvalidURL } from './errors.ts'

/** The protocols in which a client asks for TLS before the handshake. */
export type StartTlsProtocol = 'postgres' | 'mysql' | 'smtp' | 'imap' | 'pop3' | 'ldap'

/** A server of another protocol than https. */
export interface Service {
  /** `postgres`; of two names for one scheme, the one that was written. */
  readonly scheme: string
  /** `PostgreSQL`, for messages. */
  readonly protocol: string
  /** `postgres://db.example:5432`: without user, password, path and query. */
  readonly origin: string
  /** The host and port as an `https:` URL: sockets, proxies and the name check take them from it. */
  readonly target: URL
  /** How a client asks for TLS; `undefined` if the handshake begins with the first byte. */
  readonly startTls: StartTlsProtocol | undefined
}

interface Scheme {
  readonly protocol: string
  /** IANA's, for the service name; `undefined`: every URL names its port. */
  readonly port: number | undefined
  readonly startTls?: StartTlsProtocol
}

const SCHEMES: ReadonlyMap<string, Scheme> = new Map<string, Scheme>([
  ['postgres', { protocol: 'PostgreSQL', port: 5432, startTls: 'postgres' }],
  ['postgresql', { protocol: 'PostgreSQL', port: 5432, startTls: 'postgres' }],
  ['mysql', { protocol: 'MySQL', port: 3306, startTls: 'mysql' }],
  ['smtp', { protocol: 'SMTP', port: 25, startTls: 'smtp' }],
  ['imap', { protocol: 'IMAP', port: 143, startTls: 'imap' }],
  ['pop3', { protocol: 'POP3', port: 110, startTls: 'pop3' }],
  ['ldap', { protocol: 'LDAP', port: 389, startTls: 'ldap' }],
  ['smtps', { protocol: 'SMTP', port: 465 }],
  ['imaps', { protocol: 'IMAP', port: 993 }],
  ['pop3s', { protocol: 'POP3', port: 995 }],
  ['ldaps', { protocol: 'LDAP', port: 636 }],
  // The registration of rediss: refers to that of redis: for the port (IANA, 2015); clients do the same.
  ['rediss', { protocol: 'Redis', port: 6379 }],
  ['amqps', { protocol: 'AMQP', port: 5671 }],
  ['mqtts', { protocol: 'MQTT', port: 8883 }],
  ['tls', { protocol: 'TLS', port: undefined }],
])

/** The schemes of {@link parseService}, without a colon. */
export const SERVICE_SCHEMES: readonly string[] = [...SCHEMES.keys()]

/**
 * The server that a URL of one of {@link SERVICE_SCHEMES} names; `undefined` for other schemes and for what is no URL.
 * User, password, path and query are not kept, and no error shows them.
 *
 * @throws InvalidURL for a URL of these schemes that has no host, no port where one is required, or cannot be read with
 *   certainty
 */
export function parseService(url: string | URL): Service | undefined {
  const given: unknown = typeof url === 'string' ? url : url?.href
  if (typeof given !== 'string') return undefined
  const text = given.trim()
  const name = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase() ?? ''
  const scheme = SCHEMES.get(name)
  if (scheme === undefined) return undefined
  const { hostname, port } = parseAuthorityOf(text, name)
  // The parser of https: URLs normalizes names and addresses: to A-labels, lower case, four decimal numbers.
  const normalized = URL.parse(`https://${hostname}`)
  if (normalized === null || !HOST.test(normalized.hostname)) throw invalid(name, 'its host is not valid')
  if (port === '' && scheme.port === undefined) throw invalid(name, 'it has no port')
  const host = withoutBrackets(normalized.hostname)
  const authority = authorityOf({ host, port: port === '' ? (scheme.port as number) : Number(port) })
  return {
    scheme: name,
    protocol: scheme.protocol,
    origin: `${name}://${authority}`,
    target: new URL(`https://${authority}/`),
    startTls: scheme.startTls,
  }
}

/** An address, or a name of letters, digits and hyphens (and the underscores of local networks): hints print it in commands. */
const HOST = /^(?:[a-z0-9._-]{1,254}|\[[0-9a-f:.]+\])$/

function parseAuthorityOf(text: string, name: string): { hostname: string; port: string } {
  // A URL parser drops tabs and line breaks.
  if (/[ \p{Cc}]/u.test(text)) throw invalid(name, 'it contains a space or a control character')
  const [, authority, rest = ''] = /^[^:]+:\/\/([^/?#]*)(.*)$/s.exec(text) ?? []
  if (authority === undefined) throw invalid(name, 'there is no // after the scheme')
  // Of an unencoded / ? or # in a password the parser makes the end of the host: the user would be contacted as a host.
  if (rest.includes('@')) throw invalid(name, 'an @ after the host cannot be told from one before it')
  const parsed = URL.parse(text)
  if (parsed === null) throw invalid(name, 'its host or port is not valid')
  if (hasKeyAsHost(text)) throw invalid(name, KEY_AS_HOST)
  if (parsed.hostname === '') throw invalid(name, 'it has no host')
  return parsed
}

function invalid(name: string, problem: string): InvalidURL {
  return new InvalidURL(
    `not a URL of a server: ${problem}. Write ${name}://HOST:PORT; user, password and path are not needed here`,
  )
}

/** What to write instead of a URL with a scheme that is not http or https, and none of {@link SERVICE_SCHEMES}. @param protocol with its colon */
export function adviceForScheme(protocol: string): string {
  const known = OTHER_SCHEMES.get(protocol)
  if (known !== undefined) return `write ${known}`
  return `write https:// or one of ${SERVICE_SCHEMES.map((scheme) => `${scheme}://`).join(', ')}; tls://HOST:PORT is for any other protocol`
}

/** Schemes of servers that may speak TLS, under another name. */
const OTHER_SCHEMES: ReadonlyMap<string, string> = new Map([
  ['ws:', 'https://'],
  ['wss:', 'https://'],
  ['redis:', 'rediss://'],
  ['amqp:', 'amqps://'],
  ['mqtt:', 'mqtts://'],
  ['mariadb:', 'mysql://'],
  ['mongodb:', 'tls://HOST:27017'],
])
