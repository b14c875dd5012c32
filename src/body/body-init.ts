/** The body of `fetch`, by the Fetch standard: from a `BodyInit` value or from a `Request`. */
import { randomInt } from 'node:crypto'
import { isIterable } from '../core/pairs.ts'
import { type EncodedBody, inMemory, NO_BODY } from './encode.ts'
import { parameter } from './multipart.ts'
import { checkedChunks, classTag, onceOrReplayable, toSource } from './source.ts'

/** The body of a `Request`, of Node's class or of another library's. */
export interface BodyHolder {
  readonly body?: unknown
  readonly bodyUsed?: unknown
  readonly arrayBuffer?: unknown
}

/**
 * The body that `init.body` describes, with the Content-Type of the standard.
 *
 * Strings, `URLSearchParams`, bytes, `Blob`s and `FormData` have a length and can be sent again. Streams and async iterables
 * are sent once, chunked. Any other value is converted to a string.
 *
 * @throws TypeError for a stream without `duplex: 'half'`, and for a stream that is locked or has been read
 */
export function extractBody(body: unknown, duplex: unknown): EncodedBody {
  if (body === undefined || body === null) return NO_BODY
  if (typeof body !== 'object') return textBody(String(body), TEXT_TYPE)
  const tag = classTag(body)
  if (tag === 'URLSearchParams') return textBody(String(body), FORM_TYPE)
  if (tag === 'FormData' && isIterable(body)) return formDataBody(body as Iterable<[string, string | File]>)
  const bytes = copyOfBytes(body, tag)
  if (bytes) return inMemory(bytes)
  const isBlob = tag === 'Blob' || tag === 'File'
  if (!isBlob && !isStream(body, tag)) return textBody(String(body), TEXT_TYPE)
  if (!isBlob && duplex !== 'half') {
    throw new TypeError('RequestInit: duplex option is required when sending a body.')
  }
  const source = toSource(body, 'body')
  if (source === undefined) return textBody(String(body), TEXT_TYPE)
  const { content, type, length, rewindable, destroy } = source
  if (isBlob) return { content, contentType: type, contentLength: length, rewindable, destroy }
  return { content, contentType: undefined, contentLength: undefined, rewindable: false, destroy }
}

/**
 * The body of a `Request`, which exposes it as a stream only. A body that is in memory is read ahead, so that it is sent with
 * its length; a stream is sent as it arrives.
 */
export async function requestBody(request: BodyHolder): Promise<EncodedBody> {
  const { body, arrayBuffer } = request
  if (body === null) return NO_BODY
  if (body === undefined) {
    // Polyfills have no stream.
    const bytes: unknown = typeof arrayBuffer === 'function' ? await arrayBuffer.call(request) : undefined
    return bytes instanceof ArrayBuffer && bytes.byteLength > 0 ? inMemory(Buffer.from(bytes)) : NO_BODY
  }
  const source = typeof body === 'object' && toSource(body, 'body')
  if (!source) return extractBody(body, 'half')
  const { content, destroy } = source
  return Buffer.isBuffer(content) ? inMemory(content) : readAhead(content, destroy)
}

/** Reads for as long as the chunks come within {@link AHEAD_TURNS}, up to {@link MAX_AHEAD_BYTES}. */
async function readAhead(content: AsyncIterable<Uint8Array>, destroy: (() => void) | undefined): Promise<EncodedBody> {
  const iterator = content[Symbol.asyncIterator]()
  const ahead: Uint8Array[] = []
  let size = 0
  while (size <= MAX_AHEAD_BYTES) {
    const next = iterator.next()
    const result = await Promise.race([next, turns(AHEAD_TURNS)])
    if (result?.done) return inMemory(Buffer.concat(ahead))
    if (result === undefined) {
      // If it fails before it is read, the reader gets the error.
      next.catch(() => {})
      return onceBody(ahead, next, iterator, destroy)
    }
    ahead.push(result.value)
    size += result.value.length
  }
  return onceBody(ahead, undefined, iterator, destroy)
}

