/** What random tests are run with: `SEED` repeats a run, `RUNS` and `FUZZ_SECONDS` lengthen it. */

const { SEED: seed, RUNS, FUZZ_SECONDS } = process.env

/** fast-check prints it when a property fails. */
export const SEED: number = seed === undefined ? (Math.random() * 2 ** 31) | 0 : Number(seed)

/** ms; a failure is made smaller for no longer than that, and reported. */
const MOST = 60_000

/** For `fc.assert`: so many runs, or as many as `RUNS` says, or as there is time for. */
export function runParameters(numRuns: number): { seed: number; numRuns: number; interruptAfterTimeLimit?: number } {
  if (RUNS !== undefined) return { seed: SEED, numRuns: Number(RUNS) }
  if (FUZZ_SECONDS === undefined) return { seed: SEED, numRuns, interruptAfterTimeLimit: MOST }
  return { seed: SEED, numRuns: 1_000_000, interruptAfterTimeLimit: Number(FUZZ_SECONDS) * 1000 }
}

/** For `test`: as long as was asked for, and the time that any test has; for `RUNS` as long as a timer can. */
export const TIMEOUT: { timeout: number } = {
  timeout: RUNS === undefined ? 120_000 + Number(FUZZ_SECONDS ?? 0) * 1000 : 2 ** 31 - 1,
}
