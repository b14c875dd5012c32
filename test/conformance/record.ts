/**
 * What Python requests said when it was last asked, in `recorded/`, for machines that have none. Where it can be asked, its
 * live answers count, and a record that is not what the same versions say today fails.
 *
 * To record anew: `RECORD=1 node scripts/run-tests.ts test/conformance/*-differential.test.ts`
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { type Answers, type Versions, whyNoRequests } from './oracle.ts'

/** The questions of a suite. */
export interface Inquiry<A> {
  /** Of the file in `recorded/`. */
  readonly suite: string
  /** What is asked, by name: as much of it as is the same in each run. */
  readonly questions: readonly (readonly [name: string, asked: unknown])[]
  /** Asks Python for the answers, in the order of the questions and without what differs from run to run. */
  readonly ask: () => Promise<Answers<A>>
  /** Questions that this machine cannot ask, such as those that need IPv6. */
  readonly elsewhere?: readonly string[]
}

export interface Recording<A = unknown> {
  readonly versions: Versions
  readonly answers: Readonly<Record<string, { readonly asked: string; readonly answer: A }>>
}

/** The answers of requests: live where it is installed, else recorded; the run says which. */
export async function consult<A>(t: TestContext, inquiry: Inquiry<A>): Promise<Answers<A>> {
  const { suite, questions } = inquiry
  const names = questions.map(([name]) => name)
  assert.equal(new Set(names).size, names.length, 'each question has a name of its own')
  const file = new URL(`recorded/${suite}.json`, import.meta.url)
  const whyNot = whyNoRequests()
  if (whyNot) {
    const recorded = read<A>(file)
    assert.deepEqual(changedQuestions(recorded, inquiry), [], ANEW)
    t.diagnostic(`Python requests is not here: compared with verdicts recorded with ${wordsOf(recorded.versions)}`)
    return { versions: recorded.versions, answers: names.map((name) => recorded.answers[name]?.answer as A) }
  }
  const live = await inquiry.ask()
  if (process.env.RECORD) {
    assert.deepEqual(inquiry.elsewhere ?? [], [], 'to be recorded where everything can be asked')
    writeFileSync(file, write(recordingOf(inquiry, live)))
    t.diagnostic(`recorded ${names.length} answers of ${wordsOf(live.versions)}`)
    return live
  }
  const recorded = read<A>(file)
  assert.deepEqual(changedQuestions(recorded, inquiry), [], ANEW)
  const changed = changedAnswers(recorded, inquiry, live)
  if (isDeepStrictEqual(recorded.versions, live.versions)) assert.deepEqual(changed, [], ANEW)
  else if (changed.length > 0) {
    const some = changed.slice(0, 5).join('; ')
    t.diagnostic(`${changed.length} answers are not as recorded with ${wordsOf(recorded.versions)}, such as ${some}`)
  }
  return live
}

const ANEW = `the record is stale; anew, where Python requests is installed: RECORD=1 node scripts/run-tests.ts test/conformance/*-differential.test.ts`

/** `requests 2.34.2, urllib3 2.7.0, Python 3.11.7, OpenSSL 3.0.22` */
export function wordsOf({ requests, urllib3, python, openssl }: Versions): string {
  return `requests ${requests}, urllib3 ${urllib3}, Python ${python.join('.')}, OpenSSL ${openssl}`
}

/** Many small questions as few, each of up to a hundred: their names are their numbers. */
export function inHundreds<Q>(questions: readonly Q[]): (readonly [name: string, asked: readonly Q[]])[] {
  return Array.from({ length: Math.ceil(questions.length / 100) }, (_, index) => {
    const first = index * 100
    const asked = questions.slice(first, first + 100)
    return [`${first + 1} to ${first + asked.length}`, asked]
  })
}

export function recordingOf<A>({ questions }: Inquiry<A>, { versions, answers }: Answers<A>): Recording<A> {
  const rows = questions.map(([name, asked], index) => [name, { asked: digestOf(asked), answer: answers[index] as A }])
  return { versions, answers: Object.fromEntries(rows) }
}

/** The questions that are not those of the record, with what happened to them. */
export function changedQuestions({ answers }: Recording, { questions, elsewhere = [] }: Inquiry<unknown>): string[] {
  const asked = new Set([...questions.map(([name]) => name), ...elsewhere])
  return [
    ...questions.flatMap(([name, question]) => {
      if (!Object.hasOwn(answers, name)) return [`new: ${name}`]
      return answers[name]?.asked === digestOf(question) ? [] : [`changed: ${name}`]
    }),
    ...Object.keys(answers).flatMap((name) => (asked.has(name) ? [] : [`asked no more: ${name}`])),
  ]
}

/** The questions to which the record has another answer. */
export function changedAnswers<A>({ answers }: Recording<A>, { questions }: Inquiry<A>, live: Answers<A>): string[] {
  return questions.flatMap(([name], index) =>
    isDeepStrictEqual(answers[name]?.answer, live.answers[index]) ? [] : [name],
  )
}

function digestOf(question: unknown): string {
  return createHash('sha256').update(JSON.stringify(question)).digest('hex').slice(0, 8)
}

function read<A>(file: URL): Recording<A> {
  assert(existsSync(file), `nothing was recorded yet: ${ANEW}`)
  return JSON.parse(readFileSync(file, 'utf8'))
}

/** A line for each answer, or for each verdict of an answer that is a table of verdicts: so a change can be read. */
export function write({ versions, answers }: Recording): string {
  const rows = Object.entries(answers).map(
    ([name, { asked, answer }]) => `    ${JSON.stringify(name)}: {"asked":"${asked}","answer":${show(answer)}}`,
  )
  return `{\n  "versions": ${JSON.stringify(versions)},\n  "answers": {\n${rows.join(',\n')}\n  }\n}\n`
}

function show(answer: unknown): string {
  const isTable = isObject(answer) && Object.values(answer).every((verdict) => typeof verdict === 'string')
  return isTable ? JSON.stringify(answer, null, 2).replaceAll('\n', '\n    ') : JSON.stringify(answer)
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
