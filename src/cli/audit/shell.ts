/** Shell commands that disable verification, with words and options parsed as a shell and curl do. */
import type { RuleId } from './rules.ts'

/** Something that was found: where in the text, and what it says. */
export interface Match {
  readonly rule: RuleId
  readonly index: number
  /** The words that decide, without anything else of the line: it may hold a password. */
  readonly text: string
}

/** The commands of a text that switch verification off. */
export function matchCommands(text: string): Match[] {
  return commandsIn(text).flatMap(matchCommand)
}

interface Word {
  readonly text: string
  /** As written, with its quotes. */
  readonly raw: string
  readonly index: number
}

/** Simple commands: lists of words, ended by line ends and `;`, `|`, `&`, `(`, `)`, backquotes. */
function commandsIn(text: string): Word[][] {
  const commands: Word[][] = []
  let words: Word[] = []
  // A line that ends in a backslash goes on.
  for (const { 0: raw, index } of text.replace(/\\\r?\n/g, (end) => ' '.repeat(end.length)).matchAll(WORD)) {
    if (!/^[\n;|&()`]+$/.test(raw)) {
      // Also the words of a list in JSON or YAML: ["curl", "-k"].
      words.push({ text: raw.replace(/["']/g, '').replace(/^[[{@]+|[\]},]+$/g, ''), raw, index })
      continue
    }
    if (words.length > 0) commands.push(words)
    words = []
  }
  if (words.length > 0) commands.push(words)
  return commands
}

/** A word, quotes and escapes in it, or what ends a command. */
const WORD = /(?:\\[^\n]|"(?:\\[\s\S]|[^"\\])*"|'[^']*'|[^\s;|&()`"'\\]|["'])+|[\n;|&()`]+/g

function matchCommand(words: readonly Word[]): Match[] {
  const inner = [...words.flatMap(matchScript), ...words.flatMap(matchAssignment)]
  const at = words.findIndex(({ text }) => PROGRAM.test(basename(text)))
  const [program, known] = [words[at], PROGRAMS.get(basename(words[at]?.text ?? ''))]
  if (program === undefined || known === undefined || !isRun(words.slice(0, at))) return inner
  const [matchWord, rule] = known
  for (let index = at + 1; index < words.length; index++) {
    const word = words[index] as Word
    const result = matchWord(word.text, words[index + 1]?.text ?? '')
    if (result === true) {
      return [...inner, { rule, index: word.index, text: `${basename(program.text)} ${word.text.slice(0, 60)}` }]
    }
    if (result === 'skip') index++
  }
  return inner
}

/** A variable that is set for the command, or for those that follow. */
function matchAssignment({ text, index }: Word, at: number, words: readonly Word[]): Match[] {
  const rule = VARIABLES.get(text)
  return rule !== undefined && isRun(words.slice(0, at), SETTER) ? [{ rule, index, text }] : []
}

const VARIABLES: ReadonlyMap<string, RuleId> = new Map([
  // vouch-audit: this is what is looked for
  ['NODE_TLS_REJECT_UNAUTHORIZED=0', 'node-tls-reject-unauthorized'],
  // vouch-audit: this is what is looked for
  ['PYTHONHTTPSVERIFY=0', 'python'],
  ...['1', 'true'].map((value) => [`GIT_SSL_NO_VERIFY=${value}`, 'git'] as const),
  ...['false', '0'].map((value) => [`NPM_CONFIG_STRICT_SSL=${value}`, 'npm-strict-ssl'] as const),
])

/** The script in quotes of `sh -c "…"`, `eval "…"` and of values in YAML (`run: "…"`). */
function matchScript(word: Word, at: number, words: readonly Word[]): Match[] {
  const before = words[at - 1]?.text ?? ''
  if (!/^["'][\s\S]*\s[\s\S]*["']$/.test(word.raw) || !/(?:^-\w*c|^eval|^ssh|:)$/.test(before)) return []
  if (PROSE.test(before)) return []
  return matchCommands(word.raw.slice(1, -1)).map((match) => ({ ...match, index: word.index + 1 + match.index }))
}

/** Whether the word behind these is run: there is no command among them, or it is one that runs others. */
function isRun(before: readonly Word[], others = RUNNER): boolean {
  if (before.some(({ text }) => PROSE.test(text))) return false
  const own = before.find(({ text }) => !PREFIX.test(text))
  return own === undefined || others.test(basename(own.text))
}

/** Keys whose values are for people. */
const PROSE = /^(?:description|name|title|summary|message|label|help)["']?:$/i

/** Assignments, keys and list marks of YAML, instructions of Dockerfiles with their options, words of the shell. */
const PREFIX =
  /^(?:[\w.]+=.*|[\w."'-]+:|-|>|\||RUN|CMD|ENTRYPOINT|HEALTHCHECK|--[\w-]+=.*|then|do|else|if|while|until|!|)$/

/** Commands that set variables, and those that run another one. */
const SETTER = /^(?:env|cross-env|export|set|setx|declare|sudo)$/

const RUNNER =
  /^(?:sudo|doas|env|cross-env|exec|time|timeout|nice|nohup|xargs|watch|retry|command|docker|podman|kubectl|ssh|npx|find|uv|poetry|python3?)$/

/** Whether a word switches verification off; `skip`: the next word is its value. */
type MatchWord = (word: string, next: string) => boolean | 'skip'

const basename = (word: string): string =>
  word
    .replace(/^.*\//, '')
    .replace(/\.exe$/i, '')
    .replace(/^.*[=[{,]/, '')

/** Options of curl that take the next word, or the rest of theirs (curl 8, `curl --help all`). */
const CURL_WITH_VALUE = /[AbcCdDeEFhHKmoPQrtTuUwxXyYz]/

/** `-k` may stand among others: `-sSLk`. Behind an option with a value the rest is the value. */
function matchCurl(word: string): boolean | 'skip' {
  if (word === '--insecure' || word === '--proxy-insecure' || word === '--doh-insecure') return true
  if (!/^-[A-Za-z0-9#:]/.test(word)) return false
  for (let index = 1; index < word.length; index++) {
    const letter = word[index] as string
    if (letter === 'k') return true
    if (CURL_WITH_VALUE.test(letter)) return index === word.length - 1 ? 'skip' : false
  }
  return false
}

const OFF = /^(?:false|0|no|off)$/i

const npm: MatchWord = (word, next) =>
  word === '--no-strict-ssl' ||
  /^(?:--)?strict-ssl=(?:false|0)$/i.test(word) ||
  (/^(?:--)?strict-ssl$/.test(word) && OFF.test(next))

const kubectl: MatchWord = (word) => /^--(?:kube-)?insecure-skip-tls-verify(?:=true)?$/.test(word)

const httpie: MatchWord = (word, next) =>
  /^--verify=(?:no|false)$/i.test(word) || (word === '--verify' && /^(?:no|false)$/i.test(next))

const git: MatchWord = (word, next) =>
  /^http\.(?:.*\.)?sslverify=(?:false|0|no)$/i.test(word) ||
  (/^http\.(?:.*\.)?sslverify$/i.test(word) && OFF.test(next))

const browser: MatchWord = (word) => word === '--ignore-certificate-errors'

/** By the name of the program: what switches verification off there. */
const PROGRAMS: ReadonlyMap<string, readonly [MatchWord, RuleId]> = new Map<string, readonly [MatchWord, RuleId]>([
  ['curl', [matchCurl, 'curl']],
  ['wget', [(word) => word === '--no-check-certificate', 'curl']],
  ...['http', 'https', 'xh'].map((name) => [name, [httpie, 'curl']] as const),
  ...['npm', 'pnpm', 'yarn', 'npx'].map((name) => [name, [npm, 'npm-strict-ssl']] as const),
  ...['kubectl', 'oc', 'helm', 'argocd'].map((name) => [name, [kubectl, 'kubernetes']] as const),
  ...['pip', 'pip3'].map((name) => [name, [(word: string) => /^--trusted-host(?:=|$)/.test(word), 'python']] as const),
  ['git', [git, 'git']],
  ['aws', [(word) => word === '--no-verify-ssl', 'curl']],
  ['vouch', [(word) => word === '--no-verify', 'verify-false']],
  ...['chromium', 'google-chrome', 'chrome', 'chromium-browser'].map((name) => [name, [browser, 'browser']] as const),
])

const PROGRAM = new RegExp(`^(?:${[...PROGRAMS.keys()].join('|')})$`)
