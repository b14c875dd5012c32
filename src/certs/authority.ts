/** A private certificate authority: `createCA`, `loadCA`, and what it issues. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { optionNames } from '../core/options.ts'
import { certify, type Issuer, type Subject } from './certify.ts'
import { defaultCommonName } from './create.ts'
import { FileError, locatePair } from './files.ts'
import { parseHosts } from './hosts.ts'
import { CERT_OPTIONS, type CertOptions, type CertSettings, checkPassphrase, nameText, readOptions } from './options.ts'
import { type CertificatePair, describePair, type PairText, pairTarget, readPair, savePair } from './pair.ts'

/** Options of {@link createCA}; `days` is 3650 by default. */
export interface CAOptions extends CertOptions {
  /** The authority's name, 1 to 64 characters: people see it in error messages. Default: `'Private CA'`. */
  commonName?: string | undefined
}

/** Options of `ca.issue` and `ca.issueClient`; `days` is 365 by default, or less where the authority ends before. */
export interface IssueOptions extends CertOptions {
  /** Path or `file:` URL to write the certificate to. Default: null, nothing is written. */
  certFile?: string | URL | null | undefined
  /** Path or `file:` URL to write the key to. */
  keyFile?: string | URL | null | undefined
}

/** Options of `ca.issue`. */
export interface IssueServerOptions extends IssueOptions {
  /** The subject's common name, 1 to 64 characters. A label only: clients match the hosts. Default: the first host. */
  commonName?: string | undefined
}

/**
 * A certificate authority of one's own. Whoever trusts its certificate (`verify: 'ca.pem'`) trusts every server that it
 * issues a certificate for: so guard its key.
 */
export class CertificateAuthority {
  /** The certificate, PEM: what clients are to trust. */
  readonly cert: string
  /** Where the certificate is; null when it was not written. */
  readonly certFile: string | null
  /** Where the key is; null when it was not written. */
  readonly keyFile: string | null
  /** SHA-256 of the certificate's DER encoding, as `'AA:BB:…'`. */
  readonly fingerprint: string
  readonly validFrom: Date
  readonly validTo: Date
  readonly #key: string
  readonly #issuer: Issuer
  /** What a server is to send besides its own certificate: this authority's, and those above it, but for the root. */
  readonly #chain: string

  /** Not for users: they have {@link createCA} and {@link loadCA}. */
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

  /** The private key, PKCS#8 PEM; encrypted where it was made with a passphrase. */
  get key(): string {
    return this.#key
  }

  /**
   * Issues a certificate for a server, with a key of its own.
   *
   * @param hosts as for {@link createSelfSignedCert}
   * @throws TypeError, RangeError, Error as {@link createSelfSignedCert}; RangeError for more `days` than the authority has
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
   * @param name the subject's common name, 1 to 64 characters, by which the server knows the client
   * @throws TypeError, RangeError, Error as `issue`
   */
  async issueClient(name: string, options: IssueOptions = {}): Promise<CertificatePair> {
    const commonName = nameText('name', name)
    if (commonName === undefined) throw new TypeError('name must be a string: by it the server knows the client')
    const [own, settings] = readOptions(options, 'ca.issueClient', CLIENT_OPTIONS)
    return this.#issue({ commonName, hosts: [], ca: false, purpose: 'clientAuth' }, own, settings)
  }

  async #issue(
    subject: Subject,
    { certFile = null, keyFile = null }: IssueOptions,
    settings: CertSettings,
  ): Promise<CertificatePair> {
    const target = await pairTarget(certFile, keyFile, settings.overwrite)
    const pair = await certify(subject, settings, ISSUED_DAYS, this.#issuer)
    return savePair(target, { ...pair, cert: pair.cert + this.#chain })
  }
}

/**
 * Makes a certificate authority: a root for the servers and clients of a team or a test.
 *
 * Without paths nothing is written. With them the key is readable by its owner only (mode 0600); give it a `passphrase`
 * where it is to be kept. {@link loadCA} reads it again.
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
  const pair = await certify(subject, settings, CA_DAYS)
  return new CertificateAuthority(await savePair(target, pair), privateKeyOf(pair))
}

/**
 * Reads an authority that {@link createCA} has written, or that was made with other tools.
 *
 * @throws Error with a `code` and a `path` when a file cannot be read or holds something else, when the key belongs to
 *   another certificate (`ERR_KEY_MISMATCH`), or when the certificate is not an authority's (`ERR_CERTIFICATE`)
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
      'it may not issue certificates (that takes basicConstraints CA:TRUE and keyUsage keyCertSign), so nobody would trust them'
    throw new FileError('use', 'ERR_CERTIFICATE', target.certFile, why)
  }
  const pair = { cert: certificate.toString(), key, passphrase }
  return new CertificateAuthority(describePair(pair, target), privateKey, certificates)
}

function isOptions(value: unknown): value is CAOptions {
  return typeof value === 'object' && value !== null && !(value instanceof URL)
}

function privateKeyOf({ key, passphrase }: PairText): KeyObject {
  return createPrivateKey({ key, ...(passphrase !== undefined && { passphrase }) })
}

/** Ten years: clients have to be told of a new authority one by one. */
const CA_DAYS = 3650
/** As for a self-signed certificate. Apple's clients take no more than 825. */
const ISSUED_DAYS = 365

const CA_OPTIONS = optionNames<CAOptions>({ ...CERT_OPTIONS, commonName: true })
const CLIENT_OPTIONS = optionNames<IssueOptions>({ ...CERT_OPTIONS, certFile: true, keyFile: true })
const SERVER_OPTIONS: ReadonlySet<string> = new Set([...CLIENT_OPTIONS, 'commonName'])
const LOAD_OPTIONS: ReadonlySet<string> = new Set(['passphrase'])
