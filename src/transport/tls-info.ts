/** The TLS details of a connection: recorded once per handshake, and read by responses and errors. */
import { X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import { type CipherNameAndProtocol, type DetailedPeerCertificate, TLSSocket } from 'node:tls'
import { inspect } from 'node:util'
import type { TrustInfo } from '../core/trust-info.ts'
import { sentChain } from '../x509/sent-chain.ts'

/** The TLS details of a response. */
export interface TlsInfo {
  /** Whether the server's certificate was verified; false with `verify: false` only. */
  readonly verified: boolean
  /** `TLSv1.3`, `TLSv1.2` */
  readonly protocol: string | null
  /** The cipher suite, by its standard name. */
  readonly cipher: string | undefined
  /**
   * The group of the key exchange: `X25519MLKEM768`, `X25519`, `secp256r1`; `undefined` without one (RSA key exchange), and for hybrid
   * groups and resumed sessions of TLS 1.2 on Node 22, which does not name these.
   */
  readonly group: string | undefined
  /** Whether the connection had served a request before this one. */
  readonly reused: boolean
  /** The server's certificate. */
  readonly peerCertificate: X509Certificate | undefined
  /** The trust setting of the connection. */
  readonly trust: TrustInfo
}

/** The certificate that a peer presented. */
export interface PresentedCertificate {
  /** In DER. */
  readonly raw: Buffer
  /** When it expires, as Node writes it. */
  readonly validTo: string
  /** SHA-256 */
  readonly fingerprint: string
  /** The further certificates of the chain in DER, each the issuer of the one before. */
  readonly issuers: readonly Buffer[]
}

/** The result of a handshake. */
export interface Handshake {
  /** `undefined` if there is no certificate: anonymous ciphers. */
  readonly peer: PresentedCertificate | undefined
  readonly protocol: string | null
  readonly cipher: CipherNameAndProtocol | undefined
  readonly group: string | undefined
}

/**
 * Records what the peer presents as soon as the handshake is done.
 *
 * Node drops the certificate when verification fails (`getPeerCertificate()` is empty in listeners of 'error'). Its own listener
 * of 'secure' does that, and runs after a prepended one (tried on Node 22, 24, 26). `getPeerX509Certificate()` must not be called
 * there: Node's own check would find no certificate any more.
 *
 * @param resumable what was presented when the session was established that this handshake may resume: a resumed session presents
 *   no certificate
 */
export function observeHandshake(socket: TLSSocket, resumable?: PresentedCertificate): void {
  socket.prependOnceListener('secure', () => {
    try {
      record(socket, socket.isSessionReused() ? resumable : readPresented(socket))
    } catch (error) {
      // Thrown from here it would be uncaught, and Node's own listener, which verifies, would not be called.
      socket.destroy(error as Error)
    }
  })
}

function record(socket: TLSSocket, peer: PresentedCertificate | undefined): void {
  const [protocol, cipher, group] = [socket.getProtocol(), socket.getCipher(), groupOf(socket)]
  handshakes.set(socket, { peer, protocol, cipher, group })
}

/** Read with the handshake, once the connection is closed, Node does not know it any more. */
function groupOf(socket: TLSSocket): string | undefined {
  try {
    // Node 24 reports hybrid groups as well, of the type TLSGroup.
    const { name }: { readonly name?: string } = socket.getEphemeralKeyInfo() ?? {}
    return GROUP_NAMES.get(name) ?? name
  } catch {
    // Another runtime.
    return undefined
  }
}

/** Of OpenSSL's names, those that are not IANA's. A resumed session has names of another list. */
const GROUP_NAMES: ReadonlyMap<string | undefined, string> = new Map([
  ['prime256v1', 'secp256r1'],
  ['x25519', 'X25519'],
  ['x448', 'X448'],
])

/**
 * What was presented on a connection that {@link observeHandshake} observes. In a listener of 'error' also if the handshake failed
 * before its end: a server of TLS 1.2 that requires a client certificate ends it there.
 */
export function presentedOn(socket: TLSSocket): PresentedCertificate | undefined {
  if (!handshakes.has(socket) && !socket.isSessionReused()) {
    const [peer, ...issuers] = sentChain(socket)
    if (peer) {
      const { raw, validTo, fingerprint256: fingerprint } = peer
      record(socket, { raw, validTo, fingerprint, issuers: issuers.map((issuer) => issuer.raw) })
    }
  }
  return handshakes.get(socket)?.peer
}

function readPresented(socket: TLSSocket): PresentedCertificate | undefined {
  // `null` once the connection is closed.
  const certificate: Partial<DetailedPeerCertificate> = socket.getPeerCertificate(true) ?? {}
  const { raw, valid_to: validTo = '', fingerprint256: fingerprint = '' } = certificate
  return raw && { raw, validTo, fingerprint, issuers: issuersOf(certificate) }
}

/**
 * Node links each certificate to its issuer, and a root to itself. After the last certificate sent, Node appends its issuer if
 * that is trusted. For a self-issued non-CA certificate this is a copy of itself, hence the `seen` set.
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

/** The chain that was presented on a connection, also if it was refused: the peer's own certificate first. */
export function presentedChain(socket: Socket | null | undefined): X509Certificate[] {
  const peer = socket ? handshakes.get(socket)?.peer : undefined
  return peer ? [peer.raw, ...peer.issuers].map((raw) => new X509Certificate(raw)) : []
}

/** `undefined` for a connection without TLS, or before its handshake is done. */
export function handshakeOf(socket: Socket): Handshake | undefined {
  return handshakes.get(socket)
}

/** `null` for a connection without TLS. */
export function tlsInfo(socket: Socket, reused: boolean, verified: boolean, trust: TrustInfo): TlsInfo | null {
  if (!(socket instanceof TLSSocket)) return null
  return new ConnectionInfo(handshakes.get(socket), reused, verified, trust)
}

/** A class, because an object literal with a getter takes 7 µs to create. */
class ConnectionInfo implements TlsInfo {
  readonly verified: boolean
  readonly protocol: string | null
  readonly cipher: string | undefined
  readonly group: string | undefined
  readonly reused: boolean
  readonly trust: TrustInfo
  readonly #peer: PresentedCertificate | undefined

  constructor(handshake: Handshake | undefined, reused: boolean, verified: boolean, trust: TrustInfo) {
    this.verified = verified
    this.protocol = handshake?.protocol ?? null
    this.cipher = handshake?.cipher?.standardName
    this.group = handshake?.group
    this.reused = reused
    this.trust = trust
    this.#peer = handshake?.peer
  }

  get peerCertificate(): X509Certificate | undefined {
    return this.#peer && new X509Certificate(this.#peer.raw)
  }

  /** The properties as a plain object has them, the getter's included. */
  toJSON(): TlsInfo {
    return { ...this, peerCertificate: this.peerCertificate }
  }

  [inspect.custom](): TlsInfo {
    return this.toJSON()
  }
}

const handshakes = new WeakMap<Socket, Handshake>()
