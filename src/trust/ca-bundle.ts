/** `CABundle`: a set of certificates to trust, from files, directories and texts. */
import { hash, X509Certificate } from 'node:crypto'
import { isAbsolute, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isAnyArrayBuffer } from 'node:util/types'
import { CABundleError } from '../core/errors.ts'
import { LruMap } from '../core/lru-map.ts'
import type { TrustAnchor } from '../x509/certificate.ts'
import { isPem } from '../x509/pem.ts'
import { readStore, type StoreName } from './root-stores.ts'
import { type Anchors, readTrustCertificate, readTrustContent, readTrustPath, type TrustPath } from './sources.ts'

/**
 * One source of trust: the path of a file or directory (string or `file:` URL), PEM text, bytes (PEM, DER or PKCS#7),
 * a certificate, another bundle, or a list of these. A string is PEM text when it contains `-----BEGIN`.
 */
export type TrustSourceInput = string | URL | Uint8Array | X509Certificate | CABundle | readonly TrustSourceInput[]

/** The certificates of a bundle as they are now. The same object for as long as nothing changed. */
export interface CertificateSet {
  readonly anchors: readonly TrustAnchor[]
  /** The same by the files and values that they come from. */
  readonly parts: readonly Anchors[]
  /**
   * SHA-256 over the ids of all certificates in their order, in hex: equal digests mean equal trust. The order is part of
   * it because OpenSSL takes the first of two authorities of one name where no key identifier tells them apart.
   */
  readonly digest: string
  /** Whether a file that this was read from holds something else by now. */
  readonly stale: boolean
}

/**
 * A set of certificates to trust: for `verify`, and to be passed around.
 *
 * A bundle replaces the default roots. To add to them, say so: `CABundle.default().with(…)`. Sources given as paths stay
 * live: they are looked at again for each request, so a renewed file takes effect at the next one. A bundle itself never
 * changes; `with` makes a new one.
 *
 * @example
 * const session = new Session({ verify: CABundle.default().with('./corp-ca.pem') })
 */
export class CABundle {
  readonly #sources: readonly Source[]

  private constructor(sources: readonly Source[]) {
    this.#sources = sources
  }

  /**
   * A bundle of these sources and no others.
   *
   * @throws CABundleError when a source given by value (text, bytes) is damaged, holds no certificate or is empty.
   *   Paths are not looked at before the bundle is used.
   * @throws TypeError for a source of another type
   */
  static from(...sources: readonly TrustSourceInput[]): CABundle {
    if (sources.length === 0) throw new CABundleError('an empty list of sources trusts nothing', { hints: EMPTY_HINTS })
    return new CABundle(sources.flatMap(toSources))
  }

  /** What `verify: true` trusts: Node's default roots, with `NODE_EXTRA_CA_CERTS` and `--use-system-ca` where given. */
  static default(): CABundle {
    return new CABundle([{ kind: 'store', store: 'default' }])
  }

  /** The roots built into Node (Mozilla's list), whatever the flags. */
  static bundled(): CABundle {
    return new CABundle([{ kind: 'store', store: 'bundled' }])
  }

  /** The operating system's store. Its first use may take seconds on macOS. */
  static system(): CABundle {
    return new CABundle([{ kind: 'store', store: 'system' }])
  }

