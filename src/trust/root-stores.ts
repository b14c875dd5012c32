/** The lists of roots that come with Node or the operating system. Each is read when first asked for. */
import tls from 'node:tls'
import { CABundleError } from '../core/errors.ts'
import type { FileVersion } from '../core/live-file.ts'
import { TrustAnchor } from '../x509/certificate.ts'

/** `default`: what `verify: true` trusts; `bundled`: the roots built into Node; `system`: the operating system's store. */
export type StoreName = 'default' | 'bundled' | 'system'

/**
 * The roots of a store. The same object until the store changes, which only `tls.setDefaultCACertificates` can do.
 *
 * The system's store lists some roots several times (Linux: 432 entries, 144 certificates); they are told apart by
 * content. Reading it can take seconds on macOS, so nothing but `CABundle.system()` does.
 *
 * @throws CABundleError when the store cannot be listed
 */
export function readStore(name: StoreName): FileVersion<readonly TrustAnchor[]> {
  const listed = listStore(name)
  const known = stores.get(name)
  if (known?.listed === listed) return known.version
  const anchors = new Map<string, TrustAnchor>()
  for (const pem of listed) {
    const anchor = TrustAnchor.fromPem(pem)
    anchors.set(anchor.id, anchor)
  }
  if (known) known.version.stale = true
  const version = { value: [...anchors.values()], stale: false }
  stores.set(name, { listed, version })
  return version
}

/** An object that stands for Node's default roots as they are now: another one after `tls.setDefaultCACertificates`. */
export function defaultRoots(): readonly string[] {
  return tls.getCACertificates('default')
}

const stores = new Map<StoreName, { listed: readonly string[]; version: FileVersion<readonly TrustAnchor[]> }>()

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
