/** The pools of connections of an adapter: which request may share a connection with which, and for how long one is kept. */
import type http from 'node:http'
import type { Duplex } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { LruMap } from '../core/lru-map.ts'
import { type NodeAgent, PlainAgent, type PoolOptions, SecureAgent } from './agents.ts'
import { type ConnectionAttempt, type ConnectionSpec, sessionClosed } from './connection.ts'
import type { ProxyServer } from './proxies.ts'
import { Slots } from './slots.ts'

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
    return this.#open(poolKey(spec), () => new SecureAgent(spec, this.#options), spec.proxy, spec)
  }

  /** The pool for plain connections to `origin` (`http://host:port`), or for those through a SOCKS proxy to it. */
  plain(origin: string, proxy?: ProxyServer): Pool {
    return this.#open(`${origin}|${proxyKey(proxy)}`, () => new PlainAgent(origin, proxy, this.#options), proxy)
  }

  /** Closes every connection, those in use as well. The pool can be used again. */
  close(): void {
    const pools = [...this.#pools.values(), ...this.#retired]
    this.#pools.clear()
    this.#retired.clear()
    for (const pool of pools) pool.close()
  }

  #open(key: string, make: () => http.Agent, tunnel: ProxyServer | undefined, spec?: ConnectionSpec): Pool {
    let pool = this.#pools.get(key)
    if (pool === undefined) {
      // A new agent means that a file may have changed: the moment to part from those made of older content.
      this.#retireStale()
      pool = new AgentLife(make(), spec, tunnel !== undefined, this.#options)
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
  /** Of requests that may have to wait for a connection; `undefined` where none has to. */
  readonly #slots: Slots | undefined
  #retired = false
  /** By `performance.now()`, when a connection became idle last; `undefined`: none has. */
  #idleSince: number | undefined

  constructor(agent: http.Agent, spec: ConnectionSpec | undefined, isTunnelled: boolean, options: PoolOptions) {
    const { poolBlock, poolMaxsize } = options
    this.agent = agent
    this.#spec = spec
    if (poolBlock || isTunnelled) {
      this.#slots = new Slots(poolBlock ? poolMaxsize : Number.POSITIVE_INFINITY)
      this.#takeTurns(agent as NodeAgent, this.#slots)
    }
    // Asked when a request is done; a socket for which this returns false is destroyed instead of pooled (Node's docs).
    const keep: (socket: Duplex) => unknown = agent.keepSocketAlive.bind(agent)
    agent.keepSocketAlive = (socket) => {
      this.#idleSince = performance.now()
      return !this.#retired && keep(socket) !== false
    }
  }

  /** Whether a file that the agent's trust or client certificate was read from holds something else by now. */
  get isStale(): boolean {
    return (this.#spec?.trust.set?.stale ?? false) || (this.#spec?.identity?.stale ?? false)
  }

  /** Whether a request uses one of its connections, or waits for one. */
  get isBusy(): boolean {
    return this.#slots ? this.#slots.taken > 0 : Object.keys(this.agent.sockets).length > 0
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
    this.#slots?.letAllIn()
  }

  /** Puts the slots, and what ends a request early, between the requests and the agent. */
  #takeTurns(agent: NodeAgent, slots: Slots): void {
    const add = agent.addRequest.bind(agent)
    agent.addRequest = (request, options) => {
      const attempt: ConnectionAttempt = {}
      onceGivenUp(request, (reason) => {
        attempt.givenUp = reason
        attempt.tunnel?.destroy(reason)
        slots.letIn(request)
      })
      slots.take(request, () => add(request, { ...options, attempt }))
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
