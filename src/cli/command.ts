/** What a command is, and how its arguments are read. */
import { type ParseArgsConfig, parseArgs } from 'node:util'
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
    throw new UsageError(message.replace(/\. (?:To specify|Did you).*$/s, '').replace(/^[A-Z]/, (c) => c.toLowerCase()))
  }
}

/** The value of `--days` and the like. @throws UsageError when it is no number */
export function readNumber(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^-?\d+(?:\.\d+)?$/.test(text)) return Number(text)
  throw new UsageError(`--${option} must be a number, not '${text}'`)
}
