/**
 * Runs the tests: all of them, or the files named on the command line; with `--coverage` it measures which lines of `src/`
 * they run (those of the processes that they start, too), and fails where that is not enough.
 *
 * The environment's own trust and proxy settings would decide what the tests see, and Node reads some of them only when
 * it starts, so they are removed here, before the runner starts.
 */
import { spawnSync } from 'node:child_process'
import { globSync, rmSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { cleanEnvironment, testEnvironment } from './clean-environment.ts'
import { COVERAGE_ARGUMENTS, TEST_ARGUMENTS } from './test-arguments.ts'

const { values, positionals } = parseArgs({ options: { coverage: { type: 'boolean' } }, allowPositionals: true })
const files =
  positionals.length > 0 ? positionals : globSync('test/**/*.test.ts', { exclude: ['**/node_modules/**'] }).sort()
const measuring = values.coverage ? COVERAGE_ARGUMENTS : []
// What earlier sources have left there.
if (positionals.length === 0) rmSync('build/compile-cache', { recursive: true, force: true })
const { status } = spawnSync(process.execPath, [...TEST_ARGUMENTS, ...measuring, ...files], {
  stdio: 'inherit',
  timeout: 1_800_000,
  // Code from a cache is counted less precisely (Node's documentation of `module.enableCompileCache`).
  env: values.coverage ? cleanEnvironment() : testEnvironment(),
})
process.exit(status ?? 1)
