/** What a workload is: each file of `workloads/` exports one. */
import type { BenchServer } from './server.ts'

export interface Workload {
  /** As in `npm run bench P1`. */
  readonly id: string
  readonly title: string
  /** Only when it is asked for: it takes its time. */
  readonly onDemand?: boolean
  run(server: BenchServer): Promise<Outcome>
}

export interface Outcome {
  readonly columns: readonly string[]
  readonly rows: readonly Row[]
  readonly targets: readonly Target[]
}

/** A contender's figures, one for each column; `undefined` where it has none. */
export interface Row {
  readonly name: string
  readonly values: readonly (number | undefined)[]
}

/** A figure of several runs: the median, and how much it varies. */
export interface Spread {
  readonly value: number
  readonly least: number
  readonly most: number
}

/** What is promised of a figure. */
export interface Target extends Spread {
  readonly what: string
  readonly bound: 'at most' | 'at least'
  readonly limit: number
  readonly unit: string
}

export function holds({ value, bound, limit }: Target): boolean {
  return bound === 'at most' ? value <= limit : value >= limit
}

export function atMost(limit: number, unit: string, figure: number | Spread, what: string): Target {
  return { what, ...spread(figure), bound: 'at most', limit, unit }
}

export function atLeast(limit: number, unit: string, figure: number | Spread, what: string): Target {
  return { what, ...spread(figure), bound: 'at least', limit, unit }
}

function spread(figure: number | Spread): Spread {
  return typeof figure === 'number' ? { value: figure, least: figure, most: figure } : figure
}
