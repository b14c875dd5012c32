/** The package installed from its repository, as long as it is not in the registry. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { cpSync, existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { outputOf, run } from '../helpers/processes.ts'
import { hasProgram } from '../helpers/programs.ts'
import { tempDir } from '../helpers/temp.ts'
import { userEnvironment } from './packed.ts'

const noRepository = (!existsSync('.git') && 'this is no checkout') || (!hasProgram('git') && 'git is not installed')

/** npm installs what it is built with first, which takes minutes on a busy machine. */
const LIMIT_MS = 400_000

test('npm installs it from git, builds it, and leaves out what it was built with', {
  skip: noRepository,
  timeout: LIMIT_MS,
}, async (t) => {
  using dir = tempDir()
  // As it stands, committed or not.
  const repository = dir.join('repository')
  for (const file of (await outputOf('git', ['ls-files', '-co', '--exclude-standard'])).trim().split('\n'))
    if (existsSync(file)) cpSync(file, `${repository}/${file}`)
  const identity = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com']
  for (const args of [
    ['init', '-q'],
    ['add', '.'],
    [...identity, 'commit', '-qm', 'all', '--no-verify'],
  ])
    await outputOf('git', args, { cwd: repository })

  dir.write('project/package.json', '{ "private": true }')
  const project = { cwd: dir.join('project'), env: userEnvironment(), limit: LIMIT_MS }
  // What it is built with has to be in the cache of npm, as it is after `npm ci`.
  const installed = await run('npm', ['install', '--offline', '--no-audit', `git+file://${repository}`], project)
  const [obstacle] = /ENOTCACHED|EALLOWGIT|unknown git error/.exec(installed.stderr) ?? []
  if (obstacle !== undefined) return t.skip(`npm cannot install it offline here: ${obstacle}`)
  assert.equal(installed.status, 0, installed.stderr)
  const printed = await outputOf(
    process.execPath,
    ['-e', `import('vouch').then((vouch) => console.log(typeof vouch.get))`],
    project,
  )
  assert.equal(printed, 'function\n')
  assert.match(await outputOf('npm', ['exec', '--', 'vouch', '--version'], project), /^\d+\.\d+\.\d+\n$/)
  for (const name of ['typescript', 'rolldown', 'vouch/src'])
    assert(!existsSync(dir.join('project/node_modules', name)), name)
})

test('no page installs a package of this name from the registry', () => {
  const pages = ['README.md', 'docs/quickstart.md'].map((page) => readFileSync(page, 'utf8'))
  for (const page of pages) assert.doesNotMatch(page, /^npm (?:install|i|add) vouch\b/m)
})

test('the first command of the README packs the package', { skip: noRepository }, async () => {
  const [, command = ''] = /```sh\n(.*?) #/.exec(readFileSync('README.md', 'utf8')) ?? []
  assert.equal(command, 'npm ci && npm pack')
  using dir = tempDir()
  // What is built here is read by other tests: `prepare` is in the test above.
  const args = ['pack', '--ignore-scripts', '--pack-destination', dir.path]
  const file = await outputOf('npm', args, { env: userEnvironment() })
  assert(existsSync(dir.join(file.trim())), file)
  assert(readFileSync('README.md', 'utf8').includes(file.trim()))
})
