/** The same with the trust and the agent found once, by hand: what a request takes when trust takes nothing. */
import { Exchange } from '../../src/transport/exchange.ts'
import { Origin } from '../../src/transport/origin.ts'
import { PoolManager } from '../../src/transport/pool-manager.ts'
import { resolveTrust } from '../../src/trust/verify.ts'
import type { Ask } from '../client.ts'
import { answerOf, requestTo, settingsOf } from './vouch-adapter.ts'

export function keepAlive(url: string, ca: string): Ask {
  const target = new URL(url)
  const settings = settingsOf(ca)
  const trust = resolveTrust(settings.trust)
  const pools = new PoolManager({ poolConnections: 1, poolMaxsize: 10, poolBlock: false, keepAliveTimeout: 30_000 })
  const pool = pools.secure({
    origin: new Origin(target),
    trust,
    identity: undefined,
    proxy: undefined,
    proxyTrust: undefined,
    connectTo: undefined,
  })
  const route = { pool, trust, identity: undefined, proxy: undefined, proxyTrust: undefined }
  return () => answerOf(new Exchange(requestTo(target), settings, route).response)
}
