/** The lines on which the invariants rest, broken: who changes one of them changes its row as well. */
import { MUTANTS as CONDUCT } from './conduct.ts'
import { MUTANTS as DIAGNOSIS } from './diagnosis.ts'
import { MUTANTS as FETCH } from './fetch.ts'
import { MUTANTS as INTERMEDIATES } from './intermediates.ts'
import { MUTANTS as ISOLATION } from './isolation.ts'
import type { Mutant } from './mutant.ts'
import { MUTANTS as SECRETS } from './secrets.ts'
import { MUTANTS as TRUST } from './trust.ts'

export const MUTANTS: readonly Mutant[] = [
  ...ISOLATION,
  ...TRUST,
  ...CONDUCT,
  ...FETCH,
  ...SECRETS,
  ...INTERMEDIATES,
  ...DIAGNOSIS,
]
