/** What Node's test runner is told, wherever the tests run. */
export const TEST_ARGUMENTS: readonly string[] = [
  '--test',
  '--test-reporter=spec',
  '--test-timeout=120000',
  // Node would leave one core alone; most tests wait for servers.
  '--test-concurrency=2',
]
