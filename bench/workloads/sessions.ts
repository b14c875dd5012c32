import { setTimeout as delay } from 'node:timers/promises'
import { caStats, Session } from 'vouch'
import { play, tell } from '../role.ts'
import { atMost, type Workload } from '../workload.ts'

const COUNT = 1000

interface Memory {
  /** MiB, of the process. */
  readonly rss: number
  /** MiB, of live objects. */
  readonly heap: number
  readonly contexts: number
}

export const sessions: Workload = {
  id: 'P5',
  title: `${COUNT} sessions that trust the same bundle by its path, against as many requests of one`,
  async run({ url, bundle }) {
    const [one, all] = [
      await play<Memory>(import.meta.url, '1', [url, bundle], ['--expose-gc']),
      await play<Memory>(import.meta.url, String(COUNT), [url, bundle], ['--expose-gc']),
    ]
    return {
      columns: ['MiB', 'MiB of live objects', 'contexts'],
      rows: [
        { name: 'one session', values: [one.rss, one.heap, one.contexts] },
        { name: `${COUNT} sessions`, values: [all.rss, all.heap, all.contexts] },
      ],
      targets: [
        atMost(1, '', all.contexts, 'TLS contexts in memory'),
        atMost(20, 'MiB', all.rss - one.rss, 'more memory than one session'),
      ],
    }
  },
}

/** So many sessions, and as many requests in either case: what the handshakes leave with the allocator is no session's. */
if (import.meta.main) {
  const [count = '', url = '', verify = ''] = process.argv.slice(2)
  const kept = Array.from({ length: Number(count) }, () => new Session({ verify }))
  for (let request = 0; request < COUNT; request++) {
    await kept[request % kept.length]?.get(url, { headers: { connection: 'close' } })
  }
  for (let times = 0; times < 3; times++) {
    globalThis.gc?.()
    await delay(50)
  }
  const { rss, heapUsed } = process.memoryUsage()
  tell({ rss: rss / 2 ** 20, heap: heapUsed / 2 ** 20, contexts: caStats().contexts })
}
