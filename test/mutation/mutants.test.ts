/** That every mutant still applies; `npm run test:mutation` tries them. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { mutate } from './mutant.ts'
import { MUTANTS } from './mutants.ts'

for (const mutant of MUTANTS) {
  test(`${mutant.invariant} can be broken: ${mutant.what}`, () => {
    const source = readFileSync(`src/${mutant.file}`, 'utf8')
    assert.notEqual(mutate(source, mutant), source)
    assert(existsSync(`test/${mutant.test}`), mutant.test)
  })
}
