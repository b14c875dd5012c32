/** Decompression of bodies: Content-Encoding gzip, deflate, br, zstd, and up to two of them (RFC 9110 section 8.4). */
import { type Duplex, pipeline, Readable } from 'node:stream'
import zlib from 'node:zlib'
import { ContentDecodingError } from '../core/errors.ts'
import { MappedStream } from './read.ts'

/**
 * The decompressed body. A body without Content-Encoding, or with an unknown one, is returned unchanged, as in requests.
 *
 * @param contentEncoding the header, e.g. `gzip` or `deflate, gzip`
 */
export function decodeBody(body: Readable, contentEncoding: string | undefined): Readable {
  const names = (contentEncoding ?? '').toLowerCase().split(',')
  const encodings = names.map((name) => name.trim()).filter((name) => name !== '' && name !== 'identity')
  if (encodings.length === 0 || !encodings.every((name) => DECODERS.has(name))) return body
  if (encodings.length > MAX_ENCODINGS) {
    body.destroy()
    const problem = `the response was encoded ${encodings.length} times, which is more than ${MAX_ENCODINGS}`
    return new Readable({
      read() {
        this.destroy(new ContentDecodingError(problem))
      },
    })
  }
  // The encoding that was applied last is removed first.
  return encodings.reduceRight((encoded, name) => new MappedStream(encoded, decode(encoded, name)), body)
}

/** Each layer can multiply the size by a thousand (urllib3's CVE-2025-66418). */
const MAX_ENCODINGS = 2

/** Makes the decoder after the first bytes: an empty body (of HEAD, 304) is not compressed, whatever its header says. */
async function* decode(body: Readable, encoding: string): AsyncGenerator<Buffer, void, undefined> {
  const chunks = (body as AsyncIterable<Buffer>)[Symbol.asyncIterator]()
  const first = await chunks.next()
  if (first.done) return
  if (encoding === 'zstd') {
    yield* decodeFrames(new Input(chunks, first.value))
    return
  }
  const decoder = DECODERS.get(encoding)?.(first.value)
  if (decoder === undefined) return
  const all = async function* () {
    yield first.value
    yield* { [Symbol.asyncIterator]: () => chunks }
  }
  // pipeline destroys the decoder with an error of the source.
  pipeline(all(), decoder, () => {})
  yield* decoder
}

/**
 * Zstandard data consist of frames (RFC 8878 section 3.1), and pzstd writes several. Before Node 26 a decoder stops after
 * the first one.
 */
async function* decodeFrames(input: Input): AsyncGenerator<Buffer, void, undefined> {
  let empty = 0
  do {
    const decoder = zlib.createZstdDecompress()
    pipeline(input.until(decoder), decoder, () => {})
    empty++
    for await (const chunk of decoder) {
      empty = 0
      yield chunk
    }
    if (empty > MAX_EMPTY_FRAMES)
      throw new ContentDecodingError('the response has one empty zstd frame after the other')
    input.consume(decoder.bytesWritten)
  } while (await input.hasMore())
}

/** In a row. pzstd writes one before each frame; many thousands would only consume CPU time. */
const MAX_EMPTY_FRAMES = 100

/** Chunks for a sequence of decoders: the bytes that one of them leaves go to the next. */
class Input {
  readonly #source: AsyncIterator<Buffer>
  /** The bytes that no decoder has consumed. */
  #rest: Buffer[]
  /** The read that is pending. */
  #next: Promise<IteratorResult<Buffer>> | undefined

  constructor(source: AsyncIterator<Buffer>, first: Buffer) {
    this.#source = source
    this.#rest = [first]
  }

  /** The chunks until the decoder has ended. */
  async *until(decoder: Duplex): AsyncGenerator<Buffer, void, undefined> {
    for (let index = 0; ; index++) {
      if (index === this.#rest.length && !(await this.#pull())) return
      const chunk = this.#rest[index]
      if (chunk === undefined || decoder.readableEnded) return
      yield chunk
    }
  }

  /** Drops the bytes that a decoder has consumed. */
  consume(bytes: number): void {
    let left = bytes
    while (left > 0) {
      const [first] = this.#rest
      if (first === undefined) return
      if (left < first.length) this.#rest[0] = first.subarray(left)
      else this.#rest.shift()
      left -= first.length
    }
  }

  async hasMore(): Promise<boolean> {
    return this.#rest.length > 0 || this.#pull()
  }

  /** Reads the next chunk; false at the end. Two concurrent calls share one read. */
  async #pull(): Promise<boolean> {
    this.#next ??= this.#source.next()
    const pulled = this.#next
    const { done, value } = await pulled
    if (done) return false
    if (this.#next === pulled) {
      this.#next = undefined
      this.#rest.push(value)
    }
    return true
  }
}

/** By name: makes the decoder of a body that starts with these bytes. */
const DECODERS: ReadonlyMap<string, (start: Buffer) => Duplex> = new Map<string, (start: Buffer) => Duplex>([
  ['gzip', () => zlib.createGunzip()],
  ['x-gzip', () => zlib.createGunzip()],
  ['deflate', (start) => (isZlib(start) ? zlib.createInflate() : zlib.createInflateRaw())],
  ['br', () => zlib.createBrotliDecompress()],
  ['zstd', () => zlib.createZstdDecompress()],
])

/**
 * Whether a zlib header is there (RFC 1950 section 2.2): method 8, and a multiple of 31. The standard requires it for
 * `deflate`, but many servers leave it out.
 */
function isZlib(start: Buffer): boolean {
  const [first = 0, second = 0] = start
  return (first & 0x0f) === 8 && (start.length < 2 || (first * 256 + second) % 31 === 0)
}
