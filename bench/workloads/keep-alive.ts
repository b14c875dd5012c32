import { COLUMNS, compete } from '../contender.ts'
import { atMost, type Workload } from '../workload.ts'

export const keepAlive: Workload = {
  id: 'P1',
  title: 'Keep-alive GET, one connection',
  async run({ url, certificate }) {
    const results = await compete(
      ['node:https', 'vouch', 'undici request', 'undici fetch', 'axios', 'node-fetch', 'ky', 'got', 'Python requests'],
      { way: 'keepAlive', url, ca: certificate, rounds: 11, requests: 2000 },
    )
    return {
      columns: COLUMNS,
      rows: results.rows(),
      targets: [
        atMost(0.65, '×', results.ratio('vouch', 'got'), 'CPU against got(url).json()'),
        atMost(0.65, '×', results.ratio('vouch', 'axios'), 'CPU against axios'),
        atMost(1, '×', results.ratio('vouch', 'undici fetch'), 'CPU against undici fetch'),
        atMost(1.8, '×', results.ratio('vouch', 'node:https'), 'CPU against node:https (stretch)'),
      ],
    }
  },
}
