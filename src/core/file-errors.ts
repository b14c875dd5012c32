/** Errors about files: which file each is about, without its path in the message, and retrying while one is being written. */
import { type Stats, statSync } from 'node:fs'
import { getSystemErrorMap } from 'node:util'
import { codeOf } from './error-code.ts'

/**
 * Runs `load`, and runs it again for a short while if it fails on a file that was changed a moment ago.
 *
 * Many tools rewrite a file in place: for some milliseconds it is empty or incomplete. A request in that moment must
 * neither fail nor trust half of the file. A file that stays broken is reported after {@link RETRY_FOR_MS}; an error about
 * a missing file, or about none (see {@link fileOf}), at once.
 */
export async function retryWhileBeingWritten<T>(load: () => T): Promise<T> {
  for (let waitedMs = 0; ; waitedMs += RETRY_STEP_MS) {
    try {
      return load()
    } catch (error) {
      const path = fileOf(error)
      if (path === undefined || waitedMs >= RETRY_FOR_MS || !isBeingWritten(path)) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_STEP_MS))
  }
}

const RETRY_FOR_MS = 200
const RETRY_STEP_MS = 10

function isBeingWritten(path: string): boolean {
  const status = tryStat(path)
  if (status === undefined) return false
  // ext4 truncates a file before it updates its times: under load, more than 10 ms passed in between.
  return status.size === 0 || Math.abs(Date.now() - status.mtimeMs) < RETRY_FOR_MS
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

/** The status of a file; `undefined` if there is none for any reason: missing, not permitted, not a possible path. */
export function tryStat(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}

/**
 * An error of the file system without the path, which Node puts into its message and a property: it may be a URL with a
 * password, passed as a path by mistake. An error without a code is not of the file system and returned as it is.
 */
export function withoutPath(error: unknown): Error {
  const code = codeOf(error)
  if (code === '') return error instanceof Error ? error : new Error('unknown error')
  const { errno, syscall } = error as NodeJS.ErrnoException
  const [, text] = (errno !== undefined && getSystemErrorMap().get(errno)) || []
  const message = text === undefined ? code : `${code}: ${text}, ${syscall}`
  return Object.assign(new Error(message), { code, ...(errno !== undefined && { errno, syscall }) })
}
