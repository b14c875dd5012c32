/** `createSelfSignedCert`: a self-signed certificate and its key. */
import { optionNames } from '../core/options.ts'
import { type AltName, parseHosts } from './hosts.ts'
import { issueCertificate } from './issue-certificate.ts'
import {
  CERT_OPTIONS,
  type CertOptions,
  type CertSettings,
  MAX_NAME_CHARACTERS,
  nameText,
  readOptions,
  requireFlag,
} from './options.ts'
import { type CertificatePair, type PairText, pairTarget, savePair } from './pair.ts'

/** Options of {@link createSelfSignedCert}; `days` is 365 by default. */
export interface SelfSignedCertOptions extends CertOptions {
  /** The subject's common name, 1 to 64 characters. A label only: clients match `hosts`. Default: the first host. */
  commonName?: string | undefined
  /**
   * Whether the certificate is a CA, as in the usual openssl recipe. Its key can then issue certificates for its own hosts
   * (nameConstraints), but no other CA. Firefox refuses a CA as a server certificate. Default: false.
   */
  ca?: boolean | undefined
}

/** A self-signed certificate with its key; `https.createServer` takes it as its options. */
export type SelfSignedCert = CertificatePair

/**
 * Creates a self-signed certificate for a server and writes it and its key to two PEM files.
 *
 * Each host becomes an iPAddress or a dNSName in subjectAltName (RFC 5280, section 4.2.1.6); a dNSName may be a wildcard
 * (`'*.example.com'`). The key is readable by its owner only (mode 0600). Either both files are written completely, or
 * neither is; existing files are kept unless `overwrite` is true. All arguments are checked before a key is created or a file
 * is written.
 *
 * @param certFile path or `file:` URL of the certificate; null, for both files, writes none
 * @param keyFile path or `file:` URL of the key
 * @param hosts the host names and IP addresses that clients will connect to
 * @throws TypeError for a wrong argument or an unknown option
 * @throws RangeError for `days`, a name or a passphrase out of range
 * @throws Error with a `code` and a `path`: `EEXIST` if a file exists and `overwrite` is not true, or the system's code if
 *   the files cannot be written
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
  const settings = readSelfSigned(parseHosts(hosts), options, 'createSelfSignedCert')
  const target = await pairTarget(certFile, keyFile, settings.overwrite)
  return savePair(target, await makeSelfSigned(settings))
}

/** The contents of a self-signed certificate, checked. */
export interface SelfSignedSettings extends CertSettings {
  readonly hosts: readonly AltName[]
  /** `undefined`: not given. */
  readonly commonName: string | undefined
  readonly ca: boolean
}

/** @throws TypeError or RangeError as {@link createSelfSignedCert} */
export function readSelfSigned(
  hosts: readonly AltName[],
  options: SelfSignedCertOptions,
  where: string,
  names: ReadonlySet<string> = OPTIONS,
): SelfSignedSettings {
  const [{ commonName, ca = false }, settings] = readOptions(options, where, names)
  if (settings.keyType === 'ed25519' && settings.hash !== undefined) {
    throw new TypeError("hash cannot be chosen for keyType 'ed25519': that has its own")
  }
  return { ...settings, hosts, commonName: nameText('commonName', commonName), ca: requireFlag('ca', ca) }
}

export async function makeSelfSigned(settings: SelfSignedSettings): Promise<PairText> {
  const { hosts, ca, commonName = defaultCommonName(hosts) } = settings
  return issueCertificate({ commonName, hosts, ca, purpose: 'serverAuth' }, settings, SELF_SIGNED_DAYS)
}

/** The first host, cut to the length of a common name; clients match subjectAltName. */
export function defaultCommonName(hosts: readonly AltName[]): string | undefined {
  return hosts[0]?.value.slice(0, MAX_NAME_CHARACTERS)
}

export const SELF_SIGNED_DAYS = 365

const OPTIONS = optionNames<SelfSignedCertOptions>({ ...CERT_OPTIONS, commonName: true, ca: true })
