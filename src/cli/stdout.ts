/** Stdout as a stream that reports an error if a file was not written completely. */
import { fstatSync, writeSync } from 'node:fs'
import { Writable } from 'node:stream'
import { isatty } from 'node:tty'

/** Node's stdout; for a file or a device a stream in its place, since Node's own ignores that a disk takes a part only. */
export function openStdout(): NodeJS.WritableStream {
  return isFileOrDevice(STDOUT) ? new FileOutput() : process.stdout
}

function isFileOrDevice(descriptor: number): boolean {
  try {
    const status = fstatSync(descriptor)
    return status.isFile() || (status.isCharacterDevice() && !isatty(descriptor))
  } catch {
    return false
  }
}

class FileOutput extends Writable {
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    try {
      // The system reports a full disk for the first write that takes nothing.
      for (let at = 0; at < chunk.length; ) at += writeSync(STDOUT, chunk, at)
    } catch (error) {
      done(error as Error)
      return
    }
    done()
  }
}

const STDOUT = 1
