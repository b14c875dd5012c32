/** The names of a certificate that does not match the host: which names it has, and which to request instead. */
import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { hostsOf, isSelfSigned } from '../x509/certificate-info.ts'
import { detailsOf } from '../x509/details.ts'
import { isValidFor } from '../x509/hostname.ts'
import { type Chain, commonNameOf, dateProblems } from './facts.ts'
import { placeholderFindings, placeholderHints } from './placeholders.ts'
import type { Case, Evidence, Problem } from './problem.ts'
import * as say from './texts.ts'

/** The host is another, and that is not what OpenSSL reported: it comes to the names last. */
export function namesBesides(server: X509Certificate, { host, now, anchor, path }: Case): Problem {
  const isDated = dateProblems({ path, anchor }, now).length > 0
  const isOwn = path.length === 1 && isSelfSigned(server)
  return {
    reason: 'hostname-mismatch',
    failing: 0,
    findings: [...namesFindings(server, host), ...(anchor === undefined ? [say.FILE_NOT_ENOUGH] : [])],
    hints: [...(isOwn && anchor === undefined && !isDated ? [say.PIN_IT] : []), issueHint(usableNames(server), host)],
  }
}

/** The chain was verified: only the name is another. */
export function namesProblem({ host, port, service, trusted }: Evidence, chain: Chain): Omit<Problem, 'reason'> {
  const [server] = chain
  const names = usableNames(server)
  const commonName = commonNameOf(server.subject)
  const findings = namesFindings(server, host)
  const near = nearestName(host, names)
  if (hostsOf(server).length === 0 && commonName !== '') findings.push(say.commonNameOnly(commonName))
  else if (near?.startsWith('*.')) findings.push(say.wildcardReach(near))
  else if (near !== undefined) findings.push(say.validForNear(near, host))
  const ask = near === undefined || near.startsWith('*.') ? undefined : say.askFor({ host: near, port, service })
  const isTrusted = isSelfSigned(server) || (chain.length === 1 && trusted()?.some(({ raw }) => raw.equals(server.raw)))
  // A certificate for this machine was made on it.
  const isOwn = isSelfSigned(server) && isHere(host) && hostsOf(server).some(isHere)
  const another = isOwn ? say.makeAnother([...new Set([...names.slice(0, 8), host])]) : undefined
  return {
    failing: 0,
    findings: [...findings, ...placeholderFindings(server, host)],
    hints: [
      ask,
      ...placeholderHints(server),
      isTrusted ? say.pinTrusted(server) : undefined,
      issueHint(names, host),
      another,
    ].filter((text) => text !== undefined),
  }
}

function issueHint(names: readonly string[], host: string): string {
  return names.length === 0 ? say.issueWith(host) : say.USE_LISTED
}

function namesFindings(server: X509Certificate, host: string): string[] {
  const kinds = (detailsOf(server)?.altNameKinds ?? []).filter((kind) => kind !== 'DNS' && kind !== 'IP Address')
  const names = usableNames(server)
  const unusable = hostsOf(server).filter((name) => !names.includes(name))
  return [
    say.namesFound(host, names, { hasUnusable: unusable.length > 0, otherKinds: [...new Set(kinds)] }),
    ...unusable.slice(0, MAX_UNUSABLE).map((name) => say.unusableName(name)),
  ]
}

/** The names of a certificate that cover a host: not those that nothing can match, such as an address in a dNSName. */
function usableNames(server: X509Certificate): string[] {
  const isWritten = (name: string) => isIP(name) !== 0 || HOST_NAME.test(name)
  return hostsOf(server).filter((name) => isWritten(name) && isValidFor(server, name.replace(/^\*(?=\.)/, 'a')))
}

/** Labels of letters, digits, hyphens and underscores, the first one perhaps a wildcard; no dot at the end. */
const HOST_NAME = /^(?:\*\.)?[a-z\d_-]+(?:\.[a-z\d_-]+)*$/i

const MAX_UNUSABLE = 3

/** A similar name: with or without `www.`, a wildcard that does not match, another name of this machine. */
function nearestName(host: string, hosts: readonly string[]): string | undefined {
  const bare = host.replace(/^www\./, '')
  return (
    hosts.find((name) => name === `www.${bare}` || name === bare) ??
    hosts.find((name) => name.startsWith('*.') && (name.slice(2) === host || host.endsWith(name.slice(1)))) ??
    (isHere(host) ? hosts.find((name) => isHere(name) && !isOtherFamily(name, host)) : undefined)
  )
}

/** A server may listen at an address of IPv4 and at none of IPv6. */
const isOtherFamily = (a: string, b: string): boolean => isIP(a) !== 0 && isIP(b) !== 0 && isIP(a) !== isIP(b)

const isHere = (name: string): boolean => name === 'localhost' || name === '::1' || name.startsWith('127.')
