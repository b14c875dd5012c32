import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { parseChallenges } from '../../src/auth/challenge.ts'
import { DigestChallenge, HTTPDigestAuth } from '../../src/auth/digest.ts'
import { HeaderMap } from '../../src/http/headers.ts'

/** The credentials for one GET by the words of a header, with a cnonce that is known. */
function credentials(header: string, cnonce: string, user: string, password: string, uri: string, times = 1): string {
  const [challenge] = parseChallenges([header])
  const digest = DigestChallenge.from(challenge?.params ?? new Map(), cnonce)
  let value = ''
  for (let time = 0; time < times; time++) value = digest?.credentials(user, password, 'GET', uri) ?? ''
  return value
}

function field(header: string, name: string): string | undefined {
  return parseChallenges([header])[0]?.params.get(name)
}

/** The examples of the RFCs, with their results. */
const EXAMPLES: [source: string, header: string, cnonce: string, user: string, password: string, response: string][] = [
  [
    'RFC 2617 section 3.5',
    'Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc"',
    '0a4f113b',
    'Mufasa',
    'Circle Of Life',
    '6629fae49393a05397450978507c4ef1',
  ],
  [
    'RFC 7616 section 3.9.1, MD5',
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=MD5, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"',
    'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
    'Mufasa',
    'Circle of Life',
    '8ca523f5e9506fed4657c9700eebdbec',
  ],
  [
    'RFC 7616 section 3.9.1, SHA-256',
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"',
    'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
    'Mufasa',
    'Circle of Life',
    '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1',
  ],
]

for (const [source, header, cnonce, user, password, response] of EXAMPLES) {
  test(`the response of ${source} comes out`, () => {
    assert.equal(field(credentials(header, cnonce, user, password, '/dir/index.html'), 'response'), response)
  })
}

// The RFC's own figures are those of another hash (erratum 4897); these are of Python's hashlib.
test('SHA-512-256 with a hashed user name follows RFC 7616 section 3.9.2', () => {
  const value = credentials(
    'Digest realm="api@example.org", qop="auth", algorithm=SHA-512-256, nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", ' +
      'opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS", charset=UTF-8, userhash=true',
    'NTg6RKcb9boFIAS3KrFK9BGeh+niz/sm',
    'Jäsøn Doe',
    'Secret, or not?',
    '/doe.json',
  )
  assert.equal(field(value, 'username'), '793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b')
  assert.equal(field(value, 'response'), '7a4e1192babbba02e91182d2895bfdbf7adafc6e48d4e517ca301974843d840c')
  assert.equal(field(value, 'userhash'), 'true')
})

test('a header holds what RFC 7616 asks for, each quoted or not as it says', () => {
  const header = 'Digest realm="a \\"b\\"", nonce="n", opaque="o", qop="auth", algorithm=SHA-256'
  assert.match(
    credentials(header, 'c', 'ada', 'secret', '/p?q=1', 17),
    /^Digest username="ada", realm="a \\"b\\"", nonce="n", uri="\/p\?q=1", response="[0-9a-f]{64}", algorithm=SHA-256, opaque="o", qop=auth, nc=00000011, cnonce="c"$/,
  )
})

test('without qop there is neither count nor cnonce (RFC 2069), but for a session key', () => {
  const plain = credentials('Digest realm="r", nonce="n"', 'c', 'ada', 'secret', '/')
  assert.deepEqual([field(plain, 'nc'), field(plain, 'cnonce'), field(plain, 'qop')], [undefined, undefined, undefined])
  const session = credentials('Digest realm="r", nonce="n", algorithm=MD5-sess', 'c', 'ada', 'secret', '/')
  assert.deepEqual([field(session, 'nc'), field(session, 'cnonce')], [undefined, 'c'])
})

test('a user that is not ASCII goes out as UTF-8 bytes, or as RFC 8187 writes it to servers that ask for UTF-8', () => {
  const bytes = credentials('Digest realm="r", nonce="n"', 'c', 'tést', 'p', '/')
  assert.equal(field(bytes, 'username'), Buffer.from('tést').toString('latin1'))
  const extended = credentials('Digest realm="r", nonce="n", charset=UTF-8', 'c', "tést's", 'p', '/')
  assert.match(extended, /^Digest username\*=UTF-8''t%C3%A9st%27s, realm/)
})

