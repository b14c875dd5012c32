/**
 * Credentials from a netrc file, found where requests looks for it (`get_netrc_auth`), in the grammar of Python's
 * netrc.py.
 */
import { join } from 'node:path'
import { withoutBrackets } from '../core/address.ts'
import { homeDirectory, variable } from '../core/environment.ts'
import { tryStat } from '../core/file-being-written.ts'
import { withoutPath } from '../core/file-error.ts'
import { LiveFiles } from '../core/live-file.ts'
import { warnNetrc } from '../core/warnings.ts'

/**
 * The user and password that the netrc file has for the URL's host; `undefined`: none. The file is the one that `NETRC`
 * names, else `~/.netrc`, else `~/_netrc`; one that cannot be used has none, and a `NetrcWarning` says so.
 *
 * The host is the parsed URL's, never a part of its text (CVE-2024-47081); the port does not matter.
 */
export function netrcAuth(url: URL, env: NodeJS.ProcessEnv): readonly [user: string, password: string] | undefined {
  const named = variable(env, 'NETRC')
  const home = homeDirectory()
  if (absence && absence.named === named && absence.home === home && performance.now() < absence.until) return undefined
  for (const path of candidates(named, home)) {
    const status = tryStat(path)
    if (status !== undefined) return find(open(path, status), withoutBrackets(url.hostname))
  }
  absence = { named, home, until: performance.now() + ABSENCE_TIME }
  return undefined
}

/** That there is no file, as nearly everywhere, is believed for a moment: asking costs more than the rest of a lookup. */
let absence:
  | { readonly named: string | undefined; readonly home: string | undefined; readonly until: number }
  | undefined

/** ms */
const ABSENCE_TIME = 1000

/** The credentials of each machine in lower case, and of `default`. */
export type Netrc = ReadonlyMap<string, readonly [user: string, password: string]>

/** What is wrong with a file, and where; it holds no word of the file, since any may be a password. */
export class NetrcError extends Error {
  override readonly name = 'NetrcError'
}

/**
 * Parses a netrc file: `machine`, `default`, `login`, `user`, `account`, `password`, `macdef`; words in double quotes, with
 * backslashes before single characters, and `#` for comments. Of several entries for one machine the last counts.
 *
 * @throws NetrcError for anything else
 */
export function parseNetrc(text: string): Netrc {
  const words = new Words(text.replace(/\r\n?/g, '\n'))
  const entries = new Map<string, readonly [string, string]>()
  for (let word = words.keyword(); word !== ''; ) {
    if (word === 'macdef') {
      words.skipMacro()
      word = words.keyword()
      continue
    }
    if (word !== 'machine' && word !== 'default') throw words.error('machine, default or macdef')
    const name = word === 'machine' ? words.next() : word
    if (name === '') throw words.error('the name of a machine')
    const fields: Record<string, string> = { login: '', account: '', password: '' }
    for (word = words.keyword(); !ENTRY_ENDS.has(word); word = words.keyword()) {
      const field = word === 'user' ? 'login' : word
      if (!Object.hasOwn(fields, field)) throw words.error('login, account or password')
      fields[field] = words.next()
    }
    const { login, account, password } = fields
    entries.set(name.toLowerCase(), [login || (account ?? ''), password ?? ''])
  }
  return entries
}

const ENTRY_ENDS: ReadonlySet<string> = new Set(['', 'machine', 'default', 'macdef'])

/** What a file held, or what is wrong with it: kept as well, so that a broken one is not parsed for each request. */
const files = new LiveFiles<Netrc | NetrcError>((content) => {
  try {
    return parseNetrc(content.toString().replace(/^\ufeff/, ''))
  } catch (error) {
    if (error instanceof NetrcError) return error
    throw error
  }
}, 16)

function candidates(named: string | undefined, home: string | undefined): string[] {
  if (named === '') return []
  if (named !== undefined && !named.startsWith('~/')) return [named]
  if (home === undefined) return []
  return named === undefined ? [join(home, '.netrc'), join(home, '_netrc')] : [join(home, named.slice(2))]
}

function open(path: string, status: NonNullable<ReturnType<typeof tryStat>>): Netrc | undefined {
  let problem: unknown
  try {
    const { value } = files.read(path, status)
    if (!(value instanceof NetrcError)) return value
    problem = value
  } catch (error) {
    problem = error
  }
  warnNetrc(path, withoutPath(problem).message)
  return undefined
}

function find(netrc: Netrc | undefined, host: string): readonly [string, string] | undefined {
  const found = netrc?.get(host.toLowerCase()) ?? netrc?.get('default')
  return found?.some((part) => part !== '') ? found : undefined
}

/** The words of a netrc file, one after the other. */
class Words {
  readonly #text: string
  #at = 0
  /** Where the last word began. */
  #start = 0

  constructor(text: string) {
    this.#text = text
  }

  /** The next word, `''` at the end. */
  next(): string {
    WORD.lastIndex = this.#at
    const match = WORD.exec(this.#text)
    if (match === null) return ''
    const [, blank = '', quoted, plain = ''] = match
    this.#start = this.#at + blank.length
    this.#at = WORD.lastIndex
    return (quoted ?? plain).replace(/\\(.)/gs, '$1')
  }

  /** The next word that is not in a comment: where no value is expected, `#` begins one, up to the end of the line. */
  keyword(): string {
    let word = this.next()
    while (word.startsWith('#')) {
      const end = this.#text.indexOf('\n', this.#start)
      this.#at = end < 0 ? this.#text.length : end
      word = this.next()
    }
    return word
  }

  /** The name of a macro and its lines, up to an empty one. */
  skipMacro(): void {
    this.next()
    const end = this.#text.indexOf('\n\n', this.#at)
    if (end < 0) throw this.error('an empty line at the end of the macro')
    this.#at = end + 2
  }

  error(expected: string): NetrcError {
    const line = this.#text.slice(0, this.#start).split('\n').length
    return new NetrcError(`line ${line}: expected ${expected}`)
  }
}

/** A word in quotes (also one that never ends), or up to the next blank. */
const WORD = /([\n\t\r ]*)(?:"((?:[^"\\]|\\.)*)(?:"|\\?$)|((?:[^\n\t\r \\]|\\.)(?:[^\n\t\r \\]|\\.)*\\?))/sy
