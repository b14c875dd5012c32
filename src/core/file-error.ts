/** Errors about a file that the user has named. */
import { getSystemErrorMap } from 'node:util'
import { displayName, mayHaveCredentials } from './credentials.ts'
import { codeOf } from './error-code.ts'

/** What was tried with a file. */
export type FileAction = 'read' | 'write' | 'use'

/** An error about the file that the user has named, also if the system's error is about a temporary file beside it. */
export class FileError extends Error {
  /** The system's code, such as `EACCES`, or one of ours, such as `ERR_CERTIFICATE`. */
  readonly code: string
  /** As given, but for what may be a password. */
  readonly path: string

  constructor(action: FileAction, code: string, path: string, why: string, cause?: unknown) {
    // The system's error names the path, too, so it is no cause of an error whose path has to be redacted.
    const isSecret = mayHaveCredentials(path)
    super(`cannot ${action} '${displayName(path)}': ${why}`, cause === undefined || isSecret ? {} : { cause })
    this.code = code
    this.path = isSecret ? displayName(path) : path
  }

  /** The same error if it is a FileError already. */
  static from(action: FileAction, path: string, error: unknown): FileError {
    return error instanceof FileError
      ? error
      : new FileError(action, codeOf(error) || 'EIO', path, reasonOf(error), error)
  }
}

/** "permission denied": Node's own message names the path, perhaps a temporary one. */
function reasonOf(error: unknown): string {
  const { errno } = Object(error) as { readonly errno?: unknown }
  const known = typeof errno === 'number' ? getSystemErrorMap().get(errno) : undefined
  return known?.[1] ?? (error instanceof Error ? error.message : String(error))
}
