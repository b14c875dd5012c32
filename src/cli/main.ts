#!/usr/bin/env node
/** The command `vouch`: selects a command, runs it, and reports its errors. */
import { displayName } from '../core/credentials.ts'
import { FileError } from '../core/file-error.ts'
import { checkNodeVersion } from '../core/node-version.ts'
import { nearest } from '../core/options.ts'
import { type Command, UsageError } from './command.ts'
import { auditCommand } from './commands/audit.ts'
import { caCreate, caIssue, caIssueClient } from './commands/ca.ts'
import { caTrust, caUntrust } from './commands/ca-trust.ts'
import { certCreate, certEnsure } from './commands/cert-create.ts'
import { certFetch } from './commands/cert-fetch.ts'
import { certShow } from './commands/cert-show.ts'
import { check } from './commands/check.ts'
import { completion } from './commands/completion.ts'
import { get, head, patch, post, put, remove, request } from './commands/request.ts'
import { EXIT } from './exit-status.ts'
import { type Output, print, warning } from './print.ts'
import { reportError } from './report-error.ts'
import { openStdout } from './stdout.ts'
import { version } from './version.ts'
import { isTerminal, reflow, wrapFor } from './wrap.ts'

const COMMANDS: readonly Command[] = [
  ...[check, get, head, post, put, patch, remove, request],
  ...[certCreate, certEnsure, certShow, certFetch],
  ...[caCreate, caIssue, caIssueClient, caTrust, caUntrust, auditCommand],
  completion(() => COMMANDS),
]

/** Runs a command line, given without `node` and the script. @returns the exit status: 2 if the command line is not valid */
async function main(given: readonly string[], output: Output): Promise<number> {
  const args = given[0] === 'help' ? [...given.slice(1), '--help'] : given
  const command = COMMANDS.find(({ name }) => name.split(' ').every((word, index) => args[index] === word))
  const isHelp = args.some((arg) => arg === '--help' || arg === '-h') && !args.includes('--')
  try {
    if (command === undefined) return general(args, isHelp, output)
    if (isHelp) {
      printHelp(output, command.help)
      return 0
    }
    return await command.run(args.slice(command.name.split(' ').length), output)
  } catch (error) {
    const help = `vouch ${command === undefined ? '' : `${command.name} `}--help`
    return reportError(error, help, args.includes('--json'), output)
  }
}

function printHelp(output: Output, text: string): void {
  print(output, isTerminal(output.stdout) ? wrapFor(output.stdout, reflow(text)) : text)
}

function general(args: readonly string[], isHelp: boolean, output: Output): number {
  if (args[0] === '--version' || args[0] === '-V') {
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
  const list = known.map(({ name, summary }) => `  vouch ${name.padEnd(15)}  ${summary}`).join('\n')
  const text = `Usage: vouch COMMAND …\n\n${list}\n\nvouch COMMAND --help explains a command, with examples. ${EXIT_STATUS}`
  if (isHelp) printHelp(output, text)
  else printHelp({ ...output, stdout: output.stderr }, text)
  return isHelp ? 0 : 2
}

const EXIT_STATUS = `--version prints the version.
The exit status is 0 on success, 1 if a server is not trusted, 2 for wrong usage, 3 if a server was not reached,
4 with --fail and a status of 400 or above.`

/** Other words for a command. */
const MEANT: ReadonlyMap<string, string> = new Map([
  ['cert inspect', 'cert show'],
  ['cert info', 'cert show'],
  ['cert view', 'cert show'],
  ['cert renew', 'cert ensure'],
  ['cert download', 'cert fetch'],
  ['cert get', 'cert fetch'],
  ['cert new', 'cert create'],
  ['cert make', 'cert create'],
  ['curl', 'get'],
  ['download', 'get'],
  ['explain', 'check'],
  ['verify', 'check'],
])

/** The error suggests the command that was probably meant. */
function unknownCommand([first = '', second = '']: readonly string[]): UsageError {
  const known = MEANT.get(`${first} ${second}`.trim()) ?? MEANT.get(first)
  const names = COMMANDS.map(({ name }) => name)
  const groups = [...new Set(names.filter((name) => name.includes(' ')).map((name) => name.split(' ')[0] ?? ''))]
  const inGroup = (group: string) =>
    names.flatMap((name) => (name.startsWith(`${group} `) ? [name.slice(group.length + 1)] : []))
  const near = nearest(first, [...groups, ...names.filter((name) => !name.includes(' '))])
  // `vouch show cert.pem`, or `vouch cret shwo cert.pem`
  const owner = groups.find((group) => inGroup(group).includes(first))
  const isGroup = near !== undefined && groups.includes(near)
  const closest = isGroup ? nearest(second, inGroup(near)) : undefined
  const inner = owner === undefined ? closest && `${near} ${closest}` : `${owner} ${first}`
  const meant = known ?? inner ?? near
  const given = isGroup && second !== '' ? [first, second] : [first]
  const advice = meant === undefined || meant === first ? '' : `: did you mean '${meant}'?`
  return new UsageError(`there is no command '${given.map(displayName).join(' ')}'${advice}`)
}

checkNodeVersion()
const output: Output = { stdout: openStdout(), stderr: process.stderr }
for (const stream of [output.stdout, output.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // The reader of the output may close the pipe early: `vouch cert show … | head`. What is said on stderr decides no exit status.
    if (error.code === 'EPIPE' || stream === output.stderr) return
    // A full disk: the output is not complete, and more of it is of no use.
    reportError(FileError.from('write', 'stdout', error), 'vouch --help', false, output)
    process.exit(EXIT.usage)
  })
}
// Node's own listener prints warnings with `(node:PID)`.
process.removeAllListeners('warning')
process.on('warning', ({ message }) => {
  // Node's warning that verification is off, which it is not: vouch does not follow the variable.
  if (!message.includes('NODE_TLS_REJECT_UNAUTHORIZED')) warning(output, message)
})
// Not process.exit(), which would drop output that a pipe has not taken yet.
process.exitCode = await main(process.argv.slice(2), output)
