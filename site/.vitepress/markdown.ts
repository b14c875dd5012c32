/** What the site changes in the Markdown files of the repository. */

/** Neighbouring code blocks: in the file they follow one another, with nothing between them. */
const NEIGHBOURS = /(?:^```\w+\n[^`]*?^```\n\n?){2,}/gm
const LABELS: Readonly<Record<string, string>> = {
  js: 'JavaScript',
  ts: 'TypeScript',
  sh: 'Shell',
  py: 'Python requests',
}

/** Shows neighbouring code blocks of different languages as tabs. */
export const withTabs = (markdown: string): string =>
  markdown.replace(NEIGHBOURS, (blocks) => {
    const languages = Array.from(blocks.matchAll(/^```(\w+)\n/gm), ([, language = '']) => language)
    const isLabelled = languages.every((language) => LABELS[language] !== undefined)
    if (!isLabelled || new Set(languages).size !== languages.length) return blocks
    const labelled = blocks.replace(
      /^```(\w+)\n/gm,
      (_, language: string) => `\`\`\`${language} [${LABELS[language]}]\n`,
    )
    return `::: code-group\n\n${labelled.trimEnd()}\n\n:::\n\n`
  })

/** A README is the index of its folder. */
export const withIndexes = (markdown: string): string => markdown.replace(/(\]\([\w./-]*)\bREADME\.md/g, '$1index.md')

export const pages = () => ({
  name: 'pages',
  enforce: 'pre' as const,
  transform: (code: string, id: string) => (id.endsWith('.md') ? withTabs(withIndexes(code)) : undefined),
})
