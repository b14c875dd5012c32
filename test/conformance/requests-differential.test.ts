import '../helpers/environment.ts'
import './names.ts'
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Session, type Verify } from '../../src/index.ts'
import { expectWarnings } from '../helpers/environment.ts'
import { createAuthority } from '../helpers/pki.ts'
import { tempDir } from '../helpers/temp.ts'
import { contentCases } from './contents.ts'
import { type Cell, CONTENTS, type Difference, SERVERS } from './differences.ts'
import { askRequests, whyNoRequests } from './oracle.ts'
import { pooled, startServers, verdict } from './run.ts'
import { serverCases } from './servers.ts'
import { materialOf, pathSources } from './sources.ts'

const skip = whyNoRequests()

interface Case {
  readonly server: string
  readonly source: string
  readonly url: string
  readonly verify: Verify
}

/** Asks both for their verdicts; fails on a difference that is not listed, and on a listed one that does not show. */
async function compare(t: TestContext, cases: readonly Case[], differences: readonly Difference[]): Promise<void> {
  const { versions, answers } = await askRequests(
    cases.map(({ url, verify }) => ({ kind: 'get', url, verify: verify as string | boolean })),
  )
  await using session = new Session()
  const ours: string[] = []
  await expectWarnings(cases.some(({ verify }) => verify === false) ? 'InsecureRequestWarning' : [], async () => {
    ours.push(...(await pooled(cases, 8, ({ url, verify }) => verdict(session, url, verify))))
  })
  const cells = cases.map(({ server, source }, index): Cell => {
    const own = ours[index] ?? ''
    return { server, source, theirs: String(answers[index]), ours: /^(?:trusted|bundle)$/.test(own) ? own : 'refused' }
  })
  const applicable = differences.filter(({ when }) => when?.(versions) ?? true)
  const known = new Map<Difference | undefined, Cell[]>()
  for (const cell of cells.filter(({ theirs, ours }) => theirs !== ours)) {
    const difference = applicable.find(({ fits }) => fits(cell))
    known.set(difference, [...(known.get(difference) ?? []), cell])
  }
  assert.deepEqual(
    known.get(undefined)?.map(({ server, source, theirs, ours }) => `${server} × ${source}: ${theirs}, here ${ours}`),
    undefined,
  )
  t.diagnostic(`${cells.length} cells against requests ${versions.requests}, Python ${versions.python.join('.')}`)
  for (const difference of applicable) {
    const times = known.get(difference)?.length ?? 0
    t.diagnostic(`${difference.id}: ${times} cells`)
    assert(times > 0 || difference.optional, `${difference.id} does not show: take it from the list`)
  }
}

test('every path and boolean judges every server as Python requests does, but for the listed differences', {
  skip,
}, async (t) => {
  using dir = tempDir()
  const all = serverCases()
  const material = materialOf(all, dir)
  await using servers = await startServers(all)
  const cases = servers.list.flatMap(({ server, url }) => {
    const own = material.get(server)
    return own ? pathSources(own).map(({ name, verify }) => ({ server: server.name, source: name, url, verify })) : []
  })
  await compare(t, cases, SERVERS)
})

test('every content of a bundle is taken or refused as by Python requests, but for the listed differences', {
  skip,
}, async (t) => {
  using dir = tempDir()
  const root = createAuthority()
  const leaf = root.issue()
  const [server] = serverCases()
  assert(server)
  const good = { ...server, path: [leaf.certificate, root.certificate], sent: [leaf.certificate], key: leaf.key }
  await using servers = await startServers([good])
  const url = servers.list[0]?.url ?? ''
  const rows = contentCases(dir, root.certificate, root.key)
  const cases = rows.map(([source, verify]) => ({ server: 'good', source, url, verify }))
  await compare(t, cases, CONTENTS)
})
