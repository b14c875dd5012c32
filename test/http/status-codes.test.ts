import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codes } from '../../src/http/status-codes.ts'

test('every name stands for its status in lower and in upper case', () => {
  assert.equal(codes.ok, 200)
  assert.equal(codes.OK, 200)
  assert.equal(codes.not_found, 404)
  assert.equal(codes.NOT_FOUND, 404)
  assert.equal(codes.teapot, 418)
  assert.equal(codes.early_hints, 103)
  assert.equal(codes.precondition, 428)
  assert.equal(codes['\\o/'], 200)
  assert.equal(codes['✓'], 200)
  for (const [name, code] of Object.entries(codes)) {
    assert.equal((codes as Record<string, number>)[name.toUpperCase()], code)
  }
})

test('a name that is no status is undefined, also those of Object', () => {
  for (const name of ['nope', 'constructor', '__proto__', 'toString']) assert.ok(!(name in codes))
})

test('the table cannot be changed', () => {
  assert.ok(Object.isFrozen(codes))
})
