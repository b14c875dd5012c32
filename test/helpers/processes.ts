/** Processes of their own: programs that exit, and scripts that run until the end of the scope. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'

/** What a program did. */
export interface Ran {
  /** `null`: it was killed. */
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly cwd?: string | undefined
  /** These variables besides those of this process; `undefined` removes one. */
  readonly env?: NodeJS.ProcessEnv | undefined
  /** A program that has not exited after so many ms is killed. Default: 60 s. */
  readonly limit?: number | undefined
}

export interface ScriptOptions extends RunOptions {
  /** For Node itself. */
  readonly flags?: readonly string[] | undefined
  /** What the script finds from `process.argv[1]` on. */
  readonly args?: readonly string[] | undefined
}

/** Runs a program without stdin until it exits. */
export async function run(
  program: string,
  args: readonly string[],
  { cwd, env, limit = 60_000 }: RunOptions = {},
): Promise<Ran> {
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: limit,
    killSignal: 'SIGKILL',
  })
  const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { status, stdout, stderr }
}

/** Runs a program without stdin, while everything else in this process waits. A program that is not there has no status. */
export function runSync(program: string, args: readonly string[], options: Omit<RunOptions, 'limit'> = {}): Ran {
  const env = { ...process.env, ...options.env }
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: options.cwd, env, encoding: 'utf8' })
  return { status, stdout, stderr }
}

/** Makes a FIFO, which Node cannot. */
export function makeFifo(path: string): void {
  assert.equal(runSync('mkfifo', [path]).status, 0)
}

/** Runs a program that must succeed, and returns what it printed. */
export async function outputOf(program: string, args: readonly string[], options?: RunOptions): Promise<string> {
  const { status, stdout, stderr } = await run(program, args, options)
  assert.equal(status, 0, `${program} exited with ${status}: ${stderr}`)
  return stdout
}

/** Runs the text of an ES module until it exits. */
export function runScript(script: string, options: ScriptOptions = {}): Promise<Ran> {
  return run(process.execPath, argumentsOf(script, options), options)
}

/** Runs the text of an ES module that must succeed, and returns what it printed. */
export function outputOfScript(script: string, options: ScriptOptions = {}): Promise<string> {
  return outputOf(process.execPath, argumentsOf(script, options), options)
}

function argumentsOf(script: string, { flags = [], args = [] }: ScriptOptions): string[] {
  return [...flags, '--input-type=module', '--eval', script, ...args]
}

export interface RunningScript extends AsyncDisposable {
  /** What it printed first. */
  readonly printed: string
}

/** Starts the text of an ES module, and waits until it prints something. It is killed at the end of the scope. */
export async function startScript(script: string, args: readonly string[] = []): Promise<RunningScript> {
  const child = spawn(process.execPath, argumentsOf(script, { args }), { stdio: ['ignore', 'pipe', 'inherit'] })
  const closed = once(child, 'close')
  const [printed] = await Promise.race([
    once(child.stdout, 'data'),
    closed.then(() => assert.fail('it printed nothing')),
  ])
  return {
    printed: String(printed).trim(),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await closed
    },
  }
}
