/** What a mutant is: a line of the product that keeps an invariant, broken, and the test that must notice. */
import { globSync, readFileSync } from 'node:fs'

export interface Mutant {
  /** Of the list in docs/internals.md. */
  readonly invariant: Invariant
  /** What is broken, in a few words. */
  readonly what: string
  /** Texts, and what takes their place. The first stands in one file of `src/`, once; the others too, in the same file. */
  readonly edits: readonly string[]
  /** Below `test/`. */
  readonly test: string
  /** How the titles of the tests begin that must fail, with an assertion. */
  readonly title: string
}

export type Invariant = 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I6' | 'I7'

type Row = readonly [what: string, edits: readonly string[], test: string, title: string]

export function mutantsOf(invariant: Invariant, rows: readonly Row[]): Mutant[] {
  return rows.map(([what, edits, test, title]) => ({ invariant, what, edits, test, title }))
}

/** The file of `src/` that a mutant is about, its source, and the mutated one. @throws Error if it does not apply any more */
export function mutate({ what, edits }: Mutant): {
  readonly file: string
  readonly original: string
  readonly source: string
} {
  const [first = ''] = edits
  const places = [...sources()].filter(([, source]) => source.includes(first))
  const [place] = places
  if (place === undefined || places.length > 1) {
    const files = places.map(([file]) => file).join(', ') || 'no file'
    throw new Error(`${what}: ${JSON.stringify(first)} stands in ${files}, not in one`)
  }
  const [file, original] = place
  let source = original
  for (let index = 0; index < edits.length; index += 2) {
    const [find = '', replace = ''] = edits.slice(index, index + 2)
    const found = source.split(find).length - 1
    if (found !== 1) throw new Error(`${what}: ${JSON.stringify(find)} stands ${found} times in ${file}, not once`)
    source = source.replace(find, () => replace)
  }
  return { file, original, source }
}

let cache: ReadonlyMap<string, string> | undefined

/** The files of `src/` and their text, read once. */
function sources(): ReadonlyMap<string, string> {
  cache ??= new Map(globSync('src/**/*.ts').map((file) => [file, readFileSync(file, 'utf8')]))
  return cache
}
