/** The content of what a command line names: files, pipes that the shell has opened, and stdin. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { codeOf } from '../core/error-code.ts'
import { FileError } from '../core/file-error.ts'
import { readRegularFile, UnusableFileError } from '../core/live-file.ts'
import { UsageError } from './command.ts'

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
