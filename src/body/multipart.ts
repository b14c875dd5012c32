/** `multipart/form-data`, byte for byte as requests writes it. */
import type { Blob } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import { displayName } from '../core/credentials.ts'
import { type PairsInit, toPairs, typeName } from '../core/pairs.ts'
import { checkHeader } from '../http/headers.ts'
import { type BodySource, type BytesInit, onceOrReplayable, type StreamInit, toSource } from './source.ts'

/** The content of a part. */
export type FileContent = BytesInit | Blob | StreamInit

/** Headers of a part besides `Content-Disposition` and `Content-Type`; empty and missing values are left out. */
export type PartHeaders = PairsInit<string | null | undefined>

/**
 * A part: its content, or a list of filename, content, media type and headers. A filename of `null` sends none. The
 * default is the name of the `File` or of the file that is read, else the name of the field.
 */
export type FileSpec =
  | FileContent
  | readonly [
      filename: string | null | undefined,
      content: FileContent | null | undefined,
      type?: string | null | undefined,
      headers?: PartHeaders | null | undefined,
    ]

/** The option `files`. A list of pairs may repeat a field. */
export type FilesInit = PairsInit<FileSpec | null | undefined>

/** A part with its rendered header lines. */
export interface Part {
  readonly head: string
  readonly source: BodySource
}

/** An encoded multipart body and its Content-Type. */
export interface Multipart extends BodySource {
  readonly type: string
}

/**
 * The part of a plain field.
 *
 * @example
 * fieldPart('a', '1') // Content-Disposition: form-data; name="a"
 */
export function fieldPart(name: string, value: string | Buffer): Part {
  const content = Buffer.from(value)
  return { head: renderHead(name, undefined), source: { content, length: content.length, rewindable: true } }
}

/**
 * The parts for `files`; a part with `null` as its content is left out.
 *
 * @param option the name of the option, for messages
 * @throws TypeError for a value that is not a {@link FileSpec}, InvalidHeader for an invalid media type or header
 */
export function fileParts(files: Iterable<readonly [string, unknown]>, option = 'files'): Part[] {
  const parts: Part[] = []
  for (const [name, spec] of files) {
    const part = filePart(name, spec, `${option}.${displayName(name)}`)
    if (part) parts.push(part)
  }
  return parts
}

/**
 * Encodes `multipart/form-data` byte for byte as requests (urllib3's `encode_multipart_formdata`) does: as one buffer
 * if every part is in memory, else as a stream, with a length if all parts have one.
 *
 * @param boundary for tests; default: 32 random hexadecimal digits
 */
export function encodeMultipart(parts: readonly Part[], boundary = randomBytes(16).toString('hex')): Multipart {
  const segments: BodySource['content'][] = []
  for (const { head, source } of parts) {
    segments.push(Buffer.from(`--${boundary}\r\n${head}\r\n\r\n`), source.content, CRLF)
  }
  segments.push(Buffer.from(`--${boundary}--\r\n`))
  const type = `multipart/form-data; boundary=${boundary}`
  if (segments.every((segment) => Buffer.isBuffer(segment))) {
    const content = Buffer.concat(segments)
    return { content, length: content.length, rewindable: true, type }
  }
  const rewindable = parts.every(({ source }) => source.rewindable)
  const content = onceOrReplayable(rewindable, 'files', async function* () {
    for (const segment of segments) {
      if (Buffer.isBuffer(segment)) yield segment
      else yield* segment
    }
  })
  const destroy = () => {
    for (const { source } of parts) source.destroy?.()
  }
  return { content, length: totalLength(parts, segments), rewindable, type, destroy }
}

const CRLF = Buffer.from('\r\n')

const ACCEPTED = 'a string, bytes, a Blob, a stream or [filename, content, type?, headers?]'

function filePart(name: string, spec: unknown, where: string): Part | undefined {
  const [filename, value, type, headers]: readonly unknown[] = Array.isArray(spec) ? spec : [undefined, spec]
  if (Array.isArray(spec)) checkSpec(spec, where)
  if (value === null || value === undefined) return undefined
  const source = knownIfEmpty(toSource(value, where))
  if (!source) throw new TypeError(`${where} must be ${ACCEPTED}, got ${typeName(value)}`)
  const sentName = filename === undefined ? (source.filename ?? name) : (filename as string | null)
  return { head: renderHead(name, sentName ?? undefined, type ?? source.type, headers, where), source }
}

/** As in requests, an empty file does not make a form chunked: some servers refuse that, S3 among them. */
function knownIfEmpty(source: BodySource | undefined): BodySource | undefined {
  if (!source?.isEmpty?.()) return source
  source.destroy?.()
  return { content: Buffer.alloc(0), length: 0, rewindable: true, filename: source.filename }
}

function checkSpec(spec: readonly unknown[], where: string): void {
  const [filename] = spec
  if (spec.length >= 2 && spec.length <= 4 && (typeof filename === 'string' || (filename ?? null) === null)) return
  throw new TypeError(
    `${where} must be [filename, content, type?, headers?], got ${typeName(spec)}; ` +
      'for several files in one field give files as a list of [field, file] pairs',
  )
}

/** The header lines of a part, in urllib3's order, without the empty line that ends them. */
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

/** A parameter with the escapes of the HTML standard (multipart/form-data), as in urllib3 2; other characters are UTF-8. */
export function parameter(name: string, value: string): string {
  return `${name}="${value.replaceAll('\n', '%0A').replaceAll('\r', '%0D').replaceAll('"', '%22')}"`
}

function totalLength(parts: readonly Part[], segments: readonly BodySource['content'][]): number | undefined {
  let total = 0
  for (const segment of segments) if (Buffer.isBuffer(segment)) total += segment.length
  for (const { source } of parts) {
    if (Buffer.isBuffer(source.content)) continue
    if (source.length === undefined) return undefined
    total += source.length
  }
  return total
}
