import { type Ask, measure } from '../client.ts'
import { median } from '../contender.ts'
import { play, tell } from '../role.ts'
import { atMost, type Workload } from '../workload.ts'

const ROUNDS = 41
const REQUESTS = 500

/** CPU µs per request. */
interface Cost {
  readonly byHand: number
  readonly byPath: number
}

export const costOfTrust: Workload = {
  id: 'P9',
  title: 'What trust adds to a request: `verify` by path, against an agent made by hand',
  async run({ url, bundle }) {
    // Several processes: what the compiler makes of the code differs more from one to the next than the two ways do.
    const costs: Cost[] = []
    for (let times = 0; times < 3; times++) costs.push(await play<Cost>(import.meta.url, 'both', [url, bundle]))
    const byHand = median(costs.map((cost) => cost.byHand))
    const added = median(costs.map((cost) => cost.byPath - cost.byHand))
    return {
      columns: ['CPU µs'],
      rows: [
        { name: 'agent made by hand', values: [byHand] },
        { name: '`verify` by path', values: [byHand + added] },
      ],
      targets: [atMost(10, 'µs', added, 'CPU added')],
    }
  },
}

/** Both ways in one process, in turn. */
if (import.meta.main) {
  const [url = '', ca = ''] = process.argv.slice(3)
  const { keepAlive: byHand } = await import('../clients/vouch-by-hand.ts')
  const { keepAlive: byPath } = await import('../clients/vouch-adapter.ts')
  const asks: Ask[] = [byHand(url, ca), byPath(url, ca)]
  const samples: number[][] = [[], []]
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, ask] of asks.entries()) {
      const { cpu } = await measure(ask, REQUESTS, 1)
      // The first third is for the compilers.
      if (round >= ROUNDS / 3) samples[index]?.push(cpu)
    }
  }
  tell({ byHand: median(samples[0] ?? []), byPath: median(samples[1] ?? []) })
}
