/**
 * The in-memory cache of CA certificates, shared by the whole process: each file or directory is parsed once and looked
 * at again for each request, so that a change is seen by the next one.
 *
 * Errors leave here as {@link CABundleError}, naming the path as the user wrote it.
 */
import { hash, type X509Certificate } from 'node:crypto'
import { readdirSync, type Stats, statSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { CABundleError } from '../core/errors.ts'
import {
  type FileVersion,
  isNoPath,
  isSettled,
  LiveFiles,
  sameFile,
  statusOf,
  UnusableFileError,
} from '../core/live-file.ts'
import { LruMap } from '../core/lru-map.ts'
import { BundleSyntaxError, readCertificates, TrustAnchor } from '../x509/certificate.ts'
import { certificateNames, type DirectoryListing, nameMatches } from './ca-directory.ts'
import { tell } from './events.ts'

/** Certificates that came from one place. `stale` once that place holds others. */
export type Anchors = FileVersion<readonly TrustAnchor[]>

/** Where certificates are read from: the absolute path, and as the user wrote it, for messages. */
export interface TrustPath {
  readonly path: string
  readonly shown: string
}

/**
 * What the file or directory holds now. Costs a status call for a file that has not changed, one per file for a
 * directory.
 *
 * @throws CABundleError when it does not exist, cannot be read, is damaged or holds no certificate
 */
export function readTrustPath(source: TrustPath): Anchors[] {
  const status = statOf(source)
  if (status.isDirectory()) return readDirectory(source, status)
  return [readFile(source.path, source.shown, status)]
}

/** The certificates in PEM text, or in PEM, DER or PKCS#7 bytes. Equal content is parsed once. */
export function readTrustContent(content: string | Uint8Array, shown: string): Anchors {
  // A copy, since bytes can be changed by whoever gave them.
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
    throw bundleError(error, shown, false)
  }
}

/** A certificate object as a source. */
export function readTrustCertificate(certificate: X509Certificate): Anchors {
  let anchors = certificates.get(certificate)
  if (anchors === undefined) {
    anchors = { value: [TrustAnchor.fromCertificate(certificate)], stale: false }
    certificates.set(certificate, anchors)
  }
  return anchors
}

/** What the cache holds and how it was used, for {@link caStats}. */
export function caCacheStats(): { files: number; hits: number; parses: number } {
  return {
    files: files.size,
    hits: files.stats.hits + contentStats.hits,
    parses: files.stats.parses + contentStats.parses,
  }
}

const files = new LiveFiles<readonly TrustAnchor[]>(readCertificates, 2048, ({ value, replaced, path = '' }) => {
  tell(() => ({ event: replaced ? 'reloaded' : 'loaded', path, certificates: value.length }))
})
const contents = new LruMap<string, Anchors>(128)
const contentStats = { hits: 0, parses: 0 }
const certificates = new WeakMap<X509Certificate, Anchors>()

interface Directory {
  readonly status: Stats
  readonly settled: boolean
  readonly listing: DirectoryListing
  /** Holds no certificates; it marks what was built on this listing as stale when the names change. */
  readonly marker: Anchors
}

const directories = new LruMap<string, Directory>(64)

function statOf(source: TrustPath): Stats {
  try {
    return statSync(source.path)
  } catch (error) {
    forget(source.path)
    throw bundleError(error, source.shown)
  }
}

function forget(path: string): void {
  files.forget(path)
  const directory = directories.get(path)
  if (directory === undefined) return
  directory.marker.stale = true
  directories.delete(path)
}

function readFile(path: string, shown: string, status?: Stats): Anchors {
  try {
    return files.read(path, status)
  } catch (error) {
    throw bundleError(error, shown)
  }
}

function readDirectory(source: TrustPath, status: Stats): Anchors[] {
  const { listing, marker } = listDirectory(source, status)
  if (!listing.hashed) {
    return [marker, ...listing.names.map((name) => readFile(join(source.path, name), join(source.shown, name)))]
  }
  const found = readHashedFiles(source, listing.names)
  if (found.length === 0) {
    throw new CABundleError(`no usable certificate in the directory ${source.shown}: its hashed names do not match`, {
      path: source.shown,
      hints: [`run: openssl rehash ${source.shown} (names made by OpenSSL before 1.0 are not looked up any more)`],
    })
  }
  return [marker, ...found]
}

/** The files that OpenSSL would read: it passes over links that lead nowhere (older than 3.0.22 it stopped at them). */
function readHashedFiles(source: TrustPath, names: readonly string[]): Anchors[] {
  return names.flatMap((name) => {
    const path = join(source.path, name)
    const status = statusOf(path)
    if (status === undefined) {
      files.forget(path)
      return []
    }
    const anchors = readFile(path, join(source.shown, name), status)
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
    throw bundleError(error, source.shown)
  }
  const unchanged = known !== undefined && sameNames(known.listing, listing)
  if (known && !unchanged) known.marker.stale = true
  if (listing.names.length === 0) {
    forget(source.path)
    throw new CABundleError(`no certificates in the directory ${source.shown}`, {
      path: source.shown,
      hints: ['put *.pem, *.crt or *.cer files there, or names made by: openssl rehash DIRECTORY'],
    })
  }
  const directory = { status, settled, listing, marker: unchanged ? known.marker : { value: [], stale: false } }
  directories.set(source.path, directory)
  return directory
}

function sameNames(a: DirectoryListing, b: DirectoryListing): boolean {
  return a.names.length === b.names.length && a.names.every((name, index) => name === b.names[index])
}

/** Turns what went wrong with a source into the error that users see. The texts for a missing file are requests' own. */
function bundleError(error: unknown, source: string, isPath = true): CABundleError {
  // Somebody may have taken a URL for a path; a path stays as it is, since it is looked at again by that name.
  const shown = source.replace(/^(https?:\/\/)[^/@]*@/i, '$1***@')
  if (error instanceof BundleSyntaxError) {
    const where = error.line === undefined ? shown : `${shown}, line ${error.line}`
    return new CABundleError(`cannot use the CA bundle ${where}: ${error.message}`, {
      path: isPath ? shown : undefined,
      line: error.line,
      hints: error.hints,
      cause: error,
    })
  }
  if (error instanceof UnusableFileError) {
    return new CABundleError(`cannot use the CA bundle ${shown}: ${error.message}`, { path: shown, cause: error })
  }
  const { code } = error as NodeJS.ErrnoException
  if (isNoPath(code)) {
    return new CABundleError(`Could not find a suitable TLS CA certificate bundle, invalid path: ${shown}`, {
      path: shown,
      code: code === 'ERR_INVALID_ARG_VALUE' ? 'ENOENT' : code,
      hints: missingPathHints(shown),
      cause: error,
    })
  }
  const { message } = error as Error
  return new CABundleError(`cannot read the CA bundle ${shown}: ${message}`, { path: shown, code, cause: error })
}

function missingPathHints(shown: string): string[] {
  if (/^(?:true|false)$/i.test(shown)) return [`write verify: ${shown.toLowerCase()} without quotes for the boolean`]
  if (shown.startsWith('~')) return ['a tilde is not expanded: write the path in full, or use os.homedir()']
  if (/^https?:/.test(shown))
    return [`a bundle is a file: save what is there first, for a server's own: npx vouch cert fetch`]
  if (/^file:/.test(shown)) return ['pass a URL object: new URL(…) or pathToFileURL(…)']
  if (/[:;]/.test(shown)) return ['one path only: for several bundles pass a list, verify: [first, second]']
  return isAbsolute(shown) ? [] : [`relative paths start at the working directory, now ${process.cwd()}`]
}
