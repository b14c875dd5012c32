/** The body of a request: bytes or a stream from `data`, `json` and `files`, with its Content-Type. */
import { displayValue } from '../core/credentials.ts'
import { InvalidHeader } from '../core/errors.ts'
import { isRecord, toFieldList, toPairs, typeName } from '../core/pairs.ts'
import { encodeForm, FORM_TYPE, type FormInit } from '../http/form.ts'
import { encodeJson, JSON_TYPE } from './json.ts'
import { encodeMultipart, type FilesInit, fieldPart, fileParts, type Part } from './multipart.ts'
import {
  type BodySource,
  type BytesInit,
  checkedChunks,
  classTag,
  destroySource,
  onceOrReplayable,
  type StreamInit,
  toSource,
} from './source.ts'

/**
 * The option `data`: bytes and text are sent unchanged, streams and iterables of bytes chunk by chunk, `FormData` as
 * multipart, and mappings as a form.
 */
export type DataInit = BytesInit | Blob | StreamInit | Iterable<Uint8Array | string> | FormData | FormInit

/** The options that describe a body. */
export interface BodyOptions {
  /**
   * The body: text and bytes unchanged, a stream or an iterable chunk by chunk, an object, `Map`, list of pairs or
   * `URLSearchParams` as a form, `FormData` as multipart. Together with `files` it holds the fields before them.
   */
  data?: DataInit | null | undefined
  /** A value to send as `application/json`; `null` sends nothing. Ignored if `data` or `files` is given. */
  json?: unknown
  /**
   * The parts of a multipart body by field: bytes, text, a `Blob`, a stream, or `[filename, content, type, headers]`.
   * Streams are not buffered.
   */
  files?: FilesInit | null | undefined
}

/** A body that is ready to be sent. */
export interface EncodedBody {
  /**
   * Bytes, or an iterable of chunks; `undefined` is no body. If `rewindable`, every iteration begins at the start; if not,
   * the second iteration throws `UnrewindableBodyError`.
   */
  readonly content: Buffer | AsyncIterable<Uint8Array> | undefined
  /** The Content-Type, unless the user set one. */
  readonly contentType: string | undefined
  /** In bytes; 0 without a body. `undefined` if it is unknown: the body is sent with `Transfer-Encoding: chunked`. */
  readonly contentLength: number | undefined
  /** Whether it can be sent again for a redirect, a challenge or a retry. */
  readonly rewindable: boolean
  /** Destroys the streams that will not be read to their end. */
  readonly destroy?: (() => void) | undefined
}

/**
 * Encodes the body of a request by the rules of requests' `prepare_body`:
 *
 * 1. If there are `files`, the body is multipart: the fields of `data`, then the files; `json` is ignored.
 * 2. Else `data`, unless it is empty (`''`, `{}`, no bytes …).
 * 3. Else `json`, unless it is `null` or `undefined` (Python's `None`): 0, `false`, `''` and `{}` are sent. To send the
 *    text `null` write `data: 'null'`.
 *
 * A string or bytes have no Content-Type, a `Blob` has its own. The length of a `Blob` and of the file of an
 * `fs.ReadStream` is known; other streams are sent chunked. Only the size of files is read here, not their content.
 *
 * @throws TypeError for a wrong type, with the name of the option; InvalidJSONError as `encodeJson`; InvalidHeader
 *   for a header of a part
 *
 * @example
 * encodeBody({ data: { a: [1, 2] } }).content               // <Buffer 'a=1&a=2'>
 * encodeBody({ files: { photo: createReadStream('p.png') } }).contentType // 'multipart/form-data; boundary=…'
 */
export function encodeBody({ data, json, files }: BodyOptions): EncodedBody {
  const uploads = files === undefined || files === null ? [] : toPairs(files, 'files', FILES_ACCEPTED)
  if (uploads.length > 0) return fromMultipart([...dataParts(data), ...fileParts(uploads)])
  const body = data === undefined || data === null ? undefined : encodeData(data)
  if (body) return body
  if (json === undefined || json === null) return NO_BODY
  return inMemory(encodeJson(json), JSON_TYPE)
}

