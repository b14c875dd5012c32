/** `inspectCert`: reads the fields of certificates. */
import { X509Certificate } from 'node:crypto'
import { CABundle, type TrustSourceInput } from '../trust/ca-bundle.ts'
import { type CertificateInfo, describeCertificate } from '../x509/certificate-info.ts'

/**
 * Reads certificates without verifying them.
 *
 * @param source as for `verify`: the path of a file (PEM, DER or PKCS#7) or directory, a `file:` URL, PEM text, bytes, an
 *   `X509Certificate`, a `CABundle` or a list of these
 * @returns a list for a bundle, a list, or a source with several certificates (`fullchain.pem`); otherwise one
 *   certificate. The type of a path is one certificate; `inspectCert<CertificateInfo | CertificateInfo[]>(path)` is both.
 * @throws CABundleError if a source cannot be read or has no certificate, TypeError for a source of another type
 *
 * @example
 * inspectCert('cert.pem').daysLeft // 364
 * ;[inspectCert('fullchain.pem')].flat()[0].daysLeft // of the server certificate, with or without a chain
 * inspectCert(CABundle.default()).filter(({ daysLeft }) => daysLeft < 90)
 */
export function inspectCert(source: CABundle | readonly TrustSourceInput[]): CertificateInfo[]
export function inspectCert<T extends CertificateInfo | CertificateInfo[] = CertificateInfo>(
  source: TrustSourceInput,
): T
export function inspectCert(source: TrustSourceInput): CertificateInfo | CertificateInfo[] {
  if (source instanceof X509Certificate) return describeCertificate(source)
  const list = CABundle.from(source).certificates.map(describeCertificate)
  const [only] = list
  const isBundle = source instanceof CABundle || Array.isArray(source)
  return only !== undefined && list.length === 1 && !isBundle ? only : list
}
