/** Saves a stream to a file, completely or not at all. */
import { randomBytes } from 'node:crypto'
import { constants, createWriteStream, lstatSync, rmSync, type Stats, statSync } from 'node:fs'
import { type FileHandle, open, realpath, rm } from 'node:fs/promises'
import { constants as system } from 'node:os'
import { basename, dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { codeOf } from '../core/error-code.ts'
import { FileError } from '../core/file-error.ts'
import { placeFile } from '../core/place-file.ts'

/**
 * Checks that a file can be written, before anything is fetched for it.
 *
 * @throws FileError if it exists and may not be replaced, is a directory, or its directory does not exist
 */
export function checkTarget(path: string, overwrite: boolean): void {
  const found = statOf(path)
  if (found?.isDirectory()) throw new FileError('write', 'EISDIR', path, 'it is a directory, name a file in it')
  if (found?.isFile() && !overwrite && openedDescriptor(path) === undefined) throw cannotWrite('EEXIST', path)
  if (found !== undefined) return
  if (!statOf(dirname(path))?.isDirectory()) throw cannotWrite('ENOENT', path)
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink())
    throw new FileError('write', 'ENOENT', path, 'it is a symbolic link to a file that does not exist: name that file')
}

/** The number of `/dev/stdout` and the like: files that the shell has opened, perhaps to append to them. */
function openedDescriptor(path: string): number | undefined {
  const [, name] = /^\/(?:dev\/(?:fd\/)?|proc\/self\/fd\/)(stdout|stderr|\d+)$/.exec(path) ?? []
  if (name === undefined) return undefined
  return name === 'stdout' ? 1 : name === 'stderr' ? 2 : Number(name)
}

/**
 * Writes a temporary file beside the target and renames it when it is complete: if anything fails, or a signal ends the
 * process, nothing of it is left. A symbolic link is followed; a device, a pipe or an open file (`/dev/stdout`) is written to directly.
 *
 * @returns the number of bytes
 * @throws FileError as {@link checkTarget}; the error of `content`
 */
export async function save(path: string, content: Readable, overwrite: boolean): Promise<number> {
  try {
    checkTarget(path, overwrite)
    const found = stat(path)
    const descriptor = openedDescriptor(path)
    if (found?.isFile() && descriptor !== undefined) return await append(descriptor, content)
    if (found !== undefined && !found.isFile()) return await writeThrough(path, found, content)
    return await replace(found === undefined ? path : await realpath(path), content, overwrite, found?.mode)
  } catch (error) {
    content.destroy()
    throw isOfFileSystem(error) ? cannotWrite(codeOf(error), path, error) : error
  }
}

async function replace(path: string, content: Readable, overwrite: boolean, mode: number | undefined): Promise<number> {
  // Cut: the temporary name must stay within the limit of 255 bytes even if the name itself is that long.
  const name = Buffer.from(basename(path))
    .subarray(0, 200)
    .toString()
    .replace(/\ufffd+$/, '')
  const partial = join(dirname(path), `.${name}.${randomBytes(4).toString('hex')}.part`)
  using _ = onInterrupt(() => rmSync(partial, { force: true }))
  try {
    await using file = await open(partial, 'wx')
    // By its descriptor: another user may be able to put a link in the place of the name.
    if (mode !== undefined) await file.chmod(mode & 0o777)
    const bytes = await write(file, content, true)
    await placeFile(partial, path, overwrite)
    return bytes
  } finally {
    await rm(partial, { force: true })
  }
}

/**
 * Writes to a device or a pipe, which is opened without truncating or creating anything: another user may be able to put a
 * link to a file in its place.
 */
async function writeThrough(path: string, found: Stats, content: Readable): Promise<number> {
  await using file = await open(path, constants.O_WRONLY)
  const opened = await file.stat()
  if (opened.isFile() || opened.dev !== found.dev || opened.ino !== found.ino)
    throw new FileError('write', 'EEXIST', path, 'another file has taken its place meanwhile')
  return await write(file, content, false)
}

/** Writes where the owner of the open file writes: by its path it would be opened at its beginning. */
async function append(descriptor: number, content: Readable): Promise<number> {
  const sink = createWriteStream('', { fd: descriptor, autoClose: false })
  await pipeline(content, sink)
  return sink.bytesWritten
}

/** Writes everything, and closes the file. */
async function write(file: FileHandle, content: Readable, flush: boolean): Promise<number> {
  const sink = file.createWriteStream({ flush })
  await pipeline(content, sink)
  return sink.bytesWritten
}

/** Runs `cleanUp` when a signal is about to end the process, which then ends by that signal. Disposing cancels it. */
export function onInterrupt(cleanUp: () => void): Disposable {
  const end = (signal: NodeJS.Signals) => {
    cleanUp()
    stop()
    // Not process.exit(): a shell that runs a script has to see that a signal ended the process.
    process.kill(process.pid, signal)
    // The system withholds it from the first process of a container.
    if (process.pid === 1) process.exit(128 + system.signals[signal])
  }
  const stop = () => {
    for (const signal of SIGNALS) process.off(signal, end)
  }
  for (const signal of SIGNALS) process.on(signal, end)
  return { [Symbol.dispose]: stop }
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const

function stat(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false })
}

/** @throws FileError for what the system refuses, such as a name that is too long */
function statOf(path: string): Stats | undefined {
  try {
    return stat(path)
  } catch (error) {
    throw FileError.from('write', path, error)
  }
}

/** Whether an error is about the file: an error of `content` may have a `syscall`, too, which is `read`. */
function isOfFileSystem(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && error.syscall !== 'read'
}

function cannotWrite(code: string, path: string, cause?: unknown): FileError {
  const why = REASONS.get(code)
  return why === undefined ? FileError.from('write', path, cause) : new FileError('write', code, path, why, cause)
}

/** For codes of which a command can say more than the system. */
const REASONS: ReadonlyMap<string, string> = new Map([
  ['EEXIST', 'the file exists, use --overwrite to replace it'],
  ['ENOENT', 'its directory does not exist'],
])
