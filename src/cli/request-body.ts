/** The headers and the body of a request from the command line: `-H`, `-d`, `--data-json`, `-F`. */
import { createReadStream, openSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import { displayName } from '../core/credentials.ts'
import { FileError } from '../core/file-error.ts'
import type { RequestOptions } from '../index.ts'
import { UsageError } from './command.ts'
import { claimStdin, isDescriptor, isStdin, MAX_INPUT_BYTES, readLines, readOpened, readPipe } from './input.ts'

export const BODY_OPTIONS = {
  data: { type: 'string', short: 'd', multiple: true },
  'data-json': { type: 'string' },
  form: { type: 'string', short: 'F', multiple: true },
} as const

export const BODY_HELP = `  -d, --data TEXT|@FILE   send this text as a form (application/x-www-form-urlencoded), joined by & if repeated; or a file
  --data-json JSON|@FILE  send JSON
  -F, --form NAME=VALUE|NAME=@FILE  send multipart/form-data; may be repeated; NAME=@FILE;type=MEDIA/TYPE
`

interface Values {
  readonly data?: readonly string[] | undefined
  readonly 'data-json'?: string | undefined
  readonly form?: readonly string[] | undefined
}

type Body = Pick<RequestOptions, 'data' | 'files'> & { readonly type?: string }

/**
 * The body that the options describe. Files are opened here, before anything is sent.
 *
 * @throws UsageError for several kinds of bodies or invalid JSON, FileError for a file that cannot be read
 */
export function bodyOf({ data = [], 'data-json': json, form = [] }: Values): Body {
  const given = [data.length > 0 && '--data', json !== undefined && '--data-json', form.length > 0 && '--form']
  const kinds = given.filter((kind) => kind !== false)
  if (kinds.length > 1) throw new UsageError(`${kinds.join(' and ')} exclude each other: a request has one body`)
  if (json !== undefined) return { data: jsonOf(json), type: 'application/json' }
  if (form.length > 0) return { files: form.map(partOf) }
  const [first, ...others] = data
  if (first === undefined) return {}
  if (others.length === 0 && first.startsWith('@')) return { data: contentOf(first.slice(1)) }
  const texts = data.map((text) => (text.startsWith('@') ? readText(text.slice(1)) : text))
  return { data: texts.join('&'), type: 'application/x-www-form-urlencoded' }
}

function jsonOf(given: string): string {
  const text = given.startsWith('@') ? readText(given.slice(1)) : given
  try {
    JSON.parse(text)
  } catch (error) {
    // The message does not show the text, which may hold a secret.
    const where = /position \d+|line \d+ column \d+/.exec((error as Error).message)?.[0]
    throw new UsageError(`--data-json is not valid JSON${where === undefined ? '' : ` (${where})`}`)
  }
  return text
}

type Part = readonly [name: string, spec: readonly [string | null, string | ReturnType<typeof contentOf>, string?]]

function partOf(given: string): Part {
  const [, name = '', value = ''] = /^([^=]+)=([\s\S]*)$/.exec(given) ?? []
  if (name === '') throw new UsageError('--form is NAME=VALUE or NAME=@FILE')
  if (!value.startsWith('@')) return [name, [null, value]]
  const [, path = '', type] = /^@(.*?)(?:;type=([^;]+))?$/s.exec(value) ?? []
  const file = path === '-' ? 'stdin' : basename(path)
  return [name, type === undefined ? [file, contentOf(path)] : [file, contentOf(path), type]]
}

/** The content of a file, as it is; `-` is stdin. @throws FileError if it cannot be read */
function contentOf(path: string) {
  if (isStdin(path)) {
    claimStdin()
    return process.stdin
  }
  try {
    // By the path its length is known, and it is read again after a redirect.
    return Object.assign(createReadStream(path, { fd: openFile(path) }), { path })
  } catch (error) {
    throw FileError.from('read', path, error)
  }
}

/** Opens a file or device. @throws FileError for a FIFO, whose opening would wait for a writer */
function openFile(path: string): number {
  const status = statSync(path)
  if (status.isDirectory()) throw new FileError('read', 'EISDIR', path, 'it is a directory, name a file in it')
  if (status.isFIFO() && !isDescriptor(path))
    throw new FileError('read', 'ERR_FIFO', path, 'it is a FIFO: pass it as stdin')
  return openSync(path, 'r')
}

function readText(path: string): string {
  try {
    const content = isStdin(path) ? readPipe(path, MAX_INPUT_BYTES) : readOpened(() => openFile(path), MAX_INPUT_BYTES)
    return content.toString()
  } catch (error) {
    throw FileError.from('read', path, error)
  }
}

/** Headers from `NAME: VALUE` and `@FILE`. Secrets belong in a file: other users can read command lines. */
export function headersOf(given: readonly string[], type?: string): [name: string, value: string][] {
  const lines = given.flatMap((text) => (text.startsWith('@') ? readLines(text.slice(1)).filter(Boolean) : [text]))
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':')
    // The message does not show the line: it may be a secret.
    if (colon < 1) throw new UsageError("a header is 'NAME: VALUE'")
    return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()]
  })
  const hasType = headers.some(([name]) => name.toLowerCase() === 'content-type')
  return type === undefined || hasType ? headers : [...headers, ['Content-Type', type]]
}

/** @throws UsageError for a text that is no method */
export function methodOf(text: string): string {
  if (/^[A-Za-z]+$/.test(text)) return text.toUpperCase()
  throw new UsageError(
    `'${displayName(text)}' is no method: vouch request METHOD URL, such as vouch request PROPFIND URL`,
  )
}
