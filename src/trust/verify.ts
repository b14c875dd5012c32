/** Converts `verify`, in any of its forms, to a `Trust`: only this file reads the raw value. */
import type { X509Certificate } from 'node:crypto'
import { resolve } from 'node:path'
import { displayName } from '../core/credentials.ts'
import { environmentBundle, environmentOf } from '../core/environment.ts'
import { CABundleError } from '../core/errors.ts'
import { aboutFile, fileOf, pathOfFileUrl } from '../core/file-error.ts'
import type { TrustInfo, TrustSource } from '../core/trust-info.ts'
import { warnPrecedence } from '../core/warnings.ts'
import type { TrustAnchor } from '../x509/certificate.ts'
import { isPem } from '../x509/pem.ts'
import { bundleOfPath, bundleOfText, CABundle, type TrustSourceInput } from './ca-bundle.ts'
import type { CertificateSet } from './certificate-set.ts'
import { digestOf, type TrustDigest } from './digest.ts'
import { type Pins, pinsOf } from './pins.ts'
import { defaultRoots, isOpensslStore, readStore } from './root-stores.ts'

/**
 * What a request trusts. `true`: the default roots. `false`: any server, without verification. A path (file or directory),
 * PEM text, bytes, a certificate, a {@link CABundle} or a list of these: these certificates and no others. A pin
 * (`'sha256:HEX'` of the server's certificate, `'sha256//BASE64='` of its public key) or a list of pins: the server that
 * presents it, under any name.
 */
export type Verify = boolean | TrustSourceInput

/** The trust of one request; its files have not been read. */
export type Trust =
  | { readonly kind: 'insecure'; readonly source: TrustSource }
  | { readonly kind: 'default'; readonly source: TrustSource; readonly ignoresVariable?: true }
  | {
      readonly kind: 'bundle'
      readonly source: TrustSource
      readonly bundle: CABundle
      readonly overrides?: Overridden | undefined
    }
  | PinnedTrust

/** The `session.verify` that a variable overrides, for messages. */
export interface Overridden {
  /** Safe to print. */
  readonly verify: string
  /** @throws CABundleError if it cannot be used */
  readonly resolve: () => ResolvedTrust
}

/** Pins identify the origin. They say nothing about an https proxy in front of it. */
interface PinnedTrust {
  readonly kind: 'pins'
  readonly source: TrustSource
  readonly pins: Pins
  /** What verifies an https proxy: what would verify the origin if no `verify` were given. */
  readonly forProxy: Exclude<Trust, PinnedTrust>
}

/** The trust of a connection: its files have been read. */
export interface ResolvedTrust {
  /** Whether certificates are verified at all. */
  readonly verified: boolean
  /** Equal digests mean equal trust: connections may be shared between them and no others. */
  readonly digest: TrustDigest
  /** The certificates; `undefined` for Node's default roots, for pins, and when verification is off. */
  readonly set: CertificateSet | undefined
  /** `undefined` if certificates are trusted. */
  readonly pins: Pins | undefined
  readonly info: TrustInfo
  readonly overrides?: Overridden | undefined
  /** Whether the default roots would be trusted even if REQUESTS_CA_BUNDLE were set. */
  readonly ignoresVariable?: true
}

/**
 * Normalises a value of `verify`.
 *
 * Only `false` switches verification off. Other falsy values, which requests accepts for it (`''`, `[]`, empty bytes, 0), are
 * refused: a typo must not disable verification.
 *
 * @throws TypeError for a value of another type, and for a pin that is none
 * @throws CABundleError for an empty value, and for damaged PEM text or bytes
 */
export function toTrust(verify: Verify, source: TrustSource): Trust {
  if (verify === true) return DEFAULT
  if (verify === false) return { kind: 'insecure', source }
  const pins = pinsOf(verify)
  if (pins) return { kind: 'pins', source, pins, forProxy: DEFAULT }
  const bundle = toBundle(verify)
  return bundle.isDefault ? DEFAULT : { kind: 'bundle', source, bundle }
}

const DEFAULT: Trust & { readonly kind: 'default' } = { kind: 'default', source: 'default' }

/** The trust for an https proxy in front of an origin with this trust. */
export function trustForProxy(trust: Trust): Trust {
  return trust.kind === 'pins' ? trust.forProxy : trust
}

/** Where `verify` may be set, apart from the call. */
export interface VerifyDefaults {
  /** The session's. */
  readonly verify: Verify | null | undefined
  /** Whether environment variables are read. */
  readonly trustEnv: boolean | undefined
}

/**
 * Chooses the `verify` that applies, by requests' rule (`merge_environment_settings`, then `merge_setting`).
 *
 * | `verify` of the call | `REQUESTS_CA_BUNDLE`, else `CURL_CA_BUNDLE` (not empty, `trustEnv`) | result |
 * |---|---|---|
 * | a path, a bundle, pins, `false` | any | the call's |
 * | `true` or unset | set | the variable's bundle, which overrides the session's too |
 * | `true` | not set | the default roots |
 * | unset | not set | the session's |
 *
 * @throws TypeError, CABundleError as {@link toTrust}
 */
