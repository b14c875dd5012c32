/** The pieces of code in the documentation, each as a module of its own. */
import { globSync, readFileSync } from 'node:fs'
import * as certs from '../../src/certs/index.ts'
import * as vouch from '../../src/index.ts'

export interface Snippet {
  readonly page: string
  readonly language: string
  /** Where it begins, counted from 1. */
  readonly line: number
  readonly code: string
}

/** All of them, by page and in order. */
export function snippets(): Snippet[] {
  return ['README.md', ...globSync('docs/**/*.md').sort()].flatMap((page) => {
    const text = readFileSync(page, 'utf8')
    return Array.from(text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm), ({ 1: language = '', 2: code = '', index }) => {
      return { page, language, line: text.slice(0, index).split('\n').length, code }
    })
  })
}

/** Where the names come from that a page has introduced before, or takes for granted. */
const SOURCES: readonly (readonly [from: string, names: readonly string[]])[] = [
  [
    'vouch',
    Object.keys(vouch).filter(
      (name) => !['default', 'delete', 'options', 'request', 'Response', 'Request'].includes(name),
    ),
  ],
  ['vouch/certs', Object.keys(certs)],
  ['node:fs', ['createReadStream', 'createWriteStream', 'readFileSync']],
  ['node:fs/promises', ['readFile', 'writeFile']],
  ['node:stream', ['Readable']],
  ['node:stream/promises', ['pipeline']],
  ['node:https', ['createServer']],
]

/** What stands for itself in an example, with its type and with a value. */
const GIVEN: Readonly<Record<string, readonly [type: string, value: string]>> = {
  url: ['string', "'https://api.example/'"],
  session: ["import('vouch').Session", "new (await import('vouch')).Session()"],
  response: ["import('vouch').Response", "await (await import('vouch')).get('https://api.example/')"],
  csv: ['string', "'a,b\\n'"],
  sign: ['(method: string, url: string, body: unknown) => string', '() => "signed"'],
  token: ['string', "'token'"],
  renew: ['() => Promise<string>', 'async () => "token"'],
  bar: ['{ update(percent: number): void }', '{ update() {} }'],
  shutdown: ['AbortController', 'new AbortController()'],
  passphrase: ['string', "'secret'"],
}

/** A piece as a module, on the line that it has in its page; what it takes for granted is declared, or has a value. */
export function moduleOf({ code, line }: Snippet, as: 'type' | 'value'): string {
  const declared = (name: string) =>
    new RegExp(
      `\\b(?:const|let|function|class) (?:\\w+, )*${name}\\b|\\{[^}]*\\b${name}\\b[^}]*\\} (?:=|from)|import ${name}\\b`,
    ).test(code)
  const missing = (name: string) => new RegExp(`(?<![.\\w'"/-])${name}\\b(?!['":])`).test(code) && !declared(name)
  const imports = SOURCES.flatMap(([from, names]) => {
    const wanted = names.filter(missing)
    return wanted.length === 0 ? [] : [`import { ${wanted.join(', ')} } from '${from}'`]
  })
  const given = Object.entries(GIVEN)
    .filter(([name]) => missing(name))
    .map(([name, [type, value]]) => (as === 'type' ? `declare let ${name}: ${type}` : `let ${name} = ${value}`))
  const prelude = [...imports, ...given, 'export {}'].join('; ')
  return `${prelude}${'\n'.repeat(Math.max(1, line))}${code}`
}
