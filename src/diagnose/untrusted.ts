/**
 * Chains without a trusted signature: whether a root, an intermediate or trust in the certificate itself is missing.
 */
import type { X509Certificate } from 'node:crypto'
import { haveSameKey, isSelfSigned } from '../x509/certificate-info.ts'
import { commonNameOf, dateProblems, purposeProblems, signed, successorOf } from './facts.ts'
import { inspectorIn } from './inspectors.ts'
import { serverArgument } from './notation.ts'
import { placeholderFindings, placeholderHints } from './placeholders.ts'
import type { Case, Problem } from './problem.ts'
import * as say from './texts.ts'

/** Nothing that is trusted signed anything of the path. */
export function untrusted(found: Case): Problem {
  const { path, last, namesakes, impostor } = found
  const [server] = path
  if (path.length === 1 && isSelfSigned(server)) return selfSigned(found)
  const endsInRoot = isSelfSigned(last)
  const failing = endsInRoot ? path.length - 1 : path.length
  const about = { reason: 'unknown-ca', failing } as const
  const own = server.subject === server.issuer ? [say.SAME_NAMES] : []
  const inspector = inspectorIn(path)
  const replaced = replacedHere(found)
  const [namesake] = namesakes
  if (inspector)
    return {
      ...about,
      findings: [
        say.inspected(inspector.product, inspector.issuer),
        ...(namesake && !endsInRoot ? [say.otherKey(last, namesake)] : replaced.findings),
      ],
      hints: say.INSPECTOR_HINTS,
    }
  const sent = impostor ? [say.sentImpostor(last, impostor)] : []
  if (endsInRoot) return { ...about, ...untrustedRoot(found) }
  if (namesake)
    return { ...about, findings: [...own, ...sent, say.otherKey(last, namesake)], hints: [say.OTHER_KEY_HINT] }
  if (impostor) return { ...about, findings: [...own, ...sent], hints: [say.SEND_MATCHING, say.TRUST_CA] }
  if (suggestsIntermediate(last))
    return {
      reason: 'missing-intermediate',
      failing,
      findings: [...replaced.findings, say.intermediateMissing(last)],
      hints: [
        ...replaced.hints,
        ...say.missingIntermediateHints(
          hasIssuerAddress(last)
            ? serverArgument({ host: found.host, port: found.port, service: found.service })
            : undefined,
        ),
      ],
    }
  return {
    ...about,
    findings: [...own, ...replaced.findings, say.issuerUnknown(last), ...placeholderFindings(server, found.host)],
    hints: [
      ...replaced.hints,
      ...placeholderHints(server),
      say.TRUST_CA,
      ...(mayNameLeaf(found) ? [say.TRUST_LEAF] : []),
      say.MAYBE_INTERMEDIATE,
    ],
  }
}

/** A certificate of the path, while another one of its name is trusted: the file has the one from before. */
function replacedHere({ path, trusted, now }: Case): Pick<Problem, 'findings' | 'hints'> {
  for (const [index, certificate] of path.entries()) {
    const other = trusted.find(({ subject }) => subject === certificate.subject)
    if (other === undefined) continue
    const hasSameKey = haveSameKey(other, certificate)
    const hint = index === 0 ? say.RENEWED : hasSameKey ? say.RENEWED_CA : say.OTHER_KEY_HINT
    return { findings: [say.otherOfName(other, hasSameKey, now)], hints: [hint] }
  }
  return NOTHING
}

/** A trusted leaf is enough if nothing else is wrong with it. */
function mayNameLeaf({ path, coversHost, now, ...rest }: Case): boolean {
  const facts = { path, coversHost, ...rest }
  return path.length === 1 && coversHost && dateProblems(facts, now).length === 0 && purposeProblems(facts).length === 0
}

function untrustedRoot({ last, namesakes, now }: Case): Pick<Problem, 'findings' | 'hints'> {
  const [namesake] = namesakes
  const findings = [say.rootNotTrusted(last)]
  if (namesake === undefined) return { findings, hints: [say.TRUST_CA] }
  return signed(namesake, last)
    ? { findings: [...findings, say.otherOfItsName(namesake, true, now)], hints: [say.RENEWED_CA] }
    : { findings: [...findings, say.otherOfItsName(namesake, false, now)], hints: [say.OTHER_KEY_HINT] }
}

function selfSigned(found: Case): Problem {
  const { path, host, port, service, trusted, coversHost, now } = found
  const [server] = path
  const sameName = trusted.find(({ subject }) => subject === server.subject)
  const argument = serverArgument({ host, port, service })
  const about = { reason: 'self-signed', failing: 0 } as const
  const besides = { findings: [say.besideTrust(server)], hints: [say.TRUST_NEW] }
  if (sameName) {
    const findings = [say.otherOfItsName(sameName, signed(sameName, server), now)]
    return {
      ...about,
      besides: successorOf(server, found) ? NOTHING : { ...besides, findings },
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

/** For what is said with the date. */
const NOTHING = { findings: [], hints: [] }

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
