/**
 * The pools of connections, and the only place where agents are made.
 *
 * An agent belongs to one origin, one trust, one client certificate and one proxy, and carries everything that TLS is
 * to check. Nothing is left to the options of a request: Node's own pool key knows neither `secureContext` nor
 * `checkServerIdentity`, so an agent that served two trusts would hand a connection made under one to the other (seen on
 * Node 20 to 26), and an agent's options win over a request's, so nothing given later can weaken them.
 */
import http from 'node:http'
import https from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'
import { ConnectionError } from '../errors.ts'
import { LruMap } from '../lru-map.ts'
import type { ProxyServer } from '../proxies.ts'
import type { ClientIdentity } from '../trust/client-cert.ts'
import { checkServerIdentity } from '../trust/identity.ts'
import { secureContextFor } from '../trust/secure-context.ts'
import type { ResolvedTrust } from '../trust/verify.ts'
import { Slots } from './slots.ts'
import { limitConnectTime } from './time-limits.ts'
import { handshakeOf, observeHandshake, type PresentedCertificate } from './tls-info.ts'
import { openTunnel, type TunnelAttempt, type TunnelOptions } from './tunnel.ts'

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

/** Everything that a TLS connection depends on. The key of a pool is made of all of it. */
export interface ConnectionSpec {
  /** `https://host:port` */
  readonly origin: string
  readonly trust: ResolvedTrust
  readonly identity: ClientIdentity | undefined
  /** The proxy that a tunnel leads through; `undefined`: none. */
  readonly proxy: ProxyServer | undefined
}

/** The pools of one adapter, at most `poolConnections` of them. */
export class AgentPool {
  readonly #options: PoolOptions
  readonly #pools: LruMap<string, AgentLife>
  /** Pools that take no new requests, until their last connection is closed. */
  readonly #retired = new Set<AgentLife>()

  constructor(options: PoolOptions) {
    this.#options = options
    this.#pools = new LruMap(options.poolConnections, (pool) => this.#retire(pool))
  }

  /** The pool for verified (or, on demand, unverified) TLS connections of this kind. */
  secure(spec: ConnectionSpec): Pool {
    return this.#open(poolKey(spec), () => new SecureAgent(spec, this.#options), spec)
  }

  /** The pool for plain connections to `origin` (`http://host:port`), or for those through a SOCKS proxy to it. */
  plain(origin: string, proxy?: ProxyServer): Pool {
    return this.#open(`${origin}|${proxyKey(proxy)}`, () => new PlainAgent(origin, proxy, this.#options))
  }

  /** Closes every connection, those in use as well. The pool can be used again. */
  close(): void {
    const pools = [...this.#pools.values(), ...this.#retired]
    this.#pools.clear()
    this.#retired.clear()
    for (const pool of pools) pool.close()
  }

  #open(key: string, make: () => http.Agent, spec?: ConnectionSpec): Pool {
    let pool = this.#pools.get(key)
    if (pool === undefined) {
      // A new agent means that a file may have changed: the moment to part from those made of older content.
      this.#retireStale()
      pool = new AgentLife(make(), spec, this.#options)
      this.#pools.set(key, pool)
    }
    return pool
  }

  #retireStale(): void {
    for (const [key, pool] of [...this.#pools.entries()]) {
      if (!pool.isStale) continue
      this.#pools.delete(key)
      this.#retire(pool)
    }
  }

  #retire(pool: AgentLife): void {
    pool.retire()
    this.#retired.add(pool)
    for (const retired of this.#retired) {
      if (!retired.isBusy) this.#retired.delete(retired)
    }
  }
}

/** The connections of one kind. */
export interface Pool {
  readonly agent: http.Agent
  /** Whether its adapter was closed since: no request may begin on it. */
  readonly closed: boolean
  /** Closes the connections that nobody uses now. */
  closeIdle(): void
  /**
   * For a request that must not be sent twice: waits for news of idle connections. A server may have closed them while this
   * process was busy, or asleep, and it has not heard yet. `undefined` where nothing was idle long enough for that.
   */
  hearOfIdle(): Promise<void> | undefined
}

/** An agent and the life of its connections. */
class AgentLife implements Pool {
  readonly agent: http.Agent
  closed = false
  readonly #spec: ConnectionSpec | undefined
  readonly #slots: Slots
  #retired = false
  /** By `performance.now()`, when a connection became idle last; `undefined`: none has. */
  #idleSince: number | undefined

