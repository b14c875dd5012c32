import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { inspect } from 'node:util'
import { CookieJar, type CookiesInit, type RequestOptions, Session } from '../../src/index.ts'
import { selfSigned } from '../helpers/pki.ts'
import { type Handler, startHttpServer, startHttpsServer } from '../helpers/servers.ts'

/** `/set?a=1&b=2` sets cookies, `/to?location=…&a=1` as well and redirects; the answer is the Cookie header. */
const handler: Handler = (request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://host')
  const location = searchParams.get('location')
  searchParams.delete('location')
  response.setHeader(
    'Set-Cookie',
    Array.from(searchParams, ([name, value]) => `${name}=${value}`),
  )
  if (pathname === '/to') response.writeHead(302, { Location: location ?? '/' })
  response.end(request.headers.cookie ?? '')
}

const certificate = selfSigned({ hosts: ['localhost', '127.0.0.1'] })
const server = await startHttpServer({ handler })
const secure = await startHttpsServer({ handler, key: certificate.key, cert: certificate.certificate })
after(() => Promise.all([server.close(), secure.close()]))

const byAddress = server.url127
const byName = server.url
const to = (location: string, base = byAddress): string => `${base}/to?${new URLSearchParams({ location })}`

/** The cookies that a request sends, sorted. */
async function sent(session: Session, url: string, options?: RequestOptions): Promise<string> {
  return (await session.get(url, options)).text.split('; ').sort().join('; ')
}

test('cookies that a server sets are sent back to it and to no other host', async () => {
  await using session = new Session()
  const response = await session.get(`${byAddress}/set?a=1&b=2`)
  assert.deepEqual(response.cookies.toObject(), { a: '1', b: '2' })
  assert.deepEqual(session.cookies.toObject(), { a: '1', b: '2' })
  assert.equal(await sent(session, byAddress), 'a=1; b=2')
  assert.equal(await sent(session, byName), '')
})

test('cookies do not know ports', async () => {
  await using other = await startHttpServer({ handler })
  await using session = new Session()
  await session.get(`${byAddress}/set?a=1`)
  assert.equal(await sent(session, other.url127), 'a=1')
})

test('the cookies of every hop are kept, response.cookies are those of the last', async () => {
  await using session = new Session()
  const response = await session.get(`${to('/set?last=1')}&hop=1`)
  assert.deepEqual(session.cookies.toObject(), { hop: '1', last: '1' })
  assert.deepEqual(response.cookies.toObject(), { last: '1' })
  assert.equal(response.text, 'hop=1')
})

test("a call's cookies go with it and its redirects, over the session's, and are not kept", async () => {
  await using session = new Session({ cookies: { a: 'session', b: 'session' } })
  assert.equal(await sent(session, byAddress, { cookies: { a: 'call', c: 'call' } }), 'a=call; b=session; c=call')
  assert.equal(await sent(session, to('/'), { cookies: { a: 'call' } }), 'a=call; b=session')
  assert.equal(await sent(session, byAddress), 'a=session; b=session')
})

test('cookies: null sends none, and what the server sets is kept all the same', async () => {
  await using session = new Session({ cookies: { a: '1' } })
  assert.equal(await sent(session, `${byAddress}/set?b=2`, { cookies: null }), '')
  assert.equal(await sent(session, byAddress), 'a=1; b=2')
})

const SHAPES: [title: string, cookies: CookiesInit][] = [
  ['an object', { a: '1', b: '2' }],
  [
    'a Map',
    new Map([
      ['a', '1'],
      ['b', '2'],
    ]),
  ],
  [
    'a list of pairs',
    [
      ['a', '1'],
      ['b', '2'],
    ],
  ],
  ['a CookieJar', new CookieJar().set('a', '1').set('b', '2')],
]

for (const [title, cookies] of SHAPES) {
  test(`cookies may be ${title}`, async () => {
    await using session = new Session({ cookies })
    assert.equal(await sent(session, byAddress), 'a=1; b=2')
    session.cookies = {}
    assert.equal(await sent(session, byAddress), '')
    session.cookies = cookies
    assert.equal(await sent(session, byAddress, { cookies }), 'a=1; b=2')
  })
}

