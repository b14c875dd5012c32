/** Searches files for places that disable verification. */
import { statSync } from 'node:fs'
import jsTokens, { type JSXToken, type Token } from 'js-tokens'
import { documentation } from '../../core/documentation.ts'
import { readRegularFile } from '../../core/live-file.ts'
import { matchTokens } from './javascript.ts'
import { type RuleId, ruleOf } from './rules.ts'
import type { Match } from './shell.ts'
import { matchText, withoutComments } from './text.ts'
import { type Candidate, candidates, reasonOf, type Unread } from './tree.ts'

/** A place that switches verification off. */
export interface Finding {
  readonly path: string
  /** From 1. */
  readonly line: number
  readonly column: number
  readonly rule: RuleId
  /** The words that do it. */
  readonly text: string
  /** What it opens, and what to write instead. */
  readonly opens: string
  readonly instead: string
  /** A page of the documentation. */
  readonly see: string
}

/** What was found, and what was not looked at. */
export interface AuditResult {
  readonly findings: readonly Finding[]
  /** Places that a comment with a reason keeps. */
  readonly silenced: number
  readonly unread: readonly Unread[]
  /** How many files were looked at. */
  readonly files: number
}

/** @throws Error if one of the paths is not there */
export function audit(paths: readonly string[]): AuditResult {
  const findings: Finding[] = []
  const unread: Unread[] = []
  const seen = new Set<string>()
  let [files, silenced] = [0, 0]
  for (const path of paths) {
    for (const candidate of candidates(path, (each) => unread.push(each))) {
      if (seen.has(candidate.path)) continue
      seen.add(candidate.path)
      const text = contentOf(candidate, unread)
      if (text === undefined) continue
      files++
      const all = findingsIn(candidate, text)
      const open = all.filter(({ line }) => !isSilenced(text, line))
      silenced += all.length - open.length
      findings.push(...open)
    }
  }
  return { findings, silenced, unread, files }
}

/** Larger files are made by programs. */
const MAX_BYTES = 2_000_000

function contentOf({ path }: Candidate, unread: Unread[]): string | undefined {
  try {
    const { size } = statSync(path)
    if (size > MAX_BYTES) {
      unread.push({ path, why: `it is larger than ${MAX_BYTES / 1_000_000} MB` })
      return undefined
    }
    const content = readRegularFile(path)
    if (content[0] === 0xff && content[1] === 0xfe) return content.toString('utf16le')
    if (!content.includes(0)) return content.toString('utf8')
    unread.push({ path, why: 'it is binary' })
  } catch (error) {
    unread.push({ path, why: reasonOf(error) })
  }
  return undefined
}

function findingsIn({ path, kind }: Candidate, text: string): Finding[] {
  const { matches, modules } = kind === 'javascript' ? matchTokens(tokensOf(path, text)) : matchLines(path, text)
  const starts = lineStartsOf(text)
  const found = new Map<string, Finding>()
  for (const match of [...matches].sort((a, b) => a.index - b.index)) {
    const finding = describe(path, match, starts, modules)
    // A value of several words can break one rule twice; once a line is enough.
    const key = `${finding.line} ${finding.rule}`
    if (!found.has(key)) found.set(key, finding)
  }
  return [...found.values()]
}

function matchLines(path: string, text: string): { matches: readonly Match[]; modules: ReadonlySet<string> } {
  const marks = /(?:npmrc|\.ini|\.properties|\.cfg)$/i.test(path) ? /[#;]/ : /#/
  const bare = withoutComments(text, marks)
  const insecure = /\.curlrc$/.test(path)
    ? Array.from(bare.matchAll(/^[ \t]*(?:-k|(?:--)?insecure)\b/gm), curlConfig)
    : []
  return { matches: [...matchText(bare), ...insecure], modules: new Set() }
}

const curlConfig = ({ 0: text, index }: RegExpMatchArray): Match => ({
  rule: 'curl',
  index: index ?? 0,
  text: text.trim(),
})

function tokensOf(path: string, text: string): Iterable<Token | JSXToken> {
  return /\.[jt]sx$/i.test(path) ? jsTokens(text, { jsx: true }) : jsTokens(text)
}

function describe(path: string, match: Match, starts: readonly number[], modules: ReadonlySet<string>): Finding {
  const { opens, instead } = ruleOf(match.rule)
  const line = lineAt(starts, match.index)
  return {
    path,
    line,
    column: match.index - (starts[line - 1] ?? 0) + 1,
    rule: match.rule,
    text: match.text,
    opens,
    instead: instead(modules),
    see: documentation(`reference/audit.md#${match.rule}`),
  }
}

function lineStartsOf(text: string): number[] {
  return [0, ...Array.from(text.matchAll(/\n/g), ({ index }) => index + 1)]
}

/** The line of a place, from 1: by halves. */
function lineAt(starts: readonly number[], index: number): number {
  let [low, high] = [0, starts.length]
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if ((starts[middle] as number) <= index) low = middle
    else high = middle
  }
  return low + 1
}

/** Whether the line before says why: a comment `vouch-audit: REASON`. One without a reason silences nothing. */
function isSilenced(text: string, line: number): boolean {
  return SILENCE.test(text.split('\n', line - 1).at(-1) ?? '') && line > 1
}

const SILENCE = /^\s*(?:\/\/|\/\*+|\*|#|;|REM\b|::|<!--|--|\{\/\*)\s*vouch-audit:[ \t]*(?!\*\/|-->)\S/i
