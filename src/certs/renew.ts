/** `ensureSelfSignedCert`: creates a self-signed certificate, and renews it before it expires. */
import type { X509Certificate } from 'node:crypto'
import { displayName } from '../core/credentials.ts'
import { FileError } from '../core/file-error.ts'
import { optionNames, ownOptions } from '../core/options.ts'
import { exists } from '../core/place-file.ts'
import { printable } from '../core/printable.ts'
import { DAY_MS, hostsOf, isSelfSigned, keyTypeOf, nameInOneLine } from '../x509/certificate-info.ts'
import {
  makeSelfSigned,
  readSelfSigned,
  SELF_SIGNED_DAYS,
  type SelfSignedCertOptions,
  type SelfSignedSettings,
} from './create.ts'
import { parseHosts } from './hosts.ts'
import { CERT_OPTIONS, wholeDays } from './options.ts'
import { type CertificatePair, describePair, readCertificate, readPair, type StoredPair } from './pair.ts'
import { type PairTarget, preparePair } from './pair-paths.ts'
import { needsRecovery, recoverPair, withPair, writePair } from './write-pair.ts'

/** Options of {@link ensureSelfSignedCert}: those of `createSelfSignedCert`, and when to renew. */
export interface EnsureSelfSignedCertOptions extends Omit<SelfSignedCertOptions, 'overwrite'> {
  /** How many days before it expires the certificate is renewed; less than `days`. Default: 30, or a third of `days`. */
  renewBefore?: number | undefined
}

/** The pair that the files hold now. */
export interface EnsuredCert extends CertificatePair {
  /** What the call did. */
  action: 'created' | 'renewed' | 'kept'
}

/**
 * Ensures that the files contain a valid self-signed certificate for these hosts: creates one if there is none, renews it (with
 * a new key) if it expires soon or is for other hosts, and otherwise returns the pair unchanged. Call it when a program
 * starts, and from time to time while it runs; see `watchCert`.
 *
 * The certificate is also renewed if it differs from an option that is given (`keyType`, `commonName`, `organization`,
 * `ca`, a `passphrase` for a key that is not encrypted). If several processes call it at once, one of them creates the
 * pair, and all return it. If a process is killed, the files contain either the old or the new pair.
 *
 * Only a self-signed server certificate is ever replaced. All other files are left unchanged, and are an error: a certificate of
 * another issuer, the certificate of a CA, a key without its certificate, or unrelated content.
 *
 * @param certFile path or `file:` URL of the certificate
 * @param keyFile path or `file:` URL of the key
 * @param hosts the host names and IP addresses that clients will connect to
 * @throws TypeError, RangeError as `createSelfSignedCert`
 * @throws Error with a `code` and a `path` if the files cannot be used or written
 *
 * @example
 * const pair = await ensureSelfSignedCert('cert.pem', 'key.pem', ['localhost', '127.0.0.1'])
 * console.log(pair.action) // 'created', and 'kept' the next time
 * https.createServer(pair, handler).listen(8443)
 */
export async function ensureSelfSignedCert(
  certFile: string | URL,
  keyFile: string | URL,
  hosts: string | readonly string[],
  options: EnsureSelfSignedCertOptions = {},
): Promise<EnsuredCert> {
  const request = parseRequest(hosts, options)
  const target = await preparePair(certFile, keyFile, true)
  if (await needsRecovery(target)) await withPair(target, () => recoverPair(target))
  const seen = await inspectStable(target, request)
  if (seen.fits) return keptResult(target, seen.stored, request)
  // Outside of the lock: an RSA key may take seconds.
  const pair = await makeSelfSigned(request)
  return withPair(target, async () => {
    const found = await inspect(target, request)
    if (found.fits) return keptResult(target, found.stored, request)
    await writePair(target, pair)
    return { ...describePair(pair, target), action: found.stored ? 'renewed' : 'created' }
  })
}

/** The certificate that the files are to hold. */
interface RenewalRequest extends SelfSignedSettings {
  readonly given: EnsureSelfSignedCertOptions
  readonly renewBeforeMs: number
}

function parseRequest(hosts: string | readonly string[], options: EnsureSelfSignedCertOptions): RenewalRequest {
  const names = parseHosts(hosts)
  const given = ownOptions(options, 'ensureSelfSignedCert', ENSURE_OPTIONS)
  const settings = readSelfSigned(names, given, 'ensureSelfSignedCert', ENSURE_OPTIONS)
  const days = settings.days ?? SELF_SIGNED_DAYS
  const renewBefore = given.renewBefore ?? Math.min(30, days / 3)
  if (given.renewBefore !== undefined && wholeDays('renewBefore', renewBefore) >= days) {
    throw new RangeError(
      `renewBefore (${renewBefore}) must be less than days (${days}): each call would renew the certificate`,
    )
  }
  return { ...settings, given, renewBeforeMs: renewBefore * DAY_MS }
}

