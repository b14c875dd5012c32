/** What is published: the names, the version, the entry points. */
import './helpers/environment.ts'
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { promisify } from 'node:util'
import * as vouch from '../src/index.ts'

const manifest = JSON.parse(readFileSync('package.json', 'utf8'))

test('the User-Agent names the version of the package', () => {
  assert.equal(new vouch.Session().headers.get('user-agent'), `vouch/${manifest.version}`)
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

test('the built package is imported, and required, by its name', async () => {
  const imported = `import requests, { get } from 'vouch'; import { createSelfSignedCert } from 'vouch/certs'
    console.log(typeof requests.get, typeof get, typeof createSelfSignedCert)`
  const required = `const { get, default: requests } = require('vouch'); const certs = require('vouch/certs')
    console.log(typeof requests.get, typeof get, typeof certs.createSelfSignedCert)`
  for (const [type, code] of [
    ['module', imported],
    ['commonjs', required],
  ] as const) {
    const { stdout } = await promisify(execFile)(process.execPath, [`--input-type=${type}`, '--eval', code])
    assert.equal(stdout, 'function function function\n', type)
  }
})

test('the command is a script for Node, and says the version of the package', async () => {
  const script = manifest.bin.vouch
  assert.match(readFileSync(script, 'utf8'), /^#!\/usr\/bin\/env node\n/)
  const { stdout } = await promisify(execFile)(process.execPath, [script, '--version'])
  assert.equal(stdout, `${manifest.version}\n`)
})

test('the built package uses the compiler helpers of tslib, a dependency', () => {
  const importers = globSync('dist/**/*.js').filter((file) => /from ['"]tslib['"]/.test(readFileSync(file, 'utf8')))
  assert(importers.length > 0)
  assert('tslib' in manifest.dependencies && 'got' in manifest.dependencies)
})

test("import 'vouch' loads neither the command line, what makes certificates nor what few requests need", async () => {
  // What is loaded lazily goes through require, so that it would be in this cache.
  const code = `import 'vouch'; import { Module } from 'node:module'; console.log(Object.keys(Module._cache).join())`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', code])
  assert.doesNotMatch(stdout, /tough-cookie|chardet|http-link-header/)
  const imports = globSync('dist/*.js').flatMap(
    (file) => readFileSync(file, 'utf8').match(/from ['"][^'"]+['"]/g) ?? [],
  )
  assert.deepEqual(
    imports.filter((specifier) => /certs|\/cli\/|peculiar|tough-cookie|chardet|http-link-header/.test(specifier)),
    [],
  )
})
