/** The types of a failed handshake's facts and of the problems found in them. */
import type { X509Certificate } from 'node:crypto'
import type { SSLErrorReason } from '../core/errors.ts'
import type { Service } from '../core/service.ts'
import type { Facts } from './facts.ts'

/** The row of a failure in the tables. */
export interface Reason {
  readonly reason: SSLErrorReason
  /** OpenSSL's own words, as in requests. */
  readonly summary: string
  /** What to do, the likeliest first. */
  readonly hints: readonly string[]
}

/** What is known about a failed handshake. */
export interface Evidence {
  readonly host: string
  readonly port: number
  /** The server, if its protocol is not https. */
  readonly service?: Service | undefined
  /** The certificates that the server presented: its own first, each issued by the next. Empty if unknown. */
  readonly chain: readonly X509Certificate[]
  /** The trusted certificates; `undefined` if they cannot be listed. Called only if they are needed: there may be hundreds. */
  readonly trusted: () => readonly X509Certificate[] | undefined
  /** Whether a trusted certificate has settings of its own that refuse it for servers. */
  readonly refusesServers?: ((certificate: X509Certificate) => boolean) | undefined
  /** The pins by which the server is known, as in messages; `undefined`: by certificates. */
  readonly pins?: readonly string[] | undefined
  /** In ms since 1970. */
  readonly now: number
}

/** Something that is wrong with the chain. */
export interface Problem {
  readonly reason: SSLErrorReason
  readonly failing: number | undefined
  readonly findings: readonly string[]
  readonly hints: readonly string[]
  /** Findings and hints if OpenSSL reported another problem. */
  readonly besides?: { readonly findings: readonly string[]; readonly hints: readonly string[] }
}

/** The facts, and where they were found. */
export interface Case extends Facts, Pick<Evidence, 'host' | 'port' | 'service' | 'now' | 'refusesServers'> {
  readonly trusted: readonly X509Certificate[]
}
