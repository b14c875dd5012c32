/** The agent for other HTTP clients: it gives each of their requests a connection as an adapter does for ours. */
import type http from 'node:http'
import https from 'node:https'
import { hostInUrl, serverAddress } from '../core/address.ts'
import { warnInsecure } from '../core/warnings.ts'
import { HeaderMap } from '../http/headers.ts'
import type { ConnectionOptions } from './connection.ts'
import { PoolManager } from './pool-manager.ts'
import { findRoute, type Route, type RouteSettings } from './route.ts'

export class TrustedAgent extends https.Agent {
  readonly #pools = new PoolManager(SIZES)
  readonly #settings: () => RouteSettings

  /** @param settings called for each request */
  constructor(settings: () => RouteSettings) {
    super({ keepAlive: true })
    this.#settings = settings
  }

  /** Node calls this for each request that uses this agent. */
  addRequest(request: http.ClientRequest, options: ConnectionOptions): void {
    // An error before there is a socket: `request.destroy` alone would emit nothing.
    const fail = (error: Error) => (request as unknown as NodeRequest).onSocket(null, error)
    try {
      const target = targetOf(options)
      const route = findRoute(this.#pools, { target, headers: NO_HEADERS }, this.#settings())
      const go = ({ pool, trust }: Route) => {
        if (request.destroyed) return fail(new Error('the request was aborted'))
        if (trust?.verified === false) warnInsecure(target.hostname)
        if (pool.delaysConnections) onAbortBeforeSocket(request, (reason) => pool.abort(request, reason))
        pool.agent.addRequest(request, { ...options, ...serverAddress(target) })
      }
      if (route instanceof Promise) route.then(go).catch(fail)
      else go(route)
    } catch (error) {
      fail(error as Error)
    }
  }

  /** Connections belong to pools; one made here would have neither the trust nor the proxy. */
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

/**
 * Calls `listener` if a request is destroyed before it has a socket. Node emits nothing in that case until the agent provides a
 * socket or an error. The only way to notice it in a request of foreign code is to replace the method.
 */
function onAbortBeforeSocket(request: http.ClientRequest, listener: (reason: Error | undefined) => void): void {
  const destroy = request.destroy.bind(request)
  request.destroy = (error) => {
    const isEarly = !request.destroyed && request.socket === null
    destroy(error)
    if (isEarly) listener(error)
    return request
  }
}

/** As many idle connections as Node's agents keep. */
const SIZES = { poolConnections: 100, poolMaxsize: 256, poolBlock: false, keepAliveTimeout: 30_000 }
const NO_HEADERS = new HeaderMap()

/** @throws TypeError if the server is to be verified by another name than the host of the URL */
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
