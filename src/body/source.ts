/** Sources of bytes: buffers, `Blob`s, streams and iterables behind one interface. */
import type { Blob } from 'node:buffer'
import { closeSync, constants, createReadStream, fstatSync, openSync, ReadStream, readSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import { PassThrough, type Readable } from 'node:stream'
import type { ReadableStream, ReadableStreamDefaultReader } from 'node:stream/web'
import { RequestException, UnrewindableBodyError } from '../core/errors.ts'
import { isIterable, typeName } from '../core/pairs.ts'

/** Bytes in memory; a string is sent as UTF-8. They are not copied: do not change them while they are being sent. */
export type BytesInit = string | ArrayBuffer | SharedArrayBuffer | ArrayBufferView

/** Bytes that are produced while they are sent, chunk by chunk. */
export type StreamInit = NodeJS.ReadableStream | ReadableStream | AsyncIterable<Uint8Array | string>

/** A body, or the content of a part, ready to be sent. */
export interface BodySource {
  /**
   * Bytes, or an iterable of chunks. If `rewindable`, every iteration begins at the start; if not, the second iteration
   * throws `UnrewindableBodyError`.
   */
  readonly content: Buffer | AsyncIterable<Uint8Array>
  /** In bytes; `undefined` if it is unknown before the end. */
  readonly length: number | undefined
  /** Whether it can be sent again: true for bytes, `Blob`s, and files that are read by path. */
  readonly rewindable: boolean
  /** The media type of a `Blob`. */
  readonly type?: string | undefined
  /** The name of a `File` or of the file of a stream, without directories. */
  readonly filename?: string | undefined
  /** Destroys a stream that will not be read to its end, which closes its file or socket. */
  readonly destroy?: (() => void) | undefined
  /** Whether a file of unknown length has no bytes at present. */
  readonly isEmpty?: (() => boolean) | undefined
}

/**
 * Makes a source of bytes, a `Blob`, a stream or an iterable of bytes; returns `undefined` for anything else (mappings,
 * arrays, `FormData`). For a `ReadStream` the size of the file is read from the file system.
 *
 * @param option the name of the option, for messages
 * @throws TypeError for a stream that has been read; Node's own error (`ENOENT` …) for a file that does not exist
 */
export function toSource(value: unknown, option: string): BodySource | undefined {
  const bytes = toBytes(value)
  if (bytes) return { content: bytes, length: bytes.length, rewindable: true }
  if (typeof value !== 'object' || value === null) return undefined
  if (isBlob(value)) return fromBlob(value, option)
  if (value instanceof ReadStream) return fromFileStream(value, option)
  if (isFormStream(value)) return fromFormStream(value, option)
  if (isStream(value)) return fromStream(toIterable(value, option), option)
  if (isWebStream(value)) return fromWebStream(value, option)
  if (Symbol.asyncIterator in value) return fromStream(value as AsyncIterable<unknown>, option)
  // Arrays, Maps, URLSearchParams and FormData are iterable too, but they hold fields.
  if (isIterable(value) && !Array.isArray(value) && !(value instanceof Map) && !FIELDS.has(classTag(value))) {
    return fromStream(value, option)
  }
  return undefined
}

/** An iterable that calls `open` for each iteration; if not rewindable, the second iteration throws. */
export function onceOrReplayable(
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

/** The `Symbol.toStringTag` of a value (`Blob`, `FormData` …), which polyfills and other libraries set too. */
export function classTag(value: object): string {
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

/** Compares tags: naming the global `Blob` would load its implementation for every request. */
function isBlob(value: object): value is Blob & { readonly name?: string } {
  return (classTag(value) === 'Blob' || classTag(value) === 'File') && 'stream' in value && 'size' in value
}

function fromBlob(blob: Blob & { readonly name?: string }, option: string): BodySource {
  return {
    content: onceOrReplayable(true, option, () => checkedChunks(blob.stream(), blob.size, option)),
    length: blob.size,
    rewindable: true,
    type: blob.type === '' ? undefined : blob.type,
    filename: typeof blob.name === 'string' && blob.name !== '' ? basename(blob.name) : undefined,
  }
}

/** A `FormData` of the npm package form-data: a stream that knows its boundary. */
interface FormStream {
  getHeaders(): { readonly 'content-type'?: string }
  hasKnownLength?(): boolean
  getLengthSync?(): number
  /** Whether it has begun to flow (a property of the package combined-stream). */
  readonly _released?: boolean
}

function isFormStream(value: object): value is FormStream & Readable {
  return isStream(value) && 'getHeaders' in value && 'getBoundary' in value && typeof value.getHeaders === 'function'
}

function fromFormStream(form: FormStream & Readable, option: string): BodySource {
  // Read once more, it would emit neither data nor an end.
  if (form._released) throw alreadyRead(option)
  const length = form.hasKnownLength?.() ? form.getLengthSync?.() : undefined
  const source = fromStream(toIterable(form, option), option)
  const content = onceOrReplayable(false, option, () => checkedChunks(source.content, length, option))
  return { ...source, content, length, type: form.getHeaders()['content-type'] }
}

function isStream(value: object): value is Readable {
  return 'pipe' in value && typeof value.pipe === 'function'
}

/** Prepares a Node stream for a later iteration, which throws an error that the stream emits before. */
function toIterable(stream: Readable, option: string): AsyncIterable<unknown> {
  if (stream.readableEnded || (stream.destroyed && !stream.errored)) throw alreadyRead(option)
  // Without a listener, an 'error' event before the body is read would end the process.
  stream.on('error', () => {})
  if (Symbol.asyncIterator in stream) return stream
  // Streams of Node 0.x are not iterable; the package form-data still makes them.
  const old = stream as NodeJS.ReadableStream
  return (async function* () {
    const through = new PassThrough()
    old.on('error', (error) => through.destroy(error))
    yield* old.pipe(through)
  })()
}

function alreadyRead(option: string): TypeError {
  return new TypeError(`${option} is a stream that has been read or closed already`)
}

/** Compares tags: naming the global `ReadableStream` would load its implementation for every request. */
function isWebStream(value: object): value is ReadableStream {
  return classTag(value) === 'ReadableStream' && 'getReader' in value
}

/** Uses a reader, because a reader can be cancelled while a read is pending and an iterator cannot. */
function fromWebStream(stream: ReadableStream, option: string): BodySource {
  if (stream.locked) throw new TypeError(`${option} is a stream that has been read or is locked already`)
  let reader: ReadableStreamDefaultReader | undefined
  const cancel = () => void (reader ?? stream).cancel().catch(() => {})
  const chunks = async function* () {
    reader = stream.getReader()
    try {
      for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value
    } finally {
      cancel()
    }
  }
  return fromStream(chunks(), option, cancel)
}

function fromStream(
  source: AsyncIterable<unknown> | Iterable<unknown>,
  option: string,
  destroy: () => void = () => destroyIterable(source),
): BodySource {
  let isDestroyed = false
  return {
    content: onceOrReplayable(false, option, async function* () {
      yield* checkedChunks(source, undefined, option)
      // A destroyed source ends its iteration normally. Throw, so that a truncated body is not sent as a complete one.
      if (isDestroyed) throw new RequestException(`${option} was destroyed before its end`)
    }),
    length: undefined,
    rewindable: false,
    destroy: () => {
      isDestroyed = true
      destroy()
    },
  }
}

/** Destroys the streams in a value that was given as a body or as a part of one; does nothing for other values. */
export function destroySource(value: unknown): void {
  if (Array.isArray(value)) for (const each of value) destroySource(each)
  if (typeof value !== 'object' || value === null) return
  if (isWebStream(value)) {
    if (!value.locked) void value.cancel().catch(() => {})
  } else if (isStream(value)) {
    // A ReadStream of a missing file emits 'error' later.
    value.on('error', () => {})
    destroyIterable(value)
  }
}

/** Destroys a stream or returns an iterator, as `stream.pipeline` does with its source if the destination fails. */
function destroyIterable(source: AsyncIterable<unknown> | Iterable<unknown>): void {
  const { destroy, return: end } = source as Partial<Record<'destroy' | 'return', () => unknown>>
  const close = destroy ?? end
  if (typeof close !== 'function') return
  // An async generator returns a promise; its outcome is irrelevant.
  void Promise.resolve(close.call(source)).catch(() => {})
}

/**
 * A source that reads a file: the file gives its length, and its path opens it again. A length of 0 is ignored, as in requests,
 * because the files in `/proc` report 0, and others grow.
 */
function fromFileStream(stream: ReadStream, option: string): BodySource {
  const source = fromStream(toIterable(stream, option), option)
  const path = String(stream.path ?? '')
  const named = path === '' ? source : { ...source, filename: basename(path) }
  const { start = 0, end = Number.POSITIVE_INFINITY } = stream as { start?: number; end?: number }
  const size = path === '' || stream.bytesRead > 0 || stream.readableEncoding ? undefined : fileSize(stream)
  if (size === undefined) return named
  const announced = Math.min(size, end + 1) - start
  const length = announced > 0 ? announced : undefined
  let first: ReadStream | undefined = stream
  const destroy = () => {
    first = undefined
    stream.destroy()
  }
  const content = onceOrReplayable(true, option, () => {
    const opened = first ?? createReadStream(stream.path, { start, end })
    first = undefined
    return checkedChunks(opened, length, option)
  })
  const isEmpty = () => announced <= 0 && (size > 0 || readsNothing(stream.path))
  return { ...named, content, length, rewindable: true, destroy, isEmpty }
}

function readsNothing(path: string | Buffer): boolean {
  try {
    // A file in `/proc` may wait for data.
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      return readSync(fd, Buffer.alloc(1)) === 0
    } finally {
      closeSync(fd)
    }
  } catch {
    return false
  }
}

/** The size in bytes; `undefined` if it is no regular file, or if the open descriptor belongs to another file than the path. */
function fileSize(stream: ReadStream): number | undefined {
  const file = statSync(stream.path)
  if (!file.isFile()) return undefined
  const { fd } = stream as { fd?: unknown }
  if (typeof fd !== 'number') return file.size
  try {
    const opened = fstatSync(fd)
    return opened.ino === file.ino && opened.dev === file.dev ? file.size : undefined
  } catch {
    return undefined
  }
}

/** The chunks as bytes. @throws TypeError for a chunk that is not bytes or text, RequestException if they do not add up to `length` */
export async function* checkedChunks(
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
