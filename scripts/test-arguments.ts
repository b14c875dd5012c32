/** The arguments of Node's test runner, wherever the tests run. */
export const TEST_ARGUMENTS: readonly string[] = [
  '--test',
  '--test-reporter=spec',
  '--test-timeout=300000',
  // Node would leave one core alone; most tests wait for servers.
  '--test-concurrency=2',
]

/** Further ones, to measure coverage; the first reporter prints the table, the second judges it. */
export const COVERAGE_ARGUMENTS: readonly string[] = [
  '--experimental-test-coverage',
  '--test-coverage-include=src/**',
  '--test-reporter-destination=stdout',
  '--test-reporter=./scripts/coverage-reporter.ts',
  '--test-reporter-destination=stderr',
]
