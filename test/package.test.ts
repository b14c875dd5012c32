/** What is published: the names, the version, the entry points. */
import './helpers/environment.ts'
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
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
