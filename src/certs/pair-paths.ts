/** The paths of a certificate and its key: read from arguments, and checked before a key is created. */
import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { displayName, mayBeSecret, redactUrl } from '../core/credentials.ts'
import { codeOf } from '../core/error-code.ts'
import { FileError, pathOfFileUrl } from '../core/file-error.ts'
import { exists } from '../core/place-file.ts'

/** The paths of a pair. */
export interface PairPaths {
  /** As given. */
  readonly certFile: string
  readonly keyFile: string
  /** Absolute. */
  readonly cert: string
  readonly key: string
}

/** The paths of a pair that can be written. */
export interface PairTarget extends PairPaths {
  readonly overwrite: boolean
}

/** @throws TypeError if a path is empty, not a `file:` URL, or both are the same */
export function locatePair(certFile: string | URL, keyFile: string | URL): PairPaths {
  const paths = { certFile: filePath(certFile, 'certFile'), keyFile: filePath(keyFile, 'keyFile') }
  // Resolved now: a change of the working directory while the key is made must not move the files.
  const cert = resolve(paths.certFile)
  const key = resolve(paths.keyFile)
  if (cert === key) {
    throw new TypeError(`certFile and keyFile are the same file, '${displayName(paths.certFile)}': name two files`)
  }
  return { ...paths, cert, key }
}

/**
 * Checks that a pair can be written, before time is spent on a key.
 *
 * @throws TypeError as {@link locatePair}
 * @throws FileError `EEXIST` (without `overwrite`), `EISDIR`, `ENOENT` and `ENOTDIR` (the parent)
 */
export async function preparePair(
  certFile: string | URL,
  keyFile: string | URL,
  overwrite: boolean,
): Promise<PairTarget> {
  const paths = locatePair(certFile, keyFile)
  for (const path of [paths.cert, paths.key]) await checkTarget(path, overwrite)
  return { ...paths, overwrite }
}

function filePath(file: string | URL, option: string): string {
  if (file instanceof URL) {
    if (file.protocol !== 'file:') {
      throw new TypeError(`${option} must be a path or a file: URL, not '${redactUrl(file)}'`)
    }
    return pathOfFileUrl(file)
  }
  if (typeof file !== 'string') throw new TypeError(`${option} must be a path or a file: URL, not ${typeof file}`)
  if (file === '') throw new TypeError(`${option} is empty: give a path, or null for both files to write none`)
  if (file.includes('\0')) throw new TypeError(`${option} has a null character in it`)
  if (/[\\/]$/.test(file)) throw new TypeError(`${option} is a directory, '${displayName(file)}': name a file in it`)
  return file
}

async function checkTarget(path: string, overwrite: boolean): Promise<void> {
  const directory = dirname(path)
  const parent = await kindOf(directory)
  // The first half of a password or of a key may be in it, without the rest by which it could be recognised.
  const shown = mayBeSecret(path) ? '' : ` '${displayName(directory)}'`
  if (parent === 'missing') {
    throw new FileError('write', 'ENOENT', path, `its directory does not exist, create${shown || ' it'} first`)
  }
  if (parent !== 'directory') {
    throw new FileError('write', 'ENOTDIR', path, `${shown.trim() || 'its parent'} is not a directory`)
  }
  const kind = await kindOf(path)
  if (kind === 'directory') throw new FileError('write', 'EISDIR', path, 'it is a directory, name a file in it')
  // A rename would replace a device or a pipe, such as /dev/stdout.
  if (kind === 'other') throw new FileError('write', 'EINVAL', path, 'it is not a regular file')
  if (!overwrite && (await exists(path))) throw fileExists(path)
}

/** The error for a file that must not be replaced. */
export function fileExists(path: string): FileError {
  return new FileError('write', 'EEXIST', path, 'the file exists, pass `overwrite: true` to replace it')
}

async function kindOf(path: string): Promise<'missing' | 'file' | 'directory' | 'other'> {
  try {
    const stats = await stat(path)
    return stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : 'other'
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOENT') return 'missing'
    if (code === 'ENOTDIR') return 'other'
    throw FileError.from('write', path, error)
  }
}

/** Whether there is a regular file, or a link to one. */
export async function isFile(path: string): Promise<boolean> {
  return (await kindOf(path)) === 'file'
}

/**
 * The prefix of the temporary files of a file, in its directory, since a rename across file systems is a copy. It depends
 * on the name alone: the next process finds what a killed process left behind.
 */
export function hiddenPath(path: string): string {
  return join(dirname(path), `.vouch-${createHash('sha256').update(basename(path)).digest('hex').slice(0, 16)}`)
}

/** The permissions of a key that others than its owner can read; `undefined` if the key is safe. */
export function readableByOthers(path: string): number | undefined {
  const mode = statSync(path, { throwIfNoEntry: false })?.mode ?? 0
  return process.platform !== 'win32' && (mode & 0o044) !== 0 ? mode & 0o777 : undefined
}
