/** Whose turn it is to have one of a pool's connections. */
import type { ClientRequest } from 'node:http'

/**
 * Lets at most `limit` requests at a time have a connection or have one made; the others wait, first come first served.
 *
 * Node's own `maxSockets` counts a connection only when it is there, so that ten requests open ten tunnels; and when one
 * cannot be made, those who wait for it are forgotten.
 */
export class Slots {
  readonly #limit: number
  readonly #waiting = new Map<ClientRequest, () => void>()
  #taken = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** How many requests are let in now. */
  get taken(): number {
    return this.#taken
  }

  /** Calls `start`, now or later, when there is a slot: the request has it until it is done with its connection. */
  take(request: ClientRequest, start: () => void): void {
    this.#waiting.set(request, start)
    if (this.#taken < this.#limit) this.letIn(request)
  }

  /** Lets in a request that waits, whatever the limit: to be told why it gets no connection. */
  letIn(request: ClientRequest): void {
    const start = this.#waiting.get(request)
    if (start === undefined) return
    this.#waiting.delete(request)
    this.#taken++
    // Node emits it just before the connection is free again, or after it was closed.
    request.once('close', () => queueMicrotask(() => this.#leave()))
    start()
  }

  /** Lets in all who wait. */
  letAllIn(): void {
    for (const request of [...this.#waiting.keys()]) this.letIn(request)
  }

  #leave(): void {
    this.#taken--
    for (const request of this.#waiting.keys()) {
      if (this.#taken >= this.#limit) return
      this.letIn(request)
    }
  }
}
