import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { cleanEnvironment } from '../scripts/clean-environment.ts'
import type { Sample, Way } from './client.ts'
import type { Row, Spread } from './workload.ts'

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
  'vouch tenants': 'clients/vouch-tenants.ts',
  'Python requests': 'clients/python-requests.py',
} as const

export type PlayerName = keyof typeof PLAYERS

/** A client at work in a process of its own: see player.ts. */
export class Contender {
  readonly name: PlayerName
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
  /** Requests of each client before the first round: for the compilers. */
  readonly warmUp: number
  readonly rounds: number
  /** In each round. */
  readonly requests: number
  readonly inFlight?: number
  /** How often all is done, each time in new processes: what the compilers make of a program differs. Default: 1. */
  readonly runs?: number
}

/** The medians of one or more competitions. */
export class Results {
  readonly #runs: readonly (readonly Contender[])[]

  constructor(runs: readonly (readonly Contender[])[]) {
    this.#runs = runs
  }

  get(player: PlayerName, kind: keyof Sample): number {
    return median(this.#each(player, kind))
  }

  /** How many times as much as `other` a client takes, in the same run. */
  ratio(player: PlayerName, other: PlayerName, kind: keyof Sample = 'cpu'): Spread {
    const others = this.#each(other, kind)
    const ratios = this.#each(player, kind).map((value, run) => value / (others[run] ?? Number.NaN))
    return { value: median(ratios), least: Math.min(...ratios), most: Math.max(...ratios) }
  }

  /** As {@link COLUMNS} say. */
  rows(): Row[] {
    const [players = []] = this.#runs
    const base = players[0]?.name
    return players.map(({ name }) => {
      const [cpu, wall, rss] = [this.get(name, 'cpu'), this.get(name, 'wall'), this.get(name, 'rss')]
      return { name, values: [cpu, wall, 1e6 / wall, rss, cpu / (base ? this.get(base, 'cpu') : Number.NaN)] }
    })
  }

  /** In each run. */
  #each(player: PlayerName, kind: keyof Sample): number[] {
    return this.#runs.map((run) => run.find(({ name }) => name === player)?.median(kind) ?? Number.NaN)
  }
}

/** Of {@link Results.rows}; the last is the ratio to the first contender. */
export const COLUMNS = ['CPU µs', 'wall µs', 'requests/s', 'MiB', '× the first']

/**
 * Lets clients run in turn, round by round, so that what the machine does meanwhile meets all of them alike; after as many requests of
 * each to warm up.
 */
export async function compete(players: readonly PlayerName[], effort: Effort): Promise<Results> {
  const runs: Contender[][] = []
  for (let run = 0; run < (effort.runs ?? 1); run++) runs.push(await competeOnce(players, effort))
  return new Results(runs)
}

async function competeOnce(players: readonly PlayerName[], effort: Effort): Promise<Contender[]> {
  const { way, url, ca, warmUp, rounds, requests, inFlight = 1 } = effort
  const present = players.filter((player) => player !== 'Python requests' || HAS_REQUESTS)
  const contenders = present.map((player) => new Contender(player, way, url, ca))
  try {
    for (const contender of contenders) await contender.run(warmUp, inFlight)
    for (let round = 0; round < rounds; round++) {
      for (const contender of contenders) contender.samples.push(await contender.run(requests, inFlight))
    }
    return contenders
  } finally {
    for (const contender of contenders) contender[Symbol.dispose]()
  }
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

/** Requests of a service that has just started, and of one that has run for a while. */
export const [COLD, WARM] = [300, 20_000]
const PLAYER = fileURLToPath(new URL('player.ts', import.meta.url))
/** The system's, whose requests is the one that a service there would have. */
const PYTHON = '/usr/bin/python3'
export const HAS_REQUESTS = spawnSync(PYTHON, ['-c', 'import requests']).status === 0
