/** `inspectCert`: what certificates say. */
import { X509Certificate } from 'node:crypto'
import { CABundle, type TrustSourceInput } from '../trust/ca-bundle.ts'
import { type CertificateInfo, describeCertificate } from '../x509/certificate-info.ts'

/**
 * Reads certificates, without judging them: nothing is verified.
 *
 * @param source what `verify` takes: the path of a file (PEM, DER or PKCS#7) or directory, a `file:` URL, PEM text, bytes, an
 *   `X509Certificate`, a `CABundle` or a list of these
 * @returns for a bundle, a list, and a source that holds several certificates (`fullchain.pem`), a list; else the one
 *   certificate. The type says one where it cannot know; `inspectCert<CertificateInfo | CertificateInfo[]>(path)` says both.
 * @throws CABundleError when a source cannot be read or holds no certificate, TypeError for a source of another type
 *
 * @example
 * inspectCert('cert.pem').daysLeft // 364
 * ;[inspectCert('fullchain.pem')].flat()[0].daysLeft // of the server's own, whether there is a chain behind it or not
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
