/** A proxy of every kind that knows the user of each of its tunnels: CONNECT, plain or over TLS, and SOCKS 5. */
import { once } from 'node:events'
import { createServer as createHttpServer, type IncomingMessage } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { connect, createServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { startServer } from './tcp.ts'

export type ProxyKind = 'http' | 'https' | 'socks5h'

export interface ObservedProxy extends AsyncDisposable {
  /** `scheme://localhost:PORT`, with credentials where a user is given; his password is his name. */
  url(user?: string): string
  /** The user of the tunnel that ends at this socket of a server: `''` without credentials, `undefined` without a tunnel. */
  userOf(socket: Socket): string | undefined
  /** Tunnels opened so far. */
  readonly tunnels: number
}

/** Accepts every user, and connects to loopback whatever the host is. */
export async function startObservedProxy(
  kind: ProxyKind,
  tls: { readonly key: string; readonly cert: string },
): Promise<ObservedProxy> {
  /** By the ports of both ends: one port may have connections to several servers. */
  const users = new Map<string, { readonly user: string }>()
  let tunnels = 0
  const join = (client: Duplex, user: string, port: number, welcome: string | Buffer) => {
    const origin = connect(port, '127.0.0.1', () => {
      const ports = `${origin.localPort} ${origin.remotePort}`
      const owner = { user }
      users.set(ports, owner)
      // The next connection may have the same ports before this event.
      origin.on('close', () => users.get(ports) === owner && users.delete(ports))
      tunnels++
      client.write(welcome)
      client.pipe(origin).pipe(client)
    })
    origin.on('error', () => {})
    client.on('error', () => origin.destroy())
    client.on('close', () => origin.destroy())
    origin.on('close', () => client.destroy())
  }
  const server =
    kind === 'socks5h' ? createServer((socket) => serveSocks(socket, join)) : connectServer(kind, tls, join)
  const { port, close } = await startServer(server)
  return {
    url: (user) => `${kind}://${user === undefined ? '' : `${user}:${user}@`}localhost:${port}`,
    userOf: ({ localPort, remotePort }) => users.get(`${remotePort} ${localPort}`)?.user,
    get tunnels() {
      return tunnels
    },
    [Symbol.asyncDispose]: close,
  }
}

type Join = (client: Duplex, user: string, port: number, welcome: string | Buffer) => void

function connectServer(kind: ProxyKind, tls: { readonly key: string; readonly cert: string }, join: Join): Server {
  const server = kind === 'https' ? createHttpsServer(tls) : createHttpServer()
  server.on('connect', ({ url = '', headers }: IncomingMessage, client: Duplex) => {
    const [, credentials = ''] = headers['proxy-authorization']?.split(' ') ?? []
    const [user = ''] = Buffer.from(credentials, 'base64').toString().split(':')
    join(client, user, Number(url.split(':').at(-1)), 'HTTP/1.1 200 OK\r\n\r\n')
  })
  return server
}

/** RFC 1928 with RFC 1929, as far as a client that names its host goes. Each message comes in one piece on loopback. */
async function serveSocks(client: Socket, join: Join): Promise<void> {
  try {
    const [, , ...methods] = await next(client)
    client.write(Buffer.from([5, methods.includes(2) ? 2 : 0]))
    let user = ''
    if (methods.includes(2)) {
      const login = await next(client)
      user = login.subarray(2, 2 + (login[1] ?? 0)).toString()
      client.write(Buffer.from([1, 0]))
    }
    const request = await next(client)
    join(client, user, request.readUInt16BE(request.length - 2), Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]))
  } catch {
    // The client went away in between.
    client.destroy()
  }
}

async function next(socket: Socket): Promise<Buffer> {
  const [chunk] = (await once(socket, 'data')) as [Buffer]
  return chunk
}
