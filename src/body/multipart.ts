/** `multipart/form-data`, byte for byte as requests writes it. */
import type { Blob } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import { type PairsInit, toPairs, typeName } from '../core/pairs.ts'
import { checkHeader } from '../http/headers.ts'
import { type BytesInit, bodyIterable, type Source, type StreamInit, toSource } from './source.ts'

/** The content of a part. */
export type FileContent = BytesInit | Blob | StreamInit

/** Headers of a part besides `Content-Disposition` and `Content-Type`; empty and absent values are left out. */
export type PartHeaders = PairsInit<string | null | undefined>

/**
 * A part: its content, or a list of filename, content, media type and headers. A filename of `null` sends none;
 * left out, it is the name of the `File` or of the file that is read, else the field's.
 */
export type FileSpec =
  | FileContent
  | readonly [
      filename: string | null | undefined,
      content: FileContent | null | undefined,
      type?: string | null | undefined,
      headers?: PartHeaders | null | undefined,
    ]

/** What `files` takes. A list of pairs may repeat a field. */
export type FilesInit = PairsInit<FileSpec | null | undefined>

/** A part, ready to be written. */
export interface Part {
  readonly head: string
  readonly source: Source
}

/** A written multipart body and its Content-Type. */
export interface Multipart extends Source {
  readonly type: string
}

/**
 * A part for a plain field.
 *
 * @example
 * fieldPart('a', '1') // Content-Disposition: form-data; name="a"
 */
export function fieldPart(name: string, value: string | Buffer): Part {
  const content = Buffer.from(value)
  return { head: renderHead(name, undefined), source: { content, length: content.length, rewindable: true } }
}

/**
 * The parts for `files`; a `null` content is left out.
 *
 * @throws TypeError for what is no {@link FileSpec}, InvalidHeader for a media type or header that cannot be sent.
 */
export function fileParts(files: Iterable<readonly [string, unknown]>, option = 'files'): Part[] {
  const parts: Part[] = []
  for (const [name, spec] of files) {
    const part = filePart(name, spec, `${option}.${name}`)
    if (part) parts.push(part)
  }
  return parts
}

/**
 * Writes `multipart/form-data` byte for byte as requests (urllib3's `encode_multipart_formdata`) does: in memory
 * when every part is, else piece by piece, and with a length when all of them have one.
 *
 * @param boundary only for tests; 32 random hexadecimal digits.
 */
export function encodeMultipart(parts: readonly Part[], boundary = randomBytes(16).toString('hex')): Multipart {
  const pieces: Source['content'][] = []
  for (const { head, source } of parts) {
    pieces.push(Buffer.from(`--${boundary}\r\n${head}\r\n\r\n`), source.content, CRLF)
  }
  pieces.push(Buffer.from(`--${boundary}--\r\n`))
  const type = `multipart/form-data; boundary=${boundary}`
  if (pieces.every((piece) => Buffer.isBuffer(piece))) {
    const content = Buffer.concat(pieces)
    return { content, length: content.length, rewindable: true, type }
  }
  const rewindable = parts.every(({ source }) => source.rewindable)
  const content = bodyIterable(rewindable, 'files', async function* () {
    for (const piece of pieces) {
      if (Buffer.isBuffer(piece)) yield piece
      else yield* piece
    }
  })
  const release = () => {
    for (const { source } of parts) source.release?.()
  }
  return { content, length: totalLength(parts, pieces), rewindable, type, release }
}

const CRLF = Buffer.from('\r\n')

const ACCEPTED = 'a string, bytes, a Blob, a stream or [filename, content, type?, headers?]'

function filePart(name: string, spec: unknown, where: string): Part | undefined {
  const [filename, value, type, headers]: readonly unknown[] = Array.isArray(spec) ? spec : [undefined, spec]
  if (Array.isArray(spec)) checkSpec(spec, where)
  if (value === null || value === undefined) return undefined
  const source = toSource(value, where)
  if (!source) throw new TypeError(`${where} must be ${ACCEPTED}, got ${typeName(value)}`)
  const shown = filename === undefined ? (source.filename ?? name) : (filename as string | null)
  return { head: renderHead(name, shown ?? undefined, type ?? source.type, headers, where), source }
}

function checkSpec(spec: readonly unknown[], where: string): void {
  const [filename] = spec
  if (spec.length >= 2 && spec.length <= 4 && (typeof filename === 'string' || (filename ?? null) === null)) return
  throw new TypeError(
    `${where} must be [filename, content, type?, headers?], got ${typeName(spec)}; ` +
      'for several files in one field give files as a list of [field, file] pairs',
  )
}

/** The lines of a part's head, in urllib3's order, without the empty one. */
function renderHead(name: string, filename: string | undefined, type?: unknown, headers?: unknown, where = ''): string {
  const lines = [`Content-Disposition: form-data; ${parameter('name', name)}`]
  if (filename !== undefined) lines[0] += `; ${parameter('filename', filename)}`
  const others: string[] = []
  let givenType = type
  for (const [key, value] of toPairs(headers ?? [], `${where} headers`, 'an object, a Map or a list of pairs')) {
    if (value === null || value === undefined || value === '') continue
    checkHeader(key, typeof value === 'string' ? value.replace(/[^\p{ASCII}]/gu, '?') : value)
    const lower = key.toLowerCase()
    if (lower === 'content-type') givenType = type ?? value
    else if (lower !== 'content-disposition') others.push(`${key}: ${value}`)
  }
  if (givenType !== null && givenType !== undefined && givenType !== '') {
    checkHeader('Content-Type', givenType)
    lines.push(`Content-Type: ${givenType}`)
  }
  return [...lines, ...others].join('\r\n')
}

/** The escaping of WHATWG's multipart/form-data, which urllib3 2 follows; the rest is UTF-8. */
function parameter(name: string, value: string): string {
  return `${name}="${value.replaceAll('\n', '%0A').replaceAll('\r', '%0D').replaceAll('"', '%22')}"`
}

function totalLength(parts: readonly Part[], pieces: readonly Source['content'][]): number | undefined {
  let total = 0
  for (const piece of pieces) if (Buffer.isBuffer(piece)) total += piece.length
  for (const { source } of parts) {
    if (Buffer.isBuffer(source.content)) continue
    if (source.length === undefined) return undefined
    total += source.length
  }
  return total
}
