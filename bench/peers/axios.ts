import { readFileSync } from 'node:fs'
import https from 'node:https'
import type { Ask } from '../client.ts'
import { agentFor } from '../clients/node-https.ts'
import { load } from './load.ts'

interface Axios {
  get(url: string, options: { httpsAgent: https.Agent }): Promise<{ data: unknown }>
}

const { default: axios } = await load<{ default: Axios }>('axios')

export function keepAlive(url: string, ca: string): Ask {
  const httpsAgent = agentFor(ca)
  return async () => (await axios.get(url, { httpsAgent })).data
}

export function perCall(url: string, ca: string): Ask {
  return async () => (await axios.get(url, { httpsAgent: new https.Agent({ ca: readFileSync(ca) }) })).data
}

export function newConnections(url: string, ca: string): Ask {
  const httpsAgent = new https.Agent({ ca: readFileSync(ca) })
  return async () => (await axios.get(url, { httpsAgent })).data
}
