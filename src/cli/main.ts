#!/usr/bin/env node
/** The command `vouch`: selects a command, runs it, and reports its errors. */
import { displayName } from '../core/credentials.ts'
import { checkNodeVersion } from '../core/node-version.ts'
import { nearest } from '../core/options.ts'
import { VOUCH } from '../core/shell.ts'
import { type Command, UsageError } from './command.ts'
import { auditCommand } from './commands/audit.ts'
import { certCreate, certEnsure } from './commands/cert-create.ts'
import { certFetch } from './commands/cert-fetch.ts'
import { certShow } from './commands/cert-show.ts'
import { check } from './commands/check.ts'
import { get } from './commands/get.ts'
import { fail, hint, type Output, print, printJson, warning } from './print.ts'
import { version } from './version.ts'

const COMMANDS: readonly Command[] = [check, get, certCreate, certEnsure, certShow, certFetch, auditCommand]

/** Runs a command line, given without `node` and the script. @returns the exit status: 2 if the command line is not valid */
async function main(given: readonly string[], output: Output): Promise<number> {
  const args = given[0] === 'help' ? [...given.slice(1), '--help'] : given
  const command = COMMANDS.find(({ name }) => name.split(' ').every((word, index) => args[index] === word))
  const isHelp = args.some((arg) => arg === '--help' || arg === '-h')
  try {
    if (command === undefined) return general(args, isHelp, output)
    if (isHelp) {
      print(output, command.help)
      return 0
    }
    return await command.run(args.slice(command.name.split(' ').length), output)
  } catch (error) {
    const hints = hintsOf(error)
    fail(output, messageOf(error))
    for (const each of hints) hint(output, inFlags(each))
    if (!(error instanceof UsageError)) {
      if (args.includes('--json')) printJson(output, { error: describe(error) })
      return 1
    }
    hint(output, `vouch ${command === undefined ? '' : `${command.name} `}--help`)
    return 2
  }
}

function general(args: readonly string[], isHelp: boolean, output: Output): number {
  if (args[0] === '--version') {
    print(output, version())
    return 0
  }
  const words = args.filter((arg) => !arg.startsWith('-'))
  const known = COMMANDS.filter(({ name }) => words.every((word, index) => name.split(' ')[index] === word))
  if (known.length === 0) throw unknownCommand(words)
  if (!isHelp && words.length === 0 && args.length > 0) {
    const meant = nearest(args[0] ?? '', ['--help', '--version'])
    throw new UsageError(
      `there is no option '${displayName(args[0] ?? '')}'${meant === undefined ? '' : `: did you mean '${meant}'?`}`,
    )
  }
  const list = known.map(({ name, summary }) => `  vouch ${name.padEnd(12)}  ${summary}`).join('\n')
  const text = `Usage: vouch COMMAND …\n\n${list}\n\nvouch COMMAND --help explains a command, with examples. ${EXIT_STATUS}`
  if (isHelp) print(output, text)
  else output.stderr.write(`${text}\n`)
  return isHelp ? 0 : 2
}

const EXIT_STATUS = `--version prints the version.
The exit status is 0 for success, 1 for failure, 2 for a command line that is not valid.`

/** The error suggests the command that was probably meant. */
function unknownCommand([first = '', second = '']: readonly string[]): UsageError {
  const names = COMMANDS.map(({ name }) => name)
  const ofCert = names.filter((name) => name.startsWith('cert ')).map((name) => name.slice('cert '.length))
  const near = nearest(first, ['cert', ...names.filter((name) => !name.includes(' '))])
  // `vouch show cert.pem`, or `vouch cret shwo cert.pem`
  const inCert = ofCert.includes(first) ? first : near === 'cert' ? nearest(second, ofCert) : undefined
  const meant = inCert === undefined ? near : `cert ${inCert}`
  const given = near === 'cert' && second !== '' ? [first, second] : [first]
  const advice = meant === undefined || meant === first ? '' : `: did you mean '${meant}'?`
  return new UsageError(`there is no command '${given.map(displayName).join(' ')}'${advice}`)
}

/** The error for `--json`: programs branch on its name, code and reason. */
function describe(error: unknown): object {
  const { name, code, reason } = Object(error) as { name?: unknown; code?: unknown; reason?: unknown }
  const [message] = messageOf(error).split('\n', 1)
  return { name, code, reason, message, hints: hintsOf(error).map(inFlags) }
}

/** The message in terms of the command line: the library's messages name options of a call. */
function messageOf(error: unknown): string {
  const hints = hintsOf(error)
  const [first = '', ...details] = (error instanceof Error ? error.message : String(error)).split('\n')
  // The message of an SSLError contains its hints, a line each; they are printed separately here.
  const others = details.filter((line) => !hints.some((each) => line.endsWith(`  ${each}`)))
  return [first, ...others]
    .join('\n')
    .replace('pass `overwrite: true`', 'use --overwrite')
    .replace('pass its `passphrase`', 'use --passphrase-file')
    .replace(/^certFile\b/, '--cert')
    .replace(/^keyFile\b/, '--key')
    .replace(': give a path, or null for both files to write none', ': give a path')
    .replace(/^(?:days|keyType|hash|commonName|organization|renewBefore)\b/, (name) => {
      return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
    })
}

/** A hint with the flags of the command line in place of the options of a call. */
function inFlags(text: string): string {
  return text
    .replace(/\bverify: '([^']+)'/g, '--verify $1')
    .replaceAll(VOUCH, 'vouch')
    .replace("cert: ['client.crt', 'client.key']", '--cert client.crt --key client.key')
    .replace('cert: { pfx, passphrase }', '--passphrase-file FILE')
}

function hintsOf(error: unknown): readonly string[] {
  return typeof error === 'object' && error !== null && 'hints' in error && Array.isArray(error.hints)
    ? error.hints
    : []
}

checkNodeVersion()
// The reader of the output may close the pipe early: `vouch cert show … | head`.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
}
// Node's own listener prints warnings with `(node:PID)`.
process.removeAllListeners('warning')
process.on('warning', ({ message }) => warning(process, message))
// Not process.exit(), which would drop output that a pipe has not taken yet.
process.exitCode = await main(process.argv.slice(2), process)
