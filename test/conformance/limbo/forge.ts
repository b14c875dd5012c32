/**
 * Certificates of any kind, right and wrong: a writer that has nothing in common with the one of `vouch/certs`, and does as
 * it is told.
 *
 * @example
 * const root = authority()
 * const server = leaf(authority(root, { pathLength: 0 }), { names: [dns('localhost')] })
 */
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { toPem } from '../../../src/x509/pem.ts'
import { bits, boolean, context, integer, NULL, octets, oid, sequence, set, tlv, utf8 } from './asn1.ts'

/** What a certificate is to be; `null` leaves out what is there by default. */
export interface Forgery {
  /** The common name; `''`: no name at all. */
  readonly subject?: string
  /** Its key, for another certificate of the same key. */
  readonly key?: KeyObject
  readonly rsaBits?: number
  readonly version?: 1 | 3
  /** Two's complement. Default: random. */
  readonly serial?: readonly number[]
  readonly hash?: 'md5' | 'sha1' | 'sha256'
  /** Days from now, or an ASN.1 time as it is written. Default: 10 days ago to in 30 days. */
  readonly from?: number | Buffer
  readonly to?: number | Buffer
  /** basicConstraints. */
  readonly ca?: boolean | null
  readonly pathLength?: number
  /** keyUsage, by RFC 5280's names. */
  readonly usage?: readonly UsageName[] | null
  /** extendedKeyUsage. */
  readonly purposes?: readonly (keyof typeof PURPOSES)[] | null
  /** subjectAltName. */
  readonly names?: readonly Buffer[] | null
  readonly nameConstraints?: Constraints
  /** Default: the hash of the key. */
  readonly subjectKeyId?: Buffer | null
  /** The content of authorityKeyIdentifier. Default: the issuer's key identifier. */
  readonly authorityKeyId?: Buffer | null
  /** More extensions; see {@link extension}. */
  readonly more?: readonly Buffer[]
  /** Extensions that are to be the other way: critical or not. */
  readonly flipped?: readonly string[]
  /** Another issuer's name than that of the issuer. */
  readonly issuerName?: string
  /** Another key to sign with than the issuer's. */
  readonly signedWith?: KeyObject
  /** The algorithm that is named outside of what is signed. */
  readonly outerHash?: 'sha1' | 'sha256'
}

export interface Forged {
  readonly pem: string
  readonly subject: string
  readonly key: KeyObject
  /** Its subjectKeyIdentifier. */
  readonly keyId: Buffer | undefined
  readonly serial: readonly number[]
}

/** An authority: self-signed, or signed by another. */
export function authority(issuer?: Forged, forgery: Forgery = {}): Forged {
  const subject = `${issuer ? 'Intermediate' : 'Root'} ${++counter}`
  return forge(issuer, { subject, ca: true, usage: ['keyCertSign', 'cRLSign'], ...forgery })
}

/** A server's certificate. Without an issuer it is self-signed. */
export function leaf(issuer?: Forged, forgery: Forgery = {}): Forged {
  const defaults: Forgery = {
    ca: false,
    usage: ['digitalSignature'],
    purposes: ['serverAuth'],
    names: [dns('localhost')],
  }
  return forge(issuer, { subject: 'Server', ...defaults, ...forgery })
}

/** Another certificate for the same name and key, by another issuer. */
export function twin(of: Forged, issuer?: Forged, forgery: Forgery = {}): Forged {
  return authority(issuer, { subject: of.subject, key: of.key, ...forgery })
}

let counter = 0

/** Entries of a subjectAltName and of name constraints. */
export const dns = (name: string): Buffer => context(2, Buffer.from(name, 'latin1'))
export const email = (name: string): Buffer => context(1, Buffer.from(name, 'latin1'))
export const uri = (name: string): Buffer => context(6, Buffer.from(name, 'latin1'))
export const ip = (...address: readonly number[]): Buffer => context(7, Buffer.from(address))
export const directory = (commonName: string): Buffer => context(4, nameOf(commonName), true)
export const registeredId = (id: string): Buffer => context(8, oid(id).subarray(2))
export const otherName = (id: string, text: string): Buffer =>
  context(0, Buffer.concat([oid(id), context(0, utf8(text), true)]), true)

/** Content of authorityKeyIdentifier: a key identifier, or a certificate's issuer and serial number. */
export const byKeyId = (id: Uint8Array): Buffer => sequence(context(0, id))
export const bySerial = (issuer: string, serial: readonly number[]): Buffer =>
  sequence(context(1, directory(issuer), true), context(2, Buffer.from(serial)))

export interface Constraints {
  readonly permitted?: readonly Buffer[]
  readonly excluded?: readonly Buffer[]
  /** Of each subtree; anything but 0 is not for certificates (RFC 5280, section 4.2.1.10). */
  readonly minimum?: number
}

export const utcTime = (text: string): Buffer => tlv(0x17, Buffer.from(text))
export const generalizedTime = (text: string): Buffer => tlv(0x18, Buffer.from(text))

/** An extension by its number, with its content. */
export const extension = (id: string, critical: boolean, content: Uint8Array): Buffer =>
  sequence(oid(id), ...(critical ? [boolean(true)] : []), octets(content))

/** An algorithm that no program knows. */
export const UNKNOWN = '1.3.6.1.4.1.32473.1'

export const ID = {
  subjectKeyId: '2.5.29.14',
  usage: '2.5.29.15',
  names: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  authorityKeyId: '2.5.29.35',
  purposes: '2.5.29.37',
  authorityInfoAccess: '1.3.6.1.5.5.7.1.1',
} as const

