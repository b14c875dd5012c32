import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import tls from 'node:tls'
import { createAuthority } from '../../test/helpers/pki.ts'
import type { Way } from '../client.ts'
import { Contender } from '../contender.ts'
import { atMost, type Workload } from '../workload.ts'

const TENANTS = 1000
/** Of each bundle. */
const CERTIFICATES = 145
const ROUNDS = 7

const WAYS: Readonly<Record<string, Way>> = {
  'a session for each': 'keepAlive',
  'one session with as many pools': 'inSession',
  'get without a session': 'perCall',
}

export const tenants: Workload = {
  id: 'P10',
  title: `${TENANTS} tenants, each with a bundle of its own: ${CERTIFICATES} certificates that differ in one`,
  async run({ url, certificate, folder }) {
    const one = writeBundles(join(folder, 'tenant'), 1, readFileSync(certificate, 'utf8'))
    const all = writeBundles(join(folder, 'tenants'), TENANTS, readFileSync(certificate, 'utf8'))
    const rows = []
    const targets = []
    for (const [name, way] of Object.entries(WAYS)) {
      using single = new Contender('vouch tenants', way, url, one)
      using many = new Contender('vouch tenants', way, url, all)
      for (const contender of [single, many]) await contender.run(3 * TENANTS, 1)
      for (let round = 0; round < ROUNDS; round++) {
        for (const contender of [single, many]) contender.samples.push(await contender.run(TENANTS, 1))
      }
      const memory = (many.median('rss') - single.median('rss')) / (TENANTS - 1)
      rows.push({ name, values: [single.median('cpu'), many.median('cpu'), memory] })
      targets.push(
        atMost(1.5, 'MiB', memory, `memory for each tenant, ${name}`),
        atMost(1.5, '×', many.median('cpu') / single.median('cpu'), `CPU against one tenant, ${name}`),
      )
    }
    return { columns: ['CPU µs, one tenant', `CPU µs, ${TENANTS} tenants`, 'MiB for each'], rows, targets }
  },
}

/** @returns the folder */
function writeBundles(folder: string, count: number, certificate: string): string {
  const { key } = createAuthority()
  const make = (commonName: string) => createAuthority({ key, commonName }).certificate
  const roots = [...tls.rootCertificates, ...Array.from({ length: CERTIFICATES }, (_, index) => make(`Root ${index}`))]
  const shared = [certificate, ...roots.slice(0, CERTIFICATES - 2)].join('\n')
  mkdirSync(folder)
  for (let index = 0; index < count; index++) {
    writeFileSync(join(folder, `${index}.pem`), `${shared}\n${make(`Tenant ${index}`)}`)
  }
  return folder
}
