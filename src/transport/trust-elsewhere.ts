/**
 * What else on this machine would trust a refused server: looked up for a hint when it was refused, and never used to trust it.
 */
import type { X509Certificate } from 'node:crypto'
import { resolve } from 'node:path'
import { displayName } from '../core/credentials.ts'
import { processEnvironment, variable } from '../core/environment.ts'
import { CABundleError, type SSLErrorReason } from '../core/errors.ts'
import { factsOf } from '../diagnose/facts.ts'
import { readStore } from '../trust/root-stores.ts'
import { readTrustPath } from '../trust/sources.ts'
import type { ResolvedTrust } from '../trust/verify.ts'

/** Hints for a server that nothing trusted vouches for. */
export function elsewhereHints(
  reason: SSLErrorReason,
  chain: readonly X509Certificate[],
  trust: ResolvedTrust | undefined,
): string[] {
  if (trust === undefined || !trust.verified) return []
  const overridden = trust.overrides === undefined ? [] : [overriddenHint(trust.info.source, trust.overrides)]
  const [server, ...issuers] = chain
  if (server === undefined || !REASONS.has(reason)) return overridden
  const vouches = (anchors: readonly X509Certificate[]) => {
    const { anchor } = factsOf([server, ...issuers], anchors, '')
    return anchor !== undefined && anchor.obstacles.length === 0
  }
  return [
    ...overridden,
    ...variableHints('NODE_EXTRA_CA_CERTS', EXTRA_HINT, trust, vouches),
    ...variableHints('SSL_CERT_FILE', SSL_CERT_HINT, trust, vouches),
    ...(systemVouches(vouches) ? [SYSTEM_HINT] : []),
  ]
}

const REASONS: ReadonlySet<SSLErrorReason> = new Set(['self-signed', 'unknown-ca', 'missing-intermediate'])

const overriddenHint = (source: string, verify: string): string =>
  `${source} overrides session.verify (${verify}): pass verify with the call, or set trustEnv: false on the session`
const SYSTEM_HINT =
  "the operating system's store would trust this server: verify: CABundle.default().with(CABundle.system()), or Node's --use-system-ca"
const EXTRA_HINT =
  'has a certificate that vouches for this server, and Node did not take it: it must be PEM, be set before Node starts, and counts for the default roots only; or name the file: verify: CABundle.default().with(FILE)'
const SSL_CERT_HINT =
  'has a certificate that vouches for this server, and Node reads it with --use-openssl-ca or --use-system-ca only; or name the file: verify: CABundle.default().with(FILE)'

type Vouches = (anchors: readonly X509Certificate[]) => boolean

/** A variable of Node or OpenSSL that names a file. */
function variableHints(name: string, hint: string, { info }: ResolvedTrust, vouches: Vouches): string[] {
  const path = variable(processEnvironment(), name)
  if (!path) return []
  const shown = `${name} (${displayName(path)})`
  try {
    const anchors = readTrustPath({ path: resolve(path), source: path }).flatMap(({ value }) => value)
    return vouches(anchors.map(({ certificate }) => certificate)) ? [`${shown} ${hint}`] : []
  } catch (error) {
    if (!(error instanceof CABundleError) || info.source !== 'default') return []
    return [`${shown} cannot be used, if it was meant to have this server's CA: ${error.summary}`]
  }
}

function systemVouches(vouches: Vouches): boolean {
  try {
    return vouches(readStore('system').value.map(({ certificate }) => certificate))
  } catch {
    // The store is empty, or the system has none.
    return false
  }
}
