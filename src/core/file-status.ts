/**
 * The status of files that are checked at each request: requests that are sent in the same iteration of the event loop share it.
 *
 * A request waits for the end of the iteration in which it began, and is sent with all others that began in it. So a status is
 * never older than a request that uses it, and a file that was changed before the request counts.
 */
import { type Stats, statSync } from 'node:fs'
import timers from 'node:timers'

/** Taken before a test replaces it: with fake timers no request would be sent. */
const { setImmediate } = timers

let next: Promise<void> | undefined
let shared: Map<string, Stats> | undefined

/**
 * Resolves at the end of this iteration of the event loop. What runs at once after `await` shares each status with the others that
 * waited.
 */
export function endOfIteration(): Promise<void> {
  next ??= new Promise((resolve) => {
    setImmediate(() => {
      next = undefined
      shared = new Map()
      resolve()
      // After all that waited: they were queued by `resolve`, in the order in which they began.
      queueMicrotask(() => {
        shared = undefined
      })
    })
  })
  return next
}

/** The status of a file. @throws the file system's error */
export function statusOf(path: string): Stats {
  const known = shared?.get(path)
  if (known !== undefined) return known
  const status = statSync(path)
  shared?.set(path, status)
  return status
}
