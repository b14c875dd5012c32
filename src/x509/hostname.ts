/** The check that a certificate is valid for the requested host. */
import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import type { PeerCertificate } from 'node:tls'

/** {@link checkServerIdentity} returns it for a certificate of another host; Node destroys the connection with it. */
export class HostnameMismatchError extends Error {
  override readonly name = 'HostnameMismatchError'
  /** Node's own code for this. */
  readonly code = 'ERR_TLS_CERT_ALTNAME_INVALID'
  readonly host: string

  constructor(host: string) {
    super(
      isIP(host) === 0
        ? `Hostname mismatch, certificate is not valid for '${host}'.`
        : `IP address mismatch, certificate is not valid for '${host}'.`,
    )
    this.host = host
  }
}

/**
 * OpenSSL's rules as requests sets them (RFC 6125 with RFC 9525's strictness): subjectAltName only, never the common
 * name; `*` for one whole leftmost label of letters, digits and hyphens, not directly under a top-level domain; an IP
 * address needs an iPAddress entry. Node's own check accepts a common name and partial wildcards.
 */
export function isValidFor(certificate: X509Certificate, host: string): boolean {
  if (isIP(host) !== 0) return certificate.checkIP(host) !== undefined
  // To OpenSSL a leading dot means every name with that ending: for `.com` nearly any certificate would be valid.
  if (host === '' || host.startsWith('.')) return false
  return certificate.checkHost(host, { subject: 'never', partialWildcards: false }) !== undefined
}

/** For the option of the same name of `tls.connect`: an error if the certificate is not valid for `host`. */
export function checkServerIdentity(host: string, peer: PeerCertificate): Error | undefined {
  const name = host.endsWith('.') ? host.slice(0, -1) : host
  return isValidFor(new X509Certificate(peer.raw), name) ? undefined : new HostnameMismatchError(name)
}