/** Destroys the streams in the options of a body that will not be encoded. */
export function destroyBody({ data, files }: BodyOptions): void {
  destroySource(data)
  if (typeof files !== 'object' || files === null) return
  destroySource(Symbol.iterator in files ? Array.from(files as Iterable<unknown>) : Object.values(files))
}

/** A request without a body. */
export const NO_BODY: EncodedBody = Object.freeze({
  content: undefined,
  contentType: undefined,
  contentLength: 0,
  rewindable: true,
})

/**
 * The body with the length that the user declares, for a stream of unknown length; a known length stays.
 *
 * @param declared the value of the header Content-Length
 * @throws InvalidHeader if it is not a number. A stream of another length fails when it is sent.
 */
export function withDeclaredLength(body: EncodedBody, declared: string | undefined): EncodedBody {
  const { content, contentLength, rewindable } = body
  if (declared === undefined || contentLength !== undefined || content === undefined) return body
  if (!/^\d{1,15}$/.test(declared))
    throw new InvalidHeader(`Content-Length must be a number of bytes, not ${displayValue(declared)}`)
  const length = Number(declared)
  return {
    ...body,
    content: onceOrReplayable(rewindable, 'data', () => checkedChunks(content, length, 'data')),
    contentLength: length,
  }
}

const FIELDS_ACCEPTED = 'an object, a Map, a list of [name, value] pairs, URLSearchParams or FormData'
const DATA_ACCEPTED = `a string, bytes, a Blob, a stream, an iterable of bytes, ${FIELDS_ACCEPTED}`
const FILES_ACCEPTED = 'an object, a Map or a list of [field, file] pairs'

/** The body for `data` without `files`; `undefined` if it is empty. */
function encodeData(data: DataInit): EncodedBody | undefined {
  const source = toSource(data, 'data')
  if (source) return Buffer.isBuffer(source.content) && source.length === 0 ? undefined : fromSource(source)
  if (isFormData(data)) return fromMultipart(formDataParts(data))
  const pairs = toPairs(data, 'data', DATA_ACCEPTED)
  return pairs.length === 0 ? undefined : inMemory(Buffer.from(encodeForm(pairs as FormInit)), FORM_TYPE)
}

/** The parts for `data` with `files`. */
function dataParts(data: DataInit | null | undefined): Part[] {
  if (data === undefined || data === null) return []
  if (isFormData(data)) return formDataParts(data)
  const isParams = typeof data === 'object' && classTag(data) === 'URLSearchParams'
  if (typeof data !== 'object' || !(Array.isArray(data) || data instanceof Map || isRecord(data) || isParams)) {
    const got = typeof data === 'string' ? 'a string' : typeName(data)
    throw new TypeError(`data must not be ${got} beside files; give ${FIELDS_ACCEPTED}`)
  }
  return toFieldList(data, 'data', FIELDS_ACCEPTED).map(([name, value]) => fieldPart(name, value))
}

function formDataParts(form: FormData): Part[] {
  return Array.from(form as Iterable<[string, string | File]>).flatMap(([name, value]) =>
    typeof value === 'string' ? fieldPart(name, value) : fileParts([[name, value]], 'data'),
  )
}

/** Compares tags: naming the global `FormData` would load its implementation for every request. */
function isFormData(data: DataInit): data is FormData {
  return typeof data === 'object' && classTag(data) === 'FormData' && Symbol.iterator in data
}

function fromMultipart(parts: readonly Part[]): EncodedBody {
  return fromSource(encodeMultipart(parts))
}

function fromSource({ content, type, length, rewindable, destroy }: BodySource): EncodedBody {
  return { content, contentType: type, contentLength: length, rewindable, destroy }
}

/** A body of bytes. */
export function inMemory(content: Buffer, contentType?: string): EncodedBody {
  return { content, contentType, contentLength: content.length, rewindable: true }
}
