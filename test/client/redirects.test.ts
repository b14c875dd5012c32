import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { after, test } from 'node:test'
import { isRedirect, mustStripAuth, redirectMethod, redirectStep } from '../../src/client/redirects.ts'
import { HeaderMap } from '../../src/http/headers.ts'
import {
  type Adapter,
  get,
  InvalidSchema,
  InvalidURL,
  type RequestOptions,
  Session,
  TooManyRedirects,
  UnrewindableBodyError,
} from '../../src/index.ts'
import { type Echo, echo, type Handler, startHttpServer } from '../helpers/servers.ts'

/** `/to?status=302&location=…` redirects; everything else is echoed. */
const redirector: Handler = (request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://host')
  if (pathname !== '/to') {
    return echo(request, response)
  }
  request.resume()
  response.writeHead(Number(searchParams.get('status') ?? 302), { Location: searchParams.get('location') ?? '/end' })
  return response.end('moved')
}

const one = await startHttpServer({ handler: redirector })
const two = await startHttpServer({ handler: redirector })
after(() => Promise.all([one.close(), two.close()]))

/** A URL of `base` that redirects to `location`. */
const to = (location: string, status = 302, base = one.url127): string =>
  `${base}/to?${new URLSearchParams({ location, status: String(status) })}`

const METHODS: [status: number, becomes: Record<string, string>][] = [
  [301, { GET: 'GET', HEAD: 'HEAD', POST: 'GET', PUT: 'PUT', DELETE: 'DELETE' }],
  [302, { GET: 'GET', HEAD: 'HEAD', POST: 'GET', PUT: 'GET', DELETE: 'GET' }],
  [303, { GET: 'GET', HEAD: 'HEAD', POST: 'GET', PUT: 'GET', DELETE: 'GET' }],
  [307, { GET: 'GET', HEAD: 'HEAD', POST: 'POST', PUT: 'PUT', DELETE: 'DELETE' }],
  [308, { GET: 'GET', HEAD: 'HEAD', POST: 'POST', PUT: 'PUT', DELETE: 'DELETE' }],
]

for (const [status, becomes] of METHODS) {
  test(`${status} turns methods into ${Object.values(becomes).join(', ')}`, () => {
    for (const [method, next] of Object.entries(becomes)) assert.equal(redirectMethod(status, method), next)
    assert.ok(isRedirect(status))
  })
}

// requests' should_strip_auth, with its own tests' cases.
const STRIPS: [from: string, to: string, strip: boolean][] = [
  ['http://example.com/foo', 'http://another.example.com/', true],
  ['http://example.com/foo', 'http://example.com/bar', false],
  ['http://example.com/foo', 'https://example.com/bar', false],
  ['http://example.com:80/foo', 'https://example.com:443/bar', false],
  ['http://example.com:1234/foo', 'https://example.com:4321/bar', true],
  ['http://example.com/foo', 'https://example.com:4321/bar', true],
  ['http://example.com:8080/foo', 'https://example.com/bar', true],
  ['https://example.com/foo', 'http://example.com/bar', true],
  ['http://example.com:80/foo', 'http://example.com/bar', false],
  ['https://example.com/foo', 'https://example.com:443/bar', false],
  ['https://example.com/', 'https://example.com.attacker.test/', true],
  ['https://EXAMPLE.com/', 'https://example.com/', false],
]

for (const [from, target, strip] of STRIPS) {
  test(`Authorization is ${strip ? 'stripped' : 'kept'} from ${from} to ${target}`, () => {
    assert.equal(mustStripAuth(new URL(from), new URL(target)), strip)
  })
}

