/** What the documentation says of the sources and tests is there: files, titles, scripts. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { openingSentence, pages } from '../../scripts/file-table.ts'

const security = readFileSync('docs/security.md', 'utf8')
const internals = readFileSync('docs/internals.md', 'utf8')

/** A file, and the titles quoted behind it: `` `test/a.test.ts` “one title” “another” ``. */
const REFERENCE = /`(test\/[\w/.-]+\.ts)`((?:\s+“[^”]+”)*)/g
const references = [...security.matchAll(REFERENCE)].flatMap(([, file = '', quoted = '']) => {
  const titles = [...quoted.matchAll(/“([^”]+)”/g)].map(([, title = '']) => title.replace(/\s+/g, ' '))
  return titles.map((title): [file: string, title: string] => [file, title])
})

/** The titles of a file as they are written, with `…` for what a table puts in. */
function titlesOf(file: string): string[] {
  const source = readFileSync(file, 'utf8')
  return [...source.matchAll(/\btest\(\s*(['"`])((?:\\.|(?!\1).)*)\1/gs)].map(([, , title = '']) =>
    title.replace(/\$\{(?:[^{}]|\{[^{}]*\})*\}/g, '…').replace(/\\(.)/g, '$1'),
  )
}

/** Of `a certificate for …` any title that begins so. */
function isTitle(quoted: string, title: string): boolean {
  const parts = quoted.split('…').map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`, 's').test(title)
}

test('what the security page claims is shown by tests that exist, with these titles', () => {
  assert(references.length > 40, `${references.length} titles`)
  const missing = references.filter(([file, title]) => {
    return !existsSync(file) || !titlesOf(file).some((each) => isTitle(title, each))
  })
  assert.deepEqual(missing, [])
})

test('every claim of its tables names its test', () => {
  const [, claims = ''] = /## What is guaranteed\n([\s\S]*?)\n## /.exec(security) ?? []
  const rows = claims.split('\n').filter((line) => line.startsWith('| ') && !/^\|[ -]*\| shown by \|$/.test(line))
  assert(rows.length > 25, `${rows.length} rows`)
  assert.deepEqual(
    rows.filter((row) => !/\|[^|]*“[^|]*\|$/.test(row)),
    [],
  )
})

test('docs/internals.md lists every file of src/ with the sentence that it begins with', () => {
  const { written, expected } = pages()
  assert(written === expected, 'the tables are out of date: node scripts/file-table.ts')
})

/** What a file begins with, and the sentence that is taken of it. */
const OPENINGS: readonly (readonly [source: string, sentence: string | undefined])[] = [
  ['/** One sentence. Another one. */\n', 'One sentence'],
  ['#!/usr/bin/env node\n/** A program */\n', 'A program'],
  ['#!/usr/bin/env node\n/** A program. */\n\n/** A function. */\n', 'A program'],
  ['/**\n * Two lines (RFC 7616), of\n * one sentence.\n *\n * More.\n */\n', 'Two lines (RFC 7616), of one sentence'],
  ['/**\n * A heading\n *\n * More.\n */\n', 'A heading'],
  ['/** Makes a {@link Trust} of `a.b`. */\n', 'Makes a `Trust` of `a.b`'],
  ["import './a.ts'\n/** Of something else. */\n", undefined],
  ['/* No documentation. */\n', undefined],
  ['/** */\n', undefined],
]

for (const [source, sentence] of OPENINGS) {
  test(`the sentence of ${JSON.stringify(source)} is ${sentence ?? 'missing'}`, () => {
    assert.equal(openingSentence(source), sentence)
  })
}

for (const [page, text] of Object.entries({ 'docs/security.md': security, 'docs/internals.md': internals })) {
  test(`${page}: the files and folders of this project that it names exist`, () => {
    const named = [...text.matchAll(/`((?:test|scripts|docs|bench|src|\.ci)\/[\w/.*-]*)`/g)].map(
      ([, path = '']) => path,
    )
    assert(named.length > 10)
    assert.deepEqual(
      // What starts the tests on a new machine is not copied to where they run compiled.
      named.filter((path) => !path.startsWith('.ci/') && globSync(path).length === 0),
      [],
    )
  })
}

test('the scripts that docs/internals.md names exist', () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'))
  const told = [...internals.matchAll(/npm run ([\w:]+)/g)].map(([, name = '']) => name)
  assert(told.length > 5)
  assert.deepEqual(
    told.filter((name) => !Object.hasOwn(scripts, name)),
    [],
  )
})

test('a title that no test has is noticed', () => {
  assert(isTitle('a certificate for …', 'a certificate for … is for the hosts of the table and no others'))
  assert(isTitle('one (and all) …', 'one (and all) …'))
  assert(!isTitle('one title', 'one title and more'))
  assert(titlesOf('test/docs/docs-references.test.ts').includes('a title that no test has is noticed'))
})
