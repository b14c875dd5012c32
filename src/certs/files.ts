/**
 * A certificate and its key on disk, as a pair: both new or both as they were, whenever the process is killed; never a
 * half-written file, and a key that nobody else could read at any moment.
 */
import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import {
  constants,
  copyFile,
  type FileHandle,
  link,
  lstat,
  mkdir,
  open,
  readlink,
  realpath,
  rename,
  rm,
  stat,
  symlink,
} from 'node:fs/promises'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { getSystemErrorMap } from 'node:util'
import { withLock } from './lock.ts'

/** Where a pair is, or is to be. */
export interface PairPaths {
  /** As they were given. */
  readonly certFile: string
  readonly keyFile: string
  /** Absolute. */
  readonly cert: string
  readonly key: string
}

/** Where a pair goes, found fit to be written to. */
export interface PairTarget extends PairPaths {
  readonly overwrite: boolean
}

/** PEM texts. */
export interface PairContent {
  readonly cert: string
  readonly key: string
}

/** @throws TypeError when a path is empty, not a `file:` URL, or both are the same */
export function locatePair(certFile: string | URL, keyFile: string | URL): PairPaths {
  const paths = { certFile: filePath(certFile, 'certFile'), keyFile: filePath(keyFile, 'keyFile') }
  // Resolved now: a change of the working directory while the key is made must not move the files.
  const cert = resolve(paths.certFile)
  const key = resolve(paths.keyFile)
  if (cert === key) throw new TypeError(`certFile and keyFile are the same file, '${paths.certFile}': name two files`)
  return { ...paths, cert, key }
}

/**
 * Looks whether a pair can be written, before anybody spends time on a key.
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

/** Runs `work`, which may call {@link writePair}, while no other process works on the pair. */
export async function withPair<T>({ key }: PairPaths, work: () => Promise<T>): Promise<T> {
  let begun: Promise<T> | undefined
  const begin = () => {
    begun = work()
    return begun
  }
  try {
    return await withLock(`${hiddenPath(key)}.lock`, begin)
  } catch (error) {
    throw begun === undefined ? FileError.from('write', key, error) : error
  }
}

/**
 * Puts both files in place; to be called within {@link withPair}. On an error the files are as before. The key's mode is
 * 0600 from its first byte on, the certificate's is 0644 less the umask. A symbolic link is replaced, not followed: a key
 * must not go where somebody else's link points.
 */
export async function writePair(target: PairTarget, content: PairContent): Promise<void> {
  await settlePair(target)
  const staged = { cert: `${hiddenPath(target.cert)}.new`, key: `${hiddenPath(target.key)}.new` }
  try {
    await writeNew(staged.key, content.key, 0o600, target.key)
    await writeNew(staged.cert, content.cert, 0o644, target.cert)
    const isThere = target.overwrite && (await isFile(target.cert)) && (await isFile(target.key))
    if (!(isThere && (await replacePair(target, staged)))) await placePair(target, staged)
  } finally {
    await settlePair(target)
  }
}

/**
 * Where there was no pair. The certificate comes first: should the process be killed in between, no key is left without
 * its certificate, and a certificate without its key is of no use to anybody.
 */
async function placePair(target: PairTarget, staged: PairContent): Promise<void> {
  const old = `${hiddenPath(target.cert)}.old`
  const kept = target.overwrite && (await exists(target.cert))
  if (kept) await copy(target.cert, old)
  const { ino } = await lstat(staged.cert)
  await moveInto(staged.cert, target.cert, target.overwrite)
  try {
    await moveInto(staged.key, target.key, target.overwrite)
  } catch (error) {
    const isOurs = (await lstat(target.cert).catch(() => undefined))?.ino === ino
    if (isOurs) await (kept ? rename(old, target.cert) : rm(target.cert, { force: true }))
    throw error
  }
}

/**
 * In place of a pair; `false`, with nothing done, where the file system knows no symbolic links. No system exchanges two
 * files at once, but one name can be exchanged: so for a moment both paths lead through one link, first to the old pair,
 * and, when that link is replaced, to the new one. {@link settlePair} makes them files again.
 *
 *     cert.pem → .vouch-C/now/cert      now → old, then new      old/cert, new/cert: files
 *     key.pem  → .vouch-C/now/key                                old/key → .vouch-K.old, new/key → .vouch-K.new
 */
