/** A lock between processes: a file that exists while one of them is writing. */
import { randomBytes } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { lstat, lutimes, readlink, rm, symlink, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { displayName } from '../core/credentials.ts'
import { codeOf, NO_LINKS } from '../core/error-code.ts'
import { readRegularFile, UnusableFileError } from '../core/live-file.ts'

/**
 * Runs `work` while this process alone has the lock. The lock of a killed process is broken: at once if its process is
 * known to have ended (same machine, same process namespace), else when the lock has not been touched for 10 s. The owner
 * touches its lock every 2 s.
 *
 * @param path of the lock; its directory exists and is writable
 * @throws Error with the code `ELOCKED` after 30 s, or if something else is in its place; the system's error if the lock cannot be made, the error of `work`
 */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const owner = JSON.stringify({ ...self(), id: randomBytes(8).toString('hex') })
  const started = performance.now()
  while (!(await tryAcquire(path, owner))) {
    if (performance.now() - started > MAX_WAIT_MS) throw lockTimeout(path)
    const other = await ownerOf(path)
    if (other !== undefined && (await isStale(path, other))) await breakStaleLock(path, other)
    else await sleep(RETRY_MS)
  }
  const heartbeat = setInterval(() => {
    const now = new Date()
    lutimes(path, now, now).catch(() => {})
  }, HEARTBEAT_MS).unref()
  try {
    return await work()
  } finally {
    clearInterval(heartbeat)
    // Another process may have taken this one for dead and own the lock now.
    if ((await ownerOf(path)) === owner) await rm(path, { force: true })
  }
}

/**
 * A lock is a dangling symbolic link whose target is its owner: it appears complete, so that a process that is killed here
 * leaves no lock, or one that names its owner. On file systems without links it is a file.
 */
async function tryAcquire(path: string, owner: string): Promise<boolean> {
  try {
    await symlink(owner, path).catch((error: unknown) => {
      if (!NO_LINKS.has(codeOf(error))) throw error
      return writeFile(path, owner, { flag: 'wx', mode: 0o600 })
    })
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

/** The text of the lock; `undefined` if there is none any more. */
async function ownerOf(path: string): Promise<string | undefined> {
  return readlink(path)
    .catch((error: unknown) => {
      if (!NOT_A_LINK.has(codeOf(error))) throw error
      return readRegularFile(path).toString()
    })
    .catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') return undefined
      if (error instanceof UnusableFileError) throw notALock(path, error)
      throw error
    })
}

function notALock(path: string, cause: UnusableFileError): Error {
  const error = new Error(`'${displayName(path)}' is in the place of a lock, and is none: ${cause.message}`, { cause })
  return Object.assign(error, { code: 'ELOCKED' })
}

/** Codes of `readlink` for a file. */
const NOT_A_LINK: ReadonlySet<string> = new Set(['EINVAL', 'UNKNOWN'])

async function isStale(path: string, owner: string): Promise<boolean> {
  const { host, pidNamespace, pid, startTime } = parseOwner(owner)
  const own = self()
  // Containers may share a directory and a host name without seeing each other's processes.
  if (host === own.host && pidNamespace === own.pidNamespace && pid !== undefined) {
    if (!isRunning(pid, startTime)) return true
    // It is running, however slowly.
    if (startTime !== undefined) return false
  }
  const ageMs = await lstat(path).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => 0,
  )
  return ageMs > MAX_AGE_MS
}

/** A process, as other processes can recognise it. */
interface Owner {
  readonly host?: string
  /** The namespace that its `pid` belongs to; Linux only. */
  readonly pidNamespace?: string | undefined
  readonly pid?: number
  /** Linux only: a system reuses the numbers of processes. */
  readonly startTime?: string | undefined
}

function self(): Owner {
  return { host: hostname(), pidNamespace: pidNamespace(), pid: process.pid, startTime: startTimeOf(process.pid) }
}

function pidNamespace(): string | undefined {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return undefined
  }
}

/** In ticks since boot: the 22nd field, counted from behind the name, which may contain blanks. */
function startTimeOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}

/**
 * Empty for a lock that is being written, or that another program made. Each field is checked: in a directory that other
 * users can write to, the text may be anything, and `pid` becomes part of a path.
 */
function parseOwner(text: string): Owner {
  try {
    const { host, pidNamespace, pid, startTime } = JSON.parse(text) as { readonly [name in keyof Owner]?: unknown }
    const isNamed = typeof host === 'string' && (pidNamespace === undefined || typeof pidNamespace === 'string')
    if (!isNamed || !isPid(pid) || !(startTime === undefined || isTime(startTime))) return {}
    return { host, pidNamespace, pid, startTime }
  } catch {
    return {}
  }
}

function isPid(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= MAX_PID
}

function isTime(value: unknown): value is string {
  return typeof value === 'string' && /^\d{1,20}$/.test(value)
}

function isRunning(pid: number, startTime: string | undefined): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: a process of another user, which is running.
    if (codeOf(error) === 'ESRCH') return false
  }
  return startTime === undefined || startTimeOf(pid) === startTime
}

/** Breaking a stale lock is itself locked, and checks the owner again, so that a fresh lock is never removed. */
function breakStaleLock(path: string, owner: string): Promise<void> {
  return withLock(`${path}-takeover`, async () => {
    if ((await ownerOf(path)) === owner) await rm(path, { force: true })
  })
}

function lockTimeout(path: string): Error {
  const seconds = MAX_WAIT_MS / 1000
  const message = `other processes have held the lock '${displayName(path)}' for ${seconds} s; if there are none, remove it`
  return Object.assign(new Error(message), { code: 'ELOCKED' })
}

/** The largest number that a system gives to a process: `pid_t` has 32 bits. */
const MAX_PID = 2 ** 31 - 1
/** Between two attempts. */
const RETRY_MS = 20
/** Between two touches of a lock that is held. */
const HEARTBEAT_MS = 2000
/** Since the last touch. */
const MAX_AGE_MS = 10_000
const MAX_WAIT_MS = 30_000