function request(url: string) {
  return { method: 'GET', target: new URL(url), headers: new HeaderMap() }
}

test('the first challenge that can be answered is: the order is the preference of the server', () => {
  const challenges = [
    'Negotiate',
    'Digest realm="r", nonce="1", algorithm=WHIRLPOOL, Digest realm="r", nonce="2", qop="auth-int"',
    'Digest realm="r", nonce="3", algorithm=SHA-256, Digest realm="r", nonce="4"',
  ]
  const asked = request('http://localhost/')
  assert.equal(new HTTPDigestAuth('ada', 'secret').answer(asked, challenges), true)
  assert.equal(field(asked.headers.get('authorization') ?? '', 'nonce'), '3')
})

const UNANSWERED: [string, string][] = [
  ['Basic alone', 'Basic realm="r"'],
  ['an unknown algorithm', 'Digest realm="r", nonce="n", algorithm=MD4'],
  ['quality of protection auth-int alone', 'Digest realm="r", nonce="n", qop="auth-int"'],
  ['a challenge without a nonce', 'Digest realm="r"'],
]

for (const [what, challenge] of UNANSWERED) {
  test(`${what} is not answered`, () => {
    const asked = request('http://localhost/')
    assert.equal(new HTTPDigestAuth('ada', 'secret').answer(asked, [challenge]), false)
    assert.equal(asked.headers.size, 0)
  })
}

test('a challenge is kept for its origin only, and its nonce goes on being counted', () => {
  const auth = new HTTPDigestAuth('ada', 'secret')
  const challenge = 'Digest realm="r", nonce="n", qop="auth"'
  auth.answer(request('http://localhost:81/'), [challenge])
  const counts = [
    'http://localhost:81/a',
    'http://localhost:81/b',
    'http://localhost:82/',
    'https://localhost:81/',
  ].map((url) => {
    const next = request(url)
    auth.apply(next)
    return field(next.headers.get('authorization') ?? '', 'nc')
  })
  assert.deepEqual(counts, ['00000002', '00000003', undefined, undefined])
  const again = request('http://localhost:81/')
  auth.answer(again, [challenge])
  assert.equal(field(again.headers.get('authorization') ?? '', 'nc'), '00000004')
  auth.answer(again, ['Digest realm="r", nonce="other", qop="auth", stale=true'])
  assert.equal(field(again.headers.get('authorization') ?? '', 'nc'), '00000001')
})

test('a realm in the bytes of another charset is hashed and sent back byte by byte', () => {
  const realm = Buffer.from('größe').toString('latin1')
  const value = credentials(`Digest realm="${realm}", nonce="n"`, 'c', 'ada', 'secret', '/')
  assert.equal(field(value, 'realm'), realm)
  // echo -n of the same in a UTF-8 shell: ha1=$(printf 'ada:größe:secret' | md5sum), ha2=$(printf 'GET:/' | md5sum)
  assert.equal(field(value, 'response'), '886531a0176f2029015f8efed014499e')
})

test('the password is shown neither by inspection nor in JSON', () => {
  const auth = new HTTPDigestAuth('ada', 'hidden')
  assert.equal(inspect(auth), "HTTPDigestAuth { username: 'ada', password: '***' }")
  assert.equal(JSON.stringify(auth), '{"username":"ada"}')
  assert.doesNotMatch(inspect(auth, { showHidden: true, customInspect: false }), /hidden/)
})

test('a user or password that cannot be sent is refused without being shown', () => {
  assert.throws(() => new HTTPDigestAuth('ada', 'hid\nden'), { name: 'InvalidHeader', message: /^((?!hid).)*$/ })
  assert.throws(() => new HTTPDigestAuth('ada', 1 as unknown as string), { name: 'TypeError', message: /password/ })
})