async function replacePair(target: PairTarget, staged: PairContent): Promise<boolean> {
  const hidden = hiddenPath(target.cert)
  const [now, next] = [join(hidden, 'now'), join(hidden, 'next')]
  const keys = { old: `${hiddenPath(target.key)}.old`, new: staged.key }
  try {
    await mkdir(hidden)
    if (!(await canLink(now, 'old'))) return false
    await copy(await realpath(target.key), keys.old)
    for (const side of ['old', 'new'] as const) {
      await mkdir(join(hidden, side))
      await symlink(
        await pathBetween(join(hidden, side), dirname(target.key), basename(keys[side])),
        join(hidden, side, 'key'),
      )
    }
    await copy(await realpath(target.cert), join(hidden, 'old/cert'))
    await rename(staged.cert, join(hidden, 'new/cert'))
    // What the two paths lead to stays what it was.
    await lead(target.cert, now, 'cert')
    await lead(target.key, now, 'key')
    await symlink('new', next)
    await rename(next, now)
    return true
  } catch (error) {
    throw FileError.from('write', target.cert, error)
  }
}

async function canLink(path: string, to: string): Promise<boolean> {
  try {
    await symlink(to, path)
    return true
  } catch (error) {
    if (NO_LINKS.has(codeOf(error))) return false
    throw error
  }
}

/** Puts a link to what `now` leads to in the place of what is at `path`. */
async function lead(path: string, now: string, name: string): Promise<void> {
  const hidden = dirname(now)
  const link = `${hiddenPath(path)}.link`
  await symlink(await pathBetween(dirname(path), hidden, basename(now), name), link)
  await rename(link, path)
}

/** The path of what is in the directory `to`, relative to the directory `from`; what it leads through stays in it. */
async function pathBetween(from: string, to: string, ...names: string[]): Promise<string> {
  return relative(await realpath(from), join(await realpath(to), ...names))
}

/** Whether a process was killed while it wrote the pair (or is writing it): its paths are links, or it has left something. */
export async function isUnsettled({ cert, key }: PairPaths): Promise<boolean> {
  for (const path of [cert, key]) {
    if (await isOurLink(path)) return true
    for (const end of LEFTOVERS) if (await exists(hiddenPath(path) + end)) return true
  }
  return false
}

/** Makes the paths files again where they are our links, and removes what belongs to no finished pair. */
export async function settlePair({ cert, key }: PairPaths): Promise<void> {
  let wasLink = false
  for (const path of [cert, key]) {
    if (!(await isOurLink(path))) continue
    wasLink = true
    await makeFile(path)
  }
  // Who is opening a file at this moment may be on his way through a link that was there when he set out.
  if (wasLink) await sleep(ON_THE_WAY)
  for (const path of [cert, key]) {
    for (const end of LEFTOVERS) {
      await rm(hiddenPath(path) + end, { recursive: true, force: true })
    }
  }
}

/** Puts what a link of ours leads to in its place; one that leads nowhere any more holds nothing. */
async function makeFile(path: string): Promise<void> {
  const file = `${hiddenPath(path)}.file`
  const content = await realpath(path).catch(() => undefined)
  await rm(content === undefined ? path : file, { force: true })
  if (content === undefined) return
  await copy(content, file)
  await rename(file, path)
}

/** What follows on the hidden path of a file while it is written. */
const LEFTOVERS = ['', '.new', '.old', '.link', '.file'] as const

/** ms; a path is walked in microseconds, by a process that is not interrupted. */
const ON_THE_WAY = 50

async function isOurLink(path: string): Promise<boolean> {
  return OUR_LINK.test(await readlink(path).catch(() => ''))
}

/** How a link ends that {@link replacePair} makes. */
const OUR_LINK = /(?:^|[\\/])\.vouch-[\da-f]{16}[\\/]now[\\/](?:cert|key)$/

/**
 * What belongs to a file while it is written, in the same directory, since a rename across file systems is a copy. Always
 * the same for a file: who comes after a killed process finds what that has left.
 */
function hiddenPath(path: string): string {
  return join(dirname(path), `.vouch-${createHash('sha256').update(basename(path)).digest('hex').slice(0, 16)}`)
}

function filePath(file: string | URL, option: string): string {
  if (file instanceof URL) {
    if (file.protocol !== 'file:') throw new TypeError(`${option} must be a path or a file: URL, not '${file.href}'`)
    return fileURLToPath(file)
  }
  if (typeof file !== 'string') throw new TypeError(`${option} must be a path or a file: URL, not ${typeof file}`)
  if (file === '') throw new TypeError(`${option} is empty: give a path, or null for both files to write none`)
  if (file.includes('\0')) throw new TypeError(`${option} has a null character in it`)
  if (/[\\/]$/.test(file)) throw new TypeError(`${option} is a directory, '${file}': name a file in it`)
  return file
}

