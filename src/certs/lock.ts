/** A lock between processes: something that exists while one of them writes. */
import { randomBytes } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { lstat, lutimes, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Runs `work` while this process alone has the lock. The lock of a process that was killed is taken over: at once where it can
 * be seen that it runs no more (on this machine, among the processes that this one sees), else when nobody has touched the
 * lock for 10 s; who holds it touches it every 2 s.
 *
 * @param path of the lock file; its directory is there and writable
 * @throws Error with the code `ELOCKED` after 30 s in vain, the system's error when it cannot be made, what `work` throws
 */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const owner = JSON.stringify({ ...self(), id: randomBytes(8).toString('hex') })
  const started = performance.now()
  while (!(await take(path, owner))) {
    if (performance.now() - started > MAX_WAIT) throw heldTooLong(path)
    const other = await ownerOf(path)
    if (other !== undefined && (await isAbandoned(path, other))) await takeAway(path, other)
    else await sleep(RETRY)
  }
  const touching = setInterval(() => {
    const now = new Date()
    lutimes(path, now, now).catch(() => {})
  }, TOUCH).unref()
  try {
    return await work()
  } finally {
    clearInterval(touching)
    // Not if another process thought this one dead, and has it now.
    if ((await ownerOf(path)) === owner) await rm(path, { force: true })
  }
}

/**
 * A lock is a symbolic link to nowhere: it appears with its owner in it, so that a process that is killed here leaves none, or
 * one that says whose it was. Where there are no links it is a file.
 */
async function take(path: string, owner: string): Promise<boolean> {
  try {
    await symlink(owner, path).catch((error: unknown) => {
      if (!isCode(error, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS')) throw error
      return writeFile(path, owner, { flag: 'wx', mode: 0o600 })
    })
    return true
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false
    throw error
  }
}

/** What the lock says; `undefined` when it has gone. */
async function ownerOf(path: string): Promise<string | undefined> {
  return readlink(path)
    .catch((error: unknown) => {
      if (!isCode(error, 'EINVAL', 'UNKNOWN')) throw error
      return readFile(path, 'utf8')
    })
    .catch((error: unknown) => {
      if (isCode(error, 'ENOENT')) return undefined
      throw error
    })
}

async function isAbandoned(path: string, owner: string): Promise<boolean> {
  const { host, space, pid, since } = parse(owner)
  const { host: here, space: mine } = self()
  // Containers may share a directory and a host name, and not see each other's processes.
  if (host === here && space === mine && pid !== undefined) {
    if (!isRunning(pid, since)) return true
    // It lives, however slow it may be.
    if (since !== undefined) return false
  }
  const age = await lstat(path).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => 0,
  )
  return age > MAX_AGE
}

/** A process, as others can recognise it. */
interface Owner {
  readonly host?: string
  /** The processes that it sees, where the system tells (Linux). */
  readonly space?: string | undefined
  readonly pid?: number
  /** When it started, where the system tells: a number is used again for another process. */
  readonly since?: string | undefined
}

function self(): Owner {
  return { host: hostname(), space: processSpace(), pid: process.pid, since: startOf(process.pid) }
}

function processSpace(): string | undefined {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return undefined
  }
}

/** In ticks since the machine started: the 22nd field, counted from behind the name, which may have blanks in it. */
function startOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}

/** Nothing known of a lock that is being written at this moment, or that is none of ours. */
function parse(owner: string): Owner {
  try {
    return JSON.parse(owner) ?? {}
  } catch {
    return {}
  }
}

function isRunning(pid: number, since: string | undefined): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    // A process of somebody else (EPERM) runs.
    if (isCode(error, 'ESRCH')) return false
  }
  return since === undefined || startOf(pid) === since
}

/** Of several that find the lock abandoned one at a time looks again: the next owner's is no longer the one to take away. */
function takeAway(path: string, owner: string): Promise<void> {
  return withLock(`${path}-takeover`, async () => {
    if ((await ownerOf(path)) === owner) await rm(path, { force: true })
  })
}

function heldTooLong(path: string): Error {
  const error = new Error(
    `other processes hold the lock '${path}' for ${MAX_WAIT / 1000} s; if there are none, remove it`,
  )
  return Object.assign(error, { code: 'ELOCKED' })
}

function isCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code))
}

/** ms between two attempts. */
const RETRY = 20
/** ms between two touches of a lock that is held. */
const TOUCH = 2000
/** ms. */
const MAX_AGE = 10_000
/** ms. */
const MAX_WAIT = 30_000
