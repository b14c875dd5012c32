/** That every mutant still applies; `npm run test:mutation` tries them. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { mutate } from './mutant.ts'
import { MUTANTS } from './mutants.ts'

for (const mutant of MUTANTS) {
  test(`${mutant.invariant} can be broken: ${mutant.what}`, () => {
    const { original, source } = mutate(mutant)
    assert.notEqual(source, original)
    assert(existsSync(`test/${mutant.test}`), mutant.test)
  })
}