// The last column is the URL, or the class of the error.
const LOCATIONS: [base: string, location: string, result: string | typeof InvalidSchema | typeof InvalidURL][] = [
  ['http://a.test/x/y?q=1', 'z', 'http://a.test/x/z'],
  ['http://a.test/x/y', '/z', 'http://a.test/z'],
  ['http://a.test/x/y', '?q=2', 'http://a.test/x/y?q=2'],
  ['https://a.test/', '//b.test/z', 'https://b.test/z'],
  ['https://a.test/', 'HTTP://B.TEST/z', 'http://b.test/z'],
  ['http://a.test/#part', '/z', 'http://a.test/z#part'],
  ['http://a.test/#part', '/z#other', 'http://a.test/z#other'],
  ['http://a.test/', '/sp ace', 'http://a.test/sp%20ace'],
  ['http://a.test/', '/%e9%41', 'http://a.test/%E9A'],
  ['http://a.test/', Buffer.from('/é').toString('latin1'), 'http://a.test/%C3%A9'],
  ['http://a.test/', '/\xe9', 'http://a.test/%E9'],
  ['http://a.test/', '/\xc3\xa9\xe9?q=\xff\x80', 'http://a.test/%C3%A9%E9?q=%FF%80'],
  ['http://a.test/', Buffer.from('http://bücher.test/é').toString('latin1'), 'http://xn--bcher-kva.test/%C3%A9'],
  ['http://a.test/', 'http://b\xfccher.test/\xe9', 'http://xn--bcher-kva.test/%E9'],
  ['http://a.test/x', 'http:/end', 'http://a.test/end'],
  ['http://a.test/', 'http:///end', InvalidURL],
  ['http://a.test/', '///end', InvalidURL],
  ['http://a.test/', '////end', InvalidURL],
  ['http://a.test/', '/\\/end', 'http://a.test/%5C/end'],
  ['http://a.test/', 'https:/end', InvalidURL],
  ['http://a.test/', '//', InvalidURL],
  ['http://a.test/', 'http://?q', InvalidURL],
  ['http://a.test/', 'http://ada:secret@b.test/', 'http://b.test/'],
  ['http://a.test/', 'ftp://b.test/', InvalidSchema],
  ['http://a.test/', 'mailto:ada@b.test', InvalidSchema],
  ['http://a.test/', 'javascript:alert(1)', InvalidSchema],
  ['http://a.test/', 'file:///etc/passwd', InvalidSchema],
  ['http://a.test/', 'http://[::1', InvalidURL],
  ['http://a.test/', 'http://ada:secret@b.test:99999/', InvalidURL],
  ['http://a.test/', 'https:ada:secret@', InvalidURL],
]

for (const [base, location, result] of LOCATIONS) {
  const name = typeof result === 'string' ? result : `an ${result.name}`
  test(`from ${base} the Location ${JSON.stringify(location)} leads to ${name}`, () => {
    const step = () => redirectStep({ method: 'GET', target: new URL(base), headers: new HeaderMap() }, 302, location)
    if (typeof result === 'string') assert.equal(step().url.href, result)
    else assert.throws(step, (error) => error instanceof result && !error.message.includes('secret'))
  })
}

async function follow(url: string, options: RequestOptions = {}, method = 'GET'): Promise<Echo & { final: string }> {
  await using session = new Session()
  const response = await session.request(method, url, options)
  return { ...response.json<Echo>(), final: response.url }
}

test('the history holds the redirects, each with its own history', async () => {
  await using session = new Session()
  const response = await session.get(to(to('/end', 307), 301))
  assert.deepEqual(
    response.history.map(({ statusCode, text, history }) => [statusCode, text, history.length]),
    [
      [301, 'moved', 0],
      [307, 'moved', 1],
    ],
  )
  assert.equal(response.url, `${one.url127}/end`)
  assert.equal(one.connections, 1)
})

test('after maxRedirects redirects the next one is TooManyRedirects, with the last response', async () => {
  const loop: Handler = (request, response) => response.writeHead(302, { Location: request.url }).end()
  await using server = await startHttpServer({ handler: loop })
  for (const maxRedirects of [0, 3, 30]) {
    await using session = new Session({ maxRedirects })
    await assert.rejects(session.get(server.url127), (error) => {
      assert.ok(error instanceof TooManyRedirects)
      assert.equal(error.message, `Exceeded ${maxRedirects} redirects.`)
      assert.equal(error.response?.history.length, maxRedirects)
      return true
    })
  }
  assert.equal(server.requests, 1 + 4 + 31)
})

test('allowRedirects: false gives the redirect itself, and next to send', async () => {
  await using session = new Session()
  const response = await session.post(to('/end'), { data: 'x', allowRedirects: false })
  assert.equal(response.statusCode, 302)
  assert.equal(response.next?.method, 'GET')
  assert.ok(response.next)
  assert.equal((await session.send(response.next)).json<Echo>().url, '/end')
})

test('a redirect that is not followed may lead anywhere', async () => {
  await using session = new Session({ headers: { Connection: 'close' } })
  const unfollowed = { allowRedirects: false, data: Readable.from(['x']) }
  for (const url of [to('ftp://b.test/'), to('http://[::1'), to('/end', 307)]) {
    const response = await session.post(url, { ...unfollowed, data: Readable.from(['x']) })
    assert.equal(response.isRedirect, true)
    assert.equal(response.next, null)
  }
})

test('a body goes along after 307 and 308, and not after 301, 302 and 303', async () => {
  for (const status of [307, 308]) {
    const { method, body, headers } = await follow(to('/end', status), { json: { a: 1 } }, 'POST')
    assert.deepEqual([method, body, headers['content-type']], ['POST', '{"a":1}', 'application/json'])
  }
  for (const status of [301, 302, 303]) {
    const { method, body, headers } = await follow(to('/end', status), { json: { a: 1 } }, 'POST')
    assert.deepEqual(
      [method, body, headers['content-type'], headers['content-length']],
      ['GET', '', undefined, undefined],
    )
  }
})

