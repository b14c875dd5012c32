/** What a mutant is: a line of the product that keeps an invariant, broken, and the test that must notice. */

export interface Mutant {
  /** Of the list in docs/internals.md. */
  readonly invariant: Invariant
  /** What is broken, in a few words. */
  readonly what: string
  /** Below `src/`. */
  readonly file: string
  /** Texts that stand in the file once each, and what takes their place. */
  readonly edits: readonly string[]
  /** Below `test/`. */
  readonly test: string
  /** How the titles of the tests begin that must fail, with an assertion. */
  readonly title: string
}

export type Invariant = 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I6' | 'I7'

type Row = readonly [what: string, file: string, edits: readonly string[], test: string, title: string]

export function mutantsOf(invariant: Invariant, rows: readonly Row[]): Mutant[] {
  return rows.map(([what, file, edits, test, title]) => ({ invariant, what, file, edits, test, title }))
}

/** The mutated source. @throws Error when it does not apply any more */
export function mutate(source: string, { file, what, edits }: Mutant): string {
  let text = source
  for (let index = 0; index < edits.length; index += 2) {
    const [find = '', replace = ''] = edits.slice(index, index + 2)
    const found = text.split(find).length - 1
    if (found !== 1) throw new Error(`${what}: ${JSON.stringify(find)} stands ${found} times in src/${file}, not once`)
    text = text.replace(find, () => replace)
  }
  return text
}
