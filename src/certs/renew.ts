/** `ensureSelfSignedCert`: a self-signed certificate that is there, and good for some time to come. */
import type { X509Certificate } from 'node:crypto'
import { optionNames } from '../core/options.ts'
import { DAY_MS, hostsOf, isSelfSigned, keyTypeOf, nameInOneLine } from '../x509/certificate-info.ts'
import {
  makeSelfSigned,
  readSelfSigned,
  SELF_SIGNED_DAYS,
  type SelfSignedCertOptions,
  type SelfSignedSettings,
} from './create.ts'
import {
  exists,
  FileError,
  isUnsettled,
  type PairTarget,
  preparePair,
  settlePair,
  withPair,
  writePair,
} from './files.ts'
import { parseHosts } from './hosts.ts'
import { CERT_OPTIONS, wholeDays } from './options.ts'
import { type CertificatePair, describePair, readCertificate, readPair, type StoredPair } from './pair.ts'

/** Options of {@link ensureSelfSignedCert}: those of `createSelfSignedCert`, and when to renew. */
export interface EnsureSelfSignedCertOptions extends Omit<SelfSignedCertOptions, 'overwrite'> {
  /** How many days before its end the certificate is renewed, fewer than `days`. Default: 30, or a third of `days`. */
  renewBefore?: number | undefined
}

/** The pair that is there now. */
export interface EnsuredCert extends CertificatePair {
  /** What was done. */
  action: 'created' | 'renewed' | 'kept'
}

/**
 * Makes sure that there is a self-signed certificate for these hosts: makes one where there is none, a new one (with a new
 * key) where it ends soon or is for other hosts, and otherwise returns what is there. To be called whenever a program
 * starts, and from time to time while it runs; see `watchCert`.
 *
 * An option that is given and does not fit what is there (`keyType`, `commonName`, `organization`, `ca`, a `passphrase` for
 * a key that has none) renews as well. Of several processes that come at once one makes the pair, and all return it.
 * Whenever a process is killed, there is a whole pair where one was before.
 *
 * Only a self-signed certificate of a server is ever replaced: a certificate that somebody else issued, an authority's, a key
 * without a certificate or with another's, or a file that is none of these is an error, and is left as it is.
 *
 * @param certFile path or `file:` URL of the certificate
 * @param keyFile path or `file:` URL of the key
 * @param hosts the host names and IP addresses that clients will connect to
 * @throws TypeError, RangeError as `createSelfSignedCert`
 * @throws Error with a `code` and a `path` when the files cannot be used or written
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
  const wish = readWish(hosts, options)
  const target = await preparePair(certFile, keyFile, true)
  if (await isUnsettled(target)) await withPair(target, () => settlePair(target))
  const seen = await lookTwice(target, wish)
  if (seen.fits) return kept(target, seen.stored, wish)
  // Outside of the lock: an RSA key may take seconds.
  const pair = await makeSelfSigned(wish)
  return withPair(target, async () => {
    const found = await look(target, wish)
    if (found.fits) return kept(target, found.stored, wish)
    await writePair(target, pair)
    return { ...describePair(pair, target), action: found.stored ? 'renewed' : 'created' }
  })
}

/** What is to be there. */
interface Wish extends SelfSignedSettings {
  readonly given: EnsureSelfSignedCertOptions
  /** ms */
  readonly renewBefore: number
}

function readWish(hosts: string | readonly string[], options: EnsureSelfSignedCertOptions): Wish {
  const names = parseHosts(hosts)
  const settings = readSelfSigned(names, options, 'ensureSelfSignedCert', ENSURE_OPTIONS)
  const days = settings.days ?? SELF_SIGNED_DAYS
  const renewBefore = options.renewBefore ?? Math.min(30, days / 3)
  if (options.renewBefore !== undefined && wholeDays('renewBefore', renewBefore) >= days) {
    throw new RangeError(`renewBefore (${renewBefore}) must be less than days (${days}): it would be renewed each time`)
  }
  return { ...settings, given: options, renewBefore: renewBefore * DAY_MS }
}

type Found =
  | { readonly fits: true; readonly stored: StoredPair }
  | { readonly fits: false; readonly stored: StoredPair | undefined }

/** What another process is writing at this moment may look wrong: then it is looked at again when that has finished. */
async function lookTwice(target: PairTarget, wish: Wish): Promise<Found> {
  try {
    return await look(target, wish)
  } catch (error) {
    let isSecond = false
    const again = () => {
      isSecond = true
      return look(target, wish)
    }
    return withPair(target, again).catch((second: unknown) => {
      // Where nobody can write, nobody is writing.
      throw isSecond ? second : error
    })
  }
}

/** What is there. @throws FileError when it is nothing that may be replaced */
async function look(target: PairTarget, wish: Wish): Promise<Found> {
  const [hasCert, hasKey] = [await exists(target.cert), await exists(target.key)]
  if (!hasKey) {
    // What a process leaves that was killed in the middle of making the first pair.
    if (hasCert) assertOurs(target, (await readCertificate(target))[0], 'its key is missing')
    return { fits: false, stored: undefined }
  }
  if (!hasCert) {
    const why = `its certificate '${target.certFile}' is missing: name the file that has it, or remove the key`
    throw new FileError('use', 'ERR_KEY_MISMATCH', target.keyFile, why)
  }
  const stored = await readPair(target, wish.passphrase)
  const why = whyRenew(stored, wish)
  if (why === undefined) return { fits: true, stored }
  assertOurs(target, stored.certificates[0], why)
  return { fits: false, stored }
}

/** Somebody else's certificate cannot be made again here, and what an authority vouches for would be lost with it. */
function assertOurs({ certFile }: PairTarget, certificate: X509Certificate, why: string): void {
  if (isSelfSigned(certificate)) {
    if (!certificate.ca || hostsOf(certificate).length > 0) return
    const problem = `it has no hosts, so it may be a certificate authority's, and is not replaced: name other files`
    throw new FileError('use', 'ERR_CERTIFICATE', certFile, problem)
  }
  const problem = `${why}, but it is not self-signed: have '${nameInOneLine(certificate.issuer)}' issue it again, or name other files`
  throw new FileError('use', 'ERR_CERTIFICATE', certFile, problem)
}

/** Why the pair is not what is wished for; `undefined`: it is. */
function whyRenew({ certificates: [certificate], key, privateKey }: StoredPair, wish: Wish): string | undefined {
  const { given, hosts, renewBefore } = wish
  const left = certificate.validToDate.getTime() - Date.now()
  if (Date.parse(certificate.validFrom) > Date.now()) return 'it is not valid yet'
  if (left <= renewBefore) return left > 0 ? `it ends in ${Math.floor(left / DAY_MS)} days` : 'it has expired'
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

function kept(target: PairTarget, { cert, key }: StoredPair, wish: Wish): EnsuredCert {
  return { ...describePair({ cert, key, passphrase: wish.passphrase }, target), action: 'kept' }
}

const { overwrite: _, ...OPTIONS } = CERT_OPTIONS
const ENSURE_OPTIONS = optionNames<EnsureSelfSignedCertOptions>({
  ...OPTIONS,
  commonName: true,
  ca: true,
  renewBefore: true,
})
