/**
 * A certificate and its key on disk, as a pair: both new or both as they were, never a half-written file, and a key
 * that nobody else could read at any moment.
 */
import { randomBytes } from 'node:crypto'
import { link, lstat, open, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { getSystemErrorMap } from 'node:util'

/** Where a pair goes, found fit to be written to. */
export interface PairTarget {
  readonly certFile: string
  readonly keyFile: string
  /**
   * Puts both files in place. On an error the files are as before; a process killed between the two renames leaves the
   * new key beside the old certificate, which a server refuses to start with. The key's mode is 0600 from its first byte on,
   * the certificate's is 0644 less the umask. A symbolic link is replaced, not followed: a key must not go where
   * somebody else's link points.
   */
  write(cert: string, key: string): Promise<void>
}

/**
 * Looks whether a pair can be written, before anybody spends time on a key.
 *
 * @throws TypeError when a path is empty, not a `file:` URL, or both are the same
 * @throws Error with `code` and `path`: `EEXIST` (without `overwrite`), `EISDIR`, `ENOENT` and `ENOTDIR` (the parent)
 */
export async function preparePair(
  certFile: string | URL,
  keyFile: string | URL,
  overwrite: boolean,
): Promise<PairTarget> {
  const paths = { certFile: filePath(certFile, 'certFile'), keyFile: filePath(keyFile, 'keyFile') }
  // Resolved now: a change of the working directory while the key is made must not move the files.
  const cert = resolve(paths.certFile)
  const key = resolve(paths.keyFile)
  if (cert === key) throw new TypeError(`certFile and keyFile are the same file, '${paths.certFile}': name two files`)
  for (const path of [cert, key]) await checkTarget(path, overwrite)
  return { ...paths, write: (certText, keyText) => writePair({ cert, key, certText, keyText, overwrite }) }
}

function filePath(file: string | URL, option: string): string {
  if (file instanceof URL) {
    if (file.protocol !== 'file:') throw new TypeError(`${option} must be a path or a file: URL, not '${file.href}'`)
    return fileURLToPath(file)
  }
  if (typeof file !== 'string') throw new TypeError(`${option} must be a path or a file: URL, not ${typeof file}`)
  if (file === '') throw new TypeError(`${option} is empty: give a path, or null for both files to write none`)
  if (file.includes('\0')) throw new TypeError(`${option} has a null character in it`)
  return file
}

async function checkTarget(path: string, overwrite: boolean): Promise<void> {
  const parent = await kindOf(dirname(path))
  if (parent === 'missing')
    throw fileError('ENOENT', path, `its directory does not exist, create '${dirname(path)}' first`)
  if (parent !== 'directory') throw fileError('ENOTDIR', path, `'${dirname(path)}' is not a directory`)
  const kind = await kindOf(path)
  if (kind === 'directory') throw fileError('EISDIR', path, 'it is a directory, name a file in it')
  // A device or a pipe would be replaced by the rename, /dev/stdout for one.
  if (kind === 'other') throw fileError('EINVAL', path, 'it is not a regular file')
  if (!overwrite && (await exists(path))) throw existsError(path)
}

async function kindOf(path: string): Promise<'missing' | 'file' | 'directory' | 'other'> {
  try {
    const stats = await stat(path)
    return stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : 'other'
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOENT') return 'missing'
    if (code === 'ENOTDIR') return 'other'
    throw fileError(code, path, reasonOf(error), error)
  }
}

/** True for a link that leads nowhere, too. */
async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined
}

interface Pair {
  cert: string
  key: string
  certText: string
  keyText: string
  overwrite: boolean
}

async function writePair({ cert, key, certText, keyText, overwrite }: Pair): Promise<void> {
  const newKey = temporaryPath(key)
  const newCert = temporaryPath(cert)
  const oldKey = temporaryPath(key)
  try {
    await writeNew(newKey, keyText, 0o600, key)
    await writeNew(newCert, certText, 0o644, cert)
    const kept = overwrite && (await keepCopy(key, oldKey))
    try {
      await moveInto(newKey, key, overwrite)
      await moveInto(newCert, cert, overwrite).catch(async (error: unknown) => {
        if (!kept) await rm(key, { force: true })
        throw error
      })
    } catch (error) {
      if (kept) await rename(oldKey, key)
      throw error
    }
    // Not in `finally`: where the old key could not be put back, this is the only copy of it.
    await rm(oldKey, { force: true })
  } finally {
    await Promise.all([newKey, newCert].map((path) => rm(path, { force: true })))
  }
}

/** In the same directory, since a rename across file systems is a copy; short, since names have a limit of 255 bytes. */
function temporaryPath(path: string): string {
  return join(dirname(path), `.vouch-${randomBytes(8).toString('hex')}.tmp`)
}

async function writeNew(temporary: string, text: string, mode: number, path: string): Promise<void> {
  try {
    // 'wx' is O_CREAT | O_EXCL: no file, and no link, that was there before is written to.
    const file = await open(temporary, 'wx', mode)
    try {
      await file.writeFile(text)
      // Without it a power failure can leave the new name with no content.
      await file.sync()
    } finally {
      await file.close()
    }
  } catch (error) {
    throw fileError(codeOf(error), path, reasonOf(error), error)
  }
}

/** A second name for the old key, to come back to. */
async function keepCopy(path: string, copy: string): Promise<boolean> {
  if (!(await exists(path))) return false
  await link(path, copy).catch(async (error: unknown) => {
    if (!NO_HARD_LINKS.has(codeOf(error))) throw fileError(codeOf(error), path, reasonOf(error), error)
    await rename(path, copy)
  })
  return true
}

async function moveInto(temporary: string, path: string, overwrite: boolean): Promise<void> {
  try {
    if (overwrite) return await rename(temporary, path)
    // A link fails where a rename would replace: of two processes that create the same pair, one gets EEXIST.
    await link(temporary, path).catch(async (error: unknown) => {
      if (!NO_HARD_LINKS.has(codeOf(error)) || (await exists(path))) throw error
      await rename(temporary, path)
    })
  } catch (error) {
    if (codeOf(error) === 'EEXIST' && !overwrite) throw existsError(path)
    throw fileError(codeOf(error), path, reasonOf(error), error)
  }
}

function existsError(path: string): Error {
  return fileError('EEXIST', path, 'the file exists, pass `overwrite: true` to replace it')
}

function fileError(code: string, path: string, why: string, cause?: unknown): Error {
  const error = new Error(`cannot write '${path}': ${why}`, cause === undefined ? {} : { cause })
  return Object.assign(error, { code, path })
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'EIO'
}

/** "permission denied", without the temporary path that Node's message names. */
function reasonOf(error: unknown): string {
  const errno = error instanceof Error && 'errno' in error ? Number(error.errno) : Number.NaN
  return getSystemErrorMap().get(errno)?.[1] ?? String(error)
}

/** What file systems without hard links (FAT, some shares and containers' mounts) say. */
const NO_HARD_LINKS: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV'])
