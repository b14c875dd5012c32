/** Sources of bytes: buffers, `Blob`s, streams and iterables behind one interface. */
import type { Blob } from 'node:buffer'
import { createReadStream, fstatSync, ReadStream, statSync } from 'node:fs'
import { basename } from 'node:path'
import { PassThrough, type Readable } from 'node:stream'
import type { ReadableStream, ReadableStreamDefaultReader } from 'node:stream/web'
import { RequestException, UnrewindableBodyError } from '../core/errors.ts'
import { isIterable, typeName } from '../core/pairs.ts'

/** Bytes that stand in memory; a string is UTF-8. They are not copied: do not change them while they are sent. */
export type BytesInit = string | ArrayBuffer | SharedArrayBuffer | ArrayBufferView

/** Bytes that come in pieces. */
export type StreamInit = NodeJS.ReadableStream | ReadableStream | AsyncIterable<Uint8Array | string>

/** A body or a part of one, ready to be sent, once or again. */
export interface Source {
  /**
   * Bytes, or an iterable of them. Every iteration of a rewindable one begins at the start; the second iteration of
   * another throws `UnrewindableBodyError`.
   */
  readonly content: Buffer | AsyncIterable<Uint8Array>
  /** In bytes; `undefined` when it is not known before the end. */
  readonly length: number | undefined
  /** Whether it can be sent again: bytes, `Blob`s and files read by their path can. */
  readonly rewindable: boolean
  /** The media type that a `Blob` brings along. */
  readonly type?: string | undefined
  /** The name that a `File` or a file stream brings along, without directories. */
  readonly filename?: string | undefined
  /** Lets go of a stream that will not be read to its end: what it holds (a file, a socket) is closed. */
  readonly release?: (() => void) | undefined
}

/**
 * Makes a source of bytes, a `Blob`, a stream or an iterable of bytes; `undefined` for anything else (mappings,
 * arrays, `FormData`). The size of a file that a `ReadStream` reads is asked of the file system.
 *
 * @param option the option's name, for messages.
 * @throws TypeError for a stream that has been read; Node's own error (`ENOENT` …) for a file that is not there.
 */
export function toSource(value: unknown, option: string): Source | undefined {
  const bytes = toBytes(value)
  if (bytes) return { content: bytes, length: bytes.length, rewindable: true }
  if (typeof value !== 'object' || value === null) return undefined
  if (isBlob(value)) return fromBlob(value, option)
  if (value instanceof ReadStream) return fromFileStream(value, option)
  if (isStream(value)) return fromStream(toIterable(value, option), option)
  if (isWebStream(value)) return fromWebStream(value, option)
  if (Symbol.asyncIterator in value) return fromStream(value as AsyncIterable<unknown>, option)
  // Arrays, Maps, URLSearchParams and FormData are iterable too, but they hold fields.
  if (isIterable(value) && !Array.isArray(value) && !(value instanceof Map) && !FIELDS.has(tagOf(value))) {
    return fromStream(value, option)
  }
  return undefined
}

/** An iterable over what `open` yields: as often as wanted, or once only. */
export function bodyIterable(
  rewindable: boolean,
  option: string,
  open: () => AsyncGenerator<Uint8Array, void, undefined>,
): AsyncIterable<Uint8Array> {
  let opened = false
  return {
    [Symbol.asyncIterator]() {
      if (opened && !rewindable) {
        throw new UnrewindableBodyError(`${option} is a stream that has been read and cannot be sent again`)
      }
      opened = true
      return open()
    },
  }
}

/** The name of a value's class as it says it itself: `Blob`, `FormData` …, also for those of other libraries. */
export function tagOf(value: object): string {
  return Object.prototype.toString.call(value).slice(8, -1)
}

const FIELDS = new Set(['URLSearchParams', 'FormData', 'Headers'])

function toBytes(value: unknown): Buffer | undefined {
  if (typeof value === 'string') return Buffer.from(value)
  if (Buffer.isBuffer(value)) return value
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  if (value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) return Buffer.from(value)
  return undefined
}

/** Without naming the global `Blob`, so that its implementation is not loaded for requests that have none. */
function isBlob(value: object): value is Blob & { readonly name?: string } {
  return (tagOf(value) === 'Blob' || tagOf(value) === 'File') && 'stream' in value && 'size' in value
}

function fromBlob(blob: Blob & { readonly name?: string }, option: string): Source {
  return {
    content: bodyIterable(true, option, () => pieces(blob.stream(), blob.size, option)),
    length: blob.size,
    rewindable: true,
    type: blob.type === '' ? undefined : blob.type,
    filename: typeof blob.name === 'string' && blob.name !== '' ? basename(blob.name) : undefined,
  }
}

function isStream(value: object): value is Readable {
  return 'pipe' in value && typeof value.pipe === 'function'
}

