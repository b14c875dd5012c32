import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { checkHeader, HeaderMap, type HeadersInit, mergeHeaders } from '../../src/http/headers.ts'
import { get } from '../../src/index.ts'
import { startTcpServer } from '../helpers/tcp.ts'

test('a header is found in any case and keeps its spelling and place', () => {
  const headers = HeaderMap.from({ 'X-One': '1', Accept: '*/*', Host: 'h' })
  assert.equal(headers.get('x-ONE'), '1')
  assert.ok(headers.has('ACCEPT'))
  headers.set('accept', 'text/html')
  assert.deepEqual(
    [...headers],
    [
      ['X-One', '1'],
      ['accept', 'text/html'],
      ['Host', 'h'],
    ],
  )
  assert.ok(headers.delete('x-one'))
  assert.ok(!headers.delete('x-one'))
  assert.deepEqual(headers.keys(), ['accept', 'Host'])
  assert.equal(headers.size, 2)
  assert.equal(headers.get('X-One'), undefined)
})

test('objects, Maps, pairs, Headers and other header maps are taken', () => {
  const forms: HeadersInit[] = [
    { A: '1', b: '2' },
    new Map([
      ['A', '1'],
      ['b', '2'],
    ]),
    [
      ['A', '1'],
      ['b', '2'],
    ],
    HeaderMap.from({ A: '1', b: '2' }),
  ]
  for (const form of forms)
    assert.deepEqual(
      [...HeaderMap.from(form)],
      [
        ['A', '1'],
        ['b', '2'],
      ],
    )
  assert.deepEqual(
    [...HeaderMap.from(new Headers({ A: '1', b: '2' }))],
    [
      ['a', '1'],
      ['b', '2'],
    ],
  )
  assert.equal(HeaderMap.from(null).size, 0)
})

test('a list of values and a pair that comes again repeat the header', () => {
  const headers = HeaderMap.from({ Via: ['a', 'b'] })
  assert.equal(headers.get('via'), 'a, b')
  assert.deepEqual(headers.getAll('via'), ['a', 'b'])
  assert.deepEqual(
    [...headers],
    [
      ['Via', 'a'],
      ['Via', 'b'],
    ],
  )
  assert.deepEqual(headers.toList(), ['Via', 'a', 'Via', 'b'])
  assert.deepEqual(
    HeaderMap.from([
      ['Via', 'a'],
      ['via', 'b'],
    ]).getAll('Via'),
    ['a', 'b'],
  )
  assert.deepEqual([...headers.set('Via', [])], [])
})

test('of two spellings in one object the last wins, as in requests', () => {
  assert.deepEqual([...HeaderMap.from({ A: '1', a: '2' })], [['a', '2']])
})

test('the headers of a call win over the session, null removes, undefined inherits', () => {
  const session = HeaderMap.from({ Accept: '*/*', 'X-A': '1', 'X-B': '2' })
  const merged = mergeHeaders(session, { accept: 'text/html', 'x-a': null, 'X-B': undefined, 'X-C': '3' })
  assert.deepEqual(
    [...merged],
    [
      ['accept', 'text/html'],
      ['X-B', '2'],
      ['X-C', '3'],
    ],
  )
  assert.deepEqual(
    [...session],
    [
      ['Accept', '*/*'],
      ['X-A', '1'],
      ['X-B', '2'],
    ],
  )
  assert.deepEqual([...mergeHeaders(session, [['X-A', '9']])].length, 3)
  assert.deepEqual([...mergeHeaders(session, undefined)], [...session])
  assert.deepEqual([...mergeHeaders(session, null)], [])
})

test('a copy is independent', () => {
  const headers = HeaderMap.from({ A: '1' })
  const copy = headers.clone()
  copy.append('a', '2')
  copy.set('B', '3')
  assert.deepEqual([...headers], [['A', '1']])
})

test('names such as __proto__ are names like any other', () => {
  const headers = HeaderMap.from(JSON.parse('{"__proto__": "x", "constructor": "y"}'))
  assert.equal(headers.get('__proto__'), 'x')
  assert.deepEqual(headers.toList(), ['__proto__', 'x', 'constructor', 'y'])
})

const PREFIX = 'Invalid leading whitespace, reserved character(s), or return character(s) in'

