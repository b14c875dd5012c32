/**
 * Facts about a refused chain: verified signatures, identifiers, dates and extensions. Nothing is concluded from a name
 * here. Pure.
 */
import type { X509Certificate } from 'node:crypto'
import { hostsOf, isSelfSigned, publicKeyType, purposesOf } from '../x509/certificate-info.ts'
import { type CertificateDetails, type ConstrainedName, detailsOf, isInRange } from '../x509/details.ts'
import { isValidFor } from '../x509/hostname.ts'

/** A non-empty chain, the server's own certificate first. */
export type Chain = readonly [server: X509Certificate, ...issuers: X509Certificate[]]

/** What is known. */
export interface Facts {
  /** The presented certificates as far as each is signed by the next: what follows has the right name only. */
  readonly path: Chain
  readonly last: X509Certificate
  /** The trusted certificate that is in the path or signed one of it. */
  readonly anchor: Anchor | undefined
  /** Trusted certificates with the name of the last one's issuer that did not sign it. */
  readonly namesakes: readonly X509Certificate[]
  /** A certificate that was presented as the issuer of the last one and did not sign it. */
  readonly impostor: X509Certificate | undefined
  /** Whether the server's certificate is valid for the host. */
  readonly coversHost: boolean
}

/** A trusted certificate at the end of a path. */
export interface Anchor {
  readonly certificate: X509Certificate
  /** The index in the path of the certificate that it signed or is. */
  readonly index: number
  /** Whether it is itself in the path. */
  readonly isInPath: boolean
  /** Why OpenSSL does not take it as the issuer, although it signed. */
  readonly obstacles: readonly Obstacle[]
  /** A trusted certificate that OpenSSL takes as the issuer instead, by its name, although its key did not sign. */
  readonly shadowedBy: X509Certificate | undefined
}

/** `key-identifier`, `serial-number`: that of the issuer in the issued certificate (authorityKeyIdentifier) is another. */
export type Obstacle = 'no-ca' | 'key-usage' | 'key-identifier' | 'serial-number'

export function factsOf(chain: Chain, trusted: readonly X509Certificate[], host: string, now: number): Facts {
  const path = signedPath(chain)
  const last = path.at(-1) ?? path[0]
  const impostor = chain[path.length]
  return {
    path,
    last,
    anchor: anchorOf(path, trusted, now),
    namesakes: isSelfSigned(last)
      ? trusted.filter(({ subject, raw }) => subject === last.subject && !raw.equals(last.raw))
      : trusted.filter((each) => each.subject === last.issuer && !each.raw.equals(last.raw) && !signed(each, last)),
    impostor: impostor && !trusted.some(({ raw }) => raw.equals(impostor.raw)) ? impostor : undefined,
    coversHost: coversHost(path[0], host),
  }
}

/** The presented certificates as far as each is signed by the next. */
export function signedPath([server, ...issuers]: Chain): Chain {
  const path: [X509Certificate, ...X509Certificate[]] = [server]
  for (const issuer of issuers) {
    const last = path.at(-1) ?? server
    // A self-signed certificate ends a path, though Node appends a trusted one of its name, which may be of its key.
    if (isSelfSigned(last) || !signed(issuer, last)) break
    path.push(issuer)
  }
  return path
}

/** Whether the key of the first certificate made the signature of the second. */
export function signed(issuer: X509Certificate, certificate: X509Certificate): boolean {
  try {
    return certificate.verify(issuer.publicKey)
  } catch {
    // OpenSSL does not support every algorithm.
    return false
  }
}

