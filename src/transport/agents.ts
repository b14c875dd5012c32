/**
 * The agents: each opens connections of one kind, with all the settings that TLS checks.
 *
 * An agent belongs to one origin, one trust, one client certificate and one proxy. Nothing is left to the options of a
 * request: Node's own pool key contains neither `secureContext` nor `checkServerIdentity`, so an agent that served two
 * trusts would give a connection made under one to the other (seen on Node 20 to 26). The agent's settings override a
 * request's options, so that no option given later can weaken them.
 */
import http from 'node:http'
import https from 'node:https'
import type { NetConnectOpts, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { PeerCertificate, SecureContext, TLSSocket } from 'node:tls'
import { parseAuthority, SOCKET_DEFAULTS, withoutBrackets } from '../core/address.ts'
import { toError } from '../core/error-code.ts'
import type { ClientIdentity } from '../trust/client-identity.ts'
import type { LearnedCertificate } from '../trust/learned.ts'
import { PinMismatchError, type Pins } from '../trust/pins.ts'
import { secureContextFor } from '../trust/secure-context.ts'
import type { ResolvedTrust } from '../trust/verify.ts'
import { checkServerIdentity } from '../x509/hostname.ts'
import type { ConnectAddress } from './connect-to.ts'
import type { ConnectionCallback, ConnectionGate, ConnectionOptions, ConnectionSpec } from './connection.ts'
import { expiryOf } from './expiry.ts'
import { mapRequestError } from './map-error.ts'
import type { Origin } from './origin.ts'
import { PinnedConnections, type PinnedRoute } from './pinned.ts'
import type { ProxyServer } from './proxies.ts'
import { attemptTimeout, connectTcp, readBeforeWriteErrors } from './tcp-socket.ts'
import { enforceConnectTimeout } from './time-limits.ts'
import { handshakeOf, observeHandshake, type PresentedCertificate, presentedChain } from './tls-info.ts'
import { OpeningTunnels, openTunnelUntil, type TunnelSpec } from './tunnels.ts'

/** Sizes of an adapter's pools; the names are those of requests' `HTTPAdapter`. */
export interface PoolOptions {
  /**
   * How many pools are kept; a pool is for one origin and one trust. The least recently used one is closed. Default: those that have
   * a connection, and the last 100.
   */
  readonly poolConnections: number | undefined
  /** How many idle connections a pool keeps; with `poolBlock`, how many it opens at most. */
  readonly poolMaxsize: number
  /**
   * Whether a request waits for a free connection when `poolMaxsize` are in use, instead of opening one more. Of the time
   * limits only `total` covers that wait.
   */
  readonly poolBlock: boolean
  /** How long an idle connection is kept, in ms. If a server announces a shorter time, that applies. */
  readonly keepAliveTimeout: number
}

/** The agent of a pool. */
export type PooledAgent = SecureAgent | PlainAgent

/** The method of Node's agents that a `ClientRequest` calls to get its connection; Node's types leave it out. */
interface NodeAgent {
  addRequest(request: http.ClientRequest, options: ConnectionOptions): void
}

const nodeAgent = http.Agent.prototype as unknown as NodeAgent

/** The agent for TLS connections of one kind. */
export class SecureAgent extends https.Agent implements NodeAgent {
  readonly #spec: ConnectionSpec
  readonly #gate: ConnectionGate
  /** Everything that TLS checks. */
  readonly #settings: TlsSettings
  readonly #tunnels = new OpeningTunnels()
  readonly #pinned: PinnedConnections | undefined
  /** The TLS session that the next connection may resume. */
  #session: { readonly ticket: Buffer; readonly peer: PresentedCertificate | undefined } | undefined

  constructor(spec: ConnectionSpec, options: PoolOptions, gate: ConnectionGate) {
    // Node's own cache of sessions does not say which session a connection resumes, hence not whose certificate it is.
    super({ ...poolSettings(options), maxCachedSessions: 0 })
    // Node copies agent.options for every request, so keep them small; #secure adds the TLS settings when it connects.
    this.options = Object.assign(Object.create(null), { noDelay: true, path: null }, poolSettings(options))
    this.#spec = spec
    this.#gate = gate
    this.#settings = tlsSettings(spec.trust, spec.identity)
    this.#pinned = spec.trust.pins && new PinnedConnections(spec.trust.pins)
  }

  /** Node's joins some 25 fields, three times a request; all connections of this agent differ in host and port only. */
  override getName(options?: { host?: string | undefined; port?: number | undefined }): string {
    return `${options?.host}:${options?.port}`
  }

  addRequest(request: http.ClientRequest, options: ConnectionOptions): void {
    this.#gate.admit(request, options, (admitted) => nodeAgent.addRequest.call(this, request, admitted))
  }

  override createConnection(options: ConnectionOptions, callback: ConnectionCallback): Duplex | null | undefined {
    return catchingErrors(callback, () => {
      const refusal = this.#gate.refusal(options.attempt)
      if (refusal) throw refusal
      if (this.#pinned) {
        this.#pinned.open(this.#pinnedRoute(options), options, callback)
        return undefined
      }
      const tunnel = tunnelSpec(this.#spec)
      if (tunnel === undefined) return this.#secure(options)
      const use = (socket: Socket, elapsed: number) => this.#secure({ ...options, socket }, elapsed)
      this.#tunnels.open(tunnel, options, use, callback)
      return undefined
    })
  }

  #pinnedRoute(options: ConnectionOptions): PinnedRoute {
    const { trust, identity, origin, proxy } = this.#spec
    const tunnel = tunnelSpec(this.#spec)
    // The connect timeout of all steps together is that of PinnedConnections.
    const untimed = { ...options, connectTimeout: undefined }
    const { host, port } = parseAuthority(origin.authority)
    return {
      open: async (signal) => tunnel && openTunnelUntil(tunnel, signal),
      secure: (socket, learned) =>
        this.#secure(socket ? { ...untimed, socket } : untimed, 0, tlsSettings(trust, identity, learned)),
      mapError: (error, socket) => {
        const chain = presentedChain(socket)
        return mapRequestError(error, { host, port, chain, trust, through: proxy?.url, client: identity?.displayName })
      },
    }
  }

  override keepSocketAlive(socket: Duplex): unknown {
    return this.#gate.keepsIdle() && super.keepSocketAlive(socket) && closeAtData(socket)
  }

  override reuseSocket(socket: Duplex, request: http.ClientRequest): void {
    socket.off('data', destroyThis)
    super.reuseSocket(socket, request)
  }

  override destroy(): void {
    this.#tunnels.destroy()
    this.#pinned?.destroy()
    super.destroy()
  }

  /** A resumed session presents no certificate, so an expiry in the meantime would go unnoticed. */
  #resumable() {
    const peer = this.#session?.peer
    // Written with `!` so that NaN (an unparsable date) counts as expired.
    if (peer !== undefined && !(Date.now() < expiryOf(peer))) this.#session = undefined
    return this.#session
  }

  /** The address of `connectTo`. Node would check an address of it as the name, where the URL has an address. */
  #elsewhere({ checkServerIdentity }: TlsSettings): Partial<ConnectionOptions> {
    const { connectTo, origin } = this.#spec
    if (connectTo === undefined) return {}
    return {
      ...connectTo,
      checkServerIdentity: (_host, peer) => checkServerIdentity(withoutBrackets(origin.host), peer),
    }
  }

  /** @param elapsed how much of the connect timeout is used up, in ms */
  #secure(options: ConnectionOptions, elapsed = 0, settings = this.#settings): TLSSocket {
    const session = this.#resumable()
    // The settings override a request's options and anything on Object.prototype.
    const own = { ...settings, ...this.#elsewhere(settings), ...attemptTimeout(options.connectTimeout) }
    const resuming: ConnectionOptions = Object.assign(Object.create(null), SOCKET_DEFAULTS, options, own, {
      session: session?.ticket,
    })
    const socket = super.createConnection(resuming) as TLSSocket
    // Before Node 24 TLS sockets ignore the agent's `noDelay`: a request in several writes took 40 ms.
    socket.setNoDelay(true)
    readBeforeWriteErrors(socket)
    observeHandshake(socket, session?.peer)
    // Node emits 'session' after the handshake has passed every check.
    socket.on('session', (ticket) => {
      this.#session = { ticket, peer: handshakeOf(socket)?.peer }
    })
    socket.on('error', () => {
      this.#session = undefined
    })
    enforceConnectTimeout(socket, 'secureConnect', options.connectTimeout, elapsed)
    return socket
  }
}

