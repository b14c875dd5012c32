import { HTTPAdapter, Session } from 'vouch'
import type { Ask } from '../client.ts'

export function keepAlive(url: string, ca: string): Ask {
  const session = new Session({ verify: ca })
  // As many connections as are in flight in any of the workloads, as the other clients have by default.
  session.mount('https://', new HTTPAdapter({ poolMaxsize: 50 }))
  const { fetch } = session
  return async () => (await fetch(url)).json()
}
