/** The lists of roots that come with Node or the operating system. Each is read when first asked for. */
import tls from 'node:tls'
import { processEnvironment, variable } from '../core/environment.ts'
import { CABundleError } from '../core/errors.ts'
import type { Snapshot } from '../core/live-file.ts'
import { TrustAnchor } from '../x509/certificate.ts'

/** `default`: what `verify: true` trusts; `bundled`: the roots built into Node; `system`: the operating system's store. */
export type StoreName = 'default' | 'bundled' | 'system'

/**
 * The roots of a store. The same object until the store changes, which only `tls.setDefaultCACertificates` can do.
 *
 * The system's store lists some roots several times (Linux: 432 entries, 144 certificates); duplicates are found by
 * content. Reading it can take seconds on macOS, so nothing but `CABundle.system()` does.
 *
 * @throws CABundleError when the store cannot be listed
 */
export function readStore(name: StoreName): Snapshot<readonly TrustAnchor[]> {
  const listed = listStore(name)
  const known = stores.get(name)
  if (known?.listed === listed) return known.snapshot
  const anchors = new Map<string, TrustAnchor>()
  for (const pem of listed) {
    const anchor = TrustAnchor.fromPem(pem)
    anchors.set(anchor.id, anchor)
  }
  if (known) known.snapshot.stale = true
  const snapshot = { value: [...anchors.values()], stale: false }
  stores.set(name, { listed, snapshot })
  return snapshot
}

/** An object that stands for Node's default roots as they are now: another one after `tls.setDefaultCACertificates`. */
export function defaultRoots(): readonly string[] {
  return tls.getCACertificates('default')
}

/**
 * Whether Node was started with `--use-openssl-ca`: it then trusts OpenSSL's store, which cannot be listed, and lists no more than
 * NODE_EXTRA_CA_CERTS as its default roots (nodejs/node#64258).
 */
export function isOpensslStore(): boolean {
  const listed = defaultRoots()
  if (listed.length === 0) return true
  const extra = new Set(extraRoots())
  return isFlagged('use-openssl-ca') && listed.every((pem) => extra.has(pem))
}

/** Whether Node was started with this flag, by its arguments or by NODE_OPTIONS. */
export function isFlagged(flag: string): boolean {
  const given = [...process.execArgv, variable(processEnvironment(), 'NODE_OPTIONS') ?? ''].join(' ')
  return new RegExp(`--${flag.replaceAll('-', '[-_]')}(?![-_\\w])`).test(given)
}

/** What Node has taken from NODE_EXTRA_CA_CERTS, as PEM. */
export function extraRoots(): readonly string[] {
  return tls.getCACertificates('extra')
}

const stores = new Map<StoreName, { listed: readonly string[]; snapshot: Snapshot<readonly TrustAnchor[]> }>()

function listStore(name: StoreName): readonly string[] {
  if (name === 'default' && isOpensslStore()) {
    throw new CABundleError('the default roots cannot be listed: Node was started with --use-openssl-ca', {
      hints: ['name the file instead of CABundle.default(), e.g. /etc/ssl/certs/ca-certificates.crt'],
    })
  }
  const listed = name === 'bundled' ? tls.rootCertificates : tls.getCACertificates(name)
  if (listed.length > 0) return listed
  throw new CABundleError(`the ${name} certificate store is empty`)
}
