/** A certificate and its key, as returned by the public functions and as read from files. */
import { type KeyObject, X509Certificate } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { displayName } from '../core/credentials.ts'
import { FileError } from '../core/file-error.ts'
import { readRegularFile } from '../core/live-file.ts'
import { warnKeyPermissions } from '../core/warnings.ts'
import { BundleSyntaxError, readCertificates } from '../x509/certificate.ts'
import { hostsOf } from '../x509/certificate-info.ts'
import { isPem } from '../x509/pem.ts'
import { PrivateKeyError, readPrivateKey } from '../x509/private-key.ts'
import { privateKeyPem } from './keys.ts'
import { type PairPaths, type PairTarget, preparePair, readableByOthers } from './pair-paths.ts'
import { withPair, writePair } from './write-pair.ts'

/** A certificate with its key; can be passed to `https.createServer`, and as `cert` to a request. */
export interface CertificatePair {
  /** The certificate, PEM; followed by the intermediates that a server must send, if there are any. */
  cert: string
  /** The private key, PKCS#8 PEM. */
  key: string
  /** The passphrase of the key; absent if the key is not encrypted. */
  passphrase?: string
  /** The path of the certificate; null if it was not written. */
  certFile: string | null
  /** The path of the key; null if it was not written. */
  keyFile: string | null
  /** SHA-256 of the certificate's DER encoding, as `'AA:BB:…'`. */
  fingerprint: string
  /** The first second of its validity, 5 minutes before it was created. */
  validFrom: Date
  /** The last second of its validity. */
  validTo: Date
  /** The names it is valid for, normalised: A-labels in lower case, addresses in canonical form. */
  hosts: string[]
}

/** PEM texts, and the passphrase of the key. */
export interface PairText {
  readonly cert: string
  readonly key: string
  readonly passphrase: string | undefined
}

/** The pair as the public functions return it. */
export function describePair({ cert, key, passphrase }: PairText, target?: PairPaths): CertificatePair {
  const x509 = new X509Certificate(cert)
  return {
    cert,
    key,
    ...(passphrase !== undefined && { passphrase }),
    certFile: target?.certFile ?? null,
    keyFile: target?.keyFile ?? null,
    fingerprint: x509.fingerprint256,
    validFrom: x509.validFromDate,
    validTo: x509.validToDate,
    hosts: hostsOf(x509),
  }
}

/** The files to write; `undefined` if both are null. @throws as {@link preparePair} */
export async function pairTarget(
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

/** Writes the pair, if there are files to write. */
export async function savePair(target: PairTarget | undefined, pair: PairText): Promise<CertificatePair> {
  if (target) await withPair(target, () => writePair(target, pair))
  return describePair(pair, target)
}

/** The certificate of a file, and those that follow it there. */
export type CertificateChain = readonly [X509Certificate, ...X509Certificate[]]

/** A pair that was read from its files. */
export interface StoredPair {
  /** PEM texts: the content of the two files, unchanged if it is PEM. */
  readonly cert: string
  readonly key: string
  readonly certificates: CertificateChain
  readonly privateKey: KeyObject
}

/** Reads a pair. @throws FileError if a file cannot be read, and as {@link parsePair} */
export async function readPair(paths: PairPaths, passphrase: string | undefined): Promise<StoredPair> {
  return parsePair(paths, await contentOf(paths.cert), await contentOf(paths.key), passphrase)
}

/**
 * Parses the content of the two files, and warns of a key that others can read.
 *
 * @throws FileError if a file holds something else (`ERR_CERTIFICATE`, `ERR_PRIVATE_KEY`), or the key belongs to another
 *   certificate (`ERR_KEY_MISMATCH`)
 */
export function parsePair(paths: PairPaths, cert: Buffer, key: Buffer, passphrase: string | undefined): StoredPair {
  const certificates = certificatesIn(paths.certFile, cert)
  const privateKey = keyIn(paths.keyFile, key, passphrase)
  if (!certificates[0].checkPrivateKey(privateKey)) {
    const certFile = displayName(paths.certFile)
    const why = `the key does not belong to the certificate '${certFile}': name the pair that was made together`
    throw new FileError('use', 'ERR_KEY_MISMATCH', paths.keyFile, why)
  }
  const mode = readableByOthers(paths.key)
  if (mode !== undefined) warnKeyPermissions(displayName(paths.keyFile), mode)
  return {
    cert: isPem(cert) ? cert.toString() : certificates.map(String).join(''),
    key: isPem(key) ? key.toString() : privateKeyPem(privateKey, passphrase),
    certificates,
    privateKey,
  }
}

/** Reads the certificates alone. @throws FileError as {@link readPair} */
export async function readCertificate({ cert, certFile }: PairPaths): Promise<CertificateChain> {
  return certificatesIn(certFile, await contentOf(cert))
}

function certificatesIn(path: string, content: Buffer): CertificateChain {
  try {
    const [first, ...others] = readCertificates(content).map(({ certificate }) => certificate)
    if (first !== undefined) return [first, ...others]
    throw new BundleSyntaxError('no certificate in it')
  } catch (error) {
    if (!(error instanceof BundleSyntaxError)) throw error
    const where = error.line === undefined ? '' : `line ${error.line}: `
    throw new FileError('use', 'ERR_CERTIFICATE', path, `${where}${error.message}`, error)
  }
}

function keyIn(path: string, content: Buffer, passphrase: string | undefined): KeyObject {
  try {
    return readPrivateKey(content, passphrase)
  } catch (error) {
    if (!(error instanceof PrivateKeyError)) throw error
    const fix = error.kind === 'encrypted' ? ', pass its `passphrase`' : ''
    throw new FileError('use', 'ERR_PRIVATE_KEY', path, `${error.message}${fix}`, error.cause)
  }
}

async function contentOf(path: string): Promise<Buffer> {
  try {
    // For a directory the system's own error.
    return statSync(path).isDirectory() ? readFileSync(path) : readRegularFile(path)
  } catch (error) {
    throw FileError.from('read', path, error)
  }
}
