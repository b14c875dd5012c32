/** A handshake and nothing more: over the same route, with the same checks and errors as a request. */
import type { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import type { Agent } from 'node:https'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { serverAddress } from '../core/address.ts'
import { RequestException } from '../core/errors.ts'
import { HeaderMap } from '../http/headers.ts'
import type { ResolvedTrust } from '../trust/verify.ts'
import type { SendSettings } from './adapter.ts'
import type { ConnectionPool } from './connection-pool.ts'
import { mapRequestError } from './map-error.ts'
import { PoolManager } from './pool-manager.ts'
import { findRoute } from './route.ts'
import { chainOf } from './tls-info.ts'

/** A handshake that succeeded. */
export interface Probed {
  /** What the server presented, its own certificate first. */
  readonly chain: readonly X509Certificate[]
  readonly protocol: string | null
  readonly cipher: string | undefined
  readonly trust: ResolvedTrust
}

/**
 * Shakes hands with the server of an `https:` URL, and closes the connection.
 *
 * @throws RequestException as a request would
 */
export async function probe(target: URL, settings: SendSettings): Promise<Probed> {
  const pools = new PoolManager({ poolConnections: 1, poolMaxsize: 1, poolBlock: false, keepAliveTimeout: 1000 })
  let socket: TLSSocket | undefined
  const route = await findRoute(pools, { target, headers: new HeaderMap() }, settings)
  try {
    socket = await open(route.pool, target, settings)
    await settled(socket)
    return {
      chain: chainOf(socket),
      protocol: socket.getProtocol(),
      cipher: socket.getCipher().standardName,
      trust: route.trust as ResolvedTrust,
    }
  } catch (error) {
    if (error instanceof RequestException) throw error
    const { trust, proxy } = route
    const context = { chain: chainOf(socket), trust, through: proxy?.url }
    throw mapRequestError(error as Error, { ...serverAddress(target), ...context })
  } finally {
    socket?.destroy()
    pools.close()
  }
}

/** The connection while it is being made. */
function open({ agent }: ConnectionPool, target: URL, settings: SendSettings): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const use = (error: Error | null, socket?: Duplex) => {
      if (socket) resolve(socket as TLSSocket)
      else reject(error)
    }
    // What an agent adds itself, when it is a request that wants a connection.
    const { options: own } = agent as Agent
    const options = { ...own, ...serverAddress(target), connectTimeout: settings.timeout.connect }
    // One through a proxy comes by the callback.
    const socket = agent.createConnection(options, use)
    if (socket) use(null, socket)
  })
}

/**
 * Waits until the server has had its say. In TLS 1.3 the client is done first, and hears only then that its certificate is not
 * wanted, or that one is: a server that is content sends a ticket, most of them at once.
 */
async function settled(socket: TLSSocket): Promise<void> {
  socket.resume()
  const patience = new AbortController()
  const ticket = once(socket, 'session', { signal: patience.signal })
  // Nobody may be waiting for it when it fails.
  ticket.catch(() => {})
  try {
    await once(socket, 'secureConnect')
    const timer = setTimeout(() => patience.abort(), TICKET_TIME)
    const closed = once(socket, 'close', { signal: patience.signal })
    await Promise.race([ticket, closed]).finally(() => clearTimeout(timer))
  } catch (error) {
    if (!patience.signal.aborted) throw error
  } finally {
    patience.abort()
  }
}

/** ms */
const TICKET_TIME = 500
