import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { getUrlAuth, redactUrl, withoutAuth } from '../../src/core/credentials.ts'
import { encodeParams, mergeParams, type ParamsInit, prepareUrl } from '../../src/http/url.ts'

// Expected values are what requests 2.28 makes of the same input, unless a comment says otherwise.
const PREPARED: [url: string, params: ParamsInit | undefined, expected: string][] = [
  ['http://x/a b?c d#e f', undefined, 'http://x/a%20b?c%20d#e%20f'],
  ['http://x/%7Eu/%c3%a9', undefined, 'http://x/~u/%C3%A9'],
  ['http://x/a%zzb%20', undefined, 'http://x/a%25zzb%2520'],
  ['http://x/?a[]=1|2^3`{}"<>\\', undefined, 'http://x/?a%5B%5D=1%7C2%5E3%60%7B%7D%22%3C%3E%5C'],
  ['http://x/é?q=é', undefined, 'http://x/%C3%A9?q=%C3%A9'],
  ['http://bücher.example/', undefined, 'http://xn--bcher-kva.example/'],
  ['http://fuß.de/', undefined, 'http://xn--fu-hia.de/'],
  ['http://x/a/../b/./c//d', undefined, 'http://x/b/c//d'],
  ['http://x/a\nb ', undefined, 'http://x/a%0Ab%20'],
  ['http://x\\@y/', undefined, 'http://x/%5C@y/'],
  ['http://a@b:c@x/', undefined, 'http://a%40b:c@x/'],
  ['http://x/;p;q?a;b', undefined, 'http://x/;p;q?a;b'],
  [' \t\nhttp://x/', undefined, 'http://x/'],
  ['HTTPS://X.Com', undefined, 'https://x.com/'],
  ['http://x:/', undefined, 'http://x/'],
  ['http://a_b.c/', undefined, 'http://a_b.c/'],
  [
    'http://x/?a=1#f',
    { b: [1, null, 'x y'], c: null, d: '', '~': "!*'()-._" },
    'http://x/?a=1&b=1&b=x+y&d=&~=%21%2A%27%28%29-._#f',
  ],
  ['http://x/', 'a=b c', 'http://x/?a=b%20c'],
  ['http://x/', Buffer.from('a=b'), 'http://x/?a=b'],
  ['http://x/', 'a#b', 'http://x/?a#b'],
  ['http://x?', '', 'http://x/'],
  ['http://x/a?#', '', 'http://x/a'],
  ['http://x/a#', '', 'http://x/a'],
  ['http://x/', { a: null }, 'http://x/'],
  [
    'http://x/',
    [
      ['a', 1],
      ['a', 2n],
    ],
    'http://x/?a=1&a=2',
  ],
  ['http://x/', new Map([['a b', 'c&d=e+f/é']]), 'http://x/?a+b=c%26d%3De%2Bf%2F%C3%A9'],
  ['http://x/', new URLSearchParams('a=1&a=~*'), 'http://x/?a=1&a=~%2A'],
  ['http://x/', { a: new Uint8Array([255, 0, 32]) }, 'http://x/?a=%FF%00+'],
  ['http://x/', { a: true, b: 1e21 }, 'http://x/?a=true&b=1e%2B21'], // requests: a=True
  ['http://x/%20?z=1', 'a=%zz', 'http://x/%20?z=1&a=%25zz'], // requests: /%2520
  ["http://x/a'b?c='d'", undefined, "http://x/a'b?c=%27d%27"], // requests keeps ' in the query
  ['http://x:80/', undefined, 'http://x/'], // requests keeps the default port
  ['http://127.1/', undefined, 'http://127.0.0.1/'], // requests: http://127.1/
  ['http://[::1]:8080/', undefined, 'http://[::1]:8080/'],
  ['http+unix://%2Frun%2Fx.sock/a', { b: 1 }, 'http+unix://%2Frun%2Fx.sock/a?b=1'],
  ['ftp://x/a', { b: 1 }, 'ftp://x/a'],
  ['mailto:me@example.com', undefined, 'mailto:me@example.com'],
  ['localhost:3128', undefined, 'localhost:3128'],
]

for (const [url, params, expected] of PREPARED) {
  test(`${JSON.stringify(url)} with ${params === undefined ? 'no params' : JSON.stringify([params], bigints)} is ${expected}`, () => {
    assert.equal(prepareUrl(url, params).href, expected)
  })
}

