/**
 * Files that are looked at again before each use.
 *
 * A status call costs about 2 µs, reading and parsing a bundle milliseconds: so each use asks for the file's status, and
 * only a changed file is read. What is read is kept as a version; when a later look finds other content, the old
 * version is marked stale, and whatever was built on it (contexts, agents) can tell that it is out of date.
 */
import { hash } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats, statSync } from 'node:fs'
import { LruMap } from './lru-map.ts'

/** What was made of a file's content at one time. */
export interface FileVersion<T> {
  readonly value: T
  /** True from the moment the file was seen with other content, or not found any more. */
  stale: boolean
  /** What the file held before, the latest first, and when (by `performance.now()`) it was seen to hold that no more. */
  readonly replaced?: readonly { readonly value: T; readonly at: number }[] | undefined
  /** Where it was read from, absolute; absent for what is no file. */
  readonly path?: string
}

interface Entry<T> {
  status: Stats
  /** Whether the file was old enough when read that any later write must show in its status. */
  settled: boolean
  /** `undefined` once the file was seen with content that cannot be parsed. */
  contentHash: string | undefined
  version: FileVersion<T>
}

/** What one look at a file saw. */
interface Look {
  readonly content: Buffer
  readonly status: Stats
}

/** Bundles are far smaller (all public roots together are 0.2 MB); a larger file is a mistake worth saying. */
const MAX_BYTES = 32 * 1024 * 1024

/** File times advance in ticks of up to 4 ms (Linux), or of 2 s on file systems that keep whole seconds only. */
const TICK_MS = 50
const COARSE_TICK_MS = 2100

/** Keeps what was parsed from each file, and parses again when the content has changed. Holds at most `max` files. */
export class LiveFiles<T> {
  readonly #entries: LruMap<string, Entry<T>>
  readonly #parse: (content: Buffer, path: string) => T
  readonly #onLoad: ((version: FileVersion<T>) => void) | undefined
  /** How often a look found the file unchanged, and how often it was parsed. */
  readonly stats = { hits: 0, parses: 0 }

  /** @param onLoad is told of each new version; it has `replaced` where there was one before */
  constructor(parse: (content: Buffer, path: string) => T, max = 2048, onLoad?: (version: FileVersion<T>) => void) {
    this.#parse = parse
    this.#onLoad = onLoad
    this.#entries = new LruMap(max)
  }

  get size(): number {
    return this.#entries.size
  }

  /**
   * The current version of the file at the absolute `path`; its identity does not change while the content does not.
   *
   * @param status of the file now, where the caller has just asked for it
   * @throws the file system's error, or whatever `parse` throws. What was there before is stale then, and the next look tries
   * again.
   */
  read(path: string, status?: Stats): FileVersion<T> {
    const entry = this.#entries.get(path)
    let now: Look
    try {
      if (entry?.settled && sameFile(status ?? statSync(path), entry.status)) {
        this.stats.hits++
        return entry.version
      }
      now = readStable(path)
    } catch (error) {
      this.forget(path)
      throw error
    }
    return this.#load(path, now, entry)
  }

  /** For a file that turned out to be gone: what was made of it is out of date. */
  forget(path: string): void {
    const entry = this.#entries.get(path)
    if (entry === undefined) return
    entry.version.stale = true
    this.#entries.delete(path)
  }

  #load(path: string, { content, status }: Look, previous: Entry<T> | undefined): FileVersion<T> {
    const settled = isSettled(status)
    const contentHash = hash('sha256', content)
    if (previous?.contentHash === contentHash) {
      previous.status = status
      previous.settled = settled
      return previous.version
    }
    this.stats.parses++
    if (previous) outdate(previous)
    const replaced = previous && history(previous.version)
    const version = { value: this.#parse(content, path), stale: false, replaced, path }
    this.#entries.set(path, { status, settled, contentHash, version })
    this.#onLoad?.(version)
    return version
  }
}

