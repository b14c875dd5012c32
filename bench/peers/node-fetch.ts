import type https from 'node:https'
import type { Ask } from '../client.ts'
import { agentFor } from '../clients/node-https.ts'
import { load } from './load.ts'

type Fetch = (url: string, options: { agent: https.Agent }) => Promise<{ json(): Promise<unknown> }>

const { default: fetch } = await load<{ default: Fetch }>('node-fetch')

export function keepAlive(url: string, ca: string): Ask {
  const agent = agentFor(ca)
  return async () => (await fetch(url, { agent })).json()
}
