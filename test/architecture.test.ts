/** The arrangement of docs/internals.md: what may import what, and what only one file may do. */
import './helpers/environment.ts'
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { FLOORS } from '../scripts/floors.ts'

const files = globSync('src/**/*.ts').filter((file) => !file.endsWith('.d.ts'))
const sources = new Map(files.map((file) => [file, readFileSync(file, 'utf8')]))

const folderOf = (file: string) => file.split('/').slice(1, -1)[0] ?? '.'
const floorOf = (file: string) => FLOORS.findIndex((folders) => folders.includes(folderOf(file)))

/** The local files that a file imports, for types too, and later (`import('…')`). */
function importsOf(file: string, statement = /(?:\bfrom |\bimport\()'(\.[^']+)'/g): string[] {
  const specifiers = (sources.get(file) ?? '').matchAll(statement)
  return Array.from(specifiers, ([, specifier = '']) => join(dirname(file), specifier))
}

test('each file is in a folder of the plan; at the top there are the entry points only', () => {
  assert.deepEqual(
    files.filter((file) => floorOf(file) < 0),
    [],
  )
  assert.deepEqual(
    files.filter((file) => folderOf(file) === '.'),
    ['src/index.ts', 'src/register.ts'],
  )
})

test('imports lead down only, those of types as well', () => {
  const arrows = files.flatMap((file) => importsOf(file).map((imported) => [file, imported] as const))
  const upward = arrows.filter(([file, imported]) => {
    return folderOf(file) !== folderOf(imported) && floorOf(imported) >= floorOf(file)
  })
  assert.deepEqual(upward, [])
})

test('only a request and its response name each other', () => {
  const circles = files.map(circleOf).filter((circle) => circle.length > 1)
  assert.deepEqual(circles, Array(2).fill(['src/client/prepared-request.ts', 'src/client/response.ts']))
})

/** The files that a file reaches and that reach it, itself among them. */
function circleOf(file: string): string[] {
  const reached = reachedFrom(file)
  return files.filter((each) => each === file || (reached.has(each) && reachedFrom(each).has(file)))
}

function reachedFrom(file: string, found = new Set<string>()): ReadonlySet<string> {
  for (const imported of importsOf(file)) {
    if (found.has(imported)) continue
    found.add(imported)
    reachedFrom(imported, found)
  }
  return found
}

test('the command line is a client of the public modules, of core/ and of x509/', () => {
  const allowed = /^src\/(cli\/.*|certs\/index|index|core\/.*|x509\/.*)\.ts$/
  const others = files
    .filter((file) => file.startsWith('src/cli/'))
    .flatMap((file) => importsOf(file).map((imported) => [file, imported] as const))
    .filter(([, imported]) => !allowed.test(imported))
  assert.deepEqual(others, [])
})

test("import 'vouch/certs' loads nothing of the transport but the rules for proxies", () => {
  const loaded = [...loadedWith('src/certs/index.ts')]
  assert.deepEqual(
    loaded.filter((file) => /^src\/(transport|client)\//.test(file)),
    ['src/transport/proxies.ts'],
  )
})

/** The files that are loaded at once with a file: no types, and nothing that waits for an `import()`. */
function loadedWith(file: string, found = new Set<string>()): ReadonlySet<string> {
  for (const imported of importsOf(file, /^(?:import|export) (?!type )[^'"]*?from '(\.[^']+)'/gms)) {
    if (found.has(imported)) continue
    found.add(imported)
    loadedWith(imported, found)
  }
  return found
}

test("import 'vouch' does not load the certificate maker", () => {
  const loaded = [...loadedWith('src/index.ts')]
  assert.deepEqual(
    loaded.filter((file) => /^src\/(certs|cli)\//.test(file)),
    [],
  )
})

/** What may stand in one file only. */
const ONLY_IN: (readonly [what: string, pattern: RegExp, ...files: string[]])[] = [
  ['imports got', /from 'got'/, 'src/transport/got-stream.ts'],
  ['makes TLS contexts', /createSecureContext\(/, 'src/trust/secure-context.ts'],
  ['makes https agents', /(?:new|extends) https\.Agent\b/, 'src/transport/agents.ts', 'src/transport/trusted-agent.ts'],
  ['makes http agents', /(?:new|extends) http\.Agent\b/, 'src/transport/agents.ts'],
  ['reads the environment', /process\.env/, 'src/core/environment.ts'],
]

for (const [what, pattern, ...only] of ONLY_IN) {
  test(`only ${only.join(' and ')} ${what}`, () => {
    const code = (text: string) => text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
    const found = files.filter((each) => pattern.test(code(sources.get(each) ?? '')))
    assert.deepEqual(found, only)
  })
}

test('no method is replaced on an object, but on requests of other clients', () => {
  const replaced =
    /^\s*(?!this\.)[a-z]\w*(?:\.\w+)*\.\w+ = (?:async )?(?:function\b|\w+ =>|\([^()]*\)(?:: [^=]+)? =>)/gm
  const found = files.flatMap((file) => Array.from(sources.get(file)?.matchAll(replaced) ?? [], () => file))
  assert.deepEqual(found, Array(2).fill('src/transport/trusted-agent.ts'))
})

test('what the package exports is listed name by name', () => {
  assert.deepEqual(
    files.filter((file) => /^export \*/m.test(sources.get(file) ?? '')),
    [],
  )
})
