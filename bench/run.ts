/**
 * `npm run bench [-- P1 P4 [--keep]]`: what trust and requests cost, next to other clients on the same server in the same run.
 *
 * Ratios mean something; the microseconds are this machine's. results.md keeps a complete run (all workloads but those that have to be
 * asked for), and with `--keep` the chosen workloads. The chart of the documentation is drawn from a run that has both of its workloads.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { CHARTED, chart } from './chart.ts'
import { markdown, type Report, setting, table, verdicts } from './report.ts'
import { BenchServer } from './server.ts'
import type { Workload } from './workload.ts'
import { bigBundles } from './workloads/big-bundles.ts'
import { costOfTrust } from './workloads/cost-of-trust.ts'
import { endurance } from './workloads/endurance.ts'
import { fetchInFlight } from './workloads/fetch-in-flight.ts'
import { inFlight } from './workloads/in-flight.ts'
import { keepAlive } from './workloads/keep-alive.ts'
import { newConnections } from './workloads/new-connections.ts'
import { perCall } from './workloads/per-call.ts'
import { sessions } from './workloads/sessions.ts'
import { startUp } from './workloads/start-up.ts'
import { streams } from './workloads/streams.ts'
import { tenants } from './workloads/tenants.ts'

const WORKLOADS: readonly Workload[] = [
  keepAlive,
  inFlight,
  perCall,
  newConnections,
  sessions,
  startUp,
  streams,
  endurance,
  costOfTrust,
  tenants,
  fetchInFlight,
  bigBundles,
]

const words = process.argv.slice(2)
const asked = words.filter((word) => word !== '--keep').map((id) => id.toUpperCase())
const unknown = asked.find((id) => !WORKLOADS.some((workload) => workload.id === id))
if (unknown !== undefined) {
  console.error(`There is no workload ${unknown}; there are ${WORKLOADS.map(({ id }) => id).join(', ')}.`)
  process.exit(2)
}
installPeers()

const chosen = WORKLOADS.filter(({ id, onDemand }) => (asked.length > 0 ? asked.includes(id) : !onDemand))
await using server = await BenchServer.start()
console.log(`${setting(server)}\n`)
const reports: Report[] = []
for (const workload of chosen) {
  console.log(`${workload.id}  ${workload.title}\n`)
  const report = { workload, outcome: await workload.run(server) }
  reports.push(report)
  console.log(`${table(report.outcome)}\n\n${verdicts(report.outcome)}\n`)
}
const isComplete = asked.length === 0
if (isComplete || words.includes('--keep')) {
  const results = new URL('results.md', import.meta.url)
  writeFileSync(results, markdown(isComplete ? '' : readFileSync(results, 'utf8'), server, reports))
  console.log('Written: bench/results.md')
  if (CHARTED.every((id) => reports.some(({ workload }) => workload.id === id))) {
    writeFileSync(new URL('../docs/benchmark.svg', import.meta.url), chart(reports))
    console.log('Written: docs/benchmark.svg')
  }
}

function installPeers(): void {
  const cwd = fileURLToPath(new URL('peers/', import.meta.url))
  if (existsSync(`${cwd}node_modules`)) return
  console.log('Installing the clients to compare with …')
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
