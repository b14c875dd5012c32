/** Reading a body: completely, in chunks of one size, or line by line. */
import { Readable } from 'node:stream'
import { toError } from '../core/error-code.ts'

/** Reads a stream to its end; faster than an iteration. */
function readChunks(stream: Readable, add: (chunk: unknown) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    // A stream that was destroyed before emits nothing any more.
    if (stream.destroyed) {
      reject(stream.errored ?? truncatedBody())
      return
    }
    stream.on('data', (chunk: unknown) => {
      try {
        add(chunk)
      } catch (error) {
        stream.destroy()
        reject(error)
      }
    })
    stream.on('end', resolve)
    stream.on('error', reject)
    stream.on('close', () => {
      if (!stream.readableEnded) reject(truncatedBody())
    })
  })
}

/** All bytes of a stream, `accept`ed chunk by chunk. @throws the stream's error, or one if it closes early */
export async function readAll(stream: Readable, accept: (chunk: unknown) => Buffer = toBuffer): Promise<Buffer> {
  const chunks: Buffer[] = []
  await readChunks(stream, (chunk) => chunks.push(accept(chunk)))
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)
}

/**
 * Reads a body to its end and drops it, so that its connection can be used again. More than {@link MAX_DRAINED_BYTES} are not read:
 * the body is destroyed, with its connection. Errors are ignored, because nothing of the body is used.
 */
export async function drainBody(body: Readable): Promise<void> {
  let size = 0
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      size += chunk.length
      if (size > MAX_DRAINED_BYTES) break
    }
  } catch {
    // See above.
  }
}

/** To read 64 KiB costs less than a new connection. */
const MAX_DRAINED_BYTES = 65_536

/**
 * A stream of `chunks`, a generator that reads `source`. Destroying the stream destroys the source at once: a generator
 * that waits for a chunk cannot be interrupted, which is why this is not `Readable.from`.
 */
export class MappedStream extends Readable {
  readonly #source: Readable
  readonly #chunks: AsyncGenerator<Uint8Array>

  constructor(source: Readable, chunks: AsyncGenerator<Uint8Array>) {
    super({ highWaterMark: 1 })
    this.#source = source
    this.#chunks = chunks
  }

  override _read(): void {
    this.#chunks.next().then(
      ({ value, done }) => this.push(done ? null : value),
      (error) => this.destroy(toError(error)),
    )
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    if (!this.#source.readableEnded) this.#source.destroy()
    this.#chunks.return(undefined).then(
      () => callback(error),
      (failure) => callback(error ?? failure),
    )
  }
}

/** The error of a body whose connection was closed before its end. */
export function truncatedBody(): Error {
  return new Error('the connection was closed before the end of the body')
}

/** A chunk as a `Buffer`. The streams of users' own adapters may yield strings and typed arrays. */
export function toBuffer(chunk: unknown): Buffer {
  if (Buffer.isBuffer(chunk)) return chunk
  if (chunk instanceof Uint8Array) return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
  return Buffer.from(String(chunk))
}

/** The same bytes in chunks of `size` bytes; the last one may be shorter. */
export async function* rechunk(
  source: AsyncIterable<Buffer> | Iterable<Buffer>,
  size: number,
): AsyncGenerator<Buffer, void, undefined> {
  let pending: Buffer[] = []
  let length = 0
  for await (const chunk of source) {
    pending.push(chunk)
    length += chunk.length
    if (length < size) continue
    const joined = pending.length === 1 ? chunk : Buffer.concat(pending)
    let start = 0
    for (; start + size <= joined.length; start += size) yield joined.subarray(start, start + size)
    pending = start < joined.length ? [joined.subarray(start)] : []
    length = joined.length - start
  }
  if (length > 0) yield Buffer.concat(pending)
}

/** The lines without their ends (LF, CRLF or CR). `decode` is called without a chunk at the end. */
export async function* lines(
  chunks: AsyncIterable<Buffer>,
  decode: (chunk?: Buffer) => string,
): AsyncGenerator<string, void, undefined> {
  // Parts of the incomplete line, joined once: a line may be arbitrarily long.
  let lineParts: string[] = []
  // A CR at the end of a chunk may be the first half of a CRLF.
  let held = ''
  for await (const chunk of chunks) {
    const text = held + decode(chunk)
    held = text.endsWith('\r') ? '\r' : ''
    const complete = text.slice(0, text.length - held.length).split(/\r\n|\n|\r/)
    const last = complete.pop() ?? ''
    for (const line of complete) {
      yield lineParts.join('') + line
      lineParts = []
    }
    lineParts.push(last)
  }
  const rest = lineParts.join('') + decode()
  if (rest !== '' || held !== '') yield rest
}
