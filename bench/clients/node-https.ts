/** Bare node:https with a prepared context: the limit for whatever is built on Node's own HTTP. */
import { readFileSync } from 'node:fs'
import https from 'node:https'
import tls from 'node:tls'
import type { Ask } from '../client.ts'

export function keepAlive(url: string, ca: string): Ask {
  const agent = agentFor(ca)
  return () => ask(url, { agent })
}

export function newConnections(url: string, ca: string): Ask {
  const agent = agentFor(ca)
  return () => ask(url, { agent, headers: { connection: 'close' } })
}

export function agentFor(ca: string): https.Agent {
  return new https.Agent({ keepAlive: true, secureContext: tls.createSecureContext({ ca: readFileSync(ca) }) })
}

function ask(url: string, options: https.RequestOptions): Promise<unknown> {
  return new Promise((resolve, reject) => {
    https
      .get(url, options, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () => resolve(JSON.parse(Buffer.concat(chunks).toString())))
      })
      .on('error', reject)
  })
}
