/** A TLS handshake without a request, with the route, the checks and the errors of a request. */
import type { X509Certificate } from 'node:crypto'
import type { Agent } from 'node:https'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { httpsAuthority, serverAddress } from '../core/address.ts'
import { ConnectionError, RequestException } from '../core/errors.ts'
import type { Service } from '../core/service.ts'
import { HeaderMap } from '../http/headers.ts'
import type { ResolvedTrust } from '../trust/verify.ts'
import type { SendSettings } from './adapter.ts'
import type { ConnectTo } from './connect-to.ts'
import { closedEarly } from './connection.ts'
import type { ConnectionPool } from './connection-pool.ts'
import { errorContext } from './error-context.ts'
import { mapRequestError } from './map-error.ts'
import { Origin } from './origin.ts'
import { PoolManager } from './pool-manager.ts'
import { findRoute } from './route.ts'
import { openServiceConnection } from './service-connection.ts'
import { presentedChain } from './tls-info.ts'

/** A successful handshake. */
export interface Probed {
  /** The chain that the server presented, its own certificate first. */
  readonly chain: readonly X509Certificate[]
  readonly protocol: string | null
  readonly cipher: string | undefined
  readonly trust: ResolvedTrust
}

/**
 * Makes a TLS handshake with the server of an `https:` URL, and closes the connection.
 *
 * @param options `service`: the server, if its protocol is not https; `target` is its own then
 * @throws RequestException as a request would
 */
export async function probe(
  target: URL,
  settings: SendSettings,
  { service, connectTo }: { readonly service?: Service | undefined; readonly connectTo?: ConnectTo | undefined } = {},
): Promise<Probed> {
  const pools = new PoolManager(POOL, connectTo)
  let socket: TLSSocket | undefined
  const route = await findRoute(pools, { target, headers: new HeaderMap() }, settings)
  try {
    const trust = route.trust as ResolvedTrust
    socket = service
      ? await openServiceConnection(
          service,
          { ...route, trust, connectTo: pools.connectTo.find(new Origin(target)) },
          settings.timeout.connect,
        )
      : await openConnection(route.pool, target, settings)
    await handshakeAccepted(socket, httpsAuthority(serverAddress(target)))
    return {
      chain: presentedChain(socket),
      protocol: socket.getProtocol(),
      cipher: socket.getCipher().standardName,
      trust,
    }
  } catch (error) {
    if (error instanceof RequestException) throw error
    throw mapRequestError(error as Error, { ...errorContext(target, route, { socket, isReused: false }), service })
  } finally {
    socket?.destroy()
    pools.close()
  }
}

/** Opens the connection; the handshake may not be done yet. */
function openConnection({ agent }: ConnectionPool, target: URL, settings: SendSettings): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const use = (error: Error | null, socket?: Duplex) => {
      if (socket) resolve(socket as TLSSocket)
      else reject(error)
    }
    // Node's agent adds its own options itself when a request needs a connection.
    const { options: own } = agent as Agent
    const options = { ...own, ...serverAddress(target), connectTimeout: settings.timeout.connect }
    // A connection through a proxy is passed to the callback.
    const socket = agent.createConnection(options, use)
    if (socket) use(null, socket)
  })
}

/**
 * Waits until the server has accepted the handshake. In TLS 1.3 the client finishes first: only after that the server refuses its
 * certificate, or the lack of one. A server that accepts sends a session ticket, most servers at once. In TLS 1.2 the server finishes
 * last.
 */
function handshakeAccepted(socket: TLSSocket, server: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined
    const settle = (error?: Error | null) => {
      clearTimeout(timer)
      if (error) reject(error)
      else resolve()
    }
    const waitForTicket = () => {
      if (socket.getProtocol() === 'TLSv1.3') timer = setTimeout(settle, MAX_TICKET_MS)
      else settle()
    }
    // With pins the handshake is done already.
    if (isSecure(socket)) waitForTicket()
    // A tunnel may have been closed before TLS began.
    if (socket.destroyed) settle(socket.errored ?? closedEarly())
    socket
      .on('error', settle)
      .on('session', () => settle())
      .on('secureConnect', waitForTicket)
      // The first call decides. A server may refuse the client's certificate without an alert, as Node's do.
      .on('close', () => settle(timer === undefined ? closedEarly() : closedBehindHandshake(server)))
      .resume()
  })
}

function closedBehindHandshake(server: string): ConnectionError {
  return new ConnectionError(
    `${server} closed the connection right after the TLS handshake, in which its certificate was accepted: perhaps it refuses the client's certificate, or asks for one`,
    { code: 'ECONNRESET' },
  )
}

function isSecure(socket: TLSSocket & { secureConnecting?: boolean }): boolean {
  return socket.secureConnecting === false
}

const POOL = { poolConnections: 1, poolMaxsize: 1, poolBlock: false, keepAliveTimeout: 1000 }

/** How long to wait for a ticket or a refusal. */
const MAX_TICKET_MS = 500
