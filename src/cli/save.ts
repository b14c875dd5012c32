/** A file that is written whole or not at all. */
import { randomBytes } from 'node:crypto'
import { createWriteStream, rmSync, type Stats, statSync } from 'node:fs'
import { chmod, link, realpath, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/**
 * Looks whether a file can be written, before anything is fetched for it.
 *
 * @throws Error when it exists and is not to be replaced, is a directory, or has no directory to be in
 */
export function checkTarget(path: string, overwrite: boolean): void {
  const found = stat(path)
  if (found?.isDirectory()) throw cannot(path, 'it is a directory, name a file in it')
  if (found?.isFile() && !overwrite) throw cannot(path, WHY.get('EEXIST'))
  if (found === undefined && !stat(dirname(path))?.isDirectory()) throw cannot(path, WHY.get('ENOENT'))
}

/**
 * Writes a file under another name beside it, which it takes when it is complete: nobody sees half of it, and when anything
 * fails, or the process is interrupted, nothing is left of it. A symbolic link is followed; what is no file but a device or a
 * pipe is written to as it is.
 *
 * @returns how many bytes it was
 * @throws Error as {@link checkTarget}; what `content` fails with
 */
export async function save(path: string, content: Readable, overwrite: boolean): Promise<number> {
  try {
    checkTarget(path, overwrite)
    const found = stat(path)
    if (found !== undefined && !found.isFile()) return await write(path, content, { flags: 'w' })
    return await replace(found === undefined ? path : await realpath(path), content, overwrite, found?.mode)
  } catch (error) {
    content.destroy()
    throw described(path, error)
  }
}

async function replace(path: string, content: Readable, overwrite: boolean, mode: number | undefined): Promise<number> {
  // Cut: a name may be long, and its byte limit is that of the file itself.
  const name = Buffer.from(basename(path))
    .subarray(0, 200)
    .toString()
    .replace(/\ufffd+$/, '')
  const partial = join(dirname(path), `.${name}.${randomBytes(4).toString('hex')}.part`)
  using _ = onInterrupt(() => rmSync(partial, { force: true }))
  try {
    const bytes = await write(partial, content, { flags: 'wx', flush: true })
    if (mode !== undefined) await chmod(partial, mode & 0o777)
    if (overwrite) await rename(partial, path)
    else await placeNew(partial, path)
    return bytes
  } finally {
    await rm(partial, { force: true })
  }
}

async function write(path: string, content: Readable, options: { flags: string; flush?: boolean }): Promise<number> {
  const sink = createWriteStream(path, options)
  await pipeline(content, sink)
  return sink.bytesWritten
}

/** Unlike a rename, a link never replaces what somebody else has put there meanwhile. */
async function placeNew(partial: string, path: string): Promise<void> {
  try {
    await link(partial, path)
  } catch (error) {
    if (!NO_LINKS.has((error as NodeJS.ErrnoException).code ?? '')) throw error
    await rename(partial, path)
  }
}

/** Of file systems that have none, such as FAT. */
const NO_LINKS: ReadonlySet<string> = new Set(['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK', 'EXDEV'])

/** Runs `cleanUp` when a signal ends the process, which it then does all the same. Disposing of it takes it back. */
export function onInterrupt(cleanUp: () => void): Disposable {
  const end = (signal: NodeJS.Signals) => {
    cleanUp()
    stop()
    // Not an exit: a shell that runs a script has to see that it was a signal.
    process.kill(process.pid, signal)
  }
  const stop = () => {
    for (const signal of SIGNALS) process.off(signal, end)
  }
  for (const signal of SIGNALS) process.on(signal, end)
  return { [Symbol.dispose]: stop }
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

function stat(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false })
}

/** An error of the file system in words; any other as it is. */
function described(path: string, error: unknown): unknown {
  const why = error instanceof Error && 'syscall' in error && 'code' in error ? WHY.get(error.code) : undefined
  return why === undefined ? error : cannot(path, why, error)
}

function cannot(path: string, why = '', cause?: unknown): Error {
  return new Error(`cannot write '${path}': ${why}`, { cause })
}

const WHY: ReadonlyMap<unknown, string> = new Map([
  ['EEXIST', 'the file exists, use --overwrite to replace it'],
  ['ENOENT', 'its directory does not exist'],
  ['EACCES', 'permission denied'],
  ['EPERM', 'permission denied'],
  ['EROFS', 'the file system is read-only'],
  ['ENOSPC', 'no space left on the device'],
  ['EDQUOT', 'the disk quota is used up'],
  ['ENAMETOOLONG', 'its name is too long'],
])
