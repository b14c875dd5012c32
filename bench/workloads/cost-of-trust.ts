import { COLUMNS, compete } from '../contender.ts'
import { atMost, type Workload } from '../workload.ts'

export const costOfTrust: Workload = {
  id: 'P9',
  title: 'What trust adds to a request: `verify` by path, against an agent made by hand',
  async run({ url, bundle }) {
    const results = await compete(['vouch, agent by hand', 'vouch, adapter'], {
      way: 'keepAlive',
      url,
      ca: bundle,
      rounds: 15,
      requests: 3000,
    })
    const added = results.get('vouch, adapter', 'cpu') - results.get('vouch, agent by hand', 'cpu')
    return { columns: COLUMNS, rows: results.rows(), targets: [atMost(10, 'µs', added, 'CPU added')] }
  },
}