const REFUSED: [name: unknown, value: unknown, message: string][] = [
  ['', 'x', `${PREFIX} header name: it is empty`],
  ['A: secret', 'x', `${PREFIX} header name: 'A' is followed by U+003A at index 1`],
  [' A', 'x', `${PREFIX} header name: '' is followed by U+0020 at index 0`],
  ['A B', 'x', `${PREFIX} header name: 'A' is followed by U+0020 at index 1`],
  ['A\r\n', 'x', `${PREFIX} header name: 'A' is followed by U+000D at index 1`],
  ['é', 'x', `${PREFIX} header name: '' is followed by U+00E9 at index 0`],
  [5, 'x', 'Header name must be a string, got number'],
  ['A', ' x', `${PREFIX} header value for 'A': U+0020 at index 0`],
  ['A', '\tx', `${PREFIX} header value for 'A': U+0009 at index 0`],
  ['A', 'x\r\nB: y', `${PREFIX} header value for 'A': U+000D at index 1`],
  ['A', 'x\n', `${PREFIX} header value for 'A': U+000A at index 1`],
  ['A', 'x\0', `${PREFIX} header value for 'A': U+0000 at index 1`],
  ['A', 'x\x7f', `${PREFIX} header value for 'A': U+007F at index 1`],
  ['A', 1, "Header value for 'A' must be a string, got number"],
  ['A', true, "Header value for 'A' must be a string, got boolean"],
  ['A', Buffer.from('x'), "Header value for 'A' must be a string, got Buffer"],
  [
    'A',
    '€',
    "Header value for 'A' must be latin-1, got U+20AC at index 0; use encodeURIComponent() or RFC 8187 (name*=UTF-8''…)",
  ],
  [
    'A',
    'x😀',
    "Header value for 'A' must be latin-1, got U+1F600 at index 1; use encodeURIComponent() or RFC 8187 (name*=UTF-8''…)",
  ],
]

for (const [name, value, message] of REFUSED) {
  test(`the header ${JSON.stringify(name)} with ${JSON.stringify(value)} is refused`, () => {
    assert.throws(() => checkHeader(name, value), { name: 'InvalidHeader', message })
  })
}

test('empty values, trailing blanks, inner tabs and latin-1 are sent byte for byte', async () => {
  const values = ['', 'x ', 'a\tb', 'é', '~!@#$%^&*()']
  let wire = ''
  await using server = await startTcpServer((socket) => {
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      wire += chunk
      if (wire.includes('\r\n\r\n')) socket.end('HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n')
    })
  })
  await get(server.url, { headers: { 'X-A': values } })
  const lines = wire.split('\r\n').filter((line) => line.startsWith('X-A: '))
  assert.deepEqual(
    lines.map((line) => line.slice('X-A: '.length)),
    values,
  )
})

test('a message about a credential shows nothing of it', () => {
  for (const name of ['Authorization', 'Proxy-Authorization', 'Cookie', 'X-Api-Key']) {
    for (const value of ['hidden\n', ' hidden', 'hidden€', ['hidden', 5]]) {
      assert.throws(
        () => HeaderMap.from({ [name]: value as string }),
        (error: Error) => !error.message.includes('hidden'),
      )
    }
  }
  assert.throws(
    () => HeaderMap.from({ 'Authorization: hidden': '' }),
    (error: Error) => !error.message.includes('hidden'),
  )
})

test('credentials are not shown by inspection', () => {
  const headers = HeaderMap.from({
    Accept: '*/*',
    authorization: 'hidden',
    Cookie: 'hidden',
    'Proxy-Authorization': 'hidden',
  })
  const shown = inspect({ headers }, { breakLength: Number.POSITIVE_INFINITY })
  assert.equal(
    shown,
    "{ headers: HeaderMap { Accept: '*/*', authorization: '***', Cookie: '***', 'Proxy-Authorization': '***' } }",
  )
  assert.doesNotMatch(JSON.stringify(headers), /hidden/)
})

test('passwords in URLs, and credentials in a header of any name, are not shown by inspection', () => {
  const headers = HeaderMap.from([
    ['Referer', 'https://ada:hidden@host/@path'],
    ['Link', '<http://ada:hidden@host/a>; rel="next", <https://host/@user>'],
    ['X-Own', 'Bearer hidden'],
    ['X-Own', 'basic hidden'],
  ])
  assert.equal(
    inspect(headers, { breakLength: Number.POSITIVE_INFINITY }),
    `HeaderMap { Referer: 'https://host/@path', Link: '<http://host/a>; rel="next", <https://host/@user>', 'X-Own': [ '***', '***' ] }`,
  )
})

test('headers of a wrong shape are a TypeError', () => {
  const from = HeaderMap.from as (init: unknown) => HeaderMap
  const message = 'headers must be an object, a Map, a list of [name, value] pairs or Headers, got string'
  assert.throws(() => from('A: 1'), { name: 'TypeError', message })
  assert.throws(() => from(['A: 1']), {
    name: 'TypeError',
    message: 'headers[0] must be a [name, value] pair, got string',
  })
})

test('a header map behaves as a Map by lower-case names', () => {
  const name = fc.constantFrom('a', 'A', 'b', 'B', '__proto__', 'X-Y', 'x-y')
  const step = fc.oneof(
    fc.record({ do: fc.constant('set' as const), name, value: fc.constantFrom('', '1', '2') }),
    fc.record({ do: fc.constant('delete' as const), name, value: fc.constant('') }),
  )
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const headers = new HeaderMap()
      const model = new Map<string, [string, string]>()
      for (const { do: what, name, value } of steps) {
        if (what === 'set') {
          headers.set(name, value)
          model.set(name.toLowerCase(), [name, value])
        } else {
          assert.equal(headers.delete(name), model.delete(name.toLowerCase()))
        }
      }
      assert.deepEqual([...headers], [...model.values()])
      assert.deepEqual(headers.toList(), [...model.values()].flat())
    }),
  )
})
