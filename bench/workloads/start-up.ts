import { readFileSync } from 'node:fs'
import https from 'node:https'
import tls from 'node:tls'
import { median } from '../contender.ts'
import { play, tell } from '../role.ts'
import { atMost, type Workload } from '../workload.ts'

const ROUNDS = 21

/** Since the process began. */
interface Start {
  /** µs */
  readonly cpu: number
  /** ms */
  readonly wall: number
  /** MiB */
  readonly rss: number
}

/** What is compared: each imports a client and asks once. */
const PARTS: Readonly<Record<string, (url: string, ca: string) => Promise<unknown>>> = {
  'node:https': (url, ca) =>
    new Promise((resolve, reject) => {
      const request = https.get(url, { ca: readFileSync(ca) }, (response) => response.on('end', resolve).resume())
      request.on('error', reject)
    }),
  got: async (url, ca) => {
    const { default: got } = await import('got')
    const agent = new https.Agent({ secureContext: tls.createSecureContext({ ca: readFileSync(ca) }) })
    return got(url, { agent: { https: agent } }).json()
  },
  vouch: async (url, ca) => {
    const { get } = await import('vouch')
    return (await get(url, { verify: ca })).json()
  },
}

export const startUp: Workload = {
  id: 'P6',
  title: 'The whole process: import, and the first verified response',
  async run({ url, certificate }) {
    const starts = new Map<string, Start[]>(Object.keys(PARTS).map((part) => [part, []]))
    for (let round = 0; round < ROUNDS; round++) {
      for (const [part, all] of starts) all.push(await play<Start>(import.meta.url, part, [url, certificate]))
    }
    const figure = (part: string, kind: keyof Start) => median((starts.get(part) ?? []).map((start) => start[kind]))
    return {
      columns: ['CPU ms', 'wall ms', 'MiB'],
      rows: Object.keys(PARTS).map((name) => ({
        name,
        values: [figure(name, 'cpu') / 1000, figure(name, 'wall'), figure(name, 'rss')],
      })),
      targets: [
        atMost(1.1, '×', figure('vouch', 'cpu') / figure('got', 'cpu'), 'CPU against got'),
        atMost(1.1, '×', figure('vouch', 'wall') / figure('got', 'wall'), 'time against got'),
      ],
    }
  },
}

const [part = '', url = '', ca = ''] = process.argv.slice(2)
if (import.meta.main) {
  await PARTS[part]?.(url, ca)
  const { user, system } = process.cpuUsage()
  tell({ cpu: user + system, wall: performance.now(), rss: process.memoryUsage.rss() / 2 ** 20 })
}