const REFUSED: [url: string, name: string, message: string][] = [
  ['x.com', 'MissingSchema', "Invalid URL 'x.com': No scheme supplied. Perhaps you meant https://x.com?"],
  ['', 'MissingSchema', "Invalid URL '': No scheme supplied. Perhaps you meant https://?"],
  ['//h/p', 'MissingSchema', "Invalid URL '//h/p': No scheme supplied. Perhaps you meant https://h/p?"],
  [
    'httpbin.org:80/',
    'MissingSchema',
    "Invalid URL 'httpbin.org:80/': No scheme supplied. Perhaps you meant https://httpbin.org:80/?",
  ],
  ['http://', 'InvalidURL', "Invalid URL 'http://': No host supplied"],
  ['http:///p', 'InvalidURL', "Invalid URL 'http:///p': No host supplied"],
  ['http:x', 'InvalidURL', "Invalid URL 'http:x': No host supplied"],
  ['http://:80/', 'InvalidURL', "Invalid URL 'http://:80/': No host supplied"],
  ['http://u:hidden@/', 'InvalidURL', "Invalid URL 'http://***@/': No host supplied"],
  ['http://*.x', 'InvalidURL', 'URL has an invalid label.'],
  ['http://.x', 'InvalidURL', 'URL has an invalid label.'],
  ['http://\u2603\u200d.x', 'InvalidURL', 'URL has an invalid label.'],
  ['http://a..b/', 'InvalidURL', "Failed to parse: 'a..b', label empty or too long"],
  [`http://${'a'.repeat(64)}/`, 'InvalidURL', `Failed to parse: '${'a'.repeat(64)}', label empty or too long`],
  ['http://x:99999/', 'InvalidURL', 'Failed to parse: http://x:99999/, the port is larger than 65535'],
  ['http://x:ab/', 'InvalidURL', 'Failed to parse: http://x:***/, the port is not a number'],
  ['http://[::1', 'InvalidURL', 'Failed to parse: http://[::1, the IPv6 address in brackets is not complete'],
  [
    'http://u:hid/den@x/',
    'InvalidURL',
    'Failed to parse: http://***@x/, the port is not a number (a slash, ? or # in a password must be percent-encoded)',
  ],
  [
    'http://go\tod.x/',
    'InvalidURL',
    'Failed to parse: http://go\\u{9}od.x/, the host has a blank or a control character',
  ],
  // The parser would make http of it, without quoting, params and checks.
  ['\0http://a.test/ b', 'InvalidSchema', "No connection adapters were found for '\\u{0}http://a.test/ b'"],
  ['ht\ttp://a.test/', 'InvalidSchema', "No connection adapters were found for 'ht\\u{9}tp://a.test/'"],
  [
    '10.122.1.1:3128/',
    'InvalidSchema',
    "No connection adapters were found for '10.122.1.1:3128/'. Perhaps you meant https://10.122.1.1:3128/?",
  ],
]

for (const [url, name, message] of REFUSED) {
  test(`${JSON.stringify(url)} is refused: ${message}`, () => {
    assert.throws(() => prepareUrl(url), { name, message })
  })
}

test('a URL object is copied, not changed', () => {
  const url = new URL('http://x/?a=1')
  const prepared = prepareUrl(url, { b: 2 })
  assert.equal(prepared.href, 'http://x/?a=1&b=2')
  assert.equal(url.href, 'http://x/?a=1')
  assert.notEqual(prepareUrl(url), url)
})

test('no URL at all and values of other types have errors of their own', () => {
  const prepare = prepareUrl as (url: unknown) => URL
  assert.throws(() => prepare(undefined), { name: 'URLRequired' })
  assert.throws(() => prepare(5), { name: 'TypeError', message: 'url must be a string or a URL, got number' })
})

test('params of a wrong type are a TypeError that says where and what', () => {
  const encode = encodeParams as (params: unknown) => string
  const accepted = 'a string, bytes, an object, a Map, a list of [name, value] pairs or URLSearchParams'
  assert.throws(() => encode(5), { name: 'TypeError', message: `params must be ${accepted}, got number` })
  assert.throws(() => encode(Promise.resolve({})), {
    name: 'TypeError',
    message: `params must be ${accepted}, got Promise`,
  })
  assert.throws(() => encode([1]), { name: 'TypeError', message: 'params[0] must be a [name, value] pair, got number' })
  assert.throws(() => encode({ since: new Date() }), {
    name: 'TypeError',
    message: /^params\.since must be .* got Date; use toISOString\(\)$/,
  })
  assert.throws(() => encode({ a: { b: 1 } }), {
    name: 'TypeError',
    message: /^params\.a must be .* use JSON\.stringify\(\)$/,
  })
})

test('mappings of params merge, the call wins and null removes', () => {
  const merged = mergeParams(
    { a: 1, b: 2, c: 3, n: null },
    new Map<string, number | null | undefined>([
      ['b', 20],
      ['c', null],
      ['a', undefined],
      ['d', 4],
    ]),
  )
  assert.deepEqual(
    [...(merged as Map<string, number>)],
    [
      ['a', 1],
      ['b', 20],
      ['d', 4],
    ],
  )
})

test('strings, lists and URLSearchParams replace the params of the session', () => {
  for (const call of ['x=1', [['x', 1]], new URLSearchParams('x=1')] as ParamsInit[]) {
    assert.equal(mergeParams({ a: 1 }, call), call)
    assert.deepEqual(mergeParams(call, { a: 1 }), { a: 1 })
  }
})

test('undefined params inherit, null params are none', () => {
  const session = { a: 1 }
  assert.equal(mergeParams(session, undefined), session)
  assert.equal(mergeParams(session, null), undefined)
  assert.equal(mergeParams(null, undefined), undefined)
})