const PURPOSES = {
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  codeSigning: '1.3.6.1.5.5.7.3.3',
  any: '2.5.29.37.0',
  /** Netscape's "server gated cryptography". */
  sgc: '2.16.840.1.113730.4.1',
}

const USAGES = ['digitalSignature', 'contentCommitment', 'keyEncipherment', 'dataEncipherment'] as const
const MORE_USAGES = ['keyAgreement', 'keyCertSign', 'cRLSign'] as const
type UsageName = (typeof USAGES)[number] | (typeof MORE_USAGES)[number]

function forge(issuer: Forged | undefined, forgery: Forgery): Forged {
  const { subject = '', version = 3, hash = 'sha256', outerHash = hash } = forgery
  const key = forgery.key ?? newKey(forgery.rsaBits)
  const serial = forgery.serial ?? [
    0x40,
    ...createHash('sha256').update(`${subject} ${++counter}`).digest().subarray(0, 8),
  ]
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' })
  const keyId = forgery.subjectKeyId === undefined ? createHash('sha1').update(spki).digest() : forgery.subjectKeyId
  const signingKey = forgery.signedWith ?? issuer?.key ?? key
  const issuerKeyId = issuer ? issuer.keyId : (keyId ?? undefined)
  const content = sequence(
    ...(version === 3 ? [context(0, integer(2), true)] : []),
    integer(...serial),
    algorithm(signingKey, hash),
    nameOf(forgery.issuerName ?? issuer?.subject ?? subject),
    sequence(time(forgery.from ?? -10), time(forgery.to ?? 30)),
    nameOf(subject),
    spki,
    ...(version === 3 ? [context(3, sequence(...extensions(forgery, keyId, issuerKeyId)), true)] : []),
  )
  const der = sequence(content, algorithm(signingKey, outerHash), bits(sign(hash, content, signingKey)))
  return { pem: toPem('CERTIFICATE', der), subject, key, keyId: keyId ?? undefined, serial }
}

function extensions(forgery: Forgery, keyId: Buffer | null, issuerKeyId: Buffer | undefined): Buffer[] {
  const { ca, pathLength, usage, purposes, names, nameConstraints, more = [], flipped = [] } = forgery
  const list: Buffer[] = []
  const add = (id: string, critical: boolean, content: Buffer) =>
    list.push(extension(id, critical !== flipped.includes(id), content))
  if (ca !== null && ca !== undefined) {
    const limit = pathLength === undefined ? [] : [integer(pathLength & 0xff)]
    add(ID.basicConstraints, true, sequence(...(ca ? [boolean(true)] : []), ...limit))
  }
  if (usage) add(ID.usage, true, usageBits(usage))
  if (purposes) add(ID.purposes, false, sequence(...purposes.map((purpose) => oid(PURPOSES[purpose]))))
  if (names) add(ID.names, forgery.subject === '', sequence(...names))
  if (keyId) add(ID.subjectKeyId, false, octets(keyId))
  const issuerId = forgery.authorityKeyId === undefined ? issuerKeyId && byKeyId(issuerKeyId) : forgery.authorityKeyId
  if (issuerId) add(ID.authorityKeyId, false, issuerId)
  if (nameConstraints) add(ID.nameConstraints, true, constraints(nameConstraints))
  return [...list, ...more]
}

function usageBits(usage: readonly UsageName[]): Buffer {
  const all: readonly UsageName[] = [...USAGES, ...MORE_USAGES]
  const octet = usage.reduce((sum, name) => sum | (0x80 >> all.indexOf(name)), 0)
  // A BIT STRING of named bits ends with the last that is set.
  return bits(Buffer.from(octet === 0 ? [] : [octet]), octet === 0 ? 0 : 31 - Math.clz32(octet & -octet))
}

function constraints({ permitted, excluded, minimum = 0 }: Constraints): Buffer {
  const least = minimum === 0 ? [] : [context(0, Buffer.from([minimum]))]
  const subtrees = (names: readonly Buffer[]) => Buffer.concat(names.map((name) => sequence(name, ...least)))
  return sequence(
    ...(permitted ? [context(0, subtrees(permitted), true)] : []),
    ...(excluded ? [context(1, subtrees(excluded), true)] : []),
  )
}

function nameOf(commonName: string): Buffer {
  return sequence(...(commonName === '' ? [] : [set(sequence(oid('2.5.4.3'), utf8(commonName)))]))
}

const DAY = 24 * 60 * 60 * 1000

function time(when: number | Buffer): Buffer {
  if (Buffer.isBuffer(when)) return when
  const digits = new Date(Date.now() + when * DAY).toISOString().replace(/\.\d+|\D/g, '')
  return utcTime(`${digits.slice(2, 14)}Z`)
}

function newKey(rsaBits: number | undefined): KeyObject {
  return rsaBits === undefined
    ? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
    : generateKeyPairSync('rsa', { modulusLength: rsaBits }).privateKey
}

const ECDSA = { md5: '', sha1: '1.2.840.10045.4.1', sha256: '1.2.840.10045.4.3.2' }
const RSA = { md5: '1.2.840.113549.1.1.4', sha1: '1.2.840.113549.1.1.5', sha256: '1.2.840.113549.1.1.11' }

function algorithm({ asymmetricKeyType }: KeyObject, hash: 'md5' | 'sha1' | 'sha256'): Buffer {
  return asymmetricKeyType === 'rsa' ? sequence(oid(RSA[hash]), NULL) : sequence(oid(ECDSA[hash]))
}
