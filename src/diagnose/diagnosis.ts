/**
 * Why a server's certificate was refused: the facts that are computed from the presented and the trusted certificates give
 * the reason, the findings and the hints. Pure: no files, no network.
 */
import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import type { SSLErrorReason } from '../core/errors.ts'
import type { Service } from '../core/service.ts'
import { hostsOf, isSelfSigned } from '../x509/certificate-info.ts'
import { detailsOf } from '../x509/details.ts'
import {
  authorityProblems,
  type Chain,
  commonNameOf,
  constraintProblems,
  dateProblems,
  type Facts,
  factsOf,
  pathLengthProblems,
  purposeProblems,
  signed,
  weaknesses,
} from './facts.ts'
import { inspectorIn } from './inspectors.ts'
import { pinnedProblem } from './pins.ts'
import { placeholderOf } from './placeholders.ts'
import { clientHint, noTlsHints } from './service-hints.ts'
import type { Reason } from './texts.ts'
import * as say from './texts.ts'

/** What is known about a failed handshake. */
export interface Evidence {
  readonly host: string
  readonly port: number
  /** The server, if its protocol is not https. */
  readonly service?: Service | undefined
  /** The certificates that the server presented: its own first, each issued by the next. Empty if unknown. */
  readonly chain: readonly X509Certificate[]
  /** The trusted certificates. Called only if they are needed: there may be hundreds. */
  readonly trusted: () => readonly X509Certificate[]
  /** The pins by which the server is known, as in messages; `undefined`: by certificates. */
  readonly pins?: readonly string[] | undefined
  /** In ms since 1970. */
  readonly now: number
}

/** The result. */
export interface Diagnosis extends Reason {
  /** The presented certificates, without a trusted one that Node appends by its name although it did not sign. */
  readonly chain: readonly X509Certificate[]
  /** What was expected and what was found instead, a sentence each. */
  readonly findings: readonly string[]
  /** The index in the chain of the failing certificate, or the length of the chain for a missing one. */
  readonly failing: number | undefined
}

/** Something that is wrong with the chain. */
interface Problem {
  readonly reason: SSLErrorReason
  readonly failing: number | undefined
  readonly findings: readonly string[]
  readonly hints: readonly string[]
  /** Findings and hints if OpenSSL reported another problem. */
  readonly besides?: { readonly findings: readonly string[]; readonly hints: readonly string[] }
}

