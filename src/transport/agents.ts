/**
 * The agents, and what each carries: the only place where they are defined.
 *
 * An agent belongs to one origin, one trust, one client certificate and one proxy, and carries everything that TLS is
 * to check. Nothing is left to the options of a request: Node's own pool key knows neither `secureContext` nor
 * `checkServerIdentity`, so an agent that served two trusts would hand a connection made under one to the other (seen on
 * Node 20 to 26); and what the agent gives a connection goes over what a request brought, so nothing given later can weaken
 * it.
 */
import http from 'node:http'
import https from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { SecureContext, TLSSocket } from 'node:tls'
import type { ClientIdentity } from '../trust/client-cert.ts'
import { secureContextFor } from '../trust/secure-context.ts'
import type { ResolvedTrust } from '../trust/verify.ts'
import { checkServerIdentity } from '../x509/hostname.ts'
import type { ConnectionCallback, ConnectionOptions, ConnectionSpec } from './connection.ts'
import type { ProxyServer } from './proxies.ts'
import { limitConnectTime } from './time-limits.ts'
import { endOfChain, handshakeOf, observeHandshake, type PresentedCertificate } from './tls-info.ts'
import { Tunnels } from './tunnels.ts'

/** Sizes of an adapter's pools; the names are those of requests' `HTTPAdapter`. */
export interface PoolOptions {
  /** How many pools are kept; a pool is for one origin and one trust. The one used longest ago is closed. */
  readonly poolConnections: number
  /** How many idle connections a pool keeps; with `poolBlock`, how many it opens at most. */
  readonly poolMaxsize: number
  /**
   * Whether a request waits for a free connection when `poolMaxsize` are in use, instead of opening one more. Of the time
   * limits only `total` covers that wait.
   */
  readonly poolBlock: boolean
  /** How long an idle connection is kept, in ms. A server that announces a shorter time is believed. */
  readonly keepAliveTimeout: number
}

/** What requests and agents say to each other, which Node's types leave out in part. */
export interface NodeAgent extends http.Agent {
  addRequest(request: http.ClientRequest, options: ConnectionOptions): void
  createConnection(options: ConnectionOptions, callback: ConnectionCallback): Duplex | null | undefined
}

/** The agent for TLS connections of one kind; it carries all that TLS is to check. */
export class SecureAgent extends https.Agent {
  readonly #spec: ConnectionSpec
  /** All that TLS checks. */
  readonly #settings: TlsSettings
  readonly #tunnels = new Tunnels()
  /** The TLS session that the next connection may resume. */
  #session: { readonly ticket: Buffer; readonly peer: PresentedCertificate | undefined } | undefined

  constructor(spec: ConnectionSpec, options: PoolOptions) {
    // Node's own cache of sessions does not tell which one a connection was given, hence not whose certificate it is.
    super({ ...poolSettings(options), maxCachedSessions: 0 })
    // Copied for each request by Node: what TLS needs is given to the connection in `#secure`.
    this.options = Object.assign(Object.create(null), { noDelay: true, path: null }, poolSettings(options))
    this.#spec = spec
    this.#settings = tlsSettings(spec.trust, spec.identity)
  }

  /** Node joins some 25 fields here, three times a request; this agent needs to tell hosts apart and nothing more. */
  override getName(options?: { host?: string | undefined; port?: number | undefined }): string {
    return `${options?.host}:${options?.port}`
  }

  override createConnection(options: ConnectionOptions, callback: ConnectionCallback): Duplex | null | undefined {
    const { proxy, trust, origin } = this.#spec
    if (proxy === undefined) return this.#secure(options)
    // The settings for TLS are made only for a proxy that speaks it: a context is expensive.
    const authority = origin.slice('https://'.length)
    const spec = { proxy, authority, trust, tls: () => tlsSettings(trust, undefined) }
    const use = (socket: Socket, elapsed: number) => this.#secure({ ...options, socket }, elapsed)
    this.#tunnels.open(spec, options, use, callback)
    return undefined
  }

  override destroy(): void {
    this.#tunnels.destroy()
    super.destroy()
  }

  /** In a session that is resumed no certificate is shown, so none that has ended meanwhile would be seen. */
  #resumable() {
    const peer = this.#session?.peer
    // Not `>=` the other way round: a date that nobody can read ends at once.
    if (peer !== undefined && !(Date.now() < endOfChain(peer))) this.#session = undefined
    return this.#session
  }

  /** @param elapsed of the time to connect, in ms */
  #secure(options: ConnectionOptions, elapsed = 0): TLSSocket {
    const session = this.#resumable()
    // Over whatever a request brought, or somebody put on Object.prototype.
    const resuming: ConnectionOptions = Object.assign(Object.create(null), options, this.#settings, {
      session: session?.ticket,
    })
    const socket = super.createConnection(resuming) as TLSSocket
    // An agent's option, which TLS connections do not hear of before Node 24: a request in several pieces took 40 ms there.
    socket.setNoDelay(true)
    observeHandshake(socket, session?.peer)
    // Node tells of a session when its handshake has passed every check.
    socket.on('session', (ticket) => {
      this.#session = { ticket, peer: handshakeOf(socket)?.peer }
    })
    socket.once('error', () => {
      this.#session = undefined
    })
    limitConnectTime(socket, 'secureConnect', options.connectTimeout, elapsed)
    return socket
  }
}

/** The agent for connections without TLS. */
export class PlainAgent extends http.Agent {
  readonly #origin: string
  /** A SOCKS proxy to go through. */
  readonly #proxy: ProxyServer | undefined
  readonly #tunnels = new Tunnels()

  constructor(origin: string, proxy: ProxyServer | undefined, options: PoolOptions) {
    super(poolSettings(options))
    this.#origin = origin
    this.#proxy = proxy
  }

  override createConnection(options: ConnectionOptions, callback: ConnectionCallback): Duplex | null | undefined {
    if (this.#proxy === undefined) {
      const socket = super.createConnection(options) as Socket
      limitConnectTime(socket, 'connect', options.connectTimeout)
      return socket
    }
    const { host, port } = new URL(this.#origin)
    const authority = port === '' ? `${host}:80` : host
    // A SOCKS proxy is spoken to without TLS.
    this.#tunnels.open({ proxy: this.#proxy, authority, tls: () => ({}) }, options, (socket) => socket, callback)
    return undefined
  }

  override destroy(): void {
    this.#tunnels.destroy()
    super.destroy()
  }
}

function poolSettings(options: PoolOptions): http.AgentOptions {
  return {
    keepAlive: true,
    // The connection used last is the least likely to have been closed by the server.
    scheduling: 'lifo',
    maxFreeSockets: options.poolMaxsize,
    // Of an idle connection: on the timeout of one in use Node does nothing.
    timeout: options.keepAliveTimeout,
  }
}

interface TlsSettings {
  readonly secureContext: SecureContext
  readonly rejectUnauthorized: boolean
  readonly checkServerIdentity: typeof checkServerIdentity
  readonly ALPNProtocols: string[]
  /** A key that both sides know would take the place of the certificate. */
  readonly pskCallback: undefined
}

/** What TLS checks, and with what. */
export function tlsSettings(trust: ResolvedTrust, identity: ClientIdentity | undefined): TlsSettings {
  return {
    secureContext: secureContextFor(trust, identity),
    // Explicit in either case: left out, NODE_TLS_REJECT_UNAUTHORIZED=0 would decide.
    rejectUnauthorized: trust.verified,
    checkServerIdentity: trust.verified ? checkServerIdentity : () => undefined,
    ALPNProtocols: ['http/1.1'],
    pskCallback: undefined,
  }
}