/** The trusted certificate that OpenSSL takes: it looks for each issuer among the trusted certificates first. */
function anchorOf(path: Chain, trusted: readonly X509Certificate[], now: number): Anchor | undefined {
  const own = (certificate: X509Certificate) => trusted.find(({ raw }) => raw.equals(certificate.raw))
  let shadowedBy: X509Certificate | undefined
  const refused: Anchor[] = []
  for (const [index, certificate] of path.entries()) {
    // One with the key of a self-signed certificate vouches for those below, not for that certificate.
    const issuer = isSelfSigned(certificate) ? undefined : trustedIssuers(certificate, trusted, now)
    const [first, ...others] = issuer?.taken ?? []
    const signer = [first, ...others].find((each) => each && signed(each, certificate))
    if (signer !== first) shadowedBy ??= first
    if (signer) {
      const isInPath = path[index + 1]?.raw.equals(signer.raw) === true
      return { certificate: signer, index: isInPath ? index + 1 : index, isInPath, obstacles: [], shadowedBy }
    }
    for (const each of issuer?.refused ?? [])
      refused.push({ certificate: each, index, isInPath: false, obstacles: obstaclesTo(each, certificate), shadowedBy })
  }
  // A trusted server's certificate, or a root that was sent.
  const index = path.findIndex((certificate) => own(certificate) !== undefined)
  const certificate = path[index] && own(path[index])
  return certificate ? { certificate, index, isInPath: true, obstacles: [], shadowedBy } : refused[0]
}

/** The trusted certificates of the issuer's name: those that OpenSSL takes, the first one first, and signers that it does not. */
function trustedIssuers(
  certificate: X509Certificate,
  trusted: readonly X509Certificate[],
  now: number,
): { taken: X509Certificate[]; refused: X509Certificate[] } {
  const named = trusted.filter(({ subject }) => subject === certificate.issuer)
  const isRefused = (each: X509Certificate) => obstaclesTo(each, certificate).some((obstacle) => obstacle !== 'no-ca')
  const fit = named.filter((each) => !isRefused(each))
  const current = fit.filter((each) => dateProblem(each, now) === undefined)
  // Of those that are out of their validity period the one that is valid for longest.
  const dated = fit
    .filter((each) => !current.includes(each))
    .sort((a, b) => Date.parse(b.validTo) - Date.parse(a.validTo))
  return {
    taken: [...current, ...dated],
    refused: named.filter((each) => isRefused(each) && signed(each, certificate)),
  }
}

/** Why a certificate that signed is not taken as the issuer (OpenSSL's `X509_check_issued`). */
function obstaclesTo(issuer: X509Certificate, certificate: X509Certificate): Obstacle[] {
  const above = detailsOf(issuer)
  const below = detailsOf(certificate)
  const differs = (wanted: string | undefined, found: string | undefined) =>
    wanted !== undefined && found !== undefined && wanted !== found
  const serial = issuer.serialNumber.toLowerCase()
  const obstacles: [Obstacle, boolean][] = [
    ['no-ca', !isAuthority(issuer, above)],
    ['key-usage', above?.keyUsage?.includes('keyCertSign') === false],
    ['key-identifier', differs(below?.authorityKeyId, above?.subjectKeyId)],
    ['serial-number', differs(below?.authoritySerial && unpadded(below.authoritySerial), unpadded(serial))],
  ]
  return obstacles.flatMap(([obstacle, applies]) => (applies ? [obstacle] : []))
}

/**
 * OpenSSL's `X509_check_ca` without its look at keyUsage, which is an obstacle of its own: `X509Certificate.ca` includes that.
 * A self-signed certificate of version 1, and one with keyCertSign but no basicConstraints, are CAs to it.
 */
function isAuthority(certificate: X509Certificate, details: CertificateDetails | undefined): boolean {
  if (details === undefined) return certificate.ca
  const { basicConstraints, version, keyUsage } = details
  if (basicConstraints) return basicConstraints.ca
  return (version === 1 && isSelfSigned(certificate)) || keyUsage?.includes('keyCertSign') === true
}

const unpadded = (hex: string): string => hex.replace(/^0+(?=.)/, '')

export function coversHost(certificate: X509Certificate, host: string): boolean {
  return isValidFor(certificate, host.endsWith('.') ? host.slice(0, -1) : host)
}

