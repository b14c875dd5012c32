/** The body of a request: bytes or a stream from `data`, `json` and `files`, with its Content-Type. */
import { InvalidHeader } from '../core/errors.ts'
import { isRecord, toFieldList, toPairs, typeName } from '../core/pairs.ts'
import { encodeForm, FORM_TYPE, type FormInit } from '../http/form.ts'
import { encodeJson, JSON_TYPE } from './json.ts'
import { encodeMultipart, type FilesInit, fieldPart, fileParts, type Part } from './multipart.ts'
import { type BytesInit, bodyIterable, letGo, pieces, type Source, type StreamInit, tagOf, toSource } from './source.ts'

/**
 * What `data` takes: bytes are sent as they are, streams and iterables of bytes piece by piece, `FormData` as
 * multipart, and the names and values of mappings as a form.
 */
export type DataInit = BytesInit | Blob | StreamInit | Iterable<Uint8Array | string> | FormData | FormInit

/** The options that a body is made of. */
export interface BodyOptions {
  /**
   * The body: text and bytes as they are, a stream or an iterable piece by piece, an object, `Map`, list of pairs or
   * `URLSearchParams` as a form, `FormData` as multipart. Beside `files` it is the fields before them.
   */
  data?: DataInit | null | undefined
  /** A value to send as JSON, with its Content-Type; `null` sends nothing. Not looked at beside `data` or `files`. */
  json?: unknown
  /**
   * Parts of a multipart body, by field: bytes, text, a `Blob`, a stream, or `[filename, content, type, headers]`. Streams
   * are never held in memory.
   */
  files?: FilesInit | null | undefined
}

/** A body as it is sent. */
export interface EncodedBody {
  /**
   * Bytes in memory, or an iterable of them; `undefined` is no body. Every iteration of a rewindable iterable begins
   * at the start, so that sending again needs nothing else; a second one of another throws `UnrewindableBodyError`.
   */
  readonly content: Buffer | AsyncIterable<Uint8Array> | undefined
  /** The Content-Type to send unless the user set one. */
  readonly contentType: string | undefined
  /** In bytes; `undefined` when it is not known: to be sent with `Transfer-Encoding: chunked`. 0 without a body. */
  readonly contentLength: number | undefined
  /** Whether it can be sent again, after a redirect or for a retry. */
  readonly rewindable: boolean
  /** Lets go of streams that will not be read to their end. */
  readonly release?: (() => void) | undefined
}

/**
 * Makes the body of a request, by the rules of requests' `prepare_body`:
 *
 * 1. `files` make a multipart body, after the fields of `data`; `json` is ignored then.
 * 2. Else `data`, when it is not empty (`''`, `{}`, no bytes …).
 * 3. Else `json`, when it is given: 0, `false`, `''` and `{}` are sent, `null` is not (as Python's `None`; send
 *    the text with `data: 'null'`).
 *
 * A string or bytes come without a Content-Type, a `Blob` with its own. The length of a `Blob` and of the file of an
 * `fs.ReadStream` is known; other streams are sent chunked. Nothing is read here but the size of files.
 *
 * @throws TypeError for a wrong type, with the name of the option; InvalidJSONError as `encodeJson`; InvalidHeader
 *   for a header of a part.
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

/** Lets go of the streams in a body that is not made after all. */
export function giveUpBody({ data, files }: BodyOptions): void {
  letGo(data)
  if (typeof files !== 'object' || files === null) return
  letGo(Symbol.iterator in files ? Array.from(files as Iterable<unknown>) : Object.values(files))
}

/** A request without a body. */
export const NO_BODY: EncodedBody = Object.freeze({
  content: undefined,
  contentType: undefined,
  contentLength: 0,
  rewindable: true,
})

/**
 * The body with a length that the user knows, for a stream that does not tell its own; another length stands as it is.
 *
 * @param declared the value of the header Content-Length
 * @throws InvalidHeader for what is no length. A stream of another length is an error when it is sent.
 */
export function withDeclaredLength(body: EncodedBody, declared: string | undefined): EncodedBody {
  const { content, contentLength, rewindable } = body
  if (declared === undefined || contentLength !== undefined || content === undefined) return body
  if (!/^\d{1,15}$/.test(declared))
    throw new InvalidHeader(`Content-Length must be a number of bytes, not '${declared}'`)
  const length = Number(declared)
  return {
    ...body,
    content: bodyIterable(rewindable, 'data', () => pieces(content, length, 'data')),
    contentLength: length,
  }
}

const FIELDS_ACCEPTED = 'an object, a Map, a list of [name, value] pairs, URLSearchParams or FormData'
const DATA_ACCEPTED = `a string, bytes, a Blob, a stream, an iterable of bytes, ${FIELDS_ACCEPTED}`
const FILES_ACCEPTED = 'an object, a Map or a list of [field, file] pairs'

/** The body for `data` alone; `undefined` when it is empty. */
function encodeData(data: DataInit): EncodedBody | undefined {
  const source = toSource(data, 'data')
  if (source) return Buffer.isBuffer(source.content) && source.length === 0 ? undefined : fromSource(source)
  if (isFormData(data)) return fromMultipart(formDataParts(data))
  const pairs = toPairs(data, 'data', DATA_ACCEPTED)
  return pairs.length === 0 ? undefined : inMemory(Buffer.from(encodeForm(pairs as FormInit)), FORM_TYPE)
}

/** The parts for `data` beside `files`. */
function dataParts(data: DataInit | null | undefined): Part[] {
  if (data === undefined || data === null) return []
  if (isFormData(data)) return formDataParts(data)
  if (typeof data !== 'object' || !(Array.isArray(data) || data instanceof Map || isRecord(data) || isParams(data))) {
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

/** Without naming the global `FormData`, so that it is not loaded for requests that have none. */
function isFormData(data: DataInit): data is FormData {
  return typeof data === 'object' && tagOf(data) === 'FormData' && Symbol.iterator in data
}

function isParams(data: object): boolean {
  return tagOf(data) === 'URLSearchParams'
}

function fromMultipart(parts: readonly Part[]): EncodedBody {
  return fromSource(encodeMultipart(parts))
}

function fromSource({ content, type, length, rewindable, release }: Source): EncodedBody {
  return { content, contentType: type, contentLength: length, rewindable, release }
}

function inMemory(content: Buffer, contentType: string): EncodedBody {
  return { content, contentType, contentLength: content.length, rewindable: true }
}