test('a name such as __proto__ is a name like any other', () => {
  const params = JSON.parse('{"__proto__": "x", "constructor": "y"}')
  assert.equal(encodeParams(mergeParams({ a: 1 }, params) as ParamsInit), 'a=1&__proto__=x&constructor=y')
})

test('user and password of a URL are decoded', () => {
  const auth = (url: string) => getUrlAuth(new URL(url))
  assert.deepEqual(auth('http://u%40x:p%3A%C3%A9@h/'), ['u@x', 'p:é'])
  assert.deepEqual(auth('http://:p@h/'), ['', 'p'])
  assert.deepEqual(auth('http://u@h/'), ['u', ''])
  assert.deepEqual(getUrlAuth(prepareUrl('http://u:100%@h/')), ['u', '100%'])
  assert.equal(auth('http://h/a@b'), undefined)
})

test('a URL without credentials is returned as it is, else a copy without them', () => {
  const plain = new URL('http://h/')
  assert.equal(withoutAuth(plain), plain)
  const url = new URL('http://u:p@h/x#y')
  assert.equal(withoutAuth(url).href, 'http://h/x#y')
  assert.equal(url.password, 'p')
})

/** A key of P-256 in PKCS#8, as DER in base64. */
const KEY_TEXT = `MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg${'nMd9MyYEU1r0dVyh'.repeat(8)}`

const REDACTED: [url: string, expected: string][] = [
  ['https://user:hidden@h/x', 'https://h/x'],
  ['https:\\\\user:hidden@h/', 'https:\\\\h/'],
  ['https:user:hidden@h', '***@h'],
  ['https:/user:hidden@h', 'https:/***@h'],
  ['user:hidden@h/x', '***@h/x'],
  ['https://user:hid/den@h/', 'https://***@h/'],
  ['https://user:hid#den@h/', 'https://***@h/'],
  ['ht\ntps://user:hidden@h', '***@h'],
  ['https://h/a@b', 'https://h/a@b'],
  ['socks://user:hid\\den@h', 'socks://***@h'],
  ['x.com', 'x.com'],
  // In the path: a URL, as proxies and archives write it, and the rest of a mistyped one; an `@` alone is part of a path.
  ['https://h/web/http://user:hidden@x/y', 'https://h/web/http://***@x/y'],
  ['https://h/http%3A%2F%2Fuser%3Ahidden%40x', 'https://h/http%3A%2F%2F***@x'],
  // A key in place of a host, whole and cut short, which the parser would lowercase.
  [`https://${KEY_TEXT}/x`, 'https://***'],
  [`https://u:p@${KEY_TEXT.slice(0, 60)}:8443/x`, 'https://***'],
  [`socks5h://${KEY_TEXT.slice(0, 20)}/${KEY_TEXT.slice(20)}`, 'socks5h://***'],
  ['socks5h:///x/user:hidden@h', 'socks5h:///***@h'],
  ['https://h/a@b/c', 'https://h/a@b/c'],
  ['file:///home/a@b/ca.pem', 'file:///home/a@b/ca.pem'],
]

for (const [url, expected] of REDACTED) {
  test(`${JSON.stringify(url)} is shown as ${expected}`, () => assert.equal(redactUrl(url), expected))
}

test('a URL object is shown without its credentials', () => {
  assert.equal(redactUrl(new URL('https://user:hidden@h/x')), 'https://h/x')
})

test('params decode back to what was given, whatever the text', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }))), (pairs) => {
      const wellFormed = pairs.map((pair) => pair.map((text) => Buffer.from(text).toString()))
      assert.deepEqual([...prepareUrl('http://x/', pairs).searchParams], wellFormed)
    }),
  )
})

test('a prepared URL is stable, and no error shows a password', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (tail) => {
      try {
        const { href } = prepareUrl(`http://u:pass-word@h${tail}`)
        assert.equal(prepareUrl(href).href, href)
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error
        assert.doesNotMatch(String(error), /pass-word/)
      }
    }),
  )
})

function bigints(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}

test('a key in place of a host is refused as it was given: the parser would lowercase it', () => {
  const raw = '4f'.repeat(32)
  for (const host of [KEY_TEXT, KEY_TEXT.slice(0, 60), `${KEY_TEXT.slice(0, 20)}/${KEY_TEXT.slice(20)}`, raw]) {
    const isRefused = { name: 'InvalidURL', message: /^Failed to parse: https:\/\/\*\*\*, the host may be a key/ }
    assert.throws(() => prepareUrl(`https://${host}:8443/x`), isRefused)
  }
  for (const host of [
    'MyServer.Example.Com',
    'WIN-3K5PLQ8JH2A.ad.Corp.Example.Com',
    'App01Web02Db03.Dmz1.Corp2.Example3.COM',
    `${'4f'.repeat(31)}.Example.Com`,
  ])
    assert.equal(prepareUrl(`https://${host}/MIGHAgEAMBMGByqGSM49`).host, host.toLowerCase())
})
