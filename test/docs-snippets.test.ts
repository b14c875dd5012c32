/** Every piece of code in the documentation compiles, strictly, against the package as it is built. */
import './helpers/environment.ts'
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import * as certs from '../src/certs/index.ts'
import * as vouch from '../src/index.ts'

const COMPILER = resolve('node_modules/.bin/tsc')
const PAGES = ['README.md', ...globSync('docs/*.md').sort()]

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

/** What stands for itself in an example. */
const GIVEN: Readonly<Record<string, string>> = {
  session: "import('vouch').Session",
  response: "import('vouch').Response",
  url: 'string',
  csv: 'string',
  bytes: 'Uint8Array',
  key: 'string',
  name: 'string',
  sign: '(method: string, url: string, body: unknown) => string',
  log: '(...what: unknown[]) => void',
  app: '(request: unknown, response: unknown) => void',
  server: "import('node:https').Server",
  token: 'string',
  renew: '() => Promise<string>',
  sink: 'NodeJS.WritableStream',
  bar: '{ update(percent: number): void }',
  file: 'NodeJS.WritableStream',
  shutdown: 'AbortController',
  passphrase: 'string',
}

/** A block as a module, on the line that it has in its page. */
function moduleOf(code: string, line: number): string {
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
    .map(([name, type]) => `declare let ${name}: ${type}`)
  const prelude = [...imports, ...given, 'export {}'].join('; ')
  return `${prelude}${'\n'.repeat(Math.max(1, line))}${code}`
}

/** What Node's types leave to a cast, which JavaScript does not have: a TLS server's sockets, the address of a TCP server. */
const UNTYPED = `import type { TLSSocket } from 'node:tls'
declare module 'node:net' {
  interface Socket extends Pick<TLSSocket, 'getPeerCertificate'> {}
  interface Server { address(): AddressInfo }
}
`

/** JavaScript is held to names, options and calls; TypeScript to all. */
const LANGUAGES = { js: { strict: false }, ts: { strict: true, exactOptionalPropertyTypes: true } }

for (const [language, strictness] of Object.entries(LANGUAGES)) {
  test(`every piece of ${language} in the documentation compiles`, {
    skip: !existsSync(COMPILER) && 'the compiler is not here',
  }, async () => {
    const folder = resolve('build/snippets', language)
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    let count = 0
    for (const page of PAGES) {
      const text = readFileSync(page, 'utf8')
      for (const match of text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)) {
        if (match[1] !== language) continue
        const line = text.slice(0, match.index).split('\n').length
        writeFileSync(join(folder, `${page.replace(/\W/g, '-')}-${line}.ts`), moduleOf(match[2] ?? '', line))
        count++
      }
    }
    assert(count > 0)
    const modules = { target: 'ES2024', lib: ['ES2024', 'ESNext'], types: ['node'], module: 'nodenext' }
    const compilerOptions = { ...modules, ...strictness, skipLibCheck: true, noEmit: true }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }))
    if (language === 'js') writeFileSync(join(folder, 'node.d.ts'), UNTYPED)
    const problems = await new Promise<string>((done) => {
      execFile(COMPILER, ['-p', folder], (error, stdout, stderr) =>
        done(stdout + stderr || (error ? String(error) : '')),
      )
    })
    assert.equal(problems, '')
  })
}
