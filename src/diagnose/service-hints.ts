/** Hints for servers of protocols other than https. */
import { hostInUrl, serverAddress } from '../core/address.ts'
import { documentation } from '../core/documentation.ts'
import type { Service, StartTlsProtocol } from '../core/service.ts'

/** How the usual client of the protocol is given the trust that makes a server acceptable here. */
export function clientHint({ protocol }: Service): string {
  const [client, option] = CLIENTS.get(protocol) ?? [
    'its client',
    "what it hands to tls.connect: ...tlsOptions('ca.pem')",
  ]
  return `in ${client}, then: ${option}, see ${documentation('guides/other-clients.md')}`
}

/** By protocol: each is in docs/guides/other-clients.md, and tested there. */
const CLIENTS: ReadonlyMap<string, readonly [client: string, option: string]> = new Map([
  ['PostgreSQL', ['pg', "ssl: tlsOptions('ca.pem')"]],
  ['MySQL', ['mysql2', "ssl: { ca: CABundle.from('ca.pem').certificates.map(String), verifyIdentity: true }"]],
  ['SMTP', ['nodemailer', "tls: tlsOptions('ca.pem')"]],
  ['Redis', ['ioredis', "tls: tlsOptions('ca.pem')"]],
])

/** What to say when a server with STARTTLS is silent: it may be one that waits for a handshake. */
export function silenceHint(service: Service | undefined): string {
  const { startTls, origin, scheme } = service ?? {}
  if (startTls === undefined || startTls === 'postgres' || startTls === 'mysql') return ''
  return `; if TLS begins at once on this port, write ${origin?.replace(`${scheme}:`, `${scheme}s:`)}`
}

/** For a server that does not offer TLS. */
export function noTlsHints({ startTls, target, scheme, protocol }: Service): string[] {
  if (startTls === undefined) {
    const other = ['SMTP', 'IMAP', 'POP3', 'LDAP'].includes(protocol)
      ? `; try ${scheme.slice(0, -1)}://, which asks for it`
      : ''
    return [`check the port: ${scheme}:// is for servers on which TLS begins at once${other}`]
  }
  const { host } = serverAddress(target)
  return [
    OFFER_TLS[startTls](hostInUrl(host)),
    'if its owner says that it offers TLS, something in transit removes the offer: do not send a password there',
  ]
}

const OFFER_TLS: Readonly<Record<StartTlsProtocol, (host: string) => string>> = {
  postgres: () => 'have the server offer TLS: ssl = on, ssl_cert_file and ssl_key_file in postgresql.conf',
  mysql: () => 'have the server offer TLS: ssl_cert and ssl_key in the section [mysqld] of its configuration',
  smtp: (host) => `have the server offer STARTTLS, or try the port on which TLS begins at once: smtps://${host}`,
  imap: (host) => `have the server offer STARTTLS, or try the port on which TLS begins at once: imaps://${host}`,
  pop3: (host) => `have the server offer STLS, or try the port on which TLS begins at once: pop3s://${host}`,
  ldap: (host) => `have the server offer StartTLS, or try the port on which TLS begins at once: ldaps://${host}`,
}
