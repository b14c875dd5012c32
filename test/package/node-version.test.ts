/** A Node that is too old is told so, in one sentence. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { checkNodeVersion } from '../../src/core/node-version.ts'
import { run } from '../helpers/processes.ts'
import { manifest } from './packed.ts'

/** This Node, as if it were an old one. */
const OLD = 'Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.20.2" } })'
const asOld = (...args: string[]) => run(process.execPath, ['--import', `data:text/javascript,${OLD}`, ...args])

test('the versions are those of engines in package.json', () => {
  assert.equal(manifest.engines.node, '>=22.19')
  for (const version of ['22.19.0', '22.20.1', '24.0.0', '26.1.0', '100.0.0']) checkNodeVersion(version)
  for (const version of ['20.20.2', '22.18.9', '21.30.0', '8.0.0'])
    assert.throws(() => checkNodeVersion(version), {
      message: `vouch needs Node 22.19 or later; this is Node ${version}`,
      code: 'ERR_UNSUPPORTED_NODE',
    })
})

for (const name of ['index', 'certs/index', 'register']) {
  test(`dist/${name}.js says what it needs, and nothing of its stack`, async () => {
    const file = pathToFileURL(resolve('dist', `${name}.js`)).href
    const { status, stderr } = await asOld('--input-type=module', '--eval', `import ${JSON.stringify(file)}`)
    assert.equal(status, 1)
    assert.match(stderr, /vouch needs Node 22\.19 or later; this is Node 20\.20\.2/)
    assert.doesNotMatch(stderr, /^\s+at /m)
  })
}

test('the command prints one line and exits with 2', async () => {
  const { status, stdout, stderr } = await asOld(resolve('dist/cli/bin.js'), 'check', 'https://localhost/')
  const line = 'vouch: error: vouch needs Node 22.19 or later; this is Node 20.20.2\n'
  assert.deepEqual([status, stdout, stderr], [2, '', line])
})

test('a script of a checkout says so before it builds', async () => {
  const { status, stderr } = await asOld(resolve('scripts/check-node.mjs'))
  assert.equal(status, 1)
  assert.match(stderr, /^vouch needs Node 22\.19 or later; this is Node 20\.20\.2\..*\n$/)
})
