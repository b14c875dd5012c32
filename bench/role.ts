/** A file that is a benchmark's workload plays its parts as well, each in a process of its own: `node FILE PART ARGUMENTS`. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { cleanEnvironment } from '../scripts/clean-environment.ts'

/** Starts a part. */
export function start(file: string, part: string, args: readonly string[], flags: readonly string[] = []) {
  return fork(new URL(file), [part, ...args], { stdio: 'inherit', env: cleanEnvironment(), execArgv: [...flags] })
}

/** Runs a part to its end, and returns its result. */
export async function play<T>(
  file: string,
  part: string,
  args: readonly string[],
  flags?: readonly string[],
): Promise<T> {
  const child = start(file, part, args, flags)
  const [message] = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(([code]) => {
      throw new Error(`${part} ended with ${code}`)
    }),
  ])
  return message
}

/** In a part: reports its result, and exits. */
export function tell(result: unknown): void {
  process.send?.(result, () => process.exit())
}
