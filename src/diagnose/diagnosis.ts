/**
 * Why a server's certificate was refused: the facts that are computed from the presented and the trusted certificates give
 * the reason, the findings and the hints. Pure: no files, no network.
 */
import type { X509Certificate } from 'node:crypto'
import type { SSLErrorReason } from '../core/errors.ts'
import type { Service } from '../core/service.ts'
import { isSelfSigned } from '../x509/certificate-info.ts'
import {
  authorityProblems,
  type Chain,
  constraintProblems,
  dateProblems,
  factsOf,
  pathLengthProblems,
  purposeProblems,
  weaknesses,
} from './facts.ts'
import { namesBesides, namesProblem } from './names.ts'
import { pinnedProblem } from './pins.ts'
import type { Case, Evidence, Problem } from './problem.ts'
import { clientHint, noTlsHints } from './service-hints.ts'
import type { Reason } from './texts.ts'
import * as say from './texts.ts'
import { untrusted } from './untrusted.ts'

/** The result. */
export interface Diagnosis extends Reason {
  /** The presented certificates, without a trusted one that Node appends by its name although it did not sign. */
  readonly chain: readonly X509Certificate[]
  /** What was expected and what was found instead, a sentence each. */
  readonly findings: readonly string[]
  /** The index in the chain of the failing certificate, or the length of the chain for a missing one. */
  readonly failing: number | undefined
}

/**
 * Adds what is known of the certificates to the table row of a failure. OpenSSL reports one error of several, the last: all
 * others that the facts show are said as well.
 */
export function diagnose(row: Reason, evidence: Evidence): Diagnosis {
  const { service } = evidence
  const diagnosis = diagnoseChain(row, evidence)
  return service ? { ...diagnosis, hints: hintsFor(service, diagnosis) } : diagnosis
}

/** The hints for a server of another protocol than https. */
function hintsFor(service: Service, { reason, hints }: Diagnosis): readonly string[] {
  if (reason === 'not-tls') return noTlsHints(service)
  return TRUST_REASONS.has(reason) ? [...hints, clientHint(service)] : hints
}

function diagnoseChain(row: Reason, evidence: Evidence): Diagnosis {
  const { chain } = evidence
  if (evidence.pins)
    return {
      ...row,
      chain,
      ...(isPresented(chain) ? pinnedProblem(row, chain, evidence.pins, evidence.now) : NOT_SEEN),
    }
  if (!isPresented(chain) || !CERTIFICATE_REASONS.has(row.reason)) return { ...row, chain, ...NOT_SEEN }
  if (row.reason === 'hostname-mismatch') return { ...row, chain, ...namesProblem(evidence, chain) }
  const trusted = evidence.trusted()
  const { host, port, service, now } = evidence
  const found: Case = { ...factsOf(chain, trusted, host), host, port, service, now, trusted }
  // What is too weak depends on the level of security of this OpenSSL, which has to report it.
  const problems = problemsOf(found).filter((problem) => problem.reason !== 'weak' || row.reason === 'weak')
  const main = mainProblem(row, found, problems)
  const isHidden = main === undefined && found.anchor === undefined && !isSelfSigned(found.last)
  // If the certificate that fails is not at hand, whether something above it is trusted is not known.
  const others = problems
    .filter((problem) => problem !== main && !(isHidden && TRUST_REASONS.has(problem.reason)))
    .map((problem) => problem.besides ?? problem)
  return {
    ...row,
    ...(main && { reason: main.reason }),
    chain: found.impostor ? chain : found.path,
    failing: main?.failing ?? (isHidden ? found.path.length : undefined),
    findings: unique([
      ...(isHidden ? [say.notSeen(found.last)] : []),
      ...[main, ...others].flatMap((problem) => problem?.findings ?? []),
    ]),
    hints: unique([...(main?.hints ?? row.hints), ...others.flatMap(({ hints }) => hints)]),
  }
}

const CERTIFICATE_REASONS: ReadonlySet<SSLErrorReason> = new Set([
  ...(['self-signed', 'unknown-ca', 'expired', 'not-yet-valid', 'hostname-mismatch'] as const),
  ...(['wrong-purpose', 'invalid-ca', 'weak'] as const),
])

function isPresented(chain: readonly X509Certificate[]): chain is Chain {
  return chain.length > 0
}

const NOT_SEEN = { findings: [], failing: undefined }

const unique = (texts: readonly string[]): string[] => [...new Set(texts)]

/** Everything that is wrong, computed. */
function problemsOf(found: Case): Problem[] {
  const { anchor, path } = found
  const trust = anchor === undefined ? untrusted(found) : undefined
  return [
    ...(trust ? [trust] : []),
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

/** The problem that OpenSSL reported, as far as the facts show it. */
function mainProblem({ reason }: Reason, found: Case, problems: readonly Problem[]): Problem | undefined {
  const same = problems.find((problem) => problem.reason === reason)
  if (same) return same
  const trust = problems.find((problem) => TRUST_REASONS.has(problem.reason))
  if (TRUST_REASONS.has(reason)) return trust ?? problems.find(isAboutIssuer) ?? passedOver(found)
  // An issuer that is no CA has the code of a wrong purpose.
  return reason === 'wrong-purpose' ? problems.find((problem) => problem.reason === 'invalid-ca') : undefined
}

const TRUST_REASONS: ReadonlySet<SSLErrorReason> = new Set(['self-signed', 'unknown-ca', 'missing-intermediate'])

const isAboutIssuer = ({ reason }: Problem): boolean => reason === 'invalid-ca'

/** There is an anchor without a fault, and OpenSSL did not take it. */
function passedOver({ anchor, path }: Case): Problem | undefined {
  if (anchor === undefined) return undefined
  return {
    reason: 'unknown-ca',
    failing: path.length,
    findings: [say.anchorPassedOver(anchor)],
    hints: [anchor.shadowedBy === undefined ? say.OTHER_KEY_HINT : say.RIGHT_ONE_FIRST],
  }
}

function datesProblems(found: Case): Problem[] {
  const { now, path, anchor } = found
  return dateProblems(found, now).map((problem) => {
    const { certificate, index, isExpired } = problem
    const renewed = path[index]
    const succeeded =
      anchor && !anchor.isInPath && index >= path.length && path.some(({ subject }) => subject === certificate.subject)
    const replace = index === 0 ? say.RENEW_IT : succeeded && renewed === undefined ? say.RENEWED_CA : say.CA_SUCCESSOR
    return {
      reason: isExpired ? 'expired' : 'not-yet-valid',
      failing: Math.min(index, path.length),
      findings: [say.dateFound(problem, isSelfSigned(certificate), now)],
      hints: isExpired ? [replace, say.CHECK_CLOCK] : [say.CHECK_CLOCK],
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
