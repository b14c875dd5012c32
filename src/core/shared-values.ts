/** Values that are created once, and shared for as long as they are in use. */
import { LruMap } from './lru-map.ts'

/** A map that holds the `max` values used last itself; the others are collected with their last user. */
export class SharedValues<V extends object> {
  readonly #references = new Map<string, WeakRef<V>>()
  readonly #last: LruMap<string, V>
  readonly #collected = new FinalizationRegistry((key: string) => {
    // Another value may have been set in the meantime.
    if (this.#references.get(key)?.deref() === undefined) this.#references.delete(key)
  })

  constructor(max: number) {
    this.#last = new LruMap(max)
  }

  /** How many values are in memory. */
  get size(): number {
    return this.#references.size
  }

  get(key: string): V | undefined {
    const value = this.#references.get(key)?.deref()
    if (value !== undefined) this.#last.set(key, value)
    return value
  }

  set(key: string, value: V): void {
    this.#references.set(key, new WeakRef(value))
    this.#collected.register(value, key)
    this.#last.set(key, value)
  }
}
