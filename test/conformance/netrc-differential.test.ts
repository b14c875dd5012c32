/** netrc files as Python's parser and requests read them, but for what is listed. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parseNetrc } from '../../src/auth/netrc.ts'
import { PYTHON, whyNoRequests } from './oracle.ts'

const PARTS = [
  'machine',
  'default',
  'login',
  'user',
  'password',
  'account',
  'macdef',
  'h',
  'ada',
  '"a b"',
  '""',
  'x\\ y',
  '"q\\"r"',
  '#',
  '#c',
  '\n',
  '\n\n',
  '\t',
  '# a comment\n',
  'machine h login',
  'password p',
  'macdef m\nline\n\n',
  '\\',
  '"',
]

/** Texts of a few parts each; the same ones in each run. */
function texts(count: number): string[] {
  let state = 7
  const next = (max: number) => {
    // A linear congruential generator (Numerical Recipes' constants): enough to mix.
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * max)
  }
  return Array.from({ length: count }, () => {
    const parts = Array.from({ length: 1 + next(9) }, () => PARTS[next(PARTS.length)] ?? '')
    return next(2) ? parts.join(' ') : `machine h login ada ${parts.join(' ')}`
  })
}

/** What is read otherwise on purpose. */
const DIFFERENCES: [why: string, fits: (text: string) => boolean][] = [
  [
    'a comment outside of entries may have more than one word, and follow another on its line',
    (text) => text.includes('#'),
  ],
  ['an empty word in quotes is a word, not the end of the file', (text) => text.includes('""')],
  ['a blank behind the name of a macro does not end it', (text) => /macdef (?:\S+ +)?\n/.test(text)],
  ['a backslash at the very end', (text) => /\\\s*$/.test(text)],
]

test('files are read as by Python, but for the listed differences', { skip: whyNoRequests() }, (t) => {
  const questions = texts(3000)
  const script = fileURLToPath(new URL('netrc-oracle.py', import.meta.url))
  const input = JSON.stringify(questions.map((text) => [text, 'http://h/']))
  const answers: unknown[] = JSON.parse(execFileSync(PYTHON, [script], { input, encoding: 'utf8', timeout: 60_000 }))
  const unlisted: string[] = []
  const counts = new Map<string, number>()
  for (const [index, text] of questions.entries()) {
    const ours = read(text)
    if (JSON.stringify(ours) === JSON.stringify(answers[index])) continue
    const why = DIFFERENCES.find(([, fits]) => fits(text))?.[0]
    if (why === undefined)
      unlisted.push(`${JSON.stringify(text)}: ${JSON.stringify(answers[index])}, here ${JSON.stringify(ours)}`)
    else counts.set(why, (counts.get(why) ?? 0) + 1)
  }
  assert.deepEqual(unlisted, [])
  t.diagnostic(`${questions.length} files, ${answers.filter((each) => each !== null).length} with credentials`)
  for (const [why] of DIFFERENCES) t.diagnostic(`${why}: ${counts.get(why) ?? 0}`)
})

function read(text: string): readonly [string, string] | null {
  try {
    const netrc = parseNetrc(text)
    const found = netrc.get('h') ?? netrc.get('default')
    return found?.some((part) => part !== '') ? found : null
  } catch {
    return null
  }
}
