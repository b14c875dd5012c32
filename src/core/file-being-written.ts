/** Files that another process is writing: if reading fails, it is retried for a short time. */
import { type Stats, statSync } from 'node:fs'
import { fileOf } from './file-error.ts'

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
  return status.size === 0 || Math.abs(Date.now() - changedAt(status)) < JUST_CHANGED_MS
}

/** When a file got its content, in ms since 1970: a rename into place changes ctime only. */
export function changedAt({ mtimeMs, ctimeMs }: Stats): number {
  return Math.max(mtimeMs, ctimeMs)
}

const JUST_CHANGED_MS = 1000

/** The status of a file; `undefined` if there is none for any reason: missing, not permitted, not a possible path. */
export function tryStat(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}
