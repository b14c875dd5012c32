/** Certificates come and go, in the order in which no request may fail. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { type CertificateAuthority, createCA } from 'vouch/certs'
import { bundlePaths } from './bundle.ts'
import type { Order, Status } from './server.ts'

export class Rotation {
  readonly bundles: readonly string[]
  readonly trusted: string
  readonly stranger: string
  readonly #server: ChildProcess
  /** The authority whose certificate the server has. */
  #current: CertificateAuthority
  /** How often the authority was exchanged. */
  rounds = 0

  static async start(folder: string): Promise<Rotation> {
    const server = fork(new URL('server.ts', import.meta.url), [folder], { stdio: 'inherit' })
    server.once('exit', endedEarly)
    const authority = await createCA(null, null, { commonName: 'Soak CA 0' })
    const pair = await authority.issue('127.0.0.1')
    await order(server, { to: 'bundle', content: authority.cert })
    await order(server, { to: 'trusted', cert: pair.cert, key: pair.key })
    const { cert, key } = await (await createCA(null, null)).issue('127.0.0.1')
    const { ports } = await order(server, { to: 'stranger', cert, key })
    return new Rotation(server, authority, ports, bundlePaths(folder))
  }

  private constructor(
    server: ChildProcess,
    first: CertificateAuthority,
    ports: Status['ports'],
    bundles: readonly string[],
  ) {
    this.#server = server
    this.#current = first
    this.trusted = `https://127.0.0.1:${ports.trusted}/`
    this.stranger = `https://127.0.0.1:${ports.stranger}/`
    this.bundles = bundles
  }

  /**
   * Until the signal: every 100 ms the bundle is written, with the same or with other content.
   *
   * @param underWay resolves when the requests are done that are under way: they may have read the bundle before
   */
  async run(underWay: () => Promise<unknown>, signal: AbortSignal): Promise<void> {
    const write = async (content: string) => {
      await order(this.#server, { to: 'bundle', content })
      await Promise.all([delay(100), underWay()])
    }
    while (!signal.aborted) {
      const before = this.#current
      const next = await createCA(null, null, { commonName: `Soak CA ${this.rounds + 1}` })
      const pair = await next.issue('127.0.0.1')
      const retired = await before.issue('127.0.0.1')
      // Trust comes before the certificate, and goes after it.
      await write(before.cert + next.cert)
      await order(this.#server, { to: 'trusted', cert: pair.cert, key: pair.key })
      await write(next.cert + before.cert)
      await write(next.cert)
      await write(next.cert)
      // The old CA must not be trusted any more.
      await order(this.#server, { to: 'stranger', cert: retired.cert, key: retired.key })
      this.#current = next
      this.rounds++
    }
  }

  /** Connections that the server has open. */
  async connections(): Promise<number> {
    return (await order(this.#server, { to: 'count' })).connections
  }

  async stop(): Promise<void> {
    this.#server.off('exit', endedEarly)
    const exited = once(this.#server, 'exit')
    this.#server.disconnect()
    await exited
  }
}

function endedEarly(): never {
  throw new Error('the server of the soak has ended')
}

/** One at a time per server: the answers come in the order of the orders. */
async function order(server: ChildProcess, what: Order): Promise<Status> {
  const before = queues.get(server) ?? Promise.resolve()
  const answer = before.then(async () => {
    server.send(what)
    const [status] = (await once(server, 'message')) as [Status]
    return status
  })
  queues.set(server, answer)
  return answer
}

const queues = new WeakMap<ChildProcess, Promise<unknown>>()
