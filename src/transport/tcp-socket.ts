/** TCP connections: an early response is read although the upload fails, and each address of a name gets enough time. */
import { channel } from 'node:diagnostics_channel'
import net, { type NetConnectOpts, type SocketConstructorOpts } from 'node:net'
import { codeOf } from '../core/error-code.ts'

/** Opens a connection as `net.connect` does. */
export function connectTcp(options: NetConnectOpts): TcpSocket {
  const socket = new TcpSocket(options as SocketConstructorOpts)
  if (CREATED.hasSubscribers) CREATED.publish({ socket })
  if (options.timeout) socket.setTimeout(options.timeout)
  return socket.connect(options)
}

/** Node's channel, on which `net.connect` reports its sockets. */
const CREATED = channel('net.client.socket')

type WriteCallback = (error?: Error | null) => void

/**
 * A server that refuses an upload responds and closes its connection. The next write then fails, and Node would destroy the
 * socket with the response in it. So a failed write is reported only after everything that the server sent has been read.
 */
class TcpSocket extends net.Socket {
  override _write(chunk: unknown, encoding: BufferEncoding, callback: WriteCallback): void {
    super._write(chunk, encoding, (error) => this.#report(error, callback))
  }

  override _writev(chunks: { chunk: unknown; encoding: BufferEncoding }[], callback: WriteCallback): void {
    super._writev?.(chunks, (error) => this.#report(error, callback))
  }

  #report(error: Error | null | undefined, callback: WriteCallback): void {
    if (!CLOSED_BY_SERVER.has(codeOf(error)) || this.readableEnded || this.destroyed) {
      callback(error)
      return
    }
    const done = () => {
      this.off('end', done).off('close', done)
      callback(error)
    }
    this.on('end', done).on('close', done)
  }
}

const CLOSED_BY_SERVER: ReadonlySet<string> = new Set(['EPIPE', 'ECONNRESET'])
