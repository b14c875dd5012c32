/** A pool: the connections of one agent, their assignment to requests, and their lifetime. */
import type { ClientRequest } from 'node:http'
import { setImmediate } from 'node:timers/promises'
import type { PooledAgent, PoolOptions } from './agents.ts'
import {
  type ConnectionAttempt,
  type ConnectionGate,
  type ConnectionOptions,
  type ConnectionSpec,
  sessionClosed,
} from './connection.ts'
import { ConnectionLimiter } from './connection-limiter.ts'

/** The connections that any request of one kind may use. */
export class ConnectionPool implements ConnectionGate {
  readonly agent: PooledAgent
  /** Whether a request has used it since its manager looked last. */
  isRecent = true
  /** How many requests are about to start: until then it is busy, so that its manager closes it with the others. */
  expected = 0
  readonly #spec: ConnectionSpec | undefined
  /** `undefined` if a connection is opened at once for each request that finds none idle. */
  readonly #limiter: ConnectionLimiter | undefined
  readonly #attempts = new WeakMap<ClientRequest, ConnectionAttempt>()
  #closed = false
  #retired = false

  /**
   * @param makeAgent makes the agent, which asks this pool before it opens or keeps a connection
   * @param spec what the connections depend on, if they use TLS
   * @param isDelayed whether a connection takes several steps before Node's agent has its socket: a tunnel, or pins
   */
  constructor(
    makeAgent: (gate: ConnectionGate) => PooledAgent,
    spec: ConnectionSpec | undefined,
    isDelayed: boolean,
    { poolBlock, poolMaxsize }: PoolOptions,
  ) {
    this.agent = makeAgent(this)
    this.#spec = spec
    if (poolBlock || isDelayed) {
      this.#limiter = new ConnectionLimiter(poolBlock ? poolMaxsize : Number.POSITIVE_INFINITY)
    }
  }

  /** Whether the adapter was closed after this pool was made: no request may start on it. */
  get closed(): boolean {
    return this.#closed
  }

  /** Whether a file that the trust or the client certificate was read from has changed. */
  get isStale(): boolean {
    const { trust, identity, proxyTrust } = this.#spec ?? {}
    return trust?.set?.stale === true || identity?.stale === true || proxyTrust?.set?.stale === true
  }

  /** Whether a request is about to start, waits for a connection, or uses one. */
  get isBusy(): boolean {
    if (this.expected > 0) return true
    return this.#limiter ? this.#limiter.active > 0 : Object.keys(this.agent.sockets).length > 0
  }

  /** Whether it has no connection, and no request waits for one. */
  get isEmpty(): boolean {
    return !this.isBusy && Object.keys(this.agent.freeSockets).length === 0
  }

  /** Whether a request may be without a connection for long: while a tunnel is opened, or while others use all connections. */
  get delaysConnections(): boolean {
    return this.#limiter !== undefined
  }

  admit(request: ClientRequest, options: ConnectionOptions, start: (options: ConnectionOptions) => void): void {
    if (this.#limiter === undefined) {
      start(options)
      return
    }
    const attempt: ConnectionAttempt = {}
    this.#attempts.set(request, attempt)
    this.#limiter.acquire(request, () => start({ ...options, attempt }))
  }

  refusal(attempt: ConnectionAttempt | undefined): Error | undefined {
    return this.#closed ? sessionClosed() : attempt?.abortReason
  }

  keepsIdle(): boolean {
    return !this.#retired
  }

  /**
   * Ends the wait of a request for its connection, so that it emits 'close' now. A destroyed `ClientRequest` without a socket
   * emits nothing until its agent gives it a socket or an error.
   */
  abort(request: ClientRequest, reason: Error = new Error('the request was aborted')): void {
    const attempt = this.#attempts.get(request)
    if (attempt === undefined || request.socket !== null) return
    attempt.abortReason = reason
    attempt.tunnel?.destroy(reason)
    this.#limiter?.admit(request)
  }

  /** Closes the idle connections now, and each of the others when it becomes idle. */
  retire(): void {
    this.#retired = true
    this.closeIdle()
  }

  /** Closes the connections that no request uses now. */
  closeIdle(): void {
    for (const sockets of Object.values(this.agent.freeSockets)) {
      for (const socket of sockets ?? []) socket.destroy()
    }
  }

  /**
   * Lets pending close events of idle sockets be processed. Needed for requests that must not be sent twice: the server's FIN may
   * have arrived without an event, even right after its last response. `undefined` if no connection is idle.
   */
  detectClosedIdle(): Promise<void> | undefined {
    return Object.keys(this.agent.freeSockets).length > 0 ? drainEventLoop() : undefined
  }

  /** Closes all connections, and fails the requests that wait for one. */
  close(): void {
    this.#closed = true
    this.retire()
    this.agent.destroy()
    this.#limiter?.admitAll()
  }
}

/** Two iterations of the event loop: the first polls the sockets and sees FIN, the second emits their 'end' events. */
async function drainEventLoop(): Promise<void> {
  await setImmediate()
  await setImmediate()
}
