/** Work at the end of the current iteration of the event loop. */
import timers from 'node:timers'
import timersPromises from 'node:timers/promises'
import { promisify } from 'node:util'

/** Taken here, since a test may replace it later. */
const { setImmediate } = timers

/**
 * Calls back at the end of this iteration. `undefined` if a test framework had replaced Node's function before this file was loaded:
 * the replacement may never call back.
 */
export const atEndOfIteration: ((callback: () => void) => void) | undefined =
  promisify(setImmediate) === timersPromises.setImmediate ? (callback) => void setImmediate(callback) : undefined
