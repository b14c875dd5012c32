/** A large download, and a large upload from a file. Server and clients are processes of their own: so is their memory. */
import { once } from 'node:events'
import { createReadStream, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import https, { createServer } from 'node:https'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { listen } from '../../test/helpers/ports.ts'
import { play, start, tell } from '../role.ts'
import { atLeast, atMost, type Row, type Workload } from '../workload.ts'

const MIB = 2 ** 20
const SIZE = 1024 * MIB
const ROUNDS = 5

/** How a part went: s, and by how much the process's memory had grown at its peak, in MiB. */
interface Ride {
  readonly seconds: number
  readonly cpu: number
  readonly growth: number
}

/** What is compared: each returns how many bytes have arrived at the other end. */
const PARTS: Readonly<Record<string, (url: string, ca: string, file: string) => Promise<number>>> = {
  'node:https, download': (url, ca) =>
    new Promise((resolve, reject) => {
      const request = https.get(url, { ca: readFileSync(ca) }, (response) => {
        let size = 0
        response.on('data', (chunk: Buffer) => {
          size += chunk.length
        })
        response.on('end', () => resolve(size))
      })
      request.on('error', reject)
    }),
  'vouch, download, stream: true': async (url, ca) => {
    const { get } = await import('vouch')
    let size = 0
    for await (const chunk of await get(url, { verify: ca, stream: true })) size += chunk.length
    return size
  },
  'node:https, upload': async (url, ca, file) => {
    const headers = { 'content-length': statSync(file).size }
    const request = https.request(url, { method: 'POST', ca: readFileSync(ca), headers })
    const answered = once(request, 'response')
    await pipeline(createReadStream(file), request)
    const [response] = await answered
    return Number((await response.toArray()).join(''))
  },
  'vouch, multipart upload of a file': async (url, ca, file) => {
    const { post } = await import('vouch')
    const response = await post(url, { verify: ca, files: { file: createReadStream(file) } })
    return response.json<number>()
  },
}

export const streams: Workload = {
  id: 'P7',
  title: `Streams of ${SIZE / MIB} MiB`,
  async run({ folder, certificate, key }) {
    const file = join(folder, 'large.bin')
    writeFileSync(file, '')
    truncateSync(file, SIZE)
    const server = start(import.meta.url, 'server', [certificate, key])
    try {
      const [port] = (await once(server, 'message')) as [number]
      const rides = new Map<string, Ride[]>(Object.keys(PARTS).map((part) => [part, []]))
      for (let round = 0; round < ROUNDS; round++) {
        for (const [part, all] of rides) {
          all.push(await play<Ride>(import.meta.url, part, [`https://127.0.0.1:${port}/`, certificate, file]))
        }
      }
      return outcome(rides)
    } finally {
      server.kill()
    }
  },
}

function outcome(rides: ReadonlyMap<string, readonly Ride[]>): Awaited<ReturnType<Workload['run']>> {
  // The best of each: what disturbs a ride makes it slower, and never faster.
  const rows: Row[] = Array.from(rides, ([name, all]) => {
    const [seconds, cpu] = [Math.min(...all.map((ride) => ride.seconds)), Math.min(...all.map((ride) => ride.cpu))]
    return { name, values: [SIZE / MIB / seconds, cpu, Math.max(...all.map(({ growth }) => growth))] }
  })
  const [down, ourDown, up, ourUp] = rows.map(({ values: [speed = 0, , growth = 0] }) => ({ speed, growth }))
  const ratio = (ours: typeof down, theirs: typeof down) => (ours?.speed ?? 0) / (theirs?.speed ?? 1)
  return {
    columns: ['MiB/s', 'CPU s', 'MiB more at the peak'],
    rows,
    targets: [
      atLeast(0.8, '×', ratio(ourDown, down), 'throughput of a download against node:https'),
      atLeast(0.8, '×', ratio(ourUp, up), 'throughput of an upload against node:https'),
      atMost(150, 'MiB', Math.max(ourDown?.growth ?? 0, ourUp?.growth ?? 0), 'more memory at the peak'),
    ],
  }
}

/** Sends so many bytes to a GET, and counts what a POST brings. */
function serve(certFile: string, keyFile: string): void {
  const chunk = Buffer.alloc(MIB / 4)
  const options = { cert: readFileSync(certFile), key: readFileSync(keyFile) }
  const server = createServer(options, async (request, response) => {
    if (request.method === 'POST') {
      let received = 0
      for await (const each of request as AsyncIterable<Buffer>) received += each.length
      response.end(String(received))
      return
    }
    response.setHeader('content-length', SIZE)
    for (let sent = 0; sent < SIZE; sent += chunk.length) {
      if (!response.write(chunk)) await once(response, 'drain')
    }
    response.end()
  })
  void listen(server).then((port) => process.send?.(port))
  process.on('disconnect', () => process.exit())
}

async function ride(part: string, url: string, ca: string, file: string): Promise<void> {
  // Loading it is not what is measured.
  await import('vouch')
  const started = performance.now()
  const rss = process.memoryUsage.rss() / MIB
  const size = (await PARTS[part]?.(url, ca, file)) ?? 0
  if (size < SIZE) throw new Error(`${part}: ${size} bytes only`)
  const seconds = (performance.now() - started) / 1000
  // In µs, and in KiB, as the operating system counts.
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage()
  tell({ seconds, cpu: (userCPUTime + systemCPUTime) / 1e6, growth: maxRSS / 1024 - rss })
}

if (import.meta.main) {
  const [part = '', first = '', second = '', third = ''] = process.argv.slice(2)
  if (part === 'server') serve(first, second)
  else await ride(part, first, second, third)
}
