/** Makes a key pair and a certificate for it: the one place that decides what a sensible certificate is. */
import type { KeyObject, X509Certificate } from 'node:crypto'
import { DAY_MS } from '../x509/certificate-info.ts'
import { toPem } from '../x509/pem.ts'
import type { AltName } from './hosts.ts'
import { createKeyPair, privateKeyPem } from './keys.ts'
import type { CertSettings } from './options.ts'
import type { PairText } from './pair.ts'
import type { KeyUsageName } from './write-certificate.ts'

/** What a certificate is for. */
export interface Subject {
  /** Cut to what a name can hold: clients match the hosts. */
  readonly commonName: string | undefined
  /** For subjectAltName; none: it has no such extension. */
  readonly hosts: readonly AltName[]
  /** Whether it may vouch for others; its path length is 0, so not for another authority. */
  readonly ca: boolean
  readonly purpose: 'serverAuth' | 'clientAuth' | undefined
}

/** Who signs. */
export interface Issuer {
  readonly certificate: X509Certificate
  readonly privateKey: KeyObject
}

/**
 * Makes a certificate, valid from now on, and its key.
 *
 * @param issuer by default the certificate is self-signed
 * @throws TypeError for a hash where an Ed25519 key signs, RangeError when the issuer's own certificate ends before
 */
export async function certify(
  { commonName, hosts, ca, purpose }: Subject,
  settings: CertSettings,
  defaultDays: number,
  issuer?: Issuer,
): Promise<PairText> {
  const { keyType, hash, organization, passphrase } = settings
  const signerType = issuer?.privateKey.asymmetricKeyType ?? keyType
  if (signerType === 'ed25519' && hash !== undefined) {
    throw new TypeError('hash cannot be chosen where an ed25519 key signs, which has its own')
  }
  const now = Date.now()
  const notAfter = endOf(settings.days, defaultDays, now, issuer)
  // Loaded here, at the same time as the key is made: the ASN.1 classes take longer to load than all the rest.
  const [writer, keys] = await Promise.all([import('./write-certificate.ts'), createKeyPair(keyType)])
  const subject = { commonName, organization }
  const identifier = writer.keyIdentifier(keys.publicKey)
  const der = writer.writeCertificate({
    subject,
    issuer: issuer ? issuer.certificate.raw : subject,
    publicKey: keys.publicKey,
    signingKey: issuer?.privateKey ?? keys.privateKey,
    hash,
    notBefore: new Date(now - CLOCK_SKEW),
    notAfter,
    subjectAltName: hosts.length > 0 ? hosts : undefined,
    basicConstraints: ca ? { ca, pathLength: 0 } : { ca },
    keyUsage: keyUsage({ ca, purpose }, keyType.startsWith('rsa-')),
    extendedKeyUsage: purpose && [purpose],
    subjectKeyIdentifier: identifier,
    authorityKeyIdentifier: issuer ? writer.keyIdentifierOf(issuer.certificate) : identifier,
  })
  return { cert: toPem('CERTIFICATE', der), key: privateKeyPem(keys.privateKey, passphrase), passphrase }
}

/** The last moment of validity. No certificate outlives its issuer's: it would be refused from then on. */
function endOf(days: number | undefined, defaultDays: number, now: number, issuer: Issuer | undefined): Date {
  const end = new Date(now + (days ?? defaultDays) * DAY_MS)
  const last = issuer?.certificate.validToDate
  if (last === undefined || end <= last) return end
  if (last.getTime() <= now) throw new RangeError(`the authority's own certificate ended ${last.toISOString()}`)
  const left = Math.floor((last.getTime() - now) / DAY_MS)
  // An authority and a certificate of as many days, made one after the other, end together.
  if (days !== undefined && days > left + 1) {
    throw new RangeError(`days is ${days}, but the authority's own certificate ends in ${left} days: give no more`)
  }
  return last
}

/** RFC 5280, section 4.2.1.3; keyEncipherment is for the RSA key exchange of TLS 1.2. */
function keyUsage({ ca, purpose }: Pick<Subject, 'ca' | 'purpose'>, isRsa: boolean): KeyUsageName[] {
  const usage: KeyUsageName[] = []
  if (purpose) usage.push('digitalSignature')
  if (purpose === 'serverAuth' && isRsa) usage.push('keyEncipherment')
  if (ca) usage.push('keyCertSign')
  if (ca && !purpose) usage.push('cRLSign')
  return usage
}

/** Milliseconds. A client whose clock is behind must not find the certificate not yet valid; 5 minutes is the skew that
 * Kerberos allows (RFC 4120, section 8.2) and that machines with NTP stay well within. */
const CLOCK_SKEW = 5 * 60 * 1000
