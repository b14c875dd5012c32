/** The type of a command, and parsers for its arguments. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { displayName } from '../core/credentials.ts'
import { codeOf } from '../core/error-code.ts'
import { FileError } from '../core/file-error.ts'
import { readRegularFile, UnusableFileError } from '../core/live-file.ts'
import { nearest } from '../core/options.ts'
import type { Output } from './print.ts'

/** A command of the command line. */
export interface Command {
  /** Its words, `'cert create'`. */
  readonly name: string
  /** One line for the list of commands. */
  readonly summary: string
  /** The complete help: usage, options, examples. */
  readonly help: string
  /** What it takes, for the completion of shells. */
  readonly options: ArgumentOptions
  /** @returns the exit status */
  run(args: readonly string[], output: Output): Promise<number>
}

/** A command line that is not valid: exit status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export type ArgumentOptions = NonNullable<ParseArgsConfig['options']>

/** Parses options and positional arguments. @throws UsageError for an unknown option or a missing value */
export function readArguments<const T extends ArgumentOptions>(args: readonly string[], options: T) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    // Without Node's advice about its own syntax; the word in quotes may be a URL with a password.
    const problem = message
      .replace(
        /argument is ambiguous\.\n.*$/s,
        "needs a value; for one that begins with a dash write --name=-value, for a file './-name'",
      )
      .replace(/\. (?:To specify|Did you).*$/s, '')
      .replace(/^[A-Z]/, (letter) => letter.toLowerCase())
      .replace(/'(.*)'/s, (_, word: string) => `'${displayName(word)}'`)
    throw new UsageError(`${problem}${habitOf(problem) ?? meantOption(problem, Object.keys(options))}`)
  }
}

/** `: did you mean '--verify'?`, for an unknown option. */
function meantOption(problem: string, options: readonly string[]): string {
  const [, option = ''] = /^unknown option '(-[^']+)'$/.exec(problem) ?? []
  const name = option.replace(/^-+/, '')
  const known = FOREIGN_OPTIONS.get(name)
  const meant =
    known !== undefined && options.includes(known)
      ? known
      : option.startsWith('--')
        ? nearest(name, [...options, 'help'])
        : undefined
  return meant === undefined ? '' : `: did you mean '--${meant}'?`
}

/** Options of curl that are no option here, and what to type instead. */
const HABITS: ReadonlyMap<string, string> = new Map([
  ['X', 'write vouch request METHOD URL, or vouch post URL'],
  ['request', 'write vouch request METHOD URL, or vouch post URL'],
  ['I', 'write vouch head URL'],
  ['head', 'write vouch head URL'],
  ['u', 'put user and password into ~/.netrc, or a header into a file: -H @FILE; others can read command lines'],
  ['user', 'put user and password into ~/.netrc, or a header into a file: -H @FILE; others can read command lines'],
  ['L', 'redirects are followed without it'],
  ['location', 'redirects are followed without it'],
  ['s', 'progress is shown on a terminal only'],
  ['silent', 'progress is shown on a terminal only'],
  ['O', 'name the file: -o FILE'],
  ['data-raw', 'write -d TEXT'],
  ['data-binary', 'write -d @FILE, which sends a file as it is'],
])

function habitOf(problem: string): string | undefined {
  const [, name = ''] = /^unknown option '--?([^']+)'/.exec(problem) ?? []
  const advice = HABITS.get(name)
  return advice && `: ${advice}`
}

/** Options of curl, wget, HTTPie and openssl, and ours for each. */
const FOREIGN_OPTIONS: ReadonlyMap<string, string> = new Map([
  ...['cacert', 'capath', 'ca-certificate', 'ca-directory', 'CAfile', 'CApath', 'ca'].map((name) => [name, 'verify']),
  ...['insecure', 'k', 'no-check-certificate'].map((name) => [name, 'no-verify']),
  ...['max-time', 'm', 'connect-timeout', 'T'].map((name) => [name, 'timeout']),
  ...['certificate', 'E'].map((name) => [name, 'cert']),
  ['private-key', 'key'],
  ['x', 'proxy'],
  ['noproxy', 'no-env'],
  ['out', 'output'],
  ['output-document', 'output'],
  ['force', 'overwrite'],
  ['json', 'data-json'],
  ['f', 'overwrite'],
] as [string, string][])

/** The only URL of a command, `https:` if it has no scheme. @throws UsageError for none or several */
export function readUrl([url, ...others]: readonly string[]): string {
  if (url === undefined || others.length > 0) throw new UsageError('name one URL')
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(url) ? url : `https://${url}`
}

