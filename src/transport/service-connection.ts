/** A connection to a server of another protocol than https, as far as the TLS handshake. */
import { once } from 'node:events'
import net, { type Socket } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import { authorityOf, NO_PATH, serverAddress } from '../core/address.ts'
import type { Service } from '../core/service.ts'
import type { ResolvedTrust } from '../trust/verify.ts'
import type { ProxyServer } from './proxies.ts'
import { startTls } from './starttls.ts'
import { openTunnel } from './tunnels.ts'

/** The way to the server. */
export interface ServiceRoute {
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
      ? net.connect({ ...NO_PATH, host, port })
      : await openThrough({ ...route, proxy, authority: authorityOf({ host, port }) }, signal)
  const abort = () => socket.destroy(signal.reason)
  signal.addEventListener('abort', abort)
  try {
    signal.throwIfAborted()
    if (socket.connecting) await once(socket, 'connect')
    socket.setNoDelay(true)
    await startTls(socket, service)
    return socket
  } catch (error) {
    socket.on('error', () => {}).destroy()
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
