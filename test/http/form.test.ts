import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { encodeForm, type FormInit } from '../../src/http/form.ts'

// Values of requests, but for the boolean (`True` there).
const FORMS: [fields: FormInit, expected: string][] = [
  [{ a: [1, null, 'x y'], b: null, c: '', 'd é': '*~-._!' }, 'a=1&a=x+y&c=&d+%C3%A9=%2A~-._%21'],
  [
    [
      ['a', 1],
      ['a', 2],
    ],
    'a=1&a=2',
  ],
  [new Map([['a', '1\r\n&=+%']]), 'a=1%0D%0A%26%3D%2B%25'],
  [new URLSearchParams('a=1&a=*~'), 'a=1&a=%2A~'],
  [{ a: Buffer.from([0, 255, 32, 65]) }, 'a=%00%FF+A'],
  [{ a: true, b: 10n, c: undefined }, 'a=true&b=10'],
  [{ a: '\ud800' }, 'a=%EF%BF%BD'],
  [{ a: [] }, ''],
  [{}, ''],
]

for (const [fields, expected] of FORMS) {
  test(`the form '${expected}'`, () => assert.equal(encodeForm(fields), expected))
}

test('a form decodes back to what was given', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }))), (pairs) => {
      assert.deepEqual([...new URLSearchParams(encodeForm(pairs).replace(/^\?/, '%3F'))], pairs)
    }),
  )
})

test('bytes of any value come through', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const text = encodeForm({ a: bytes }).slice(2).replaceAll('+', '%20')
      const decoded = text.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
      assert.deepEqual(Buffer.from(decoded, 'latin1'), Buffer.from(bytes))
    }),
  )
})
