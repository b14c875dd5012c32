/** Warnings for certificates that expire soon, emitted for new connections only. */
import type { Socket } from 'node:net'
import { type PeerCertificate, TLSSocket } from 'node:tls'
import { authorityOf, serverAddress } from '../core/address.ts'
import { printable } from '../core/printable.ts'
import { warnExpiry } from '../core/warnings.ts'
import { DAY_MS, nameInOneLine } from '../x509/certificate-info.ts'
import { forwarderFor } from './client-request.ts'
import { expiryOf } from './expiry.ts'
import type { Route } from './route.ts'
import { handshakeOf } from './tls-info.ts'

/**
 * Warns, once for each certificate, if the server's, the client's, or one of a small bundle expires within `days`. A large bundle
 * is a list of roots, of which some always expire soon.
 */
export function warnExpiring(socket: Socket, days: number, target: URL, route: Route): void {
  if (!(socket instanceof TLSSocket)) return
  const now = Date.now()
  const expiresSoon = (expiry: number) => expiry > now && expiry - now <= days * DAY_MS
  const presented = handshakeOf(socket)?.peer
  if (presented) {
    const expiry = Date.parse(presented.validTo)
    const server = authorityOf(serverAddress(forwarderFor(target, route)?.url ?? target))
    if (expiresSoon(expiry)) warnExpiry(`of the server ${server}`, new Date(expiry), presented.fingerprint)
  }
  const anchors = route.trust?.set?.anchors ?? []
  if (anchors.length <= SMALL_BUNDLE) {
    for (const { certificate } of anchors) {
      const expiry = expiryOf(certificate)
      if (!expiresSoon(expiry)) continue
      const subject = printable(nameInOneLine(certificate.subject))
      warnExpiry(`'${subject}' that is trusted`, new Date(expiry), certificate.fingerprint256)
    }
  }
  if (route.identity === undefined) return
  const { valid_to = '', fingerprint256 = '' }: Partial<PeerCertificate> = socket.getCertificate() ?? {}
  const expiry = Date.parse(valid_to)
  if (expiresSoon(expiry)) warnExpiry(`of the client (${route.identity.displayName})`, new Date(expiry), fingerprint256)
}

/** The number of certificates up to which a bundle is taken for a selection. */
const SMALL_BUNDLE = 10
