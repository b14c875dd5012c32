/** `createCA` and `loadCA`: a private certificate authority that issues server and client certificates. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { FileError } from '../core/file-error.ts'
import { optionNames } from '../core/options.ts'
import { defaultCommonName } from './create.ts'
import { parseHosts } from './hosts.ts'
import { type Issuer, issueCertificate, type Subject } from './issue-certificate.ts'
import { CERT_OPTIONS, type CertOptions, type CertSettings, checkPassphrase, nameText, readOptions } from './options.ts'
import { type CertificatePair, describePair, pairTarget, readPair, savePair } from './pair.ts'
import { locatePair } from './pair-paths.ts'

/** Options of {@link createCA}; `days` is 3650 by default. */
export interface CAOptions extends CertOptions {
  /** The name of the CA, 1 to 64 characters; error messages show it. Default: `'Private CA'`. */
  commonName?: string | undefined
}

/** Options of `ca.issue` and `ca.issueClient`; `days` is 365 by default, or less if the CA expires earlier. */
export interface IssueOptions extends CertOptions {
  /** Path or `file:` URL of the certificate. Default: null, nothing is written. */
  certFile?: string | URL | null | undefined
  /** Path or `file:` URL of the key. */
  keyFile?: string | URL | null | undefined
}

/** Options of `ca.issue`. */
export interface IssueServerOptions extends IssueOptions {
  /** The subject's common name, 1 to 64 characters. A label only: clients match the hosts. Default: the first host. */
  commonName?: string | undefined
}

/**
 * A private certificate authority. Clients that trust its certificate (`verify: 'ca.pem'`) trust every server that it
 * issues a certificate for, so keep its key secret.
 */
export class CertificateAuthority {
  /** The certificate, PEM, for clients to trust. */
  readonly cert: string
  /** The path of the certificate; null if it was not written. */
  readonly certFile: string | null
  /** The path of the key; null if it was not written. */
  readonly keyFile: string | null
  /** SHA-256 of the certificate's DER encoding, as `'AA:BB:…'`. */
  readonly fingerprint: string
  readonly validFrom: Date
  readonly validTo: Date
  readonly #key: string
  readonly #issuer: Issuer
  /** The certificates that a server sends after its own: this CA's and those above it, without the root. */
  readonly #chain: string

  /** Internal: use {@link createCA} or {@link loadCA}. */
  constructor(
    { cert, key, certFile, keyFile, fingerprint, validFrom, validTo }: CertificatePair,
    privateKey: KeyObject,
    certificates: readonly X509Certificate[] = [new X509Certificate(cert)],
  ) {
    this.cert = cert
    this.certFile = certFile
    this.keyFile = keyFile
    this.fingerprint = fingerprint
    this.validFrom = validFrom
    this.validTo = validTo
    this.#key = key
    this.#issuer = { certificate: new X509Certificate(cert), privateKey }
    this.#chain = certificates.filter((certificate) => !certificate.checkIssued(certificate)).join('')
  }

  /** The private key, PKCS#8 PEM; encrypted if there was a passphrase. */
  get key(): string {
    return this.#key
  }

  /**
   * Issues a server certificate with a new key.
   *
   * @param hosts as for {@link createSelfSignedCert}
   * @throws TypeError, RangeError, Error as {@link createSelfSignedCert}; RangeError for more `days` than the CA has
   *
   * @example
   * const pair = await ca.issue(['db.internal', '10.0.0.7'], { certFile: 'db.pem', keyFile: 'db.key' })
   */
  async issue(hosts: string | readonly string[], options: IssueServerOptions = {}): Promise<CertificatePair> {
    const names = parseHosts(hosts)
    const [own, settings] = readOptions(options, 'ca.issue', SERVER_OPTIONS)
    const commonName = nameText('commonName', own.commonName) ?? defaultCommonName(names)
    return this.#issue({ commonName, hosts: names, ca: false, purpose: 'serverAuth' }, own, settings)
  }

  /**
   * Issues a client certificate, for mutual TLS: `cert: ['ada.pem', 'ada.key']`.
   *
   * @param name the subject's common name, 1 to 64 characters, by which the server identifies the client
   * @throws TypeError, RangeError, Error as `issue`
   */
  async issueClient(name: string, options: IssueOptions = {}): Promise<CertificatePair> {
    const commonName = nameText('name', name)
    if (commonName === undefined) throw new TypeError('name must be a string: the server identifies the client by it')
    const [own, settings] = readOptions(options, 'ca.issueClient', CLIENT_OPTIONS)
    return this.#issue({ commonName, hosts: [], ca: false, purpose: 'clientAuth' }, own, settings)
  }

