/**
 * Breaks the lines on which the invariants rest, one at a time in a copy of the sources, and requires that the named test
 * fails, by an assertion: `npm run test:mutation`, or with words of `what` for those mutants only.
 */
import { execFile } from 'node:child_process'
import { cpSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { testEnvironment } from '../../scripts/clean-environment.ts'
import { tempDir } from '../helpers/temp.ts'
import { type Mutant, mutate } from './mutant.ts'
import { MUTANTS } from './mutants.ts'
import type { Outcome } from './reporter.ts'

/** Says what is wrong, if anything is. */
type Job = (folder: string) => Promise<string | undefined>

const WORKERS = 2
const reporter = pathToFileURL(resolve('test/mutation/reporter.ts')).href
const words = process.argv.slice(2).join(' ')
const chosen = MUTANTS.filter(({ what }) => what.includes(words))

const started = performance.now()
const jobs: Job[] = [
  ...Array.from(
    Map.groupBy(chosen, ({ test }) => test),
    ([test, mutants]) => baseline(test, mutants),
  ),
  ...chosen.map(killing),
]
const problems: string[] = []
await Promise.all(Array.from({ length: WORKERS }, work))
const seconds = Math.round((performance.now() - started) / 1000)
for (const problem of problems) console.error(problem)
console.log(`mutants killed: ${chosen.length - problems.length} of ${chosen.length}, in ${seconds} s`)
process.exitCode = problems.length === 0 ? 0 : 1

/** Does what there is to do, in a copy of its own. */
async function work(): Promise<void> {
  using dir = tempDir()
  for (const name of ['src', 'test', 'package.json']) cpSync(name, dir.join(name), { recursive: true })
  symlinkSync(resolve('node_modules'), dir.join('node_modules'))
  for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
    const problem = await job(dir.path)
    if (problem !== undefined) problems.push(problem)
  }
}

/** Without a mutation the tests are there and pass: else it would not be the mutation that they fail for. */
function baseline(test: string, mutants: readonly Mutant[]): Job {
  return async (folder) => {
    const titles = mutants.map(({ title }) => title)
    const outcomes = await outcomesOf(folder, test, titles)
    const missing = titles.filter((title) => !outcomes.some(({ name }) => name.startsWith(title)))
    const failed = outcomes.find(({ passed }) => !passed)
    if (missing.length > 0) return `there are no tests in test/${test} named ${missing.join(', ')}`
    return failed && `test/${test} fails as it is: ${failed.name}`
  }
}

function killing(mutant: Mutant): Job {
  const { invariant, what, test, title } = mutant
  return async (folder) => {
    const { file, original, source } = mutate(mutant)
    writeFileSync(join(folder, file), source)
    const outcomes = await outcomesOf(folder, test, [title])
    writeFileSync(join(folder, file), original)
    const failed = outcomes.filter(({ passed }) => !passed)
    if (failed.some(({ codes }) => codes.includes('ERR_ASSERTION'))) return undefined
    const [crash] = failed
    const survived = outcomes.length === 0 ? 'ran no test' : 'survived'
    const fate = crash ? `crashed "${crash.name}" (${crash.codes.join(', ') || 'no code'})` : survived
    return `${invariant}: ${what} (${file}) ${fate}, in test/${test} "${title}…"`
  }
}

/** Of the tests in this file whose titles begin so. */
async function outcomesOf(folder: string, test: string, titles: readonly string[]): Promise<Outcome[]> {
  const patterns = titles.map((title) => `--test-name-pattern=^${title.replace(/[^\w ]/g, '\\$&')}`)
  const args = [`--test-reporter=${reporter}`, '--test-timeout=30000', ...patterns, join('test', test)]
  const stdout = await new Promise<string>((done) => {
    const env = testEnvironment(join(folder, 'compile-cache'))
    execFile(process.execPath, args, { cwd: folder, env, timeout: 60_000 }, (_error, stdout) => done(stdout))
  })
  const lines = stdout.split('\n').filter((line) => line.startsWith('{"name"'))
  return lines.map((line) => JSON.parse(line) as Outcome)
}
