/** The limit on making a connection: DNS, TCP and TLS together, one clock for all three. */
import type { Socket } from 'node:net'

/** The connection took longer than it may; `socket.destroy` carries it to the request. */
export class ConnectTimeLimit extends Error {
  override readonly name = 'ConnectTimeLimit'
  readonly code = 'ERR_CONNECT_TIMEOUT'
  /** ms */
  readonly limit: number

  constructor(limit: number) {
    super(`no connection within ${limit} ms`)
    this.limit = limit
  }
}

/** Destroys `socket` with a {@link ConnectTimeLimit} unless it emits `ready` within `limit` ms. */
export function limitConnectTime(socket: Socket, ready: 'connect' | 'secureConnect', limit: number | undefined): void {
  if (limit === undefined) return
  const timer = setTimeout(() => socket.destroy(new ConnectTimeLimit(limit)), limit)
  const stop = () => clearTimeout(timer)
  socket.once(ready, stop)
  socket.once('close', stop)
}
