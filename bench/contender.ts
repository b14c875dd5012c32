import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { cleanEnvironment } from '../scripts/clean-environment.ts'
import type { Sample, Way } from './client.ts'
import type { Row } from './workload.ts'

/** The clients by name, each with the module that plays it. */
const PLAYERS = {
  'node:https': 'clients/node-https.ts',
  'undici request': 'peers/undici-request.ts',
  'undici fetch': 'peers/undici-fetch.ts',
  axios: 'peers/axios.ts',
  'node-fetch': 'peers/node-fetch.ts',
  ky: 'peers/ky.ts',
  got: 'clients/got.ts',
  vouch: 'clients/vouch.ts',
  'vouch fetch': 'clients/vouch-fetch.ts',
  'Python requests': 'clients/python-requests.py',
} as const

export type PlayerName = keyof typeof PLAYERS

/** A client at work in a process of its own: see player.ts. */
export class Contender {
  readonly name: string
  /** Of all runs but the warm-up. */
  readonly samples: Sample[] = []
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>

  constructor(player: PlayerName, way: Way, url: string, ca: string) {
    this.name = player
    const path = fileURLToPath(new URL(PLAYERS[player], import.meta.url))
    const [program, ...args] = path.endsWith('.py') ? [PYTHON, path] : [process.execPath, PLAYER, path]
    const child = spawn(program, [...args, way, url, ca], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: cleanEnvironment(),
    })
    this.#child = child
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  }

  /** Asks so often. */
  async run(requests: number, inFlight: number): Promise<Sample> {
    this.#child.stdin?.write(`${JSON.stringify({ requests, inFlight })}\n`)
    const line = await this.#lines.next()
    if (line.done) throw new Error(`${this.name} ended early`)
    return JSON.parse(line.value)
  }

  median(kind: keyof Sample): number {
    return median(this.samples.map((sample) => sample[kind]))
  }

  [Symbol.dispose](): void {
    this.#child.kill()
  }
}

interface Effort {
  readonly way: Way
  readonly url: string
  readonly ca: string
  readonly rounds: number
  /** In each round. */
  readonly requests: number
  readonly inFlight?: number
}

/** The medians of a competition. */
export class Results {
  readonly #contenders: readonly Contender[]

  constructor(contenders: readonly Contender[]) {
    this.#contenders = contenders
  }

  get(player: PlayerName, kind: keyof Sample): number {
    return this.#contenders.find(({ name }) => name === player)?.median(kind) ?? Number.NaN
  }

  /** How many times as much as `other` a client takes. */
  ratio(player: PlayerName, other: PlayerName, kind: keyof Sample = 'cpu'): number {
    return this.get(player, kind) / this.get(other, kind)
  }

  /** As {@link COLUMNS} say. */
  rows(): Row[] {
    const [base] = this.#contenders
    return this.#contenders.map((each) => {
      const [cpu, wall, rss] = [each.median('cpu'), each.median('wall'), each.median('rss')]
      return { name: each.name, values: [cpu, wall, 1e6 / wall, rss, cpu / (base?.median('cpu') ?? Number.NaN)] }
    })
  }
}

/** Of {@link Results.rows}; the last is the ratio to the first contender. */
export const COLUMNS = ['CPU µs', 'wall µs', 'requests/s', 'MiB', '× the first']

/**
 * Lets clients run in turn, round by round, so that what the machine does meanwhile meets all of them alike; after a warm-up,
 * for the compilers.
 */
export async function compete(players: readonly PlayerName[], effort: Effort): Promise<Results> {
  const { way, url, ca, rounds, requests, inFlight = 1 } = effort
  const present = players.filter((player) => player !== 'Python requests' || HAS_REQUESTS)
  const contenders = present.map((player) => new Contender(player, way, url, ca))
  try {
    for (const contender of contenders) {
      for (const start = performance.now(); performance.now() - start < WARM_UP; )
        await contender.run(requests, inFlight)
    }
    for (let round = 0; round < rounds; round++) {
      for (const contender of contenders) contender.samples.push(await contender.run(requests, inFlight))
    }
    return new Results(contenders)
  } finally {
    for (const contender of contenders) contender[Symbol.dispose]()
  }
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

/** ms for each client; some ten thousand requests. */
const WARM_UP = 2500
const PLAYER = fileURLToPath(new URL('player.ts', import.meta.url))
/** The system's, whose requests is the one that a service there would have. */
const PYTHON = '/usr/bin/python3'
export const HAS_REQUESTS = spawnSync(PYTHON, ['-c', 'import requests']).status === 0
