/**
 * Runs the tests: all of them, or the files named on the command line.
 *
 * The environment's own trust and proxy settings would decide what the tests see, and Node reads some of them only when
 * it starts, so they are removed here, before the runner starts.
 */
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { cleanEnvironment } from './clean-environment.ts'
import { TEST_ARGUMENTS } from './test-arguments.ts'

const named = process.argv.slice(2)
const files = named.length > 0 ? named : globSync('test/**/*.test.ts').sort()
const { status } = spawnSync(process.execPath, [...TEST_ARGUMENTS, ...files], {
  stdio: 'inherit',
  timeout: 600_000,
  env: cleanEnvironment(),
})
process.exit(status ?? 1)
