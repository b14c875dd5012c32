/** What is given wrongly is refused where it is given, and nothing of it is left open. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { createReadStream } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import {
  type Adapter,
  disableWarnings,
  HTTPAdapter,
  post,
  Request,
  type RequestOptions,
  Session,
} from '../../src/index.ts'
import { startHttpServer } from '../helpers/servers.ts'
import { tempDir } from '../helpers/temp.ts'

const wrong: [what: string, make: () => unknown, message: RegExp][] = [
  ['params of a session', () => new Session({ params: 5 as never }), /params/],
  ['auth of a session', () => new Session({ auth: 'x' as never }), /auth/],
  ['proxies of a session', () => new Session({ proxies: 'http://p' as never }), /proxies must be an object/],
  ['an adapter without methods', () => new Session().mount('https://', {} as Adapter), /methods send and close/],
  ['an option of Request', () => new Request('GET', 'http://x/', { heders: {} } as object), /did you mean "headers"/],
  [
    'an option of another place',
    () => new Request('GET', 'http://x/', { verify: 'x' } as object),
    /no option "verify"/,
  ],
  ['the name of a warning', () => disableWarnings('InsecureReqestWarning' as never), /there is no warning/],
]

for (const [what, make, message] of wrong) {
  test(`${what} that is wrong is a TypeError at once`, () => {
    assert.throws(make, { name: 'TypeError', message })
  })
}

const NAMES_ITSELF: unknown[] = [
  Symbol('x'),
  new Date(),
  new Map(),
  new Set(['a']),
  Promise.resolve(),
  /x/,
  1n,
  Number.NaN,
]
const ASSIGNED: readonly (readonly [property: string, ...wrong: unknown[]])[] = [
  ['auth', ...NAMES_ITSELF, ['a'], ['a', 'b', 'c'], 'ada', '', {}, true, 0],
  ['verify', ...NAMES_ITSELF, {}, 0, [1], [null], () => true],
  ['cert', ...NAMES_ITSELF, [], ['a'], ['a', 'b', 'c'], {}, { crt: 'a' }, true, 0, () => 'a'],
  ['timeout', ...NAMES_ITSELF, [], [1], [1, 2, 3], '5', true, { conect: 1 }, () => 1],
  ['stream', ...NAMES_ITSELF, 'yes', 'false', 0, 1, {}, []],
  ['maxRedirects', ...NAMES_ITSELF, null, undefined, -1, '5', true, []],
  ['trustEnv', ...NAMES_ITSELF, null, 'false', '', 0, {}],
  ['expiryWarning', ...NAMES_ITSELF, -1, true, '14', {}],
  ['insecureHTTPParser', ...NAMES_ITSELF, 'yes', 0, 1, {}],
  ['expectContinue', ...NAMES_ITSELF, 'yes', {}, []],
  ['params', ...NAMES_ITSELF.filter((value) => !(value instanceof Map)), 5, true, ['a'], { a: {} }, () => 'a'],
  ['headers', ...NAMES_ITSELF.filter((value) => !(value instanceof Map)), 'X-A: 1', 5, ['a'], () => 'a'],
  ['cookies', ...NAMES_ITSELF.filter((value) => !(value instanceof Map)), 'a=1', 5, ['a'], { a: 1 }],
  ['proxies', ...NAMES_ITSELF, 'http://p', 5, ['a'], { htps: 'http://p' }, { https: 5 }, new URL('http://p/')],
  ['hooks', ...NAMES_ITSELF, 5, [], () => {}, { respons: () => {} }, { response: 5 }, { response: [() => {}, 5] }],
]

for (const [property, ...values] of ASSIGNED) {
  test(`session.${property} is checked when it is assigned, and then as it was`, async () => {
    await using session = new Session()
    const before = Reflect.get(session, property)
    for (const value of values) {
      const message = new RegExp(`\\b${property}\\b`, 'i')
      assert.throws(() => Reflect.set(session, property, value), { name: 'TypeError', message }, String(typeof value))
    }
    assert.deepEqual(Reflect.get(session, property), before)
  })
}

class Hooks {
  response() {}
}

const newRequest = () => new Request('GET', 'http://localhost/')

const WRITTEN: readonly (readonly [what: string, write: (session: Session) => unknown, message: RegExp])[] = [
  ['an unknown hook', ({ hooks }) => Object.assign(hooks, { respons: () => {} }), /event name "respons"/],
  ['a hook that is no function', ({ hooks }) => Object.assign(hooks, { response: 'fn' }), /^hooks\.response must be/],
  ['an unknown hook among assigned ones', (s) => (s.hooks = { respons: 1 } as never), /event name "respons"/],
  ['hooks of a class', (s) => (s.hooks = new Hooks() as never), /hooks must be an object .* not Hooks/],
  ['a property of an adapter', () => Object.assign(new HTTPAdapter(), { maxRetries: 3 }), /no property "maxRetries"/],
  ['where to look for a cookie', (s) => s.cookies.get('a', { domian: 'x' } as object), /did you mean "domain"/],
  ['which cookie to delete', (s) => s.cookies.delete('a', { pth: '/' } as object), /did you mean "path"/],
  ['a header of a Request', () => Object.assign(newRequest(), { headers: {} }), /: it is request\.parts\.headers$/],
  ['a property of a Request', () => Object.assign(newRequest(), { uri: 'x' }), /"uri": did you mean "url"\?$/],
  // Reflect.set is what an assignment does in code that is not strict.
  ['the URL of a prepared request', () => Reflect.set(newRequest().prepare(), 'url', 'x'), /^prepared\.url cannot be/],
  ['its body', () => Reflect.set(newRequest().prepare(), 'body', 'x'), /^prepared\.body cannot be assigned/],
  ['an adapter as a property', (s) => Object.assign(s, { adapters: {} }), /no property "adapters"/],
]

for (const [what, write, message] of WRITTEN) {
  test(`${what} that would be lost is a TypeError at once`, async () => {
    await using session = new Session()
    assert.throws(() => write(session), { name: 'TypeError', message })
  })
}

test('hooks, params and proxies that were written into are checked by the next request', async () => {
  await using server = await startHttpServer()
  const writes: ((session: Session) => unknown)[] = [
    ({ hooks }) => hooks.response.push(5 as never),
    ({ params }) => Object.assign(params, { a: {} }),
    ({ proxies }) => Object.assign(proxies, { htps: 'http://p' }),
    ({ proxies }) => Object.assign(proxies, { http: 5 }),
  ]
  for (const [index, name] of ['hooks', 'params', 'proxies', 'proxies'].entries()) {
    await using session = new Session()
    writes[index]?.(session)
    await assert.rejects(session.get(server.url127), { name: 'TypeError', message: new RegExp(`^${name}`) })
  }
})

test('the charset of a response is text or null', async () => {
  await using server = await startHttpServer()
  const response = await post(server.url127)
  for (const wrong of [5, undefined, {}, []]) {
    assert.throws(() => (response.encoding = wrong as never), { name: 'TypeError', message: /^encoding must be/ })
  }
  response.encoding = 'utf-16le'
  assert.equal(response.encoding, 'utf-16le')
})

test('options that are undefined are as if they were not given, for sessions too', () => {
  const session = new Session({ verify: undefined, timeout: undefined, headers: undefined, stream: undefined })
  assert.deepEqual([session.verify, session.timeout, session.stream], [true, null, false])
})

test('an auth that gives back null changes nothing', async () => {
  await using server = await startHttpServer()
  assert((await post(server.url127, { auth: (() => null) as never })).ok)
})

const bad: [what: string, url: string, options: RequestOptions][] = [
  ['no scheme', 'x.test', {}],
  ['a header that cannot be sent', 'http://x.test/', { headers: { a: 'b\nc' } }],
  ['an unknown option', 'http://x.test/', { tiemout: 5 } as object],
  ['a time limit of 0', 'http://x.test/', { timeout: 0 }],
  [
    'an auth that throws',
    'http://x.test/',
    {
      auth: () => {
        throw new Error('no')
      },
    },
  ],
]

for (const [what, url, options] of bad) {
  test(`a web stream of a request that cannot be made is cancelled: ${what}`, async () => {
    let cancelled = 0
    const stream = () => new ReadableStream({ cancel: () => void cancelled++ })
    await assert.rejects(post(url, { ...options, data: stream() }))
    await assert.rejects(post(url, { ...options, files: { a: stream(), b: ['n', stream()] } }))
    assert.equal(cancelled, 3)
  })

  test(`the streams of a request that cannot be made are closed: ${what}`, async () => {
    using dir = tempDir()
    const path = dir.write('file', 'content')
    for (const name of ['file', 'missing']) {
      const streams = [createReadStream(path), createReadStream(dir.join(name)), createReadStream(path)] as const
      await assert.rejects(post(url, { ...options, data: streams[0] }))
      await assert.rejects(post(url, { ...options, files: { a: streams[1], b: ['n', streams[2]] } }))
      // An error without a listener would end the process.
      await delay(20)
      assert.deepEqual(
        streams.map(({ destroyed }) => destroyed),
        [true, true, true],
      )
    }
  })
}
