/** Ports of loopback. */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'

/** Has the server listen, on any free port by default, and returns the port. */
export async function listen(server: Server, host: '127.0.0.1' | '::1' = '127.0.0.1', port = 0): Promise<number> {
  server.listen(port, host)
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
