/** Opens tunnels through proxies, with CONNECT or SOCKS, and keeps track of those being opened. */
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { toError } from '../core/error-code.ts'
import { openConnectTunnel } from './connect-tunnel.ts'
import {
  type ConnectionCallback,
  type ConnectionOptions,
  sessionClosed,
  type TunnelAttempt,
  type TunnelCallback,
  type TunnelOptions,
} from './connection.ts'
import { isSocks } from './proxies.ts'
import { openSocksTunnel } from './socks.ts'

/** Opens a tunnel with the protocol that the scheme of the proxy names. */
export function openTunnel(options: TunnelOptions, callback: TunnelCallback): TunnelAttempt {
  return isSocks(options.proxy) ? openSocksTunnel(options, callback) : openConnectTunnel(options, callback)
}

/** What a tunnel depends on, apart from the request that it is opened for. */
export type TunnelSpec = Omit<TunnelOptions, 'connectTimeout'>

/** Opens a tunnel, unless the signal is aborted before. @throws as {@link TunnelCallback}, the signal's reason */
export function openTunnelUntil(spec: TunnelSpec, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const abort = () => tunnel.destroy(signal.reason)
    const tunnel = openTunnel({ ...spec, connectTimeout: undefined }, (error, socket) => {
      signal.removeEventListener('abort', abort)
      if (error || socket === undefined) reject(error)
      else resolve(socket)
    })
    signal.addEventListener('abort', abort)
  })
}

/** The tunnels of one agent while they are being opened: Node's agent has no sockets for them yet. */
export class OpeningTunnels {
  readonly #attempts = new Set<TunnelAttempt>()

  /** @param use makes the connection over the tunnel; `elapsed` is how long opening the tunnel took, in ms */
  open(
    spec: TunnelSpec,
    { connectTimeout, attempt = {} }: ConnectionOptions,
    use: (socket: Socket, elapsed: number) => Duplex,
    callback: ConnectionCallback,
  ): void {
    const started = performance.now()
    const tunnel = openTunnel({ ...spec, connectTimeout }, (error, socket) => {
      this.#attempts.delete(tunnel)
      attempt.tunnel = undefined
      if (error || socket === undefined) {
        callback(error)
        return
      }
      let connection: Duplex
      try {
        connection = use(socket, performance.now() - started)
      } catch (failure) {
        // Thrown from here, in a listener of the tunnel, it would be uncaught.
        socket.destroy()
        callback(toError(failure))
        return
      }
      callback(null, connection)
    })
    this.#attempts.add(tunnel)
    attempt.tunnel = tunnel
  }

  destroy(): void {
    for (const tunnel of this.#attempts) tunnel.destroy(sessionClosed())
  }
}