  /** A new bundle: this one and these sources. */
  with(...sources: readonly TrustSourceInput[]): CABundle {
    return new CABundle([...this.#sources, ...sources.flatMap(toSources)])
  }

  /** The certificates, each once. @throws CABundleError when a path cannot be used */
  get certificates(): readonly X509Certificate[] {
    return this.resolve().anchors.map((anchor) => anchor.certificate)
  }

  /** How many certificates there are. @throws CABundleError when a path cannot be used */
  get size(): number {
    return this.resolve().anchors.length
  }

  /** SHA-256 over all certificates, in hex; equal for the same certificates in any order. @throws CABundleError as above */
  get fingerprint(): string {
    const ids = this.resolve().anchors.map((anchor) => anchor.id)
    return hash('sha256', ids.sort().join('\n'))
  }

  /** All certificates as one PEM text. @throws CABundleError when a path cannot be used */
  toPEM(): string {
    return this.resolve()
      .anchors.map((anchor) => anchor.pem)
      .join('')
  }

  /** @internal The certificates as they are now: reads what has changed. */
  resolve(): CertificateSet {
    return certificateSet(this.#sources.flatMap(readSource))
  }

  /** @internal Whether this is `CABundle.default()` and nothing else, for which Node needs no list. */
  get isDefault(): boolean {
    return this.#sources.every((source) => source.kind === 'store' && source.store === 'default')
  }

  /** @internal The path, when the bundle is one file or directory. */
  get path(): string | undefined {
    const [source, ...others] = this.#sources
    return source?.kind === 'path' && others.length === 0 ? source.shown : undefined
  }

  /** @internal */
  get sources(): readonly Source[] {
    return this.#sources
  }
}

/** The bundle of one path, in one spelling: the same object again, so that what it has read is kept. */
export function bundleOfPath(path: string): CABundle {
  const key = isAbsolute(path) ? path : `${process.cwd()}\n${path}`
  let bundle = bundles.get(key)
  if (bundle === undefined) {
    bundle = CABundle.from(path)
    bundles.set(key, bundle)
  }
  return bundle
}

/** The bundle of one text: the same object again for the same text, which is then not looked at. */
export function bundleOfText(pem: string): CABundle {
  let bundle = texts.get(pem)
  if (bundle === undefined) {
    bundle = CABundle.from(pem)
    texts.set(pem, bundle)
  }
  return bundle
}

type Source =
  | ({ readonly kind: 'path' } & TrustPath)
  | { readonly kind: 'value'; readonly anchors: Anchors }
  | { readonly kind: 'store'; readonly store: StoreName }

const bundles = new LruMap<string, CABundle>(512)
/** Texts are long: all public roots are 0.2 MB. */
const texts = new LruMap<string, CABundle>(16)

const EMPTY_HINTS = ['to trust the default roots write verify: true; to switch verification off, verify: false']

function toSources(input: TrustSourceInput): Source[] {
  if (typeof input === 'string') return [sourceOfString(input)]
  if (input instanceof CABundle) return [...input.sources]
  if (input instanceof URL) return [pathSource(pathOfUrl(input))]
  if (input instanceof X509Certificate) return [{ kind: 'value', anchors: readTrustCertificate(input) }]
  if (Array.isArray(input)) {
    if (input.length === 0) throw new CABundleError('an empty list trusts nothing', { hints: EMPTY_HINTS })
    // Holes as well, which `flatMap` alone would pass over: a list that nobody has filled is no trust.
    return Array.from(input).flatMap(toSources)
  }
  const bytes = bytesOf(input)
  if (bytes === undefined) throw new TypeError(describeWrongType(input))
  if (bytes.length === 0) throw new CABundleError('the bytes given as CA bundle are empty', { hints: EMPTY_HINTS })
  return [{ kind: 'value', anchors: readTrustContent(bytes, 'given as bytes') }]
}

function sourceOfString(input: string): Source {
  if (input === '') throw new CABundleError('the path of the CA bundle is empty', { hints: EMPTY_HINTS })
  return isPem(input) ? { kind: 'value', anchors: readTrustContent(input, 'given as PEM text') } : pathSource(input)
}

/** Made absolute at once: changing the working directory later does not change what a bundle means. */
function pathSource(path: string): Source {
  return { kind: 'path', path: resolve(path), shown: path }
}

/** @throws TypeError when the URL is not a local file's */
export function pathOfUrl(url: URL): string {
  if (url.protocol !== 'file:') {
    throw new TypeError(`a URL given as verify or cert must be a file: URL, not ${url.protocol}: save the file first`)
  }
  return fileURLToPath(url)
}

function bytesOf(input: unknown): Uint8Array | undefined {
  if (input instanceof Uint8Array) return input
  if (isAnyArrayBuffer(input)) return new Uint8Array(input)
  return ArrayBuffer.isView(input) ? new Uint8Array(input.buffer, input.byteOffset, input.byteLength) : undefined
}

function describeWrongType(input: unknown): string {
  const given =
    input === null ? 'null' : typeof input === 'object' ? (input.constructor?.name ?? 'object') : typeof input
  return `verify must be a boolean, a path, PEM text, bytes, an X509Certificate, a CABundle or a list of these, not ${given}`
}

function readSource(source: Source): readonly Anchors[] {
  if (source.kind === 'path') return readTrustPath(source)
  return source.kind === 'value' ? [source.anchors] : [readStore(source.store)]
}

/** The set of these parts: the same object again for the same parts, also in bundles that are made for each call. */
function certificateSet(parts: readonly Anchors[]): CertificateSet {
  let node = sets
  for (const part of parts) {
    let next = node.next.get(part)
    if (next === undefined) {
      next = { next: new WeakMap() }
      node.next.set(part, next)
    }
    node = next
  }
  node.set ??= unite(parts)
  return node.set
}

/** Sets by their parts, one after the other: what has been replaced, nobody refers to any more. */
interface SetNode {
  readonly next: WeakMap<Anchors, SetNode>
  set?: CertificateSet
}

const sets: SetNode = { next: new WeakMap() }

function unite(parts: readonly Anchors[]): CertificateSet {
  const byId = new Map<string, TrustAnchor>()
  for (const part of parts) {
    for (const anchor of part.value) byId.set(anchor.id, anchor)
  }
  return {
    anchors: [...byId.values()],
    parts,
    digest: hash('sha256', [...byId.keys()].join('\n')),
    get stale() {
      return parts.some((part) => part.stale)
    },
  }
}
