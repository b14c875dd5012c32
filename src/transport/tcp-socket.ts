/**
 * TCP and TLS connections that read an early response even if the upload fails, and give each address of a host enough time.
 */
import { channel } from 'node:diagnostics_channel'
import net, { type NetConnectOpts, type SocketConstructorOpts } from 'node:net'
import { TLSSocket } from 'node:tls'
import { SOCKET_DEFAULTS } from '../core/address.ts'
import { codeOf } from '../core/error-code.ts'

/** Opens a connection as `net.connect` does, but takes no option from `Object.prototype`. */
export function connectTcp(given: NetConnectOpts): TcpSocket {
  const options: NetConnectOpts = Object.assign(Object.create(null), SOCKET_DEFAULTS, given)
  const socket = new TcpSocket(options as SocketConstructorOpts)
  // A failed write may be reported when the response is complete. Node 22 has no listener then, until the socket is idle or closed.
  socket.on('error', () => {})
  // Before the listeners of Node's HTTP, which take the end for the end of a body without a length.
  if (HIDES_RESETS) socket.on('end', reportReset)
  if (CREATED.hasSubscribers) CREATED.publish({ socket })
  if (options.timeout) socket.setTimeout(options.timeout)
  return socket.connect(options)
}

/**
 * The time for each address of a name, in ms, for Node's option `autoSelectFamilyAttemptTimeout`. Node tries the addresses one after
 * the other, and the last one without this limit. Its default of 250 ms is less than a lost packet costs (1 s), and would blame a
 * slow server for a dead one.
 *
 * @param connectTimeout the limit for all of them together, in ms
 */
export function attemptTimeout(connectTimeout: number | undefined): { autoSelectFamilyAttemptTimeout: number } {
  const half = connectTimeout === undefined ? DEFAULT_ATTEMPT_MS : Math.max(10, Math.floor(connectTimeout / 2))
  return { autoSelectFamilyAttemptTimeout: Math.min(half, MAX_ATTEMPT_MS) }
}

/** TCP sends a lost SYN again after 1 s, and after 3 s. */
const DEFAULT_ATTEMPT_MS = 1500

/** An address that does not answer, such as IPv6 without a route, must not delay the next one for longer. */
const MAX_ATTEMPT_MS = 5000

/** Node's channel, on which `net.connect` reports its sockets. */
const CREATED = channel('net.client.socket')

/** On Linux, Node 22 (libuv's `uv__stream_io`) takes a reset for an end if it arrives together with data. */
const HIDES_RESETS = process.platform === 'linux' && Number.parseInt(process.versions.node, 10) < 24

/** A connection that was reset has no peer any more; one that the peer has ended has. */
function reportReset(this: net.Socket): void {
  if (this.writableEnded || this.remoteAddress !== undefined) return
  this.emit('error', Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' }))
  this.destroy()
}

type WriteCallback = (error?: Error | null) => void

/**
 * A server that refuses an upload responds and closes its connection. The next write then fails, and Node would destroy the
 * socket with the response in it. So a failed write is reported only after everything that the server sent has been read.
 */
class TcpSocket extends net.Socket {
  override _write(chunk: unknown, encoding: BufferEncoding, callback: WriteCallback): void {
    super._write(chunk, encoding, afterReading(this, callback))
  }

  override _writev(chunks: { chunk: unknown; encoding: BufferEncoding }[], callback: WriteCallback): void {
    super._writev?.(chunks, afterReading(this, callback))
  }
}

/** The same for the TLS sockets of `tls.connect`, which cannot be told to make another class. */
class ReadingTLSSocket extends TLSSocket {
  override _write(chunk: unknown, encoding: BufferEncoding, callback: WriteCallback): void {
    super._write(chunk, encoding, afterReading(this, callback))
  }

  override _writev(chunks: { chunk: unknown; encoding: BufferEncoding }[], callback: WriteCallback): void {
    super._writev?.(chunks, afterReading(this, callback))
  }
}

/**
 * Makes a TLS socket read what the server sent before it reports that a write failed. As this may be after the response, the socket
 * needs a listener of 'error' for its lifetime.
 */
export function readBeforeWriteErrors(socket: TLSSocket): void {
  Object.setPrototypeOf(socket, ReadingTLSSocket.prototype)
}

/** Passes on the outcome of a write; if the server closed the connection, when the socket has been read to its end. */
function afterReading(socket: net.Socket | TLSSocket, callback: WriteCallback): WriteCallback {
  return (error) => {
    const isHandshake = 'secureConnecting' in socket && socket.secureConnecting
    if (!CLOSED_BY_SERVER.has(codeOf(error)) || isHandshake || socket.readableEnded || socket.destroyed) {
      callback(error)
      return
    }
    const done = () => {
      socket.off('end', done).off('close', done)
      callback(error)
    }
    socket.on('end', done).on('close', done)
  }
}

const CLOSED_BY_SERVER: ReadonlySet<string> = new Set(['EPIPE', 'ECONNRESET'])