/** What a connection without TLS depends on. */
export type PlainSpec = Pick<ConnectionSpec, 'origin' | 'proxy' | 'connectTo'>

/** The agent for connections without TLS, direct or through a SOCKS proxy. */
export class PlainAgent extends http.Agent implements NodeAgent {
  readonly #origin: Origin
  readonly #proxy: ProxyServer | undefined
  readonly #connectTo: ConnectAddress | undefined
  readonly #gate: ConnectionGate
  readonly #tunnels = new OpeningTunnels()

  constructor({ origin, proxy, connectTo }: PlainSpec, options: PoolOptions, gate: ConnectionGate) {
    super(poolSettings(options))
    this.#origin = origin
    this.#proxy = proxy
    this.#connectTo = connectTo
    this.#gate = gate
  }

  addRequest(request: http.ClientRequest, options: ConnectionOptions): void {
    this.#gate.admit(request, options, (admitted) => nodeAgent.addRequest.call(this, request, admitted))
  }

  override createConnection(options: ConnectionOptions, callback: ConnectionCallback): Duplex | null | undefined {
    return catchingErrors(callback, () => {
      const refusal = this.#gate.refusal(options.attempt)
      if (refusal) throw refusal
      if (this.#proxy === undefined) {
        const own = { ...this.#connectTo, ...attemptTimeout(options.connectTimeout) }
        const socket = connectTcp({ ...options, ...own } as NetConnectOpts)
        enforceConnectTimeout(socket, 'connect', options.connectTimeout)
        return socket
      }
      // SOCKS proxies use no TLS.
      const spec = { proxy: this.#proxy, authority: this.#origin.authority, tls: () => ({}) }
      this.#tunnels.open(spec, options, (socket) => socket, callback)
      return undefined
    })
  }

  override keepSocketAlive(socket: Duplex): unknown {
    return this.#gate.keepsIdle() && super.keepSocketAlive(socket) && closeAtData(socket)
  }

  override reuseSocket(socket: Duplex, request: http.ClientRequest): void {
    socket.off('data', destroyThis)
    super.reuseSocket(socket, request)
  }

  override destroy(): void {
    this.#tunnels.destroy()
    super.destroy()
  }
}

/**
 * Passes an error to the callback that Node gave, and so to the request. Thrown, it would be uncaught for a request that waited for
 * its turn.
 */
function catchingErrors(callback: ConnectionCallback, connect: () => Duplex | undefined): Duplex | undefined {
  try {
    return connect()
  } catch (error) {
    callback(toError(error))
    return undefined
  }
}

/** An idle connection must carry no data: bytes behind a response would be taken for the beginning of the next one. */
function closeAtData(socket: Duplex): true {
  socket.on('data', destroyThis)
  return true
}

function destroyThis(this: Duplex): void {
  this.destroy()
}

function poolSettings(options: PoolOptions): http.AgentOptions {
  return {
    keepAlive: true,
    // The most recently used connection is the least likely to have been closed by the server.
    scheduling: 'lifo',
    maxFreeSockets: options.poolMaxsize,
    // For idle connections: Node ignores the timeout of a connection in use.
    timeout: options.keepAliveTimeout,
  }
}

interface TlsSettings {
  readonly secureContext: SecureContext
  readonly rejectUnauthorized: boolean
  /** For pins the comparison with them, whatever the host. */
  readonly checkServerIdentity: typeof checkServerIdentity
  readonly ALPNProtocols: string[]
  /** Pre-shared keys are disabled: with PSK the server presents no certificate to verify. */
  readonly pskCallback: undefined
}

/**
 * What TLS verifies against, and presents as the client.
 *
 * @param learned for pins: the certificates that matched them. Without any, no server is trusted, and none sees the client
 *   certificate.
 */
export function tlsSettings(
  trust: ResolvedTrust,
  identity: ClientIdentity | undefined,
  learned: readonly LearnedCertificate[] = [],
): TlsSettings {
  const isUnknown = trust.pins !== undefined && learned.length === 0
  return {
    secureContext: secureContextFor(trust, isUnknown ? undefined : identity, learned),
    // Always explicit: without it NODE_TLS_REJECT_UNAUTHORIZED=0 would decide.
    rejectUnauthorized: trust.verified,
    checkServerIdentity: identityCheckFor(trust),
    ALPNProtocols: ['http/1.1'],
    pskCallback: undefined,
  }
}

function identityCheckFor({ verified, pins }: ResolvedTrust): typeof checkServerIdentity {
  if (pins) return (_host, peer) => checkPins(pins, peer)
  return verified ? checkServerIdentity : () => undefined
}

/** Never throws, as {@link checkServerIdentity}. */
function checkPins(pins: Pins, peer: Partial<PeerCertificate> | null | undefined): Error | undefined {
  return peer?.raw && pins.match(peer.raw) ? undefined : new PinMismatchError()
}

/** The tunnel to the origin; `undefined` without a proxy. */
function tunnelSpec({ proxy, origin, proxyTrust }: ConnectionSpec): TunnelSpec | undefined {
  if (proxy === undefined) return undefined
  // A function: the settings are made only for a proxy that uses TLS, since a context is expensive.
  const tls = () => (proxyTrust ? tlsSettings(proxyTrust, undefined) : {})
  return { proxy, authority: origin.authority, tls, ...(proxyTrust && { trust: proxyTrust }) }
}
