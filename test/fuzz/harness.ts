/** Fuzzing within a budget of time: `FUZZ_SECONDS` for all targets together, or `RUNS` inputs for each. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RequestException } from '../../src/index.ts'
import { SEED, TIMEOUT } from '../helpers/random.ts'

/** Something that is given any input there can be. */
export interface Target {
  readonly name: string
  /** Tries what was found once, then new inputs; resolves to how many. */
  run(parameters: fc.Parameters<[unknown]>): Promise<number>
}

/**
 * @param check throws where the input does harm; how long it takes is looked at as well
 * @param found inputs that did harm once: always tried
 */
export function target<T>(
  name: string,
  inputs: fc.Arbitrary<T>,
  check: (input: T) => void | Promise<void>,
  found: readonly T[] = [],
): Target {
  return {
    name,
    async run(parameters) {
      let count = 0
      const property = fc.asyncProperty(inputs, async (input) => {
        count++
        const before = process.cpuUsage()
        await check(input)
        const { user, system } = process.cpuUsage(before)
        assert(user + system < MOST_CPU, `took ${(user + system) / 1e6} s of computing`)
      })
      await fc.assert(property, {
        ...(parameters as fc.Parameters<[T]>),
        examples: found.map((each): [T] => [each]),
      })
      return count
    },
  }
}

/** µs; of computing, which no other load of the machine adds to. No input here is larger than 100 KB. */
const MOST_CPU = 3e6

const { RUNS, FUZZ_SECONDS = '10' } = process.env

/**
 * A test for each target; they share the time.
 *
 * @param least ms that each has, for one input on a machine under load: an interruption before it fails
 */
export function fuzz(targets: readonly Target[], least = 0): void {
  const milliseconds = Math.max((Number(FUZZ_SECONDS) * 1000) / targets.length, least)
  const limits =
    RUNS === undefined ? { numRuns: 10_000_000, interruptAfterTimeLimit: milliseconds } : { numRuns: Number(RUNS) }
  for (const { name, run } of targets) {
    test(`no input does harm: ${name}`, TIMEOUT, async (t) => {
      const count = await run({ seed: SEED, ...limits })
      t.diagnostic(`inputs fuzzed: ${String(count).padStart(6)} ${name}`)
    })
  }
}

/** The result, or `undefined` for an error that users expect: of ours, or for a wrong argument. */
export function attempt<T>(action: () => T): T | undefined {
  try {
    return action()
  } catch (error) {
    assertExpected(error)
    return undefined
  }
}

/** In all inputs "secret" stands for a password, which no message may show. */
export function assertExpected(error: unknown): void {
  const isExpected = error instanceof RequestException || isArgumentError(error)
  if (!isExpected) throw new assert.AssertionError({ message: `not an error of ours: ${stackOf(error)}` })
  const { message } = error as Error
  // Behind the host of a URL it is none.
  const shown = /'(.*)'/s.exec(message)?.[1] ?? message.replace(/^[^:]*: /, '')
  if (URL.parse(shown)?.password === '') return
  assert.doesNotMatch(message, /secret/)
}

/** One that we have written: Node's own have a code, and the engine speaks in its own words. */
function isArgumentError(error: unknown): boolean {
  if (!(error instanceof TypeError || error instanceof RangeError)) return false
  return !('code' in error) && !ENGINE.test(error.message)
}

const ENGINE =
  /^(?:Cannot |Invalid |Reduce of|Method |Object prototype|Receiver |Illegal )|is not (?:a function|iterable|defined|a constructor|an object)|call stack/

function stackOf(error: unknown): string {
  return error instanceof Error ? String(error.stack) : String(error)
}
