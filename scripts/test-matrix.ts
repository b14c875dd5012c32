/**
 * Runs the compiled tests on each supported line of Node: `npm run test:matrix`, or with arguments on some lines and below some
 * folders only: `npm run test:matrix 22 26 trust transport`.
 *
 * The sources use `using`, which Node 22 does not know, so here they are compiled as they are for publication. Each Node
 * comes from the npm package `node`, into `build/node-<line>`.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, globSync, mkdirSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { testEnvironment } from './clean-environment.ts'
import { TEST_ARGUMENTS } from './test-arguments.ts'

const isLine = (argument: string) => /^\d+$/.test(argument)
const [lines, folders] = [process.argv.slice(2).filter(isLine), process.argv.slice(2).filter((each) => !isLine(each))]
const LINES = lines.length > 0 ? lines : ['22', '24', '26']
const PATTERNS = folders.length > 0 ? folders.map((folder) => `test/${folder}/**/*.test.js`) : ['test/**/*.test.js']
/** What does not depend on the line of Node: documents, packages, types, browsers, servers and runtimes of others. */
const SAME_EVERYWHERE = [
  ...['bundlers', 'docs', 'drivers', 'mutation', 'package', 'runtimes', 'types'].map((folder) => `test/${folder}/**`),
  ...['test/architecture.test.js', 'test/package.test.js', 'test/certs/real-clients.test.js'],
]
const env = testEnvironment()

run('npm', ['run', '--silent', 'build'])
run('node', ['scripts/clean.ts', 'build/tests'])
run('npx', ['--no-install', 'tsc', '-p', 'tsconfig.matrix.json'])
// Some tests look at what is not compiled: the sources, the package, the documentation.
for (const path of ['package.json', 'dist', 'docs', 'bench/results.md', 'README.md', 'CHANGELOG.md', 'LICENSE'])
  cpSync(path, `build/tests/${path}`, { recursive: true })
for (const path of globSync('{src,test,scripts}/**/*.{ts,py,json,mjs}', { exclude: ['**/node_modules/**'] }))
  cpSync(path, `build/tests/${path}`)

const failed = LINES.filter((line) => !passes(line))
console.log(failed.length === 0 ? `\nAll passed on Node ${LINES.join(', ')}` : `\nFailed on Node ${failed.join(', ')}`)
process.exit(failed.length === 0 ? 0 : 1)

function passes(line: string): boolean {
  const node = nodeOf(line)
  console.log(`\nNode ${spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim()}`)
  const files = globSync(PATTERNS, { cwd: 'build/tests', exclude: folders.length > 0 ? [] : SAME_EVERYWHERE }).sort()
  return (
    spawnSync(node, [...TEST_ARGUMENTS, ...files], {
      stdio: 'inherit',
      timeout: 1_800_000,
      env,
      cwd: 'build/tests',
    }).status === 0
  )
}

function nodeOf(line: string): string {
  const folder = resolve(`build/node-${line}`)
  const node = `${folder}/node_modules/node/bin/node`
  if (!existsSync(node)) {
    mkdirSync(folder, { recursive: true })
    writeFileSync(`${folder}/package.json`, JSON.stringify({ private: true, allowScripts: { node: true } }))
    run('npm', ['install', '--silent', '--no-package-lock', `node@${line}`], folder)
  }
  return node
}

function run(command: string, args: readonly string[], cwd = '.'): void {
  const { status } = spawnSync(command, args, { stdio: 'inherit', env: process.env, cwd })
  if (status !== 0) process.exit(status ?? 1)
}
