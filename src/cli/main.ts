#!/usr/bin/env node
/** The command `vouch`: finds the command that is meant, runs it, and says what went wrong. */
import { readFileSync } from 'node:fs'
import { type Command, UsageError } from './command.ts'
import { certCreate, certEnsure } from './commands/cert-create.ts'
import { certFetch } from './commands/cert-fetch.ts'
import { certShow } from './commands/cert-show.ts'
import { check } from './commands/check.ts'
import { fail, hint, type Output, print, warning } from './print.ts'

const COMMANDS: readonly Command[] = [check, certCreate, certEnsure, certShow, certFetch]

/** Runs one command line, without `node` and the script. @returns the exit status: 2 for one that is not understood */
async function main(args: readonly string[], output: Output): Promise<number> {
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
    fail(output, messageOf(error))
    for (const each of hintsOf(error)) hint(output, each)
    if (!(error instanceof UsageError)) return 1
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
  if (known.length === 0) throw new UsageError(`there is no command '${words.join(' ')}'`)
  if (!isHelp && words.length === 0 && args.length > 0) throw new UsageError(`there is no option '${args[0]}'`)
  const list = known.map(({ name, summary }) => `  vouch ${name.padEnd(12)}  ${summary}`).join('\n')
  const text = `Usage: vouch COMMAND …\n\n${list}\n\nvouch COMMAND --help tells more of each, with examples.`
  if (isHelp) print(output, text)
  else output.stderr.write(`${text}\n`)
  return isHelp ? 0 : 2
}

function version(): string {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version
}

/** In words of the command line, where the library speaks of options of a call. */
function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return message
    .replace('pass `overwrite: true`', 'use --overwrite')
    .replace('pass its `passphrase`', 'use --passphrase-file')
    .replace(/^certFile\b/, '--cert')
    .replace(/^keyFile\b/, '--key')
    .replace(': give a path, or null for both files to write none', ': give a path')
    .replace(/^(?:days|keyType|hash|commonName|organization|renewBefore)\b/, (name) => {
      return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
    })
}

function hintsOf(error: unknown): readonly string[] {
  return typeof error === 'object' && error !== null && 'hints' in error && Array.isArray(error.hints)
    ? error.hints
    : []
}

// Who reads the output may have seen enough: `vouch cert show … | head`.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
}
// Node would print them with its own name and a process number.
process.removeAllListeners('warning')
process.on('warning', ({ message }) => warning(process, message))
// Set rather than exited with: what was written must reach a pipe.
process.exitCode = await main(process.argv.slice(2), process)