/** Takes a Node stream into care: its errors wait until it is read. */
function toIterable(stream: Readable, option: string): AsyncIterable<unknown> {
  if (stream.readableEnded || (stream.destroyed && !stream.errored)) {
    throw new TypeError(`${option} is a stream that has been read or closed already`)
  }
  // Without a listener, an error before the body is asked for would end the process.
  stream.on('error', () => {})
  if (Symbol.asyncIterator in stream) return stream
  // The streams of Node 0.x, which the package form-data still has.
  const old = stream as NodeJS.ReadableStream
  return (async function* () {
    const through = new PassThrough()
    old.on('error', (error) => through.destroy(error))
    yield* old.pipe(through)
  })()
}

/** Without naming the global `ReadableStream`, so that its implementation is not loaded for requests that have none. */
function isWebStream(value: object): value is ReadableStream {
  return tagOf(value) === 'ReadableStream' && 'getReader' in value
}

/** By a reader: that can be cancelled while it waits, which an iterator cannot. */
function fromWebStream(stream: ReadableStream, option: string): Source {
  if (stream.locked) throw new TypeError(`${option} is a stream that has been read or is locked already`)
  let reader: ReadableStreamDefaultReader | undefined
  const release = () => void (reader ?? stream).cancel().catch(() => {})
  const chunks = async function* () {
    reader = stream.getReader()
    try {
      for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value
    } finally {
      release()
    }
  }
  return fromStream(chunks(), option, release)
}

function fromStream(
  source: AsyncIterable<unknown> | Iterable<unknown>,
  option: string,
  letGo: () => void = () => release(source),
): Source {
  let isReleased = false
  return {
    content: bodyIterable(false, option, async function* () {
      yield* pieces(source, undefined, option)
      // A source that is let go of ends as if it were done: half a body must not be sent as a whole one.
      if (isReleased) throw new RequestException(`${option} was given up before its end`)
    }),
    length: undefined,
    rewindable: false,
    release: () => {
      isReleased = true
      letGo()
    },
  }
}

/** Lets go of what was given as a body, or as a part of one, that nobody will read: of streams, and of nothing else. */
export function letGo(value: unknown): void {
  if (Array.isArray(value)) for (const each of value) letGo(each)
  if (typeof value !== 'object' || value === null) return
  if (isWebStream(value)) {
    if (!value.locked) void value.cancel().catch(() => {})
  } else if (isStream(value)) {
    // A file that is not there says so later, when nobody listens any more.
    value.on('error', () => {})
    release(value)
  }
}

/** As `stream.pipeline` does with a source when its destination fails. */
function release(source: AsyncIterable<unknown> | Iterable<unknown>): void {
  const { destroy, return: end } = source as Partial<Record<'destroy' | 'return', () => unknown>>
  const giveUp = destroy ?? end
  if (typeof giveUp !== 'function') return
  // Returning takes its time; what comes of it is of no interest any more.
  void Promise.resolve(giveUp.call(source)).catch(() => {})
}

/**
 * A stream of a file: its length comes from the file, and it can be opened again by its path. The length of an empty
 * file is not relied on, as in requests: the files in `/proc` say that they are empty.
 */
function fromFileStream(stream: ReadStream, option: string): Source {
  const source = fromStream(toIterable(stream, option), option)
  const path = String(stream.path ?? '')
  const named = path === '' ? source : { ...source, filename: basename(path) }
  const { start = 0, end = Number.POSITIVE_INFINITY } = stream as { start?: number; end?: number }
  const size = path === '' || stream.bytesRead > 0 || stream.readableEncoding ? 0 : fileSize(stream)
  const length = Math.min(size, end + 1) - start
  if (length <= 0) return named
  let first: ReadStream | undefined = stream
  const letGo = () => {
    first = undefined
    stream.destroy()
  }
  const content = bodyIterable(true, option, () => {
    const opened = first ?? createReadStream(stream.path, { start, end })
    first = undefined
    return pieces(opened, length, option)
  })
  return { ...named, content, length, rewindable: true, release: letGo }
}

/** The size of the file; 0 when it is no ordinary one or the stream does not read the file that its path names. */
function fileSize(stream: ReadStream): number {
  const file = statSync(stream.path)
  if (!file.isFile()) return 0
  const { fd } = stream as { fd?: unknown }
  if (typeof fd !== 'number') return file.size
  try {
    const opened = fstatSync(fd)
    return opened.ino === file.ino && opened.dev === file.dev ? file.size : 0
  } catch {
    return 0
  }
}

/** The chunks as bytes, checked against the length that was announced. */
export async function* pieces(
  source: AsyncIterable<unknown> | Iterable<unknown>,
  length: number | undefined,
  option: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  let sent = 0
  for await (const chunk of source) {
    const bytes = toBytes(chunk)
    if (!bytes) throw new TypeError(`${option} must yield bytes or strings, got ${typeName(chunk)}`)
    sent += bytes.length
    if (length !== undefined && sent > length) break
    if (bytes.length > 0) yield bytes
  }
  if (length !== undefined && sent !== length) {
    const problem = sent > length ? 'more' : `only ${sent}`
    throw new RequestException(`${option} has another length than was announced: ${length} bytes, it has ${problem}`)
  }
}
