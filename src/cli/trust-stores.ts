/** The trust stores of this machine: the system's and those of browsers (NSS), and the commands that change them. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { homeDirectory, processEnvironment } from '../core/environment.ts'
import { shellPath } from '../core/shell.ts'

/** A CA's certificate that is to be trusted, or not any more. */
export interface TrustedFile {
  /** Absolute. */
  readonly path: string
  /** SHA-256 of the certificate, `AA:BB:…`. */
  readonly fingerprint: string
}

/** One command, as it is run without a shell. */
export interface Step {
  readonly words: readonly string[]
  /** Whether its failure means that there was nothing to do. */
  readonly mayFail?: boolean
}

export type Change = 'trust' | 'untrust'

/** What to run on Linux; empty: there is no store that can be changed. */
export function linuxSteps(change: Change, file: TrustedFile, stores: { system: boolean; browsers: boolean }): Step[] {
  return [...(stores.system ? systemSteps(change, file) : []), ...(stores.browsers ? browserSteps(change, file) : [])]
}

/** The directories of distributions, and what reads them. */
const SYSTEM_STORES = [
  { directory: '/usr/local/share/ca-certificates', update: ['update-ca-certificates'] },
  { directory: '/etc/pki/ca-trust/source/anchors', update: ['update-ca-trust', 'extract'] },
  { directory: '/etc/ca-certificates/trust-source/anchors', update: ['trust', 'extract-compat'] },
] as const

function systemSteps(change: Change, file: TrustedFile): Step[] {
  const store = SYSTEM_STORES.find(({ directory, update }) => existsSync(directory) && hasProgram(update[0]))
  if (store === undefined) return []
  const target = join(store.directory, `${nameOf(file)}.crt`)
  // `install` gives the copy the mode that all programs can read.
  const own = change === 'trust' ? ['install', '-m', '644', file.path, target] : ['rm', '-f', target]
  const refresh = change === 'untrust' && store.update[0] === 'update-ca-certificates' ? ['--fresh'] : []
  const asRoot = process.getuid?.() === 0 ? [] : ['sudo']
  return [{ words: [...asRoot, ...own] }, { words: [...asRoot, ...store.update, ...refresh] }]
}

function browserSteps(change: Change, file: TrustedFile): Step[] {
  if (!hasProgram('certutil')) return []
  return databases().flatMap((directory): Step[] => {
    const database = ['-d', `sql:${directory}`]
    if (change === 'untrust') return [{ words: ['certutil', '-D', ...database, '-n', nameOf(file)], mayFail: true }]
    const create = existsSync(join(directory, 'cert9.db'))
      ? []
      : [{ words: ['mkdir', '-p', directory] }, { words: ['certutil', '-N', ...database, '--empty-password'] }]
    return [...create, { words: ['certutil', '-A', ...database, '-t', 'C,,', '-n', nameOf(file), '-i', file.path] }]
  })
}

/** The NSS databases of Chromium and its like, and of each profile of Firefox. */
function databases(): string[] {
  const home = homeDirectory()
  if (home === undefined) return []
  const shared = join(home, '.pki/nssdb')
  const isChromiumHere = CHROMIUMS.some(hasProgram)
  const profiles = FIREFOX_DIRECTORIES.flatMap((directory) => subdirectories(join(home, directory)))
  return [
    ...(isChromiumHere || existsSync(join(shared, 'cert9.db')) ? [shared] : []),
    ...profiles.filter((profile) =>
      ['cert9.db', 'prefs.js', 'times.json'].some((name) => existsSync(join(profile, name))),
    ),
  ]
}

const CHROMIUMS = [
  'chromium',
  'chromium-browser',
  'google-chrome',
  'google-chrome-stable',
  'brave-browser',
  'microsoft-edge',
]
const FIREFOX_DIRECTORIES = ['.mozilla/firefox', '.config/mozilla/firefox', 'snap/firefox/common/.mozilla/firefox']

function subdirectories(directory: string): string[] {
  try {
    const entries = readdirSync(directory, { withFileTypes: true })
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(directory, name))
  } catch {
    return []
  }
}

/** By the certificate: another CA of the same name is another entry. */
const nameOf = ({ fingerprint }: TrustedFile): string =>
  `vouch-${fingerprint.replaceAll(':', '').slice(0, 16).toLowerCase()}`

function hasProgram(name: string): boolean {
  const directories = (processEnvironment().PATH ?? '').split(delimiter).concat('/usr/sbin', '/sbin')
  return directories.some((directory) => existsSync(join(directory, name)))
}

/** The command for systems whose store asks for its own confirmation; `undefined` for others. */
export function commandFor(
  platform: NodeJS.Platform,
  change: Change,
  { path, fingerprint }: TrustedFile,
): string | undefined {
  const file = shellPath(path) ?? 'FILE'
  const sha1 = fingerprint.replaceAll(':', '')
  if (platform === 'darwin')
    return change === 'trust'
      ? `sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain ${file}`
      : `sudo security remove-trusted-cert -d ${file}`
  if (platform === 'win32')
    return change === 'trust' ? `certutil -addstore -f Root ${file}` : `certutil -delstore Root ${sha1}`
  return undefined
}

/** @returns whether it succeeded; its output goes to stderr */
export function runStep({ words: [program = '', ...args], mayFail = false }: Step): boolean {
  const path = `${processEnvironment().PATH ?? ''}${delimiter}/usr/sbin${delimiter}/sbin`
  const stdio = mayFail ? 'ignore' : (['inherit', process.stderr, process.stderr] as const)
  const { status } = spawnSync(program, args, {
    stdio: stdio as 'ignore',
    env: { ...processEnvironment(), PATH: path },
  })
  return status === 0 || mayFail
}
