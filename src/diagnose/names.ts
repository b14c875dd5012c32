/** The names of a certificate that is not for the host: what it is for, and what to ask for instead. */
import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { hostsOf, isSelfSigned } from '../x509/certificate-info.ts'
import { detailsOf } from '../x509/details.ts'
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
    hints: [...(isOwn && anchor === undefined && !isDated ? [say.PIN_IT] : []), say.USE_LISTED],
  }
}

/** The chain was verified: only the name is another. */
export function namesProblem({ host, port, service, trusted }: Evidence, chain: Chain): Omit<Problem, 'reason'> {
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
  const isTrusted = isSelfSigned(server) || (chain.length === 1 && trusted()?.some(({ raw }) => raw.equals(server.raw)))
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

function namesFindings(server: X509Certificate, host: string): string[] {
  const kinds = (detailsOf(server)?.altNameKinds ?? []).filter((kind) => kind !== 'DNS' && kind !== 'IP Address')
  return [say.namesFound(host, hostsOf(server), [...new Set(kinds)])]
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
