/**
 * The process-wide cache of CA certificates: files and directories are parsed once, and checked for changes at each
 * request.
 *
 * Its errors are {@link CABundleError}s, which name the source as the user wrote it.
 */
import { hash, type X509Certificate } from 'node:crypto'
import { readdirSync, type Stats, statSync } from 'node:fs'
import { join } from 'node:path'
import { displayName } from '../core/credentials.ts'
import { codeOf } from '../core/error-code.ts'
import { CABundleError } from '../core/errors.ts'
import { tryStat } from '../core/file-being-written.ts'
import { aboutFile, fileOf, isMissingPathCode, withoutPath } from '../core/file-error.ts'
import { isSettled, LiveFiles, type Snapshot, sameFile } from '../core/live-file.ts'
import { LruMap } from '../core/lru-map.ts'
import { SharedValues } from '../core/shared-values.ts'
import { shellPath } from '../core/shell.ts'
import { anchorCount, BundleSyntaxError, KeysOnlyError, readCertificates, TrustAnchor } from '../x509/certificate.ts'
import { isBase64Pem } from '../x509/content-kind.ts'
import { certificateNames, type DirectoryListing, nameMatches } from './ca-directory.ts'
import { publish } from './events.ts'
import { missingBundleHints } from './mistaken-path.ts'

/** The certificates of one file or value. `stale` as soon as that file holds others. */
export type Anchors = Snapshot<readonly TrustAnchor[]>

/** A file or directory of certificates. */
export interface TrustPath {
  /** Absolute. */
  readonly path: string
  /** As the user wrote it: for messages, where it passes `displayName`. */
  readonly source: string
}

/**
 * The current content of the file or directory. Costs a status call for a file that has not changed, one per file for a
 * directory.
 *
 * @throws CABundleError if it does not exist, cannot be read, is damaged or holds no certificate
 */
export function readTrustPath(source: TrustPath): Anchors[] {
  const status = statOf(source)
  if (status.isDirectory()) return readDirectory(source, status)
  return [readFile(source, status)]
}

/**
 * The certificates in PEM text, or in PEM, DER or PKCS#7 bytes. Equal content is parsed once.
 *
 * @param source how the content was given, for messages
 */
export function readTrustContent(content: string | Uint8Array, source: string): Anchors {
  // A copy: the caller may change its bytes later.
  const bytes = Buffer.from(content as string)
  const key = hash('sha256', bytes)
  const known = contents.get(key)
  if (known) {
    contentStats.hits++
    return known
  }
  try {
    contentStats.parses++
    const anchors = { value: readCertificates(bytes), stale: false }
    contents.set(key, anchors)
    return anchors
  } catch (error) {
    throw error instanceof BundleSyntaxError ? syntaxError(error, source) : error
  }
}

/** A certificate object as a source. */
export function readTrustCertificate(certificate: X509Certificate): Anchors {
  let anchors = certificates.get(certificate)
  if (anchors === undefined) {
    anchors = { value: [TrustAnchor.of('CERTIFICATE', certificate.raw)], stale: false }
    certificates.set(certificate, anchors)
  }
  return anchors
}

/** The part of `caStats` that is about certificates. */
export function caCacheStats(): { files: number; hits: number; parses: number; certificates: number } {
  return {
    certificates: anchorCount(),
    files: files.size,
    hits: files.stats.hits + contentStats.hits,
    parses: files.stats.parses + contentStats.parses,
  }
}

const files = new LiveFiles<readonly TrustAnchor[]>(certificatesIn, 2048, ({ value, replaced, path = '' }) => {
  publish(() => ({ event: replaced ? 'reloaded' : 'loaded', path: displayName(path), certificates: value.length }))
})
/** By the SHA-256 of the content. */
const contents = new SharedValues<Anchors>(128)
const contentStats = { hits: 0, parses: 0 }
const certificates = new WeakMap<X509Certificate, Anchors>()

interface Directory {
  readonly status: Stats
  readonly settled: boolean
  readonly listing: DirectoryListing
  /** Holds no certificates: it becomes stale with the listing, and with it the sets that are built on the listing. */
  readonly listingSnapshot: Anchors
}

const directories = new LruMap<string, Directory>(64)

function statOf(source: TrustPath): Stats {
  try {
    return statSync(source.path)
  } catch (error) {
    invalidate(source.path)
    throw fileError(error, source)
  }
}

function invalidate(path: string): void {
  files.invalidate(path)
  const directory = directories.get(path)
  if (directory === undefined) return
  directory.listingSnapshot.stale = true
  directories.delete(path)
}

/** None in a file of keys: in a directory it is passed over, as a key is in a file of certificates. */
function certificatesIn(content: Buffer): readonly TrustAnchor[] {
  try {
    return readCertificates(content)
  } catch (error) {
    if (error instanceof KeysOnlyError) return []
    throw error
  }
}

function readFile(source: TrustPath, status?: Stats): Anchors {
  const anchors = readFileOfAny(source, status)
  if (anchors.value.length === 0) throw fileError(new KeysOnlyError(), source)
  return anchors
}

/** A file that may hold keys only. */
function readFileOfAny(source: TrustPath, status?: Stats): Anchors {
  try {
    return files.read(source.path, status)
  } catch (error) {
    throw fileError(error, source)
  }
}

