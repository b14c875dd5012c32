/** That every mutant still applies; `npm run test:mutation` tries them. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { mutate } from './mutant.ts'
import { MUTANTS } from './mutants.ts'

for (const mutant of MUTANTS) {
  test(`${mutant.invariant} can be broken: ${mutant.what}`, () => {
    const { file, source } = mutate(mutant)
    assert.notEqual(source, readFileSync(file, 'utf8'))
    assert(existsSync(`test/${mutant.test}`), mutant.test)
  })
}
