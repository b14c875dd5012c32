/** What is known about a TLS connection: noted once per handshake, read by responses and errors. */
import { X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import { type CipherNameAndProtocol, type DetailedPeerCertificate, TLSSocket } from 'node:tls'
import { inspect } from 'node:util'
import type { TrustInfo } from '../core/trust-info.ts'

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

/** The certificate of a peer. */
export interface PresentedCertificate {
  /** In DER. */
  readonly raw: Buffer
  /** When it ends, as Node writes it, and its SHA-256. */
  readonly validTo: string
  readonly fingerprint: string
  /** Those that were sent along with it (DER), each the issuer of the one before. */
  readonly issuers: readonly Buffer[]
}

/** What was noted of a handshake. */
export interface Handshake {
  /** `undefined` where there is no certificate: anonymous ciphers. */
  readonly peer: PresentedCertificate | undefined
  readonly protocol: string | null
  readonly cipher: CipherNameAndProtocol | undefined
}

/**
 * Notes what the peer presents as soon as the handshake is done.
 *
 * Node forgets the certificate when verification fails (`getPeerCertificate()` is empty in the error's listeners), but
 * its own listener on `secure`, which does that, runs after one that is put in front of it. Tried on Node 22, 24, 26.
 * `getPeerX509Certificate()` must not be called there: it takes the certificate away from Node's own check.
 *
 * @param resumable what was presented when the session was made that this handshake may resume: it is not presented again
 */
export function observeHandshake(socket: TLSSocket, resumable?: PresentedCertificate): void {
  socket.prependOnceListener('secure', () => {
    handshakes.set(socket, {
      peer: socket.isSessionReused() ? resumable : presentedOn(socket),
      protocol: socket.getProtocol(),
      cipher: socket.getCipher(),
    })
  })
}

function presentedOn(socket: TLSSocket): PresentedCertificate | undefined {
  const certificate: Partial<DetailedPeerCertificate> = socket.getPeerCertificate(true)
  const { raw, valid_to: validTo = '', fingerprint256: fingerprint = '' } = certificate
  return raw && { raw, validTo, fingerprint, issuers: issuersOf(certificate) }
}

/**
 * Node links each certificate to its issuer, a root to itself, and behind the last one sent puts its issuer if trusted: of one
 * that is its own issuer and no authority, a copy.
 */
function issuersOf(certificate: Partial<DetailedPeerCertificate>): Buffer[] {
  const chain: Buffer[] = []
  const seen = new Set([certificate.fingerprint256])
  let next = certificate.issuerCertificate
  while (next?.raw !== undefined && !seen.has(next.fingerprint256)) {
    seen.add(next.fingerprint256)
    chain.push(next.raw)
    next = next.issuerCertificate
  }
  return chain
}

/** What was presented on this connection, also when it was refused: the peer's own certificate first. */
export function chainOf(socket: Socket | null | undefined): X509Certificate[] {
  const peer = socket ? handshakes.get(socket)?.peer : undefined
  return peer ? [peer.raw, ...peer.issuers].map((raw) => new X509Certificate(raw)) : []
}

/** When the first of its certificates ends, in ms since 1970. */
export function endOfChain(peer: PresentedCertificate): number {
  let end = ends.get(peer)
  if (end === undefined) {
    const others = peer.issuers.map((raw) => new X509Certificate(raw).validTo)
    end = Math.min(...[peer.validTo, ...others].map((validTo) => Date.parse(validTo)))
    ends.set(peer, end)
  }
  return end
}

const ends = new WeakMap<PresentedCertificate, number>()

/** What is known of the handshake; `undefined` for a connection without TLS. */
export function handshakeOf(socket: Socket): Handshake | undefined {
  return handshakes.get(socket)
}

/** `null` for a connection without TLS. */
export function tlsInfo(socket: Socket, reused: boolean, verified: boolean, trust: TrustInfo): TlsInfo | null {
  if (!(socket instanceof TLSSocket)) return null
  return new ConnectionInfo(handshakes.get(socket), reused, verified, trust)
}

/** A class: an object literal with a getter takes 7 µs to make. */
class ConnectionInfo implements TlsInfo {
  readonly verified: boolean
  readonly protocol: string | null
  readonly cipher: string | undefined
  readonly reused: boolean
  readonly trust: TrustInfo
  readonly #peer: PresentedCertificate | undefined

  constructor(handshake: Handshake | undefined, reused: boolean, verified: boolean, trust: TrustInfo) {
    this.verified = verified
    this.protocol = handshake?.protocol ?? null
    this.cipher = handshake?.cipher?.standardName
    this.reused = reused
    this.trust = trust
    this.#peer = handshake?.peer
  }

  get peerCertificate(): X509Certificate | undefined {
    return this.#peer && new X509Certificate(this.#peer.raw)
  }

  /** All of it, as a plain object shows. */
  toJSON(): TlsInfo {
    return { ...this, peerCertificate: this.peerCertificate }
  }

  [inspect.custom](): TlsInfo {
    return this.toJSON()
  }
}

const handshakes = new WeakMap<Socket, Handshake>()
