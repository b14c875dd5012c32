/**
 * `node bench/player.ts MODULE WAY URL CA`: one client in a process of its own, so that its CPU time, its memory and its
 * compiled code are nobody else's. For each line `{ "requests": …, "inFlight": … }` it asks so often, and writes a
 * {@link Sample} as a line.
 */
import { createInterface } from 'node:readline'
import type { Ask, Client, Way } from './client.ts'
import type { Sample } from './contender.ts'

const [module = '', way = '', url = '', ca = ''] = process.argv.slice(2)
const client: Client = await import(module)
const ask = client[way as Way]?.(url, ca)
if (ask === undefined) throw new Error(`${module} has no way ${way}`)

for await (const line of createInterface({ input: process.stdin })) {
  const { requests, inFlight } = JSON.parse(line) as { requests: number; inFlight: number }
  console.log(JSON.stringify(await measure(ask, requests, inFlight)))
}
process.exit()

async function measure(ask: Ask, requests: number, inFlight: number): Promise<Sample> {
  const cpu = process.cpuUsage()
  const start = performance.now()
  let left = requests
  const work = async () => {
    while (left-- > 0) await ask()
  }
  await Promise.all(Array.from({ length: inFlight }, work))
  const wall = (performance.now() - start) * 1000
  const { user, system } = process.cpuUsage(cpu)
  return { cpu: (user + system) / requests, wall: wall / requests, rss: process.memoryUsage.rss() / 2 ** 20 }
}
