/**
 * Certificates for the tests, made in the run: good ones by default, bad ones on request. Everything is PEM text.
 *
 * @example
 * const root = createAuthority()
 * const intermediate = root.intermediate()
 * const { key, chain } = intermediate.issue({ hosts: ['localhost', '127.0.0.1'] })
 * await using server = await startHttpsServer({ key, cert: chain })
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { isIP } from 'node:net'
import { type AltName, parseHost } from '../../src/certs/hosts.ts'
import { type HashName, type KeyType, privateKeyPem } from '../../src/certs/keys.ts'
import {
  type CertificateDescription,
  type ExtendedKeyUsageName,
  type KeyUsageName,
  keyIdentifier,
  writeCertificate,
} from '../../src/certs/write-certificate.ts'
import { toPem } from '../../src/x509/pem.ts'
import { openssl, opensslBytes } from './openssl.ts'
import { tempDir } from './temp.ts'

/** `rsa-1024` is below what OpenSSL accepts at its default level. */
export type TestKeyType = KeyType | 'rsa-1024'

/** What a test certificate is to be. `null` for an extension leaves it out. */
export interface CertificateOptions {
  /**
   * DNS names and IP addresses for subjectAltName, written as they are (bad ones too); `dns:` before an address makes a name
   * of it; `[]` for none at all. Default:
   * `['localhost']` for a server certificate, none for an authority.
   */
  hosts?: readonly string[]
  /** Default: the first host, or `Test CA`, `Test Intermediate CA 1` and so on. Two authorities of one name have two keys. */
  commonName?: string
  organization?: string
  /** Default: a day ago. */
  notBefore?: Date
  /** Default: in 30 days. */
  notAfter?: Date
  /** basicConstraints. Default: true for an authority, false for others. */
  ca?: boolean | null
  pathLength?: number
  /** Default: keyCertSign and cRLSign for an authority; digitalSignature for others, with keyEncipherment for RSA. */
  keyUsage?: readonly KeyUsageName[] | null
  /** Default: serverAuth for a server certificate, none for an authority. */
  extendedKeyUsage?: readonly ExtendedKeyUsageName[] | null
  /** Default: `'ec-p256'`. RSA keys are made once per process and role, since they are slow. */
  keyType?: TestKeyType
  /** A private key (PEM) to use instead of a new one. */
  key?: string
  hash?: HashName
  /** Whether subjectKeyIdentifier and authorityKeyIdentifier are written. Default: true. */
  keyIdentifiers?: boolean
  /** Domains (`example.com`) and address ranges (`10.0.0.0/8`). */
  nameConstraints?: { permitted?: readonly string[]; excluded?: readonly string[] }
}

export interface TestCertificate {
  certificate: string
  key: string
  /** The certificate and the intermediates above it, without the root: what a server is to send. */
  chain: string
}

export interface TestAuthority extends TestCertificate {
  /** A certificate signed by this authority. */
  issue(options?: CertificateOptions): TestCertificate
  /** An authority signed by this one. */
  intermediate(options?: CertificateOptions): TestAuthority
}

/** A root authority. Its `chain` is empty. */
export function createAuthority(options: CertificateOptions = {}): TestAuthority {
  const described = describe({ commonName: 'Test CA', ...options }, 'authority')
  return authority(described, sign(described, described), '')
}

/** A self-signed server certificate, a trust anchor by default. */
export function selfSigned(options: CertificateOptions = {}): TestCertificate {
  const usage: KeyUsageName[] = ['digitalSignature', ...(options.ca === false ? [] : (['keyCertSign'] as const))]
  const described = describe({ ca: true, keyUsage: usage, ...options }, 'server')
  const { certificate, key } = sign(described, described)
  return { certificate, key, chain: certificate }
}

/** DER of the first block of a PEM text. */
export function toDer(pem: string): Buffer {
  const base64 = /-----BEGIN [^-]+-----([^-]+)-----END/.exec(pem)?.[1]
  if (base64 === undefined) throw new Error('no PEM block')
  return Buffer.from(base64, 'base64')
}

/** A PKCS#7 block (`BEGIN PKCS7`) with these certificates. */
export function toPkcs7(...certificates: string[]): string {
  using dir = tempDir()
  return openssl(['crl2pkcs7', '-nocrl', '-certfile', dir.write('certificates.pem', certificates.join(''))])
}

/** A `BEGIN TRUSTED CERTIFICATE` block: OpenSSL's own form, with what the certificate is trusted or rejected for. */
export function toTrustedCertificate(
  certificate: string,
  { trust = ['serverAuth'], reject = [] }: { trust?: readonly string[]; reject?: readonly string[] } = {},
): string {
  const flags = [...trust.flatMap((purpose) => ['-addtrust', purpose]), ...reject.flatMap((p) => ['-addreject', p])]
  return openssl(['x509', '-trustout', ...flags], certificate)
}

/** Adds the links of `openssl rehash` (c_rehash) to a directory of .pem, .crt and .cer files. */
export function rehash(directory: string): void {
  openssl(['rehash', directory])
}

/** The hash of the subject's name in a hashed directory's names: `HHHHHHHH` of `HHHHHHHH.0`. */
export function subjectHash(certificate: string): string {
  return openssl(['x509', '-noout', '-subject_hash'], certificate).trim()
}

