/** Real servers on loopback, with counters for what the tests ask about. */
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer, type ServerOptions } from 'node:https'
import { text } from 'node:stream/consumers'
import type { TLSSocket } from 'node:tls'
import { startServer } from './tcp.ts'

export type Handler = (request: IncomingMessage, response: ServerResponse) => unknown

export interface HttpServerOptions {
  /** Default: `echo`. A rejected promise becomes a 500 with the error's stack. */
  handler?: Handler | undefined
  /** The loopback address to listen on. Default: 127.0.0.1. */
  host?: '127.0.0.1' | '::1' | undefined
  /** Default: 0, any free port. */
  port?: number | undefined
}

/** `key` and `cert` (the chain), and for mutual TLS `ca`, `requestCert`, `rejectUnauthorized`; also all else of Node's. */
export interface HttpsServerOptions extends ServerOptions, HttpServerOptions {}

export interface TestServer extends AsyncDisposable {
  /** `https://localhost:PORT`, no slash at the end. */
  readonly url: string
  /** The same by address: `https://127.0.0.1:PORT`, or `https://[::1]:PORT`. */
  readonly url127: string
  readonly port: number
  /** Node's server, for `setSecureContext` and the like. */
  readonly server: Server
  /** TCP connections accepted so far. */
  readonly connections: number
  /** TCP connections that are open now. */
  readonly open: number
  /** Requests received so far. */
  readonly requests: number
  /** TLS handshakes that resumed a session, of those that succeeded. */
  readonly sessionsReused: number
  /** TLS handshakes that failed, as the server saw them. */
  readonly handshakeErrors: readonly Error[]
  /** Stops listening and closes every socket, idle or not. */
  close(): Promise<void>
}

/** What `echo` answers with. */
export interface Echo {
  method: string
  url: string
  headers: Record<string, string | string[] | undefined>
  body: string
}

/** The default handler: answers with the request as JSON, see {@link Echo}. */
export async function echo(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method, url, headers } = request
  const body = await text(request)
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify({ method, url, headers, body }))
}

export function startHttpServer(options: HttpServerOptions = {}): Promise<TestServer> {
  return start('http', createHttpServer(), options)
}

export function startHttpsServer(options: HttpsServerOptions): Promise<TestServer> {
  const { handler, host, port, ...tlsOptions } = options
  return start('https', createHttpsServer(tlsOptions), { handler, host, port })
}

async function start(scheme: string, server: Server, options: HttpServerOptions): Promise<TestServer> {
  const { handler = echo, host = '127.0.0.1' } = options
  const counts = { requests: 0, sessionsReused: 0 }
  const handshakeErrors: Error[] = []
  server.on('secureConnection', (socket: TLSSocket) => {
    if (socket.isSessionReused()) counts.sessionsReused++
  })
  server.on('tlsClientError', (error: Error) => handshakeErrors.push(error))
  server.on('request', (request, response) => {
    counts.requests++
    void answer(handler, request, response)
  })
  const started = await startServer(server, host, options.port)
  const { port, close } = started
  return {
    url: `${scheme}://localhost:${port}`,
    url127: `${scheme}://${host === '::1' ? '[::1]' : host}:${port}`,
    port,
    server,
    get connections() {
      return started.accepted
    },
    get open() {
      return started.sockets.size
    },
    get requests() {
      return counts.requests
    },
    get sessionsReused() {
      return counts.sessionsReused
    },
    handshakeErrors,
    close,
    [Symbol.asyncDispose]: close,
  }
}

async function answer(handler: Handler, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    await handler(request, response)
  } catch (error) {
    if (response.headersSent || request.destroyed) {
      response.destroy()
      return
    }
    response.statusCode = 500
    response.end(error instanceof Error ? error.stack : String(error))
  }
}
