/**
 * Writes a certificate and its key as a pair: if the process is killed at any moment, both are old or both are new, and
 * no new key is beside an old certificate. The key is readable by its owner only from its first byte on.
 */
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
  symlink,
} from 'node:fs/promises'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { codeOf, NO_LINKS } from '../core/error-code.ts'
import { FileError } from '../core/file-error.ts'
import { exists, placeFile } from '../core/place-file.ts'
import { withLock } from './lock.ts'
import { fileExists, hiddenPath, isFile, type PairPaths, type PairTarget } from './pair-paths.ts'

/** PEM texts, or the paths of their files. */
export interface PairContent {
  readonly cert: string
  readonly key: string
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
 * 0600 from its first byte on, the certificate's is 0644 less the umask. A symbolic link is replaced, not followed: it may
 * be another user's and lead anywhere.
 */
export async function writePair(target: PairTarget, content: PairContent): Promise<void> {
  await recoverPair(target)
  const staged = { cert: sideOf(target, 'cert', 'new'), key: sideOf(target, 'key', 'new') }
  try {
    await stage(staged.key, content.key, 0o600, target.key)
    await stage(staged.cert, content.cert, 0o644, target.cert)
    const isThere = target.overwrite && (await isFile(target.cert)) && (await isFile(target.key))
    if (!(isThere && (await replacePair(target)))) await placePair(target, staged)
  } finally {
    await recoverPair(target)
  }
}

/**
 * Places a pair that does not exist yet. The certificate comes first: if the process is killed in between, no key is left
 * without its certificate, and a certificate without its key is harmless.
 */
async function placePair(target: PairTarget, staged: PairContent): Promise<void> {
  const old = sideOf(target, 'cert', 'old')
  const hasOld = target.overwrite && (await exists(target.cert))
  if (hasOld) await keep(target.cert, old)
  const { ino } = await lstat(staged.cert)
  await place(staged.cert, target.cert, target.overwrite)
  try {
    await place(staged.key, target.key, target.overwrite)
  } catch (error) {
    const isOurs = (await lstat(target.cert).catch(() => undefined))?.ino === ino
    if (isOurs) await (hasOld ? rename(old, target.cert) : rm(target.cert, { force: true }))
    throw error
  }
}

/**
 * Replaces a pair; `false`, with nothing done, if the file system has no symbolic links. No system exchanges two files at
 * once, but a single name can be exchanged: so for a moment both paths lead through one link, first to the old pair and,
 * when that link is replaced, to the new pair. {@link recoverPair} makes them files again.
 *
 *     cert.pem → .vouch-C/now/cert      now → old, then new      old/cert → .vouch-C.old, new/cert → .vouch-C.new
 *     key.pem  → .vouch-C/now/key                                old/key → .vouch-K.old, new/key → .vouch-K.new
 */
async function replacePair(target: PairTarget): Promise<boolean> {
  const hidden = hiddenPath(target.cert)
  const [now, next] = [join(hidden, 'now'), join(hidden, 'next')]
  try {
    await mkdir(hidden)
    if (!(await trySymlink('old', now))) return false
    for (const side of ['old', 'new'] as const) await mkdir(join(hidden, side))
    for (const kind of KINDS) {
      await keep(target[kind], sideOf(target, kind, 'old'))
      for (const side of ['old', 'new'] as const) {
        const directory = join(hidden, side)
        const file = sideOf(target, kind, side)
        await symlink(await pathBetween(directory, dirname(file), basename(file)), join(directory, kind))
      }
    }
    // Both paths still lead to the old pair.
    for (const kind of KINDS) await pointAt(target[kind], now, kind)
    await symlink('new', next)
    await rename(next, now)
    return true
  } catch (error) {
    throw FileError.from('write', target.cert, error)
  }
}

/** Makes a symbolic link; `false` if the file system has none. */
async function trySymlink(to: string, path: string): Promise<boolean> {
  try {
    await symlink(to, path)
    return true
  } catch (error) {
    if (NO_LINKS.has(codeOf(error))) return false
    throw error
  }
}

/** Replaces `path` with a link to the file `name` below `now`. */
async function pointAt(path: string, now: string, name: 'cert' | 'key'): Promise<void> {
  const hidden = dirname(now)
  const temporary = `${hiddenPath(path)}.link`
  await symlink(await pathBetween(dirname(path), hidden, basename(now), name), temporary)
  await rename(temporary, path)
}

/** The path of `names` below the directory `to`, relative to the directory `from`; links in `names` are not resolved. */
async function pathBetween(from: string, to: string, ...names: string[]): Promise<string> {
  return relative(await realpath(from), join(await realpath(to), ...names))
}

/** Whether a process was killed while it wrote the pair, or is writing it: a path is our link, or temporary files remain. */
export async function needsRecovery(paths: PairPaths): Promise<boolean> {
  for (const kind of KINDS) {
    if (await isOurLink(paths, kind)) return true
    for (const suffix of STAGING_SUFFIXES) if (await exists(hiddenPath(paths[kind]) + suffix)) return true
  }
  return false
}

/** Replaces our links with the files that they lead to, and removes all temporary files. */
export async function recoverPair(paths: PairPaths): Promise<void> {
  let wasLink = false
  for (const kind of KINDS) {
    if (!(await isOurLink(paths, kind))) continue
    wasLink = true
    await materialize(paths, kind)
  }
  // Another process may still be resolving the old link: wait before deleting what it leads to.
  if (wasLink) await sleep(PATH_WALK_GRACE_MS)
  for (const kind of KINDS) {
    for (const suffix of STAGING_SUFFIXES) await rm(hiddenPath(paths[kind]) + suffix, { recursive: true, force: true })
  }
}

/** Replaces a link of ours with the file that it leads to; a link that leads to none of our files is removed. */
async function materialize(paths: PairPaths, kind: Kind): Promise<void> {
  const path = paths[kind]
  const file = `${hiddenPath(path)}.file`
  const side = await readlink(join(hiddenPath(paths.cert), 'now')).catch(() => undefined)
  const isOurs = side === 'old' || side === 'new'
  const hasContent = isOurs && (await exists(sideOf(paths, kind, side)))
  await rm(hasContent ? file : path, { force: true })
  if (!hasContent) return
  await keep(sideOf(paths, kind, side), file)
  await rename(file, path)
}

/** The old or the new file of a pair while it is replaced: in the directory of its path, so that no other directory is trusted. */
function sideOf(paths: PairPaths, kind: Kind, side: 'old' | 'new'): string {
  return `${hiddenPath(paths[kind])}.${side}`
}

type Kind = 'cert' | 'key'
const KINDS: readonly Kind[] = ['cert', 'key']

/** The temporary files of a file: its {@link hiddenPath} with one of these suffixes. */
const STAGING_SUFFIXES = ['', '.new', '.old', '.link', '.file'] as const

/** A process that is not interrupted resolves a path in microseconds. */
const PATH_WALK_GRACE_MS = 50

/** Whether a path of the pair is the link that {@link replacePair} makes of it: one into the hidden directory of this pair. */
async function isOurLink(paths: PairPaths, kind: Kind): Promise<boolean> {
  const path = paths[kind]
  const target = await readlink(path).catch(() => '')
  if (!OUR_LINK.test(target)) return false
  const hidden = hiddenPath(paths.cert)
  const ours = join(await realpath(dirname(hidden)), basename(hidden), 'now', kind)
  return resolve(await realpath(dirname(path)), target) === ours
}

/** The target of a link that {@link replacePair} makes. */
const OUR_LINK = /(?:^|[\\/])\.vouch-[\da-f]{16}[\\/]now[\\/](?:cert|key)$/

/** Writes a temporary file; errors name the `path` whose place it is to take. */
async function stage(temporary: string, text: string, mode: number, path: string): Promise<void> {
  try {
    // 'wx' is O_CREAT | O_EXCL: an existing file or link is never written to.
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

/** A pair that root renews keeps its owner, so that the service can still read it. */
async function keepOwner(file: FileHandle, path: string): Promise<void> {
  if (process.getuid?.() !== 0) return
  const before = await lstat(path).catch(() => undefined)
  if (before?.isFile() && (before.uid !== 0 || before.gid !== 0)) await file.chown(before.uid, before.gid)
}

/**
 * Gives a file a second name; copies it if the file system has no hard links. A symbolic link gets a second link with the
 * same target, in the same directory: another user may have planted it, and the file that it leads to must get no name here.
 */
async function keep(path: string, second: string): Promise<void> {
  try {
    if ((await lstat(path)).isSymbolicLink()) return await symlink(await readlink(path), second)
    await link(path, second).catch((error: unknown) => {
      if (!NO_LINKS.has(codeOf(error))) throw error
      return copyFile(path, second, constants.COPYFILE_EXCL)
    })
  } catch (error) {
    throw FileError.from('write', path, error)
  }
}

async function place(temporary: string, path: string, overwrite: boolean): Promise<void> {
  try {
    await placeFile(temporary, path, overwrite)
  } catch (error) {
    throw codeOf(error) === 'EEXIST' && !overwrite ? fileExists(path) : FileError.from('write', path, error)
  }
}
