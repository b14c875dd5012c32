/**
 * Runs the tests: all of them, or the files named on the command line.
 *
 * The environment's own trust and proxy settings would decide what the tests see, and Node reads some of them only when
 * it starts, so they are removed here, before the runner starts.
 */
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'

const named = process.argv.slice(2)
const files = named.length > 0 ? named : globSync('test/**/*.test.ts').sort()
const { status } = spawnSync(process.execPath, ['--test', ...files], { stdio: 'inherit', env: testEnvironment() })
process.exit(status ?? 1)

function testEnvironment(): NodeJS.ProcessEnv {
  const env = { ...process.env }
  for (const name of Object.keys(env)) {
    if (SETTINGS.test(name)) delete env[name]
  }
  return env
}

const SETTINGS = /^(?:.*_CA_BUNDLE|SSL_CERT_.*|NODE_EXTRA_CA_CERTS|NODE_USE_.*|NODE_TLS_.*|.*_proxy|NETRC)$/i
