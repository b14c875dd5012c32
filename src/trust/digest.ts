/** Digests of trust and of client certificates: connections and TLS contexts are shared by equal digests only. */
import { hash } from 'node:crypto'

declare const brand: unique symbol

/** SHA-256 in hex. Equal digests mean equal trust, or the same client certificate. Made by {@link digestOf} only. */
export type TrustDigest = string & { readonly [brand]: true }

/** The digest of these parts. */
export function digestOf(...parts: readonly string[]): TrustDigest {
  return hash('sha256', JSON.stringify(parts)) as TrustDigest
}
