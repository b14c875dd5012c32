/** Certificates that end soon: looked for when a connection is new, so that requests on an open one cost nothing. */
import type { X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import { type PeerCertificate, TLSSocket } from 'node:tls'
import { warnExpiry } from '../core/warnings.ts'
import type { CertificateSet } from '../trust/ca-bundle.ts'
import { DAY_MS, nameInOneLine } from '../x509/certificate-info.ts'
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
  const endsSoon = (end: number) => end > now && end - now <= days * DAY_MS
  const presented = handshakeOf(socket)?.peer
  if (presented) {
    const end = Date.parse(presented.validTo)
    if (endsSoon(end)) warnExpiry(`of the server ${server}`, new Date(end), presented.fingerprint)
  }
  if (trusted && trusted.anchors.length <= SMALL_BUNDLE) {
    for (const { certificate } of trusted.anchors) {
      const end = endOf(certificate)
      if (!endsSoon(end)) continue
      warnExpiry(`'${nameInOneLine(certificate.subject)}' that is trusted`, new Date(end), certificate.fingerprint256)
    }
  }
  if (client === undefined) return
  const { valid_to = '', fingerprint256 = '' }: Partial<PeerCertificate> = socket.getCertificate() ?? {}
  const end = Date.parse(valid_to)
  if (endsSoon(end)) warnExpiry(`of the client (${client})`, new Date(end), fingerprint256)
}

/** In ms since 1970. Node asks OpenSSL for each property of a certificate each time. */
function endOf(certificate: X509Certificate): number {
  let end = ends.get(certificate)
  if (end === undefined) {
    end = Date.parse(certificate.validTo)
    ends.set(certificate, end)
  }
  return end
}

const ends = new WeakMap<X509Certificate, number>()

const SMALL_BUNDLE = 10