/** PKCS#12 (`.p12`, `.pfx`) with a certificate, its intermediates and its key. */
export function toPkcs12({ chain, key }: TestCertificate, passphrase: string): Buffer {
  using dir = tempDir()
  const files = ['-in', dir.write('chain.pem', chain), '-inkey', dir.write('key.pem', key)]
  return opensslBytes(['pkcs12', '-export', ...files, '-passout', `pass:${passphrase}`])
}

/** An encrypted private key: `BEGIN ENCRYPTED PRIVATE KEY`, or the old form with `Proc-Type: 4,ENCRYPTED`. */
export function encryptKey(key: string, passphrase: string, form: 'pkcs8' | 'traditional' = 'pkcs8'): string {
  const out = ['-aes-256-cbc', '-passout', `pass:${passphrase}`]
  return openssl(['pkey', ...(form === 'traditional' ? ['-traditional'] : []), ...out], key)
}

/** `above` is what a server sends after this authority's certificates: the intermediates, itself among them. */
function authority(described: Described, signed: { certificate: string; key: string }, above: string): TestAuthority {
  return {
    ...signed,
    chain: above,
    issue(options = {}) {
      const leaf = sign(describe(options, 'server'), described)
      return { ...leaf, chain: leaf.certificate + above }
    },
    intermediate(options = {}) {
      // A name of its own at each depth: path lengths do not count a certificate whose issuer has its own name.
      const depth = above.split('BEGIN CERTIFICATE').length
      const below = describe({ commonName: `Test Intermediate CA ${depth}`, ...options }, 'authority')
      const belowSigned = sign(below, described)
      return authority(below, belowSigned, belowSigned.certificate + above)
    },
  }
}

/** A certificate to be, and its key. */
interface Described extends Omit<CertificateDescription, 'issuer' | 'signingKey' | 'authorityKeyIdentifier'> {
  privateKey: KeyObject
  keyIdentifiers: boolean
}

type Role = 'authority' | 'server'

function describe(options: CertificateOptions, role: Role): Described {
  const hosts = options.hosts ?? (role === 'server' ? ['localhost'] : [])
  const keyType = options.keyType ?? 'ec-p256'
  const privateKey = options.key === undefined ? newKey(keyType, role) : createPrivateKey(options.key)
  const publicKey = createPublicKey(privateKey)
  const ca = options.ca === undefined ? role === 'authority' : options.ca
  const keyIdentifiers = options.keyIdentifiers ?? true
  const { permitted, excluded } = options.nameConstraints ?? {}
  return {
    subject: { commonName: options.commonName ?? hosts[0], organization: options.organization },
    publicKey,
    privateKey,
    hash: options.hash,
    notBefore: options.notBefore ?? fromNow(-1),
    notAfter: options.notAfter ?? fromNow(30),
    subjectAltName: hosts.length > 0 ? hosts.map(altName) : undefined,
    basicConstraints: ca === null ? undefined : { ca, pathLength: options.pathLength },
    keyUsage: orElse(options.keyUsage, defaultKeyUsage(role, privateKey)),
    extendedKeyUsage: orElse(options.extendedKeyUsage, role === 'server' ? ['serverAuth'] : undefined),
    keyIdentifiers,
    subjectKeyIdentifier: keyIdentifiers ? keyIdentifier(publicKey) : undefined,
    nameConstraints: options.nameConstraints && {
      ...(permitted ? { permitted: permitted.map(altName) } : {}),
      ...(excluded ? { excluded: excluded.map(altName) } : {}),
    },
  }
}

/** Signs with the issuer's key; the subject is its own issuer in a self-signed certificate. */
function sign(described: Described, issuer: Described): { certificate: string; key: string } {
  const { privateKey, keyIdentifiers, ...subject } = described
  const der = writeCertificate({
    ...subject,
    issuer: issuer.subject,
    signingKey: issuer.privateKey,
    authorityKeyIdentifier: keyIdentifiers ? issuer.subjectKeyIdentifier : undefined,
  })
  return { certificate: toPem('CERTIFICATE', der), key: privateKeyPem(privateKey) }
}

const rsaKeys = new Map<string, KeyObject>()

function newKey(keyType: TestKeyType, role: Role): KeyObject {
  if (keyType === 'ed25519') return generateKeyPairSync('ed25519').privateKey
  if (keyType === 'ec-p256') return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  if (keyType === 'ec-p384') return generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey
  const known = rsaKeys.get(`${keyType} ${role}`)
  if (known) return known
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: Number(keyType.slice('rsa-'.length)) })
  rsaKeys.set(`${keyType} ${role}`, privateKey)
  return privateKey
}

const orElse = <T>(given: T | null | undefined, otherwise: T | undefined): T | undefined =>
  given === undefined ? otherwise : (given ?? undefined)

function defaultKeyUsage(role: Role, key: KeyObject): readonly KeyUsageName[] {
  if (role === 'authority') return ['keyCertSign', 'cRLSign']
  return key.asymmetricKeyType === 'rsa' ? ['digitalSignature', 'keyEncipherment'] : ['digitalSignature']
}

function altName(host: string): AltName {
  if (host.startsWith('dns:')) return { type: 'dns', value: host.slice('dns:'.length) }
  return isIP(host) ? parseHost(host) : { type: /\/\d+$/.test(host) ? 'ip' : 'dns', value: host }
}

const fromNow = (days: number): Date => new Date(Date.now() + days * 24 * 60 * 60 * 1000)
