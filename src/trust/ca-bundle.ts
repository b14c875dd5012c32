/** `CABundle`: a set of certificates to trust, from files, directories and texts. */

import { hash, X509Certificate } from 'node:crypto'
import { isAbsolute, resolve } from 'node:path'
import { isAnyArrayBuffer } from 'node:util/types'
import { displayName } from '../core/credentials.ts'
import { CABundleError } from '../core/errors.ts'
import { pathOfFileUrl } from '../core/file-error.ts'
import { LruMap } from '../core/lru-map.ts'
import { printable } from '../core/printable.ts'
import { isPem } from '../x509/pem.ts'
import { type CertificateSet, certificateSet, type Part } from './certificate-set.ts'
import { isPin } from './pins.ts'
import { readStore, type StoreName } from './root-stores.ts'
import { type Anchors, readTrustCertificate, readTrustContent, readTrustPath, type TrustPath } from './sources.ts'

/**
 * One source of trust: the path of a file or directory (string or `file:` URL), PEM text, bytes (PEM, DER or PKCS#7),
 * a certificate, another bundle, or a list of these. A string is PEM text when it contains `-----BEGIN`.
 */
export type TrustSourceInput = string | URL | Uint8Array | X509Certificate | CABundle | readonly TrustSourceInput[]

/**
 * A set of certificates to trust, for `verify`.
 *
 * A bundle replaces the default roots; `CABundle.default().with(…)` adds to them. Paths stay live: they are checked for
 * changes at each request, so a renewed file takes effect at the next one. A bundle is immutable; `with` returns a new one.
 *
 * @example
 * const session = new Session({ verify: CABundle.default().with('./corp-ca.pem') })
 */
export class CABundle {
  readonly #sources: readonly BundleSource[]

  private constructor(sources: readonly BundleSource[], token: symbol) {
    // Without the check, `new CABundle([])` of a program without types would be a bundle of the default roots.
    if (token !== INTERNAL) throw new TypeError('a CABundle is made by CABundle.from(…), not by new')
    this.#sources = sources
  }

  /**
   * A bundle of these sources only.
   *
   * @throws CABundleError if a source given by value (text, bytes) is damaged, empty or without a certificate.
   *   Paths are read when the bundle is used.
   * @throws TypeError for a source of another type
   */
  static from(...sources: readonly TrustSourceInput[]): CABundle {
    if (sources.length === 0) throw new CABundleError('an empty list of sources trusts nothing', { hints: EMPTY_HINTS })
    return new CABundle(sources.flatMap(toSources), INTERNAL)
  }

  /** @internal The bundle of a path, whatever the path looks like. */
  static ofPath(path: string): CABundle {
    return new CABundle([pathSource(path)], INTERNAL)
  }

  /** The roots of `verify: true`: Node's default roots, with `NODE_EXTRA_CA_CERTS` and `--use-system-ca` if given. */
  static default(): CABundle {
    return new CABundle([{ kind: 'store', store: 'default' }], INTERNAL)
  }

  /** The roots built into Node (Mozilla's list), regardless of flags. */
  static bundled(): CABundle {
    return new CABundle([{ kind: 'store', store: 'bundled' }], INTERNAL)
  }

  /** The operating system's store. Its first use may take seconds on macOS. */
  static system(): CABundle {
    return new CABundle([{ kind: 'store', store: 'system' }], INTERNAL)
  }

