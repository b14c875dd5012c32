import { get, HTTPAdapter, Session } from 'vouch'
import type { Ask } from '../client.ts'

export function keepAlive(url: string, ca: string): Ask {
  const session = new Session()
  // As many connections as are in flight in any of the workloads, as the other clients have by default.
  session.mount('https://', new HTTPAdapter({ poolMaxsize: 50 }))
  return async () => (await session.get(url, { verify: ca })).json()
}

export function perCall(url: string, ca: string): Ask {
  return async () => (await get(url, { verify: ca })).json()
}

export function newConnections(url: string, ca: string): Ask {
  const session = new Session()
  return async () => (await session.get(url, { verify: ca, headers: { connection: 'close' } })).json()
}