/** Of the path up to the anchor: those out of their validity period. */
export function dateProblems({ path, anchor }: Pick<Facts, 'path' | 'anchor'>, now: number): DateProblem[] {
  return upToAnchor(path, anchor).flatMap((certificate, index) => {
    const problem = dateProblem(certificate, now)
    return problem === undefined ? [] : [{ certificate, index, isExpired: problem === 'expired' }]
  })
}

export interface DateProblem {
  readonly certificate: X509Certificate
  readonly index: number
  /** Otherwise it is not yet valid. */
  readonly isExpired: boolean
}

export function dateProblem({ validFrom, validTo }: X509Certificate, now: number): 'expired' | 'not-yet' | undefined {
  if (Date.parse(validTo) < now) return 'expired'
  return Date.parse(validFrom) > now ? 'not-yet' : undefined
}

/** A trusted certificate of the server's name and for the host that is valid now, while the server's own has expired. */
export function successorOf(
  server: X509Certificate,
  { trusted, host, now }: { trusted: readonly X509Certificate[]; host: string; now: number },
): X509Certificate | undefined {
  if (dateProblem(server, now) !== 'expired') return undefined
  return trusted.find(
    (each) => each.subject === server.subject && dateProblem(each, now) === undefined && coversHost(each, host),
  )
}

/**
 * The certificates that OpenSSL verifies. What the server sends above a trusted issuer does not count, but what it sends above its own
 * certificate does, if that is the trusted one: OpenSSL looks for an issuer before it looks whether that is trusted.
 */
function upToAnchor([server, ...issuers]: Chain, anchor: Anchor | undefined): Chain {
  if (anchor === undefined || (anchor.isInPath && anchor.index === 0)) return [server, ...issuers]
  const below = issuers.slice(0, anchor.index)
  return anchor.isInPath ? [server, ...below] : [server, ...below, anchor.certificate]
}

/** Why a certificate of a server may not be used for one. */
export interface PurposeProblem {
  readonly certificate: X509Certificate
  readonly index: number
  /** Its purposes if serverAuth is not among them. */
  readonly purposes?: readonly string[]
  /** Its keyUsage if nothing in it allows a handshake. */
  readonly keyUsage?: readonly string[]
}

/** extendedKeyUsage counts in the whole path, keyUsage in the server's own certificate. */
export function purposeProblems({ path, anchor }: Facts): PurposeProblem[] {
  return upToAnchor(path, anchor).flatMap((certificate, index): PurposeProblem[] => {
    const purposes = purposesOf(certificate)
    if (purposes.length > 0 && !purposes.includes('serverAuth')) return [{ certificate, index, purposes }]
    const keyUsage = detailsOf(certificate)?.keyUsage
    if (index === 0 && keyUsage && !keyUsage.some((usage) => SERVER_USAGES.has(usage)))
      return [{ certificate, index, keyUsage }]
    return []
  })
}

const SERVER_USAGES: ReadonlySet<string> = new Set(['digitalSignature', 'keyEncipherment', 'keyAgreement'])

/** Certificates that issued another of the path and may not. */
export function authorityProblems({
  path,
  anchor,
}: Facts): { certificate: X509Certificate; index: number; obstacle: Obstacle }[] {
  return upToAnchor(path, anchor).flatMap((certificate, index, all) => {
    const below = all[index - 1]
    if (below === undefined) return []
    return obstaclesTo(certificate, below).map((obstacle) => ({ certificate, index, obstacle }))
  })
}

/** CAs with more CAs below them than their pathLenConstraint allows; those whose issuer has their own name do not count. */
export function pathLengthProblems({
  path,
  anchor,
}: Facts): { certificate: X509Certificate; index: number; allowed: number; below: number }[] {
  return upToAnchor(path, anchor).flatMap((certificate, index, all) => {
    const allowed = index === 0 ? undefined : detailsOf(certificate)?.basicConstraints?.pathLength
    const below = all.slice(1, index).filter(({ subject, issuer }) => subject !== issuer).length
    return allowed !== undefined && below > allowed ? [{ certificate, index, allowed, below }] : []
  })
}

