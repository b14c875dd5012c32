/**
 * Why a server's certificate was refused: reason, findings and hints, computed from the presented and the trusted
 * certificates. Pure: no files, no network.
 */
import type { X509Certificate } from 'node:crypto'
import type { SSLErrorReason } from '../core/errors.ts'
import type { Service } from '../core/service.ts'
import { isSelfSigned } from '../x509/certificate-info.ts'
import type { Chain } from './facts.ts'
import { inTheWay } from './in-the-way.ts'
import { namesProblem } from './names.ts'
import { serverArgument } from './notation.ts'
import { pinnedProblem } from './pins.ts'
import type { Case, Evidence, Problem, Reason } from './problem.ts'
import { caseOf, problemsOf } from './problems.ts'
import { clientHint, noTlsHints } from './service-hints.ts'
import * as say from './texts.ts'

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
  const { host, port, service } = evidence
  const diagnosis = diagnoseChain(row, evidence)
  if (service) return { ...diagnosis, hints: hintsFor(service, diagnosis) }
  const server = row.reason === 'not-tls' ? serverArgument({ host, port }) : undefined
  return server === undefined ? diagnosis : { ...diagnosis, hints: [...row.hints, say.askWhatSpeaks(server)] }
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
  const found = caseOf(chain, trusted ?? [], evidence)
  const isKnown = (reason: SSLErrorReason) =>
    // What is too weak depends on the level of security of this OpenSSL, and what is trusted may not be at hand: then OpenSSL has to
    // report it.
    trusted === undefined && TRUST_REASONS.has(reason)
      ? reason === row.reason && !row.summary.endsWith('signature failure')
      : reason !== 'weak' || row.reason === 'weak'
  const problems = problemsOf(found).filter(({ reason }) => isKnown(reason))
  const main = mainProblem(row, found, problems)
  const isHidden = main === undefined && found.anchor === undefined && !isSelfSigned(found.last)
  // If the certificate that fails is not at hand, whether something above it is trusted is not known.
  const others = problems
    .filter((problem) => problem !== main && !(isHidden && TRUST_REASONS.has(problem.reason)))
    .map((problem) => problem.besides ?? problem)
  const way = inTheWay(chain, found)
  return {
    ...row,
    ...(main && { reason: main.reason }),
    chain: found.impostor ? chain : found.path,
    failing: main?.failing ?? (isHidden ? found.path.length : undefined),
    findings: unique([
      ...(isHidden ? [say.notSeen(found.last)] : []),
      ...[main, ...others, way].flatMap((problem) => problem?.findings ?? []),
    ]),
    hints: way?.hints ?? unique([...(main?.hints ?? row.hints), ...others.flatMap(({ hints }) => hints)]),
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

/** The problem that OpenSSL reported, as far as the facts show it. */
function mainProblem({ reason }: Reason, found: Case, problems: readonly Problem[]): Problem | undefined {
  // An issuer that is no CA has the code of a wrong purpose.
  const issuer = reason === 'wrong-purpose' ? problems.find(isAboutIssuer) : undefined
  const same = issuer ?? problems.find((problem) => problem.reason === reason)
  if (same) return same
  const trust = problems.find((problem) => TRUST_REASONS.has(problem.reason))
  return TRUST_REASONS.has(reason) ? (trust ?? problems.find(isAboutIssuer) ?? passedOver(found)) : undefined
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
    hints: [say.OTHER_KEY_HINT],
  }
}
