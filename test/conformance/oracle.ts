/** Python requests as the judge of what is right: `requests-oracle.py`, asked all questions at once. */
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
  readonly python: readonly [major: number, minor: number]
  readonly requests: string
  readonly urllib3: string
  readonly openssl: string
}

export interface Answers {
  readonly versions: Versions
  readonly answers: readonly unknown[]
}

/** The Python to ask: `PYTHON` of the environment, else `python3`. */
export const PYTHON = process.env.PYTHON ?? 'python3'

/** Why requests cannot be asked on this machine, `false` when it can: for `skip` of a test. */
export function whyNoRequests(): string | false {
  const { status, error } = spawnSync(PYTHON, ['-c', 'import requests'])
  if (status === 0) return false
  return error ? `${PYTHON} cannot be run (${error.message})` : `${PYTHON} has no requests: pip install requests`
}

/** The answers, in the order of the questions. This process must not be blocked meanwhile: it runs the servers. */
export async function askRequests(questions: readonly Question[]): Promise<Answers> {
  const script = fileURLToPath(new URL('requests-oracle.py', import.meta.url))
  const child = spawn(PYTHON, [script], { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.end(JSON.stringify(questions))
  const [answer, [status]] = await Promise.all([text(child.stdout), once(child, 'close')])
  if (status !== 0) throw new Error(`requests-oracle.py failed (${status})`)
  return JSON.parse(answer)
}