/** Leaves nothing of an entry but its history: that is wanted still when the file can be parsed again. */
function outdate<T>(entry: Entry<T>): void {
  entry.version.stale = true
  entry.settled = false
  entry.contentHash = undefined
}

function history<T>({ value, replaced = [] }: FileVersion<T>): FileVersion<T>['replaced'] {
  return [{ value, at: performance.now() }, ...replaced].slice(0, MAX_HISTORY)
}

/** For programs that fall behind a file that is replaced in quick succession. */
const MAX_HISTORY = 4

/** Whether two looks saw the same file untouched. The change time cannot be set back, unlike the modification time. */
export function sameFile(a: Stats, b: Stats): boolean {
  return a.mtimeMs === b.mtimeMs && a.ctimeMs === b.ctimeMs && a.size === b.size && a.ino === b.ino && a.dev === b.dev
}

/** Whether so much time has passed since the last change that another one cannot fall into the same tick of the clock. */
export function isSettled(status: Stats, now: number = Date.now()): boolean {
  const tick = status.mtimeMs % 1000 === 0 && status.ctimeMs % 1000 === 0 ? COARSE_TICK_MS : TICK_MS
  return now - Math.max(status.mtimeMs, status.ctimeMs) > tick
}

/** The content and the status that belongs to it: of one open file, so that a rename in between cannot mix two. */
function readStable(path: string): Look {
  // Opening a FIFO would wait for a writer, so the kind of file is asked for first.
  assertReadable(statSync(path))
  using file = open(path)
  const status = fstatSync(file.descriptor)
  assertReadable(status)
  return { content: readFileSync(file.descriptor), status }
}

function open(path: string): Disposable & { readonly descriptor: number } {
  // Not to wait for a writer, should the path have become a FIFO since. Windows has no such flag: `undefined`, which is 0 here.
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  return { descriptor, [Symbol.dispose]: () => closeSync(descriptor) }
}

function assertReadable(status: Stats): void {
  if (!status.isFile()) throw new UnusableFileError('it is not a regular file')
  if (status.size > MAX_BYTES) {
    throw new UnusableFileError(`it is larger than ${MAX_BYTES / 1024 / 1024} MB, which no bundle is`)
  }
}

/** The path names something that is not read on principle: a FIFO, a device, a huge file. */
export class UnusableFileError extends Error {
  override readonly name = 'UnusableFileError'
}

/**
 * Runs `load`; where it fails on a file that was changed a moment ago, tries again for a short while.
 *
 * Many tools rewrite a file in place: for some milliseconds it is empty or half there. Requests in that moment must not
 * fail, nor trust half of it. A file that stays broken is reported after {@link SETTLE_MS}; a missing one at once.
 *
 * @param pathOf tells which file an error is about, `undefined` for none
 */
export async function whileBeingWritten<T>(load: () => T, pathOf: (error: unknown) => string | undefined): Promise<T> {
  for (let waited = 0; ; waited += SETTLE_STEP_MS) {
    try {
      return load()
    } catch (error) {
      const path = pathOf(error)
      if (path === undefined || waited >= SETTLE_MS || !isBeingWritten(path)) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, SETTLE_STEP_MS))
  }
}

const SETTLE_MS = 200
const SETTLE_STEP_MS = 10

/** Whether a code says that nothing is or can be at this path: missing, below a file, with a NUL byte, too long. */
export function isNoPath(code: string | undefined): boolean {
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ERR_INVALID_ARG_VALUE' || code === 'ENAMETOOLONG'
}

/** The status of a file; `undefined` when it has none for whatever reason: missing, not allowed, no possible path. */
export function statusOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}

function isBeingWritten(path: string): boolean {
  const status = statusOf(path)
  if (status === undefined) return false
  // ext4 empties a file a moment before it sets the time of that; under load the moment took more than 10 ms.
  return status.size === 0 || Math.abs(Date.now() - status.mtimeMs) < SETTLE_MS
}
