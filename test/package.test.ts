/** What is published: the names, the version, what an import loads. The package as it is installed: test/package/. */
import './helpers/environment.ts'
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import { test } from 'node:test'
import * as vouch from '../src/index.ts'
import { outputOf, outputOfScript } from './helpers/processes.ts'

const manifest = JSON.parse(readFileSync('package.json', 'utf8'))

test('the User-Agent names the version of the package', () => {
  assert.equal(new vouch.Session().headers.get('user-agent'), `vouch/${manifest.version}`)
})

test('the README installs the file that npm pack makes, and the changelog has a section for its version', () => {
  const tarballs = new Set(readFileSync('README.md', 'utf8').match(/vouch-[\d.]+\.tgz/g))
  assert.deepEqual([...tarballs], [`vouch-${manifest.version}.tgz`])
  assert(readFileSync('CHANGELOG.md', 'utf8').includes(`\n## [${manifest.version}] - `))
})

test('the default export has every function and class that is exported by name, and the errors', () => {
  const { default: requests, ...names } = vouch
  assert.deepEqual(Object.keys(requests).sort(), Object.keys(names).sort())
  for (const [name, value] of Object.entries(names)) assert.equal(requests[name as keyof typeof requests], value)
})

test('the verbs are those of requests', () => {
  for (const verb of ['request', 'get', 'options', 'head', 'post', 'put', 'patch', 'delete'] as const) {
    assert.equal(typeof vouch.default[verb], 'function')
  }
})

test('the command is a script for Node, and says the version of the package', async () => {
  const script = manifest.bin.vouch
  assert.match(readFileSync(script, 'utf8'), /^#!\/usr\/bin\/env node\n/)
  assert.equal(await outputOf(process.execPath, [script, '--version']), `${manifest.version}\n`)
})

test("import 'vouch' loads neither the command line, what makes certificates nor what few requests need", async () => {
  // What is loaded lazily goes through require, so that it would be in this cache.
  const code = `import 'vouch'; import { Module } from 'node:module'; console.log(Object.keys(Module._cache).join())`
  assert.doesNotMatch(await outputOfScript(code), /tough-cookie|chardet|http-link-header|asn1js/)
  const imports = importsOf(resolve('dist/index.js'))
  assert(imports.has('got') && imports.size < 50, [...imports].join())
  const rare = /certs|cli\/|explain|x509|peculiar|tough-cookie|chardet|http-link-header|socks/
  assert.deepEqual(
    [...imports].filter((specifier) => rare.test(specifier)),
    [],
  )
})

/** What a module imports, and those that it imports: libraries by name, the package's own files by path in `dist`. */
function importsOf(file: string, found = new Set<string>()): Set<string> {
  for (const [, specifier = ''] of readFileSync(file, 'utf8').matchAll(
    /^(?:import|export)\b[^;]*?["']([^"']+)["'];$/gm,
  )) {
    const path = specifier.startsWith('.') ? resolve(dirname(file), specifier) : undefined
    const name = path === undefined ? specifier : relative('dist', path)
    if (found.has(name)) continue
    found.add(name)
    if (path !== undefined) importsOf(path, found)
  }
  return found
}
