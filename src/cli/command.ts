/** The type of a command, and parsers for its arguments. */
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { displayName } from '../core/credentials.ts'
import { nearest } from '../core/options.ts'
import type { Output } from './print.ts'

/** A command of the command line. */
export interface Command {
  /** Its words, `'cert create'`. */
  readonly name: string
  /** One line for the list of commands. */
  readonly summary: string
  /** The complete help: usage, options, examples. */
  readonly help: string
  /** What it takes, for the completion of shells. */
  readonly options: ArgumentOptions
  /** @returns the exit status */
  run(args: readonly string[], output: Output): Promise<number>
}

/** A command line that is not valid: exit status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export type ArgumentOptions = NonNullable<ParseArgsConfig['options']>

/** Parses options and positional arguments. @throws UsageError for an unknown option or a missing value */
export function readArguments<const T extends ArgumentOptions>(args: readonly string[], options: T) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    // Without Node's advice about its own syntax; the word in quotes may be a URL with a password.
    const problem = message
      .replace(
        /argument is ambiguous\.\n.*$/s,
        "needs a value; for one that begins with a dash write --name=-value, for a file './-name'",
      )
      .replace(/\. (?:To specify|Did you).*$/s, '')
      .replace(/^[A-Z]/, (letter) => letter.toLowerCase())
      .replace(/'(.*)'/s, (_, word: string) => `'${displayName(word)}'`)
    throw new UsageError(`${problem}${habitOf(problem) ?? meantOption(problem, Object.keys(options))}`)
  }
}

/** `: did you mean '--verify'?`, for an unknown option. */
function meantOption(problem: string, options: readonly string[]): string {
  const [, option = ''] = /^unknown option '(-[^']+)'$/.exec(problem) ?? []
  const name = option.replace(/^-+/, '')
  const known = FOREIGN_OPTIONS.get(name)
  const meant =
    known !== undefined && options.includes(known)
      ? known
      : option.startsWith('--')
        ? nearest(name, [...options, 'help'])
        : undefined
  return meant === undefined ? '' : `: did you mean '--${meant}'?`
}

/** Options of curl that are no option here, and what to type instead. */
const HABITS: ReadonlyMap<string, string> = new Map([
  ['X', 'write vouch request METHOD URL, or vouch post URL'],
  ['request', 'write vouch request METHOD URL, or vouch post URL'],
  ['I', 'write vouch head URL'],
  ['head', 'write vouch head URL'],
  ['u', 'put user and password into ~/.netrc, or a header into a file: -H @FILE; others can read command lines'],
  ['user', 'put user and password into ~/.netrc, or a header into a file: -H @FILE; others can read command lines'],
  ['L', 'redirects are followed without it'],
  ['location', 'redirects are followed without it'],
  ['s', 'progress is shown on a terminal only'],
  ['silent', 'progress is shown on a terminal only'],
  ['O', 'name the file: -o FILE'],
  ['data-raw', 'write -d TEXT'],
  ['data-binary', 'write -d @FILE, which sends a file as it is'],
])

function habitOf(problem: string): string | undefined {
  const [, name = ''] = /^unknown option '--?([^']+)'/.exec(problem) ?? []
  const advice = HABITS.get(name)
  return advice && `: ${advice}`
}

/** Options of curl, wget, HTTPie and openssl, and ours for each. */
const FOREIGN_OPTIONS: ReadonlyMap<string, string> = new Map([
  ...['cacert', 'capath', 'ca-certificate', 'ca-directory', 'CAfile', 'CApath', 'ca'].map((name) => [name, 'verify']),
  ...['insecure', 'k', 'no-check-certificate'].map((name) => [name, 'no-verify']),
  ...['max-time', 'm', 'connect-timeout', 'T'].map((name) => [name, 'timeout']),
  ...['certificate', 'E'].map((name) => [name, 'cert']),
  ['private-key', 'key'],
  ['x', 'proxy'],
  ['noproxy', 'no-env'],
  ['out', 'output'],
  ['output-document', 'output'],
  ['force', 'overwrite'],
  ['json', 'data-json'],
  ['f', 'overwrite'],
] as [string, string][])

/** The only URL of a command, `https:` if it has no scheme. @throws UsageError for none or several */
export function readUrl([url, ...others]: readonly string[]): string {
  if (url === undefined || others.length > 0) throw new UsageError('name one URL')
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(url) ? url : `https://${url}`
}

/** The value of an option such as `--days`. @throws UsageError if it is not a number */
export function readNumber(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^-?\d+(?:\.\d+)?$/.test(text)) return Number(text)
  throw new UsageError(`--${option} must be a number, not '${displayName(text)}'`)
}
