/** Tunnels through proxies: which protocol opens one, and those of an agent that are being opened. */
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
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

/** The tunnels of an agent while they are being opened: no pool of Node's knows them yet. */
export class Tunnels {
  readonly #opening = new Set<TunnelAttempt>()

  /** @param use makes the connection over the tunnel; it is told how long that took, in ms */
  open(
    spec: Omit<TunnelOptions, 'connectTimeout'>,
    { connectTimeout, attempt = {} }: ConnectionOptions,
    use: (socket: Socket, elapsed: number) => Duplex,
    callback: ConnectionCallback,
  ): void {
    const started = performance.now()
    const tunnel = openTunnel({ ...spec, connectTimeout }, (error, socket) => {
      this.#opening.delete(tunnel)
      attempt.tunnel = undefined
      if (error || socket === undefined) callback(error)
      else callback(null, use(socket, performance.now() - started))
    })
    this.#opening.add(tunnel)
    attempt.tunnel = tunnel
  }

  destroy(): void {
    for (const tunnel of this.#opening) tunnel.destroy(sessionClosed())
  }
}