/** The pair of the files, if they hold one that may be replaced, and whether it is the requested one. */
type Inspection =
  | { readonly fits: true; readonly stored: StoredPair }
  | { readonly fits: false; readonly stored: StoredPair | undefined }

/** A pair that another process is writing may look wrong for a moment: it is then inspected again under the lock. */
async function inspectStable(target: PairTarget, request: RenewalRequest): Promise<Inspection> {
  try {
    return await inspect(target, request)
  } catch (error) {
    let isSecond = false
    const inspectLocked = () => {
      isSecond = true
      return inspect(target, request)
    }
    return withPair(target, inspectLocked).catch((second: unknown) => {
      // In a directory in which the lock cannot be made the pair cannot be in the middle of being written either.
      throw isSecond ? second : error
    })
  }
}

/** Reads the pair. @throws FileError if the files hold anything that may not be replaced */
async function inspect(target: PairTarget, request: RenewalRequest): Promise<Inspection> {
  const [hasCert, hasKey] = [await exists(target.cert), await exists(target.key)]
  if (!hasKey) {
    // A process that was killed while it made the first pair leaves a certificate without its key.
    if (hasCert) assertReplaceable(target, (await readCertificate(target))[0], 'its key is missing')
    return { fits: false, stored: undefined }
  }
  if (!hasCert) {
    const certFile = displayName(target.certFile)
    const why = `its certificate '${certFile}' is missing: name the file that has it, or remove the key`
    throw new FileError('use', 'ERR_KEY_MISMATCH', target.keyFile, why)
  }
  const stored = await readPair(target, request.passphrase)
  const reason = renewalReason(stored, request)
  if (reason === undefined) return { fits: true, stored }
  assertReplaceable(target, stored.certificates[0], reason)
  return { fits: false, stored }
}

/** The certificate of another issuer cannot be made again here, and without its key a CA could not issue any more. */
function assertReplaceable({ certFile }: PairTarget, certificate: X509Certificate, reason: string): void {
  if (isSelfSigned(certificate)) {
    if (!certificate.ca || hostsOf(certificate).length > 0) return
    const problem = `it has no hosts, so it may be a certificate authority's, and is not replaced: name other files`
    throw new FileError('use', 'ERR_CERTIFICATE', certFile, problem)
  }
  const issuer = printable(nameInOneLine(certificate.issuer))
  const problem = `${reason}, but it is not self-signed: have '${issuer}' issue it again, or name other files`
  throw new FileError('use', 'ERR_CERTIFICATE', certFile, problem)
}

/** Why the pair is to be renewed; `undefined` if it is the requested one. */
function renewalReason(
  { certificates: [certificate], key, privateKey }: StoredPair,
  { given, hosts, renewBeforeMs }: RenewalRequest,
): string | undefined {
  const leftMs = certificate.validToDate.getTime() - Date.now()
  if (Date.parse(certificate.validFrom) > Date.now()) return 'it is not valid yet'
  if (leftMs <= renewBeforeMs) {
    return leftMs > 0 ? `it expires in ${Math.floor(leftMs / DAY_MS)} days` : 'it has expired'
  }
  const names = new Set(hostsOf(certificate).map((host) => host.toLowerCase()))
  if (names.size !== hosts.length || hosts.some(({ value }) => !names.has(value))) return 'it is for other hosts'
  if (given.keyType !== undefined && keyTypeOf(privateKey) !== given.keyType) return 'its key is of another kind'
  if (given.ca !== undefined && certificate.ca !== given.ca) return 'it is for another use (ca)'
  const { O: organization, CN: commonName } = certificate.toLegacyObject().subject
  if (given.organization !== undefined && organization !== given.organization) return 'it is of another organization'
  if (given.commonName !== undefined && commonName !== given.commonName) return 'it has another name'
  if (given.passphrase !== undefined && !/ENCRYPTED/.test(key)) return 'its key is not encrypted'
  return undefined
}

function keptResult(target: PairTarget, { cert, key }: StoredPair, { passphrase }: RenewalRequest): EnsuredCert {
  return { ...describePair({ cert, key, passphrase }, target), action: 'kept' }
}

const { overwrite: _, ...OPTIONS } = CERT_OPTIONS
const ENSURE_OPTIONS = optionNames<EnsureSelfSignedCertOptions>({
  ...OPTIONS,
  commonName: true,
  ca: true,
  renewBefore: true,
})
