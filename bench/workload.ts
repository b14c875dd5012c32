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

/** What is promised of a figure. */
export interface Target {
  readonly what: string
  readonly value: number
  readonly bound: 'at most' | 'at least'
  readonly limit: number
  readonly unit: string
}

export function holds({ value, bound, limit }: Target): boolean {
  return bound === 'at most' ? value <= limit : value >= limit
}

export function atMost(limit: number, unit: string, value: number, what: string): Target {
  return { what, value, bound: 'at most', limit, unit }
}

export function atLeast(limit: number, unit: string, value: number, what: string): Target {
  return { what, value, bound: 'at least', limit, unit }
}
