/** A server on loopback that sends half a response, and a front in transit that then breaks its connection in some way. */
import { connect, createServer, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import { startServer, startTcpServer } from '../helpers/tcp.ts'

/** What breaks a connection, below TLS. `silence`: nothing happens any more. */
export type Tampering = Buffer | 'rst' | 'fin' | 'silence'

/** How a response says where its body ends. */
export type Framing = 'close' | 'length' | 'chunked'

export const FRAMINGS: readonly Framing[] = ['close', 'length', 'chunked']

export interface TamperedServer extends AsyncDisposable {
  readonly port: number
  /** Connections that are open now. */
  readonly open: number
}

export interface TamperedOptions {
  /** Without them the server speaks plain HTTP. */
  readonly tls?: TlsOptions | undefined
  readonly response: string
  readonly tampering: Tampering
  /** How long the connection is left alone after the response, in ms. */
  readonly after?: number
}

/** A response of 200, or of `status`, half of whose body is there. */
export function halfResponse(framing: Framing, status = '200 OK', headers = ''): string {
  const fields = { close: '', length: 'Content-Length: 100\r\n', chunked: 'Transfer-Encoding: chunked\r\n' }
  const body = framing === 'chunked' ? '4\r\nhalf\r\n' : 'half'
  return `HTTP/1.1 ${status}\r\n${headers}${fields[framing]}\r\n${body}`
}

export async function startTamperedServer(options: TamperedOptions): Promise<TamperedServer> {
  const { tls, response, tampering, after = 0 } = options
  /** The ports of the connections of the front that have been answered. */
  const answered = new Set<number>()
  const serve = (socket: Duplex & { remotePort?: number | undefined }) => {
    socket.on('error', () => {})
    socket.on('data', (data: Buffer) => {
      if (!data.includes('\r\n\r\n')) return
      socket.write(response)
      answered.add(socket.remotePort ?? 0)
    })
  }
  const origin = tls ? createTlsServer(tls, serve) : createServer(serve)
  const { port, close } = await startServer(origin)
  const front = await startTcpServer((client) => {
    const server = connect(port, '127.0.0.1')
    client.on('close', () => server.destroy())
    server.on('error', () => {}).on('close', () => client.destroy())
    client.pipe(server)
    server.on('data', (data) => {
      client.write(data)
      if (!answered.has(server.localPort ?? 0)) return
      // The response may arrive in several pieces.
      clearTimeout(timer)
      timer = setTimeout(() => tamper(client, tampering), after)
    })
    let timer: NodeJS.Timeout | undefined
  })
  return {
    port: front.port,
    get open() {
      return front.sockets.size
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([front.close(), close()])
    },
  }
}

function tamper(client: Socket, tampering: Tampering): void {
  if (tampering === 'rst') client.resetAndDestroy()
  else if (tampering === 'fin') client.end()
  else if (tampering !== 'silence') client.write(tampering)
}
