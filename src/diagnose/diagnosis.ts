/**
 * Why a server's certificate was refused: OpenSSL's code, together with the presented and the trusted certificates, gives the
 * cause and the remedy. Pure: no files, no network.
 */
import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { httpsAuthority } from '../core/address.ts'
import type { SSLErrorReason } from '../core/errors.ts'
import { plainAuthority, VOUCH } from '../core/shell.ts'
import { DAY_MS, hostsOf, isSelfSigned, nameInOneLine, publicKeyType, purposesOf } from '../x509/certificate-info.ts'
import { inspectorIn } from './inspectors.ts'
import type { Reason } from './reasons.ts'

/** The facts about a failed handshake. */
export interface Evidence {
  readonly host: string
  readonly port: number
  /** The certificates that the server presented: its own first, each issued by the next. Empty if unknown. */
  readonly chain: readonly X509Certificate[]
  /** The trusted certificates. Called only if they are needed: there may be hundreds. */
  readonly trusted: () => readonly X509Certificate[]
  /** The display name of the trusted file or directory, if it is one. */
  readonly path: string | undefined
  /** In ms since 1970. */
  readonly now: number
}

/** The result. */
export interface Diagnosis extends Reason {
  /** What was expected and what was found instead, a sentence each. */
  readonly findings: readonly string[]
  /** The index in the chain of the failing certificate, or the length of the chain for a missing one. */
  readonly failing: number | undefined
}

/** Adds details to the table row of a failure. */
export function diagnose(row: Reason, evidence: Evidence): Diagnosis {
  const { chain } = evidence
  const found = isPresented(chain) ? INSPECTIONS[row.reason]?.({ ...evidence, chain }, row) : undefined
  return { ...row, findings: [], failing: undefined, ...found }
}

type Chain = readonly [server: X509Certificate, ...issuers: X509Certificate[]]

/** Evidence with at least one certificate. */
type Presented = Evidence & { readonly chain: Chain }

type Inspection = (evidence: Presented, row: Reason) => Partial<Diagnosis>

function isPresented(chain: readonly X509Certificate[]): chain is Chain {
  return chain.length > 0
}

function lastOf([server, ...issuers]: Chain): X509Certificate {
  return issuers.at(-1) ?? server
}

/** By the reason in the table row. */
const INSPECTIONS: { readonly [reason in SSLErrorReason]?: Inspection } = {
  'self-signed': inspectSelfSigned,
  'unknown-ca': inspectUnknownCA,
  expired: inspectDates,
  'not-yet-valid': inspectDates,
  'hostname-mismatch': inspectNames,
  'wrong-purpose': inspectPurposes,
  'invalid-ca': inspectAuthorities,
  weak: inspectStrength,
}

function inspectSelfSigned({ host, port, chain, trusted }: Presented, row: Reason): Partial<Diagnosis> {
  const [server] = chain
  const sameName = trusted().find(({ subject }) => subject === server.subject)
  if (sameName === undefined) {
    const hints = fetchCommand(host, port, 'server.pem').map((command) => `to look at it and save it: ${command}`)
    return { failing: 0, hints: [...row.hints, ...hints] }
  }
  return {
    failing: 0,
    findings: [
      `another certificate of this name is trusted, SHA-256 ${sameName.fingerprint256}, valid ${spanOf(sameName)}`,
    ],
    hints: [
      ["the server's certificate was renewed or replaced: if its owner says so, get the new one"]
        .concat(fetchCommand(host, port, 'new.pem'))
        .join(': '),
      'or somebody else answers in its place',
    ],
  }
}

/** The command that saves the certificate of a server; none if its name could be read as more than a word by a shell. */
function fetchCommand(host: string, port: number, file: string): string[] {
  const authority = plainAuthority(httpsAuthority({ host, port }))
  return authority === undefined ? [] : [`${VOUCH} cert fetch ${authority} -o ${file}`]
}

