/** The pieces of code in the documentation, each as a module of its own. */
import { globSync, readFileSync } from 'node:fs'

export interface Snippet {
  readonly page: string
  readonly language: string
  /** Where it begins, counted from 1. */
  readonly line: number
  readonly code: string
}

/** All of them, by page and in order. */
export function snippets(): Snippet[] {
  return ['README.md', ...globSync('docs/**/*.md').sort()].flatMap((page) => {
    const text = readFileSync(page, 'utf8')
    return Array.from(text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm), ({ 1: language = '', 2: code = '', index }) => {
      return { page, language, line: text.slice(0, index).split('\n').length, code }
    })
  })
}

/** A piece as a module, on the line that it has in its page, and otherwise as it is pasted. */
export const moduleOf = ({ code, line }: Snippet): string => `export {}${'\n'.repeat(Math.max(1, line))}${code}`