async function checkTarget(path: string, overwrite: boolean): Promise<void> {
  const parent = await kindOf(dirname(path))
  if (parent === 'missing')
    throw new FileError('write', 'ENOENT', path, `its directory does not exist, create '${dirname(path)}' first`)
  if (parent !== 'directory') throw new FileError('write', 'ENOTDIR', path, `'${dirname(path)}' is not a directory`)
  const kind = await kindOf(path)
  if (kind === 'directory') throw new FileError('write', 'EISDIR', path, 'it is a directory, name a file in it')
  // A device or a pipe would be replaced by the rename, /dev/stdout for one.
  if (kind === 'other') throw new FileError('write', 'EINVAL', path, 'it is not a regular file')
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
    throw FileError.from('write', path, error)
  }
}

async function isFile(path: string): Promise<boolean> {
  return (await kindOf(path)) === 'file'
}

/** True for a link that leads nowhere, too. */
export async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined
}

async function writeNew(temporary: string, text: string, mode: number, path: string): Promise<void> {
  try {
    // 'wx' is O_CREAT | O_EXCL: no file, and no link, that was there before is written to.
    const file = await open(temporary, 'wx', mode)
    try {
      await keepOwner(file, path)
      await file.writeFile(text)
      // Without it a power failure can leave the new name with no content.
      await file.sync()
    } finally {
      await file.close()
    }
  } catch (error) {
    throw FileError.from('write', path, error)
  }
}

/** A pair that root renews stays with the service that reads it. */
async function keepOwner(file: FileHandle, path: string): Promise<void> {
  if (process.getuid?.() !== 0) return
  const before = await lstat(path).catch(() => undefined)
  if (before?.isFile() && (before.uid !== 0 || before.gid !== 0)) await file.chown(before.uid, before.gid)
}

/** A second name, or a second file where there are no hard links. */
async function copy(path: string, second: string): Promise<void> {
  try {
    await link(path, second).catch((error: unknown) => {
      if (!NO_LINKS.has(codeOf(error))) throw error
      return copyFile(path, second, constants.COPYFILE_EXCL)
    })
  } catch (error) {
    throw FileError.from('write', path, error)
  }
}

async function moveInto(temporary: string, path: string, overwrite: boolean): Promise<void> {
  try {
    if (overwrite) return await rename(temporary, path)
    // A link fails where a rename would replace: of two processes that create the same pair, one gets EEXIST.
    await link(temporary, path).catch(async (error: unknown) => {
      if (!NO_LINKS.has(codeOf(error)) || (await exists(path))) throw error
      await rename(temporary, path)
    })
  } catch (error) {
    if (codeOf(error) === 'EEXIST' && !overwrite) throw existsError(path)
    throw FileError.from('write', path, error)
  }
}

/** An error about one of the two files, whatever hidden one the system's error names. */
export class FileError extends Error {
  /** The system's, such as `EACCES`, or what is said of it where it is thrown. */
  readonly code: string
  readonly path: string

  constructor(what: 'read' | 'write' | 'use', code: string, path: string, why: string, cause?: unknown) {
    super(`cannot ${what} '${path}': ${why}`, cause === undefined ? {} : { cause })
    this.code = code
    this.path = path
  }

  static from(what: 'read' | 'write', path: string, error: unknown): FileError {
    return error instanceof FileError ? error : new FileError(what, codeOf(error), path, reasonOf(error), error)
  }
}

function existsError(path: string): FileError {
  return new FileError('write', 'EEXIST', path, 'the file exists, pass `overwrite: true` to replace it')
}

/** The permissions of a key that others than its owner can read; `undefined` for one that is safe. */
export function readableByOthers(path: string): number | undefined {
  const mode = statSync(path, { throwIfNoEntry: false })?.mode ?? 0
  return process.platform !== 'win32' && (mode & 0o044) !== 0 ? mode & 0o777 : undefined
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'EIO'
}

/** "permission denied", without the temporary path that Node's message names. */
function reasonOf(error: unknown): string {
  const errno = error instanceof Error && 'errno' in error ? Number(error.errno) : Number.NaN
  return getSystemErrorMap().get(errno)?.[1] ?? String(error)
}

/** What file systems without links (FAT, some shares and containers' mounts) say. */
const NO_LINKS: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV'])
