import { COLD, COLUMNS, compete, type PlayerName, WARM } from '../contender.ts'
import { atMost, type Workload } from '../workload.ts'

const RUNS = 5
const PLAYERS: readonly PlayerName[] = [
  'node:https',
  'vouch',
  'undici request',
  'undici fetch',
  'axios',
  'node-fetch',
  'ky',
  'got',
  'Python requests',
]

export const keepAlive: Workload = {
  id: 'P1',
  title: 'Keep-alive GET, one connection',
  async run({ url, certificate }) {
    const effort = { way: 'keepAlive', url, ca: certificate, runs: RUNS } as const
    const cold = await compete(PLAYERS, { ...effort, warmUp: COLD, rounds: 3, requests: COLD })
    const results = await compete(PLAYERS, { ...effort, warmUp: WARM, rounds: 11, requests: 2000 })
    return {
      columns: [...COLUMNS, 'CPU µs just started'],
      rows: results
        .rows()
        .map(({ name, values }) => ({ name, values: [...values, cold.get(name as PlayerName, 'cpu')] })),
      targets: [
        atMost(0.65, '×', results.ratio('vouch', 'got'), 'CPU against got(url).json()'),
        atMost(0.65, '×', results.ratio('vouch', 'axios'), 'CPU against axios'),
        atMost(1, '×', results.ratio('vouch', 'undici fetch'), 'CPU against undici fetch'),
        atMost(0.75, '×', cold.ratio('vouch', 'got'), 'just started, CPU against got(url).json()'),
        atMost(1, '×', cold.ratio('vouch', 'undici fetch'), 'just started, CPU against undici fetch'),
        atMost(1.8, '×', results.ratio('vouch', 'node:https'), 'CPU against node:https (stretch)'),
      ],
    }
  },
}
