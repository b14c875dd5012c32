import { COLUMNS, compete, WARM } from '../contender.ts'
import { atLeast, type Workload } from '../workload.ts'

export const inFlight: Workload = {
  id: 'P2',
  title: 'Keep-alive GET, 50 requests in flight',
  async run({ url, certificate }) {
    const results = await compete(
      ['node:https', 'vouch', 'undici request', 'undici fetch', 'axios', 'node-fetch', 'ky', 'got'],
      { way: 'keepAlive', url, ca: certificate, runs: 3, warmUp: WARM, rounds: 9, requests: 3000, inFlight: 50 },
    )
    return {
      columns: COLUMNS,
      rows: results.rows(),
      targets: [
        atLeast(1.5, '×', results.ratio('got', 'vouch', 'wall'), 'requests/s against got'),
        atLeast(1, '×', results.ratio('undici fetch', 'vouch', 'wall'), 'requests/s against undici fetch'),
      ],
    }
  },
}
