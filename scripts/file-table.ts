/**
 * Lists the files of `src/` in docs/internals.md: `node scripts/file-table.ts`. A table for each folder, from the ground
 * up, with the first sentence of the comment that each file begins with.
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { FLOORS } from './floors.ts'

const PAGE = 'docs/internals.md'
const PLACE = /(?<=<!-- files -->\n).*(?=<!-- \/files -->)/s

/** The page as it stands, and with the tables as they should be. */
export function pages(): { readonly written: string; readonly expected: string } {
  const written = readFileSync(PAGE, 'utf8')
  if (!PLACE.test(written)) throw new Error(`${PAGE} has no <!-- files --> … <!-- /files -->`)
  return { written, expected: written.replace(PLACE, () => `\n${FLOORS.flat().map(tableOf).join('\n')}\n`) }
}

/** @throws Error when a file of the folder has no opening comment */
function tableOf(folder: string): string {
  const pattern = folder === '.' ? 'src/*.ts' : `src/${folder}/**/*.ts`
  const files = globSync(pattern)
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => !file.endsWith('.d.ts'))
    .sort()
  const rows = files.map((file) => `| \`${file.slice('src/'.length)}\` | ${openingOf(file)} |\n`)
  const heading = folder === '.' ? 'The entry points' : `\`${folder}/\``
  return `### ${heading}\n\n| file | what it is |\n|---|---|\n${rows.join('')}`
}

function openingOf(file: string): string {
  const sentence = openingSentence(readFileSync(file, 'utf8'))
  if (sentence === undefined) throw new Error(`${file} does not begin with a comment /** … */ that says what it is`)
  return sentence.replaceAll('|', '\\|')
}

/** The first sentence of the comment with which a source begins, in one line and without its period. */
export function openingSentence(source: string): string | undefined {
  const [, comment] = /^(?:#![^\n]*\n)?\/\*\*(.*?)\*\//s.exec(source) ?? []
  const [paragraph = ''] = (comment ?? '')
    .replace(/^\s*\*? ?/gm, '')
    .trim()
    .split('\n\n')
  const text = paragraph.replace(/\s+/g, ' ').replace(/\{@link (\w+)\}/g, '`$1`')
  return /^.+?(?=\.(?: |$))|^.+/.exec(text)?.[0]
}

if (import.meta.main) writeFileSync(PAGE, pages().expected)
