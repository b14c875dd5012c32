import { COLD, COLUMNS, compete } from '../contender.ts'
import { BUNDLED } from '../server.ts'
import { atLeast, atMost, type Workload } from '../workload.ts'

export const newConnections: Workload = {
  id: 'P4',
  title: `A new connection for each request; a bundle of ${BUNDLED} certificates`,
  async run({ url, bundle }) {
    const results = await compete(['node:https', 'vouch', 'got', 'undici request', 'undici fetch', 'axios'], {
      way: 'newConnections',
      url,
      ca: bundle,
      runs: 3,
      warmUp: COLD,
      rounds: 11,
      requests: 150,
    })
    return {
      columns: COLUMNS,
      rows: results.rows(),
      targets: [
        atMost(1.15, '×', results.ratio('vouch', 'node:https', 'wall'), 'time against node:https, prepared context'),
        atLeast(3, '×', results.ratio('axios', 'vouch', 'wall'), 'faster than axios'),
        atLeast(3, '×', results.ratio('undici request', 'vouch', 'wall'), 'faster than undici request'),
        atLeast(3, '×', results.ratio('undici fetch', 'vouch', 'wall'), 'faster than undici fetch'),
      ],
    }
  },
}
