/**
 * Other trust settings of this machine that would accept a refused server: used for hints only, never for trust. A hint
 * is given only if the server would be accepted by someone who follows it.
 */
import type { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { displayName } from '../core/credentials.ts'
import { processEnvironment, variable } from '../core/environment.ts'
import { CABundleError, type SSLErrorReason } from '../core/errors.ts'
import type { Diagnosis } from '../diagnose/diagnosis.ts'
import { coversHost } from '../diagnose/facts.ts'
import type { Evidence } from '../diagnose/problem.ts'
import { isAccepted } from '../diagnose/problems.ts'
import { extraRoots, isFlagged, isOpensslStore, readStore } from '../trust/root-stores.ts'
import { readTrustPath } from '../trust/sources.ts'
import { type ResolvedTrust, trustedAnchors } from '../trust/verify.ts'
import { TrustAnchor } from '../x509/certificate.ts'
import { isSelfSigned } from '../x509/certificate-info.ts'

/** What is trusted, as a diagnosis needs it. */
export function evidenceOf(trust: ResolvedTrust | undefined): Pick<Evidence, 'trusted' | 'refusesServers'> {
  const anchors = () => (trust === undefined ? [] : trustedAnchors(trust))
  return {
    // Of the default roots, Node trusts the self-signed ones.
    trusted: () => certificatesOf(trust?.set ? anchors() : anchors()?.filter(isRoot)),
    refusesServers: (wanted) => anchors()?.find(({ certificate }) => certificate === wanted)?.refusesServers === true,
  }
}

function certificatesOf<T extends readonly TrustAnchor[] | undefined>(anchors: T) {
  return anchors?.map(({ certificate }) => certificate)
}

const isRoot = ({ certificate }: TrustAnchor): boolean => isSelfSigned(certificate)

/** Hints for a server that nothing trusted vouches for. */
export function elsewhereHints(
  { reason, hints }: Diagnosis,
  evidence: Evidence,
  trust: ResolvedTrust | undefined,
): string[] {
  if (trust === undefined || !trust.verified || trust.pins) return []
  const { chain } = evidence
  const [server, ...issuers] = chain
  const wouldAccept = (anchors: readonly TrustAnchor[]) => {
    const settings = new Map(anchors.map((anchor) => [anchor.certificate, anchor.refusesServers]))
    const refusesServers = (certificate: X509Certificate) => settings.get(certificate) === true
    return (
      server !== undefined && isAccepted([server, ...issuers], [...settings.keys()], { ...evidence, refusesServers })
    )
  }
  const place: Place = { trust, wouldAccept, roots: isOpensslStore() ? [] : readStore('default').value }
  const overridden = overriddenHints(place)
  if (server === undefined || !REASONS.has(reason)) return overridden
  return [
    ...(isOpensslStore() && hints.some((hint) => hint.includes('CABundle.default()')) ? [NO_DEFAULT] : []),
    ...variableHints('NODE_EXTRA_CA_CERTS', place),
    ...variableHints('SSL_CERT_FILE', place),
    ...systemHints(place),
    ...(overridden.length > 0 || !coversHost(server, evidence.host) ? overridden : programHints(trust)),
  ]
}

/** Where a server was refused. */
interface Place {
  readonly trust: ResolvedTrust
  readonly wouldAccept: (anchors: readonly TrustAnchor[]) => boolean
  /** The default roots; none if they cannot be listed. */
  readonly roots: readonly TrustAnchor[]
}

const REASONS: ReadonlySet<SSLErrorReason> = new Set(['self-signed', 'unknown-ca', 'missing-intermediate'])

const NO_DEFAULT =
  'CABundle.default() cannot list its roots with --use-openssl-ca: name a file of them, or start Node without that option'

function overriddenHints({ trust: { overrides, info }, wouldAccept }: Place): string[] {
  if (overrides === undefined) return []
  const { verify } = overrides
  const helps = () => {
    const session = overrides.resolve()
    return session.set === undefined || wouldAccept(session.set.anchors)
  }
  return attempt(helps)
    ? [
        `${info.source} overrides session.verify (${verify}): pass verify with the call, or set trustEnv: false on the session`,
      ]
    : []
}

/** How to trust a CA in the whole program, and what is in the way of `session.verify`. */
function programHints({ info: { source, path }, ignoresVariable }: ResolvedTrust): string[] {
  if (source === 'default' && !ignoresVariable)
    return ['for the whole program: REQUESTS_CA_BUNDLE=FILE, which replaces the default roots']
  if (!/_CA_BUNDLE$/.test(source)) return []
  return [
    `${source} is in force, and overrides session.verify: pass verify with the call, or add the certificate to ${path ?? 'its file'}`,
  ]
}

/** A variable of Node or OpenSSL that names a file. */
function variableHints(name: FileVariable, { trust, wouldAccept, roots }: Place): string[] {
  const path = variable(processEnvironment(), name)
  if (!path) return []
  const shown = `${name} (${displayName(path)})`
  const isDefault = trust.info.source === 'default'
  try {
    const anchors = readTrustPath({ path: resolve(path), source: path }).flatMap(({ value }) => value)
    if (!wouldAccept([...roots, ...anchors])) return []
    const why = isDefault
      ? VARIABLES[name](anchors, resolve(path))
      : 'it adds to the default roots, which are replaced here'
    return [
      `${shown} has a certificate that vouches for this server, but ${why}: name the file, ${addition(`'${displayName(path)}'`)}`,
    ]
  } catch (error) {
    const isRead = isDefault && (name === 'NODE_EXTRA_CA_CERTS' || isSslCertFileRead())
    if (!(error instanceof CABundleError) || !isRead) return []
    return [`${shown} cannot be used, if it was meant to have this server's CA: ${error.summary}`]
  }
}

type FileVariable = keyof typeof VARIABLES

/** Why Node's default roots do not have the certificates of a file. */
const VARIABLES = {
  NODE_EXTRA_CA_CERTS: (anchors: readonly TrustAnchor[], path: string): string => {
    const extra = new Set(extraRoots().map((pem) => TrustAnchor.fromPem(pem).id))
    if (anchors.every(({ id }) => extra.has(id))) return 'Node trusts no certificate of it that is not self-signed'
    return isPemFile(path) ? TOO_LATE : 'Node reads certificates in PEM only'
  },
  SSL_CERT_FILE: (_anchors: readonly TrustAnchor[], path: string): string => {
    if (!isPemFile(path)) return 'OpenSSL reads certificates in PEM only'
    return isSslCertFileRead() ? TOO_LATE : 'Node reads it with --use-openssl-ca or --use-system-ca only'
  },
}

const TOO_LATE = 'it was set, or the file was written, after Node had started'

/** On Linux it is a part of the system's store to Node. */
function isSslCertFileRead(): boolean {
  return isOpensslStore() || (process.platform === 'linux' && isFlagged('use-system-ca'))
}

function isPemFile(path: string): boolean {
  try {
    return /^-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----/m.test(readFileSync(path, 'latin1'))
  } catch {
    return false
  }
}

function systemHints({ trust, wouldAccept, roots }: Place): string[] {
  const helps = () => wouldAccept([...roots, ...readStore('system').value])
  if (!attempt(helps)) return []
  const isFlagOfUse = trust.info.source === 'default' && !isOpensslStore() && !isFlagged('use-system-ca')
  return [
    `the operating system's store would trust this server: ${addition('CABundle.system()')}${isFlagOfUse ? ", or Node's --use-system-ca" : ''}`,
  ]
}

/** `verify` with this besides the default roots, or alone if those cannot be listed. */
const addition = (source: string): string =>
  `verify: ${isOpensslStore() ? source : `CABundle.default().with(${source})`}`

/** `false` if a file or a store cannot be read: the store may be empty, or the system have none. */
function attempt(helps: () => boolean): boolean {
  try {
    return helps()
  } catch {
    return false
  }
}
