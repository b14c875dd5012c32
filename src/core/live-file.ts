/**
 * Files that are checked for changes before each use.
 *
 * A status call costs about 2 µs, reading and parsing a bundle takes milliseconds. So each use asks for the status of the
 * file, and only a changed file is read. The parsed content is kept as a snapshot. Once the file has other content, its
 * snapshot is marked stale, and with it the contexts and agents that are built on it.
 */
import { hash } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats, statSync } from 'node:fs'
import { LruMap } from './lru-map.ts'

/** The parsed content of a file, or of another source, at one time. */
export interface Snapshot<T> {
  readonly value: T
  /** True as soon as the source was found changed or missing. */
  stale: boolean
  /** The snapshots before, the latest first; `at` is the `performance.now()` at which one was found replaced. */
  readonly replaced?: readonly { readonly value: T; readonly at: number }[] | undefined
  /** The absolute path; absent if the source is not a file. */
  readonly path?: string
}

interface Entry<T> {
  status: Stats
  /** Whether the file was so old when it was read that any later write shows in its status. */
  settled: boolean
  /** `undefined` once the file was found with content that cannot be parsed. */
  contentHash: string | undefined
  snapshot: Snapshot<T>
}

interface FileRead {
  readonly content: Buffer
  readonly status: Stats
}

/** Bundles are far smaller: all public roots together are 0.2 MB. A larger file is reported as a mistake. */
const MAX_BYTES = 32 * 1024 * 1024

/** File times advance in ticks of up to 4 ms (Linux), or of 2 s on file systems that store whole seconds only. */
const TICK_MS = 50
const COARSE_TICK_MS = 2100

/** Caches the parsed content of at most `max` files, and parses a file again when its content has changed. */
export class LiveFiles<T> {
  readonly #entries: LruMap<string, Entry<T>>
  readonly #parse: (content: Buffer, path: string) => T
  readonly #onLoad: ((snapshot: Snapshot<T>) => void) | undefined
  /** How often a file was found unchanged, and how often one was parsed. */
  readonly stats = { hits: 0, parses: 0 }

  /** @param onLoad is called with each new snapshot, which has `replaced` if it is not the first of its file */
  constructor(parse: (content: Buffer, path: string) => T, max = 2048, onLoad?: (snapshot: Snapshot<T>) => void) {
    this.#parse = parse
    this.#onLoad = onLoad
    this.#entries = new LruMap(max)
  }

  get size(): number {
    return this.#entries.size
  }

  /**
   * The current snapshot of the file at the absolute `path`: the same object until the content changes.
   *
   * @param status the current status of the file, if the caller has it
   * @throws the file system's error, or the error of `parse`. The snapshot before is stale then, and the next call reads the
   * file again.
   */
  read(path: string, status?: Stats): Snapshot<T> {
    const entry = this.#entries.get(path)
    let current: FileRead
    try {
      if (entry?.settled && sameFile(status ?? statSync(path), entry.status)) {
        this.stats.hits++
        return entry.snapshot
      }
      current = readWithStatus(path)
    } catch (error) {
      this.invalidate(path)
      throw error
    }
    return this.#load(path, current, entry)
  }

  /** Marks the snapshot of a file that no longer exists as stale, and drops it. */
  invalidate(path: string): void {
    const entry = this.#entries.get(path)
    if (entry === undefined) return
    entry.snapshot.stale = true
    this.#entries.delete(path)
  }

  #load(path: string, { content, status }: FileRead, previous: Entry<T> | undefined): Snapshot<T> {
    const settled = isSettled(status)
    const contentHash = hash('sha256', content)
    if (previous?.contentHash === contentHash) {
      previous.status = status
      previous.settled = settled
      return previous.snapshot
    }
    this.stats.parses++
    if (previous) markStale(previous)
    const replaced = previous && previousVersions(previous.snapshot)
    const snapshot = { value: this.#parse(content, path), stale: false, replaced, path }
    this.#entries.set(path, { status, settled, contentHash, snapshot })
    this.#onLoad?.(snapshot)
    return snapshot
  }
}

/** Keeps the entry for its history, which is needed once the file can be parsed again. */
function markStale<T>(entry: Entry<T>): void {
  entry.snapshot.stale = true
  entry.settled = false
  entry.contentHash = undefined
}

function previousVersions<T>({ value, replaced = [] }: Snapshot<T>): Snapshot<T>['replaced'] {
  return [{ value, at: performance.now() }, ...replaced].slice(0, MAX_HISTORY)
}

/** More than one, for servers that are slow to reload a file that is replaced in quick succession. */
const MAX_HISTORY = 4

/** Whether two statuses are of the same unchanged file. Unlike the modification time, the change time cannot be set back. */
export function sameFile(a: Stats, b: Stats): boolean {
  return a.mtimeMs === b.mtimeMs && a.ctimeMs === b.ctimeMs && a.size === b.size && a.ino === b.ino && a.dev === b.dev
}

/** Whether the last change is so old that the next one cannot fall into the same tick of the clock. */
export function isSettled(status: Stats, now: number = Date.now()): boolean {
  const tick = status.mtimeMs % 1000 === 0 && status.ctimeMs % 1000 === 0 ? COARSE_TICK_MS : TICK_MS
  return now - Math.max(status.mtimeMs, status.ctimeMs) > tick
}

/** The content of a file. @throws UnusableFileError for a FIFO, which may never have a writer, and whatever else is no regular file */
export function readRegularFile(path: string): Buffer {
  return readWithStatus(path).content
}

/** Content and status of one open file: with two calls by path, a rename in between would mix two files. */
function readWithStatus(path: string): FileRead {
  // Check the type first: opening a FIFO would wait for a writer.
  assertReadable(statSync(path))
  using file = open(path)
  const status = fstatSync(file.descriptor)
  assertReadable(status)
  return { content: readFileSync(file.descriptor), status }
}

function open(path: string): Disposable & { readonly descriptor: number } {
  // Non-blocking, in case the path has become a FIFO since. Windows has no such flag: `undefined` counts as 0 here.
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  return { descriptor, [Symbol.dispose]: () => closeSync(descriptor) }
}

function assertReadable(status: Stats): void {
  if (!status.isFile()) throw new UnusableFileError('it is not a regular file')
  if (status.size > MAX_BYTES) {
    throw new UnusableFileError(`it is larger than ${MAX_BYTES / 1024 / 1024} MB, so it is no bundle`)
  }
}

/** The path leads to something that is never read: a FIFO, a device, a huge file. */
export class UnusableFileError extends Error {
  override readonly name = 'UnusableFileError'
}
