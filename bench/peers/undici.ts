/** What undici's clients have in common: the dispatcher that trusts a bundle. */
import { readFileSync } from 'node:fs'
import { load } from './load.ts'

export interface Dispatcher {
  close(): Promise<void>
}

interface Options {
  readonly dispatcher: Dispatcher
}

interface Undici {
  Agent: new (options: { connect: { ca: Buffer }; pipelining?: number }) => Dispatcher
  request(url: string, options: Options): Promise<{ body: { json(): Promise<unknown> } }>
  fetch(url: string, options: Options): Promise<{ json(): Promise<unknown> }>
  /** Makes its fetch the global one. */
  install(): void
  setGlobalDispatcher(dispatcher: Dispatcher): void
}

export const { Agent, fetch, install, request, setGlobalDispatcher } = await load<Undici>('undici')

/** @param pipelining 0 for a connection per request */
export function dispatcherFor(ca: string, pipelining = 1): Dispatcher {
  return new Agent({ connect: { ca: readFileSync(ca) }, pipelining })
}

/** Asks with a dispatcher that lives as long as the call. */
export async function once(ca: string, ask: (dispatcher: Dispatcher) => Promise<unknown>): Promise<unknown> {
  const dispatcher = dispatcherFor(ca)
  try {
    return await ask(dispatcher)
  } finally {
    await dispatcher.close()
  }
}
