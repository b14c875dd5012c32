import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Versions } from './oracle.ts'
import { type Accepted, Tally } from './tally.ts'

const versions: Versions = { python: [3, 11, 7], requests: '2.34.2', urllib3: '2.7.0', openssl: '3.0.22' }
const needed: Accepted = { id: 'D1', why: 'an empty string is an error' }
const optional: Accepted = { why: 'may not show', optional: true }
const ofOthers: Accepted = { why: 'of old versions', when: ({ urllib3 }) => urllib3.startsWith('1.') }

test('accepted differences that are needed, that need not be, and of other versions pass', (t) => {
  const tally = new Tally([needed, optional, ofOthers], versions)
  assert.deepEqual(tally.differences, [needed, optional])
  tally.count(needed)
  tally.report(t, 1)
})

test('an accepted difference that nothing needed fails by its name', (t) => {
  const tally = new Tally([needed, { why: 'nobody needs this' }], versions)
  assert.throws(() => tally.report(t, 1), { actual: ['D1', 'nobody needs this'] })
})