test('a PUT stays a PUT after 301, but empty', async () => {
  const { method, body, headers } = await follow(to('/end', 301), { data: 'x' }, 'PUT')
  assert.deepEqual([method, body, headers['content-length']], ['PUT', '', '0'])
})

test('a stream that was sent cannot go along: UnrewindableBodyError', async () => {
  const sent = follow(to('/end', 307), { data: Readable.from(['x']) }, 'POST')
  await assert.rejects(sent, (error) => error instanceof UnrewindableBodyError && error.response?.statusCode === 307)
  assert.equal((await follow(to('/end', 303), { data: Readable.from(['x']) }, 'POST')).method, 'GET')
})

test('head() does not follow, request("HEAD") does and stays a HEAD', async () => {
  await using session = new Session()
  assert.equal((await session.head(to('/end'))).statusCode, 302)
  assert.equal((await session.head(to('/end'), { allowRedirects: true })).statusCode, 200)
  assert.equal((await session.request('HEAD', to('/end', 303))).request.method, 'HEAD')
})

test('the fragment of the first URL is kept, and not sent', async () => {
  const { url, final } = await follow(`${to('/end')}#part`)
  assert.deepEqual([url, final], ['/end', `${one.url127}/end#part`])
})

const CARRIED = {
  Authorization: 'Bearer s',
  Cookie: 'own=1',
  Host: 'virtual.test',
  'X-Api-Key': 'k',
  'Proxy-Authorization': 'Basic p',
}

test('within an origin Authorization and Host are kept, Cookie is made anew', async () => {
  const { headers } = await follow(to('/end'), { headers: CARRIED })
  assert.equal(headers.authorization, 'Bearer s')
  assert.equal(headers.host, 'virtual.test')
  assert.equal(headers['x-api-key'], 'k')
  assert.equal(headers.cookie, undefined)
  assert.equal(headers['proxy-authorization'], undefined)
})

test('to another origin neither Authorization, Cookie nor Host go along, but X-Api-Key does', async () => {
  for (const target of [two.url127, `http://localhost:${one.port}`]) {
    const { headers } = await follow(to(target), { headers: CARRIED })
    assert.equal(headers.authorization, undefined)
    assert.equal(headers.cookie, undefined)
    assert.equal(headers.host, new URL(target).host)
    assert.equal(headers['x-api-key'], 'k')
  }
})

test('a redirect does not take Proxy-Authorization along, wherever it leads', async () => {
  await using session = new Session()
  for (const target of ['/end', two.url127]) {
    const { next } = await session.get(to(target), { headers: CARRIED, allowRedirects: false })
    assert.deepEqual([next?.headers.has('x-api-key'), next?.headers.has('proxy-authorization')], [true, false])
  }
})

test('stripped credentials are not restored by a redirect back', async () => {
  const { headers } = await follow(to(to(`${one.url127}/end`, 302, two.url127)), { auth: ['ada', 'secret'] })
  assert.equal(headers.authorization, undefined)
})

test('a Location that cannot be followed rejects with the response at hand', async () => {
  await using session = new Session()
  await assert.rejects(session.get(to('ftp://b.test/x')), (error) => {
    assert.ok(error instanceof InvalidSchema)
    assert.match(error.message, /^No connection adapters were found for 'ftp:\/\/b\.test\/x'$/)
    assert.equal(error.response?.statusCode, 302)
    assert.equal(error.request, error.response?.request)
    return true
  })
})

test('the damaged body of a redirect does not matter', async () => {
  const broken: Handler = (request, response) =>
    request.url === '/end'
      ? echo(request, response)
      : request.socket.end('HTTP/1.1 302 Found\r\nLocation: /end\r\nContent-Length: 10\r\n\r\nshort')
  await using server = await startHttpServer({ handler: broken })
  assert.equal((await follow(server.url127)).url, '/end')
  assert.equal((await follow(server.url127, { hooks: { response: () => {} } })).url, '/end')
})

test('a redirect may lead to an adapter of the user', async () => {
  await using session = new Session()
  const adapter: Adapter = {
    send: async ({ target }) => ({
      statusCode: 200,
      reason: '',
      rawHeaders: [],
      body: Readable.from([target.pathname]),
      tls: null,
    }),
    close() {},
  }
  session.mount('http://inner.test', adapter)
  assert.equal((await session.get(to('http://inner.test/x'))).text, '/x')
})

test('a backslash in a Location is no slash: it leads to no other host', async () => {
  await using server = await startHttpServer({
    handler: (request, response) => {
      if (request.url === '/from') response.writeHead(302, { Location: '/\\other.test/x' })
      response.end(request.url)
    },
  })
  assert.equal((await get(`${server.url127}/from`)).text, '/%5Cother.test/x')
})
