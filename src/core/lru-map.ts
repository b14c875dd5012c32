/** A map of at most `max` entries that evicts the least recently used one: every cache is bounded. */
export class LruMap<K, V> {
  readonly #map = new Map<K, V>()
  readonly #max: number
  readonly #onEvict: ((value: V, key: K) => void) | undefined
  /** The newest entry's key: usually the next one to be read. */
  #newest: K | undefined

  constructor(max: number, onEvict?: (value: V, key: K) => void) {
    this.#max = max
    this.#onEvict = onEvict
  }

  get size(): number {
    return this.#map.size
  }

  /** The value, which counts as used now. */
  get(key: K): V | undefined {
    const value = this.#map.get(key)
    // A map remembers the order of insertion, so inserting again makes the entry the newest.
    if (value !== undefined && key !== this.#newest) {
      this.#map.delete(key)
      this.#map.set(key, value)
      this.#newest = key
    }
    return value
  }

  set(key: K, value: V): void {
    this.#map.delete(key)
    this.#map.set(key, value)
    this.#newest = key
    if (this.#map.size <= this.#max) return
    const [oldest] = this.#map
    if (oldest === undefined) return
    this.#map.delete(oldest[0])
    this.#onEvict?.(oldest[1], oldest[0])
  }

  delete(key: K): boolean {
    return this.#map.delete(key)
  }

  clear(): void {
    this.#map.clear()
  }

  values(): MapIterator<V> {
    return this.#map.values()
  }

  entries(): MapIterator<[K, V]> {
    return this.#map.entries()
  }
}
