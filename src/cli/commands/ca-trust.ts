/** `vouch ca trust` and `vouch ca untrust`: add a CA to the trust stores of this machine, and remove it. */
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { type CertificateInfo, inspectCert } from '../../certs/index.ts'
import { displayName } from '../../core/credentials.ts'
import { FileError } from '../../core/file-error.ts'
import { shellPath } from '../../core/shell.ts'
import { type Command, readArguments, UsageError } from '../command.ts'
import { EXIT } from '../exit-status.ts'
import { fail, hint, logLine, type Output, print, printJson } from '../print.ts'
import { type Change, commandFor, linuxSteps, runStep, type Step, type TrustedFile } from '../trust-stores.ts'
import { isTerminal } from '../wrap.ts'

const OPTIONS = {
  yes: { type: 'boolean', short: 'y', default: false },
  system: { type: 'boolean', default: false },
  browsers: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const

const HELP = `  -y, --yes    do not ask
  --system     only the system's store, which curl, wget, git and Node with --use-system-ca read
  --browsers   only the databases of Chromium, Chrome, Edge, Brave and Firefox (NSS); needs certutil (libnss3-tools)
  --json       print the commands as JSON`

export const caTrust: Command = {
  name: 'ca trust',
  summary: 'add a CA to the trust stores of this machine',
  options: OPTIONS,
  help: `Usage: vouch ca trust FILE [options]

Adds a CA's certificate to the system's store and to the databases of browsers on Linux. It first prints the commands that it
will run, and asks for confirmation. Anyone who has the CA's key can then impersonate any server to this machine. On macOS
and Windows it prints the command to run. vouch ca untrust removes the certificate.

${HELP}

Examples:
  vouch ca trust ca.pem
  vouch ca trust ca.pem --browsers --yes`,
  run: (args, output) => change('trust', args, output),
}

export const caUntrust: Command = {
  name: 'ca untrust',
  summary: 'remove a CA from the trust stores',
  options: OPTIONS,
  help: `Usage: vouch ca untrust FILE [options]

Removes the certificate that vouch ca trust has added. It first prints the commands that it will run, and asks.

${HELP}

Examples:
  vouch ca untrust ca.pem`,
  run: (args, output) => change('untrust', args, output),
}

async function change(what: Change, args: readonly string[], output: Output): Promise<number> {
  const { values, positionals } = readArguments(args, OPTIONS)
  const [path, ...others] = positionals
  if (path === undefined || others.length > 0) throw new UsageError("name the file of the CA's certificate")
  const file = readCA(path)
  const command = commandFor(process.platform, what, file)
  if (command !== undefined) {
    logLine(output, `this system asks for its own confirmation; run:`)
    print(output, command)
    return EXIT.done
  }
  const isAll = !values.system && !values.browsers
  const steps = linuxSteps(what, file, { system: isAll || values.system, browsers: isAll || values.browsers })
  if (steps.length === 0) {
    throw new UsageError(
      'there is no store to change: neither a system store nor, with certutil (libnss3-tools), a database of a browser',
    )
  }
  if (!(await isAgreed(what, steps, values.yes, output))) return EXIT.usage
  const failed = steps.filter((step) => !runStep(step))
  if (values.json)
    printJson(output, { action: what, ...file, commands: steps.map(({ words }) => words), failed: failed.length })
  if (failed.length > 0) {
    fail(output, `${failed.length} of ${steps.length} commands failed: ${failed.map(inShell).join('; ')}`)
    return EXIT.usage
  }
  logLine(output, what === 'trust' ? `trusted: '${displayName(path)}'` : `not trusted any more: '${displayName(path)}'`)
  if (what === 'trust') hint(output, `restart open browsers; to undo it: vouch ca untrust ${shellPath(path) ?? 'FILE'}`)
  return EXIT.done
}

/** @throws UsageError for several certificates, or one that is no CA's */
function readCA(path: string): TrustedFile {
  if (!existsSync(path)) throw new FileError('read', 'ENOENT', path, 'no such file or directory')
  const found = [inspectCert<CertificateInfo | CertificateInfo[]>(path)].flat()
  const [certificate, ...others] = found
  if (certificate === undefined || others.length > 0)
    throw new UsageError(`'${displayName(path)}' holds ${found.length} certificates, and one is needed`)
  if (!certificate.ca)
    throw new UsageError(
      `'${displayName(path)}' is not a CA's certificate: browsers and systems trust CAs (vouch ca create)`,
    )
  return { path: resolve(path), fingerprint: certificate.fingerprint }
}

/** Prints what will be run, and asks. Without a terminal and without `--yes` nothing is done. */
async function isAgreed(what: Change, steps: readonly Step[], isYes: boolean, output: Output): Promise<boolean> {
  logLine(output, `to ${what} it, this is run:`)
  for (const step of steps) output.stderr.write(`  ${inShell(step)}\n`)
  if (isYes) return true
  if (!isTerminal(process.stdin) || !isTerminal(output.stderr)) {
    throw new UsageError('there is no terminal to ask on: --yes does it without asking')
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  terminal.once('SIGINT', () => {
    terminal.close()
    output.stderr.write('\n')
    process.kill(process.pid, 'SIGINT')
  })
  // Ctrl-D, the end of stdin, closes it without an answer.
  const closed = once(terminal, 'close').then(() => '')
  try {
    return /^y(?:es)?$/i.test((await Promise.race([terminal.question('Continue? [y/N] '), closed])).trim())
  } catch {
    return false
  } finally {
    terminal.close()
  }
}

/** Options are ours; all else is a program or an absolute path. */
const inShell = ({ words }: Step): string =>
  words.map((word) => (word.startsWith('-') ? word : (shellPath(word) ?? displayName(word)))).join(' ')
