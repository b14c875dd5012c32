/** TLS contexts: created only here, and shared by content. */
import tls, { type SecureContext, type SecureContextOptions } from 'node:tls'
import { SharedValues } from '../core/shared-values.ts'
import { TrustAnchor } from '../x509/certificate.ts'
import { readPkcs12 } from '../x509/pkcs12.ts'
import { type ClientIdentity, clientCertError } from './client-identity.ts'
import { hasLoop, withoutLoops } from './issuer-loops.ts'
import type { LearnedCertificate } from './learned.ts'
import { defaultRoots, isOpensslStore, readStore } from './root-stores.ts'
import type { ResolvedTrust } from './verify.ts'

/**
 * The context for this trust and client certificate: the same one as long as both have the same content.
 *
 * A context costs 5 ms and 1 MB with all public roots (Node 24), so all sessions of the process with the same trust share it.
 * It is never changed: no request can affect another one through it.
 *
 * @param learned for pins: the certificates that matched them; without any the context trusts nothing
 * @throws ClientCertError if OpenSSL refuses the client certificate: a PKCS#12 file that it cannot open, a weak key
 */
export function secureContextFor(
  trust: ResolvedTrust,
  identity: ClientIdentity | undefined,
  learned: readonly LearnedCertificate[] = [],
): SecureContext {
  const key = [trust.digest, identity?.digest ?? '', ...learned.map(({ fingerprint }) => fingerprint)].join('|')
  const known = contexts.get(key)
  if (known) {
    stats.hits++
    return known
  }
  stats.builds++
  const context = build(trust, identity, learned)
  contexts.set(key, context)
  return context
}

/** The part of `caStats` that is about contexts. */
export function contextStats(): { contexts: number; contextHits: number; contextBuilds: number } {
  return { contexts: contexts.size, contextHits: stats.hits, contextBuilds: stats.builds }
}

/** By content. The agents hold those that are in use. */
const contexts = new SharedValues<SecureContext>(100)
const stats = { hits: 0, builds: 0 }

function build(
  trust: ResolvedTrust,
  identity: ClientIdentity | undefined,
  learned: readonly LearnedCertificate[],
): SecureContext {
  const roots = trust.pins ? pinnedRoots(learned) : rootsOf(trust)
  try {
    return tls.createSecureContext(withoutPrototype(roots, identity && clientCertOptions(identity)))
  } catch (error) {
    // All trusted certificates were parsed before. A client certificate may be too weak, or its PKCS#12 file may not open.
    throw identity ? clientCertError(identity, error) : error
  }
}

function rootsOf({ set }: ResolvedTrust): SecureContextOptions {
  // Without `ca`, Node uses its default roots, which are parsed already: 0.1 ms instead of 5.
  if (set === undefined) return defaultRootsOf()
  const { anchors, intermediates } = set
  const ca = pemOf(withoutLoops([...anchors, ...intermediates]))
  // With it every certificate of `ca` is an anchor; without it, the self-signed ones are.
  return { ca, allowPartialTrustChain: intermediates.length === 0 }
}

/** Only what was added to Node's own roots, of which each has issued itself, can make a loop: then the roots are listed without it. */
function defaultRootsOf(): SecureContextOptions {
  const own = new Set(tls.rootCertificates)
  const added = defaultRoots().filter((pem) => !own.has(pem))
  if (isOpensslStore() || !hasLoop(added.map((pem) => TrustAnchor.fromPem(pem)))) return {}
  return { ca: pemOf(withoutLoops(readStore('default').value)) }
}

function pemOf(anchors: readonly TrustAnchor[]): string {
  return anchors.map(({ pem }) => pem).join('')
}

/** An empty list is an empty store, whatever flags Node has (tried on Node 22, 24, 26); `''` would be the default roots. */
function pinnedRoots(learned: readonly LearnedCertificate[]): SecureContextOptions {
  const ca = learned.map(({ pem }) => pem)
  // Node 24 and later refuse RSA keys of less than 2048 bits otherwise. Level 1 still refuses those of less than 1024. A level
  // that `--tls-cipher-list` sets is kept.
  const isOld = learned.some(({ hasOldKey }) => hasOldKey) && !tls.DEFAULT_CIPHERS.includes('@SECLEVEL')
  return { ca, allowPartialTrustChain: true, ...(isOld && { ciphers: `${tls.DEFAULT_CIPHERS}:@SECLEVEL=1` }) }
}

/** The certificate and its key. Never `pfx`: Node would also trust the other certificates of the file. */
function clientCertOptions({ options }: ClientIdentity): SecureContextOptions {
  if (!('pfx' in options)) return options
  // Let OpenSSL check the file and its passphrase; this context is discarded.
  tls.createSecureContext(withoutPrototype(options))
  return readPkcs12(options.pfx, options.passphrase ?? '')
}

/** Without a prototype: properties of Object.prototype must not become options. */
function withoutPrototype(...options: (SecureContextOptions | undefined)[]): SecureContextOptions {
  return Object.assign(Object.create(null), ...options)
}
