/** Content-Encoding: gzip, deflate, br, zstd, and several one after the other (RFC 9110 section 8.4). */
import { type Duplex, pipeline, Readable } from 'node:stream'
import zlib from 'node:zlib'
import { ContentDecodingError } from '../core/errors.ts'
import { derived } from './read.ts'

/**
 * The body as it was before it was encoded; the same stream when it was not, or in a way that nobody here knows, which
 * is left to the reader as in requests.
 *
 * @param contentEncoding the header, e.g. `gzip` or `deflate, gzip`
 */
export function decodeBody(body: Readable, contentEncoding: string | undefined): Readable {
  const names = (contentEncoding ?? '').toLowerCase().split(',')
  const encodings = names.map((name) => name.trim()).filter((name) => name !== '' && name !== 'identity')
  if (encodings.length === 0 || !encodings.every((name) => DECODERS.has(name))) return body
  if (encodings.length > MAX_ENCODINGS) {
    body.destroy()
    return Readable.from(tooMany(encodings.length))
  }
  // The encoding that was applied last comes off first.
  return encodings.reduceRight((encoded, name) => derived(encoded, decode(encoded, name)), body)
}

/** Each layer can multiply the size by a thousand; nobody needs more than two (urllib3's CVE-2025-66418). */
const MAX_ENCODINGS = 2

// biome-ignore lint/correctness/useYield: it is the error that matters
async function* tooMany(count: number): AsyncGenerator<Buffer, void, undefined> {
  throw new ContentDecodingError(`the response was encoded ${count} times, which is more than ${MAX_ENCODINGS}`)
}

/** An empty body is empty however it was encoded, as answers to HEAD and 304s are: so the first bytes are waited for. */
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
  // Its errors come out of the decoder, which it destroys.
  pipeline(all(), decoder, () => {})
  yield* decoder
}

/**
 * Zstandard data are frames, one after the other (RFC 8878, section 3.1), as pzstd writes them; before Node 26 a decoder
 * stops behind the first.
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
    input.take(decoder.bytesWritten)
  } while (await input.hasMore())
}

/** pzstd puts one in front of each of its frames; a thousand a megabyte would only keep us busy. */
const MAX_EMPTY_FRAMES = 100

/** Chunks that are handed to one decoder after another: what one of them has not used is the next one's. */
class Input {
  readonly #source: AsyncIterator<Buffer>
  /** What was not used yet, and the chunk that is on its way. */
  #rest: Buffer[]
  #next: Promise<IteratorResult<Buffer>> | undefined

  constructor(source: AsyncIterator<Buffer>, first: Buffer) {
    this.#source = source
    this.#rest = [first]
  }

  /** The chunks, until the decoder has ended. */
  async *until(decoder: Duplex): AsyncGenerator<Buffer, void, undefined> {
    for (let index = 0; ; index++) {
      if (index === this.#rest.length && !(await this.#pull())) return
      const chunk = this.#rest[index]
      if (chunk === undefined || decoder.readableEnded) return
      yield chunk
    }
  }

  /** Lets go of what was used. */
  take(bytes: number): void {
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

  /** Takes in the next chunk; false at the end. Two may ask for the same. */
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

/** By name: a decoder for a body that begins with these bytes. */
const DECODERS: ReadonlyMap<string, (start: Buffer) => Duplex> = new Map<string, (start: Buffer) => Duplex>([
  ['gzip', () => zlib.createGunzip()],
  ['x-gzip', () => zlib.createGunzip()],
  ['deflate', (start) => (isZlib(start) ? zlib.createInflate() : zlib.createInflateRaw())],
  ['br', () => zlib.createBrotliDecompress()],
  ['zstd', () => zlib.createZstdDecompress()],
])

/**
 * The header of a zlib stream (RFC 1950 section 2.2): method 8, and a check by 31. By the standard `deflate` has one,
 * but servers that leave it out are not rare.
 */
function isZlib(start: Buffer): boolean {
  const [first = 0, second = 0] = start
  return (first & 0x0f) === 8 && (start.length < 2 || (first * 256 + second) % 31 === 0)
}
