/** ky is a client on top of the global fetch: here undici's own, as in undici-fetch.ts. */
import type { Ask } from '../client.ts'
import { load } from './load.ts'
import { dispatcherFor, install, setGlobalDispatcher } from './undici.ts'

const { default: ky } = await load<{ default: (url: string) => { json(): Promise<unknown> } }>('ky')

export function keepAlive(url: string, ca: string): Ask {
  install()
  setGlobalDispatcher(dispatcherFor(ca))
  return () => ky(url).json()
}
