/**
 * Writes X.509 certificates (RFC 5280): encodes a description as DER and signs it.
 *
 * Internal to `vouch/certs`. It checks nothing, so that tests can make bad certificates; its callers decide what a
 * sensible certificate contains. It takes about 45 ms to load, so callers import it only when they are about to write.
 */
import { createHash, type KeyObject, randomBytes, sign, type X509Certificate } from 'node:crypto'
import { AsnConvert, OctetString } from '@peculiar/asn1-schema'
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  Extension,
  Extensions,
  GeneralName,
  GeneralSubtree,
  GeneralSubtrees,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_nameConstraints,
  id_ce_subjectAltName,
  id_ce_subjectKeyIdentifier,
  KeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  Name,
  NameConstraints,
  RelativeDistinguishedName,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
} from '@peculiar/asn1-x509'
import type { AltName } from './hosts.ts'
import type { HashName } from './keys.ts'

/** A subject or issuer; absent parts are omitted, and `{}` is the empty name. */
export interface CertificateName {
  commonName?: string | undefined
  organization?: string | undefined
}

/** The bits of the keyUsage extension, by their names in RFC 5280, section 4.2.1.3. */
export type KeyUsageName = keyof typeof KeyUsageFlags

/** The purposes of the extendedKeyUsage extension, RFC 5280, section 4.2.1.12. */
export type ExtendedKeyUsageName = keyof typeof PURPOSES

/** The contents of a certificate. An extension that is `undefined` is omitted. */
export interface CertificateDescription {
  subject: CertificateName
  /** Its name, or its certificate (DER), whose name is copied unchanged. */
  issuer: CertificateName | Buffer
  /** The key that is certified. */
  publicKey: KeyObject
  /** The issuer's private key; the subject's own for a self-signed certificate. */
  signingKey: KeyObject
  /** Not for an Ed25519 signing key, whose hash is fixed. */
  hash?: HashName | undefined
  /** Both dates are truncated to whole seconds, the resolution of a certificate. */
  notBefore: Date
  notAfter: Date
  /** Critical when the subject is empty (RFC 5280, section 4.2.1.6). IPv6 addresses in canonical form. */
  subjectAltName?: readonly AltName[] | undefined
  /** Critical. */
  basicConstraints?: { ca: boolean; pathLength?: number | undefined } | undefined
  /** Critical. */
  keyUsage?: readonly KeyUsageName[] | undefined
  extendedKeyUsage?: readonly ExtendedKeyUsageName[] | undefined
  subjectKeyIdentifier?: Uint8Array | undefined
  authorityKeyIdentifier?: Uint8Array | undefined
  /** Critical. Domains as `example.com`, address ranges as `10.0.0.0/8`. */
  nameConstraints?: NameConstraintsDescription | undefined
}

export interface NameConstraintsDescription {
  readonly permitted?: readonly AltName[]
  readonly excluded?: readonly AltName[]
  /** Whether all e-mail addresses, URIs and directory names are excluded. */
  readonly excludesOtherKinds?: boolean
}

/** Writes and signs a version 3 certificate with a random serial number; returns its DER encoding. */
export function writeCertificate(description: CertificateDescription): Buffer<ArrayBuffer> {
  const signature = signatureAlgorithm(description.signingKey, description.hash)
  const tbsCertificate = new TBSCertificate({
    version: Version.v3,
    serialNumber: randomSerial(),
    signature: signature.identifier,
    issuer: issuerName(description.issuer),
    validity: new Validity({ notBefore: description.notBefore, notAfter: description.notAfter }),
    subject: name(description.subject),
    subjectPublicKeyInfo: publicKeyInfo(description.publicKey),
    extensions: new Extensions(extensions(description)),
  })
  const signed = sign(signature.hash, Buffer.from(AsnConvert.serialize(tbsCertificate)), description.signingKey)
  const certificate = new Certificate({
    tbsCertificate,
    signatureAlgorithm: signature.identifier,
    signatureValue: arrayBuffer(signed),
  })
  return Buffer.from(AsnConvert.serialize(certificate))
}

/**
 * The key identifier of a public key: the leftmost 160 bits of the SHA-256 of its bits (RFC 7093, section 2, method 1;
 * the SHA-1 of RFC 5280 is not available in FIPS mode).
 */
export function keyIdentifier(publicKey: KeyObject): Buffer {
  const bits = Buffer.from(publicKeyInfo(publicKey).subjectPublicKey)
  return createHash('sha256').update(bits).digest().subarray(0, 20)
}

/** The issuer's subjectKeyIdentifier, for authorityKeyIdentifier; computed if its certificate has none. */
export function keyIdentifierOf(issuer: X509Certificate): Buffer {
  const { extensions = [] } = parse(issuer.raw).tbsCertificate
  const found = extensions.find(({ extnID }) => extnID === id_ce_subjectKeyIdentifier)
  if (found === undefined) return keyIdentifier(issuer.publicKey)
  return Buffer.from(AsnConvert.parse(found.extnValue.buffer, SubjectKeyIdentifier).buffer)
}

function parse(der: Buffer): Certificate {
  return AsnConvert.parse(arrayBuffer(der), Certificate)
}

function issuerName(issuer: CertificateName | Buffer): Name {
  return Buffer.isBuffer(issuer) ? parse(issuer).tbsCertificate.subject : name(issuer)
}

