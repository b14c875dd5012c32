import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { secureContextFor } from '../../src/trust/secure-context.ts'
import { resolveTrust, toTrust } from '../../src/trust/verify.ts'
import { createAuthority } from '../../test/helpers/pki.ts'
import { play, tell } from '../role.ts'
import { atMost, type Workload } from '../workload.ts'

const COUNTS = [145, 2500, 10_000]
/** A bundle of 10,000 has 20 MB, as one whose certificates are described in comments. */
const COMMENT = `# ${'-'.repeat(70)}\n`.repeat(16)

/** CPU ms. */
interface Cost {
  readonly read: number
  readonly context: number
}

export const bigBundles: Workload = {
  id: 'P12',
  title: 'The first use of a large bundle',
  async run({ folder }) {
    const { key } = createAuthority()
    const costs: (Cost & { readonly count: number })[] = []
    for (const count of COUNTS) {
      const path = join(folder, `${count}-certificates.pem`)
      const certificates = Array.from({ length: count }, (_, index) => {
        return COMMENT + createAuthority({ key, commonName: `Root ${index}` }).certificate
      })
      writeFileSync(path, certificates.join(''))
      costs.push({ count, ...(await play<Cost>(import.meta.url, 'load', [path])) })
    }
    const each = costs.map(({ count, read }) => read / count)
    return {
      columns: ['ms to read', 'µs for each certificate', 'ms for the TLS context'],
      rows: costs.map(({ count, read, context }, index) => {
        return { name: `${count} certificates`, values: [read, (each[index] ?? 0) * 1000, context] }
      }),
      targets: [atMost(1.3, '×', (each[2] ?? 0) / (each[1] ?? 0), 'CPU for each of 10,000, against each of 2,500')],
    }
  },
}

if (import.meta.main) {
  const [path = ''] = process.argv.slice(3)
  // Until the file is believed by its status.
  await delay(100)
  const trust = toTrust(path, 'call')
  const start = process.cpuUsage()
  const resolved = resolveTrust(trust)
  const read = ms(start)
  const between = process.cpuUsage()
  secureContextFor(resolved, undefined)
  tell({ read, context: ms(between) })
}

function ms(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start)
  return (user + system) / 1000
}
