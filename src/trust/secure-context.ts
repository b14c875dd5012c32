/** The only place where TLS contexts are made. */
import tls, { type SecureContext, type SecureContextOptions } from 'node:tls'
import { LruMap } from '../core/lru-map.ts'
import { readPkcs12 } from '../x509/pkcs12.ts'
import { type ClientIdentity, refusedIdentity } from './client-cert.ts'
import { caCacheStats } from './sources.ts'
import type { ResolvedTrust } from './verify.ts'

/**
 * The context for this trust and client certificate; the same one as long as both have the same content.
 *
 * A context costs 5 ms and 1 MB with all public roots (Node 24), so it is shared by every session of the process that
 * trusts the same. It is never changed after it was made: nothing of one request can leak into another through it.
 *
 * @throws ClientCertError when OpenSSL refuses the client certificate: a PKCS#12 file it cannot open, a weak key
 */
export function secureContextFor(trust: ResolvedTrust, identity: ClientIdentity | undefined): SecureContext {
  const key = `${trust.digest}|${identity?.digest ?? ''}`
  const known = contexts.get(key)
  if (known) {
    stats.hits++
    return known
  }
  stats.builds++
  const context = build(trust, identity)
  contexts.set(key, context)
  return context
}

/** What the caches of trust hold, and how often they served: for logs and counters. */
export interface CAStats {
  /** Files of certificates held in memory. */
  readonly files: number
  /** How often a file or content was found unchanged, and how often one was parsed. */
  readonly hits: number
  readonly parses: number
  /** TLS contexts held in memory, how often one was reused, and how often one was made. */
  readonly contexts: number
  readonly contextHits: number
  readonly contextBuilds: number
}

/**
 * Counts of the CA cache and the context cache since the process started.
 *
 * @example
 * caStats().contexts // 1: a thousand sessions with the same bundle share one context
 */
export function caStats(): CAStats {
  return { ...caCacheStats(), contexts: contexts.size, contextHits: stats.hits, contextBuilds: stats.builds }
}

const contexts = new LruMap<string, SecureContext>(100)
const stats = { hits: 0, builds: 0 }

function build(trust: ResolvedTrust, identity: ClientIdentity | undefined): SecureContext {
  const ca = trust.set?.anchors.map((anchor) => anchor.pem).join('')
  // Without `ca` Node uses its default roots, which it keeps parsed: 0.1 ms instead of 5.
  const roots = ca === undefined ? {} : { ca, allowPartialTrustChain: true }
  try {
    return tls.createSecureContext(bare(roots, identity && identityOptions(identity)))
  } catch (error) {
    // The certificates of trust were all parsed before. A client certificate may be too weak, or PKCS#12 that does not open.
    throw identity ? refusedIdentity(identity, error) : error
  }
}

/** A certificate and its key. Never `pfx`: Node would trust the other certificates of the file, too. */
function identityOptions({ options }: ClientIdentity): SecureContextOptions {
  if (!('pfx' in options)) return options
  // Whether it opens is for OpenSSL to say, of a context that nobody uses.
  tls.createSecureContext(bare(options))
  return readPkcs12(options.pfx, options.passphrase ?? '')
}

/** Without a prototype: what somebody put on Object.prototype must not become an option. */
function bare(...options: (SecureContextOptions | undefined)[]): SecureContextOptions {
  return Object.assign(Object.create(null), ...options)
}
