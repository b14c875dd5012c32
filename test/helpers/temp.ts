/** Temporary directories that are gone at the end of the scope. */
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

export interface TempDir extends Disposable {
  /** The directory's real path. */
  readonly path: string
  /** The path of a name in it. */
  join(...names: string[]): string
  /** Writes a file (and the directories above it); returns its path. */
  write(name: string, content: string | Uint8Array, mode?: number): string
}

/** A new directory: `using dir = tempDir()`. */
export function tempDir(): TempDir {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'vouch-test-')))
  return {
    path,
    join: (...names) => join(path, ...names),
    write(name, content, mode) {
      const file = join(path, name)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, content)
      if (mode !== undefined) chmodSync(file, mode)
      return file
    },
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  }
}
