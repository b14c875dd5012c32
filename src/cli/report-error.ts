/** Reports errors in terms of the command line, since the library's messages name options of functions. */
import { codeOf } from '../core/error-code.ts'
import { withoutPath } from '../core/file-error.ts'
import { shellPath, VOUCH } from '../core/shell.ts'
import { UsageError } from './command.ts'
import { exitStatusOf } from './exit-status.ts'
import { fail, hint, type Output, printJson } from './print.ts'

/**
 * Prints an error and its hints, with `--json` as JSON as well.
 *
 * @param help the command that prints the help, for wrong usage
 * @returns the exit status
 */
export function reportError(error: unknown, help: string, isJson: boolean, output: Output): number {
  const hints = [...hintsOf(error).map(inFlags), ...(error instanceof UsageError ? [help] : [])]
  const message = messageOf(error)
  fail(output, message)
  for (const each of hints) hint(output, each)
  if (isJson) {
    const { name, code, reason } = Object(error) as { name?: unknown; code?: unknown; reason?: unknown }
    const [first] = message.split('\n', 1)
    printJson(output, { error: { name, code, reason, message: first, hints } })
  }
  return exitStatusOf(error)
}

function messageOf(error: unknown): string {
  const hints = hintsOf(error)
  const [first = '', ...details] = textOf(error).split('\n')
  // The message of an SSLError contains its hints, a line each; they are printed separately.
  const others = details.filter((line) => !hints.some((each) => line.endsWith(`  ${each}`)))
  return inFlags([first, ...others].join('\n')).replace(OPTION_NAME, (name) => {
    return `--${OPTION_NAMES.get(name) ?? name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
  })
}

/** Node's own errors of the system have the path and the call in them: `ENOENT: no such file or directory, open 'x'`. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const isSystems = 'syscall' in error && error.message.startsWith(`${codeOf(error)}: `)
  return isSystems ? withoutPath(error).message.replace(/^[A-Z]+: (.*), \w+$/, '$1') : error.message
}

/** Options of a call at the beginning of a message. */
const OPTION_NAME =
  /^(?:certFile|keyFile|days|keyType|hash|commonName|organization|renewBefore|passphrase|servername|connectTo|proxies|timeout|verify)\b(?!: (?:pins|')|\()/

const OPTION_NAMES: ReadonlyMap<string, string> = new Map([
  ['certFile', 'cert'],
  ['keyFile', 'key'],
  ['passphrase', 'passphrase-file'],
  ['proxies', 'proxy'],
])

/** A text of the library with the flags of the command line in place of the options of a call. */
export function inFlags(text: string): string {
  return text
    .replaceAll(VOUCH, 'vouch')
    .replace(
      /\bverify: (?:'([^']+)'|CABundle\.default\(\)\.with\('([^']+)'\))/g,
      (given, ...[path, added]: string[]) => {
        const word = shellPath(path ?? added ?? '')
        return word === undefined ? given : `--verify ${word}`
      },
    )
    .replace("--verify ca.pem or CABundle.default().with('ca.pem')", '--verify ca.pem')
    .replace(/\bverify: \S+\(CABundle\.system\(\)\), or Node's (--use-system-ca)/, 'NODE_OPTIONS=$1')
    .replace(/\bverify: \S*CABundle\.system\(\)\)?/, 'NODE_OPTIONS=--use-system-ca, with --no-env and without --verify')
    .replace(
      'is in force, and overrides session.verify: pass verify with the call, or',
      'is in force: use --verify, or',
    )
    .replace('; until then use bundle.withIntermediates(…)', '')
    .replace("cert: ['client.crt', 'client.key']", '--cert client.crt --key client.key')
    .replace('cert: { pfx, passphrase }', '--passphrase-file FILE')
    .replace('pass `overwrite: true`', 'use --overwrite')
    .replace('pass its `passphrase`', 'use --passphrase-file')
    .replace(
      'verify of the call overrides it, trustEnv: false ignores it',
      '--verify overrides it, --no-env ignores it',
    )
    .replace('(verify of the call)', '(--verify)')
    .replace(/\binsecureHTTPParser\b(?:: true)?/, '--insecure-http-parser')
    .replace(': give a path, or null for both files to write none', ': give a path')
    .replace(' must be less than days (', ' must be less than --days (')
    .replace('and keyFile are the same', 'and --key are the same')
    .replace(/^verify: (pins|')/, '--verify: $1')
}

function hintsOf(error: unknown): readonly string[] {
  return typeof error === 'object' && error !== null && 'hints' in error && Array.isArray(error.hints)
    ? error.hints
    : []
}
