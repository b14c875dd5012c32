/** The files of a project to be audited, without those that `.gitignore` excludes. */
import { closeSync, existsSync, lstatSync, openSync, readdirSync, readSync, type Stats, statSync } from 'node:fs'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import newRules, { type Ignore } from 'ignore'
import { readRegularFile } from '../../core/live-file.ts'

/** How a file is read. */
export type FileKind = 'javascript' | 'text'

export interface Candidate {
  /** As it is shown: relative to where the search began, below what was named. */
  readonly path: string
  readonly kind: FileKind
}

/** A file or folder that was passed over, and why. */
export interface Unread {
  readonly path: string
  readonly why: string
}

/**
 * The files at and below a path, in order. Folders called `node_modules` are left out, and what `.gitignore` names, of the
 * repository's folders above as well; what is named itself is taken in any case.
 *
 * @param onUnread called for each folder that cannot be listed, and each link, which is not followed
 */
export function* candidates(path: string, onUnread: (unread: Unread) => void): Generator<Candidate> {
  const status = statSync(path)
  if (!status.isDirectory()) {
    yield { path, kind: kindOf(path) ?? 'text' }
    return
  }
  const above = ignoresAbove(resolve(path))
  yield* walk(path, isIgnored(resolve(path), true, above) ? [] : above, onUnread)
}

/** The rules of one `.gitignore`, and the folder that they are for. */
interface IgnoreFile {
  readonly folder: string
  readonly rules: Ignore
}

function* walk(folder: string, above: readonly IgnoreFile[], onUnread: (unread: Unread) => void): Generator<Candidate> {
  let names: string[]
  try {
    names = readdirSync(folder).sort()
  } catch (error) {
    onUnread({ path: folder, why: reasonOf(error) })
    return
  }
  const ignores = [...above, ...ignoreFileOf(resolve(folder))]
  for (const name of names) {
    const path = folder === '.' ? name : join(folder, name)
    const status = statusOf(path, onUnread)
    if (status === undefined || SKIPPED.has(name) || isIgnored(resolve(path), status.isDirectory(), ignores)) continue
    if (status.isDirectory()) yield* walk(path, ignores, onUnread)
    else if (status.isSymbolicLink()) {
      if (kindOf(path, false) !== undefined) onUnread({ path, why: 'a symbolic link, which is not followed' })
    } else {
      const kind = status.isFile() ? kindOf(path) : undefined
      if (kind !== undefined) yield { path, kind }
    }
  }
}

function statusOf(path: string, onUnread: (unread: Unread) => void): Stats | undefined {
  try {
    return lstatSync(path)
  } catch (error) {
    onUnread({ path, why: reasonOf(error) })
    return undefined
  }
}

const SKIPPED: ReadonlySet<string> = new Set(['node_modules', '.git', '.hg', '.svn'])

/** What git itself would ignore: of the rules that fit, the last of the innermost folder. */
function isIgnored(path: string, isDirectory: boolean, ignores: readonly IgnoreFile[]): boolean {
  let isOut = false
  for (const { folder, rules } of ignores) {
    const below = relative(folder, path).split(sep).join('/')
    if (below === '') continue
    const { ignored, unignored } = rules.test(isDirectory ? `${below}/` : below)
    if (ignored || unignored) isOut = ignored
  }
  return isOut
}

/** The rules of the folders above, up to the one that is a repository; none if there is no such one. */
function ignoresAbove(folder: string): IgnoreFile[] {
  const folders: string[] = []
  for (let at = folder; ; at = dirname(at)) {
    if (at !== folder) folders.unshift(at)
    if (existsSync(join(at, '.git')))
      return [...rulesIn(join(at, '.git/info/exclude'), at), ...folders.flatMap(ignoreFileOf)]
    if (dirname(at) === at) return []
  }
}

function ignoreFileOf(folder: string): IgnoreFile[] {
  return rulesIn(join(folder, '.gitignore'), folder)
}

function rulesIn(file: string, folder: string): IgnoreFile[] {
  try {
    return [{ folder, rules: newRules().add(readRegularFile(file).toString()) }]
  } catch {
    return []
  }
}

/** By its name; one without an ending may be a script, which its first line says. `undefined`: nothing to be found there. */
function kindOf(path: string, mayRead = true): FileKind | undefined {
  const name = basename(path)
  if (LOCK_FILES.has(name)) return undefined
  if (JAVASCRIPT.test(name)) return 'javascript'
  if (TEXT.test(name)) return 'text'
  if (name.includes('.') || !mayRead) return undefined
  const first = beginningOf(path)
  if (/^#!.*\b(?:node|bun|deno|tsx)\b/.test(first)) return 'javascript'
  return /^#!.*\b(?:sh|bash|dash|zsh|ksh|fish)\b/.test(first) ? 'text' : undefined
}

/** They hold no settings, and are large. */
const LOCK_FILES: ReadonlySet<string> = new Set(['package-lock.json', 'npm-shrinkwrap.json', 'pnpm-lock.yaml'])

const JAVASCRIPT = /\.(?:[cm]?[jt]sx?|json[5c]?|vue|svelte|astro)$/i

const TEXT = new RegExp(
  [
    '^\\.env(?:\\.|$)|\\.env$|^\\.envrc$|^\\.(?:npmrc|yarnrc|curlrc|wgetrc|gitconfig)$',
    '\\.(?:ya?ml|sh|bash|zsh|ksh|fish|ps1|psm1|bat|cmd|mk|toml|ini|cfg|conf|properties|service|tf|tfvars|hcl|groovy)$',
    '^(?:Dockerfile|Containerfile|Makefile|GNUmakefile|Jenkinsfile|Procfile|Vagrantfile|justfile|Justfile)(?:\\.|$)',
    '\\.(?:dockerfile|containerfile)$',
  ].join('|'),
  'i',
)

function beginningOf(path: string): string {
  try {
    const file = openSync(path, 'r')
    try {
      const bytes = Buffer.alloc(128)
      return bytes.toString('latin1', 0, readSync(file, bytes, 0, bytes.length, 0)).split('\n', 1)[0] ?? ''
    } finally {
      closeSync(file)
    }
  } catch {
    return ''
  }
}

/** Why a file or folder cannot be read, in words. */
export function reasonOf(error: unknown): string {
  const { code = '', message = '' } = error as NodeJS.ErrnoException
  return REASONS.get(code) ?? message
}

const REASONS: ReadonlyMap<string, string> = new Map([
  ['EACCES', 'permission denied'],
  ['EPERM', 'permission denied'],
  ['ENOENT', 'there is no such file'],
  ['ELOOP', 'too many symbolic links'],
  ['EISDIR', 'it is a directory'],
])
