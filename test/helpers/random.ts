/** What random tests are run with: `SEED` repeats a run, `RUNS` and `FUZZ_SECONDS` lengthen it. */

const { SEED: seed, RUNS, FUZZ_SECONDS } = process.env

/** fast-check prints it when a property fails. */
export const SEED: number = seed === undefined ? (Math.random() * 2 ** 31) | 0 : Number(seed)

/** ms; a failure is made smaller for no longer than that, and reported. */
const MOST = 60_000

/**
 * For `fc.assert`: so many runs, or as many as `RUNS` says, or as there is time for.
 *
 * @param least ms for at least one run on a machine under load: an interruption before it fails
 */
export function runParameters(
  numRuns: number,
  least = 0,
): { seed: number; numRuns: number; interruptAfterTimeLimit?: number } {
  if (RUNS !== undefined) return { seed: SEED, numRuns: Number(RUNS) }
  if (FUZZ_SECONDS === undefined) return { seed: SEED, numRuns, interruptAfterTimeLimit: MOST }
  return { seed: SEED, numRuns: 1_000_000, interruptAfterTimeLimit: Math.max(Number(FUZZ_SECONDS) * 1000, least) }
}

/** For `test`: as long as was asked for, and the time that any test has; for `RUNS` as long as a timer can. */
export const TIMEOUT: { timeout: number } = {
  timeout: RUNS === undefined ? 120_000 + Number(FUZZ_SECONDS ?? 0) * 1000 : 2 ** 31 - 1,
}
