/**
 * Cases in the manner of x509-limbo and BetterTLS: what the rules say of a chain, what vouch says of a server that presents
 * it, and what OpenSSL says by itself. Where two of them part, the case says why.
 */
import '../../helpers/environment.ts'
import '../names.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { consult } from '../record.ts'
import { anchorCases } from './anchors.ts'
import { authorityCases } from './authorities.ts'
import type { LimboCase } from './case.ts'
import { certificateCases } from './certificates.ts'
import { constraintCases } from './constraints.ts'
import { nameCases } from './names.ts'
import { pathCases } from './paths.ts'
import { canRun, startTrial } from './run.ts'
import { signatureCases } from './signatures.ts'

const SUITES: Readonly<Record<string, () => LimboCase[]>> = {
  'host names': nameCases,
  authorities: authorityCases,
  certificates: certificateCases,
  signatures: signatureCases,
  'name constraints': constraintCases,
  paths: pathCases,
  anchors: anchorCases,
}

for (const [title, make] of Object.entries(SUITES)) {
  test(`${title}: vouch judges as the rules say and as OpenSSL does, but where a case says why not`, async (t) => {
    const all = make()
    const cases = all.filter(canRun)
    await using trial = await startTrial(cases)
    const { answers } = await consult(t, {
      suite: `limbo-${title.replaceAll(' ', '-')}`,
      questions: cases.map(({ name, host, sent, anchors }) => [name, [host, sent.length, anchors.length]]),
      ask: () => trial.theirs(),
      elsewhere: all.filter((each) => !canRun(each)).map(({ name }) => name),
    })
    const ours = await trial.ours()
    const verdicts = cases.map((each, index) => judge(each, ours[index] ?? '', answers[index] ?? ''))
    assert.deepEqual(verdicts.flat(), [])
    t.diagnostic(`scenarios compared: ${cases.length}, of which ${cases.filter(({ valid }) => valid).length} are valid`)
    const parting = cases.filter(({ why }) => why !== undefined)
    t.diagnostic(`stricter than the rule: ${parting.filter(({ valid }) => valid).length}`)
    t.diagnostic(`laxer than the rule: ${parting.filter(({ valid }) => !valid).length}`)
    t.diagnostic(`other than OpenSSL: ${cases.filter(({ openssl }) => openssl !== undefined).length}`)
  })
}

/** What is not as the case says. */
function judge({ name, rule, valid, verdict, why, openssl }: LimboCase, our: string, their: string): string[] {
  const trusted = our === 'trusted'
  return [
    ...(our === verdict ? [] : [`${name}: ${our}, expected ${verdict} (OpenSSL: ${their})`]),
    ...(valid === trusted || why !== undefined ? [] : [`${name}: ${our}, against ${rule} (OpenSSL: ${their})`]),
    ...(valid === trusted && why !== undefined ? [`${name}: as the rule has it, so without a reason (${why})`] : []),
    ...((their === 'trusted') === trusted || openssl !== undefined ? [] : [`${name}: ${our}, OpenSSL: ${their}`]),
    ...((their === 'trusted') === trusted && openssl !== undefined
      ? [`${name}: as OpenSSL, so without ${openssl}`]
      : []),
  ]
}
