/** `caStats`: the size and use of the trust caches, and whether a limit was reached. */
import { contextStats } from '../trust/secure-context.ts'
import { caCacheStats } from '../trust/sources.ts'
import { poolStats } from './pool-manager.ts'

/** Sizes and hit counts of the trust caches, for logs and metrics. */
export interface CAStats {
  /** Files of certificates held in memory. */
  readonly files: number
  /** How often a file or content was found unchanged, and how often one was parsed. */
  readonly hits: number
  readonly parses: number
  /** Certificates held in memory; a certificate in several bundles is counted once. */
  readonly certificates: number
  /** TLS contexts held in memory, how often one was reused, and how often one was made. */
  readonly contexts: number
  readonly contextHits: number
  readonly contextBuilds: number
  /** How often an adapter closed a pool because it had too many. */
  readonly poolEvictions: number
}

/**
 * Counts of certificates, TLS contexts and pools since the process started.
 *
 * @example
 * caStats().contexts // 1: a thousand sessions with the same bundle share one context
 */
export function caStats(): CAStats {
  return { ...caCacheStats(), ...contextStats(), poolEvictions: poolStats.evictions }
}
