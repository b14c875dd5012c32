import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { type AuthInit, basicCredentials, HTTPBasicAuth, HTTPProxyAuth, toAuth } from '../../src/auth/auth.ts'
import { HeaderMap } from '../../src/http/headers.ts'

// Values of requests, but for the last: it would write latin-1.
const CREDENTIALS: [user: string, password: string, expected: string][] = [
  ['user', 'pass', 'Basic dXNlcjpwYXNz'],
  ['user', '', 'Basic dXNlcjo='],
  ['', 'a:b', 'Basic OmE6Yg=='],
  ['tést', '£', 'Basic dMOpc3Q6wqM='],
]

for (const [user, password, expected] of CREDENTIALS) {
  test(`'${user}' and '${password}' are ${expected}`, () => {
    assert.equal(basicCredentials(user, password), expected)
  })
}

test('Basic authentication sets its header over one that is there', () => {
  const request = { headers: HeaderMap.from({ authorization: 'old' }) }
  new HTTPBasicAuth('user', 'pass').apply(request)
  assert.deepEqual([...request.headers], [['Authorization', 'Basic dXNlcjpwYXNz']])
})

test('authentication at a proxy sets Proxy-Authorization', () => {
  const request = { headers: new HeaderMap() }
  const auth = new HTTPProxyAuth('user', 'pass')
  auth.apply(request)
  assert.ok(auth instanceof HTTPBasicAuth)
  assert.deepEqual([...request.headers], [['Proxy-Authorization', 'Basic dXNlcjpwYXNz']])
})

test('the password is shown neither by inspection nor in JSON', () => {
  for (const auth of [new HTTPBasicAuth('user', 'hidden'), new HTTPProxyAuth('user', 'hidden')]) {
    assert.equal(inspect(auth), `${auth.constructor.name} { username: 'user', password: '***' }`)
    assert.equal(JSON.stringify(auth), '{"username":"user"}')
    assert.doesNotMatch(inspect(auth, { showHidden: true, customInspect: false }), /hidden|aGlkZGVu/)
  }
})

test('a user with a colon and control characters are refused without being shown', () => {
  for (const [user, password] of [
    ['hid:den', 'x'],
    ['hid\nden', 'x'],
    ['x', 'hid\0den'],
    ['x', 'hid\x7fden'],
  ] as const) {
    assert.throws(
      () => toAuth([user, password]),
      (error: Error) => {
        assert.equal(error.name, 'InvalidHeader')
        assert.match(error.message, /RFC 7617/)
        assert.doesNotMatch(error.message, /hid|den/)
        return true
      },
    )
  }
})

test('a pair, an Auth and a function are taken as auth', async () => {
  const auth = new HTTPBasicAuth('user', 'pass')
  assert.equal(toAuth(auth), auth)
  const forms: AuthInit[] = [
    ['user', 'pass'],
    auth,
    (request) => {
      request.headers.set('Authorization', 'Basic dXNlcjpwYXNz')
    },
    async (request) => {
      request.headers.set('Authorization', 'Basic dXNlcjpwYXNz')
      return request
    },
  ]
  for (const form of forms) {
    const request = { headers: new HeaderMap() }
    const result = await toAuth(form).apply(request)
    assert.ok(result === undefined || result === request)
    assert.equal(request.headers.get('authorization'), 'Basic dXNlcjpwYXNz')
  }
})

test('anything else is a TypeError that does not show the value', () => {
  for (const value of [
    'user:hidden',
    ['hidden'],
    ['a', 'b', 'hidden'],
    { user: 'hidden' },
    5,
    ['user', 5],
    [5, 'hidden'],
  ]) {
    assert.throws(
      () => (toAuth as (auth: unknown) => void)(value),
      (error: Error) => {
        assert.equal(error.name, 'TypeError')
        assert.doesNotMatch(error.message, /hidden/)
        return true
      },
    )
  }
})
