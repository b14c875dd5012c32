/** SHA-256 fingerprints of a certificate and its public key, in the forms of pins for `verify`. */
import { createPublicKey, hash, X509Certificate } from 'node:crypto'
import { certificateSequences } from './der.ts'

/** The fingerprint of a certificate as a pin: `sha256:AA:BB:…`. */
export function certificatePin(certificate: X509Certificate): string {
  return `sha256:${certificate.fingerprint256}`
}

/** The fingerprint of the public key as a pin, in curl's form: `sha256//BASE64=`; `undefined` for a key that cannot be read. */
export function publicKeyPin(certificate: X509Certificate): string | undefined {
  const key = publicKeyOf(certificate.raw)
  return key && `sha256//${hash('sha256', key, 'base64')}`
}

/**
 * The SubjectPublicKeyInfo of a certificate, as the certificate has it (RFC 5280 section 4.1): Node's export encodes some keys in
 * another way. `undefined` unless it is the key that OpenSSL reads from the same bytes, so that no encoding which the two readers
 * understand differently can pass for a pinned key.
 */
export function publicKeyOf(der: Buffer): Buffer | undefined {
  try {
    const key = certificateSequences(der)[4]?.bytes
    if (key === undefined) return undefined
    const read = createPublicKey({ key, format: 'der', type: 'spki' })
    return read.equals(new X509Certificate(der).publicKey) ? key : undefined
  } catch {
    return undefined
  }
}
