/** A real proxy (the npm package `proxy`) on loopback, plain or over TLS. */
import { createServer as createHttpServer, type IncomingMessage } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { createProxy } from 'proxy'
import { startServer } from './tcp.ts'

export interface TestProxy extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`, or `https://localhost:PORT` when it speaks TLS. */
  readonly url: string
  /** The targets of CONNECT, in order. */
  readonly tunnels: string[]
  /** The URLs of forwarded requests, in order. */
  readonly forwarded: string[]
  /** The headers of both. */
  readonly headers: IncomingMessage['headers'][]
  /** Connections accepted so far. */
  readonly connections: number
  readonly open: number
}

export interface ProxyOptions {
  readonly key?: string
  readonly cert?: string
  /** Decides by the header Proxy-Authorization, in its own time; the proxy answers 407 when it says no. */
  readonly authenticate?: (credentials: string | undefined) => boolean | Promise<boolean>
}

export async function startProxy(options: ProxyOptions = {}): Promise<TestProxy> {
  const { key, cert, authenticate } = options
  const server = createProxy(key && cert ? createHttpsServer({ key, cert }) : createHttpServer())
  if (authenticate) server.authenticate = (request) => authenticate(request.headers['proxy-authorization'])
  const seen = { tunnels: [] as string[], forwarded: [] as string[], headers: [] as IncomingMessage['headers'][] }
  server.prependListener('connect', (request: IncomingMessage) => {
    seen.tunnels.push(request.url ?? '')
    seen.headers.push(request.headers)
  })
  server.prependListener('request', (request: IncomingMessage) => {
    seen.forwarded.push(request.url ?? '')
    seen.headers.push({ ...request.headers })
  })
  const started = await startServer(server)
  const { port, close } = started
  return {
    ...seen,
    url: key ? `https://localhost:${port}` : `http://127.0.0.1:${port}`,
    get connections() {
      return started.accepted
    },
    get open() {
      return started.sockets.size
    },
    [Symbol.asyncDispose]: close,
  }
}
