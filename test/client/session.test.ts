import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { after, test } from 'node:test'
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import {
  type Adapter,
  CookieJar,
  type DataInit,
  HeaderMap,
  InvalidSchema,
  PreparedRequest,
  Request,
  type RequestOptions,
  Session,
  type SessionOptions,
  type WireRequest,
} from '../../src/index.ts'
import { type Echo, startHttpServer } from '../helpers/servers.ts'

const server = await startHttpServer()
after(() => server.close())
const url = server.url127

const echoed = async (session: Session, options: RequestOptions = {}): Promise<Echo> =>
  (await session.get(url, options)).json<Echo>()

/** An adapter of the user's: answers with its name, and notes what it was asked. */
function adapter(name: string): Adapter & { seen: WireRequest[]; closed: number } {
  const self = {
    seen: [] as WireRequest[],
    closed: 0,
    async send(request: WireRequest) {
      self.seen.push(request)
      return { statusCode: 200, reason: 'OK', rawHeaders: [], body: Readable.from([name]), tls: null }
    },
    close() {
      self.closed++
    },
  }
  return self
}

test('a session has the defaults of requests', async () => {
  await using session = new Session()
  const { auth, params, verify, cert, timeout, stream, hooks, maxRedirects, trustEnv } = session
  assert.deepEqual(
    { auth, params, verify, cert, timeout, stream, hooks, maxRedirects, trustEnv },
    {
      auth: null,
      params: {},
      verify: true,
      cert: null,
      timeout: null,
      stream: false,
      hooks: { response: [] },
      maxRedirects: 30,
      trustEnv: true,
    },
  )
  assert.deepEqual(session.headers.keys(), ['User-Agent', 'Accept-Encoding', 'Accept', 'Connection'])
  assert.equal(session.cookies.size, 0)
})

