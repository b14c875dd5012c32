/** What is in the package that users download. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { readFileSync, statSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { posix } from 'node:path'
import { after, test } from 'node:test'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { tempDir } from '../helpers/temp.ts'
import { manifest, pack } from './packed.ts'

const dir = tempDir()
after(() => dir[Symbol.dispose]())

const tarball = pack(dir)
const packed = createPackageFromTarballData(readFileSync(tarball))
const ROOT = '/node_modules/vouch/'
const files = packed.listFiles().map((path) => path.slice(ROOT.length))
const textOf = (file: string) => packed.readFile(ROOT + file)

/** All that may be in the package. */
const MEMBERS: readonly RegExp[] = [
  /^(package\.json|README\.md|CHANGELOG\.md|LICENSE)$/,
  /^docs\/([\w-]+\/)?[\w-]+\.(md|svg)$/,
  /^bench\/results\.md$/,
  /^docs\/examples\/[\w-]+\.ts$/,
  /^dist\/(\w[\w-]*\/)*\w[\w-]*(\.js|\.d\.ts)$/,
]

test('the package holds the built modules, their types and the documentation, and nothing else', () => {
  const strays = files.filter((file) => !MEMBERS.some((pattern) => pattern.test(file)))
  assert.deepEqual(strays, [])
  const expected = [
    'README.md',
    'CHANGELOG.md',
    'LICENSE',
    'docs/quickstart.md',
    'docs/guides/trust.md',
    'docs/examples/demo.ts',
  ]
  const missing = expected.filter((file) => !files.includes(file))
  assert.deepEqual(missing, [])
})

test('what its pages link to is in the package', () => {
  const dead = files
    .filter((file) => file.endsWith('.md'))
    .flatMap((file) =>
      Array.from(textOf(file).matchAll(/\]\(([^)\s#]+)/g), ([, target = '']) => target)
        .filter((target) => !/^https?:/.test(target) && !files.includes(posix.join(posix.dirname(file), target)))
        .map((target) => `${file} links to ${target}`),
    )
  assert.deepEqual(dead, [])
})

test('the package is small', (t) => {
  const size = statSync(tarball).size
  const unpacked = files.reduce((sum, file) => sum + Buffer.byteLength(textOf(file)), 0)
  t.diagnostic(
    `${Math.round(size / 1000)} kB packed, ${Math.round(unpacked / 1000)} kB unpacked, ${files.length} files`,
  )
  // What it had in November 2026 (414 kB, 1.4 MB), and a fifth as much again.
  assert(size < 500_000, `${size} bytes packed`)
  assert(unpacked < 1_700_000, `${unpacked} bytes unpacked`)
})

test('the dependencies are the libraries that the modules import, tslib among them', () => {
  const imported = files
    .filter((file) => file.endsWith('.js'))
    .flatMap((file) => [
      ...textOf(file).matchAll(/^(?:import|export)\b[^;]*?"([^".][^"]*)";$|\brequire\w*\("([^".]+)"\)/gm),
    ])
    .map(([, imports, requires]) => imports ?? requires ?? '')
  const others = imported.filter((name) => !builtinModules.includes(name.replace(/^node:/, '')))
  const libraries = new Set(others.filter((name) => !name.startsWith('#')))
  assert.deepEqual([...libraries].sort(), Object.keys(manifest.dependencies).sort())
  const ownFiles = new Set([...others.filter((name) => name.startsWith('#')), ...lateImports()])
  assert.deepEqual([...ownFiles].sort(), Object.keys(manifest.imports).sort())
  assert(libraries.has('tslib'))
})

/** What is imported later by a name of the package's own: `import("#name")`. */
function lateImports(): string[] {
  const texts = files.filter((file) => file.endsWith('.js')).map(textOf)
  return texts.flatMap((text) => Array.from(text.matchAll(/\bimport\("(#[^"]+)"\)/g), ([, name = '']) => name))
}

test('publint finds nothing', async () => {
  const { messages, pkg } = await publint({
    pack: { tarball: new Uint8Array(readFileSync(tarball)).buffer },
    strict: true,
  })
  assert.deepEqual(
    messages.map((message) => formatMessage(message, pkg)),
    [],
  )
})

test('Are the types wrong? finds nothing', async () => {
  const result = await checkPackage(packed)
  assert(result.types)
  const problems = result.problems.filter(
    // The package is ESM alone, and that is meant: every Node that it supports can require ESM.
    (problem) => problem.kind !== 'CJSResolvesToESM',
  )
  assert.deepEqual(problems, [])
})
