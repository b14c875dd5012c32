import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseChallenges } from '../../src/auth/challenge.ts'

const parsed = (...values: string[]) =>
  parseChallenges(values).map(({ scheme, params }) => [scheme, Object.fromEntries(params)])

const CASES: [header: string, expected: [string, Record<string, string>][]][] = [
  ['Basic realm="x"', [['basic', { realm: 'x' }]]],
  ['NTLM', [['ntlm', {}]]],
  [
    'Negotiate abc==, Basic realm="x"',
    [
      ['negotiate', {}],
      ['basic', { realm: 'x' }],
    ],
  ],
  // RFC 9110 section 11.6.1
  [
    'Basic realm="simple", Newauth realm="apps", type=1, title="Login to \\"apps\\""',
    [
      ['basic', { realm: 'simple' }],
      ['newauth', { realm: 'apps', type: '1', title: 'Login to "apps"' }],
    ],
  ],
  [
    'Basic realm="Digest nonce=1", DIGEST Qop=auth',
    [
      ['basic', { realm: 'Digest nonce=1' }],
      ['digest', { qop: 'auth' }],
    ],
  ],
  ['Digest realm = "a, b" ,nonce=abc==, opaque=""', [['digest', { realm: 'a, b', nonce: 'abc==', opaque: '' }]]],
  ['Digest realm="first", realm="second"', [['digest', { realm: 'first' }]]],
  [',, Digest nonce=1,,', [['digest', { nonce: '1' }]]],
  [
    'Digest realm=my realm, nonce=a/b+c:d@e=, qop=""',
    [['digest', { realm: 'my realm', nonce: 'a/b+c:d@e=', qop: '' }]],
  ],
  ['Digest realm=me@host:8080/x , nonce = "n"', [['digest', { realm: 'me@host:8080/x', nonce: 'n' }]]],
  ['Digest realm="the "old" server", nonce="n"', [['digest', { realm: 'the "old" server', nonce: 'n' }]]],
  ['Digest realm="a" nonce="b"', [['digest', { realm: 'a', nonce: 'b' }]]],
  ['Digest opaque=, nonce=n', [['digest', { nonce: 'n' }]]],
  ['Digest nonce=n, opaque=, qop=auth', [['digest', { nonce: 'n', opaque: '', qop: 'auth' }]]],
  ['realm="of nothing"', []],
  ['', []],
]

for (const [header, expected] of CASES) {
  test(`the challenges of '${header}' are separated`, () => assert.deepEqual(parsed(header), expected))
}

test('several headers follow one another', () => {
  assert.deepEqual(parsed('Basic realm="x"', 'Digest nonce=1'), [
    ['basic', { realm: 'x' }],
    ['digest', { nonce: '1' }],
  ])
})

test('any text is parsed, also a long one that fits nothing', () => {
  fc.assert(fc.property(fc.array(fc.string()), (values) => Array.isArray(parseChallenges(values))))
  const lines = ['a'.repeat(250_000), `Digest ${', a="x'.repeat(50_000)}(`, `Digest a=" ${'\\'.repeat(200_000)}`]
  // In time that grows with the length; with its square it would take minutes.
  for (const line of lines) assert(parseChallenges([`${line}(`]).length <= 1)
})
