/** The progress of an upload or download, as callbacks receive it. */
import { isPromise } from 'node:util/types'

/** The progress of an upload or download, in bytes. `percent` runs from 0 to 1; `total` is `undefined` if the length is not known. */
export interface Progress {
  readonly transferred: number
  readonly total: number | undefined
  readonly percent: number
}

/**
 * Passes progress on to `callback` until it is complete: a `percent` of 1 is reported once.
 *
 * @param onRejection receives what a promise rejects with that an async `callback` returned: unhandled it would end the process
 */
export function progressReporter(
  callback: (progress: Progress) => unknown,
  onRejection: (error: unknown) => void,
): (progress: Progress) => void {
  let isComplete = false
  return (progress) => {
    if (isComplete) return
    isComplete = progress.percent === 1
    const returned = callback(progress)
    if (isPromise(returned)) returned.catch(onRejection)
  }
}
