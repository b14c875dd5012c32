/** The adapters of a session by URL prefix, with the default adapter for http and https. */
import { noAdapter } from '../http/url.ts'
import type { Adapter } from '../transport/adapter.ts'
import { HTTPAdapter } from '../transport/http-adapter.ts'

export class MountedAdapters {
  /** The longest prefix first. */
  #entries: (readonly [prefix: string, adapter: Adapter])[] = []

  /** @throws TypeError for a prefix that is not a string, or an adapter without `send` and `close` */
  mount(prefix: string, adapter: Adapter): void {
    if (typeof prefix !== 'string') throw new TypeError("the prefix of an adapter must be a string such as 'https://'")
    if (typeof adapter?.send !== 'function' || typeof adapter.close !== 'function') {
      throw new TypeError('an adapter is an object with the methods send and close')
    }
    const key = prefix.toLowerCase()
    const others = this.#entries.filter(([known]) => known !== key)
    this.#entries = [...others, [key, adapter] as const].sort(([a], [b]) => b.length - a.length)
  }

  /** @throws InvalidSchema if no adapter is mounted for the URL */
  get(url: string | URL): Adapter {
    const text = String(url).toLowerCase()
    const [scheme = ''] = /^https?:\/\//.exec(text) ?? []
    for (const [prefix, adapter] of this.#entries) {
      // A prefix shorter than 'https://' must not win over the default adapter, which is mounted lazily below.
      if (prefix.length >= scheme.length && text.startsWith(prefix)) return adapter
    }
    if (scheme === '') throw noAdapter(url)
    // One for both schemes, created on first use. A prefix for which the user mounted an adapter keeps it.
    const adapter = new HTTPAdapter()
    const mounted = new Set(this.#entries.map(([prefix]) => prefix))
    for (const prefix of ['https://', 'http://']) if (!mounted.has(prefix)) this.mount(prefix, adapter)
    return adapter
  }

  async close(): Promise<void> {
    await Promise.all(Array.from(new Set(this.#entries.map(([, adapter]) => adapter)), (adapter) => adapter.close()))
  }
}
