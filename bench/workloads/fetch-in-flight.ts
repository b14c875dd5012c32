import { COLUMNS, compete, WARM } from '../contender.ts'
import { atMost, type Workload } from '../workload.ts'

export const fetchInFlight: Workload = {
  id: 'P11',
  title: 'fetch for libraries: keep-alive GET, 50 requests in flight',
  async run({ url, certificate }) {
    const results = await compete(['undici fetch', 'vouch fetch', 'vouch'], {
      way: 'keepAlive',
      url,
      ca: certificate,
      runs: 3,
      warmUp: WARM,
      rounds: 9,
      requests: 3000,
      inFlight: 50,
    })
    return {
      columns: COLUMNS,
      rows: results.rows(),
      targets: [atMost(1.3, '×', results.ratio('vouch fetch', 'undici fetch'), 'CPU against undici fetch')],
    }
  },
}