/** The facts, and where they were found. */
interface Case extends Facts {
  readonly host: string
  readonly port: number
  readonly service: Service | undefined
  readonly now: number
  readonly trusted: readonly X509Certificate[]
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
    return { ...row, chain, ...(isPresented(chain) ? pinnedProblem(row, chain, evidence.pins) : NOT_SEEN) }
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

/** Nothing that is trusted signed anything of the path. */
function untrusted(found: Case): Problem {
  const { path, last, namesakes, impostor } = found
  const [server] = path
  if (path.length === 1 && isSelfSigned(server)) return selfSigned(found)
  const endsInRoot = isSelfSigned(last)
  const failing = endsInRoot ? path.length - 1 : path.length
  const about = { reason: 'unknown-ca', failing } as const
  const own = server.subject === server.issuer ? [say.SAME_NAMES] : []
  const inspector = inspectorIn(path)
  if (inspector)
    return { ...about, findings: [say.inspected(inspector.product, inspector.issuer)], hints: say.INSPECTOR_HINTS }
  const sent = impostor ? [say.sentImpostor(last, impostor)] : []
  if (endsInRoot) return { ...about, ...untrustedRoot(found) }
  const [namesake] = namesakes
  if (namesake)
    return { ...about, findings: [...own, ...sent, say.otherKey(last, namesake)], hints: [say.OTHER_KEY_HINT] }
  if (impostor) return { ...about, findings: [...own, ...sent], hints: [say.SEND_MATCHING, say.TRUST_CA] }
  if (suggestsIntermediate(last))
    return {
      reason: 'missing-intermediate',
      failing,
      findings: [say.intermediateMissing(last)],
      hints: say.missingIntermediateHints(
        hasIssuerAddress(last)
          ? say.serverArgument({ host: found.host, port: found.port, service: found.service })
          : undefined,
      ),
    }
  return {
    ...about,
    findings: [...own, say.issuerUnknown(last), ...placeholderFindings(server, found.host)],
    hints: [
      ...placeholderHints(server),
      say.TRUST_CA,
      ...(mayNameLeaf(found) ? [say.TRUST_LEAF] : []),
      say.MAYBE_INTERMEDIATE,
    ],
  }
}

/** A trusted leaf is enough if nothing else is wrong with it. */
function mayNameLeaf({ path, coversHost, now, ...rest }: Case): boolean {
  const facts = { path, coversHost, ...rest }
  return path.length === 1 && coversHost && dateProblems(facts, now).length === 0 && purposeProblems(facts).length === 0
}

function untrustedRoot({ last, namesakes }: Case): Pick<Problem, 'findings' | 'hints'> {
  const [namesake] = namesakes
  const findings = [say.rootNotTrusted(last)]
  if (namesake === undefined) return { findings, hints: [say.TRUST_CA] }
  return signed(namesake, last)
    ? { findings: [...findings, say.otherOfItsName(namesake, true)], hints: [say.RENEWED_CA] }
    : { findings: [...findings, say.otherOfItsName(namesake, false)], hints: [say.OTHER_KEY_HINT] }
}

function selfSigned({ path: [server], host, port, service, trusted, coversHost }: Case): Problem {
  const sameName = trusted.find(({ subject }) => subject === server.subject)
  const argument = say.serverArgument({ host, port, service })
  const about = { reason: 'self-signed', failing: 0 } as const
  const besides = { findings: [say.besideTrust(server)], hints: [say.TRUST_NEW] }
  if (sameName) {
    const findings = [say.otherOfItsName(sameName, signed(sameName, server))]
    return {
      ...about,
      besides: { ...besides, findings },
      findings,
      hints: [say.RENEWED, ...(argument === undefined ? [] : [say.saveAsNew(argument)])],
    }
  }
  return {
    ...about,
    besides,
    findings: placeholderFindings(server, host),
    hints: [
      ...placeholderHints(server),
      ...(coversHost ? [say.TRUST_IT, ...(argument === undefined ? [] : [say.saveIt(argument)])] : []),
    ],
  }
}

function placeholderFindings(server: X509Certificate, host: string): string[] {
  const product = placeholderOf(server)
  return product === undefined ? [] : [say.placeholder(product, server, host)]
}

function placeholderHints(server: X509Certificate): string[] {
  return placeholderOf(server) === undefined ? [] : [say.PLACEHOLDER_HINT]
}

/**
 * Whether what the certificate says of its issuer suggests an intermediate CA: its name, or an http address to fetch it from
 * (RFC 5280, section 4.2.2.1), as public CAs write. It proves nothing.
 */
function suggestsIntermediate(certificate: X509Certificate): boolean {
  if (hasIssuerAddress(certificate)) return true
  return /\b(?:intermediate|issuing|subordinate|sub[ -]?ca)\b/i.test(commonNameOf(certificate.issuer))
}

function hasIssuerAddress({ infoAccess }: X509Certificate): boolean {
  return /^CA Issuers - URI:"?http:/im.test(infoAccess ?? '')
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

/** The host is another, and that is not what OpenSSL reported: it comes to the names last. */
function namesBesides(server: X509Certificate, { host, now, anchor, path }: Case): Problem {
  const isDated = dateProblems({ path, anchor } as Facts, now).length > 0
  const isOwn = path.length === 1 && isSelfSigned(server)
  return {
    reason: 'hostname-mismatch',
    failing: 0,
    findings: [...namesFindings(server, host), ...(anchor === undefined ? [say.FILE_NOT_ENOUGH] : [])],
    hints: [...(isOwn && anchor === undefined && !isDated ? [say.PIN_IT] : []), say.USE_LISTED],
  }
}

function namesFindings(server: X509Certificate, host: string): string[] {
  const kinds = (detailsOf(server)?.altNameKinds ?? []).filter((kind) => kind !== 'DNS' && kind !== 'IP Address')
  return [say.namesFound(host, hostsOf(server), [...new Set(kinds)])]
}

/** The chain was verified: only the name is another. */
function namesProblem({ host, port, service, trusted }: Evidence, chain: Chain): Omit<Problem, 'reason'> {
  const [server] = chain
  const hosts = hostsOf(server)
  const commonName = commonNameOf(server.subject)
  const findings = namesFindings(server, host)
  const near = nearestName(
    host,
    hosts.filter((name) => name !== host),
  )
  if (hosts.length === 0 && commonName !== '') findings.push(say.commonNameOnly(commonName))
  else if (isIP(host) !== 0 && hosts.includes(host)) findings.push(say.ADDRESS_AS_NAME)
  else if (near?.startsWith('*.')) findings.push(say.wildcardReach(near))
  else if (near !== undefined) findings.push(say.validForNear(near, host))
  const ask = near === undefined || near.startsWith('*.') ? undefined : say.askFor({ host: near, port, service })
  const isTrusted = isSelfSigned(server) || (chain.length === 1 && trusted().some(({ raw }) => raw.equals(server.raw)))
  // A certificate for this machine was made on it.
  const isOwn = isSelfSigned(server) && isHere(host) && hosts.some(isHere)
  const another = isOwn ? say.makeAnother([...hosts.slice(0, 8), host]) : undefined
  return {
    failing: 0,
    findings: [...findings, ...placeholderFindings(server, host)],
    hints: [
      ask,
      ...placeholderHints(server),
      isTrusted ? say.pinTrusted(server) : undefined,
      hosts.length === 0 ? say.ISSUE_WITH_NAME : say.USE_LISTED,
      another,
    ].filter((text) => text !== undefined),
  }
}

/** A similar name: with or without `www.`, a wildcard that does not match, another name of this machine. */
function nearestName(host: string, hosts: readonly string[]): string | undefined {
  const bare = host.replace(/^www\./, '')
  return (
    hosts.find((name) => name === `www.${bare}` || name === bare) ??
    hosts.find((name) => name.startsWith('*.') && (name.slice(2) === host || host.endsWith(name.slice(1)))) ??
    (isHere(host) ? hosts.find(isHere) : undefined)
  )
}

const isHere = (name: string): boolean => name === 'localhost' || name === '::1' || name.startsWith('127.')
