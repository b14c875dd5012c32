/** Every piece of code in the documentation compiles as it is pasted into a strict project, against the package as it is built. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { run } from '../helpers/processes.ts'
import { moduleOf, snippets } from '../helpers/snippets.ts'

const COMPILER = resolve('node_modules/.bin/tsc')

/** JavaScript too: what is pasted from a page into a strict project has to compile. */
const STRICT = { strict: true, exactOptionalPropertyTypes: true }

for (const language of ['js', 'ts']) {
  test(`every piece of ${language} in the documentation compiles`, {
    skip: !existsSync(COMPILER) && 'the compiler is not here',
  }, async () => {
    const folder = resolve('build/snippets', language)
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    const pieces = snippets().filter((snippet) => snippet.language === language)
    assert(pieces.length > 0)
    for (const piece of pieces) {
      const name = `${piece.page.replace(/\W/g, '-')}-${piece.line}.ts`
      writeFileSync(join(folder, name), moduleOf(piece))
    }
    const modules = { target: 'ES2024', lib: ['ES2024', 'ESNext'], types: ['node'], module: 'nodenext' }
    const compilerOptions = { ...modules, ...STRICT, skipLibCheck: true, noEmit: true }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }))
    const { status, stdout, stderr } = await run(COMPILER, ['-p', folder])
    assert.deepEqual([status, stdout + stderr], [0, ''])
  })
}
