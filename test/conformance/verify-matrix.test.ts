import '../helpers/environment.ts'
import './names.ts'
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Session } from '../../src/index.ts'
import { expectWarnings } from '../helpers/environment.ts'
import { tempDir } from '../helpers/temp.ts'
import { verdictOf } from './model.ts'
import { pooled, type Running, type RunningServers, shuffled, startServers, verdict } from './run.ts'
import { serverCases } from './servers.ts'
import { materialOf, pathSources, type SourceCase, valueSources } from './sources.ts'

interface Cell extends Running {
  readonly source: SourceCase
}

const dir = tempDir()
let servers: RunningServers
let cells: Cell[] = []

before(async () => {
  const cases = serverCases()
  const material = materialOf(cases, dir)
  servers = await startServers(cases)
  cells = servers.list.flatMap((running) => {
    const own = material.get(running.server)
    return own ? [...pathSources(own), ...valueSources(own)].map((source) => ({ ...running, source })) : []
  })
})
after(async () => {
  await servers[Symbol.asyncDispose]()
  dir[Symbol.dispose]()
})

const describe = ({ server, source }: Cell, found: string) => `${server.name} × ${source.name}: ${found}`

for (const [how, width] of [
  ['one after the other', 1],
  ['16 at a time', 16],
] as const) {
  test(`every form of verify judges every server as it should, in one session, ${how}`, async () => {
    await using session = new Session()
    const order = shuffled(cells)
    const verdicts: string[] = []
    const warnings = await expectWarnings(width === 1 ? 'InsecureRequestWarning' : [], async () => {
      verdicts.push(...(await pooled(order, width, ({ url, source }) => verdict(session, url, source.verify))))
    })
    const found = order.map((cell, index) => describe(cell, verdicts[index] ?? ''))
    const expected = order.map((cell) => describe(cell, verdictOf(cell.server, cell.source.trusts)))
    assert.deepEqual(
      found.filter((line, index) => line !== expected[index]),
      expected.filter((line, index) => line !== found[index]),
    )
    assert(cells.length > 1500, `${cells.length} cells`)
    // Once per host, however often it is asked.
    assert.equal(warnings.length, width === 1 ? new Set(cells.map(({ url }) => new URL(url).hostname)).size : 0)
  })
}
