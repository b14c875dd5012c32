/**
 * Trusted certificates that issued each other, such as the cross-certificates of two CAs, or those of a CA that has changed its key
 * (RFC 4210, section 4.4). When Node describes the certificate of a peer (`getPeerCertificate(true)`, in each handshake) it follows the
 * issuers among what is trusted until one has issued itself. In a loop it does so until the memory is used up (Node 22 to 26), and the
 * certificate of any server that names one of them leads into the loop.
 */
import type { X509Certificate } from 'node:crypto'
import { CABundleError } from '../core/errors.ts'
import { printable } from '../core/printable.ts'
import type { TrustAnchor } from '../x509/certificate.ts'
import { haveSameKey, nameInOneLine } from '../x509/certificate-info.ts'

/**
 * These certificates without those that make a loop and are not needed: beside a certificate that has issued itself, another one of the
 * same name and key adds no trust.
 *
 * @throws CABundleError if a loop is left
 */
export function withoutLoops(anchors: readonly TrustAnchor[]): readonly TrustAnchor[] {
  const looping = loopsIn(anchors)
  if (looping.size === 0) return anchors
  const roots = anchors.map(({ certificate }) => certificate).filter(isOwnIssuer)
  const isNeeded = (anchor: TrustAnchor) =>
    !looping.has(anchor) || !roots.some((root) => isSameAuthority(root, anchor.certificate))
  const rest = anchors.filter(isNeeded)
  const [left] = loopsIn(rest)
  if (left === undefined) return rest
  const name = printable(nameInOneLine(left.certificate.subject)) || '(no name)'
  throw new CABundleError(`certificates of the CA bundle issued each other, among them '${name}'`, {
    hints: [
      'add the self-signed certificate of this CA to the bundle, or remove one of the certificates: Node would follow their issuers without end',
    ],
  })
}

/** Whether issuers of one of these can be followed without end. */
export function hasLoop(anchors: readonly TrustAnchor[]): boolean {
  return loopsIn(anchors).size > 0
}

/** Those from which issuers lead to a loop, and never to a certificate that has issued itself or whose issuer is not there. */
function loopsIn(anchors: readonly TrustAnchor[]): ReadonlySet<TrustAnchor> {
  const left = new Set(anchors.filter(({ certificate }) => !isOwnIssuer(certificate)))
  // Two at least: Node stops at a certificate that it finds twice in a row.
  if (left.size < 2) return new Set()
  const byName = Map.groupBy(left, ({ certificate }) => nameKey(certificate.subject))
  const issuers = new Map(
    Array.from(left, (anchor) => {
      const { certificate } = anchor
      const candidates = byName.get(nameKey(certificate.issuer)) ?? []
      return [anchor, candidates.filter((other) => other !== anchor && certificate.checkIssued(other.certificate))]
    }),
  )
  for (let size = 0; size !== left.size; ) {
    size = left.size
    for (const anchor of left) if (!issuers.get(anchor)?.some((issuer) => left.has(issuer))) left.delete(anchor)
  }
  return left
}

/** As Node asks it: by names and key identifiers, not by the signature. */
function isOwnIssuer(certificate: X509Certificate): boolean {
  return certificate.checkIssued(certificate)
}

/** No more than OpenSSL distinguishes, which ignores case and folds white space. */
function nameKey(name: string): string {
  return name.toLowerCase().replace(/\s+/g, ' ')
}

function isSameAuthority(root: X509Certificate, other: X509Certificate): boolean {
  return nameKey(root.subject) === nameKey(other.subject) && haveSameKey(root, other)
}
