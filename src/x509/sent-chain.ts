/** The certificates that a server sent in a handshake, which may have failed. */
import type { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'

/**
 * The certificates in the order in which the server sent them. They are taken out of the connection, so this is for one that
 * carries no request, and can be asked once.
 *
 * Unlike `getPeerCertificate()` it does not decode the public key: where that cannot be done, because its bytes are damaged, Node
 * 22 to 26 end the process. OpenSSL ends such a handshake itself, so that a handshake that is done has a certificate with a key.
 */
export function sentChain(socket: TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = []
  let certificate = socket.getPeerX509Certificate()
  while (certificate && !chain.some(({ raw }) => raw.equals(certificate?.raw ?? raw))) {
    chain.push(certificate)
    certificate = certificate.issuerCertificate
  }
  return chain
}