function inspectUnknownCA({ chain, trusted }: Presented): Partial<Diagnosis> {
  const last = lastOf(chain)
  const endsInRoot = isSelfSigned(last)
  const missing = nameInOneLine(last.issuer)
  const failing = endsInRoot ? chain.length - 1 : chain.length
  const inspector = inspectorIn(chain)
  if (inspector !== undefined) {
    return {
      failing,
      findings: [
        `${inspector.product} inspects TLS on the way: it issued this certificate in place of the server's own, by '${inspector.issuer}'`,
      ],
      hints: [
        `get the certificate of '${missing}' from whoever runs it (at a company: IT), and add it: verify: CABundle.default().with('company-ca.pem')`,
        'for the whole program: REQUESTS_CA_BUNDLE=FILE, which replaces the default roots, so with these in it too',
        "if it is installed on this machine already: verify: CABundle.default().with(CABundle.system()), or Node's --use-system-ca",
      ],
    }
  }
  const sameName = trusted().find(({ subject, raw }) => subject === last.issuer && !raw.equals(last.raw))
  if (sameName !== undefined) return { failing, ...sameNameOtherKey(last, sameName) }
  if (endsInRoot) {
    return {
      failing,
      findings: [
        `the chain ends in '${nameInOneLine(last.subject)}', SHA-256 ${last.fingerprint256}, which is not trusted`,
      ],
    }
  }
  if (chain.length === 1 && seemsToLackIntermediate(last, trusted())) return missingIntermediate(missing)
  return {
    failing,
    findings: [`the last certificate sent was issued by '${missing}', and no certificate of that name is trusted`],
  }
}

/** A recreated CA keeps its name: only its key differs. */
function sameNameOtherKey(last: X509Certificate, sameName: X509Certificate): Partial<Diagnosis> {
  return {
    findings: [
      `a CA named '${nameInOneLine(last.issuer)}' is trusted, but with another key than the one that signed here: SHA-256 ${sameName.fingerprint256}, valid ${spanOf(sameName)}`,
    ],
    hints: [
      'the CA was made anew, or there are two of one name: get its current certificate from its owner, and trust that',
    ],
  }
}

function missingIntermediate(issuer: string): Partial<Diagnosis> {
  return {
    reason: 'missing-intermediate',
    failing: 1,
    findings: [`the server sent its own certificate, and not that of its issuer, '${issuer}'`],
    hints: [
      'have the server send it: the file of its certificate is to hold the intermediate certificates after it (fullchain.pem)',
      "or add it here: verify: ['ca.pem', 'intermediate.pem']",
      `or, where '${issuer}' is a root: name it, verify: 'ca.pem'`,
    ],
  }
}

/**
 * Whether a lone certificate was probably issued by an intermediate CA, not by an untrusted root. The certificate alone
 * cannot prove it. Signs of it are names, and the address of the issuer (RFC 5280, section 4.2.2.1): public CAs always include
 * it, and never issue from a root.
 */
function seemsToLackIntermediate(certificate: X509Certificate, trusted: readonly X509Certificate[]): boolean {
  if (/CA Issuers/.test(certificate.infoAccess ?? '')) return true
  if (/\b(?:intermediate|issuing|subordinate|sub[ -]?ca)\b/i.test(partOf(certificate.issuer, 'CN'))) return true
  const organization = partOf(certificate.issuer, 'O')
  return organization !== '' && trusted.some(({ subject }) => partOf(subject, 'O') === organization)
}

function partOf(name: string, type: string): string {
  return new RegExp(`^${type}=(.*)$`, 'm').exec(name)?.[1] ?? ''
}

function inspectDates({ chain, now, trusted }: Presented, row: Reason): Partial<Diagnosis> {
  const isExpired = row.reason === 'expired'
  const isOff = ({ validFrom, validTo }: X509Certificate) =>
    isExpired ? Date.parse(validTo) < now : Date.parse(validFrom) > now
  const sent = chain.findIndex(isOff)
  const last = lastOf(chain)
  const off = chain[sent] ?? trusted().find((root) => root.subject === last.issuer && isOff(root))
  if (off === undefined) return {}
  const failing = sent < 0 ? chain.length : sent
  const whose = failing === 0 ? "the server's own" : isSelfSigned(off) ? 'the root' : 'an intermediate CA'
  const when = isExpired
    ? `ended ${ago(now - Date.parse(off.validTo))} ago, ${iso(off.validTo)}`
    : `begins in ${ago(Date.parse(off.validFrom) - now)}, ${iso(off.validFrom)}`
  return {
    failing,
    findings: [`'${nameInOneLine(off.subject)}' (${whose}) ${when}; this machine's clock says ${iso(now)}`],
    hints: failing === 0 || !isExpired ? row.hints : [CA_SUCCESSOR_HINT, ...row.hints],
  }
}

const CA_SUCCESSOR_HINT =
  'most CAs that end have a successor: have the server send the current chain, and trust the current root'

