/** Waiting with a signal or a deadline, for operations other than requests, which have limits of their own. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Timeout } from './errors.ts'

export interface Deadline {
  readonly signal?: AbortSignal | undefined
  /** The time of `performance.now()` at which the total limit is reached. */
  readonly deadline?: number | undefined
  /** For the error's message; ms. */
  readonly timeout?: { readonly total?: number | undefined } | undefined
}

/**
 * The result of `work`, unless the signal or the deadline comes first: `work` goes on then, and its outcome is dropped.
 *
 * @throws Timeout at the deadline, the signal's reason if it is aborted
 */
export async function withDeadline<T>(work: Promise<T>, { signal, deadline, timeout }: Deadline): Promise<T> {
  if (signal === undefined && deadline === undefined) return work
  return new Promise<T>((resolve, reject) => {
    const stop = onDeadline({ signal, deadline }, (reason) =>
      reject(reason ?? new Timeout(`Request timed out. (total timeout=${timeout?.total} ms)`)),
    )
    work.finally(stop).then(resolve, reject)
  })
}

/**
 * Calls `end` once: with the signal's reason if it is aborted, with nothing at the deadline.
 *
 * @param options `unref`: the timer does not keep the process running
 * @returns stops both
 */
export function onDeadline(
  { signal, deadline }: Pick<Deadline, 'signal' | 'deadline'>,
  end: (reason?: unknown) => void,
  { unref = false } = {},
): () => void {
  const stop = () => {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
  }
  const onAbort = () => {
    stop()
    end(signal?.reason)
  }
  const onTimeout = () => {
    stop()
    end()
  }
  const timer = deadline === undefined ? undefined : setTimeout(onTimeout, Math.max(1, deadline - performance.now()))
  if (unref) timer?.unref()
  if (signal?.aborted) queueMicrotask(onAbort)
  else signal?.addEventListener('abort', onAbort)
  return stop
}

/**
 * Waits for `ms`, unless one of the signals is aborted.
 *
 * @throws the reason of the signal that was
 */
export async function delay(ms: number, signals: readonly (AbortSignal | undefined)[]): Promise<void> {
  const signal = AbortSignal.any(signals.filter((each) => each !== undefined))
  signal.throwIfAborted()
  try {
    await sleep(ms, undefined, { signal })
  } catch (error) {
    throw signal.aborted ? signal.reason : error
  }
}