function extensions(description: CertificateDescription): Extension[] {
  const { basicConstraints, keyUsage, extendedKeyUsage, subjectAltName, nameConstraints } = description
  const list: Extension[] = []
  if (basicConstraints) {
    const { ca, pathLength } = basicConstraints
    const value = new BasicConstraints({
      cA: ca,
      ...(pathLength === undefined ? {} : { pathLenConstraint: pathLength }),
    })
    list.push(extension(id_ce_basicConstraints, value, true))
  }
  if (keyUsage) list.push(extension(id_ce_keyUsage, keyUsageBits(keyUsage), true))
  if (extendedKeyUsage) {
    const purposes = extendedKeyUsage.map((purpose) => PURPOSES[purpose])
    list.push(extension(id_ce_extKeyUsage, new ExtendedKeyUsage(purposes)))
  }
  if (description.subjectKeyIdentifier) {
    const value = new SubjectKeyIdentifier(arrayBuffer(description.subjectKeyIdentifier))
    list.push(extension(id_ce_subjectKeyIdentifier, value))
  }
  if (description.authorityKeyIdentifier) {
    const identifier = new KeyIdentifier(arrayBuffer(description.authorityKeyIdentifier))
    list.push(extension(id_ce_authorityKeyIdentifier, new AuthorityKeyIdentifier({ keyIdentifier: identifier })))
  }
  if (subjectAltName) {
    const value = new SubjectAlternativeName(subjectAltName.map(generalName))
    list.push(extension(id_ce_subjectAltName, value, name(description.subject).length === 0))
  }
  if (nameConstraints) list.push(extension(id_ce_nameConstraints, constraints(nameConstraints), true))
  return list
}

function extension(extnID: string, value: unknown, critical = false): Extension {
  return new Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) })
}

/** DER omits trailing zeros of a BIT STRING of named bits (X.690, section 11.2.2). */
function keyUsageBits(names: readonly KeyUsageName[]): KeyUsage {
  return new KeyUsage(names.reduce((bits, usage) => bits | KeyUsageFlags[usage], 0))
}

function constraints({ permitted, excluded = [], excludesOtherKinds }: NameConstraintsDescription): NameConstraints {
  const subtrees = (names: readonly GeneralName[]) =>
    new GeneralSubtrees(names.map((base) => new GeneralSubtree({ base })))
  const others = excludesOtherKinds
    ? [{ rfc822Name: '' }, { uniformResourceIdentifier: '' }, { directoryName: new Name() }]
    : []
  const all = [...excluded.map(generalName), ...others.map((kind) => new GeneralName(kind))]
  return new NameConstraints({
    ...(permitted ? { permittedSubtrees: subtrees(permitted.map(generalName)) } : {}),
    ...(all.length > 0 ? { excludedSubtrees: subtrees(all) } : {}),
  })
}

function generalName({ type, value }: AltName): GeneralName {
  return new GeneralName(type === 'ip' ? { iPAddress: value } : { dNSName: value })
}

/** From the widest part to the narrowest, each as UTF8String (RFC 5280, section 4.1.2.4). */
function name({ organization, commonName }: CertificateName): Name {
  const parts: [type: string, value: string | undefined][] = [
    ['2.5.4.10', organization],
    ['2.5.4.3', commonName],
  ]
  return new Name(
    parts.flatMap(([type, value]) => {
      if (value === undefined) return []
      const attribute = new AttributeTypeAndValue({ type, value: new AttributeValue({ utf8String: value }) })
      return [new RelativeDistinguishedName([attribute])]
    }),
  )
}

function publicKeyInfo(publicKey: KeyObject): SubjectPublicKeyInfo {
  return AsnConvert.parse(publicKey.export({ type: 'spki', format: 'der' }), SubjectPublicKeyInfo)
}

interface Signature {
  identifier: AlgorithmIdentifier
  hash: HashName | null
}

function signatureAlgorithm(key: KeyObject, hash: HashName | undefined): Signature {
  const type = key.asymmetricKeyType
  if (type === 'ed25519') return { identifier: new AlgorithmIdentifier({ algorithm: '1.3.101.112' }), hash: null }
  if (type === 'ec') {
    const chosen = hash ?? (key.asymmetricKeyDetails?.namedCurve === 'secp384r1' ? 'sha384' : 'sha256')
    return { identifier: new AlgorithmIdentifier({ algorithm: ECDSA[chosen] }), hash: chosen }
  }
  if (type === 'rsa') {
    // The parameters of RSA are NULL, those of ECDSA are absent (RFC 4055, section 5; RFC 5758, section 3.2).
    const chosen = hash ?? 'sha256'
    return { identifier: new AlgorithmIdentifier({ algorithm: RSA[chosen], parameters: null }), hash: chosen }
  }
  throw new TypeError(`cannot sign certificates with a key of type ${type}`)
}

/**
 * 16 octets from a secure source, the first of them 0x40 to 0x7f: always positive, never zero, and in minimal form, as DER
 * requires; 126 random bits, where 64 are required (RFC 5280, section 4.1.2.2; CA/Browser Forum 7.1).
 */
function randomSerial(): ArrayBuffer {
  const serial = randomBytes(16)
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40
  return arrayBuffer(serial)
}

/** The ASN.1 classes require an ArrayBuffer of their own; a small Buffer shares one with other Buffers. */
function arrayBuffer(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer
}

const ECDSA: Record<HashName, string> = {
  sha256: '1.2.840.10045.4.3.2',
  sha384: '1.2.840.10045.4.3.3',
  sha512: '1.2.840.10045.4.3.4',
}

const RSA: Record<HashName, string> = {
  sha256: '1.2.840.113549.1.1.11',
  sha384: '1.2.840.113549.1.1.12',
  sha512: '1.2.840.113549.1.1.13',
}

const PURPOSES = {
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  codeSigning: '1.3.6.1.5.5.7.3.3',
  emailProtection: '1.3.6.1.5.5.7.3.4',
  any: '2.5.29.37.0',
} as const