/** Weak keys, and weak hashes in signatures that count: those of all but self-signed certificates. */
export function weaknesses({
  path,
  anchor,
}: Facts): { certificate: X509Certificate; index: number; key?: string; hash?: string }[] {
  return upToAnchor(path, anchor).flatMap((certificate, index) => {
    const key = publicKeyType(certificate)
    const hash =
      isSelfSigned(certificate) || anchor?.certificate === certificate ? undefined : detailsOf(certificate)?.weakHash
    return [
      ...(isWeakKey(key) ? [{ certificate, index, key }] : []),
      ...(hash === undefined ? [] : [{ certificate, index, hash }]),
    ]
  })
}

/** Below 112 bits of security, OpenSSL's level 2. */
function isWeakKey(type: string): boolean {
  const [, kind = '', bits = ''] = /^(rsa|rsa-pss|dsa|ec)-\D*(\d+)/.exec(type) ?? []
  return bits !== '' && Number(bits) < (kind === 'ec' ? 224 : 2048)
}

/** A name of the server's certificate that a CA above it may not issue for. */
export interface ConstraintProblem {
  readonly certificate: X509Certificate
  readonly index: number
  readonly name: string
  /** Whether the name is the common name, which OpenSSL counts if there is no dNSName. */
  readonly isCommonName: boolean
  readonly isExcluded: boolean
  /** The permitted or excluded names. */
  readonly constraints: readonly string[]
}

export function constraintProblems({ path, anchor }: Facts): ConstraintProblem[] {
  const [server] = path
  const names = constrainedNamesOf(server)
  return upToAnchor(path, anchor).flatMap((certificate, index) => {
    const constraints = index === 0 ? undefined : detailsOf(certificate)?.nameConstraints
    if (constraints === undefined) return []
    return names.flatMap(({ kind, name, isCommonName }): ConstraintProblem[] => {
      const ofKind = (list: readonly ConstrainedName[]) => list.filter((each) => each.kind === kind)
      const permitted = ofKind(constraints.permitted)
      const excluded = ofKind(constraints.excluded)
      const about = { certificate, index, name, isCommonName }
      if (excluded.some(({ value }) => isWithin(name, kind, value)))
        return [{ ...about, isExcluded: true, constraints: excluded.map(({ value }) => value) }]
      if (permitted.length > 0 && permitted.every(({ value }) => isWithin(name, kind, value) === false))
        return [{ ...about, isExcluded: false, constraints: permitted.map(({ value }) => value) }]
      return []
    })
  })
}

type NameKind = 'DNS' | 'IP Address'

function constrainedNamesOf(server: X509Certificate): { kind: NameKind; name: string; isCommonName: boolean }[] {
  const hosts = hostsOf(server)
  const kinds = (detailsOf(server)?.altNameKinds ?? []).filter((kind) => kind === 'DNS' || kind === 'IP Address')
  const names = hosts.map((name, index) => ({ kind: kinds[index] as NameKind, name, isCommonName: false }))
  const commonName = commonNameOf(server.subject)
  // OpenSSL takes a common name for a name of a host if it is written like one and has a dot.
  const isLikeHost = /^[a-z\d_-]+(?:\.[a-z\d_-]+)+\.?$/i.test(commonName)
  return kinds.includes('DNS') || !isLikeHost
    ? names
    : [...names, { kind: 'DNS', name: commonName, isCommonName: true }]
}

function isWithin(name: string, kind: NameKind, constraint: string): boolean | undefined {
  if (kind === 'IP Address') return isInRange(name, constraint)
  const base = constraint.toLowerCase()
  const host = name.toLowerCase()
  return base === '' || host === base || host.endsWith(base.startsWith('.') ? base : `.${base}`)
}

/** The first common name in a subject as Node writes it, empty if there is none. */
export function commonNameOf(subject: string | undefined): string {
  return /^CN=(.*)$/m.exec(subject ?? '')?.[1] ?? ''
}
