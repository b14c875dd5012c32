/**
 * Digests of trust settings and client certificates: connections and TLS contexts are shared only if these are equal.
 */
import { hash } from 'node:crypto'

declare const brand: unique symbol

/** SHA-256 in hex. Equal digests mean equal trust, or the same client certificate. Made by {@link digestOf} only. */
export type TrustDigest = string & { readonly [brand]: true }

/** The digest of these parts. */
export function digestOf(...parts: readonly string[]): TrustDigest {
  return hash('sha256', JSON.stringify(parts)) as TrustDigest
}
