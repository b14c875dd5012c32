import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { inspect } from 'node:util'
import requests, * as vouch from '../../src/index.ts'
import { delete as del, get, head, options, patch, post, put, type RequestOptions, request } from '../../src/index.ts'
import { type Echo, startHttpServer } from '../helpers/servers.ts'

const server = await startHttpServer()
after(() => server.close())
const url = server.url127

const VERBS = { GET: get, OPTIONS: options, HEAD: head, POST: post, PUT: put, PATCH: patch, DELETE: del }

for (const [method, verb] of Object.entries(VERBS)) {
  test(`${method} is sent by its function, by its member of the default export and by request()`, async () => {
    const member = requests[method.toLowerCase() as 'get']
    assert.equal(member, verb)
    for (const response of [await verb(url), await request(method.toLowerCase(), new URL(url))]) {
      assert.equal(response.request.method, method)
      assert.equal(response.statusCode, 200)
      if (method === 'HEAD') assert.equal(response.content.length, 0)
      else assert.equal(response.json<Echo>().method, method)
    }
  })
}

for (const [method, verb] of Object.entries(VERBS)) {
  test(`${method} takes a body, params and headers`, async () => {
    const response = await verb(url, { json: { a: 1 }, params: { q: 'x y' }, headers: { 'X-A': '1' } })
    assert.equal(response.url, `${url}/?q=x+y`)
    if (method === 'HEAD') return
    const { body, headers } = response.json<Echo>()
    assert.deepEqual([body, headers['content-length'], headers['x-a']], ['{"a":1}', '7', '1'])
  })
}

test('only GET and HEAD without a body have no Content-Length', async () => {
  for (const verb of [get, options, post, put, patch, del]) {
    const { method, headers } = (await verb(url)).json<Echo>()
    assert.equal(headers['content-length'], method === 'GET' ? undefined : '0')
  }
})

test('everything that is exported is a member of the default export', () => {
  const { default: _default, ...named } = vouch
  assert.deepEqual(Object.keys(requests).sort(), Object.keys(named).sort())
  for (const [name, value] of Object.entries(named))
    assert.equal((requests as Record<string, unknown>)[name], value, name)
})

test('calls share connections, but no cookies', async () => {
  await using own = await startHttpServer({
    handler: ({ headers }, response) => response.setHeader('Set-Cookie', 'a=1').end(headers.cookie ?? 'none'),
  })
  for (let count = 0; count < 5; count++) {
    const response = await get(own.url127)
    assert.equal(response.text, 'none')
    assert.equal(response.cookies.get('a'), '1')
  }
  assert.equal(own.connections, 1)
})

const UNKNOWN: [option: string, meant: string | RegExp][] = [
  ['verfy', 'verify'],
  ['Verify', 'verify'],
  ['timeouts', 'timeout'],
  ['allow_redirects', 'allowRedirects'],
  ['header', 'headers'],
  ['param', 'params'],
  ['certs', 'cert'],
  ['maxResponsesize', 'maxResponseSize'],
  // What other clients call it.
  ['body', 'data'],
  ['rejectUnauthorized', 'verify'],
  ['searchParams', 'params'],
  ['followRedirect', 'allowRedirects'],
  ['maxRedirects', /: see session.maxRedirects$/],
  ['poolMaxsize', /: see session.mount\('https:.*poolMaxsize/],
  ['httpsAgent', /: see session.mount\('https:/],
  ['validateStatus', /: see response.raiseForStatus\(\)$/],
  ['somethingElse', /; it has verify, cert, params, .*onDownloadProgress$/],
]

for (const [option, meant] of UNKNOWN) {
  test(`the unknown option ${option} is a TypeError that says ${meant}`, async () => {
    const message =
      typeof meant === 'string' ? `the request has no option "${option}": did you mean "${meant}"?` : meant
    await assert.rejects(get(url, { [option]: undefined } as never), { name: 'TypeError', message })
  })
}

const date = new Date(0)
const WRONG: Record<string, unknown[]> = {
  verify: [5, 0, {}, [5], date, () => true],
  cert: [5, true, {}, [1, 2], ['a', 'b', 'c'], date],
  params: [5, true, date, [['a']], { a: date }, { a: {} }],
  data: [5, true, date, [['a']], { a: {} }, [5]],
  files: [5, 'x', true, ['x'], { a: 5 }, { a: [1, 2, 3] }],
  json: [],
  headers: [5, 'X: y', true, ['X']],
  cookies: [5, 'a=b', false, ['a'], { a: 5 }],
  auth: [5, 'ada:secret', true, ['ada'], ['a', 'b', 'c'], [1, 2], {}],
  timeout: ['5', true, [5], {}.toString, { all: 5 }],
  allowRedirects: [5, 'no', {}],
  stream: [5, 'yes', {}],
  hooks: [5, 'x', [() => {}], () => {}, { response: 5 }, { response: [5] }, { request: () => {} }],
  signal: [5, true, {}, new AbortController()],
  maxResponseSize: ['5', -1, Number.NaN, {}, true],
  onUploadProgress: [5, true, {}],
  onDownloadProgress: [5, true, {}],
}

for (const [option, values] of Object.entries(WRONG)) {
  for (const value of values) {
    test(`${option}: ${inspect(value, { breakLength: Number.POSITIVE_INFINITY })} is a TypeError that names the option, before anything is sent`, async () => {
      const before = server.requests
      await assert.rejects(post(url, { [option]: value } as RequestOptions), (error) => {
        assert.ok(error instanceof TypeError, inspect(error))
        assert.match(error.message, new RegExp(option.replace(/s$/, ''), 'i'))
        return true
      })
      assert.equal(server.requests, before)
    })
  }
}

for (const value of [5, 'x', [], () => {}]) {
  test(`${inspect(value)} instead of the options is a TypeError`, async () => {
    await assert.rejects(get(url, value as never), { name: 'TypeError', message: /must be an object/ })
  })
}

for (const method of ['', 'G ET', 'GET\r\n', 5, null, undefined, 'CONNECT']) {
  test(`the method ${inspect(method)} is a TypeError`, async () => {
    await assert.rejects(request(method as string, url), TypeError)
  })
}

test('a method of its own kind is sent in capitals', async () => {
  assert.equal((await request('m-search', url)).json<Echo>().method, 'M-SEARCH')
})

test('progress is reported from 0 to 1 in both directions', async () => {
  const up: number[] = []
  const down: number[] = []
  const data = Buffer.alloc(1_000_000, 'x')
  const response = await post(url, {
    data,
    onUploadProgress: ({ percent }) => up.push(percent),
    onDownloadProgress: ({ percent, transferred, total }) => {
      down.push(percent)
      if (total !== undefined) assert.ok(transferred <= total)
    },
  })
  assert.equal(response.json<Echo>().body.length, data.length)
  for (const percents of [up, down]) {
    assert.ok(percents.length > 0)
    assert.deepEqual(
      [...percents].sort((a, b) => a - b),
      percents,
    )
    assert.equal(percents.at(-1), 1)
  }
})
