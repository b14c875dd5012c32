/** Creates a key pair and issues a certificate for it: the only place that decides on the contents of a certificate. */
import type { KeyObject, X509Certificate } from 'node:crypto'
import { isIPv4 } from 'node:net'
import { DAY_MS } from '../x509/certificate-info.ts'
import { toPem } from '../x509/pem.ts'
import type { AltName } from './hosts.ts'
import { createKeyPair, privateKeyPem } from './keys.ts'
import type { CertSettings } from './options.ts'
import type { PairText } from './pair.ts'
import type { KeyUsageName, NameConstraintsDescription } from './write-certificate.ts'

/** The subject of a certificate, and its use. */
export interface Subject {
  /** A label only: clients match the hosts. */
  readonly commonName: string | undefined
  /** For subjectAltName; if empty, the certificate has no such extension. */
  readonly hosts: readonly AltName[]
  /** Whether it may issue certificates, though none for another CA: its path length is 0. */
  readonly ca: boolean
  readonly purpose: 'serverAuth' | 'clientAuth' | undefined
}

/** The CA that signs. */
export interface Issuer {
  readonly certificate: X509Certificate
  readonly privateKey: KeyObject
}

/**
 * Issues a certificate that is valid from now on, with a new key.
 *
 * @param issuer by default the certificate is self-signed
 * @throws TypeError for a hash with a signing key of Ed25519, RangeError if the issuer's own certificate expires earlier
 */
export async function issueCertificate(
  { commonName, hosts, ca, purpose }: Subject,
  settings: CertSettings,
  defaultDays: number,
  issuer?: Issuer,
): Promise<PairText> {
  const { keyType, hash, organization, passphrase } = settings
  const signerType = issuer?.privateKey.asymmetricKeyType ?? keyType
  if (signerType === 'ed25519' && hash !== undefined) {
    throw new TypeError('hash cannot be chosen if an ed25519 key signs: that has its own')
  }
  const now = Date.now()
  const notAfter = expiryOf(settings.days, defaultDays, now, issuer)
  // Loaded here, while the key is made: the ASN.1 classes take longer to load than everything else.
  const [writer, keys] = await Promise.all([import('./write-certificate.ts'), createKeyPair(keyType)])
  const subject = { commonName, organization }
  const identifier = writer.keyIdentifier(keys.publicKey)
  const der = writer.writeCertificate({
    subject,
    issuer: issuer ? issuer.certificate.raw : subject,
    publicKey: keys.publicKey,
    signingKey: issuer?.privateKey ?? keys.privateKey,
    hash,
    notBefore: new Date(now - CLOCK_SKEW_MS),
    notAfter,
    subjectAltName: hosts.length > 0 ? hosts : undefined,
    basicConstraints: ca ? { ca, pathLength: 0 } : { ca },
    keyUsage: keyUsage({ ca, purpose }, keyType.startsWith('rsa-')),
    extendedKeyUsage: purpose && [purpose],
    nameConstraints: ca && hosts.length > 0 ? onlyFor(hosts) : undefined,
    subjectKeyIdentifier: identifier,
    authorityKeyIdentifier: issuer ? writer.keyIdentifierOf(issuer.certificate) : identifier,
  })
  return { cert: toPem('CERTIFICATE', der), key: privateKeyPem(keys.privateKey, passphrase), passphrase }
}

/** No certificate outlives its issuer's: clients would refuse it from then on. */
function expiryOf(days: number | undefined, defaultDays: number, now: number, issuer: Issuer | undefined): Date {
  const expiry = new Date(now + (days ?? defaultDays) * DAY_MS)
  const last = issuer?.certificate.validToDate
  if (last === undefined || expiry <= last) return expiry
  if (last.getTime() <= now) throw new RangeError(`the CA's own certificate expired ${last.toISOString()}`)
  const left = Math.floor((last.getTime() - now) / DAY_MS)
  // A CA and a certificate of as many days, made one after the other, expire together.
  if (days !== undefined && days > left + 1) {
    throw new RangeError(`days is ${days}, but the CA's own certificate expires in ${left} days: give no more`)
  }
  return last
}

/**
 * What a server's certificate that is a CA's may issue for: its own hosts, and no name of another kind. Without it, its key would
 * sign for every host, for all who trust it. An empty name stands for all names of its kind (RFC 5280, section 4.2.1.10).
 */
function onlyFor(hosts: readonly AltName[]): NameConstraintsDescription {
  const permitted = hosts.map(({ type, value }) =>
    type === 'dns'
      ? { type, value: value.replace(/^\*\./, '') }
      : { type, value: `${value}/${isIPv4(value) ? 32 : 128}` },
  )
  const has = (isOfKind: (host: AltName) => boolean) => hosts.some(isOfKind)
  const excluded: AltName[] = []
  if (!has(({ type }) => type === 'dns')) excluded.push({ type: 'dns', value: '' })
  if (!has(({ type, value }) => type === 'ip' && isIPv4(value))) excluded.push({ type: 'ip', value: '0.0.0.0/0' })
  if (!has(({ type, value }) => type === 'ip' && !isIPv4(value))) excluded.push({ type: 'ip', value: '::/0' })
  return { permitted, excluded, excludesOtherKinds: true }
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

/**
 * A client whose clock is slow must not refuse a new certificate as not yet valid; 5 minutes is the skew that Kerberos
 * allows (RFC 4120, section 8.2) and that machines with NTP stay well within.
 */
const CLOCK_SKEW_MS = 5 * 60 * 1000
