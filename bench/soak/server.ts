/**
 * What the soak is about, in a process of its own, until the parent process ends: a server that answers with the nonce that
 * it is sent, a stranger that is not trusted, and the bundle. All of them change on demand.
 */
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { listen } from '../../test/helpers/ports.ts'
import { Bundle } from './bundle.ts'

/** What the parent says: which server gets which certificate, what is to be trusted, or that it wants to know the status. */
export type Order =
  | { readonly to: 'trusted' | 'stranger'; readonly cert: string; readonly key: string }
  | { readonly to: 'bundle'; readonly content: string }
  | { readonly to: 'count' }

/** The answer to each order, when it has been carried out. */
export interface Status {
  readonly ports: Readonly<Record<'trusted' | 'stranger', number>>
  readonly connections: number
}

const bundle = new Bundle(process.argv[2] ?? '')
const servers: Partial<Record<'trusted' | 'stranger', Server>> = {}

process.on('message', async (order: Order) => {
  if (order.to === 'bundle') bundle.write(order.content)
  else if (order.to !== 'count') await takeOver(order.to, order)
  process.send?.({ ports: { trusted: portOf('trusted'), stranger: portOf('stranger') }, connections: await count() })
})
process.on('disconnect', () => process.exit())

async function takeOver(name: 'trusted' | 'stranger', { cert, key }: { cert: string; key: string }): Promise<void> {
  const known = servers[name]
  if (known) {
    known.setSecureContext({ cert, key })
    return
  }
  const server = createServer({ cert, key }, async (request, response) => {
    const { searchParams } = new URL(request.url ?? '', 'https://localhost')
    response.end((await text(request)) || searchParams.get('nonce'))
  })
  servers[name] = server
  await listen(server)
}

function portOf(name: 'trusted' | 'stranger'): number {
  return (servers[name]?.address() as AddressInfo | undefined)?.port ?? 0
}

function count(): Promise<number> {
  return new Promise((resolve) => {
    if (servers.trusted === undefined) resolve(0)
    else servers.trusted.getConnections((_error, connections) => resolve(connections))
  })
}