/** The value of an option such as `--days`. @throws UsageError if it is not a number */
export function readNumber(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^-?\d+(?:\.\d+)?$/.test(text)) return Number(text)
  throw new UsageError(`--${option} must be a number, not '${displayName(text)}'`)
}

/** The first line of a file. There is no option for the passphrase itself: other users can read command lines. */
export function readPassphrase(file: string | undefined): string | undefined {
  if (file === undefined) return undefined
  try {
    return readLines(file)[0]
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' || /[\\/.]/.test(file)) throw error
    throw new UsageError('there is no such passphrase file; its name is not shown, as it may be the passphrase itself')
  }
}

/** The lines of a text file, of a pipe that the shell has opened, or of stdin (`-`). @throws FileError if it cannot be read, also for a FIFO */
export function readLines(file: string): string[] {
  try {
    const content = isStdin(file) || isDescriptor(file) ? readPipe(file, MAX_BYTES) : readRegularFile(file)
    return content.toString().split(/\r?\n/)
  } catch (error) {
    throw FileError.from('read', file, error)
  }
}

/** Whether a path is a descriptor that the caller has opened, such as the pipe of `<(…)`: it has a writer, so that reading it ends. */
export function isDescriptor(file: string): boolean {
  return DESCRIPTOR.test(file)
}

const DESCRIPTOR = /^\/(?:dev\/(?:stdin|fd\/\d+)|proc\/self\/fd\/\d+)$/

/** Of a pipe or a device, which have no size. */
const MAX_BYTES = 1024 * 1024

/** Of a text or a bundle that is passed as a pipe: more than any has, and less than the longest string. */
export const MAX_INPUT_BYTES: number = 256 * 1024 * 1024

/** Whether a path means stdin: `-`, or `/dev/stdin` where that cannot be opened, because a program has passed a socket as stdin. */
export function isStdin(path: string): boolean {
  return path === '-' || (STDIN.test(path) && fstatSync(0).isSocket())
}

const STDIN = /^\/(?:dev\/(?:stdin|fd\/0)|proc\/self\/fd\/0)$/

/** To be called before stdin is read. @throws UsageError the second time: there would be nothing left */
export function claimStdin(): void {
  if (isStdinClaimed) throw new UsageError('stdin can be read once: name it for one option')
  isStdinClaimed = true
}

let isStdinClaimed = false

/**
 * All of stdin, or of a pipe or file that the shell has opened (see {@link isDescriptor}).
 *
 * @throws UnusableFileError above `max` bytes, and the error of the file system
 */
export function readPipe(path: string, max: number): Buffer {
  if (!isStdin(path)) return readOpened(() => openSync(path, 'r'), max)
  claimStdin()
  return readBounded(0, max)
}

/** What the library is given for a file of certificates or keys: its path, or the content of what can be read only once. */
export function fileOrContent(path: string): string | Buffer {
  if (!isDescriptor(path)) return path
  try {
    return readPipe(path, MAX_INPUT_BYTES)
  } catch (error) {
    throw FileError.from('read', path, error)
  }
}

/**
 * The content of a pipe or a device, which may have no end.
 *
 * @throws UnusableFileError above `max` bytes
 */
function readBounded(descriptor: number, max: number): Buffer {
  const chunks: Buffer[] = []
  for (let length = 0; length <= max; ) {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
    const count = readWhenReady(descriptor, chunk)
    if (count === 0) return Buffer.concat(chunks)
    chunks.push(chunk.subarray(0, count))
    length += count
  }
  throw new UnusableFileError(`it is larger than ${max / 1024 / 1024} MiB`)
}

/**
 * Waits for the writer, as `readSync` does where the descriptor blocks. A pipe at stdin does not block: it is opened as
 * a stream by any module that imports `node:process`, as got does, because that reads all its properties.
 */
function readWhenReady(descriptor: number, chunk: Buffer): number {
  for (;;) {
    try {
      return readSync(descriptor, chunk)
    } catch (error) {
      if (codeOf(error) !== 'EAGAIN') throw error
      Atomics.wait(NEVER_NOTIFIED, 0, 0, POLL_MS)
    }
  }
}

const NEVER_NOTIFIED = new Int32Array(new SharedArrayBuffer(4))
const POLL_MS = 5

/** @throws UnusableFileError above `max` bytes, and the error of `open` */
export function readOpened(open: () => number, max: number): Buffer {
  const descriptor = open()
  try {
    return readBounded(descriptor, max)
  } finally {
    closeSync(descriptor)
  }
}

const CHUNK_BYTES = 65_536
