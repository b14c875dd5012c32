/** `vouch audit`: finds where a project disables verification, and suggests a replacement. */
import { existsSync, statSync } from 'node:fs'
import { displayName } from '../../core/credentials.ts'
import { FileError } from '../../core/file-error.ts'
import type { AuditResult, Finding } from '../audit/audit.ts'
import { type Command, readArguments, UsageError } from '../command.ts'
import { logLine, type Output, paint, print, printableLines, printJson } from '../print.ts'
import { version } from '../version.ts'
import { wrapFor } from '../wrap.ts'

const OPTIONS = { json: { type: 'boolean' }, sarif: { type: 'boolean' } } as const

export const auditCommand: Command = {
  name: 'audit',
  summary: 'find where a project disables verification',
  options: OPTIONS,
  help: `Usage: vouch audit [PATH…] [options]

Searches JavaScript, TypeScript, JSON, .env files, Dockerfiles, YAML, .npmrc, shell scripts and similar files below each path
(default: the working directory) for places that disable the verification of certificates, and prints the consequence and a
replacement for each. No file is changed. Files that .gitignore excludes and node_modules are skipped.

A comment with a reason on the line before suppresses a finding:  // vouch-audit: REASON

The exit status is 0 without findings, 1 with findings, 2 for a wrong command line.

  --json      print the findings as JSON
  --sarif     print the findings as SARIF 2.1.0, for code scanners

Examples:
  vouch audit
  vouch audit src Dockerfile .github
  vouch audit --sarif > vouch.sarif`,

  async run(args, output) {
    const { values, positionals } = readArguments(args, OPTIONS)
    if (values.json && values.sarif) throw new UsageError('--json and --sarif exclude each other')
    const missing = positionals.find((path) => !existsSync(path))
    if (missing !== undefined) throw new UsageError(`there is no file or directory '${displayName(missing)}'`)
    const other = positionals.find((path) => !isFileOrDirectory(path))
    if (other !== undefined) throw new FileError('read', 'EINVAL', other, 'it is neither a file nor a directory')
    // Loaded here: the other commands need no tokenizer.
    const { audit } = await import('../audit/audit.ts')
    const result = audit(positionals.length > 0 ? positionals : ['.'])
    if (values.json) printJson(output, result)
    else if (values.sarif) printJson(output, await sarifOf(result))
    else report(result, output)
    return result.findings.length === 0 ? 0 : 1
  },
}

function isFileOrDirectory(path: string): boolean {
  const status = statSync(path)
  return status.isFile() || status.isDirectory()
}

async function sarifOf(result: AuditResult): Promise<object> {
  const { toSarif } = await import('../audit/sarif.ts')
  return toSarif(result, version())
}

function report(result: AuditResult, output: Output): void {
  for (const finding of result.findings) printFinding(finding, output)
  for (const { path, why } of result.unread) logLine(output, `not looked at: ${displayName(path)}: ${why}`)
  logLine(output, summaryOf(result))
}

function printFinding({ path, line, column, text, opens, instead, see }: Finding, output: Output): void {
  const place = paint(output.stdout, 'cyan', printableLines(`${path}:${line}:${column}`))
  print(output, `${place}  ${printableLines(text)}`)
  print(output, wrapFor(output.stdout, `  opens  ${opens}`))
  print(output, wrapFor(output.stdout, `  write  ${instead}`))
  print(output, `  more   ${see}\n`)
}

function summaryOf({ findings, silenced, unread, files }: AuditResult): string {
  const places = findings.length === 1 ? '1 place switches' : `${findings.length || 'no'} places switch`
  const notes = [
    silenced > 0 ? `${silenced} silenced with a reason` : '',
    unread.length > 0 ? `${unread.length} not looked at` : '',
  ].filter((note) => note !== '')
  const rest = notes.length > 0 ? ` (${notes.join(', ')})` : ''
  return `${places} verification off, in ${files === 1 ? '1 file' : `${files} files`} looked at${rest}`
}