function inspectNames({ host, port, chain }: Presented, row: Reason): Partial<Diagnosis> {
  const [server] = chain
  const hosts = hostsOf(server)
  const shown = hosts.length > 12 ? `${hosts.slice(0, 12).join(', ')} … (${hosts.length})` : hosts.join(', ')
  const commonName = partOf(server.subject, 'CN')
  const findings = [`asked for ${host}; the certificate is for ${shown || 'no host at all (it has no subjectAltName)'}`]
  const hints: string[] = []
  const near = nearestName(
    host,
    hosts.filter((name) => name !== host),
  )
  if (hosts.length === 0 && commonName !== '') {
    findings.push(`it has a common name, '${commonName}', which does not count (RFC 9525)`)
  } else if (isIP(host) !== 0 && hosts.includes(host) && server.checkIP(host) === undefined) {
    findings.push('an address needs an iPAddress entry, and this one is written as a dNSName')
  } else if (near?.startsWith('*.')) {
    findings.push(`'${near}' stands for exactly one label in front of ${near.slice(1)}`)
  } else if (near !== undefined) {
    findings.push(`it is valid for ${near}, not for ${host}`)
  }
  const better = near === undefined ? undefined : plainAuthority(httpsAuthority({ host: near, port }))
  if (better !== undefined) hints.push(`ask for https://${better}`)
  hints.push(...row.hints)
  if (isSelfSigned(server))
    hints.push(`to make it again, with the old names and the new one: ${VOUCH} cert create --help`)
  return { failing: 0, findings, hints }
}

/** A similar name: with or without `www.`, a wildcard that does not match, another name of this machine. */
function nearestName(host: string, hosts: readonly string[]): string | undefined {
  const isHere = (name: string) => name === 'localhost' || name === '::1' || name.startsWith('127.')
  const bare = host.replace(/^www\./, '')
  return (
    hosts.find((name) => name === `www.${bare}` || name === bare) ??
    hosts.find((name) => name.startsWith('*.') && (name.slice(2) === host || host.endsWith(name.slice(1)))) ??
    (isHere(host) ? hosts.find(isHere) : undefined)
  )
}

function inspectPurposes(evidence: Presented): Partial<Diagnosis> {
  const { chain } = evidence
  const allows = (certificate: X509Certificate) => {
    const purposes = purposesOf(certificate)
    return purposes.length === 0 || purposes.includes('serverAuth') || purposes.includes('any')
  }
  const failing = chain.findIndex((certificate) => !allows(certificate))
  const certificate = chain[failing]
  // OpenSSL reports the same code for an issuer that is not a CA.
  if (certificate === undefined) return inspectAuthorities(evidence)
  const purposes = purposesOf(certificate).join(', ')
  return {
    failing,
    findings: [`'${nameInOneLine(certificate.subject)}' is for ${purposes} only, and serverAuth is wanted`],
  }
}

function inspectAuthorities({ chain, trusted }: Presented): Partial<Diagnosis> {
  const failing = chain.findIndex((certificate, index) => index > 0 && !certificate.ca)
  const certificate = chain[failing]
  if (certificate !== undefined) {
    return {
      failing,
      findings: [
        `'${nameInOneLine(certificate.subject)}' has issued a certificate, but is no CA (basicConstraints has no CA:TRUE)`,
      ],
    }
  }
  const last = lastOf(chain)
  const root = trusted().find(({ subject, ca }) => subject === last.issuer && !ca)
  if (root === undefined) return {}
  return {
    failing: chain.length,
    findings: [`'${nameInOneLine(root.subject)}' is trusted, but is no CA (basicConstraints has no CA:TRUE)`],
  }
}

function inspectStrength({ chain }: Presented): Partial<Diagnosis> {
  const kinds = chain.map(publicKeyType)
  const failing = kinds.findIndex((kind) => Number(/^rsa-(\d+)$/.exec(kind)?.[1] ?? 2048) < 2048)
  return {
    failing: failing < 0 ? undefined : failing,
    findings: chain.map(({ subject }, index) => `'${nameInOneLine(subject)}' has a key of the kind ${kinds[index]}`),
    hints: ['have it issued again with a key of at least ec-p256 or rsa-2048 and SHA-256'],
  }
}

/** `2026-11-25 to 2027-11-25` */
export function spanOf({ validFrom, validTo }: X509Certificate): string {
  return `${dayOf(validFrom)} to ${dayOf(validTo)}`
}

const dayOf = (date: string): string => iso(date).replace(/T.*/, '')

/** In seconds, the resolution of certificates. A server can present one with unparsable dates. */
function iso(date: string | number): string {
  const at = new Date(date)
  return Number.isNaN(at.getTime()) ? '(no date)' : at.toISOString().replace(/\.\d+/, '')
}

/** A duration in the largest suitable unit. */
function ago(ms: number): string {
  const days = Math.floor(ms / DAY_MS)
  if (days >= 2) return `${days} days`
  const hours = Math.floor(ms / 3_600_000)
  return hours >= 2 ? `${hours} hours` : `${Math.max(1, Math.floor(ms / 60_000))} minutes`
}
