/** `createSelfSignedCert`: a certificate and a key for a server of one's own. */
import { X509Certificate } from 'node:crypto'
import { toPem } from '../trust/pem.ts'
import { type PairTarget, preparePair, withPair, writePair } from './files.ts'
import { type AltName, parseHosts } from './hosts.ts'
import { createKeyPair, HASH_NAMES, type HashName, KEY_TYPES, type KeyType, privateKeyPem } from './keys.ts'
import type { CertificateDescription, CertificateName, KeyUsageName } from './x509.ts'

/** Options of {@link createSelfSignedCert}; `undefined` stands for the default. */
export interface SelfSignedCertOptions {
  /** How long the certificate is valid from now, in days of 24 hours: 1 to 36500. Default: 365. */
  days?: number | undefined
  /** The kind of key. Default: `'ec-p256'`, which every client takes and which is quick to make and to use. */
  keyType?: KeyType | undefined
  /** The signature's hash. Default: `'sha384'` for `'ec-p384'`, else `'sha256'`. None for `'ed25519'`, which has its own. */
  hash?: HashName | undefined
  /** The subject's common name, 1 to 64 characters. A label only: clients match `hosts`. Default: the first host. */
  commonName?: string | undefined
  /** The subject's organization, 1 to 64 characters. Default: none. */
  organization?: string | undefined
  /**
   * Whether the certificate may be used as a trust anchor by clients that want a CA there. Such a certificate can vouch
   * for others as well, though not for another CA (its path length is 0). Default: true.
   */
  ca?: boolean | undefined
  /** Whether existing files are replaced. Default: false. */
  overwrite?: boolean | undefined
}

/** A certificate with its key; options for `https.createServer` as it is. */
export interface SelfSignedCert {
  /** The certificate, PEM. */
  cert: string
  /** The private key, unencrypted PKCS#8 PEM. */
  key: string
  /** Where the certificate was written; null when it was not. */
  certFile: string | null
  /** Where the key was written; null when it was not. */
  keyFile: string | null
  /** SHA-256 of the certificate's DER encoding, as `'AA:BB:…'`. */
  fingerprint: string
  /** The first second of its validity, 5 minutes before it was made. */
  validFrom: Date
  /** The last second of its validity. */
  validTo: Date
  /** The names it is valid for, normalised: A-labels in lower case, addresses in canonical form. */
  hosts: string[]
}

/**
 * Makes a self-signed certificate for a server and writes it and its key to two PEM files.
 *
 * Each host goes into subjectAltName (RFC 5280, section 4.2.1.6), as an iPAddress or a dNSName according to what it is;
 * a dNSName may be a wildcard (`'*.example.com'`). The key is unencrypted and readable by its owner only (mode 0600).
 * Both files appear whole and together, or not at all, and files that exist are kept unless `overwrite` is true.
 * Everything is checked before a key is made or a file is touched.
 *
 * @param certFile path or `file:` URL of the certificate; null, for both files, writes none
 * @param keyFile path or `file:` URL of the key
 * @param hosts the host names and IP addresses that clients will connect to
 * @throws TypeError for a wrong argument or an unknown option
 * @throws RangeError for `days` or a name out of range
 * @throws Error with a `code` and a `path`: `EEXIST` when a file exists and `overwrite` is not true, or the system's
 *   code when the files cannot be written
 *
 * @example
 * const pair = await createSelfSignedCert('cert.pem', 'key.pem', ['localhost', '127.0.0.1', '::1'])
 * https.createServer(pair, (request, response) => response.end('hello')).listen(8443)
 * // and the client: await get('https://localhost:8443/', { verify: 'cert.pem' })
 */
export async function createSelfSignedCert(
  certFile: string | URL | null,
  keyFile: string | URL | null,
  hosts: string | readonly string[],
  options: SelfSignedCertOptions = {},
): Promise<SelfSignedCert> {
  const names = parseHosts(hosts)
  const settings = readOptions(options, names)
  const target = await pairTarget(certFile, keyFile, settings.overwrite)
  const { cert, key } = await selfSigned(names, settings)
  if (target) await withPair(target, () => writePair(target, { cert, key }))
  const { fingerprint256, validFromDate, validToDate } = new X509Certificate(cert)
  return {
    cert,
    key,
    certFile: target?.certFile ?? null,
    keyFile: target?.keyFile ?? null,
    fingerprint: fingerprint256,
    validFrom: validFromDate,
    validTo: validToDate,
    hosts: names.map(({ value }) => value),
  }
}

async function pairTarget(
  certFile: string | URL | null,
  keyFile: string | URL | null,
  overwrite: boolean,
): Promise<PairTarget | undefined> {
  if (certFile === null && keyFile === null) return undefined
  if (certFile === null || keyFile === null) {
    const missing = certFile === null ? 'certFile' : 'keyFile'
    throw new TypeError(`${missing} is null and the other is not: name both files, or null for both to write none`)
  }
  return preparePair(certFile, keyFile, overwrite)
}

