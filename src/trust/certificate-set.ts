/** The current certificates of a bundle as one value, by which contexts and connections are shared. */
import type { TrustAnchor } from '../x509/certificate.ts'
import { digestOf, type TrustDigest } from './digest.ts'
import { assertDistinct } from './intermediates.ts'
import type { Anchors } from './sources.ts'

/** The current certificates of a bundle: the same object until they change. */
export interface CertificateSet {
  readonly anchors: readonly TrustAnchor[]
  /** Certificates that help to build chains, and are not trusted. */
  readonly intermediates: readonly TrustAnchor[]
  /** The trusted certificates, grouped by the file or value that they come from. */
  readonly parts: readonly Anchors[]
  /**
   * SHA-256 over the ids of all certificates in their order, in hex. The order is part of it: OpenSSL takes the first of two
   * CAs with one name if no key identifier distinguishes them.
   */
  readonly digest: TrustDigest
  /** Whether one of the files has changed since it was read. */
  readonly stale: boolean
}

/** A part of a bundle. */
export interface Part {
  readonly anchors: Anchors
  /** Whether its certificates help to build chains, and are not trusted. */
  readonly helps: boolean
}

/**
 * The set of these parts: the same object for the same parts, even in bundles that are made for each call.
 *
 * @throws CABundleError for intermediates that cannot be told from anchors
 */
export function certificateSet(parts: readonly Part[]): CertificateSet {
  let node = sets
  for (const { anchors, helps } of parts) {
    const branch = helps ? node.helping : node.trusted
    let next = branch.get(anchors)
    if (next === undefined) {
      next = { trusted: new WeakMap(), helping: new WeakMap() }
      branch.set(anchors, next)
    }
    node = next
  }
  node.set ??= merge(parts)
  return node.set
}

/** A trie of sets, keyed by their parts. WeakMaps let replaced snapshots be collected. */
interface SetNode {
  readonly trusted: WeakMap<Anchors, SetNode>
  readonly helping: WeakMap<Anchors, SetNode>
  set?: CertificateSet
}

const sets: SetNode = { trusted: new WeakMap(), helping: new WeakMap() }

function merge(all: readonly Part[]): CertificateSet {
  const parts = all.filter(({ helps }) => !helps).map((part) => part.anchors)
  const anchors = byId(parts)
  const intermediates = byId(all.filter(({ helps }) => helps).map((part) => part.anchors))
  if (intermediates.size > 0) assertDistinct([...anchors.values()], [...intermediates.values()])
  const helping = intermediates.size > 0 ? ['intermediates', ...intermediates.keys()] : []
  return {
    anchors: [...anchors.values()],
    intermediates: [...intermediates.values()],
    parts,
    digest: digestOf(...anchors.keys(), ...helping),
    get stale() {
      return all.some((part) => part.anchors.stale)
    },
  }
}

function byId(parts: readonly Anchors[]): ReadonlyMap<string, TrustAnchor> {
  return new Map(parts.flatMap(({ value }) => value.map((anchor) => [anchor.id, anchor] as const)))
}