for (const cookies of [
  'a=1',
  5,
  false,
  ['a'],
  [5],
  { a: 1 },
  { a: null },
  { 'a;b': '1' },
  { a: '1;x' },
  { a: '1\r\nb' },
]) {
  test(`cookies: ${inspect(cookies)} is a TypeError`, async () => {
    await using session = new Session()
    await assert.rejects(session.get(byAddress, { cookies: cookies as unknown as CookiesInit }), TypeError)
    assert.throws(() => new Session({ cookies: cookies as unknown as CookiesInit }), TypeError)
  })
}

test('an explicit Cookie header wins over the jar', async () => {
  await using session = new Session({ cookies: { a: '1' } })
  assert.equal(await sent(session, byAddress, { headers: { cookie: 'own=1' }, cookies: { b: '2' } }), 'own=1')
})

test('cookies without a domain are not taken to another host by a redirect, however many follow', async () => {
  await using session = new Session({ cookies: { own: '1' } })
  assert.equal(await sent(session, to('/')), 'own=1')
  assert.equal(await sent(session, to(`${byName}/`)), '')
  assert.equal(await sent(session, to(to('/', byName))), '')
  assert.equal(await sent(session, to(to(`${byAddress}/`, byName))), 'own=1')
  assert.equal(await sent(session, to(to('/', byName)), { cookies: { call: '1' } }), '')
})

test('they do not follow a redirect that is sent by hand either', async () => {
  await using session = new Session({ cookies: { own: '1' } })
  const { next } = await session.get(to(byName), { allowRedirects: false })
  assert.ok(next)
  assert.equal((await session.send(next)).text, '')
  assert.equal((await session.send(next.copy())).text, '')
})

test('a Secure cookie is sent over https only', async () => {
  await using session = new Session({ verify: certificate.certificate })
  await session.get(`${secure.url127}/set?a=1;Secure&b=2`)
  assert.equal(await sent(session, secure.url127), 'a=1; b=2')
  assert.equal(await sent(session, byAddress), 'b=2')
  assert.equal(await sent(session, `${secure.url127}/to?location=${byAddress}`), 'b=2')
})

test('cookies keep to their path, their time and their domain', async () => {
  await using session = new Session()
  await session.get(`${byAddress}/set?path=1;Path=/in&old=1;Max-Age=0&foreign=1;Domain=b.test&plain=1`)
  assert.equal(await sent(session, byAddress), 'plain=1')
  assert.equal(await sent(session, `${byAddress}/in/side`), 'path=1; plain=1')
  await session.get(`${byAddress}/set?plain=;Max-Age=0`)
  assert.equal(await sent(session, byAddress), '')
})

test('a Set-Cookie line that makes no sense is passed over', async () => {
  await using session = new Session()
  await session.get(`${byAddress}/set?=&;;=1&x=1;Domain=..&ok=1;Expires=yesterday`)
  assert.match(await sent(session, byAddress), /ok=1/)
})

test('a cookie set with a domain goes to that host and no other', async () => {
  await using session = new Session()
  session.cookies.set('a', '1', { domain: '127.0.0.1' }).set('b', '2', { domain: 'localhost', path: '/in' })
  assert.equal(await sent(session, byAddress), 'a=1')
  assert.equal(await sent(session, byName), '')
  assert.equal(await sent(session, `${byName}/in/x`), 'b=2')
  assert.equal(session.cookies.get('a'), '1')
  assert.equal(session.cookies.get('a', { domain: 'localhost' }), undefined)
  assert.equal(session.cookies.get('b', { domain: 'localhost', path: '/in' }), '2')
})

for (const host of ['test', 'local', 'example', 'localhost', 'intranet', 'a.test', 'x.local']) {
  test(`a machine may be called ${host}`, () => {
    const jar = new CookieJar()
    const url = new URL(`http://${host}/in/`)
    jar.store(['a=1', 'b=2; Path=/other', 'c=3; Secure', 'd=4; Max-Age=0'], url)
    jar.set('e', '5', { domain: host, expires: new Date(Date.now() + 60_000) })
    assert.deepEqual(jar.headerFor(url, false)?.split('; ').sort(), ['a=1', 'e=5'])
    assert.equal(jar.headerFor(new URL('http://other/in/'), false), undefined)
  })
}

test('a cookie for a whole top-level domain is a TypeError', () => {
  for (const domain of ['.com', '.test']) {
    assert.throws(() => new CookieJar().set('a', '1', { domain }), { name: 'TypeError', message: /^cookies: 'a'/ })
  }
})

