/** The limits on connecting, on silence and on the whole of a request. */
import type { ClientRequest, IncomingMessage } from 'node:http'
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

/** The server was silent for longer than it may be. */
export class ReadTimeLimit extends Error {
  override readonly name = 'ReadTimeLimit'
  readonly code = 'ERR_READ_TIMEOUT'
  /** ms */
  readonly limit: number
  /** Whether the connection was there, or the handshake still going on. */
  readonly connected: boolean

  constructor(limit: number, connected: boolean) {
    super(`no byte within ${limit} ms`)
    this.limit = limit
    this.connected = connected
  }
}

/** The whole of the request took longer than it may. */
export class TotalTimeLimit extends Error {
  override readonly name = 'TotalTimeLimit'
  readonly code = 'ERR_TOTAL_TIMEOUT'
  /** ms; of the whole call, of which this request may be a part. */
  readonly limit: number | undefined

  constructor(limit: number | undefined) {
    super(`not done within ${limit} ms`)
    this.limit = limit
  }
}

/**
 * Destroys a socket, or the request for a tunnel, with a {@link ConnectTimeLimit} unless it emits `ready` within `limit`
 * ms: one clock for DNS, TCP and TLS, where got and Node have one for each.
 *
 * @param elapsed of these, in ms, when the attempt continues another
 */
export function limitConnectTime(
  attempt: Socket | ClientRequest,
  ready: 'connect' | 'secureConnect',
  limit: number | undefined,
  elapsed = 0,
): void {
  if (limit === undefined) return
  const timer = setTimeout(() => attempt.destroy(new ConnectTimeLimit(limit)), Math.max(1, limit - elapsed))
  const stop = () => clearTimeout(timer)
  attempt.once(ready, stop)
  attempt.once('close', stop)
}

/**
 * Destroys `request` with a {@link ReadTimeLimit} when its connection is silent for `limit` ms and it is the server that
 * is waited for: a reader that takes its time with what has arrived, or a body that does with what is to be sent, is not
 * the server's fault.
 */
export function limitSilence(request: ClientRequest, limit: number | undefined): void {
  if (limit === undefined) return
  let response: IncomingMessage | undefined
  request.once('response', (arrived: IncomingMessage) => {
    response = arrived
  })
  request.once('socket', (socket) => {
    const onTimeout = () => {
      if (!isReaderSlow(response, socket) && !isBodySlow(request, socket))
        request.destroy(new ReadTimeLimit(limit, !isConnecting(socket)))
      else socket.setTimeout(limit)
    }
    socket.on('timeout', onTimeout)
    request.once('close', () => socket.off('timeout', onTimeout))
    if (socket.connecting) socket.once('connect', () => socket.setTimeout(limit))
    else socket.setTimeout(limit)
  })
}

/** Whether something has arrived that nobody has read yet. */
function isReaderSlow(response: IncomingMessage | undefined, socket: Socket): boolean {
  return response !== undefined && (response.complete || response.readableLength > 0 || socket.readableLength > 0)
}

/** Whether all that there is of the body has been sent, and more of it is to come. */
function isBodySlow(request: ClientRequest, socket: Socket): boolean {
  return !isConnecting(socket) && !request.writableEnded && request.writableLength === 0 && socket.writableLength === 0
}

function isConnecting(socket: Socket & { secureConnecting?: boolean }): boolean {
  return socket.connecting || socket.secureConnecting === true
}
