/** Python requests as the judge of what is right, asked all questions of a suite at once. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

export type Question =
  | {
      readonly kind: 'get'
      readonly url: string
      readonly verify: string | boolean
      readonly cert?: readonly [cert: string, key: string]
    }
  | {
      readonly kind: 'settle'
      readonly how: 'request' | 'send'
      readonly trust_env: boolean
      readonly env: Readonly<Record<string, string>>
      readonly session: string | boolean | null
      /** `'omitted'`: not passed at all. */
      readonly call: string | boolean | null
    }

export interface Versions {
  readonly python: readonly [major: number, minor: number, micro: number]
  readonly requests: string
  readonly urllib3: string
  readonly openssl: string
}

export interface Answers<A = unknown> {
  readonly versions: Versions
  readonly answers: readonly A[]
}

/** The Python to ask: `PYTHON` of the environment, else `python3`. */
const PYTHON = process.env.PYTHON ?? 'python3'

/** Why requests cannot be asked on this machine, `false` when it can: for `skip` of a test. */
export function whyNoRequests(): string | false {
  const { status, error } = spawnSync(PYTHON, ['-c', 'import requests'])
  if (status === 0) return false
  return error ? `${PYTHON} cannot be run (${error.message})` : `${PYTHON} has no requests: pip install requests`
}

/** What a script beside this file answers, in the order of the questions. Meanwhile this process goes on: it runs servers. */
export async function askPython<A>(script: string, questions: unknown): Promise<Answers<A>> {
  const path = fileURLToPath(new URL(script, import.meta.url))
  // Compiled scripts would lie about in this directory.
  const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1' }
  const child = spawn(PYTHON, [path], { stdio: ['pipe', 'pipe', 'inherit'], timeout: 100_000, env })
  child.stdin.end(JSON.stringify(questions))
  const [output, [status]] = await Promise.all([text(child.stdout), once(child, 'close')])
  if (status !== 0) throw new Error(`${script} failed (${status})`)
  return JSON.parse(output)
}

/** Verdicts on trust, in the order of the questions. */
export function askRequests(questions: readonly Question[]): Promise<Answers> {
  return askPython('requests-oracle.py', questions)
}
