/** The contents of a certificate in readable form. */
import type { KeyObject, X509Certificate } from 'node:crypto'
import { isIPv6 } from 'node:net'
import { certificateSequences, readElements } from './der.ts'

/** The contents of a certificate. */
export interface CertificateInfo {
  /** The subject's name, `'O=Example, CN=localhost'`, special characters after a backslash; empty if it has none. */
  subject: string
  /** The name of its issuer. */
  issuer: string
  /** The names and addresses for which it is valid (subjectAltName), in the order of the certificate. */
  hosts: string[]
  validFrom: Date
  validTo: Date
  /** Whole days until `validTo`, rounded down: 0 on the last day, negative afterwards. */
  daysLeft: number
  /** In hexadecimal digits. */
  serialNumber: string
  /** `'ec-p256'`, `'rsa-2048'`, `'ed25519'` …: a value of `keyType`, another type in the same form, or `'unknown'`. */
  keyType: string
  /** SHA-256 of the DER encoding, as `'AA:BB:…'`. */
  fingerprint: string
  /** Also SHA-1, which old tools print: use it to find a certificate, not to trust one. */
  fingerprints: { sha1: string; sha256: string }
  /** Whether it may issue certificates (basicConstraints CA:TRUE). */
  ca: boolean
  /** Whether it is signed with its own key. */
  selfSigned: boolean
  /** Its permitted uses (extendedKeyUsage): `'serverAuth'`, `'clientAuth'`, or an OID; empty: any. */
  purposes: string[]
  /** The certificate itself. */
  pem: string
}

export function describeCertificate(certificate: X509Certificate): CertificateInfo {
  const { fingerprint, fingerprint256, validFrom, validTo } = certificate
  const end = Date.parse(validTo)
  return {
    subject: nameInOneLine(certificate.subject),
    issuer: nameInOneLine(certificate.issuer),
    hosts: hostsOf(certificate),
    validFrom: new Date(validFrom),
    validTo: new Date(end),
    daysLeft: Math.floor((end - Date.now()) / DAY_MS),
    serialNumber: certificate.serialNumber,
    keyType: publicKeyType(certificate),
    fingerprint: fingerprint256,
    fingerprints: { sha1: fingerprint, sha256: fingerprint256 },
    ca: certificate.ca,
    selfSigned: isSelfSigned(certificate),
    purposes: purposesOf(certificate),
    pem: certificate.toString(),
  }
}

/** A subject or issuer in one line, `'O=Example, CN=localhost'`; Node writes one part on each line. */
export function nameInOneLine(name: string | undefined): string {
  return (name ?? '').split('\n').join(', ')
}

/** Whether it is signed with its own key; equal names are not enough. `checkIssued` would also require a CA. */
export function isSelfSigned(certificate: X509Certificate): boolean {
  try {
    return certificate.subject === certificate.issuer && certificate.verify(certificate.publicKey)
  } catch {
    return false
  }
}

/** Whether two certificates have one key. */
export function haveSameKey(one: X509Certificate, other: X509Certificate): boolean {
  try {
    return one.publicKey.equals(other.publicKey)
  } catch {
    // OpenSSL does not support every algorithm.
    return false
  }
}

/** The names and addresses of the subjectAltName, addresses in canonical form. */
export function hostsOf(certificate: X509Certificate): string[] {
  return altNames(certificate.subjectAltName ?? '').flatMap(([kind, value]) => {
    if (kind === 'DNS') return [value]
    return kind === 'IP Address' ? [canonicalAddress(value)] : []
  })
}

/** Node writes `DNS:a, IP Address:b`, and a value with a comma or a quote in it as a JSON string (CVE-2021-44532). */
function altNames(text: string): [kind: string, value: string][] {
  return Array.from(text.matchAll(ALT_NAME), ([, kind = '', quoted, plain = '']) => [
    kind,
    quoted === undefined ? plain : String(JSON.parse(quoted)),
  ])
}

const ALT_NAME = /([A-Za-z ]+):(?:("(?:[^"\\]|\\.)*")|([^,]*))(?:, |$)/g

/** The URL parser writes IPv6 addresses in the one canonical form, an embedded IPv4 address in hexadecimal. */
export function canonicalAddress(address: string): string {
  return isIPv6(address) ? new URL(`http://[${address}]/`).hostname.slice(1, -1) : address
}

/** The type of the certified key, see {@link CertificateInfo.keyType}. */
export function publicKeyType(certificate: X509Certificate): string {
  try {
    return hasNoPoint(certificate.raw) ? 'unknown' : keyTypeOf(certificate.publicKey)
  } catch {
    // OpenSSL does not support every algorithm.
    return 'unknown'
  }
}

/**
 * Whether the key is the point at infinity of a curve, one zero byte (SEC 1, section 2.3.3), and so no key. To ask for its details
 * ends a process of Node 22.
 */
function hasNoPoint(der: Buffer): boolean {
  const key = certificateSequences(der)[4]
  const [, bits] = key === undefined ? [] : readElements(key.content)
  // The first byte of a BIT STRING counts its unused bits.
  return bits !== undefined && bits.content.length <= 2
}

/** The type of a key, by the names of `KeyType` if there is one. */
export function keyTypeOf({ asymmetricKeyType, asymmetricKeyDetails = {} }: KeyObject): string {
  const { namedCurve, modulusLength } = asymmetricKeyDetails
  if (namedCurve !== undefined) return `ec-${CURVES.get(namedCurve) ?? namedCurve}`
  if (asymmetricKeyType === undefined) return 'unknown'
  return modulusLength === undefined ? asymmetricKeyType : `${asymmetricKeyType}-${modulusLength}`
}

/** OpenSSL's names of NIST's curves. */
const CURVES: ReadonlyMap<string, string> = new Map([
  ['prime256v1', 'p256'],
  ['secp384r1', 'p384'],
  ['secp521r1', 'p521'],
])

/** Node's `keyUsage` is the extendedKeyUsage. */
export function purposesOf({ keyUsage }: X509Certificate): string[] {
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

export const DAY_MS = 24 * 60 * 60 * 1000