function fileIn({ path, source }: TrustPath, name: string): TrustPath {
  return { path: join(path, name), source: join(source, name) }
}

/** A file of a directory without hashed names, where one that holds no certificate is in the way of the others. */
function readFileAmong(source: TrustPath, name: string): Anchors {
  try {
    return readFileOfAny(fileIn(source, name))
  } catch (error) {
    if (!(error instanceof CABundleError)) throw error
    const { summary, path, line, code, cause, hints } = error
    const [file, above] = [join(source.source, name), join(source.source, '..')].map(shellPath)
    const move =
      file === undefined || above === undefined ? [] : [`move it out of the directory: mv -n ${file} ${above}`]
    const ways = [...move, 'or name the files of the certificates: verify: [first, second]', ...hints]
    throw aboutFile(new CABundleError(summary, { path, line, code, cause, hints: ways }), fileOf(error))
  }
}

function readDirectory(source: TrustPath, status: Stats): Anchors[] {
  const { listing, listingSnapshot } = listDirectory(source, status)
  if (!listing.hashed) {
    const found = listing.names.map((name) => readFileAmong(source, name))
    if (found.some(({ value }) => value.length > 0)) return [listingSnapshot, ...found]
    throw fileError(new KeysOnlyError(), fileIn(source, listing.names[0] ?? ''))
  }
  const found = readHashedFiles(source, listing.names)
  if (found.length > 0) return [listingSnapshot, ...found]
  const name = displayName(source.source)
  throw directoryError(source, `no usable certificate in the directory ${name}: its hashed names do not match`, [
    `run: openssl rehash ${shellPath(source.source) ?? 'DIRECTORY'} (OpenSSL 1.0 and later do not look up the names made by older versions)`,
  ])
}

/** The files that OpenSSL would read. It skips dangling links; before 3.0.22 it stopped at them. */
function readHashedFiles(source: TrustPath, names: readonly string[]): Anchors[] {
  return names.flatMap((name) => {
    const file = fileIn(source, name)
    const status = tryStat(file.path)
    if (status === undefined) {
      files.invalidate(file.path)
      return []
    }
    const anchors = readFile(file, status)
    const certificates = anchors.value.map((anchor) => anchor.certificate)
    return nameMatches(name, certificates) ? [anchors] : []
  })
}

function listDirectory(source: TrustPath, status: Stats): Directory {
  const known = directories.get(source.path)
  if (known?.settled && sameFile(known.status, status)) return known
  const settled = isSettled(status)
  let listing: DirectoryListing
  try {
    listing = certificateNames(readdirSync(source.path))
  } catch (error) {
    throw fileError(error, source)
  }
  const unchanged = known !== undefined && sameNames(known.listing, listing)
  if (known && !unchanged) known.listingSnapshot.stale = true
  if (listing.names.length === 0) {
    invalidate(source.path)
    throw directoryError(source, `no certificates in the directory ${displayName(source.source)}`, [
      'put *.pem, *.crt or *.cer files there, or names made by: openssl rehash DIRECTORY',
    ])
  }
  const listingSnapshot = unchanged ? known.listingSnapshot : { value: [], stale: false }
  const directory = { status, settled, listing, listingSnapshot }
  directories.set(source.path, directory)
  return directory
}

function sameNames(a: DirectoryListing, b: DirectoryListing): boolean {
  return a.names.length === b.names.length && a.names.every((name, index) => name === b.names[index])
}

/** The error that users see. The text for a missing file is requests' own. */
function fileError(error: unknown, { path, source }: TrustPath): CABundleError {
  const name = displayName(source)
  const code = codeOf(error)
  const cause = withoutPath(error)
  if (error instanceof BundleSyntaxError) return aboutFile(syntaxError(error, name, name), path)
  if (isMissingPathCode(code)) {
    const shown = shownPath(source)
    const missing = new CABundleError(`Could not find a suitable TLS CA certificate bundle, invalid path: ${shown}`, {
      path: shown,
      code: code === 'ERR_INVALID_ARG_VALUE' ? 'ENOENT' : code,
      hints: missingBundleHints(source),
      cause,
    })
    return aboutFile(missing, path)
  }
  const problem = `cannot ${code === '' ? 'use' : 'read'} the CA bundle ${name}: ${cause.message}`
  const hints = ['it must be a file or directory that the user of this process can read: PEM, DER or PKCS#7']
  return aboutFile(new CABundleError(problem, { path: name, code: code || undefined, hints, cause }), path)
}

function directoryError({ path, source }: TrustPath, problem: string, hints: readonly string[]): CABundleError {
  return aboutFile(new CABundleError(problem, { path: displayName(source), hints }), path)
}

function syntaxError(error: BundleSyntaxError, name: string, path?: string): CABundleError {
  const where = error.line === undefined ? name : `${name}, line ${error.line}`
  return new CABundleError(`cannot use the CA bundle ${where}: ${error.message}`, {
    path,
    line: error.line,
    hints: path === undefined ? error.valueHints : error.hints,
    cause: error,
  })
}

/** The value as messages show it: a blank or a line break at its ends in sight, and nothing that may be a key in base64. */
function shownPath(source: string): string {
  if (isBase64Pem(source)) return '(base64 text)'
  return /^\s|\s$/.test(source) ? `"${displayName(source)}"` : displayName(source)
}
