/** Ports of loopback. */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'

/** Has the server listen on any free port, and returns it. */
export async function listen(server: Server, host: '127.0.0.1' | '::1' = '127.0.0.1'): Promise<number> {
  server.listen(0, host)
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** A port on which nothing listens: connections to it are refused. */
export async function freePort(): Promise<number> {
  const server = createServer()
  const port = await listen(server)
  server.close()
  await once(server, 'close')
  return port
}
