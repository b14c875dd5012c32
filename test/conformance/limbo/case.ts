/** A chain that a server presents, what is trusted, and what is right. */
import type { SSLErrorReason } from '../../../src/index.ts'
import { authority, type Forged, type Forgery, leaf } from './forge.ts'

export interface LimboCase {
  readonly name: string
  /** Where it is written. */
  readonly rule: string
  /** Of the URL. Default: `localhost`. */
  readonly host?: string
  /** What the server presents, its own certificate first. */
  readonly sent: readonly Forged[]
  readonly anchors: readonly Forged[]
  /** Whether the rule says that the server is to be trusted. */
  readonly valid: boolean
  /** What vouch says: `trusted`, or why not. */
  readonly verdict: 'trusted' | SSLErrorReason
  /** Why the rule and vouch part, where they do. */
  readonly why?: string
  /** Why OpenSSL by itself, asked by Python, says otherwise than vouch, where it does. */
  readonly openssl?: string
}

type Expected = Pick<LimboCase, 'name' | 'rule' | 'valid' | 'verdict'> & Partial<LimboCase>

/** A root, an intermediate and a server, of which one or more are special; and what is to come of it. */
export function chain(
  expected: Expected,
  { root = {}, middle = {}, server = {} }: { root?: Forgery; middle?: Forgery; server?: Forgery },
): LimboCase {
  const anchor = authority(undefined, root)
  const above = authority(anchor, middle)
  return { sent: [leaf(above, server), above], anchors: [anchor], ...expected }
}

/** A root and a server below it. */
export function direct(
  expected: Expected,
  { root = {}, server = {} }: { root?: Forgery; server?: Forgery },
): LimboCase {
  const anchor = authority(undefined, root)
  return { sent: [leaf(anchor, server)], anchors: [anchor], ...expected }
}

/** Rules and reasons of several tables. */
export const PROFILE = 'RFC 5280, section 4: a rule for those who issue, not for those who verify (section 6)'
export const ANCHOR = 'RFC 5280, section 6.1.1 (d): of an anchor, the name and the key count'
export const ANCHOR_CHECKED = 'OpenSSL checks the anchor like the others'
