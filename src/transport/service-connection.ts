/** A connection, up to the TLS handshake, to a server of a protocol other than https. */
import { once } from 'node:events'
import net, { type Socket } from 'node:net'
import tls, { type ConnectionOptions, type TLSSocket } from 'node:tls'
import { authorityOf, SOCKET_DEFAULTS, serverAddress } from '../core/address.ts'
import type { Service } from '../core/service.ts'
import type { LearnedCertificate } from '../trust/learned.ts'
import type { ResolvedTrust } from '../trust/verify.ts'
import { tlsSettings } from './agents.ts'
import type { ConnectAddress } from './connect-to.ts'
import { mapRequestError } from './map-error.ts'
import { PinnedConnections } from './pinned.ts'
import type { ProxyServer } from './proxies.ts'
import type { Route } from './route.ts'
import { startTls } from './starttls.ts'
import { enforceConnectTimeout, InternalConnectTimeout } from './time-limits.ts'
import { observeHandshake, presentedChain } from './tls-info.ts'
import { openTunnel } from './tunnels.ts'

/**
 * Opens a connection to be verified as one of a request is; the handshake may not be done yet.
 *
 * @param limit of both together, in ms
 * @throws InternalConnectTimeout, and what {@link connectService} throws
 */
export async function openServiceConnection(
  service: Service,
  { trust, identity, proxy, proxyTrust, connectTo }: ServiceDestination,
  limit: number | undefined,
): Promise<TLSSocket> {
  const started = performance.now()
  const late = new AbortController()
  const timer = limit === undefined ? undefined : setTimeout(() => late.abort(new InternalConnectTimeout(limit)), limit)
  // The client certificate is for the server: no proxy is shown it.
  const forProxy = () => (proxyTrust ? tlsSettings(proxyTrust, undefined) : {})
  const route = { proxy, connectTo, ...(proxyTrust && { trust: proxyTrust }), tls: forProxy }
  const { host, port, servername } = serverAddress(service.target)
  const open = (signal: AbortSignal) => connectService(service, route, signal)
  const secure = (plain: Socket, learned: readonly LearnedCertificate[] = []) => {
    // No ALPN: servers refuse a client that offers http/1.1 and not their own protocol.
    const settings = {
      ...SOCKET_DEFAULTS,
      ...tlsSettings(trust, identity, learned),
      ALPNProtocols: undefined,
      session: undefined,
    }
    // The name check takes `host` if there is no server name: an address.
    const socket = tls.connect({ ...settings, socket: plain, host, servername } as ConnectionOptions)
    observeHandshake(socket)
    return socket
  }
  const mapError = (error: Error, socket: TLSSocket) => {
    const peer = { host, port, service, chain: presentedChain(socket), trust, client: identity?.displayName }
    return mapRequestError(error, { ...peer, through: proxy?.url })
  }
  try {
    if (trust.pins) return await new PinnedConnections(trust.pins).connect({ open, secure, mapError }, late.signal)
    const socket = secure(await open(late.signal))
    enforceConnectTimeout(socket, 'secureConnect', limit, performance.now() - started)
    return socket
  } finally {
    clearTimeout(timer)
  }
}

interface ServiceDestination extends Route {
  readonly trust: ResolvedTrust
  readonly connectTo: ConnectAddress | undefined
}

/** The way to the server. */
export interface ServiceRoute {
  /** Where to connect to in place of the server's own address. */
  readonly connectTo?: ConnectAddress | undefined
  readonly proxy: ProxyServer | undefined
  /** For the TLS connection to an `https:` proxy. */
  readonly tls: () => ConnectionOptions
  /** What that is verified against, for errors. */
  readonly trust?: ResolvedTrust
}

/**
 * Connects, and asks for TLS in the way of the protocol: a TLS handshake is what the server waits for on the socket.
 *
 * @param signal destroys the connection, with its reason
 * @throws Node's errors, ProxyError, SSLError of {@link startTls}, the signal's reason
 */
export async function connectService(service: Service, route: ServiceRoute, signal: AbortSignal): Promise<Socket> {
  signal.throwIfAborted()
  const { host, port } = serverAddress(service.target)
  const { proxy } = route
  const socket =
    proxy === undefined
      ? net.connect({ ...SOCKET_DEFAULTS, host, port, ...route.connectTo })
      : await openThrough({ ...route, proxy, authority: authorityOf({ host, port }) }, signal)
  // The listener stays: the socket may fail before its next owner has one.
  socket.on('error', () => {})
  const abort = () => socket.destroy(signal.reason)
  signal.addEventListener('abort', abort)
  try {
    signal.throwIfAborted()
    if (socket.connecting) await once(socket, 'connect')
    socket.setNoDelay(true)
    await startTls(socket, service)
    return socket
  } catch (error) {
    socket.destroy()
    throw signal.aborted ? signal.reason : error
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

function openThrough(
  options: ServiceRoute & { readonly proxy: ProxyServer; readonly authority: string },
  signal: AbortSignal,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const abort = () => attempt.destroy(signal.reason)
    signal.addEventListener('abort', abort)
    const attempt = openTunnel({ ...options, serverFirst: true, connectTimeout: undefined }, (error, socket) => {
      signal.removeEventListener('abort', abort)
      if (error || socket === undefined) reject(error)
      else resolve(socket)
    })
  })
}
