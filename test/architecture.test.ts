/** The layers of docs/internals.md: who may import whom, and what only one file may do. */
import './helpers/environment.ts'
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'

const files = globSync('src/**/*.ts').filter((file) => !file.endsWith('.d.ts'))
const sources = new Map(files.map((file) => [file, readFileSync(file, 'utf8')]))

/** The layers, from the ground up: a file may import from its own layer and those before it. */
const LAYERS: readonly RegExp[] = [
  /^src\/(errors|environment|option-names|warnings|status-codes|lru-map|lazy)\.ts$/,
  /^src\/(body\/.*|auth\/.*|charset|url|headers|cookies|proxies|redirects|trust\/.*|diagnose\/(?:reasons|diagnosis|inspectors|report|explanation))\.ts$/,
  /^src\/transport\/.*\.ts$/,
  /^src\/(request|response|settings|dispatch|session)\.ts$/,
  /^src\/(api|index|register|other-clients|diagnose\/.*)\.ts$/,
  /^src\/cli\/.*\.ts$/,
]

function layerOf(file: string): number {
  const layer = LAYERS.findIndex((pattern) => pattern.test(file))
  assert(layer >= 0, `${file} belongs to no layer: give it one in test/architecture.test.ts and docs/internals.md`)
  return layer
}

/** The local files that a file imports at run time; types are free, they leave no trace. */
function importsOf(file: string): string[] {
  const text = sources.get(file) ?? ''
  const specifiers = [...text.matchAll(/^(?:import|export) (?!type )[^'"]*?from '(\.[^']+)'/gms)].map(
    (match) => match[1],
  )
  return specifiers.map((specifier) => join(dirname(file), specifier ?? ''))
}

test('imports go down the layers only', () => {
  const upward = files
    .filter((file) => !file.startsWith('src/certs/'))
    .flatMap((file) => importsOf(file).map((imported) => [file, imported] as const))
    .filter(([, imported]) => !imported.startsWith('src/certs/'))
    .filter(([file, imported]) => layerOf(imported) > layerOf(file))
  assert.deepEqual(upward, [])
})

test('trust and certs stand alone: they import nothing of the transport and no session', () => {
  const allowed =
    /^src\/(trust\/.*|certs\/.*|diagnose\/reasons|environment|errors|lru-map|option-names|proxies|warnings)\.ts$/
  const others = files
    .filter((file) => /^src\/(trust|certs)\//.test(file))
    .flatMap((file) => importsOf(file).map((imported) => [file, imported] as const))
    .filter(([, imported]) => !allowed.test(imported))
  assert.deepEqual(others, [])
})

test('but for the tunnel of fetchCert, which is loaded behind a proxy only', () => {
  const lazy = files
    .filter((file) => /^src\/(trust|certs)\//.test(file))
    .flatMap((file) =>
      [...(sources.get(file) ?? '').matchAll(/import\('(\.\.[^']+)'\)/g)].map(([, path]) => [file, path]),
    )
  assert.deepEqual(lazy, [
    ['src/certs/fetch.ts', '../transport/tunnel.ts'],
    ['src/certs/fetch.ts', '../other-clients.ts'],
  ])
})

test('the command line is a client of the public modules; it looks for names as the library does', () => {
  const allowed = /^src\/(cli\/.*|certs\/index|index|option-names)\.ts$/
  const others = files
    .filter((file) => file.startsWith('src/cli/'))
    .flatMap((file) => importsOf(file).map((imported) => [file, imported] as const))
    .filter(([, imported]) => !allowed.test(imported))
  assert.deepEqual(others, [])
})

test("import 'vouch' does not load the certificate maker", () => {
  const importers = files.filter(
    (file) =>
      !/^src\/(certs|cli)\//.test(file) && importsOf(file).some((imported) => imported.startsWith('src/certs/')),
  )
  assert.deepEqual(importers, [])
})

/** What may stand in one file only. */
const ONLY_IN: (readonly [what: string, pattern: RegExp, ...files: string[]])[] = [
  ['imports got', /from 'got'/, 'src/transport/exchange.ts'],
  ['makes TLS contexts', /createSecureContext\(/, 'src/trust/secure-context.ts'],
  ['makes https agents', /(?:new|extends) https\.Agent/, 'src/transport/agents.ts', 'src/transport/trusted-agent.ts'],
  ['makes http agents', /(?:new|extends) http\.Agent/, 'src/transport/agents.ts'],
  ['reads the environment', /process\.env/, 'src/core/environment.ts'],
]

for (const [what, pattern, ...only] of ONLY_IN) {
  test(`only ${only.join(' and ')} ${what}`, () => {
    const code = (text: string) => text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
    const found = files.filter((each) => pattern.test(code(sources.get(each) ?? '')))
    assert.deepEqual(found, only)
  })
}

test('what the package exports is listed name by name', () => {
  assert.deepEqual(
    files.filter((file) => /^export \*/m.test(sources.get(file) ?? '')),
    [],
  )
})
