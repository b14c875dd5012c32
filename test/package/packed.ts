/** The package as npm packs it, and a project that has installed it. */
import assert from 'node:assert/strict'
import { cpSync, existsSync, readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'
import { basename, delimiter, dirname, join, relative, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { runSync } from '../helpers/processes.ts'
import type { TempDir } from '../helpers/temp.ts'

interface Manifest {
  readonly version: string
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>
  readonly imports: Readonly<Record<string, unknown>>
  readonly engines: { readonly node: string }
  readonly dependencies: Readonly<Record<string, string>>
}

/** The package.json of the package. */
export const manifest: Manifest = JSON.parse(readFileSync('package.json', 'utf8'))

/** By what names users import the modules of the package: `vouch`, `vouch/certs`. */
export const moduleNames: readonly string[] = Object.keys(manifest.exports)
  .filter((subpath) => !subpath.endsWith('.json'))
  .map((subpath) => join('vouch', subpath))

/** Packs what is built into the directory. Without `prepare`: it would build, while other tests read what is built. */
export function pack(dir: TempDir): string {
  npm(dir, ['pack', '--ignore-scripts', '--pack-destination', dir.path], '.')
  return dir.join(`vouch-${manifest.version}.tgz`)
}

/** Makes the directory a project that has installed the packed package, and the types of Node. */
export function install(dir: TempDir): void {
  const tarball = pack(dir)
  dir.write('package.json', '{ "private": true, "devDependencies": { "@types/node": "*" } }')
  // npm takes what is there already.
  copyLibraries([...Object.keys(manifest.dependencies), '@types/node'], resolve('package.json'), dir)
  // Some of them have commands, which npm would miss.
  npm(dir, ['rebuild', '--ignore-scripts'])
  npm(dir, ['install', tarball])
}

/** Runs npm in the directory, offline and with no settings but its own; returns what it printed. */
export function npm(dir: TempDir, args: readonly string[], cwd = dir.path): string {
  const settings = ['--offline', '--no-audit', '--cache', dir.join('.npm')]
  const { status, stdout, stderr } = runSync('npm', [...settings, ...args], { cwd, env: userEnvironment() })
  assert.equal(status, 0, stderr)
  return stdout
}

/** The environment of a user whose `node` is the one that runs the tests, rather than that of an npm script. */
export function userEnvironment(): NodeJS.ProcessEnv {
  const unset = Object.keys(process.env).flatMap((name) => (name.startsWith('npm_') ? [[name, undefined]] : []))
  return { ...Object.fromEntries(unset), PATH: [dirname(process.execPath), process.env.PATH].join(delimiter) }
}

/** Copies libraries, and those that they need, from where the tests have them. */
function copyLibraries(names: readonly string[], dependant: string, dir: TempDir): void {
  for (const name of names) {
    const file = findPackageJSON(name, pathToFileURL(dependant))
    assert(file, `${name} is not installed`)
    const copy = dir.join('node_modules', relative(nodeModules, dirname(file)))
    if (existsSync(copy)) continue
    // Libraries in a library are copied when it is seen that it needs them.
    cpSync(dirname(file), copy, { recursive: true, filter: (path) => basename(path) !== 'node_modules' })
    copyLibraries(Object.keys(manifestOf(file).dependencies ?? {}), file, dir)
  }
}

function manifestOf(file: string): Partial<Manifest> {
  return JSON.parse(readFileSync(file, 'utf8'))
}

const nodeModules = join(dirname(findPackageJSON('got', import.meta.url) ?? ''), '..')
