/**
 * The moment in which a certificate is renewed that clients trust by its file. Server and client look at one file, but not
 * at one time: what the server presents may still be what the file held before, or be already what it holds since.
 */
import type { X509Certificate } from 'node:crypto'
import { resolveTrust, type Trust } from '../trust/verify.ts'
import type { TrustAnchor } from '../x509/certificate.ts'
import { isValidFor } from '../x509/hostname.ts'

/** How long a server may take to present a renewed certificate, in ms: four times the interval of `watchCert`. */
export const TAKEOVER_TIME = 1000

/**
 * Whether the server that was refused for this certificate is worth asking again: a moment ago the trusted file has changed,
 * and either it holds the certificate since then, or one of the same host that is no older has taken its place.
 *
 * @throws CABundleError when the file cannot be used now
 */
export function isBeingRenewed(refused: X509Certificate, host: string, trust: Trust): boolean {
  const { set } = resolveTrust(trust)
  if (set === undefined) return false
  const since = performance.now() - TAKEOVER_TIME
  const isRefused = ({ certificate }: TrustAnchor) => certificate.raw.equals(refused.raw)
  const succeeds = ({ certificate }: TrustAnchor) =>
    Date.parse(certificate.validFrom) >= Date.parse(refused.validFrom) && isValidFor(certificate, host)
  return set.parts.some(({ value, replaced = [] }) => {
    const before = replaced.filter(({ at }) => at > since).map((version) => version.value.some(isRefused))
    return value.some(isRefused) ? before.includes(false) : before.includes(true) && value.some(succeeds)
  })
}
