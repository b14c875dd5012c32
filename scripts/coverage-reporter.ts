/**
 * For `--test-reporter`, with coverage measured: says which files of `src/` are covered less than they must be, and fails
 * the run. Node's own thresholds are for all files together.
 */
import { globSync, readFileSync } from 'node:fs'
import { relative } from 'node:path'

interface Bar {
  readonly files: RegExp
  /** Percent. */
  readonly lines: number
  readonly branches: number
}

/** The first that a file matches is its own. What decides which servers are trusted has no line that no test runs. */
const BARS: readonly Bar[] = [
  { files: /^src\/(?:(?:trust|x509)\/.*|.*\/(?:agents|live-file|renewal))\.ts$/, lines: 100, branches: 100 },
  { files: /^src\//, lines: 95, branches: 85 },
]

/** Of the event `test:coverage`, as far as it is read here. */
interface FileCoverage {
  readonly path: string
  readonly coveredLinePercent: number
  readonly coveredBranchPercent: number
  readonly branches: readonly { readonly line: number; readonly count: number }[]
}

interface CoverageEvent {
  readonly type: string
  readonly data: { readonly summary: { readonly files: readonly FileCoverage[] } }
}

export default async function* report(events: AsyncIterable<CoverageEvent>): AsyncGenerator<string> {
  for await (const { type, data } of events) {
    if (type !== 'test:coverage') continue
    const { files } = data.summary
    const problems = [...files.flatMap(problemsOf), ...neverLoaded(files)]
    if (problems.length > 0) process.exitCode = 1
    yield problems.length > 0
      ? `covered less than they must be:\n${problems.map((problem) => `  ${problem}\n`).join('')}`
      : `files covered as they must be: ${files.length}\n`
  }
}

function problemsOf({ path, coveredLinePercent, coveredBranchPercent, branches }: FileCoverage): string[] {
  const file = relative('.', path)
  const bar = BARS.find(({ files }) => files.test(file))
  if (bar === undefined) return []
  const missed = branches.filter(({ count }) => count === 0).map(({ line }) => line)
  return [
    ...(coveredLinePercent < bar.lines ? [`${file}: lines ${coveredLinePercent.toFixed(2)} < ${bar.lines} %`] : []),
    ...(coveredBranchPercent < bar.branches
      ? [`${file}: branches ${coveredBranchPercent.toFixed(2)} < ${bar.branches} %, at the lines ${missed.join(', ')}`]
      : []),
  ]
}

/** What no test loads is not in the figures; a file of types alone leaves nothing to load. */
function neverLoaded(files: readonly FileCoverage[]): string[] {
  const loaded = new Set(files.map(({ path }) => relative('.', path)))
  return globSync('src/**/*.ts')
    .filter((file) => !loaded.has(file) && hasCode(readFileSync(file, 'utf8')))
    .map((file) => `${file}: no test loads it`)
}

const hasCode = (text: string): boolean => /^(?:export )?(?:default |async )*(?:function|class|const|let)\b/m.test(text)