export function resolveVerify(
  call: Verify | null | undefined,
  { verify, trustEnv }: VerifyDefaults,
  environment: NodeJS.ProcessEnv,
): Trust {
  const own = call === undefined || call === null || call === true ? undefined : toTrust(call, 'call')
  if (own && own.kind !== 'pins') return ignoringVariable(own)
  const env = environmentOf(trustEnv, environment)
  const envBundle = env && environmentBundle(env)
  const isOver = envBundle !== undefined && own === undefined && isOverridden(verify, envBundle.path)
  const overrides = isOver
    ? {
        verify: describeVerify(verify as Verify),
        resolve: () => resolveTrust(toTrust(verify as Verify, 'session')),
      }
    : undefined
  // Environment values are always paths, even if they contain '-----BEGIN' (as in requests) or look like a pin.
  const envTrust = envBundle && {
    kind: 'bundle' as const,
    source: envBundle.variable,
    bundle: bundleOfPath(envBundle.path),
    overrides,
  }
  if (own || envTrust === undefined) {
    const trust = own ?? toTrust(call ?? verify ?? true, 'session')
    if (trust.kind === 'pins') return { ...trust, forProxy: envTrust ?? trust.forProxy }
    return env === undefined ? ignoringVariable(trust) : trust
  }
  if (overrides !== undefined) warnPrecedence(envTrust.source, displayName(envBundle?.path ?? ''), overrides.verify)
  return envTrust
}

function ignoringVariable(trust: Trust): Trust {
  return trust.kind === 'default' ? { ...trust, ignoresVariable: true } : trust
}

/** Whether the session trusts something else than the variable names: not the default, and not the same file. */
function isOverridden(verify: Verify | null | undefined, path: string): boolean {
  if (verify === true || verify === null || verify === undefined) return false
  if (verify instanceof URL && verify.protocol === 'file:') return pathOfFileUrl(verify) !== resolve(path)
  return typeof verify !== 'string' || isPem(verify) || resolve(verify) !== resolve(path)
}

function describeVerify(verify: Verify): string {
  if (verify === false) return 'false'
  if (pinsOf(verify)) return 'a pin'
  return typeof verify === 'string' && !isPem(verify) ? `'${displayName(verify)}'` : 'a bundle'
}

/**
 * Reads the trusted files, if they have changed.
 *
 * @throws CABundleError if one cannot be used
 */
export function resolveTrust(trust: Trust): ResolvedTrust {
  if (trust.kind === 'bundle') {
    const set = resolveBundle(trust.bundle, trust.source)
    const info = trustInfo(trust, set.anchors.length)
    return { verified: true, digest: set.digest, set, pins: undefined, info, overrides: trust.overrides }
  }
  if (trust.kind === 'pins') {
    const { pins, source } = trust
    const info: TrustInfo = Object.freeze({ source, certificates: 0, pins: pins.size })
    return { verified: true, digest: pins.digest, set: undefined, pins, info }
  }
  if (trust.kind === 'insecure') {
    return { verified: false, digest: INSECURE, set: undefined, pins: undefined, info: trustInfo(trust, 0) }
  }
  return trust.ignoresVariable ? { ...defaultTrust(), ignoresVariable: true } : defaultTrust()
}

/** If the bundle came from an environment variable, an error has a hint that names the variable. */
function resolveBundle(bundle: CABundle, source: TrustSource): CertificateSet {
  try {
    return bundle.resolve()
  } catch (error) {
    if (!(error instanceof CABundleError) || !/_CA_BUNDLE$/.test(source)) throw error
    const { summary, path, line, code, cause, hints } = error
    const origin = `the path is from the variable ${source}; verify of the call overrides it, trustEnv: false ignores it`
    const named = new CABundleError(summary, { path, line, code, cause, hints: [origin, ...hints] })
    throw aboutFile(named, fileOf(error))
  }
}

/** The trusted certificates, if they can be listed; none if verification is off, or if pins say who the server is. */
export function trustedCertificates(trust: ResolvedTrust): readonly X509Certificate[] {
  return trustedAnchors(trust)?.map((anchor) => anchor.certificate) ?? []
}

/** As {@link trustedCertificates}, with their settings; `undefined` if they cannot be listed. */
export function trustedAnchors({ verified, set, pins }: ResolvedTrust): readonly TrustAnchor[] | undefined {
  if (set) return set.anchors
  if (!verified || pins) return []
  return isOpensslStore() ? undefined : readStore('default').value
}

function toBundle(verify: TrustSourceInput): CABundle {
  if (typeof verify === 'string' && verify !== '') return isPem(verify) ? bundleOfText(verify) : bundleOfPath(verify)
  return verify instanceof CABundle ? verify : CABundle.from(verify)
}

function trustInfo(trust: Trust, certificates: number): TrustInfo {
  const path = trust.kind === 'bundle' ? trust.bundle.path : undefined
  const { source } = trust
  return Object.freeze(path === undefined ? { source, certificates } : { source, path, certificates })
}

const INSECURE = digestOf('insecure')

let roots: readonly string[] | undefined
let generation = 0
let current: ResolvedTrust | undefined

/** Has a new digest after `tls.setDefaultCACertificates`: connections made before it must not be used after it. */
function defaultTrust(): ResolvedTrust {
  const now = defaultRoots()
  if (current === undefined || now !== roots) {
    roots = now
    generation++
    const info: TrustInfo = Object.freeze({
      source: 'default',
      certificates: isOpensslStore() ? 0 : now.length,
    })
    const digest = digestOf('default', `${generation}`)
    current = { verified: true, digest, set: undefined, pins: undefined, info }
  }
  return current
}