test('the defaults are sent; headers, params, auth, cookies and stream can be assigned', async () => {
  await using session = new Session()
  const { headers } = await echoed(session)
  assert.match(String(headers['user-agent']), /^vouch\//)
  assert.equal(headers['accept-encoding'], 'gzip, deflate, br, zstd')
  assert.equal(headers.accept, '*/*')
  session.headers = { 'X-A': '1' }
  session.headers.set('X-B', '2')
  session.params = { q: 'x' }
  session.auth = ['ada', 'secret']
  session.cookies = { c: '1' }
  session.stream = true
  const response = await session.get(url)
  await response.read()
  const seen = response.json<Echo>()
  assert.equal(seen.url, '/?q=x')
  assert.deepEqual([seen.headers['x-a'], seen.headers['x-b'], seen.headers['user-agent']], ['1', '2', undefined])
  assert.equal(seen.headers.authorization, `Basic ${btoa('ada:secret')}`)
  assert.equal(seen.headers.cookie, 'c=1')
  assert.ok(session.headers instanceof HeaderMap && session.cookies instanceof CookieJar)
})

const WRONG: SessionOptions[] = [
  { headrs: {} },
  { verify: 5 },
  { verify: '' },
  { cert: 5 },
  { timeout: '5' },
  { timeout: 0 },
  { stream: 'yes' },
  { trustEnv: 'no' },
  { expiryWarning: true },
  { expiryWarning: -1 },
  { maxRedirects: -1 },
  { maxRedirects: Number.NaN },
  { maxRedirects: '3' },
  { hooks: () => {} },
  { hooks: { request: () => {} } },
  { headers: 'X: y' },
  { cookies: 5 },
] as unknown as SessionOptions[]

for (const options of WRONG) {
  test(`new Session(${inspect(options)}) is refused`, () => {
    assert.throws(() => new Session(options), /^(?:TypeError|RangeError|CABundleError)\b/)
  })
}

test('prepareRequest merges the session into a request, send sends it as it is', async () => {
  await using session = new Session({
    headers: { 'X-A': '1' },
    params: { a: 1 },
    cookies: { c: '1' },
    auth: ['a', 'b'],
  })
  const prepared = session.prepareRequest(new Request('post', url, { json: { x: 1 }, params: { b: 2 } }))
  assert.ok(prepared instanceof PreparedRequest)
  assert.deepEqual([prepared.method, prepared.url, prepared.pathUrl], ['POST', `${url}/?a=1&b=2`, '/?a=1&b=2'])
  assert.equal(String(prepared.body), '{"x":1}')
  prepared.headers.set('X-A', '2')
  session.headers.set('X-B', 'later')
  const copy = prepared.copy()
  copy.headers.set('X-A', '3')
  const seen = (await session.send(prepared)).json<Echo>()
  assert.deepEqual([seen.method, seen.url, seen.body, seen.headers['x-a']], ['POST', '/?a=1&b=2', '{"x":1}', '2'])
  assert.equal(seen.headers['x-b'], undefined)
  assert.deepEqual([seen.headers.cookie, seen.headers.authorization], ['c=1', `Basic ${btoa('a:b')}`])
  assert.equal((await session.send(copy)).json<Echo>().headers['x-a'], '3')
})

test('a copy of a request whose auth takes its time has its own credentials', async () => {
  await using session = new Session()
  let asked = 0
  const auth = async (request: PreparedRequest) => {
    await setImmediate()
    request.headers.set('Authorization', `Bearer ${++asked}`)
  }
  const prepared = session.prepareRequest(new Request('GET', url, { auth }))
  const copy = prepared.copy()
  copy.headers.set('X-A', 'copy')
  const [first, second] = await Promise.all([session.send(prepared), session.send(copy)])
  assert.deepEqual(
    [first, second].map((response) => response.json<Echo>().headers).map((seen) => [seen.authorization, seen['x-a']]),
    [
      ['Bearer 1', undefined],
      ['Bearer 2', 'copy'],
    ],
  )
})

test('a length that is known for a stream is announced and held to; it is nothing for other bodies', async () => {
  await using session = new Session()
  const pieces = async function* () {
    yield 'one'
    yield 'two'
  }
  const sent = async (data: DataInit, length: string) => {
    const { headers, body } = (await session.put(url, { data, headers: { 'Content-Length': length } })).json<Echo>()
    return [headers['content-length'], headers['transfer-encoding'], body]
  }
  assert.deepEqual(await sent(pieces(), '6'), ['6', undefined, 'onetwo'])
  assert.deepEqual(await sent('text', '6'), ['4', undefined, 'text'])
  await assert.rejects(sent(pieces(), '7'), /another length than was announced: 7 bytes, it has only 6/)
  await assert.rejects(sent(pieces(), '5'), /another length than was announced: 5 bytes, it has more/)
  for (const wrong of ['-1', '1e3', 'six', '']) await assert.rejects(sent(pieces(), wrong), { name: 'InvalidHeader' })
})

test('a multipart type without a boundary gets the one of the body; any other type that was set stands', async () => {
  await using session = new Session()
  const sent = async (type: string) => {
    const headers = { 'Content-Type': type }
    const seen = (await session.post(url, { files: { a: 'x' }, headers })).json<Echo>()
    return [String(seen.headers['content-type']), seen.body.slice(2, seen.body.indexOf('\r\n'))]
  }
  const [type, boundary] = await sent('multipart/form-data')
  assert.equal(type, `multipart/form-data; boundary=${boundary}`)
  assert.equal((await sent('multipart/form-data; boundary=x'))[0], 'multipart/form-data; boundary=x')
  assert.equal((await sent('application/json'))[0], 'application/json')
})

test('a request prepared alone has nothing of the session', async () => {
  await using session = new Session({ headers: { 'X-A': '1' }, cookies: { c: '1' } })
  const { headers } = (await session.send(new Request('GET', url).prepare())).json<Echo>()
  assert.deepEqual([headers['x-a'], headers.cookie, headers['user-agent']], [undefined, undefined, undefined])
})

test('send refuses what is no PreparedRequest, and options of preparing', async () => {
  await using session = new Session()
  await assert.rejects(session.send(new Request('GET', url) as never), /You can only send PreparedRequests/)
  await assert.rejects(
    session.send(new Request('GET', url).prepare(), { headers: {} } as never),
    /send has no option "headers"/,
  )
})

test('an auth that takes its time is waited for', async () => {
  const auth = async ({ headers }: PreparedRequest) => {
    await sleep(10)
    headers.set('Authorization', 'slow')
  }
  await using session = new Session({ auth })
  assert.equal((await echoed(session)).headers.authorization, 'slow')
  const failing = async () => Promise.reject(new Error('no token'))
  await assert.rejects(session.get(url, { auth: failing }), /no token/)
  await assert.rejects(session.get(url, { auth: () => 5 as never }), /auth must return the request/)
})

test('the longest mounted prefix counts, in any case', async () => {
  await using session = new Session()
  const [a, ab, all] = [adapter('a'), adapter('a/b'), adapter('all')]
  session.mount('http://A.test/', a)
  session.mount('http://a.test/b', ab)
  session.mount('HTTP://', all)
  for (const [target, name] of [
    ['http://a.test/', 'a'],
    ['HTTP://A.TEST/B/c', 'a/b'],
    ['http://b.test/', 'all'],
  ] as const) {
    assert.equal((await session.get(target)).text, name)
  }
  session.mount('http://a.test/', all)
  assert.equal((await session.get('http://a.test/')).text, 'all')
  assert.deepEqual(
    a.seen.map(({ method, target }) => `${method} ${target.href}`),
    ['GET http://a.test/'],
  )
})

test("a user's adapter for one scheme is kept when the other is first used", async () => {
  await using session = new Session()
  const mine = adapter('mine')
  session.mount('https://', mine)
  await session.get(url)
  assert.equal(session.getAdapter('https://x.test/'), mine)
  assert.notEqual(session.getAdapter(url), mine)
  assert.throws(() => session.getAdapter('ftp://x.test/'), InvalidSchema)
})

test('an adapter can serve a scheme of its own', async () => {
  await using session = new Session()
  session.mount('unix://', adapter('socket'))
  assert.equal((await session.get('unix://run/app.sock')).text, 'socket')
})

test('close(), using and await using close each adapter once', async () => {
  const mine = adapter('mine')
  {
    using one = new Session()
    await using two = new Session()
    for (const session of [one, two]) {
      session.mount('http://a.test', mine)
      session.mount('http://b.test', mine)
    }
  }
  assert.equal(mine.closed, 2)
})

test('an adapter for less than a scheme is for no http, whatever was asked for before', () => {
  const own = { send: () => Promise.reject(new Error('not to be asked')), close() {} }
  for (const prefix of ['', 'http', 'https:/']) {
    const session = new Session()
    session.mount(prefix, own)
    for (const url of ['http://x/', 'https://x/', 'http://x/']) assert.notEqual(session.getAdapter(url), own)
  }
})

test("a redirect of a request that was prepared without a session takes the session's cookies along", async () => {
  await using server = await startHttpServer({
    handler: (request, response) => {
      if (request.url === '/') response.writeHead(302, { Location: '/end', 'Set-Cookie': 'new=2' }).end()
      else response.end(request.headers.cookie ?? 'none')
    },
  })
  await using session = new Session({ cookies: { sid: '1' } })
  const response = await session.send(new Request('GET', server.url127, { cookies: { own: '3' } }).prepare())
  assert.deepEqual(response.text.split('; ').sort(), ['new=2', 'own=3', 'sid=1'])
  const bare = await session.send(new Request('GET', server.url127, { cookies: null }).prepare())
  assert.equal(bare.text, 'new=2')
})

test('params, proxies and hooks of a session are objects to write into', async () => {
  await using server = await startHttpServer()
  await using session = new Session()
  const seen: number[] = []
  session.params.page = 2
  session.hooks.response.push((response) => void seen.push(response.statusCode))
  assert.equal((await session.get(server.url127)).json<Echo>().url, '/?page=2')
  assert.deepEqual(seen, [200])
  session.proxies.http = 'http://127.0.0.1:1'
  await assert.rejects(session.get(server.url127), { name: 'ProxyError' })
  assert.deepEqual(Object.keys(new Session().params), [])
})

const UNKNOWN: readonly (readonly [assign: (session: Session) => void, message: RegExp])[] = [
  [
    (session) => Object.assign(session, { trust_env: false }),
    /^Session has no property "trust_env": did you mean "trustEnv"\?$/,
  ],
  [(session) => Object.assign(session, { max_redirects: 3 }), /did you mean "maxRedirects"\?$/],
  [(session) => Object.assign(session, { verfy: 'ca.pem' }), /did you mean "verify"\?$/],
  [(session) => Object.assign(session, { ca: 'secret' }), /did you mean "verify"\?$/],
  [(session) => Object.assign(session.headers, { 'X-A': '1' }), /no property "X-A"; headers\.set\("X-A", value\)/],
  [(session) => Object.assign(session.cookies, { sid: 'secret' }), /no property "sid"; cookies\.set\("sid", value\)/],
]

for (const [assign, message] of UNKNOWN) {
  test(`an unknown property is a TypeError: ${message.source}`, async () => {
    await using session = new Session()
    assert.throws(
      () => assign(session),
      (error: Error) => {
        assert(error instanceof TypeError)
        assert.match(error.message, message)
        return !error.message.includes('secret')
      },
    )
  })
}

test('a subclass of Session has fields of its own, and a method can be replaced', async () => {
  class Api extends Session {
    token = 'field'
    base: string
    constructor() {
      super()
      this.base = 'assigned'
      Object.assign(this, { other: 'later' })
    }
  }
  await using api = new Api()
  assert.deepEqual([api.token, api.base, Object.hasOwn(api, 'other')], ['field', 'assigned', true])
  await using session = new Session()
  session.get = async () => {
    throw new Error('replaced')
  }
  await assert.rejects(session.get('http://a.test/'), /replaced/)
})
