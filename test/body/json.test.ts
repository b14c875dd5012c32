import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeJson } from '../../src/body/json.ts'
import { InvalidJSONError } from '../../src/core/errors.ts'

const WRITTEN: [value: unknown, expected: string][] = [
  [{ a: 1, b: [null, 'é'] }, '{"a":1,"b":[null,"é"]}'],
  [0, '0'],
  [false, 'false'],
  ['', '""'],
  [{ a: undefined }, '{}'],
  ['null', '"null"'],
  [new Map<string, unknown>([['a', new Map([['b', 1]])]]), '{"a":{"b":1}}'],
  [new Map(), '{}'],
  [new Date(0), '"1970-01-01T00:00:00.000Z"'],
]

for (const [value, expected] of WRITTEN) {
  test(`JSON ${expected} is written`, () => assert.equal(encodeJson(value).toString(), expected))
}

const cycle: Record<string, unknown> = {}
cycle.self = cycle

const REFUSED: [title: string, value: unknown, message: RegExp][] = [
  ['NaN', Number.NaN, /^Out of range float values are not JSON compliant: NaN$/],
  ['a nested infinity', { a: [{ b: Number.NEGATIVE_INFINITY }] }, /^Out of range .*: -Infinity at "b"$/],
  ['NaN in a Map', new Map([['a', Number.NaN]]), /^Out of range .*: NaN at "a"$/],
  ['a BigInt', { a: 1n }, /^json cannot be serialised: .*BigInt/],
  ['a cycle', cycle, /^json cannot be serialised: .*circular/i],
  ['a Set', { a: new Set([1]) }, /^json cannot hold a Set at "a"; use an array$/],
  ['a function', () => 1, /^json must be a JSON value, got function$/],
  ['undefined', undefined, /^json must be a JSON value, got undefined$/],
  ['a symbol', Symbol('x'), /^json must be a JSON value, got symbol$/],
]

for (const [title, value, message] of REFUSED) {
  test(`${title} is no JSON`, () => {
    assert.throws(
      () => encodeJson(value),
      (error) => error instanceof InvalidJSONError && message.test(error.message),
    )
  })
}
