import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { atMost, type Workload } from '../workload.ts'

export const endurance: Workload = {
  id: 'P8',
  title: 'A million requests while the bundle is rewritten every 100 ms (`npm run soak`)',
  onDemand: true,
  async run() {
    const soak = fileURLToPath(new URL('../soak/run.ts', import.meta.url))
    const { status } = spawnSync(process.execPath, ['--expose-gc', soak], { stdio: 'inherit' })
    return { columns: [], rows: [], targets: [atMost(0, '', status ?? 1, 'exit code: no failure, flat memory')] }
  },
}
