/** Starts the servers and asks for verdicts, through the public API. */
import { CABundleError, type Session, SSLError, type Verify } from '../../src/index.ts'
import { startHttpsServer, type TestServer } from '../helpers/servers.ts'
import type { ServerCase } from './servers.ts'

/** What a server needs to run. */
export interface Served {
  /** The host of its URL; `[::1]` is where it listens, too. */
  readonly host: string
  readonly sent: readonly string[]
  readonly key: string
  readonly ciphers?: string
}

/** A running server and its URL by the host of its case. */
export interface Running<S extends Served = ServerCase> {
  readonly server: S
  readonly url: string
  readonly port: number
}

/** All servers; they run until they are disposed. */
export interface RunningServers<S extends Served = ServerCase> extends AsyncDisposable {
  readonly list: readonly Running<S>[]
}

export async function startServers<S extends Served>(servers: readonly S[]): Promise<RunningServers<S>> {
  const started: TestServer[] = []
  const stop = async () => {
    await Promise.all(started.map((server) => server.close()))
  }
  try {
    for (const server of servers) started.push(await start(server))
  } catch (error) {
    await stop()
    throw error
  }
  const list = started.map(({ port }, index) => {
    const server = servers[index] as S
    return { server, url: `https://${server.host}:${port}/`, port }
  })
  return { list, [Symbol.asyncDispose]: stop }
}

function start(server: Served): Promise<TestServer> {
  const { key, sent, ciphers } = server
  return startHttpsServer({
    key,
    cert: sent.join(''),
    host: addressOf(server),
    handler: (_, response) => response.end('hello'),
    ...(ciphers === undefined ? {} : { ciphers }),
  })
}

/** Where a server listens. */
export function addressOf({ host }: Served): '127.0.0.1' | '::1' {
  return new URL(`https://${host}/`).hostname === '[::1]' ? '::1' : '127.0.0.1'
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
