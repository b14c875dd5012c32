/** Errors about files: the message names the file without secrets; the absolute path is kept separately. */
import { fileURLToPath } from 'node:url'
import { getSystemErrorMap } from 'node:util'
import { displayName, mayBeSecret } from './credentials.ts'
import { codeOf } from './error-code.ts'

/**
 * The path of a `file:` URL.
 *
 * @throws TypeError without the text of the URL, which Node's own error has as a property
 */
export function pathOfFileUrl(url: URL): string {
  try {
    return fileURLToPath(url)
  } catch (error) {
    throw new TypeError(`a file: URL that names no file: ${(error as Error).message}`)
  }
}

/** What was tried with a file. */
export type FileAction = 'read' | 'write' | 'use'

/** An error about the file that the user has named, also if the system's error is about a temporary file beside it. */
export class FileError extends Error {
  /** The system's code, such as `EACCES`, or one of ours, such as `ERR_CERTIFICATE`. */
  readonly code: string
  /** As given, but for what may be a password or a key. */
  readonly path: string

  constructor(action: FileAction, code: string, path: string, why: string, cause?: unknown) {
    super(`cannot ${action} '${displayName(path)}': ${why}`, cause === undefined ? {} : { cause: withoutPath(cause) })
    this.code = code
    this.path = mayBeSecret(path) ? displayName(path) : path
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
  return systemText(error) ?? (error instanceof Error ? error.message : String(error))
}

/**
 * An error of the file system without the path, which Node puts into its message and a property: it may be a URL with a
 * password, passed as a path by mistake. An error without a code is not of the file system and returned as it is.
 */
export function withoutPath(error: unknown): Error {
  const code = codeOf(error)
  if (code === '') return error instanceof Error ? error : new Error('unknown error')
  const { errno, syscall } = error as NodeJS.ErrnoException
  const text = systemText(error)
  const message = text === undefined ? code : `${code}: ${text}, ${syscall}`
  return Object.assign(new Error(message), { code, ...(errno !== undefined && { errno, syscall }) })
}

/** The system's text for its error number; `undefined` if the error has none. */
function systemText(error: unknown): string | undefined {
  const { errno } = Object(error) as { readonly errno?: unknown }
  return typeof errno === 'number' ? getSystemErrorMap().get(errno)?.[1] : undefined
}

/** The same error, with the absolute path of the file that it is about, for {@link fileOf}. */
export function aboutFile<E extends Error>(error: E, path: string | undefined): E {
  if (path !== undefined) filesOfErrors.set(error, path)
  return error
}

/**
 * The absolute path of the file that an error is about, `undefined` if there is none. It is no property of the error: it may
 * be a URL with a password, passed as a path by mistake.
 */
export function fileOf(error: unknown): string | undefined {
  return filesOfErrors.get(Object(error))
}

const filesOfErrors = new WeakMap<object, string>()

/** Whether a code means that no file is, or can be, at this path: missing, below a file, with a NUL byte, too long. */
export function isMissingPathCode(code: string): boolean {
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ERR_INVALID_ARG_VALUE' || code === 'ENAMETOOLONG'
}
