/** A lock between processes: a file that exists while one of them writes. */
import { randomBytes } from 'node:crypto'
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Runs `work` while this process alone has the lock. The lock of a process that was killed is taken over: at once where it
 * ran on this machine, else after 10 s, which is far more than writing two files takes.
 *
 * @param path of the lock file; its directory is there and writable
 * @throws Error with the code `ELOCKED` after 30 s in vain, the system's error when it cannot be made, what `work` throws
 */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const owner = JSON.stringify({ host: hostname(), pid: process.pid, id: randomBytes(8).toString('hex') })
  const started = performance.now()
  while (!(await take(path, owner))) {
    if (performance.now() - started > MAX_WAIT) throw heldTooLong(path)
    const other = await ownerOf(path)
    if (other !== undefined && (await isAbandoned(path, other))) await takeAway(path, other)
    else await sleep(RETRY)
  }
  try {
    return await work()
  } finally {
    // Not if another process thought this one dead, and has it now.
    if ((await ownerOf(path)) === owner) await rm(path, { force: true })
  }
}

async function take(path: string, owner: string): Promise<boolean> {
  try {
    await writeFile(path, owner, { flag: 'wx', mode: 0o600 })
    return true
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false
    throw error
  }
}

/** What the lock file says; `undefined` when it has gone. */
async function ownerOf(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    if (isCode(error, 'ENOENT')) return undefined
    throw error
  })
}

async function isAbandoned(path: string, owner: string): Promise<boolean> {
  const { host, pid } = parse(owner)
  if (host === hostname() && pid !== undefined && !isRunning(pid)) return true
  const age = await stat(path).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => 0,
  )
  return age > MAX_AGE
}

/** Nothing known of a lock that is being written at this moment. */
function parse(owner: string): { host?: string; pid?: number } {
  try {
    return JSON.parse(owner)
  } catch {
    return {}
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // A process of somebody else (EPERM) runs.
    return !isCode(error, 'ESRCH')
  }
}

/** Of several that find the lock abandoned one takes it away; who came too late and has another's puts it back. */
async function takeAway(path: string, owner: string): Promise<void> {
  const aside = `${path}-${randomBytes(8).toString('hex')}`
  try {
    await rename(path, aside)
  } catch (error) {
    if (isCode(error, 'ENOENT')) return
    throw error
  }
  const taken = await ownerOf(aside)
  if (taken !== undefined && taken !== owner) await take(path, taken)
  await rm(aside, { force: true })
}

function heldTooLong(path: string): Error {
  const error = new Error(
    `other processes hold the lock '${path}' for ${MAX_WAIT / 1000} s; if there are none, remove it`,
  )
  return Object.assign(error, { code: 'ELOCKED' })
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

/** ms between two attempts. */
const RETRY = 20
/** ms. */
const MAX_AGE = 10_000
/** ms. */
const MAX_WAIT = 30_000
