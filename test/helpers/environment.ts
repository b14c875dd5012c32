/**
 * Import this first in a test file: the tests then see no proxy and no trust of the machine they run on, and a process
 * warning that no test expected fails the test.
 */
import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'

const VARIABLES = [
  'REQUESTS_CA_BUNDLE',
  'CURL_CA_BUNDLE',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'NODE_EXTRA_CA_CERTS',
  'NODE_TLS_REJECT_UNAUTHORIZED',
  'NODE_USE_ENV_PROXY',
  'NODE_USE_SYSTEM_CA',
  ...['http_proxy', 'https_proxy', 'all_proxy', 'no_proxy', 'ws_proxy', 'wss_proxy', 'ftp_proxy'].flatMap((name) => [
    name,
    name.toUpperCase(),
  ]),
]

/** Removes every proxy and trust variable from `process.env`. Done once by importing this module. */
export function cleanEnvironment(): void {
  for (const name of VARIABLES) delete process.env[name]
  // Empty: no netrc file at all. Not set, it would be the one in the home directory.
  process.env.NETRC = ''
}

/** A warning's name and, for those of `process.emitWarning`, its code and detail. */
export interface ProcessWarning extends Error {
  code?: string
  detail?: string
}

interface Expectation {
  names: readonly string[]
  seen: ProcessWarning[]
}

const expectations: Expectation[] = []

/**
 * Runs `body`, during which process warnings of these names may come, and must: each at least once. Returns them in
 * order, for the test to count and to read.
 */
export async function expectWarnings(
  names: string | readonly string[],
  body: () => unknown,
): Promise<ProcessWarning[]> {
  const expectation: Expectation = { names: typeof names === 'string' ? [names] : names, seen: [] }
  expectations.push(expectation)
  try {
    await body()
    // A warning is emitted a tick after it is raised.
    await setImmediate()
  } finally {
    expectations.splice(expectations.indexOf(expectation), 1)
  }
  for (const name of expectation.names) {
    assert(
      expectation.seen.some((warning) => warning.name === name),
      `expected a ${name}, saw ${expectation.seen.map(String).join(', ') || 'none'}`,
    )
  }
  return expectation.seen
}

/** Runs `body` with these environment variables (undefined: without them), and puts back what was there. */
export async function withEnv<T>(
  variables: Readonly<Record<string, string | undefined>>,
  body: () => T | Promise<T>,
): Promise<T> {
  const before = Object.fromEntries(Object.keys(variables).map((name) => [name, process.env[name]]))
  setAll(variables)
  try {
    return await body()
  } finally {
    setAll(before)
  }
}

function setAll(variables: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(variables)) {
    // An assignment would make it the text 'undefined'.
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
  }
}

function onWarning(warning: ProcessWarning): void {
  // Node's own, about its own parts: type stripping on Node 22.
  if (warning.name === 'ExperimentalWarning') return
  const expectation = expectations.findLast(({ names }) => names.includes(warning.name))
  if (!expectation)
    throw new Error(`unexpected process warning: ${warning.name}: ${warning.message}`, { cause: warning })
  expectation.seen.push(warning)
}

cleanEnvironment()
// Node's own listener prints each warning; here they are either asserted or an error.
process.removeAllListeners('warning')
process.on('warning', onWarning)