  /** A new bundle: this one and these sources. */
  with(...sources: readonly TrustSourceInput[]): CABundle {
    return new CABundle([...this.#sources, ...sources.flatMap(toSources)], INTERNAL)
  }

  /**
   * A new bundle: this one, and intermediate certificates for servers that do not send them. They help to build chains, and are
   * not trusted: a chain must end at a certificate of the bundle, and all its constraints apply (pathLenConstraint,
   * nameConstraints, dates).
   *
   * @throws CABundleError for a self-signed certificate among them, and for a certificate of the bundle that is not self-signed, since
   *   OpenSSL cannot distinguish the two; also for damaged or empty sources. Paths are read when the bundle is used.
   * @throws TypeError for a source of another type
   *
   * @example
   * new Session({ verify: CABundle.default().withIntermediates('intermediate.pem') })
   */
  withIntermediates(...sources: readonly TrustSourceInput[]): CABundle {
    if (sources.length === 0) throw new CABundleError('an empty list of intermediates helps nothing')
    const helping = sources.flatMap(toSources).map((source) => ({ ...source, helps: true as const }))
    const bundle = new CABundle([...this.#sources, ...helping], INTERNAL)
    // Content given by value is checked now; files are when they are read.
    certificateSet(bundle.#sources.flatMap((source) => (source.kind === 'value' ? readSource(source) : [])))
    return bundle
  }

  /** The trusted certificates, each once. @throws CABundleError if a path cannot be used */
  get certificates(): readonly X509Certificate[] {
    return this.resolve().anchors.map((anchor) => anchor.certificate)
  }

  /** How many certificates there are. @throws CABundleError if a path cannot be used */
  get size(): number {
    return this.resolve().anchors.length
  }

  /** SHA-256 over all certificates, in hex; equal for the same certificates in any order. @throws CABundleError as above */
  get fingerprint(): string {
    const ids = this.resolve().anchors.map((anchor) => anchor.id)
    return hash('sha256', ids.sort().join('\n'))
  }

  /** All certificates as one PEM text. @throws CABundleError if a path cannot be used */
  toPEM(): string {
    return this.resolve()
      .anchors.map((anchor) => anchor.pem)
      .join('')
  }

  /** @internal The current certificates. Reads the files that have changed. */
  resolve(): CertificateSet {
    return certificateSet(this.#sources.flatMap(readSource))
  }

  /** @internal Whether this is `CABundle.default()` and nothing else: Node needs no list then. */
  get isDefault(): boolean {
    return (
      this.#sources.length > 0 &&
      this.#sources.every((source) => source.kind === 'store' && source.store === 'default' && !source.helps)
    )
  }

  /** @internal The display name of the path, if the bundle is one file or directory. */
  get path(): string | undefined {
    const [source, ...others] = this.#sources
    return source?.kind === 'path' && !source.helps && others.length === 0 ? displayName(source.source) : undefined
  }

  /** @internal */
  get sources(): readonly BundleSource[] {
    return this.#sources
  }
}

/** The bundle of one path: the same object for the same spelling, so that its cached certificates are used. */
export function bundleOfPath(path: string): CABundle {
  const key = JSON.stringify(isAbsolute(path) ? [path] : [process.cwd(), path])
  let bundle = bundles.get(key)
  if (bundle === undefined) {
    bundle = CABundle.ofPath(path)
    bundles.set(key, bundle)
  }
  return bundle
}

/** The bundle of one PEM text: the same object for the same text, which is parsed once. */
export function bundleOfText(pem: string): CABundle {
  let bundle = texts.get(pem)
  if (bundle === undefined) {
    bundle = CABundle.from(pem)
    texts.set(pem, bundle)
  }
  return bundle
}

/** What {@link CABundle} is constructed with; the module exports it to no one. */
const INTERNAL = Symbol('CABundle')

type BundleSource = (
  | ({ readonly kind: 'path' } & TrustPath)
  | { readonly kind: 'value'; readonly anchors: Anchors }
  | { readonly kind: 'store'; readonly store: StoreName }
) & {
  /** Whether its certificates help to build chains, and are not trusted. */
  readonly helps?: true
}

const bundles = new LruMap<string, CABundle>(2048)
/** Texts are long: all public roots are 0.2 MB. */
const texts = new LruMap<string, CABundle>(16)

const EMPTY_HINTS = ['for the default roots write verify: true; to switch verification off, verify: false']

const PIN_IN_BUNDLE =
  "a pin is no certificate, and a bundle holds certificates only: verify: 'sha256:…' (a file of that name is './sha256:…')"

function toSources(input: TrustSourceInput): BundleSource[] {
  if (typeof input === 'string') return [sourceOfString(input)]
  if (input instanceof CABundle) return [...input.sources]
  if (input instanceof URL) return [pathSource(pathOfUrl(input))]
  if (input instanceof X509Certificate) return [{ kind: 'value', anchors: readTrustCertificate(input) }]
  if (Array.isArray(input)) {
    if (input.length === 0) throw new CABundleError('an empty list trusts nothing', { hints: EMPTY_HINTS })
    // Array.from turns holes into `undefined`, which is refused; flatMap alone would skip them.
    return Array.from(input).flatMap(toSources)
  }
  const bytes = bytesOf(input)
  if (bytes === undefined) throw new TypeError(describeWrongType(input))
  if (bytes.length === 0) throw new CABundleError('the bytes given as CA bundle are empty', { hints: EMPTY_HINTS })
  return [{ kind: 'value', anchors: readTrustContent(bytes, 'given as bytes') }]
}

function sourceOfString(input: string): BundleSource {
  if (input === '') throw new CABundleError('the path of the CA bundle is empty', { hints: EMPTY_HINTS })
  if (isPin(input)) throw new TypeError(PIN_IN_BUNDLE)
  return isPem(input) ? { kind: 'value', anchors: readTrustContent(input, 'given as PEM text') } : pathSource(input)
}

/** The path is resolved at once: a later change of the working directory does not change the bundle. */
function pathSource(source: string): BundleSource {
  return { kind: 'path', path: resolve(source), source }
}

/** @throws TypeError when the URL is not a local file's */
export function pathOfUrl(url: URL): string {
  if (url.protocol !== 'file:') {
    throw new TypeError(
      `a URL given as verify or cert must be a file: URL, not ${printable(url.protocol.slice(0, -1))}: save the file first`,
    )
  }
  return pathOfFileUrl(url)
}

function bytesOf(input: unknown): Uint8Array | undefined {
  if (input instanceof Uint8Array) return input
  if (isAnyArrayBuffer(input)) return new Uint8Array(input)
  return ArrayBuffer.isView(input) ? new Uint8Array(input.buffer, input.byteOffset, input.byteLength) : undefined
}

function describeWrongType(input: unknown): string {
  const given =
    input === null ? 'null' : typeof input === 'object' ? (input.constructor?.name ?? 'object') : typeof input
  return `verify must be a boolean, a path, PEM text, bytes, an X509Certificate, a CABundle or a list of these, not ${printable(given)}`
}

function readSource(source: BundleSource): readonly Part[] {
  const { helps = false } = source
  return contentOf(source).map((anchors) => ({ anchors, helps }))
}

function contentOf(source: BundleSource): readonly Anchors[] {
  if (source.kind === 'path') return readTrustPath(source)
  return source.kind === 'value' ? [source.anchors] : [readStore(source.store)]
}
