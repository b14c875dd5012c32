/** Certificates that end soon: looked for when a connection is new, so that requests on an open one cost nothing. */
import type { Socket } from 'node:net'
import { type PeerCertificate, TLSSocket } from 'node:tls'
import type { CertificateSet } from '../trust/ca-bundle.ts'
import { DAY, nameInOneLine } from '../trust/certificate-info.ts'
import { warnExpiry } from '../warnings.ts'
import { handshakeOf } from './tls-info.ts'

/** What to look at besides the server's certificate. */
export interface ExpirySubjects {
  /** The server, for the message: `host:port`. */
  readonly server: string
  /** The bundle that is trusted; `undefined` for the default roots. */
  readonly trusted: CertificateSet | undefined
  /** The client certificate, as it is called in messages; `undefined`: none. */
  readonly client: string | undefined
}

/**
 * Warns, once for each certificate, when the server's, one of a small bundle or the client's ends within so many days. A
 * large bundle is somebody's list of roots, of which some always end soon.
 */
export function warnExpiring(socket: Socket, days: number, { server, trusted, client }: ExpirySubjects): void {
  if (!(socket instanceof TLSSocket)) return
  const now = Date.now()
  const look = (what: string, end: number, fingerprint: string) => {
    if (end > now && end - now <= days * DAY) warnExpiry(what, new Date(end), fingerprint)
  }
  const presented = handshakeOf(socket)?.peer
  if (presented) look(`of the server ${server}`, Date.parse(presented.validTo), presented.fingerprint)
  if (trusted && trusted.anchors.length <= SMALL_BUNDLE) {
    for (const { certificate } of trusted.anchors) {
      look(
        `'${nameInOneLine(certificate.subject)}' that is trusted`,
        Date.parse(certificate.validTo),
        certificate.fingerprint256,
      )
    }
  }
  if (client === undefined) return
  const { valid_to, fingerprint256 }: Partial<PeerCertificate> = socket.getCertificate() ?? {}
  if (valid_to && fingerprint256) look(`of the client (${client})`, Date.parse(valid_to), fingerprint256)
}

const SMALL_BUNDLE = 10
