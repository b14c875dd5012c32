import '../helpers/environment.ts'
import './names.ts'
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { HTTPAdapter, Session } from '../../src/index.ts'
import { expectWarnings } from '../helpers/environment.ts'
import { tempDir } from '../helpers/temp.ts'
import { verdictOf } from './model.ts'
import { addressOf, pooled, type Running, type RunningServers, shuffled, startServers, verdict } from './run.ts'
import { type ServerCase, serverCases } from './servers.ts'
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

test('connectTo changes the address and no verdict', async () => {
  const few = cells.filter(({ source }) => FEW.has(source.name))
  const ports = new Map(servers.list.map(({ port }, index) => [port, 10_000 + index]))
  const entries = servers.list.map(({ url, server, port }) => {
    return [`${new URL(url).hostname}:${ports.get(port)}`, `${authorityAt(server)}:${port}`]
  })
  await using session = new Session()
  session.mount('https://', new HTTPAdapter({ connectTo: Object.fromEntries(entries) }))
  const found = await pooled(few, 16, ({ url, port, source }) => {
    return verdict(session, url.replace(`:${port}`, `:${ports.get(port)}`), source.verify)
  })
  assert.deepEqual(
    few.map((cell, index) => describe(cell, found[index] ?? '')),
    few.map((cell) => describe(cell, verdictOf(cell.server, cell.source.trusts))),
  )
  assert(few.length > 200, `${few.length} cells`)
})

const authorityAt = (server: ServerCase) => (addressOf(server) === '::1' ? '[::1]' : '127.0.0.1')

const FEW: ReadonlySet<string> = new Set([
  'root',
  'leaf only',
  'another root',
  'pin',
  'pin of another certificate',
  'root, and the intermediate to help',
])
