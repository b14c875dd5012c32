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
import { askRequests, type Versions } from './oracle.ts'
import { consult, type Inquiry } from './record.ts'
import { pooled, startServers, verdict } from './run.ts'
import { type ServerCase, serverCases, serversElsewhere } from './servers.ts'
import { materialOf, pathSources } from './sources.ts'
import { Tally } from './tally.ts'

interface Case {
  readonly server: string
  readonly source: string
  readonly url: string
  readonly verify: Verify
}

/** What is recorded: the verdicts of a server, by source. */
type Verdicts = Readonly<Record<string, string>>

/** Asks both for their verdicts; fails on a difference that is not listed, and on a listed one that does not show. */
async function compare(
  t: TestContext,
  cases: readonly Case[],
  differences: readonly Difference[],
  about: Pick<Inquiry<Verdicts>, 'suite' | 'elsewhere'> & { readonly describe: (server: string) => unknown },
): Promise<void> {
  const byServer = [...Map.groupBy(cases, ({ server }) => server)]
  const { versions, answers } = await consult<Verdicts>(t, {
    ...about,
    questions: byServer.map(([server, own]) => [server, [about.describe(server), own.map(({ source }) => source)]]),
    ask: () => ask(byServer.map(([, own]) => own)),
  })
  const theirs = new Map(byServer.map(([server], index) => [server, answers[index]]))
  await using session = new Session()
  const ours: string[] = []
  await expectWarnings(cases.some(({ verify }) => verify === false) ? 'InsecureRequestWarning' : [], async () => {
    ours.push(...(await pooled(cases, 8, ({ url, verify }) => verdict(session, url, verify))))
  })
  const tally = new Tally(differences, versions)
  const unlisted = cases.flatMap(({ server, source }, index) => {
    const own = ours[index] ?? ''
    const our = /^(?:trusted|bundle)$/.test(own) ? own : 'refused'
    const cell: Cell = { server, source, theirs: theirs.get(server)?.[source] ?? '', ours: our }
    if (cell.theirs === our) return []
    const difference = tally.differences.find(({ fits }) => fits(cell))
    if (difference === undefined) return [`${server} × ${source}: ${cell.theirs}, here ${our}`]
    tally.count(difference)
    return []
  })
  assert.deepEqual(unlisted, [])
  tally.report(t, cases.length)
}

/** requests' verdicts of each server, by source. */
async function ask(servers: readonly (readonly Case[])[]): Promise<{ versions: Versions; answers: Verdicts[] }> {
  const questions = servers.flat().map(({ url, verify }) => ({ kind: 'get' as const, url, verify: verify as string }))
  const { versions, answers } = await askRequests(questions)
  const verdicts = answers.map(String).values()
  return {
    versions,
    answers: servers.map((own) => Object.fromEntries(own.map(({ source }) => [source, verdicts.next().value ?? '']))),
  }
}

/** Of a server, what is the same in each run. */
function describe({ host, path, sent, ciphers }: ServerCase): unknown {
  return { host, path: path.length, sent: sent.map((certificate) => path.indexOf(certificate)), ciphers }
}

test('every path and boolean judges every server as Python requests does, but for the listed differences', async (t) => {
  using dir = tempDir()
  const all = serverCases()
  const material = materialOf(all, dir)
  await using servers = await startServers(all)
  const cases = servers.list.flatMap(({ server, url }) => {
    const own = material.get(server)
    return own ? pathSources(own).map(({ name, verify }) => ({ server: server.name, source: name, url, verify })) : []
  })
  const descriptions = new Map(all.map((server) => [server.name, describe(server)]))
  await compare(t, cases, SERVERS, {
    suite: 'servers',
    describe: (name) => descriptions.get(name),
    elsewhere: serversElsewhere(),
  })
})

test('every content of a bundle is taken or refused as by Python requests, but for the listed differences', async (t) => {
  using dir = tempDir()
  // The signatures of RSA are of one length, so the base64 is: whether it ends in padding decides what some rows come to.
  const root = createAuthority({ keyType: 'rsa-2048', commonName: 'Test Root' })
  assert.match(root.certificate, /=\n-----END/)
  const leaf = root.issue()
  const [server] = serverCases()
  assert(server)
  const good = { ...server, path: [leaf.certificate, root.certificate], sent: [leaf.certificate], key: leaf.key }
  await using servers = await startServers([good])
  const url = servers.list[0]?.url ?? ''
  const rows = contentCases(dir, root.certificate, root.key)
  const cases = rows.map(([source, verify]) => ({ server: 'good', source, url, verify }))
  await compare(t, cases, CONTENTS, { suite: 'contents', describe: () => 'good' })
})
