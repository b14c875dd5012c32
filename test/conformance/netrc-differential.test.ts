/** netrc files as Python's parser and requests read them, but for what is listed. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect, isDeepStrictEqual } from 'node:util'
import { parseNetrc } from '../../src/auth/netrc.ts'
import { askPython } from './oracle.ts'
import { consult, inHundreds } from './record.ts'
import { type Accepted, Tally } from './tally.ts'

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

type Found = readonly [string, string] | null

/** What is read otherwise on purpose. */
const DIFFERENCES: readonly (Accepted & { readonly fits: (text: string, theirs: Found) => boolean })[] = [
  {
    why: 'a comment outside of entries may have more than one word, and follow another on its line',
    fits: (text) => text.includes('#'),
  },
  { why: 'an empty word in quotes is a word, not the end of the file', fits: (text) => text.includes('""') },
  {
    why: 'an entry whose words are all empty gives no credentials, as in requests 2.34; 2.28 sent them',
    fits: (_, theirs) => theirs?.join('') === '',
    optional: true,
  },
  { why: 'a blank behind the name of a macro does not end it', fits: (text) => /macdef (?:\S+ +)?\n/.test(text) },
]

test('files are read as by Python, but for the listed differences', async (t) => {
  const questions = texts(3000)
  const hundreds = inHundreds(questions)
  const { versions, answers } = await consult(t, {
    suite: 'netrc',
    questions: hundreds,
    ask: async () => {
      const about = questions.map((text) => [text, 'http://h/'])
      const live = await askPython<Found>('netrc-oracle.py', about)
      return { ...live, answers: inHundreds(live.answers).map(([, found]) => found) }
    },
  })
  const theirs = answers.flat()
  const tally = new Tally(DIFFERENCES, versions)
  const unlisted = questions.flatMap((text, index) => {
    const [their = null, our] = [theirs[index], read(text)]
    if (isDeepStrictEqual(their, our)) return []
    const difference = tally.differences.find(({ fits }) => fits(text, their))
    if (difference === undefined) return [`${JSON.stringify(text)}: ${inspect(their)}, here ${inspect(our)}`]
    tally.count(difference)
    return []
  })
  assert.deepEqual(unlisted, [])
  t.diagnostic(`files with credentials: ${theirs.filter((each) => each !== null).length}`)
  tally.report(t, questions.length)
})

function read(text: string): Found {
  try {
    const netrc = parseNetrc(text)
    const found = netrc.get('h') ?? netrc.get('default')
    return found?.some((part) => part !== '') ? found : null
  } catch {
    return null
  }
}
