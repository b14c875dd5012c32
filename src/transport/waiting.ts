/** Waiting for something other than the network, which the limits of a request end as well. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Timeout } from '../core/errors.ts'
import type { SendSettings } from './adapter.ts'

type Limits = Partial<Pick<SendSettings, 'signal' | 'deadline' | 'timeout'>>

/**
 * The result of `work`, unless the signal or the total limit comes first: `work` goes on then, and nobody hears of it.
 *
 * @throws Timeout at the deadline, the signal's reason when aborted
 */
export async function withinLimits<T>(work: Promise<T>, { signal, deadline, timeout }: Limits): Promise<T> {
  if (signal === undefined && deadline === undefined) return work
  return new Promise<T>((resolve, reject) => {
    const giveUp = (reason: unknown) => {
      stop()
      reject(reason)
    }
    const onAbort = () => giveUp(signal?.reason)
    const onDeadline = () => giveUp(new Timeout(`Request timed out. (total timeout=${timeout?.total} ms)`))
    const timer = deadline === undefined ? undefined : setTimeout(onDeadline, deadline - performance.now())
    const stop = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }
    work.finally(stop).then(resolve, reject)
    if (signal?.aborted) onAbort()
    else signal?.addEventListener('abort', onAbort)
  })
}

/**
 * Waits for `ms`, unless one of the signals is aborted.
 *
 * @throws the reason of the signal that was
 */
export async function pause(ms: number, signals: readonly (AbortSignal | undefined)[]): Promise<void> {
  const signal = AbortSignal.any(signals.filter((each) => each !== undefined))
  signal.throwIfAborted()
  try {
    await sleep(ms, undefined, { signal })
  } catch (error) {
    throw signal.aborted ? signal.reason : error
  }
}
