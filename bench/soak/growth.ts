/** Whether memory grows: a hundred looks at it, each after the garbage has been collected. */

interface Look {
  readonly heap: number
  readonly rss: number
}

export class Growth {
  readonly #looks: Look[] = []

  /** To be called often, with how much is done, from 0 to 1. */
  look(progress: number): void {
    if (progress * LOOKS < this.#looks.length + 1) return
    if (globalThis.gc === undefined) throw new Error('run it with --expose-gc')
    globalThis.gc()
    const { heapUsed, rss } = process.memoryUsage()
    this.#looks.push({ heap: heapUsed / 1e6, rss: rss / 1e6 })
  }

  /** What grew by more than chance. */
  problems(): string[] {
    return KINDS.flatMap(({ kind, factor, slack }) => {
      const [first, last] = this.#ends(kind)
      return last > first * factor + slack ? [`${kind} grows from ${first.toFixed(1)} to ${last.toFixed(1)} MB`] : []
    })
  }

  toString(): string {
    const ends = KINDS.map(
      ({ kind }) =>
        `${kind} ${this.#ends(kind)
          .map((size) => size.toFixed(1))
          .join(' → ')} MB`,
    )
    return `after collection, median of the second and of the last tenth: ${ends.join(', ')}`
  }

  /** The first tenth is for the caches to fill, and for V8 to compile. */
  #ends(kind: keyof Look): [first: number, last: number] {
    const sizes = this.#looks.map((look) => look[kind])
    return [median(sizes.slice(LOOKS / 10, LOOKS / 5)), median(sizes.slice(-LOOKS / 10))]
  }
}

const LOOKS = 100

/** MB; of the process's memory much is the allocator's business. */
const KINDS = [
  { kind: 'heap', factor: 1.1, slack: 2 },
  { kind: 'rss', factor: 1.15, slack: 16 },
] as const

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}
