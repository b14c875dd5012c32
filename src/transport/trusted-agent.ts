/** The agent that other clients are given: it finds the connection for each of their requests as an adapter does for ours. */
import type http from 'node:http'
import https from 'node:https'
import { hostInUrl, serverAddress } from '../core/address.ts'
import { warnInsecure } from '../core/warnings.ts'
import { HeaderMap } from '../http/headers.ts'
import type { NodeAgent } from './agents.ts'
import type { ConnectionOptions } from './connection.ts'
import { AgentPool } from './pools.ts'
import { findRoute, type Route, type RouteSettings } from './route.ts'

export class TrustedAgent extends https.Agent {
  readonly #pools = new AgentPool(SIZES)
  readonly #settings: () => RouteSettings

  /** @param settings asked for each request */
  constructor(settings: () => RouteSettings) {
    super({ keepAlive: true })
    this.#settings = settings
  }

  /** What Node calls for each request that names this agent. */
  addRequest(request: http.ClientRequest, options: ConnectionOptions): void {
    // An error that comes before the connection: `destroy` alone would not be heard of.
    const fail = (error: Error) => (request as unknown as NodeRequest).onSocket(null, error)
    try {
      const target = targetOf(options)
      const route = findRoute(this.#pools, { target, headers: NO_HEADERS }, this.#settings())
      const go = ({ pool, trust }: Route) => {
        if (request.destroyed) return fail(new Error('the request was given up'))
        if (trust?.verified === false) warnInsecure(target.hostname)
        const agent = pool.agent as NodeAgent
        agent.addRequest(request, { ...options, ...serverAddress(target) })
      }
      if (route instanceof Promise) route.then(go).catch(fail)
      else go(route)
    } catch (error) {
      fail(error as Error)
    }
  }

  /** Connections belong to pools: one that is asked for otherwise would know nothing of trust and proxy. */
  override createConnection(): never {
    throw new TypeError('a trustedAgent makes connections for requests only: use tlsOptions for tls.connect')
  }

  /** Closes every connection, those in use as well. The agent can be used again. */
  override destroy(): void {
    this.#pools.close()
    super.destroy()
  }
}

interface NodeRequest {
  onSocket(socket: null, error: Error): void
}

/** As many idle connections as Node's agents keep. */
const SIZES = { poolConnections: 100, poolMaxsize: 256, poolBlock: false, keepAliveTimeout: 30_000 }
const NO_HEADERS = new HeaderMap()

/** @throws TypeError for a server that is to be verified by another name than it is asked by */
function targetOf({ host = '', port, servername, socketPath }: ConnectionOptions & { socketPath?: string }): URL {
  const target = new URL(`https://${hostInUrl(host)}:${port ?? 443}`)
  if (socketPath) throw new TypeError('a trustedAgent connects to hosts, not to Unix sockets')
  if (servername && servername !== serverAddress(target).servername) {
    throw new TypeError(
      `servername '${servername}' is not the host of the URL, '${host}', which a trustedAgent verifies: use tlsOptions`,
    )
  }
  return target
}