  async #issue(
    subject: Subject,
    { certFile = null, keyFile = null }: IssueOptions,
    settings: CertSettings,
  ): Promise<CertificatePair> {
    const target = await pairTarget(certFile, keyFile, settings.overwrite)
    const pair = await issueCertificate(subject, settings, ISSUED_DAYS, this.#issuer)
    return savePair(target, { ...pair, cert: pair.cert + this.#chain })
  }
}

/**
 * Creates a certificate authority (CA): a root for the servers and clients of a team or a test.
 *
 * Without paths nothing is written. The key file is readable by its owner only (mode 0600); set a `passphrase` to encrypt
 * it. {@link loadCA} reads the files again.
 *
 * @throws TypeError, RangeError, Error as {@link createSelfSignedCert}
 *
 * @example
 * const ca = await createCA('ca.pem', 'ca.key', { commonName: 'Team CA', passphrase: process.env.CA_PASSPHRASE })
 * const pair = await ca.issue(['localhost', '10.0.0.7'])
 */
export async function createCA(
  certFile?: string | URL | null,
  keyFile?: string | URL | null,
  options?: CAOptions,
): Promise<CertificateAuthority>
export async function createCA(options: CAOptions): Promise<CertificateAuthority>
export async function createCA(
  first: string | URL | CAOptions | null = null,
  keyFile: string | URL | null = null,
  options: CAOptions = {},
): Promise<CertificateAuthority> {
  if (isOptions(first)) return createCA(null, null, first)
  const [{ commonName = 'Private CA' }, settings] = readOptions(options, 'createCA', CA_OPTIONS)
  const subject = { commonName: nameText('commonName', commonName), hosts: [], ca: true, purpose: undefined }
  const target = await pairTarget(first, keyFile, settings.overwrite)
  const pair = await issueCertificate(subject, settings, CA_DAYS)
  return new CertificateAuthority(await savePair(target, pair), createPrivateKey(pair))
}

/**
 * Reads a CA that {@link createCA} or another tool has written.
 *
 * @throws Error with a `code` and a `path` if a file cannot be read or holds something else, if the key belongs to another
 *   certificate (`ERR_KEY_MISMATCH`), or if the certificate is not a CA's (`ERR_CERTIFICATE`)
 *
 * @example
 * const ca = await loadCA('ca.pem', 'ca.key', { passphrase: process.env.CA_PASSPHRASE })
 */
export async function loadCA(
  certFile: string | URL,
  keyFile: string | URL,
  options: Pick<CertOptions, 'passphrase'> = {},
): Promise<CertificateAuthority> {
  const [{ passphrase }] = readOptions(options, 'loadCA', LOAD_OPTIONS)
  const target = locatePair(certFile, keyFile)
  const { certificates, key, privateKey } = await readPair(target, checkPassphrase(passphrase))
  const [certificate] = certificates
  if (!certificate.ca) {
    const why =
      'it may not issue certificates (that takes basicConstraints CA:TRUE and keyUsage keyCertSign): clients would refuse them'
    throw new FileError('use', 'ERR_CERTIFICATE', target.certFile, why)
  }
  const pair = { cert: certificate.toString(), key, passphrase }
  return new CertificateAuthority(describePair(pair, target), privateKey, certificates)
}

function isOptions(value: unknown): value is CAOptions {
  return typeof value === 'object' && value !== null && !(value instanceof URL)
}

/** Ten years: each client has to be configured again for a new CA. */
const CA_DAYS = 3650
/** As for a self-signed certificate. Apple's clients accept at most 825. */
const ISSUED_DAYS = 365

const CA_OPTIONS = optionNames<CAOptions>({ ...CERT_OPTIONS, commonName: true })
const CLIENT_OPTIONS = optionNames<IssueOptions>({ ...CERT_OPTIONS, certFile: true, keyFile: true })
const SERVER_OPTIONS: ReadonlySet<string> = new Set([...CLIENT_OPTIONS, 'commonName'])
const LOAD_OPTIONS: ReadonlySet<string> = new Set(['passphrase'])
