/**
 * Intermediate certificates that are used to build chains but are not trusted: OpenSSL must not take them for anchors.
 */
import { CABundleError } from '../core/errors.ts'
import { printable } from '../core/printable.ts'
import type { TrustAnchor } from '../x509/certificate.ts'
import { isSelfSigned, nameInOneLine } from '../x509/certificate-info.ts'
import { isSelfIssued } from '../x509/subject-hash.ts'

/**
 * OpenSSL has one list for both. Without partial chains it ends a chain only at a certificate that is its own issuer by its names
 * (it does not verify the signature of an anchor), so no intermediate may look like that, and every anchor must.
 *
 * @throws CABundleError that names the certificate
 */
export function assertDistinct(anchors: readonly TrustAnchor[], intermediates: readonly TrustAnchor[]): void {
  for (const intermediate of intermediates) {
    if (isSelfIssued(intermediate.certificate)) {
      throw problem(intermediate, 'is its own issuer (self-signed), and would be trusted', [
        'if it is a root that you trust, name it as one: bundle.with(…)',
      ])
    }
    if (intermediate.hasSettings) {
      throw problem(intermediate, 'is a TRUSTED CERTIFICATE, whose trust settings an intermediate must not have', [
        'remove the settings: openssl x509 -in FILE -out NEW.pem',
      ])
    }
  }
  const other = anchors.find(({ certificate }) => !isSelfSigned(certificate))
  if (other === undefined) return
  throw problem(other, 'is trusted but not self-signed, which is not possible beside intermediates', [
    'trust the root above it instead; or leave out the intermediates, since a chain may end at it',
  ])
}

function problem({ certificate }: TrustAnchor, what: string, hints: readonly string[]): CABundleError {
  const name = printable(nameInOneLine(certificate.subject)) || '(no name)'
  return new CABundleError(`withIntermediates: '${name}', SHA-256 ${certificate.fingerprint256}, ${what}`, { hints })
}
