/** Servers on loopback whose connections are counted, and closed at the end. */
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { listen } from './ports.ts'

export interface TcpServer extends AsyncDisposable {
  readonly port: number
  /** `http://127.0.0.1:PORT/` */
  readonly url: string
  /** The connections that are open now. */
  readonly sockets: ReadonlySet<Socket>
  /** Connections accepted so far. */
  readonly accepted: number
  /** Closes the connections that are open now. */
  hangUp(): void
  /** Stops listening and closes every connection. */
  close(): Promise<void>
}

/** Passes each connection to `serve`, for responses that no HTTP server would send. */
export function startTcpServer(serve: (socket: Socket) => unknown = () => {}): Promise<TcpServer> {
  return startServer(createServer(serve))
}

/** A server that never sends anything. It reads, or the end of a connection would go unnoticed. */
export function startSilentServer(): Promise<TcpServer> {
  return startTcpServer((socket) => socket.resume())
}

/** Has a server of any kind listen, on any free port by default. */
export async function startServer(server: Server, host?: '127.0.0.1' | '::1', wanted = 0): Promise<TcpServer> {
  const sockets = new Set<Socket>()
  let accepted = 0
  // Before the server's own listeners: they see themselves counted.
  server.prependListener('connection', (socket: Socket) => {
    accepted++
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
  })
  const port = await listen(server, host, wanted)
  // Not `closeAllConnections`: it does not know the sockets that are still shaking hands, or those upgraded.
  const hangUp = () => {
    for (const socket of sockets) socket.destroy()
  }
  const close = async () => {
    const closed = server.listening ? once(server, 'close') : undefined
    server.close()
    hangUp()
    await closed
  }
  return {
    port,
    url: `http://127.0.0.1:${port}/`,
    sockets,
    get accepted() {
      return accepted
    },
    hangUp,
    close,
    [Symbol.asyncDispose]: close,
  }
}
