/**
 * `npm run soak [-- --requests 1000000 --concurrency 50 --minutes 30]`: endurance.
 *
 * A million requests while the bundle is rewritten ten times a second and the server's certificate is exchanged twice a second.
 * None may fail, no stranger may be trusted, and nothing may grow. Exits with 1 when something of that is not so.
 */
import { getEventListeners } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { caStats } from 'vouch'
import { Clients } from './clients.ts'
import { Growth } from './growth.ts'
import { Rotation } from './rotation.ts'

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '1000000' },
    concurrency: { type: 'string', default: '50' },
    minutes: { type: 'string', default: '30' },
  },
})
const total = Number(values.requests)
const concurrency = Number(values.concurrency)
for (const name of ['REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE']) delete process.env[name]
process.env.no_proxy = '*'
// Whatever happens, it ends, and its server with it.
const bound = setTimeout(() => abandon(`not done within ${values.minutes} minutes`), Number(values.minutes) * 60_000)

/** As many idle connections as the pools of the module's functions keep, for three bundles. */
const MAX_OPEN = 30
/** The last hundred, and those of the pools that are left. */
const MAX_CONTEXTS = 110
/** The output, which is no leak. */
const OWN = new Set(['PipeWrap', 'TTYWrap'])
const folder = mkdtempSync(join(tmpdir(), 'vouch-soak-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))
const listenersBefore = processListeners()
const rotation = await Rotation.start(folder)
const growth = new Growth()
const clients = new Clients(rotation, (requests) => growth.look(requests / total))
const end = new AbortController()
const started = performance.now()
const rotating = rotation.run(() => clients.underWay(), end.signal)
const reporting = report(end.signal)

await clients.run(total, concurrency)
end.abort()
await Promise.all([rotating, reporting])
await clients.close()
clearTimeout(bound)
await delay(100)
const open = await rotation.connections()
await rotation.stop()
// What is left of the connections of the module's functions.
await delay(100)
globalThis.gc?.()
// For the finalizers.
await delay(100)

const listeners = getEventListeners(clients.signal, 'abort').length
const { contexts, files } = caStats()
const left = process.getActiveResourcesInfo().filter((name) => !OWN.has(name))
const problems = [
  clients.failed > 0 && `${clients.failed} requests failed`,
  clients.wronglyTrusted > 0 && `a stranger was trusted ${clients.wronglyTrusted} times`,
  clients.refused === 0 && 'no stranger was asked',
  open > MAX_OPEN && `${open} connections are open`,
  contexts > MAX_CONTEXTS && `${contexts} contexts are held`,
  // And the system's roots: for a stranger that is refused they are looked at, for a hint.
  files > rotation.bundles.length + 1 && `${files} files are held`,
  listeners > 0 && `${listeners} listeners are left on a signal`,
  processListeners() !== listenersBefore && `listeners on the process: ${processListeners()}, not ${listenersBefore}`,
  left.length > 0 && `left open: ${left}`,
  ...growth.problems(),
].filter((problem) => problem !== false)

tell()
console.log(growth.toString())
for (const error of clients.failures) console.error(error)
for (const problem of problems) console.error(`soak: ${problem}`)
console.log(problems.length === 0 ? 'soak: nothing failed, nothing leaked' : 'soak: failed')
process.exit(problems.length === 0 ? 0 : 1)

async function report(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await delay(5000, undefined, { signal }).catch(() => {})
    if (!signal.aborted) tell(await rotation.connections())
  }
}

function tell(connections?: number): void {
  const { rss, heapUsed } = process.memoryUsage()
  const seconds = (performance.now() - started) / 1000
  const resources = Object.entries(Object.groupBy(process.getActiveResourcesInfo(), (name) => name))
  const stats = caStats()
  const figures = {
    s: seconds.toFixed(0),
    requests: clients.requests,
    'per s': (clients.requests / seconds).toFixed(0),
    failed: clients.failed,
    refused: clients.refused,
    'wrongly trusted': clients.wronglyTrusted,
    rotations: rotation.rounds,
    'rss MB': (rss / 1e6).toFixed(0),
    'heap MB': (heapUsed / 1e6).toFixed(1),
    connections,
    contexts: stats.contexts,
    parses: stats.parses,
    'signal listeners': getEventListeners(clients.signal, 'abort').length,
    resources: resources.map(([name, all]) => `${name} ${all?.length}`).join(' '),
  }
  console.log(
    Object.entries(figures)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${name} ${value}`)
      .join(', '),
  )
}

function processListeners(): number {
  return process.eventNames().reduce((count, name) => count + process.listenerCount(name), 0)
}

function abandon(why: string): never {
  console.error(`soak: ${why}`)
  process.exit(1)
}
