/** `verify`, in any of its forms, becomes a {@link Trust}; nobody behind this file looks at the raw value again. */
import type { X509Certificate } from 'node:crypto'
import { CABundleError } from '../core/errors.ts'
import {
  bundleOfPath,
  bundleOfText,
  CABundle,
  type CertificateSet,
  isPemText,
  type TrustSourceInput,
} from './ca-bundle.ts'
import { defaultRoots, readStore } from './root-stores.ts'

/**
 * What a request trusts. `true`: the default roots. `false`: anything, without verification. A path (file or directory),
 * PEM text, bytes, a certificate, a {@link CABundle} or a list of these: these certificates and no others.
 */
export type Verify = boolean | TrustSourceInput

/** Where the decision about trust was made. */
export type TrustSource = 'call' | 'session' | 'REQUESTS_CA_BUNDLE' | 'CURL_CA_BUNDLE' | 'default'

/** What was trusted for a connection, to be read by people and logs. */
export interface TrustInfo {
  /** Who decided; `default` when nobody did, so that Node's default roots apply. */
  readonly source: TrustSource
  /** The file or directory, when trust came from one. */
  readonly path?: string
  /** How many certificates are trusted; 0 when verification is off. */
  readonly certificates: number
}

/** Trust as settled for one request; files are not looked at yet. */
export type Trust =
  | { readonly kind: 'insecure'; readonly source: TrustSource }
  | { readonly kind: 'default'; readonly source: TrustSource }
  | { readonly kind: 'bundle'; readonly source: TrustSource; readonly bundle: CABundle }

/** Trust at the moment of a connection. */
export interface ResolvedTrust {
  /** Whether certificates are verified at all. */
  readonly verified: boolean
  /** Equal digests mean equal trust: connections may be shared between them and no others. */
  readonly digest: string
  /** The certificates; `undefined` for Node's default roots and when verification is off. */
  readonly set: CertificateSet | undefined
  readonly info: TrustInfo
}

/**
 * Normalises a value of `verify`.
 *
 * Only `false` switches verification off. What requests takes for false as well (`''`, `[]`, empty bytes, 0) is refused:
 * a typo must not open the door.
 *
 * @throws TypeError for a value of another type
 * @throws CABundleError for an empty value, and for damaged PEM text or bytes
 */
export function toTrust(verify: Verify, source: TrustSource): Trust {
  if (verify === true) return { kind: 'default', source: 'default' }
  if (verify === false) return { kind: 'insecure', source }
  const bundle = toBundle(verify)
  return bundle.isDefault ? { kind: 'default', source: 'default' } : { kind: 'bundle', source, bundle }
}

/**
 * Looks at the trusted files as they are now.
 *
 * @throws CABundleError when one cannot be used
 */
export function resolveTrust(trust: Trust): ResolvedTrust {
  if (trust.kind === 'bundle') {
    const set = resolveBundle(trust.bundle, trust.source)
    return { verified: true, digest: set.digest, set, info: trustInfo(trust, set.anchors.length) }
  }
  if (trust.kind === 'insecure') {
    return { verified: false, digest: 'insecure', set: undefined, info: trustInfo(trust, 0) }
  }
  return defaultTrust()
}

/** Who did not name a bundle himself is told who did. */
function resolveBundle(bundle: CABundle, source: TrustSource): CertificateSet {
  try {
    return bundle.resolve()
  } catch (error) {
    if (!(error instanceof CABundleError) || !/_CA_BUNDLE$/.test(source)) throw error
    const { summary, path, line, code, cause, hints } = error
    const named = `the variable ${source} names it; verify of a call, or trustEnv: false, goes without`
    throw new CABundleError(summary, { path, line, code, cause, hints: [named, ...hints] })
  }
}

/** The certificates that are trusted, as far as they can be listed; none when verification is off. */
export function trustedCertificates({ verified, set }: ResolvedTrust): readonly X509Certificate[] {
  const anchors = set?.anchors ?? (verified && defaultRoots().length > 0 ? readStore('default').value : [])
  return anchors.map((anchor) => anchor.certificate)
}

function toBundle(verify: TrustSourceInput): CABundle {
  if (typeof verify === 'string' && verify !== '')
    return isPemText(verify) ? bundleOfText(verify) : bundleOfPath(verify)
  return verify instanceof CABundle ? verify : CABundle.from(verify)
}

function trustInfo(trust: Trust, certificates: number): TrustInfo {
  const path = trust.kind === 'bundle' ? trust.bundle.path : undefined
  return path === undefined ? { source: trust.source, certificates } : { source: trust.source, path, certificates }
}

let roots: readonly string[] | undefined
let generation = 0
let current: ResolvedTrust | undefined

/** Another one after `tls.setDefaultCACertificates`: connections made before must not serve requests after. */
function defaultTrust(): ResolvedTrust {
  const now = defaultRoots()
  if (current === undefined || now !== roots) {
    roots = now
    generation++
    const info: TrustInfo = { source: 'default', certificates: now.length }
    current = { verified: true, digest: `default:${generation}`, set: undefined, info }
  }
  return current
}
