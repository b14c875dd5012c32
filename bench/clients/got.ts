import got from 'got'
import type { Ask } from '../client.ts'
import { agentFor } from './node-https.ts'

export function keepAlive(url: string, ca: string): Ask {
  const agent = { https: agentFor(ca) }
  return () => got(url, { agent }).json()
}

export function newConnections(url: string, ca: string): Ask {
  const agent = { https: agentFor(ca) }
  return () => got(url, { agent, headers: { connection: 'close' } }).json()
}
