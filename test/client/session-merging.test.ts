import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { HTTPError, type RequestOptions, Session, type SessionOptions } from '../../src/index.ts'
import { type Echo, startHttpServer } from '../helpers/servers.ts'

const server = await startHttpServer()
after(() => server.close())
const url = server.url127

const echoed = async (session: Session, options: RequestOptions = {}): Promise<Echo> =>
  (await session.get(url, options)).json<Echo>()

// The session's value, the call's, and what is sent.
type Merge = [
  title: string,
  session: SessionOptions,
  call: RequestOptions,
  sent: Partial<Echo['headers']>,
  path?: string,
]
const MERGES: Merge[] = [
  ['headers are added', { headers: { 'X-A': '1' } }, { headers: { 'X-B': '2' } }, { 'x-a': '1', 'x-b': '2' }],
  ["a call's header wins in any case", { headers: { 'X-A': '1' } }, { headers: { 'x-a': '2' } }, { 'x-a': '2' }],
  ['a header of null is removed', { headers: { 'X-A': '1' } }, { headers: { 'x-A': null } }, { 'x-a': undefined }],
  [
    'a header of undefined is inherited',
    { headers: { 'X-A': '1' } },
    { headers: { 'X-A': undefined } },
    { 'x-a': '1' },
  ],
  ['headers: undefined inherits', { headers: { 'X-A': '1' } }, { headers: undefined }, { 'x-a': '1', accept: '*/*' }],
  [
    'headers: null sends none of them',
    { headers: { 'X-A': '1' } },
    { headers: null },
    { 'x-a': undefined, accept: undefined },
  ],
  ['params are added', { params: { a: 1 } }, { params: { b: 2 } }, {}, '/?a=1&b=2'],
  ["a call's param wins", { params: { a: 1 } }, { params: { a: 2 } }, {}, '/?a=2'],
  ['a param of null is removed', { params: { a: 1, b: 2 } }, { params: { a: null } }, {}, '/?b=2'],
  ['params of a list replace', { params: { a: 1 } }, { params: [['b', 2]] }, {}, '/?b=2'],
  ['params: null sends none', { params: { a: 1 } }, { params: null }, {}, '/'],
  ['params: undefined inherits', { params: { a: 1 } }, { params: undefined }, {}, '/?a=1'],
  ["a call's auth wins", { auth: ['a', 'b'] }, { auth: ['c', 'd'] }, { authorization: `Basic ${btoa('c:d')}` }],
  ['auth: null sends none', { auth: ['a', 'b'] }, { auth: null }, { authorization: undefined }],
  ['auth: undefined inherits', { auth: ['a', 'b'] }, { auth: undefined }, { authorization: `Basic ${btoa('a:b')}` }],
  [
    'auth wins over a header',
    { auth: ['a', 'b'] },
    { headers: { Authorization: 'x' } },
    { authorization: `Basic ${btoa('a:b')}` },
  ],
  ['cookies: null sends none', { cookies: { a: '1' } }, { cookies: null }, { cookie: undefined }],
  ['cookies: undefined inherits', { cookies: { a: '1' } }, { cookies: undefined }, { cookie: 'a=1' }],
]

for (const [title, defaults, call, sent, path] of MERGES) {
  test(`merging: ${title}`, async () => {
    await using session = new Session(defaults)
    const seen = await echoed(session, call)
    for (const [name, value] of Object.entries(sent)) assert.equal(seen.headers[name], value, name)
    if (path !== undefined) assert.equal(seen.url, path)
    assert.deepEqual((await echoed(session)).headers.accept, '*/*')
  })
}

test('stream: null and timeout: null are as if the session had none', async () => {
  await using session = new Session({ stream: true, timeout: 1 })
  const response = await session.get(url, { stream: null, timeout: null })
  assert.ok(response.content.length > 0)
})

test("a call's hooks replace the session's; null runs none", async () => {
  const calls: string[] = []
  await using session = new Session({ hooks: { response: () => void calls.push('session') } })
  await session.get(url)
  await session.get(url, { hooks: { response: [() => void calls.push('one'), async () => void calls.push('two')] } })
  await session.get(url, { hooks: null })
  await session.get(url, { hooks: {} })
  assert.deepEqual(calls, ['session', 'one', 'two'])
})

test('a hook sees the body, may give back another response, and rejects the call with what it throws', async () => {
  await using session = new Session()
  const other = await session.get(url)
  assert.equal(await session.get(url, { hooks: { response: () => other } }), other)
  await session.get(url, { hooks: { response: ({ text }) => assert.match(text, /"method":"GET"/) } })
  const failing = { hooks: { response: (response: typeof other) => void response.raiseForStatus() } }
  await using broken = await startHttpServer({
    handler: (_request, response) => response.writeHead(404).end('x'.repeat(100_000)),
  })
  for (const stream of [false, true])
    await assert.rejects(session.get(broken.url127, { ...failing, stream }), HTTPError)
  await assert.rejects(session.get(url, { hooks: { response: (() => 5) as never } }), /must return a Response/)
  await assert.rejects(session.get(url, { hooks: (() => {}) as never }), TypeError)
})
