/** Starts the servers and asks for verdicts, through the public API. */
import { CABundleError, type Session, SSLError, type Verify } from '../../src/index.ts'
import { startHttpsServer, type TestServer } from '../helpers/servers.ts'
import type { ServerCase } from './servers.ts'

/** A running server and its URL by the host of its case. */
export interface Running {
  readonly server: ServerCase
  readonly url: string
}

/** All servers; they run until they are disposed. */
export interface RunningServers extends AsyncDisposable {
  readonly list: readonly Running[]
}

export async function startServers(servers: readonly ServerCase[]): Promise<RunningServers> {
  const started: TestServer[] = []
  const list: Running[] = []
  for (const server of servers) {
    const { key, sent, host, ciphers } = server
    const each = await startHttpsServer({
      key,
      cert: sent.join(''),
      host: host === '[::1]' ? '::1' : '127.0.0.1',
      handler: (_, response) => response.end('hello'),
      ...(ciphers === undefined ? {} : { ciphers }),
    })
    started.push(each)
    list.push({ server, url: `https://${host}:${each.port}/` })
  }
  return {
    list,
    async [Symbol.asyncDispose]() {
      await Promise.all(started.map((server) => server.close()))
    },
  }
}

/** `trusted`, the reason of the `SSLError`, or `bundle`; another error is the test's. */
export async function verdict(session: Session, url: string, verify: Verify): Promise<string> {
  try {
    const response = await session.get(url, { verify })
    if (response.text !== 'hello') throw new Error(`unexpected response: ${response.text}`)
    return 'trusted'
  } catch (error) {
    if (error instanceof CABundleError) return 'bundle'
    if (error instanceof SSLError) return error.reason
    throw error
  }
}

/** Runs `body` for all items, `width` at a time, in order of the items. */
export async function pooled<T, R>(items: readonly T[], width: number, body: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = new Array(items.length)
  let next = 0
  const worker = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) results[index] = await body(items[index] as T)
  }
  await Promise.all(Array.from({ length: width }, worker))
  return results
}

/** The same order each time, but none that groups servers or sources. */
export function shuffled<T>(items: readonly T[]): T[] {
  const result = [...items]
  let state = 42
  for (let index = result.length - 1; index > 0; index--) {
    // A linear congruential generator (Numerical Recipes' constants): enough to mix.
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    const other = state % (index + 1)
    ;[result[index], result[other]] = [result[other] as T, result[index] as T]
  }
  return result
}
