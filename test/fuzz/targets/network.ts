/** Peers on the network that send anything, at any moment. See `network/`. */
import fc from 'fast-check'
import { FOUND_PLANS } from '../found-plans.ts'
import type { Target } from '../harness.ts'
import type { Plan } from '../network/plan.ts'
import { forgedPlans, plainPlans, servicePlans, socksPlans, tlsPlans, tunnelPlans } from '../network/plans.ts'
import { playAll } from '../network/recorders.ts'

function network(name: string, plans: fc.Arbitrary<Plan>, found: readonly Plan[] = []): Target {
  return {
    name,
    async run(parameters) {
      let count = 0
      const batches = fc.array(plans, { minLength: 1, maxLength: BATCH, size: 'max' })
      const property = fc.asyncProperty(batches, async (batch) => {
        count += batch.length
        await playAll(batch)
      })
      const examples = found.map((plan): [Plan[]] => [[plan]])
      await fc.assert(property, { ...(parameters as fc.Parameters<[Plan[]]>), examples })
      return count
    },
  }
}

/** Connections at a time. */
const BATCH = 64

export const NETWORK: readonly Target[] = [
  network('servers of HTTP', plainPlans, FOUND_PLANS.plain),
  network('servers over TLS', tlsPlans, FOUND_PLANS.tls),
  network('servers that forge TLS', forgedPlans, FOUND_PLANS.forged),
  network('servers of other protocols', servicePlans),
  network('proxies', tunnelPlans, FOUND_PLANS.tunnel),
  network('SOCKS proxies', socksPlans, FOUND_PLANS.socks),
]