async function selfSigned(hosts: AltName[], settings: Settings): Promise<{ cert: string; key: string }> {
  // Loaded here, at the same time as the key is made: the ASN.1 classes take longer to load than all the rest.
  const [writer, keys] = await Promise.all([import('./x509.ts'), createKeyPair(settings.keyType)])
  const now = Date.now()
  const identifier = writer.keyIdentifier(keys.publicKey)
  const certificate: CertificateDescription = {
    subject: settings.name,
    issuer: settings.name,
    publicKey: keys.publicKey,
    signingKey: keys.privateKey,
    hash: settings.hash,
    notBefore: new Date(now - CLOCK_SKEW),
    notAfter: new Date(now + settings.days * DAY),
    subjectAltName: hosts,
    basicConstraints: settings.ca ? { ca: true, pathLength: 0 } : { ca: false },
    keyUsage: keyUsage(settings),
    extendedKeyUsage: ['serverAuth'],
    subjectKeyIdentifier: identifier,
    authorityKeyIdentifier: identifier,
  }
  return { cert: toPem('CERTIFICATE', writer.writeCertificate(certificate)), key: privateKeyPem(keys.privateKey) }
}

/** RFC 5280, section 4.2.1.3; keyEncipherment is for the RSA key exchange of TLS 1.2. */
function keyUsage({ ca, keyType }: Settings): KeyUsageName[] {
  const usage: KeyUsageName[] = ['digitalSignature']
  if (keyType.startsWith('rsa-')) usage.push('keyEncipherment')
  if (ca) usage.push('keyCertSign')
  return usage
}

interface Settings {
  days: number
  keyType: KeyType
  hash: HashName | undefined
  name: CertificateName
  ca: boolean
  overwrite: boolean
}

function readOptions(options: SelfSignedCertOptions, hosts: AltName[]): Settings {
  if (typeof options !== 'object' || options === null) throw new TypeError('options must be an object')
  for (const option of Object.keys(options)) {
    if (!OPTIONS.has(option)) throw new TypeError(`unknown option '${option}', known are ${[...OPTIONS].join(', ')}`)
  }
  // Defaults are for undefined alone: null is a mistake here, and said to be one.
  const { days = 365, keyType = 'ec-p256', ca = true, overwrite = false } = options
  return {
    days: wholeDays(days),
    keyType: oneOf('keyType', keyType, KEY_TYPES),
    hash: hashFor(keyType, options.hash),
    name: {
      // Cut, since a host may be longer than a common name; clients match subjectAltName.
      commonName: nameText('commonName', options.commonName) ?? hosts[0]?.value.slice(0, MAX_NAME_PART),
      organization: nameText('organization', options.organization),
    },
    ca: flag('ca', ca),
    overwrite: flag('overwrite', overwrite),
  }
}

function wholeDays(days: unknown): number {
  if (typeof days !== 'number') throw new TypeError(`days must be a number, not ${typeof days}`)
  if (!Number.isInteger(days) || days < 1 || days > MAX_DAYS) {
    throw new RangeError(`days must be a whole number from 1 to ${MAX_DAYS}, not ${days}`)
  }
  return days
}

function hashFor(keyType: KeyType, hash: unknown): HashName | undefined {
  if (hash === undefined) return undefined
  if (keyType === 'ed25519') throw new TypeError("hash cannot be chosen for keyType 'ed25519', which has its own")
  return oneOf('hash', hash, HASH_NAMES)
}

function nameText(option: string, text: unknown): string | undefined {
  if (text === undefined) return undefined
  if (typeof text !== 'string') throw new TypeError(`${option} must be a string, not ${typeof text}`)
  const length = [...text].length
  if (length < 1 || length > MAX_NAME_PART) {
    throw new RangeError(`${option} must have 1 to ${MAX_NAME_PART} characters, not ${length}`)
  }
  if (/\p{Cc}|\p{Cs}/u.test(text)) throw new TypeError(`${option} has a control character or half a character in it`)
  return text
}

function flag(option: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw new TypeError(`${option} must be true or false, not ${typeof value}`)
  return value
}

function oneOf<T extends string>(option: string, value: unknown, known: readonly T[]): T {
  const found = known.find((name) => name === value)
  if (found === undefined) {
    throw new TypeError(
      `${option} must be one of ${known.map((name) => `'${name}'`).join(', ')}, not '${String(value)}'`,
    )
  }
  return found
}

const OPTIONS: ReadonlySet<string> = new Set<keyof SelfSignedCertOptions>([
  'days',
  'keyType',
  'hash',
  'commonName',
  'organization',
  'ca',
  'overwrite',
])

/** Milliseconds. A client whose clock is behind must not find the certificate not yet valid; 5 minutes is the skew that
 * Kerberos allows (RFC 4120, section 8.2) and that machines with NTP stay well within. */
const CLOCK_SKEW = 5 * 60 * 1000
/** Milliseconds. */
const DAY = 24 * 60 * 60 * 1000
/** 100 years; more is a slip, and the year 9999 is the end of what a certificate can say. */
const MAX_DAYS = 36500
/** ub-common-name and ub-organization-name of RFC 5280, appendix A.1. */
const MAX_NAME_PART = 64
