/** An address of loopback that drops connections: neither accepted nor refused, as behind a firewall that drops. Linux only. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { startScript } from '../helpers/processes.ts'

/** Listens, and is stopped before it has accepted anything. */
const LISTENER = `
  import { writeSync } from 'node:fs'
  import { createServer } from 'node:net'
  const [host, port] = process.argv.slice(1)
  createServer().listen({ host, port, backlog: 1 }, () => {
    writeSync(1, 'listening')
    process.kill(process.pid, 'SIGSTOP')
  })
`

/** Drops connections to this address until the end of the scope. */
export async function silence(host: string, port: number): Promise<AsyncDisposable> {
  const listener = await startScript(LISTENER, [host, String(port)])
  // The kernel accepts one connection more than the backlog; it drops what comes then.
  const accepted: Socket[] = []
  for (let count = 0; count < 2; count++) {
    const socket = connect(port, host)
    accepted.push(socket)
    await once(socket, 'connect')
  }
  return {
    async [Symbol.asyncDispose]() {
      for (const socket of accepted) socket.destroy()
      await listener[Symbol.asyncDispose]()
    },
  }
}