test('a jar counts, finds, removes and lists its cookies', () => {
  const jar = CookieJar.from({ a: '1' }).set('b', '2', { domain: '.example.com' }).set('b', '3', { domain: 'c.test' })
  assert.equal(jar.size, 3)
  assert.equal(jar.has('a'), true)
  assert.equal(jar.get('b'), '3')
  assert.equal(jar.get('b', { domain: '.example.com' }), '2')
  assert.deepEqual(
    [...jar],
    [
      ['a', '1'],
      ['b', '2'],
      ['b', '3'],
    ],
  )
  assert.equal(jar.delete('b', { domain: 'c.test' }), true)
  assert.equal(jar.delete('b', { domain: 'c.test' }), false)
  assert.deepEqual(jar.toObject(), { a: '1', b: '2' })
  assert.equal(inspect(jar), 'CookieJar { a, b }')
  jar.clear()
  assert.equal(jar.size, 0)
})

test('a jar that a session was made with is its own afterwards', async () => {
  const jar = CookieJar.from({ a: '1' })
  await using session = new Session({ cookies: jar })
  jar.set('b', '2')
  assert.equal(await sent(session, byAddress), 'a=1')
  session.cookies = jar
  jar.set('c', '3')
  assert.equal(await sent(session, byAddress), 'a=1; b=2; c=3')
})

test('cookies of one name on several paths are all sent, the most special path first; those set by hand too', async () => {
  await using server = await startHttpServer({
    handler: (request, response) => {
      if (request.url === '/set') response.setHeader('set-cookie', ['a=root; Path=/', 'a=deep; Path=/deep'])
      response.end(request.headers.cookie ?? '')
    },
  })
  await using session = new Session()
  await session.get(`${server.url127}/set`)
  assert.equal((await session.get(`${server.url127}/deep/x`)).text, 'a=deep; a=root')
  assert.equal((await session.get(`${server.url127}/`)).text, 'a=root')
  assert.equal((await session.get(`${server.url127}/`, { cookies: { a: 'mine' } })).text, 'a=mine; a=root')
  session.cookies.set('a', 'byhand')
  assert.equal((await session.get(`${server.url127}/`)).text, 'a=byhand; a=root')
})

test('a cookie without a domain keeps its other attributes', async () => {
  await using server = await startHttpServer({
    handler: (request, response) => response.end(request.headers.cookie ?? ''),
  })
  await using session = new Session()
  session.cookies
    .set('everywhere', '1')
    .set('there', '1', { path: '/admin' })
    .set('safe', '1', { secure: true })
    .set('old', '1', { expires: new Date(0) })
    .set('fresh', '1', { expires: new Date(Date.now() + 60_000) })
  assert.equal((await session.get(`${server.url127}/public`)).text, 'everywhere=1; fresh=1')
  assert.equal((await session.get(`${server.url127}/admin/x`)).text, 'everywhere=1; there=1; fresh=1')
  assert.equal(session.cookies.get('there', { path: '/admin' }), '1')
  assert.equal(session.cookies.delete('there'), true)
  assert.equal(session.cookies.has('there'), false)
})

const wrongAttributes: [what: string, attributes: object, message: RegExp][] = [
  ['a typo', { domian: 'example.com' }, /no option "domian": did you mean "domain"/],
  ['a date as text', { expires: '2099-01-01' }, /expires must be a valid Date, not '2099-01-01'/],
  ['an invalid date', { expires: new Date('x') }, /expires must be a valid Date/],
  ['an empty domain', { domain: '' }, /domain must be a host name/],
  ['a URL as domain', { domain: 'http://example.com' }, /domain must be a host name/],
  ['a path without a slash', { path: 'x' }, /path must begin with a slash/],
  ['secure as text', { secure: 'yes' }, /secure must be a boolean/],
]

for (const [what, attributes, message] of wrongAttributes) {
  test(`${what} is a TypeError of cookies.set`, () => {
    assert.throws(() => new CookieJar().set('a', '1', attributes), { name: 'TypeError', message })
    assert.throws(() => new CookieJar().set('a', '1', { domain: 'example.com', ...attributes }), TypeError)
  })
}

