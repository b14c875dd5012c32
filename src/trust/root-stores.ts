/** The lists of roots that come with Node or the operating system. Each is read when first asked for. */
import tls from 'node:tls'
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

const stores = new Map<StoreName, { listed: readonly string[]; snapshot: Snapshot<readonly TrustAnchor[]> }>()

function listStore(name: StoreName): readonly string[] {
  const listed = name === 'bundled' ? tls.rootCertificates : tls.getCACertificates(name)
  if (listed.length > 0) return listed
  if (name === 'default') {
    // nodejs/node#64258
    throw new CABundleError('the default roots cannot be listed: Node was started with --use-openssl-ca', {
      hints: ['name the file instead of CABundle.default(), e.g. /etc/ssl/certs/ca-certificates.crt'],
    })
  }
  throw new CABundleError(`the ${name} certificate store is empty`)
}
