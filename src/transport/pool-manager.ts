/** The pools of an adapter: which requests may share a connection, and which pool is closed if there are too many. */
import { authorityOf } from '../core/address.ts'
import { LruMap } from '../core/lru-map.ts'
import { PlainAgent, type PlainSpec, type PooledAgent, type PoolOptions, SecureAgent } from './agents.ts'
import { ConnectTo } from './connect-to.ts'
import type { ConnectionGate, ConnectionSpec } from './connection.ts'
import { ConnectionPool } from './connection-pool.ts'
import type { ProxyServer } from './proxies.ts'

/**
 * At most `poolConnections` pools; the least recently used one is retired.
 *
 * If that number was not chosen, a pool stays as long as it has a connection, so that a program with a thousand trusts or servers
 * makes no connection anew; of those without one, the last {@link KEPT_POOLS} stay.
 */
export class PoolManager {
  readonly connectTo: ConnectTo
  readonly #options: PoolOptions
  readonly #pools: LruMap<string, ConnectionPool>
  /** Pools that accept no new requests and have connections in use. */
  readonly #retired = new Set<ConnectionPool>()
  #sweep: NodeJS.Timeout | undefined

  /** @param connectTo the addresses of the adapter: the same for all of its pools */
  constructor(options: PoolOptions, connectTo = new ConnectTo(undefined)) {
    this.#options = options
    this.connectTo = connectTo
    this.#pools = new LruMap(options.poolConnections ?? MAX_POOLS, (pool) => {
      poolStats.evictions++
      this.#retire(pool)
    })
  }

  /** The pool for TLS connections of this kind. */
  secure(spec: ConnectionSpec): ConnectionPool {
    return this.#open(poolKey(spec), (gate) => new SecureAgent(spec, this.#options, gate), spec.proxy, spec)
  }

  /** The pool for connections without TLS to `origin`, direct or through a SOCKS proxy. */
  plain(spec: PlainSpec): ConnectionPool {
    const { origin, proxy, connectTo } = spec
    const makeAgent = (gate: ConnectionGate) => new PlainAgent(spec, this.#options, gate)
    const key = JSON.stringify([String(origin), connectTo && authorityOf(connectTo), proxyParts(proxy)])
    return this.#open(key, makeAgent, proxy)
  }

  /** Closes every connection, those in use as well. The manager can be used again. */
  close(): void {
    const pools = [...this.#pools.values(), ...this.#retired]
    this.#pools.clear()
    this.#retired.clear()
    clearTimeout(this.#sweep)
    this.#sweep = undefined
    for (const pool of pools) pool.close()
  }

  #open(
    key: string,
    makeAgent: (gate: ConnectionGate) => PooledAgent,
    tunnel: ProxyServer | undefined,
    spec?: ConnectionSpec,
  ): ConnectionPool {
    let pool = this.#pools.get(key)
    if (pool === undefined) {
      // A new pool may mean that a file has changed: retire the pools that were made of its previous content.
      this.#retireStale()
      // With pins a connection takes two handshakes, and Node has its socket after the second.
      const isDelayed = tunnel !== undefined || spec?.trust.pins !== undefined
      pool = new ConnectionPool(makeAgent, spec, isDelayed, this.#options)
      this.#pools.set(key, pool)
      this.#sweepLater()
    }
    pool.isRecent = true
    return pool
  }

  #sweepLater(): void {
    if (this.#options.poolConnections !== undefined || this.#pools.size <= KEPT_POOLS) return
    this.#sweep ??= setTimeout(() => this.#retireUnused(), SWEEP_MS).unref()
  }

  /** Retires pools that no request has used since the last time: each holds a TLS context. */
  #retireUnused(): void {
    this.#sweep = undefined
    for (const [key, pool] of this.#pools.entries()) {
      if (this.#pools.size > KEPT_POOLS && pool.isEmpty && !pool.isRecent) {
        this.#pools.delete(key)
        this.#retire(pool)
      }
      pool.isRecent = false
    }
    this.#sweepLater()
  }

  #retireStale(): void {
    for (const [key, pool] of this.#pools.entries()) {
      if (!pool.isStale) continue
      this.#pools.delete(key)
      this.#retire(pool)
    }
  }

  #retire(pool: ConnectionPool): void {
    pool.retire()
    this.#retired.add(pool)
    for (const retired of this.#retired) {
      if (!retired.isBusy) this.#retired.delete(retired)
    }
  }
}

/** How often a pool was retired because an adapter had as many as it keeps. */
export const poolStats = { evictions: 0 }

/** Each may hold a TLS context of 1 MB and a connection. */
const MAX_POOLS = 2000
/** For the next request to a server that is asked now and then: the context is made, and the TLS session can be resumed. */
const KEPT_POOLS = 100
/** Longer than connections are idle by default. */
const SWEEP_MS = 60_000

/** @internal All parts of a {@link ConnectionSpec}. */
export function poolKey({ origin, trust, identity, proxy, proxyTrust, connectTo }: ConnectionSpec): string {
  const to = connectTo && authorityOf(connectTo)
  return JSON.stringify([String(origin), trust.digest, identity?.digest, proxyTrust?.digest, to, proxyParts(proxy)])
}

/** All parts of a {@link ProxyServer}. Not `url.origin`: it is `null` for SOCKS. */
function proxyParts(proxy: ProxyServer | undefined): unknown {
  if (proxy === undefined) return undefined
  const { url, authorization, login } = proxy
  return [url.protocol, url.host, authorization, login]
}
