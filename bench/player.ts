/**
 * `node bench/player.ts MODULE WAY URL CA`: one client in a process of its own, so that its CPU time, its memory and its
 * compiled code are its own. For each line `{ "requests": …, "inFlight": … }` it asks so often, and writes a
 * `Sample` as a line.
 */
import { createInterface } from 'node:readline'
import { type Client, measure, type Way } from './client.ts'

const [module = '', way = '', url = '', ca = ''] = process.argv.slice(2)
const client: Client = await import(module)
const ask = client[way as Way]?.(url, ca)
if (ask === undefined) throw new Error(`${module} has no way ${way}`)

for await (const line of createInterface({ input: process.stdin })) {
  const { requests, inFlight } = JSON.parse(line) as { requests: number; inFlight: number }
  console.log(JSON.stringify(await measure(ask, requests, inFlight)))
}
process.exit()
