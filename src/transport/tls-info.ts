/** What is known about a TLS connection: noted once per handshake, read by responses and errors. */
import { X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import { type CipherNameAndProtocol, type DetailedPeerCertificate, TLSSocket } from 'node:tls'
import type { TrustInfo } from '../trust/verify.ts'

/** The TLS side of a response. */
export interface TlsInfo {
  /** Whether the server's certificate was verified; false with `verify: false` only. */
  readonly verified: boolean
  /** `TLSv1.3`, `TLSv1.2` */
  readonly protocol: string | null
  /** The cipher suite, by its standard name. */
  readonly cipher: string | undefined
  /** Whether the connection had served a request before this one. */
  readonly reused: boolean
  /** The server's certificate. */
  readonly peerCertificate: X509Certificate | undefined
  /** What vouched for it. */
  readonly trust: TrustInfo
}

/** What was noted of a handshake. */
export interface Handshake {
  /** The certificate of the peer in DER. */
  readonly peer: Buffer | undefined
  /** When it ends, as Node writes it, and its SHA-256. */
  readonly validTo: string
  readonly fingerprint: string
  readonly protocol: string | null
  readonly cipher: CipherNameAndProtocol | undefined
}

/**
 * Notes what the peer presents as soon as the handshake is done.
 *
 * Node forgets the certificate when verification fails (`getPeerCertificate()` is empty in the error's listeners), but
 * its own listener on `secure`, which does that, runs after one that is put in front of it. Tried on Node 22, 24, 26.
 * `getPeerX509Certificate()` must not be called there: it takes the certificate away from Node's own check.
 */
export function observeHandshake(socket: TLSSocket): void {
  socket.prependOnceListener('secure', () => {
    const certificate: Partial<DetailedPeerCertificate> = socket.getPeerCertificate(true)
    const { raw, valid_to: validTo = '', fingerprint256: fingerprint = '' } = certificate
    handshakes.set(socket, {
      peer: raw,
      validTo,
      fingerprint,
      protocol: socket.getProtocol(),
      cipher: socket.getCipher(),
    })
  })
}

/** The certificate that was presented on this connection, also when it was refused. */
export function peerCertificateOf(socket: Socket | null | undefined): X509Certificate | undefined {
  const peer = socket ? handshakes.get(socket)?.peer : undefined
  return peer && new X509Certificate(peer)
}

/** What is known of the handshake; `undefined` for a connection without TLS. */
export function handshakeOf(socket: Socket): Handshake | undefined {
  return handshakes.get(socket)
}

/** `null` for a connection without TLS. */
export function tlsInfo(socket: Socket, reused: boolean, verified: boolean, trust: TrustInfo): TlsInfo | null {
  if (!(socket instanceof TLSSocket)) return null
  const handshake = handshakes.get(socket)
  return {
    verified,
    protocol: handshake?.protocol ?? null,
    cipher: handshake?.cipher?.standardName,
    reused,
    get peerCertificate() {
      return handshake?.peer && new X509Certificate(handshake.peer)
    },
    trust,
  }
}

const handshakes = new WeakMap<Socket, Handshake>()
