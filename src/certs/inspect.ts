/** `inspectCert`: what a certificate says, in words that need no looking up. */
import { type KeyObject, X509Certificate } from 'node:crypto'
import { CABundle, type TrustSourceInput } from '../trust/ca-bundle.ts'
import { nameInOneLine } from '../trust/certificate.ts'
import { hostsOf } from './hosts.ts'
import { DAY } from './options.ts'

/** What a certificate says. */
export interface CertificateInfo {
  /** The subject's name, `'O=Example, CN=localhost'`, special characters after a backslash; empty when it has none. */
  subject: string
  /** The name of who issued it. */
  issuer: string
  /** The names and addresses that it is valid for (subjectAltName), in the order of the certificate. */
  hosts: string[]
  validFrom: Date
  validTo: Date
  /** Whole days until `validTo`, rounded down: 0 on the last day, negative afterwards. */
  daysLeft: number
  /** In hexadecimal digits. */
  serialNumber: string
  /** `'ec-p256'`, `'rsa-2048'`, `'ed25519'` and so on: the names that `keyType` takes, and others by the same rule. */
  keyType: string
  /** SHA-256 of the DER encoding, as `'AA:BB:…'`. */
  fingerprint: string
  /** The same by SHA-1, which old tools show: good for finding a certificate, not for trusting one. */
  fingerprints: { sha1: string; sha256: string }
  /** Whether it may vouch for other certificates (basicConstraints CA:TRUE). */
  ca: boolean
  /** Whether it is signed with its own key. */
  selfSigned: boolean
  /** What it may be used for (extendedKeyUsage): `'serverAuth'`, `'clientAuth'`, or an OID; empty: anything. */
  purposes: string[]
  /** The certificate itself. */
  pem: string
}

/**
 * Reads certificates, without judging them: nothing is verified.
 *
 * @param source what `verify` takes: the path of a file (PEM, DER or PKCS#7) or directory, a `file:` URL, PEM text, bytes, an
 *   `X509Certificate`, a `CABundle` or a list of these
 * @returns for a bundle, a list, and a source that holds several certificates, a list; else the one certificate
 * @throws CABundleError when a source cannot be read or holds no certificate, TypeError for a source of another type
 *
 * @example
 * inspectCert('cert.pem').daysLeft // 364
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

/** One certificate; see {@link inspectCert}. */
export function describeCertificate(certificate: X509Certificate): CertificateInfo {
  const { fingerprint, fingerprint256, validToDate } = certificate
  return {
    subject: nameInOneLine(certificate.subject),
    issuer: nameInOneLine(certificate.issuer),
    hosts: hostsOf(certificate),
    validFrom: certificate.validFromDate,
    validTo: validToDate,
    daysLeft: Math.floor((validToDate.getTime() - Date.now()) / DAY),
    serialNumber: certificate.serialNumber,
    keyType: keyTypeOf(certificate.publicKey),
    fingerprint: fingerprint256,
    fingerprints: { sha1: fingerprint, sha256: fingerprint256 },
    ca: certificate.ca,
    selfSigned: isSelfSigned(certificate),
    purposes: purposesOf(certificate),
    pem: certificate.toString(),
  }
}

/** Signed with its own key; one that only says so is not. */
export function isSelfSigned(certificate: X509Certificate): boolean {
  return certificate.checkIssued(certificate) && certificate.verify(certificate.publicKey)
}

/** The kind of key, by the names of `KeyType` where there is one. */
export function keyTypeOf({ asymmetricKeyType, asymmetricKeyDetails = {} }: KeyObject): string {
  const { namedCurve, modulusLength } = asymmetricKeyDetails
  if (namedCurve !== undefined) return `ec-${CURVES.get(namedCurve) ?? namedCurve}`
  return modulusLength === undefined ? String(asymmetricKeyType) : `${asymmetricKeyType}-${modulusLength}`
}

/** OpenSSL's names of NIST's curves. */
const CURVES: ReadonlyMap<string, string> = new Map([
  ['prime256v1', 'p256'],
  ['secp384r1', 'p384'],
  ['secp521r1', 'p521'],
])

/** What Node calls `keyUsage` is the extendedKeyUsage. */
function purposesOf({ keyUsage }: X509Certificate): string[] {
  return (keyUsage ?? []).map((oid) => PURPOSES.get(oid) ?? oid)
}

/** RFC 5280, section 4.2.1.12. */
const PURPOSES: ReadonlyMap<string, string> = new Map([
  ['1.3.6.1.5.5.7.3.1', 'serverAuth'],
  ['1.3.6.1.5.5.7.3.2', 'clientAuth'],
  ['1.3.6.1.5.5.7.3.3', 'codeSigning'],
  ['1.3.6.1.5.5.7.3.4', 'emailProtection'],
  ['1.3.6.1.5.5.7.3.8', 'timeStamping'],
  ['1.3.6.1.5.5.7.3.9', 'OCSPSigning'],
  ['2.5.29.37.0', 'any'],
])
