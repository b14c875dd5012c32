/** The check that a certificate is valid for the requested host. */
import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import type { PeerCertificate } from 'node:tls'
import { printable } from '../core/printable.ts'

/** {@link checkServerIdentity} returns it for a certificate of another host; Node destroys the connection with it. */
export class HostnameMismatchError extends Error {
  override readonly name = 'HostnameMismatchError'
  /** Node's own code for this. */
  readonly code = 'ERR_TLS_CERT_ALTNAME_INVALID'
  readonly host: string

  constructor(host: string) {
    const shown = printable(host)
    super(
      isIP(host) === 0
        ? `Hostname mismatch, certificate is not valid for '${shown}'.`
        : `IP address mismatch, certificate is not valid for '${shown}'.`,
    )
    this.host = shown
  }
}

/**
 * OpenSSL's rules as requests sets them (RFC 6125 with RFC 9525's strictness): subjectAltName only, never the common
 * name; `*` for one whole leftmost label of letters, digits and hyphens, not directly under a top-level domain; an IP
 * address needs an iPAddress entry, whatever its zone (`%eth0`). Node's own check accepts a common name and partial wildcards.
 */
export function isValidFor(certificate: X509Certificate, host: string): boolean {
  if (isIP(host) !== 0) return certificate.checkIP(host.replace(ZONE, '')) !== undefined
  // To OpenSSL a leading dot means every name with that ending: for `.com` nearly any certificate would be valid. A NUL at the end
  // of a name it ignores, and for one elsewhere Node throws.
  if (host === '' || host.startsWith('.') || host.includes('\0')) return false
  return certificate.checkHost(host, { subject: 'never', partialWildcards: false }) !== undefined
}

/** The zone of an IPv6 address, which names an interface of this machine (RFC 4007 section 11). */
const ZONE = /%.*$/

/**
 * For the option of the same name of `tls.connect`: an error if the certificate is not valid for `host`.
 *
 * Never throws, whatever it is called with: an exception in this callback would be uncaught, and leave the connection open.
 */
export function checkServerIdentity(host: string, peer: PeerCertificate): Error | undefined {
  const name = typeof host === 'string' ? host.replace(/\.$/, '') : ''
  const certificate = certificateOf(peer)
  return certificate && isValidFor(certificate, name) ? undefined : new HostnameMismatchError(name)
}

/** `undefined` if the peer presented none, or nothing that can be read. */
function certificateOf(peer: Partial<PeerCertificate> | null | undefined): X509Certificate | undefined {
  try {
    return peer?.raw && new X509Certificate(peer.raw)
  } catch {
    return undefined
  }
}