  constructor(agent: http.Agent, spec: ConnectionSpec | undefined, options: PoolOptions) {
    const { poolBlock, poolMaxsize, keepAliveTimeout } = options
    this.agent = agent
    this.#spec = spec
    this.#slots = new Slots(poolBlock ? poolMaxsize : Number.POSITIVE_INFINITY)
    this.#takeTurns(agent as NodeAgent)
    // Asked when a request is done; a socket for which this returns false is destroyed instead of pooled (Node's docs).
    const keep: (socket: Duplex) => unknown = agent.keepSocketAlive.bind(agent)
    agent.keepSocketAlive = (socket) => {
      this.#idleSince = performance.now()
      return !this.#retired && keep(socket) !== false && limitIdle(socket, keepAliveTimeout)
    }
  }

  /** Whether a file that the agent's trust or client certificate was read from holds something else by now. */
  get isStale(): boolean {
    return (this.#spec?.trust.set?.stale ?? false) || (this.#spec?.identity?.stale ?? false)
  }

  /** Whether a request uses one of its connections, or waits for one. */
  get isBusy(): boolean {
    return this.#slots.taken > 0
  }

  /** Closes what is idle now, and what is in use when it becomes idle. */
  retire(): void {
    this.#retired = true
    this.closeIdle()
  }

  closeIdle(): void {
    for (const sockets of Object.values(this.agent.freeSockets)) {
      for (const socket of sockets ?? []) socket.destroy()
    }
  }

  hearOfIdle(): Promise<void> | undefined {
    const { freeSockets } = this.agent
    const isOld = this.#idleSince !== undefined && performance.now() - this.#idleSince > LONG_IDLE
    return isOld && Object.keys(freeSockets).length > 0 ? twoTurns() : undefined
  }

  /** Closes what is idle and what is in use, and fails the requests that wait for a connection. */
  close(): void {
    this.closed = true
    this.retire()
    this.agent.destroy()
    this.#slots.letAllIn()
  }

  /** Puts the slots, and what ends a request early, between the requests and the agent. */
  #takeTurns(agent: NodeAgent): void {
    const add = agent.addRequest.bind(agent)
    agent.addRequest = (request, options) => {
      const attempt: ConnectionAttempt = {}
      onceGivenUp(request, (reason) => {
        attempt.givenUp = reason
        attempt.tunnel?.destroy(reason)
        this.#slots.letIn(request)
      })
      this.#slots.take(request, () => add(request, { ...options, attempt }))
    }
    const connect = agent.createConnection.bind(agent)
    agent.createConnection = (options, callback) => {
      const refusal = this.closed ? sessionClosed() : options.attempt?.givenUp
      if (refusal === undefined) return connect(options, callback)
      callback(refusal)
      return undefined
    }
  }
}

/**
 * Calls `tell` when a request is destroyed before it has a connection. Node would tell the request itself of its end only
 * when it gets one, which may be never: while a tunnel is being opened, or others have all connections.
 */
function onceGivenUp(request: http.ClientRequest, tell: (reason: Error) => void): void {
  const destroy = request.destroy.bind(request)
  request.destroy = (error) => {
    const isEarly = !request.destroyed && request.socket === null
    destroy(error)
    if (isEarly) tell(error ?? new Error('the request was given up'))
    return request
  }
}

/** Of the event loop: in the first it hears of the ends, in the second the sockets tell of them. */
async function twoTurns(): Promise<void> {
  await setImmediate()
  await setImmediate()
}

/** ms; no server closes a connection so soon. */
const LONG_IDLE = 20

const sessionClosed = () => new ConnectionError('the session was closed before the request was sent')

/** What requests and agents say to each other, which Node's types leave out in part. */
interface NodeAgent extends http.Agent {
  addRequest(request: http.ClientRequest, options: ConnectionOptions): void
  createConnection(options: ConnectionOptions, callback: ConnectionCallback): Duplex | null | undefined
}

/** @internal All parts of a {@link ConnectionSpec}, none left out. */
export function poolKey({ origin, trust, identity, proxy }: ConnectionSpec): string {
  return `${origin}|${trust.digest}|${identity?.digest ?? ''}|${proxyKey(proxy)}`
}

