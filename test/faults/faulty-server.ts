/** A server on loopback whose connections go wrong as long as it has a fault, and are served well without one. */
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { startTcpServer } from '../helpers/tcp.ts'

/** What goes wrong on a connection, once it has come to this point. */
export interface Fault {
  /** `connection`: at once; `secured`: after the TLS handshake; `request`: when the head of a request has arrived. */
  readonly at: 'connection' | 'secured' | 'request'
  /** @param tcp the connection below TLS, the same as `socket` without */
  readonly act: (socket: Duplex, tcp: Socket) => void
}

export interface FaultyServer extends AsyncDisposable {
  readonly port: number
  /** `https://127.0.0.1:PORT`, or `http://…`, without a slash at the end. */
  readonly url: string
  fault: Fault | undefined
  /** Connections that are open now, and those accepted so far. */
  readonly open: number
  readonly accepted: number
  /** Closes the connections that are open now. */
  hangUp(): void
}

export interface FaultyServerOptions {
  /** PEM; without it the server speaks plain http. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined
}

export async function startFaultyServer({ tls }: FaultyServerOptions = {}): Promise<FaultyServer> {
  const server = await startTcpServer((tcp) => {
    if (state.fault?.at === 'connection') {
      // Read, or the end of the connection would go unnoticed.
      tcp.resume()
      state.fault.act(tcp, tcp)
    } else if (tls === undefined) serve(tcp, tcp)
    else {
      const secure = new TLSSocket(tcp, { isServer: true, ...tls, ALPNProtocols: ['http/1.1'] })
      secure.on('error', () => tcp.destroy()).once('secure', () => serve(secure, tcp))
    }
  })
  const serve = (socket: Duplex, tcp: Socket) => {
    let head = ''
    socket.on('error', () => {})
    socket.on('data', (data: Buffer) => {
      if (state.fault?.at === 'secured') return
      head += data.toString('latin1')
      if (!head.includes('\r\n\r\n')) return
      head = ''
      if (state.fault === undefined) socket.write(OK)
      else state.fault.act(socket, tcp)
    })
    if (state.fault?.at === 'secured') state.fault.act(socket, tcp)
  }
  const { port, hangUp, close } = server
  const state: FaultyServer = {
    port,
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    fault: undefined,
    get open() {
      return server.sockets.size
    },
    get accepted() {
      return server.accepted
    },
    hangUp,
    [Symbol.asyncDispose]: close,
  }
  return state
}

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

/** As fast as it is read. */
export function pour(socket: Duplex, more: string): void {
  const pourOn = () => {
    while (!socket.destroyed && socket.write(more));
  }
  socket.on('drain', pourOn)
  pourOn()
}
