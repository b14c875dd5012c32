/** The command `vouch`, run as a person would. */
import { globSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { moduleUrl } from '../helpers/modules.ts'
import { isLinux } from '../helpers/platform.ts'
import { type Ran, run } from '../helpers/processes.ts'
import { hasProgram } from '../helpers/programs.ts'
import { type TempDir, tempDir } from '../helpers/temp.ts'

/** The script: as it is built, which starts in half the time, unless the sources are newer or their coverage is measured. */
export const main = fileURLToPath(
  isBuilt() ? new URL('../../dist/cli/main.js', import.meta.url) : moduleUrl('cli/main'),
)

function isBuilt(): boolean {
  const root = new URL('../../', import.meta.url)
  const built = statSync(new URL('dist/cli/main.js', root), { throwIfNoEntry: false })?.mtimeMs ?? 0
  const sources = globSync('src/**/*.{ts,js}', { cwd: fileURLToPath(root) })
  return (
    process.env.NODE_V8_COVERAGE === undefined && sources.every((file) => statSync(new URL(file, root)).mtimeMs < built)
  )
}

/** Runs `vouch` in the directory, with the words of the line and, over the environment, these variables. */
export function vouch(dir: TempDir, line: string, env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  const words = line === '' ? [] : line.split(' ')
  return run(process.execPath, [main, ...words], { cwd: dir.path, env })
}

/** Runs a line of a shell in the directory, in which `vouch` is a command. Both outputs come as one, in `stdout`. */
export async function shell(dir: TempDir, line: string, env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  using bin = tempDir()
  bin.write('vouch', `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`, 0o755)
  const options = { cwd: dir.path, env: { ...env, PATH: `${bin.path}:${process.env.PATH}` } }
  return await run('sh', ['-c', `exec 2>&1\n${line}`], options)
}

/** For tests on a terminal, which `script` of util-linux makes. */
export const withTerminal = { skip: !(isLinux && hasProgram('script')) && 'no script of util-linux' }

/** A terminal that has colours, to a machine of which Node would say otherwise (`tty.WriteStream.getColorDepth`). */
const TERMINAL = {
  TERM: 'xterm',
  CI: undefined,
  NO_COLOR: undefined,
  NODE_DISABLE_COLORS: undefined,
  FORCE_COLOR: undefined,
}

/** Runs `vouch` on a terminal of 80 columns: what stands there then, lines ended by LF. */
export async function onTerminal(dir: TempDir, line: string, env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  // `script` prints what the terminal shows; its own file is not wanted.
  const ran = await shell(dir, `script -qefc 'stty cols 80; vouch ${line}' /dev/null </dev/null`, {
    ...TERMINAL,
    ...env,
  })
  return { ...ran, stdout: ran.stdout.replaceAll('\r\n', '\n') }
}
