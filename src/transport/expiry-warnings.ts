/** Warnings for certificates that expire soon, emitted for new connections only. */
import type { Socket } from 'node:net'
import { type PeerCertificate, TLSSocket } from 'node:tls'
import { authorityOf, serverAddress } from '../core/address.ts'
import { printable } from '../core/printable.ts'
import { warnExpiry } from '../core/warnings.ts'
import type { ClientIdentity } from '../trust/client-identity.ts'
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
  const { identity } = route
  if (identity === undefined) return
  const { expiry, fingerprint } = clientCertificate(identity, socket)
  if (expiresSoon(expiry)) warnExpiry(`of the client (${identity.displayName})`, new Date(expiry), fingerprint)
}

/** What a connection presents as the client's. Node makes an object of the whole certificate each time, which takes 0.1 ms. */
function clientCertificate(identity: ClientIdentity, socket: TLSSocket): ClientCertificate {
  let known = clientCertificates.get(identity)
  if (known === undefined) {
    const { valid_to = '', fingerprint256 = '' }: Partial<PeerCertificate> = socket.getCertificate() ?? {}
    known = { expiry: Date.parse(valid_to), fingerprint: fingerprint256 }
    // Not presented: a later connection may present it.
    if (fingerprint256 !== '') clientCertificates.set(identity, known)
  }
  return known
}

interface ClientCertificate {
  /** In ms since 1970. */
  readonly expiry: number
  /** SHA-256 */
  readonly fingerprint: string
}

const clientCertificates = new WeakMap<ClientIdentity, ClientCertificate>()

/** The number of certificates up to which a bundle is taken for a selection. */
const SMALL_BUNDLE = 10