/** All parts of a {@link ProxyServer}; not `url.origin`, which is `null` for SOCKS. */
function proxyKey(proxy: ProxyServer | undefined): string {
  if (proxy === undefined) return ''
  const { url, authorization, login } = proxy
  return JSON.stringify([url.protocol, url.host, authorization, login])
}

/** What `createConnection` is given: Node's options, and ours that a request hands through. */
interface ConnectionOptions extends https.AgentOptions {
  /** ms */
  readonly connectTimeout?: number | undefined
  /** A tunnel to run TLS over. */
  readonly socket?: Socket
  /** A TLS session to resume. */
  readonly session?: Buffer | undefined
  readonly attempt?: ConnectionAttempt
}

/** A connection that is being made for a request, or is to be. */
interface ConnectionAttempt {
  /** While it is being opened: Node knows nothing of it yet. */
  tunnel?: TunnelAttempt | undefined
  /** Why the request wants no connection any more. */
  givenUp?: Error
}

type ConnectionCallback = (error: Error | null, socket?: Duplex) => void

/** The tunnels of an agent while they are being opened: no pool of Node's knows them yet. */
class Tunnels {
  readonly #opening = new Set<TunnelAttempt>()

  /** @param use makes the connection over the tunnel, with what is left of the time to connect */
  open(
    spec: Omit<TunnelOptions, 'connectTimeout'>,
    { connectTimeout, attempt = {} }: ConnectionOptions,
    use: (socket: Socket, connectTimeout: number | undefined) => Duplex,
    callback: ConnectionCallback,
  ): void {
    const started = performance.now()
    const tunnel = openTunnel({ ...spec, connectTimeout }, (error, socket) => {
      this.#opening.delete(tunnel)
      attempt.tunnel = undefined
      if (error || socket === undefined) callback(error)
      else callback(null, use(socket, rest(connectTimeout, started)))
    })
    this.#opening.add(tunnel)
    attempt.tunnel = tunnel
  }

  destroy(): void {
    for (const tunnel of this.#opening) tunnel.destroy(sessionClosed())
  }
}

class SecureAgent extends https.Agent {
  readonly #spec: ConnectionSpec
  readonly #tunnels = new Tunnels()
  /** The TLS session that the next connection may resume. */
  #session: { readonly ticket: Buffer; readonly peer: PresentedCertificate | undefined } | undefined

  constructor(spec: ConnectionSpec, options: PoolOptions) {
    // Node's own cache of sessions does not tell which one a connection was given, hence not whose certificate it is.
    super({ ...poolSettings(options), ...tlsSettings(spec.trust, spec.identity), maxCachedSessions: 0 })
    this.#spec = spec
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
    const use = (socket: Socket, connectTimeout: number | undefined) =>
      this.#secure({ ...options, socket, connectTimeout })
    this.#tunnels.open(spec, options, use, callback)
    return undefined
  }

  override destroy(): void {
    this.#tunnels.destroy()
    super.destroy()
  }

  #secure(options: ConnectionOptions): TLSSocket {
    const session = this.#session
    const resuming: ConnectionOptions = { ...options, session: session?.ticket }
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
    limitConnectTime(socket, 'secureConnect', options.connectTimeout)
    return socket
  }
}

/** What is left of a time limit (ms) that began to run at `started`. */
function rest(limit: number | undefined, started: number): number | undefined {
  return limit === undefined ? undefined : Math.max(1, limit - (performance.now() - started))
}

class PlainAgent extends http.Agent {
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
  }
}

function tlsSettings(trust: ResolvedTrust, identity: ClientIdentity | undefined): https.AgentOptions {
  return {
    secureContext: secureContextFor(trust, identity),
    // Explicit in either case: left out, NODE_TLS_REJECT_UNAUTHORIZED=0 would decide.
    rejectUnauthorized: trust.verified,
    checkServerIdentity: trust.verified ? checkServerIdentity : () => undefined,
    ALPNProtocols: ['http/1.1'],
  }
}

/**
 * Limits the time that a pooled connection stays idle. Node closes it on the socket's timeout, which it has already set
 * where the server announced one (`Keep-Alive: timeout=5`).
 */
function limitIdle(connection: Duplex, timeout: number): boolean {
  const socket = connection as Socket
  if (!socket.timeout || socket.timeout > timeout) socket.setTimeout(timeout)
  return true
}
