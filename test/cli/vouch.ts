/** The command `vouch`, run as a person would. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { moduleUrl } from '../helpers/modules.ts'
import type { TempDir } from '../helpers/temp.ts'

/** What a command did. */
export interface Ran {
  status: number
  stdout: string
  stderr: string
}

/** The script. */
export const main = fileURLToPath(moduleUrl('cli/main'))

/** Runs `vouch` in the directory, with the words of the line and, over the environment, these variables. */
export async function vouch(dir: TempDir, line: string, env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  const words = line === '' ? [] : line.split(' ')
  const child = spawn(process.execPath, [main, ...words], {
    cwd: dir.path,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
  const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { status, stdout, stderr }
}
