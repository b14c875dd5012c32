/** What to do about a server of another protocol than https. */
import { hostInUrl, serverAddress } from '../core/address.ts'
import type { Service, StartTlsProtocol } from '../core/service.ts'

/** For a server that does not offer TLS. */
export function noTlsHints({ startTls, target, scheme }: Service): string[] {
  if (startTls === undefined) return [`check the port: ${scheme}:// is for servers on which TLS begins at once`]
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
