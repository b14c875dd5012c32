import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { outputOf } from '../helpers/processes.ts'
import { type Answers, type Versions, whyNoRequests } from './oracle.ts'
import { changedAnswers, changedQuestions, type Inquiry, recordingOf, write } from './record.ts'

const versions: Versions = { python: [3, 11, 7], requests: '2.34.2', urllib3: '2.7.0', openssl: '3.0.22' }
const live: Answers<string> = { versions, answers: ['trusted', 'refused'] }
const asking = (...questions: [string, unknown][]): Inquiry<string> => ({
  suite: 'none',
  questions,
  ask: async () => live,
})
const inquiry = asking(['good', { host: 'localhost' }], ['expired', { host: 'localhost', days: -1 }])

test('a record is read back as it was written, and nothing of it has changed', () => {
  const recording = JSON.parse(write(recordingOf(inquiry, live)))
  assert.deepEqual(recording, recordingOf(inquiry, live))
  assert.deepEqual(changedQuestions(recording, inquiry), [])
  assert.deepEqual(changedAnswers(recording, inquiry, live), [])
})

test('questions that were changed, added or taken away are named, but for those that a machine cannot ask', () => {
  const recording = recordingOf(inquiry, live)
  const now = asking(['good', { host: '127.0.0.1' }], ['toString', {}])
  assert.deepEqual(changedQuestions(recording, now), ['changed: good', 'new: toString', 'asked no more: expired'])
  const elsewhere = { ...asking(['good', { host: 'localhost' }]), elsewhere: ['expired'] }
  assert.deepEqual(changedQuestions(recording, elsewhere), [])
})

test('answers that are not those of the record are named', () => {
  const other = { versions, answers: ['trusted', 'trusted'] }
  assert.deepEqual(changedAnswers(recordingOf(inquiry, live), inquiry, other), ['expired'])
})

for (const [how, python] of [
  ['is not here', '/nowhere/python3'],
  ['is here', process.env.PYTHON ?? 'python3'],
] as const) {
  const here = how === 'is here'
  test(`a suite compares with what Python requests says, or said: it ${how}`, {
    skip: here && whyNoRequests(),
  }, async () => {
    const file = import.meta.url.replace('record.test', 'netrc-differential.test')
    // A run of its own, which reports to this one only.
    const env = { PYTHON: python, NODE_TEST_CONTEXT: undefined, RECORD: undefined }
    const stdout = await outputOf(process.execPath, [fileURLToPath(file)], { env })
    assert.match(stdout, /scenarios compared: 3000, with requests \d/)
    assert.equal(/Python requests is not here: compared with verdicts recorded with requests \d/.test(stdout), !here)
  })
}
