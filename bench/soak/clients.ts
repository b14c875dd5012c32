/** Those who ask: through a session and without one, GET and POST, trusted servers and a stranger. */
import { randomUUID } from 'node:crypto'
import { get, post, type RequestOptions, type Response, Session, SSLError } from 'vouch'
import type { Rotation } from './rotation.ts'

export class Clients {
  requests = 0
  refused = 0
  /** What must not be, with the first errors of each kind. */
  readonly failures: unknown[] = []
  failed = 0
  wronglyTrusted = 0
  readonly #rotation: Rotation
  readonly #after: (requests: number) => void
  readonly #session = new Session()
  readonly #underWay = new Set<Promise<void>>()
  /** One for all: what listens to it must be gone in the end. */
  readonly signal = new AbortController().signal

  /** @param after is called after each request, with how many there were */
  constructor(rotation: Rotation, after: (requests: number) => void) {
    this.#rotation = rotation
    this.#after = after
  }

  /** Asks until `total` requests were made, `concurrency` at a time. */
  async run(total: number, concurrency: number): Promise<void> {
    const client = async (index: number): Promise<void> => {
      for (let turn = index; this.requests < total; turn++) {
        this.requests++
        const request = turn % 50 === 0 ? this.#askStranger(turn) : this.#ask(turn)
        this.#underWay.add(request)
        await request
        this.#underWay.delete(request)
        this.#after(this.requests)
      }
    }
    await Promise.all(Array.from({ length: concurrency }, (_, index) => client(index)))
  }

  /** Resolves when all that are under way now are done. */
  async underWay(): Promise<void> {
    await Promise.all(this.#underWay)
  }

  close(): Promise<void> {
    return this.#session.close()
  }

  async #ask(turn: number): Promise<void> {
    const nonce = randomUUID()
    try {
      const { statusCode, text } = await this.#send(turn, this.#rotation.trusted, nonce)
      if (statusCode !== 200 || text !== nonce) this.#fail(new Error(`${statusCode} ${text} for ${nonce}`))
    } catch (error) {
      this.#fail(error)
    }
  }

  async #askStranger(turn: number): Promise<void> {
    try {
      await this.#send(Math.floor(turn / 50), this.#rotation.stranger, 'secret')
      this.wronglyTrusted++
    } catch (error) {
      if (error instanceof SSLError && error.peerCertificate) this.refused++
      else this.#fail(error)
    }
  }

  #send(turn: number, url: string, nonce: string): Promise<Response> {
    const { bundles } = this.#rotation
    const options: RequestOptions = {
      verify: bundles[turn % bundles.length] ?? '',
      signal: this.signal,
      timeout: 60_000,
    }
    const who = turn % 2 === 0 ? this.#session : { get, post }
    return turn % 4 < 2 ? who.get(url, { ...options, params: { nonce } }) : who.post(url, { ...options, data: nonce })
  }

  #fail(error: unknown): void {
    this.failed++
    if (this.failures.length < 5) this.failures.push(error)
  }
}
