/** A SOCKS 4a server, since Debian's know 4 and 5 only. https://www.openssh.org/txt/socks4a.protocol */
import { connect } from 'node:net'
import { startTcpServer } from './tcp.ts'

export interface Socks4aServer extends AsyncDisposable {
  readonly port: number
  /** What it was asked for, by whom: `user@host:port`. */
  readonly asked: string[]
}

/** Connects to loopback for every name but those of `.invalid`. */
export async function startSocks4a(): Promise<Socks4aServer> {
  const asked: string[] = []
  const { port, close } = await startTcpServer((client) => {
    client.once('data', (request) => {
      const { user, host, port } = parse(request)
      asked.push(`${user}@${host}:${port}`)
      if (host.endsWith('.invalid')) {
        client.end(Buffer.from([0, 0x5b, 0, 0, 0, 0, 0, 0]))
        return
      }
      const origin = connect(port, '127.0.0.1', () => {
        client.write(Buffer.from([0, 0x5a, 0, 0, 0, 0, 0, 0]))
        client.pipe(origin).pipe(client)
      })
      origin.on('error', () => client.destroy())
    })
  })
  return { port, asked, [Symbol.asyncDispose]: close }
}

/** `4 1 PORT IP USER 0 [HOST 0]`; an address 0.0.0.x says that a name follows. */
function parse(request: Buffer): { user: string; host: string; port: number } {
  const [user = '', name = ''] = request.subarray(8).toString('latin1').split('\0')
  const address = request.subarray(4, 8)
  const isName = address.readUInt32BE() < 256
  return { user, host: isName ? name : address.join('.'), port: request.readUInt16BE(2) }
}
