import { setTimeout as delay } from 'node:timers/promises'
import { caStats, Session } from 'vouch'
import { play, tell } from '../role.ts'
import { atMost, type Workload } from '../workload.ts'

const COUNT = 1000

interface Memory {
  readonly one: number
  readonly all: number
  readonly contexts: number
}

export const sessions: Workload = {
  id: 'P5',
  title: `${COUNT} sessions that trust the same bundle by its path`,
  async run({ url, bundle }) {
    const { one, all, contexts } = await play<Memory>(import.meta.url, 'sessions', [url, bundle], ['--expose-gc'])
    return {
      columns: ['MiB', 'contexts'],
      rows: [
        { name: 'one session', values: [one, undefined] },
        { name: `${COUNT} sessions`, values: [all, contexts] },
      ],
      targets: [
        atMost(1, '', contexts, 'TLS contexts in memory'),
        atMost(20, 'MiB', all - one, 'more memory than one session'),
      ],
    }
  },
}

if (import.meta.main) {
  const [url = '', bundle = ''] = process.argv.slice(3)
  const kept = [await asked(url, bundle)]
  const one = await memory()
  while (kept.length < COUNT) kept.push(await asked(url, bundle))
  tell({ one, all: await memory(), contexts: caStats().contexts })
}

/** A session that has been used; its connection is the server's matter, and would hide what the session takes. */
async function asked(url: string, bundle: string): Promise<Session> {
  const session = new Session({ verify: bundle })
  await session.get(url, { headers: { connection: 'close' } })
  return session
}

/** In MiB, of the process. */
async function memory(): Promise<number> {
  for (let times = 0; times < 3; times++) {
    globalThis.gc?.()
    await delay(50)
  }
  return process.memoryUsage.rss() / 2 ** 20
}
