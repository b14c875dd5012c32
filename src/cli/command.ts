/** What a command is, and how its arguments are read. */
import { readFileSync } from 'node:fs'
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { nearest } from '../core/options.ts'
import type { Output } from './print.ts'

/** A command of the command line. */
export interface Command {
  /** Its words, `'cert create'`. */
  readonly name: string
  /** One line for the list of commands. */
  readonly summary: string
  /** The help, whole: usage, options, examples. */
  readonly help: string
  /** @returns the exit status: 0 when all is well, 1 when not */
  run(args: readonly string[], output: Output): Promise<number>
}

/** A command line that cannot be understood: exit status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

type Options = NonNullable<ParseArgsConfig['options']>

/** Reads options and the words between them. @throws UsageError for an unknown option or one without its value */
export function readArguments<const T extends Options>(args: readonly string[], options: T) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    // Node goes on with advice about its own syntax.
    const problem = message.replace(/\. (?:To specify|Did you).*$/s, '').replace(/^[A-Z]/, (c) => c.toLowerCase())
    throw new UsageError(`${problem}${meantOption(problem, Object.keys(options))}`)
  }
}

/** `: did you mean '--verify'?`, for an option that there is not. */
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

/** What curl, wget, HTTPie and openssl call it. */
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
  ['f', 'overwrite'],
] as [string, string][])

/** The one URL of a command; one without a scheme is of an https server. @throws UsageError when there is none, or more */
export function readUrl([url, ...others]: readonly string[]): string {
  if (url === undefined || others.length > 0) throw new UsageError('name one URL')
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(url) ? url : `https://${url}`
}

/** The value of `--days` and the like. @throws UsageError when it is no number */
export function readNumber(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^-?\d+(?:\.\d+)?$/.test(text)) return Number(text)
  throw new UsageError(`--${option} must be a number, not '${text}'`)
}

/** Not an option itself: others on the machine can read command lines. */
export function readPassphrase(file: string | undefined): string | undefined {
  return file === undefined ? undefined : readFileSync(file, 'utf8').split(/\r?\n/, 1)[0]
}
