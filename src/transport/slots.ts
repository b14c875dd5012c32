/** Whose turn it is to have one of a pool's connections. */
import type { ClientRequest } from 'node:http'

/**
 * Lets at most `limit` requests at a time have a connection or have one made; the others wait, first come first served.
 *
 * Node's own `maxSockets` counts a connection only when it is there, so that ten requests open ten tunnels, and when one
 * cannot be made it forgets those who wait for it (Node 22 to 26).
 */
export class Slots {
  readonly #limit: number
  readonly #waiting: [request: ClientRequest, start: () => void][] = []
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
    if (this.#taken < this.#limit) this.#letIn(request, start)
    else this.#waiting.push([request, start])
  }

  /** Lets in all who wait, whatever the limit. */
  letAllIn(): void {
    for (const [request, start] of this.#waiting.splice(0)) this.#letIn(request, start)
  }

  #letIn(request: ClientRequest, start: () => void): void {
    this.#taken++
    // Node emits it just before the connection is free again, or after it was closed.
    request.once('close', () => queueMicrotask(() => this.#leave()))
    start()
  }

  #leave(): void {
    this.#taken--
    while (this.#taken < this.#limit) {
      const next = this.#waiting.shift()
      if (next === undefined) return
      const [request, start] = next
      // One that was given up while it waited is passed over.
      if (!request.destroyed) this.#letIn(request, start)
    }
  }
}
