import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import tls from 'node:tls'
import { get, HTTPAdapter, Session } from 'vouch'
import { createAuthority } from '../../test/helpers/pki.ts'
import { type Ask, measure } from '../client.ts'
import { play, tell } from '../role.ts'
import { atMost, type Workload } from '../workload.ts'

const TENANTS = 1000
/** Of each bundle. */
const CERTIFICATES = 145
/** By all tenants together. */
const REQUESTS = 5 * TENANTS

/** How a service with many tenants asks. */
const WAYS: Readonly<Record<string, (url: string, bundles: readonly string[]) => Ask[]>> = {
  'a session for each': (url, bundles) =>
    bundles.map((verify) => new Session({ verify })).map((session) => () => session.get(url)),
  'one session with as many pools': (url, bundles) => {
    const session = new Session()
    session.mount('https://', new HTTPAdapter({ poolConnections: TENANTS }))
    return bundles.map((verify) => () => session.get(url, { verify }))
  },
  'get without a session': (url, bundles) => bundles.map((verify) => () => get(url, { verify })),
}

interface Cost {
  /** µs per request. */
  readonly cpu: number
  /** MiB of the process. */
  readonly rss: number
}

export const tenants: Workload = {
  id: 'P10',
  title: `${TENANTS} tenants, each with a bundle of its own: ${CERTIFICATES} certificates that differ in one`,
  async run({ url, certificate, folder }) {
    const bundles = join(folder, 'tenants')
    writeBundles(bundles, readFileSync(certificate, 'utf8'))
    const rows = []
    const targets = []
    for (const way of Object.keys(WAYS)) {
      const cost = (count: number) => play<Cost>(import.meta.url, way, [url, bundles, String(count)], ['--expose-gc'])
      const [one, all] = [await cost(1), await cost(TENANTS)]
      const memory = (all.rss - one.rss) / (TENANTS - 1)
      rows.push({ name: way, values: [one.cpu, all.cpu, memory] })
      targets.push(
        atMost(1.5, 'MiB', memory, `memory for each tenant, ${way}`),
        atMost(1.5, '×', all.cpu / one.cpu, `CPU against one tenant, ${way}`),
      )
    }
    return { columns: ['CPU µs, one tenant', `CPU µs, ${TENANTS} tenants`, 'MiB for each'], rows, targets }
  },
}

function writeBundles(folder: string, certificate: string): void {
  const authority = createAuthority()
  const make = (commonName: string) => createAuthority({ key: authority.key, commonName }).certificate
  const roots = [...tls.rootCertificates, ...Array.from({ length: CERTIFICATES }, (_, index) => make(`Root ${index}`))]
  const shared = [certificate, ...roots.slice(0, CERTIFICATES - 2)].join('\n')
  mkdirSync(folder)
  for (let index = 0; index < TENANTS; index++) {
    writeFileSync(join(folder, `${index}.pem`), `${shared}\n${make(`Tenant ${index}`)}`)
  }
}

if (import.meta.main) {
  const [way = '', url = '', folder = '', count = ''] = process.argv.slice(2)
  const bundles = Array.from({ length: Number(count) }, (_, index) => join(folder, `${index}.pem`))
  const asks = WAYS[way]?.(url, bundles) ?? []
  let turn = 0
  // In turn: the worst order for whatever keeps those used last.
  const ask = () => asks[turn++ % asks.length]?.() ?? Promise.reject(new Error(`no way ${way}`))
  await measure(ask, 2 * REQUESTS, 1)
  const { cpu } = await measure(ask, REQUESTS, 1)
  for (let times = 0; times < 3; times++) {
    globalThis.gc?.()
    await delay(50)
  }
  tell({ cpu, rss: process.memoryUsage.rss() / 2 ** 20 })
}