/** A stream of which the beginning has been read. */
function onceBody(
  ahead: readonly Uint8Array[],
  pending: Promise<IteratorResult<Uint8Array>> | undefined,
  iterator: AsyncIterator<Uint8Array>,
  destroy: (() => void) | undefined,
): EncodedBody {
  const content = onceOrReplayable(false, 'body', async function* () {
    try {
      yield* ahead
      for (let next = await (pending ?? iterator.next()); !next.done; next = await iterator.next()) yield next.value
    } finally {
      await iterator.return?.()
    }
  })
  return { content, contentType: undefined, contentLength: undefined, rewindable: false, destroy }
}

/** Resolves after `count` iterations of the event loop. */
function turns(count: number): Promise<undefined> {
  return new Promise((resolve) => {
    const turn = (left: number) => (left > 0 ? void setImmediate(turn, left - 1) : resolve(undefined))
    turn(count)
  })
}

/** Iterations of the event loop; each chunk of a `Blob` takes one. */
const AHEAD_TURNS = 3
const MAX_AHEAD_BYTES = 1_048_576

/** The bytes of a buffer or view, copied: the caller may change them while they are being sent. */
function copyOfBytes(body: object, tag: string): Buffer | undefined {
  if (ArrayBuffer.isView(body))
    return Buffer.copyBytesFrom(new Uint8Array(body.buffer, body.byteOffset, body.byteLength))
  const isBuffer = tag === 'ArrayBuffer' || tag === 'SharedArrayBuffer'
  return isBuffer ? Buffer.copyBytesFrom(new Uint8Array(body as ArrayBuffer)) : undefined
}

function isStream(body: object, tag: string): boolean {
  return Symbol.asyncIterator in body || (tag === 'ReadableStream' && 'getReader' in body) || 'pipe' in body
}

function textBody(text: string, contentType: string): EncodedBody {
  return inMemory(Buffer.from(text), contentType)
}

/** multipart/form-data as the standard encodes it: CRLF line ends, names escaped as in HTML, a type for each file. */
function formDataBody(form: Iterable<[string, string | File]>): EncodedBody {
  const boundary = `----formdata-vouch-${String(randomInt(1e12)).padStart(13, '0')}`
  const parts: (Buffer | File)[] = []
  for (const [name, value] of form) {
    const start = `--${boundary}\r\nContent-Disposition: form-data; ${parameter('name', withCrlf(name))}`
    if (typeof value === 'string') {
      parts.push(Buffer.from(`${start}\r\n\r\n${withCrlf(value)}\r\n`))
    } else {
      const type = value.type || 'application/octet-stream'
      const head = `${start}; ${parameter('filename', value.name)}\r\nContent-Type: ${type}\r\n\r\n`
      parts.push(Buffer.from(head), value, Buffer.from('\r\n'))
    }
  }
  parts.push(Buffer.from(`--${boundary}--\r\n`))
  const contentType = `multipart/form-data; boundary=${boundary}`
  const texts = parts.filter((part) => Buffer.isBuffer(part))
  if (texts.length === parts.length) return inMemory(Buffer.concat(texts), contentType)
  const content = onceOrReplayable(true, 'body', async function* () {
    for (const part of parts) {
      if (Buffer.isBuffer(part)) yield part
      else yield* checkedChunks(part.stream(), part.size, 'body')
    }
  })
  const contentLength = parts.reduce((sum, part) => sum + (Buffer.isBuffer(part) ? part.length : part.size), 0)
  return { content, contentType, contentLength, rewindable: true }
}

function withCrlf(text: string): string {
  return text.replace(/\r\n|\r|\n/g, '\r\n')
}

const TEXT_TYPE = 'text/plain;charset=UTF-8'
const FORM_TYPE = 'application/x-www-form-urlencoded;charset=UTF-8'
