/** All problems of a chain, computed from the facts: one `Problem` per kind. */
import type { X509Certificate } from 'node:crypto'
import { isSelfSigned } from '../x509/certificate-info.ts'
import {
  authorityProblems,
  type Chain,
  constraintProblems,
  dateProblems,
  factsOf,
  pathLengthProblems,
  purposeProblems,
  successorOf,
  weaknesses,
} from './facts.ts'
import { namesBesides } from './names.ts'
import type { Case, Evidence, Problem } from './problem.ts'
import * as say from './texts.ts'
import { untrusted } from './untrusted.ts'

export function caseOf(
  chain: Chain,
  trusted: readonly X509Certificate[],
  { host, port, service, now, refusesServers }: Omit<Evidence, 'trusted' | 'chain'>,
): Case {
  return { ...factsOf(chain, trusted, host, now), host, port, service, now, trusted, refusesServers }
}

/** Whether the server would be accepted if these certificates, and no others, were trusted. */
export function isAccepted(
  chain: Chain,
  trusted: readonly X509Certificate[],
  evidence: Omit<Evidence, 'trusted' | 'chain'>,
): boolean {
  const found = caseOf(chain, trusted, evidence)
  return found.anchor?.shadowedBy === undefined && problemsOf(found).length === 0
}

/** Everything that is wrong, computed. */
export function problemsOf(found: Case): Problem[] {
  const { anchor, path } = found
  const trust = anchor === undefined ? untrusted(found) : undefined
  return [
    ...(trust ? [trust] : []),
    ...settingsProblem(found),
    ...datesProblems(found),
    ...purposesProblem(found),
    ...authoritiesProblem(found),
    ...pathLengthProblem(found),
    ...constraintsProblem(found),
    ...strengthProblem(found),
    // The names of a chain that nothing vouches for are the server's own claim: said, since trust alone will not do.
    ...(found.coversHost ? [] : [namesBesides(path[0], found)]),
  ]
}

/** The trusted certificate has settings of its own (`TRUSTED CERTIFICATE`), which refuse it for servers. */
function settingsProblem({ anchor, path, refusesServers }: Case): Problem[] {
  if (anchor === undefined || refusesServers?.(anchor.certificate) !== true) return []
  return [
    {
      // OpenSSL comes to the settings with the purposes, but to those of the server's own certificate with the trust.
      reason: anchor.isInPath && anchor.index === 0 ? 'unknown-ca' : 'wrong-purpose',
      failing: failingIndex(path, anchor.certificate),
      findings: [say.settingsFound(anchor.certificate)],
      hints: [say.SETTINGS_HINT],
    },
  ]
}

/** The index in the path, or its length for a trusted certificate above it. */
function failingIndex(path: Chain, certificate: X509Certificate): number {
  const index = path.findIndex(({ raw }) => raw.equals(certificate.raw))
  return index < 0 ? path.length : index
}

function datesProblems(found: Case): Problem[] {
  const { now, path, anchor } = found
  const [server] = path
  const successor = successorOf(server, found)
  return dateProblems(found, now).map((problem) => {
    const { certificate, index, isExpired } = problem
    const isAnchor = certificate === anchor?.certificate && !anchor.isInPath
    const succeeded = isAnchor && path.some(({ subject }) => subject === certificate.subject)
    const replace = index === 0 ? say.RENEW_IT : succeeded ? say.RENEWED_CA : say.CA_SUCCESSOR
    const isReplaced = index === 0 && successor !== undefined && isExpired
    return {
      reason: isExpired ? 'expired' : 'not-yet-valid',
      failing: failingIndex(path, certificate),
      findings: [
        say.dateFound(problem, isSelfSigned(certificate), now),
        ...(isReplaced ? [say.successorTrusted(successor)] : []),
      ],
      hints: isReplaced ? [say.INSTALL_SUCCESSOR] : isExpired ? [replace, say.CHECK_CLOCK] : [say.CHECK_CLOCK],
    }
  })
}

function purposesProblem(found: Case): Problem[] {
  const problems = purposeProblems(found)
  const [first] = problems
  if (first === undefined) return []
  const findings = problems.map((problem) => say.purposeFound(problem))
  return [
    {
      reason: 'wrong-purpose',
      failing: first.index,
      findings,
      hints: [first.index === 0 ? say.PURPOSE_HINT : say.CA_PURPOSE_HINT],
    },
  ]
}

function authoritiesProblem(found: Case): Problem[] {
  const { path, trusted } = found
  return authorityProblems(found).map(({ certificate, index, obstacle }) => ({
    reason: obstacle === 'no-ca' || obstacle === 'key-usage' ? 'invalid-ca' : 'unknown-ca',
    failing: Math.min(index, path.length),
    findings: [
      say.obstacleFound(
        certificate,
        obstacle,
        trusted.some(({ raw }) => raw.equals(certificate.raw)),
      ),
    ],
    hints: [say.OBSTACLE_HINTS[obstacle]],
  }))
}

function pathLengthProblem(found: Case): Problem[] {
  return pathLengthProblems(found).map(({ certificate, index, allowed, below }) => ({
    reason: 'invalid-ca',
    failing: Math.min(index, found.path.length),
    findings: [say.pathTooLong(certificate, allowed, below)],
    hints: [say.TOO_LONG],
  }))
}

function constraintsProblem(found: Case): Problem[] {
  const problems = constraintProblems(found)
  const [first] = problems
  if (first === undefined) return []
  return [
    {
      reason: 'invalid-ca',
      failing: 0,
      findings: problems.slice(0, 3).map((problem) => say.constraintFound(problem)),
      hints: [first.isCommonName ? say.COMMON_NAME_HINT : say.CONSTRAINT_HINT],
    },
  ]
}

function strengthProblem(found: Case): Problem[] {
  const problems = weaknesses(found)
  const [first] = problems
  if (first === undefined) return []
  const findings = problems.map(({ certificate, key, hash }) =>
    key === undefined ? say.weakHash(certificate, hash ?? '') : say.weakKey(certificate, key),
  )
  return [
    {
      reason: 'weak',
      failing: Math.min(first.index, found.path.length),
      findings,
      hints: [say.STRENGTH_HINT, say.LOWER_LEVEL],
    },
  ]
}
