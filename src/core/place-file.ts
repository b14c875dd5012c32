/** The last step of an atomic write: the temporary file gets its final name. */
import { link, lstat, rename } from 'node:fs/promises'
import { codeOf, NO_LINKS } from './error-code.ts'

/**
 * Gives a temporary file, complete and in the same directory, its final name. Without `overwrite` the temporary name may
 * remain, for the caller to remove.
 *
 * @throws the system's error; `EEXIST` without `overwrite` if the path exists
 */
export async function placeFile(temporary: string, path: string, overwrite: boolean): Promise<void> {
  if (overwrite) return rename(temporary, path)
  // A link fails if the path exists, where a rename replaces: of two processes that create the same file, one gets EEXIST.
  await link(temporary, path).catch(async (error: unknown) => {
    if (!NO_LINKS.has(codeOf(error)) || (await exists(path))) throw error
    await rename(temporary, path)
  })
}

/** Whether there is anything at the path; true for a dangling symbolic link, too. */
export async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined
}
