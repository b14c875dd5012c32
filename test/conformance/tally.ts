/** How often each accepted difference was needed. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { Versions } from './oracle.ts'
import { wordsOf } from './record.ts'

export interface Accepted {
  readonly why: string
  /** The number in the project's list of differences, where it has one. */
  readonly id?: string
  /** The versions that it applies to; default: all. */
  readonly when?: (versions: Versions) => boolean
  /** Whether it may not show at all. */
  readonly optional?: boolean
}

export class Tally<D extends Accepted> {
  /** Those that apply to these versions. */
  readonly differences: readonly D[]
  readonly #versions: Versions
  readonly #times: Map<D, number>

  constructor(differences: readonly D[], versions: Versions) {
    this.differences = differences.filter(({ when }) => when?.(versions) ?? true)
    this.#versions = versions
    this.#times = new Map(this.differences.map((difference) => [difference, 0]))
  }

  count(difference: D): void {
    this.#times.set(difference, (this.#times.get(difference) ?? 0) + 1)
  }

  /** Reports the figures; fails if a difference is no longer needed. */
  report(t: TestContext, scenarios: number): void {
    const needed = [...this.#times].filter(([, times]) => times > 0)
    t.diagnostic(`scenarios compared: ${scenarios}, with ${wordsOf(this.#versions)}`)
    t.diagnostic(`accepted differences needed: ${needed.length}`)
    for (const [{ id, why }, times] of needed) t.diagnostic(`${times} × ${id === undefined ? '' : `${id}: `}${why}`)
    assert.deepEqual(
      [...this.#times].filter(([{ optional }, times]) => times === 0 && !optional).map(([{ id, why }]) => id ?? why),
      [],
      'differences that do not show: take them from the list',
    )
  }
}
