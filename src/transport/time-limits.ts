/** The connect timeout, the read timeout and the total limit of a request. The errors are internal: see `map-error.ts`. */
import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

/** The internal twin of `ConnectTimeout`: `socket.destroy` passes it to the request. */
export class InternalConnectTimeout extends Error {
  override readonly name = 'InternalConnectTimeout'
  readonly code = 'ERR_CONNECT_TIMEOUT'
  /** ms */
  readonly limit: number

  constructor(limit: number) {
    super(`no connection within ${limit} ms`)
    this.limit = limit
  }
}

/** The internal twin of `ReadTimeout`; of `ConnectTimeout` if the handshake was not done. */
export class InternalReadTimeout extends Error {
  override readonly name = 'InternalReadTimeout'
  readonly code = 'ERR_READ_TIMEOUT'
  /** ms */
  readonly limit: number
  /** Whether the connection was established, with TLS if it uses TLS. */
  readonly connected: boolean

  constructor(limit: number, connected: boolean) {
    super(`no byte within ${limit} ms`)
    this.limit = limit
    this.connected = connected
  }
}

/** The internal twin of `Timeout`. */
export class InternalTotalTimeout extends Error {
  override readonly name = 'InternalTotalTimeout'
  readonly code = 'ERR_TOTAL_TIMEOUT'
  /** ms, for the whole call, of which this request may be a part. */
  readonly limit: number | undefined

  constructor(limit: number | undefined) {
    super(`not done within ${limit} ms`)
    this.limit = limit
  }
}

/**
 * Destroys a socket, or the request for a tunnel, with an {@link InternalConnectTimeout} unless it emits `ready` within `limit`
 * ms. DNS, TCP and TLS share this one timer; got and Node have one for each.
 *
 * @param elapsed how many ms of the limit an earlier step used up
 */
export function enforceConnectTimeout(
  attempt: Socket | ClientRequest,
  ready: 'connect' | 'secureConnect',
  limit: number | undefined,
  elapsed = 0,
): void {
  if (limit === undefined) return
  const timer = setTimeout(() => attempt.destroy(new InternalConnectTimeout(limit)), Math.max(1, limit - elapsed))
  const stop = () => clearTimeout(timer)
  attempt.once(ready, stop)
  attempt.once('close', stop)
}

/**
 * Destroys `request` with an {@link InternalReadTimeout} if its connection carries no data for `limit` ms while we wait for the
 * server. A paused reader of the response, or a body that produces no data to send, is not the server's fault.
 */
export function enforceReadTimeout(request: ClientRequest, limit: number | undefined): void {
  if (limit === undefined) return
  let response: IncomingMessage | undefined
  request.once('response', (arrived: IncomingMessage) => {
    response = arrived
  })
  request.once('socket', (socket) => {
    const onTimeout = () => {
      // A server that has begun its response is to finish it, whether it wants the rest of the body or not.
      const isPaused = response ? isConsumerPaused(response, socket) : isUploadPaused(request, socket)
      if (isPaused) socket.setTimeout(limit)
      else request.destroy(new InternalReadTimeout(limit, !isConnecting(socket)))
    }
    socket.on('timeout', onTimeout)
    request.once('close', () => socket.off('timeout', onTimeout))
    if (socket.connecting) socket.once('connect', () => socket.setTimeout(limit))
    else socket.setTimeout(limit)
  })
}

/** Whether data has arrived that the consumer has not read yet. */
function isConsumerPaused(response: IncomingMessage, socket: Socket): boolean {
  return response.complete || response.readableLength > 0 || socket.readableLength > 0
}

/** Whether the body is not complete, and everything it has produced so far is sent. */
function isUploadPaused(request: ClientRequest, socket: Socket): boolean {
  return !isConnecting(socket) && !request.writableEnded && request.writableLength === 0 && socket.writableLength === 0
}

function isConnecting(socket: Socket & { secureConnecting?: boolean }): boolean {
  return socket.connecting || socket.secureConnecting === true
}
