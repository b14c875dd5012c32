/** Limits how many requests of a pool have a connection at a time; the others wait in order. */
import type { ClientRequest } from 'node:http'

/**
 * A semaphore for the connections of one pool: `limit` requests hold a connection or open one, the others queue.
 *
 * Node's own `maxSockets` counts a connection only after it is open, so that ten requests open ten tunnels; and when opening a
 * socket fails, Node never dequeues the requests waiting for it.
 */
export class ConnectionLimiter {
  readonly #limit: number
  readonly #waiting = new Map<ClientRequest, () => void>()
  #active = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** How many requests are admitted and not closed. */
  get active(): number {
    return this.#active
  }

  /** Calls `start` when the request is admitted: at once if fewer than `limit` are. It is released when it closes. */
  acquire(request: ClientRequest, start: () => void): void {
    this.#waiting.set(request, start)
    if (this.#active < this.#limit) this.admit(request)
  }

  /** Admits a waiting request regardless of the limit: an aborted request needs its error, not a connection. */
  admit(request: ClientRequest): void {
    const start = this.#waiting.get(request)
    if (start === undefined) return
    this.#waiting.delete(request)
    this.#active++
    // Node emits 'close' just before the connection becomes idle, or after it was closed.
    request.once('close', () => queueMicrotask(() => this.#release()))
    start()
  }

  /** Admits all waiting requests. */
  admitAll(): void {
    for (const request of [...this.#waiting.keys()]) this.admit(request)
  }

  #release(): void {
    this.#active--
    for (const request of this.#waiting.keys()) {
      if (this.#active >= this.#limit) return
      this.admit(request)
    }
  }
}