test('a cookie that a server takes away is not there any more', async () => {
  const taken = ['sid=gone; Max-Age=0', 'old=gone; Expires=Thu, 01 Jan 1970 00:00:00 GMT', 'new=here; Max-Age=60']
  await using server = await startHttpServer({
    handler: ({ url }, response) => response.setHeader('set-cookie', url === '/' ? ['sid=1', 'old=1'] : taken).end(),
  })
  await using session = new Session()
  assert.deepEqual((await session.get(server.url127)).cookies.toObject(), { sid: '1', old: '1' })
  assert.deepEqual((await session.get(`${server.url127}/logout`)).cookies.toObject(), { new: 'here' })
  assert.deepEqual(session.cookies.toObject(), { new: 'here' })
  assert.equal(session.cookies.has('sid'), false)
})

for (const name of ['__Host-a', '__host-a', '__HOST-a', '__Secure-a', '__secure-a', '__SeCuRe-a']) {
  test(`a cookie named ${name} is kept only as its prefix promises`, () => {
    const secure = new URL('https://a.test/')
    const takes = (line: string, url = secure) => {
      const jar = new CookieJar()
      jar.store([line], url)
      return jar.size === 1
    }
    const isHost = /host/i.test(name)
    assert(takes(`${name}=1; Secure; Path=/`))
    assert(!takes(`${name}=1; Path=/`))
    assert(!takes(`${name}=1; Secure; Path=/`, new URL('http://a.test/')))
    assert.equal(takes(`${name}=1; Secure; Path=/b`), !isHost)
    assert.equal(takes(`${name}=1; Secure; Path=/; Domain=a.test`), !isHost)
    assert(!takes(`=${name}=1; Secure; Path=/`))
  })
}

test('paths are compared as they are, escapes included', () => {
  const jar = new CookieJar()
  jar.store(['a=1; Path=/a%20b', 'b=2; Path=/a%2fb'], new URL('http://a.test/'))
  assert.equal(jar.headerFor(new URL('http://a.test/a%20b/c'), true), 'a=1')
  assert.equal(jar.headerFor(new URL('http://a.test/a%2fb'), true), 'b=2')
  assert.equal(jar.headerFor(new URL('http://a.test/a%2Fb'), true), undefined)
  const byDefault = new CookieJar()
  byDefault.store(['c=3'], new URL('http://a.test/d%20e/f'))
  assert.equal(byDefault.headerFor(new URL('http://a.test/d%20e/g'), true), 'c=3')
})

test('a response without TLS sets no secure cookie, and neither replaces nor hides one', () => {
  const [secure, plain] = [new URL('https://a.test/x/y'), new URL('http://a.test/x/y')]
  const jar = new CookieJar()
  jar.store(['id=good; Secure; Domain=a.test; Path=/x'], secure)
  const planted = [
    'id=evil',
    'id=evil; Path=/x/y',
    'id=evil; Path=/x; Domain=a.test',
    'id=evil; Secure',
    'other=evil; Secure',
    'id=evil; Path=/x; Max-Age=0; Domain=a.test',
  ]
  jar.store(planted, plain)
  jar.store(['id=evil; Domain=a.test; Path=/x'], new URL('http://www.a.test/x'))
  assert.equal(jar.headerFor(secure, true), 'id=good')
  jar.store(['id=elsewhere; Path=/z', 'new=1'], plain)
  assert.equal(jar.headerFor(secure, true), 'id=good; new=1')
  jar.store(['id=new; Domain=a.test; Path=/x; Secure'], secure)
  assert.match(jar.headerFor(secure, true) ?? '', /id=new/)
})

test('a jar is bounded: in the length of a cookie, the cookies of a domain, and all', () => {
  const jar = new CookieJar()
  jar.store([`a=${'x'.repeat(5000)}`], new URL('https://a.test/'))
  assert.equal(jar.size, 0)
  for (let i = 0; i < 300; i++) jar.store([`n${i}=${i}`], new URL('https://a.test/'))
  assert(jar.size <= 180 && jar.size > 150, String(jar.size))
  assert.equal(jar.get('n299'), '299')
  assert.equal(jar.get('n0'), undefined)
  jar.store(
    Array.from({ length: 400 }, () => 'n299=again'),
    new URL('https://a.test/'),
  )
  assert.equal(jar.get('n298'), '298')
  for (let i = 0; i < 3500; i++) jar.store([`m=${i}`], new URL(`https://h${i}.test/`))
  assert(jar.size <= 3300, String(jar.size))
  assert.equal(jar.get('m', { domain: 'h3499.test' }), '3499')
})
