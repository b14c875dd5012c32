/** What a benchmarked client is: a module of `clients/` or `peers/`, loaded by `player.ts` in a process of its own. */

/** Asks the server once, reads the answer and parses it. */
export type Ask = () => Promise<unknown>

/** Ways to ask; not every client has all of them. @param ca path of the bundle that is trusted */
export interface Client {
  /** Trust is prepared once, and connections are kept. */
  readonly keepAlive?: (url: string, ca: string) => Ask
  /** Trust is given with each call, and nothing is kept by the caller. */
  readonly perCall?: (url: string, ca: string) => Ask
  /** As {@link perCall}, in one session. */
  readonly inSession?: (url: string, ca: string) => Ask
  /** Trust is prepared once where the client can do that, and each request makes a connection. */
  readonly newConnections?: (url: string, ca: string) => Ask
}

export type Way = keyof Client

/** Of one run: µs per request, and the process's memory in MiB. */
export interface Sample {
  readonly cpu: number
  readonly wall: number
  readonly rss: number
}

/** Asks so often, so many at a time. */
export async function measure(ask: Ask, requests: number, inFlight: number): Promise<Sample> {
  const cpu = process.cpuUsage()
  const start = performance.now()
  let left = requests
  const work = async () => {
    while (left-- > 0) await ask()
  }
  await Promise.all(Array.from({ length: inFlight }, work))
  const wall = (performance.now() - start) * 1000
  const { user, system } = process.cpuUsage(cpu)
  return { cpu: (user + system) / requests, wall: wall / requests, rss: process.memoryUsage.rss() / 2 ** 20 }
}
