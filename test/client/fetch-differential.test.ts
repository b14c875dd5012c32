/** vouch's `fetch` beside Node's and undici's: one server, one request, one result, or a difference that is listed with its reason. */

import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import * as undici from 'undici'
import { fetch as vouchFetch } from '../../src/index.ts'
import { nodeMajor } from '../helpers/modules.ts'
import { type Handler, startHttpServer } from '../helpers/servers.ts'

type Body = NonNullable<RequestInit['body']>

/** A fetch and the classes that belong to it. */
interface Realm {
  readonly fetch: typeof globalThis.fetch
  readonly Request: typeof globalThis.Request
  readonly Headers: typeof globalThis.Headers
  readonly FormData: typeof globalThis.FormData
}

const { Request, Headers, FormData } = globalThis
const VOUCH: Realm = { fetch: vouchFetch, Request, Headers, FormData }
const PEERS: Readonly<Record<string, Realm>> = {
  'Node’s': { fetch: globalThis.fetch, Request, Headers, FormData },
  'undici’s': undici as unknown as Realm,
}

const BODIES: Readonly<Record<string, readonly [encoding: string, body: Buffer]>> = {
  '/gzip': ['gzip', gzipSync('a text')],
  '/deflate': ['deflate', deflateSync('a text')],
  '/br': ['br', brotliCompressSync('a text')],
  '/twice': ['gzip, br', brotliCompressSync(gzipSync('a text'))],
  '/unknown-encoding': ['x-own', Buffer.from('a text')],
}

/** What the server saw: method, path, headers that are no client's own, body. */
const OWN_HEADERS = new Set([
  'host',
  'connection',
  'user-agent',
  'accept-encoding',
  'accept-language',
  'sec-fetch-mode',
])

const handler: Handler = async (request, response) => {
  const url = new URL(request.url ?? '', 'http://host')
  const { pathname, searchParams } = url
  const encoded = BODIES[pathname]
  const status = /^\/status\/(\d+)$/.exec(pathname)?.[1]
  if (pathname === '/to') {
    request.resume()
    const location = searchParams.get('location')
    response.writeHead(Number(searchParams.get('status') ?? 302), location === null ? {} : { location })
    return response.end('moved')
  }
  if (encoded) return response.writeHead(200, { 'content-encoding': encoded[0] }).end(encoded[1])
  if (status) return response.writeHead(Number(status)).end(request.method === 'HEAD' ? undefined : 'text')
  if (pathname === '/cookies')
    return response
      .writeHead(
        200,
        [
          ['set-cookie', 'a=1'],
          ['set-cookie', 'b=2'],
          ['x-list', 'a'],
          ['x-list', 'b'],
        ].flat(),
      )
      .end()
  if (pathname === '/odd')
    return void response.socket?.end(
      'HTTP/1.1 999 Odd thing\r\nX-Odd: caf\xe9\r\nContent-Length: 2\r\n\r\nhi',
      'latin1',
    )
  if (pathname === '/early')
    return void response.socket?.end(
      'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nhi',
    )
  if (pathname === '/cut') {
    response.writeHead(200, { 'content-length': 100 }).write('abc')
    await sleep(20)
    return response.destroy()
  }
  if (pathname === '/close') return request.socket.destroy()
  const headers = Object.entries(request.headers).filter(([name]) => !OWN_HEADERS.has(name))
  const body = await text(request)
  const boundary = /boundary=(.*)/.exec(request.headers['content-type'] ?? '')?.[1]
  const seen = JSON.stringify({
    method: request.method,
    path: request.url,
    headers: Object.fromEntries(headers.sort()),
    body,
  })
  return response
    .writeHead(200, { 'content-type': 'application/json' })
    .end(boundary ? seen.replaceAll(boundary, 'BOUNDARY') : seen)
}

const server = await startHttpServer({ handler })
const other = await startHttpServer({ handler })
after(() => Promise.all([server.close(), other.close()]))
const { url127: base } = server
const to = (location: string, status = 302): string =>
  `${base}/to?${new URLSearchParams({ location, status: String(status) })}`

/** What came of a call: what a caller can see of the response, or the error. */
async function outcome(call: (realm: Realm) => Promise<globalThis.Response>, realm: Realm): Promise<unknown> {
  try {
    const response = await call(realm)
    const { status, statusText, ok, url, redirected, type } = response
    const headers = Object.fromEntries(response.headers)
    for (const name of ['date', 'content-length', 'connection', 'keep-alive']) delete headers[name]
    const hasBody = response.body !== null
    return { status, statusText, ok, url, redirected, type, headers, hasBody, text: await response.text() }
  } catch (error) {
    assert.ok(error instanceof Error)
    // Node's "fetch failed" and "terminated" say nothing more; vouch's says why.
    const isNetwork = error instanceof TypeError && /^(?:fetch failed|terminated)/.test(error.message)
    return { error: error.name, isNetwork, hasCause: error.cause !== undefined || !isNetwork }
  }
}

async function* chunks(pause = 5): AsyncGenerator<Uint8Array> {
  yield Buffer.from('one ')
  await sleep(pause)
  yield Buffer.from('two')
}

const POST = { method: 'POST' }
const HALF = { method: 'POST', duplex: 'half' } as const
const form = (realm: Realm): FormData => {
  const data = new realm.FormData()
  data.append('text', 'line\nbreak')
  data.append('quo"te\n', 'é')
  data.append('file', new File(['content'], 'na"me\n.txt', { type: 'text/plain' }))
  data.append('blob', new Blob(['more']))
  return data
}

/** Bodies that can be sent, by name. */
const SENT: Readonly<Record<string, (realm: Realm) => RequestInit>> = {
  'a string': () => ({ ...POST, body: 'tëxt' }),
  'an empty string': () => ({ ...POST, body: '' }),
  'a Buffer': () => ({ ...POST, body: Buffer.from('bytes') }),
  'a part of a typed array': () => ({ ...POST, body: new Uint16Array([0x6161, 0x6262, 0x6363]).subarray(1) }),
  'an ArrayBuffer': () => ({ ...POST, body: new Uint8Array([97, 98]).buffer }),
  'a DataView': () => ({ ...POST, body: new DataView(new Uint8Array([97, 98, 99]).buffer, 1) }),
  'a Blob': () => ({ ...POST, body: new Blob(['blob'], { type: 'text/x-own' }) }),
  'a Blob without type': () => ({ ...POST, body: new Blob(['blob']) }),
  'a File': () => ({ ...POST, body: new File(['file'], 'name.txt', { type: 'text/plain' }) }),
  URLSearchParams: () => ({
    ...POST,
    body: new URLSearchParams([
      ['a', 'ä b'],
      ['a', '&'],
    ]),
  }),
  FormData: (realm) => ({ ...POST, body: form(realm) }),
  'an empty FormData': (realm) => ({ ...POST, body: new realm.FormData() }),
  'a ReadableStream': () => ({ ...HALF, body: Readable.toWeb(Readable.from(chunks())) as ReadableStream }),
  'an asynchronous iterable': () => ({ ...HALF, body: chunks() }),
  'a stream of Node': () => ({ ...HALF, body: Readable.from(chunks()) as unknown as Body }),
  'a stream with a Content-Length': () => ({ ...HALF, body: chunks(), headers: { 'content-length': '7' } }),
  'a number': () => ({ ...POST, body: 5 as unknown as Body }),
  'an array': () => ({ ...POST, body: [1, 2] as unknown as Body }),
  'no body': () => POST,
  'no body, null': () => ({ ...POST, body: null }),
  'a type of the caller': () => ({ ...POST, body: '{}', headers: { 'Content-Type': 'application/json' } }),
  'DELETE with a body': () => ({ method: 'DELETE', body: 'x' }),
}

const CASES: Readonly<Record<string, (realm: Realm) => Promise<globalThis.Response>>> = {
  ...Object.fromEntries(
    Object.entries(SENT).map(([name, init]) => [
      `body: ${name}`,
      (realm: Realm) => realm.fetch(`${base}/a`, init(realm)),
    ]),
  ),
  ...Object.fromEntries(
    [
      'GET',
      'get',
      'Head',
      'HEAD',
      'POST',
      'post',
      'PUT',
      'DELETE',
      'delete',
      'OPTIONS',
      'PATCH',
      'PROPFIND',
      'REPORT',
      'TRACE',
      'CONNECT',
      'BAD METHOD',
      '',
    ].map((method) => [`method: '${method}'`, (realm: Realm) => realm.fetch(`${base}/a`, { method })]),
  ),
  ...Object.fromEntries(
    [200, 201, 204, 205, 206, 300, 304, 400, 404, 429, 500, 599].flatMap((status) =>
      ['GET', 'HEAD'].map((method) => [
        `status: ${status} to ${method}`,
        (realm: Realm) => realm.fetch(`${base}/status/${status}`, { method }),
      ]),
    ),
  ),
  'status: 999': ({ fetch }) => fetch(`${base}/odd`),
  'status: 103 before 200': ({ fetch }) => fetch(`${base}/early`),
  ...Object.fromEntries(
    Object.keys(BODIES).map((path) => [`decoding: ${path}`, ({ fetch }: Realm) => fetch(base + path)]),
  ),
  'headers: several of a name': ({ fetch }) => fetch(`${base}/cookies`),
  'headers: an object': ({ fetch }) => fetch(base, { headers: { 'X-A': '1', 'x-b': ' 2 ' } }),
  'headers: a list with repetitions': ({ fetch }) =>
    fetch(base, {
      headers: [
        ['X-A', '1'],
        ['x-a', '2'],
      ],
    }),
  'headers: Headers': ({ fetch, Headers }) => fetch(base, { headers: new Headers({ 'X-A': '1' }) }),
  'headers: a Map': ({ fetch }) =>
    fetch(base, { headers: new Map([['X-A', '1']]) as unknown as Record<string, string> }),
  'headers: latin-1': ({ fetch }) => fetch(base, { headers: { 'X-A': 'caf\xe9' } }),
  'headers: beyond latin-1': ({ fetch }) => fetch(base, { headers: { 'X-A': '☃' } }),
  'headers: a line break': ({ fetch }) => fetch(base, { headers: { 'X-A': 'a\r\nb: c' } }),
  'headers: a control character': ({ fetch }) => fetch(base, { headers: { 'X-A': 'a\x01b' } }),
  'headers: a wrong name': ({ fetch }) => fetch(base, { headers: { 'a b': 'c' } }),
  'headers: undefined': ({ fetch }) =>
    fetch(base, { headers: { 'x-a': undefined } as unknown as Record<string, string> }),
  'headers: Accept of the caller': ({ fetch }) => fetch(base, { headers: { accept: 'text/plain' } }),
  'headers: Cookie of the caller': ({ fetch }) => fetch(base, { headers: { cookie: 'a=1' } }),
  'url: a URL': ({ fetch }) => fetch(new URL('/p?q=1', base)),
  'url: with a fragment': ({ fetch }) => fetch(`${base}/p#fragment`),
  'url: with characters to be quoted': ({ fetch }) => fetch(`${base}/ä b|^?q=é"'|^[]&r=%zz`),
  'url: relative': ({ fetch }) => fetch('/relative'),
  'url: no URL': ({ fetch }) => fetch('nothing'),
  'url: with credentials': ({ fetch }) => fetch('http://ada:secret@localhost/'),
  'url: data': ({ fetch }) => fetch('data:text/plain;base64,aGk='),
  'url: file': ({ fetch }) => fetch('file:///etc/hostname'),
  'url: about': ({ fetch }) => fetch('about:blank'),
  'url: another scheme': ({ fetch }) => fetch('ftp://localhost/'),
  'input: an object that converts to a URL': ({ fetch }) => fetch({ toString: () => `${base}/o` } as unknown as string),
  'input: Request': ({ fetch, Request }) => fetch(new Request(`${base}/r`, { headers: { 'x-a': '1' } })),
  'input: Request with a body': ({ fetch, Request }) => fetch(new Request(`${base}/r`, { ...POST, body: 'text' })),
  'input: Request with a Blob': ({ fetch, Request }) =>
    fetch(new Request(`${base}/r`, { ...POST, body: new Blob(['blob']) })),
  'input: Request with FormData': (realm) =>
    realm.fetch(new realm.Request(`${base}/r`, { ...POST, body: form(realm) })),
  'input: Request with a stream': ({ fetch, Request }) =>
    fetch(new Request(`${base}/r`, { ...HALF, body: chunks(200) })),
  'input: Request, overridden': ({ fetch, Request }) => {
    const request = new Request(`${base}/r`, { ...POST, body: 'text', headers: { 'x-a': '1' } })
    return fetch(request, { method: 'PUT', body: 'other', headers: { 'x-b': '2' } })
  },
  'input: Request, its clone': ({ fetch, Request }) =>
    fetch(new Request(`${base}/r`, { ...POST, body: 'text' }).clone()),
  'input: Request that was used': async ({ fetch, Request }) => {
    const request = new Request(`${base}/r`, { ...POST, body: 'text' })
    await request.text()
    return fetch(request)
  },
  'input: Request with a body, turned into GET': ({ fetch, Request }) =>
    fetch(new Request(`${base}/r`, { ...POST, body: 'text' }), { method: 'GET' }),
  'init: a Request': ({ fetch, Request }) =>
    fetch(`${base}/r`, new Request('http://host/', { method: 'PUT', headers: { 'x-a': '1' } })),
  'wrong: GET with a body': ({ fetch }) => fetch(base, { body: 'x' }),
  'wrong: HEAD with a body': ({ fetch }) => fetch(base, { method: 'HEAD', body: '' }),
  'wrong: a stream without duplex': ({ fetch }) => fetch(base, { ...POST, body: new ReadableStream() }),
  'wrong: a stream that is locked': ({ fetch }) => {
    const body = new ReadableStream()
    body.getReader()
    return fetch(base, { ...HALF, body })
  },
  'wrong: a signal that is none': ({ fetch }) => fetch(base, { signal: {} as AbortSignal }),
  'wrong: redirect': ({ fetch }) => fetch(base, { redirect: 'maybe' as 'follow' }),
  'wrong: credentials': ({ fetch }) => fetch(base, { credentials: 'maybe' as 'omit' }),
  'wrong: cache': ({ fetch }) => fetch(base, { cache: 'maybe' } as unknown as RequestInit),
  'wrong: mode navigate': ({ fetch }) => fetch(base, { mode: 'navigate' }),
  'wrong: window': ({ fetch }) => fetch(base, { window: {} as unknown as null }),
  'wrong: init': ({ fetch }) => fetch(base, 5 as unknown as RequestInit),
  ...Object.fromEntries(
    ['default', 'no-store', 'reload', 'no-cache', 'force-cache'].flatMap((cache) => [
      [`cache: ${cache}`, ({ fetch }: Realm) => fetch(base, { cache } as RequestInit)],
      [
        `cache: ${cache}, with a condition`,
        ({ fetch }: Realm) => fetch(base, { cache, headers: { 'if-none-match': '"a"' } } as RequestInit),
      ],
    ]),
  ),
  'headers: Range': ({ fetch }) => fetch(base, { headers: { range: 'bytes=0-1' } }),
  'ignored members': ({ fetch }) =>
    fetch(base, {
      keepalive: true,
      referrer: 'about:client',
      referrerPolicy: 'no-referrer',
      mode: 'cors',
      window: null,
    }),
  'init: null': ({ fetch }) => fetch(base, null as unknown as RequestInit),
  'mode: no-cors': ({ fetch }) => fetch(base, { mode: 'no-cors' }),
  'mode: same-origin': ({ fetch }) => fetch(base, { mode: 'same-origin' }),
  'mode: same-origin, redirected elsewhere': ({ fetch }) => fetch(to(other.url127), { mode: 'same-origin' }),
  'mode: no-cors, redirected elsewhere': ({ fetch }) => fetch(to(other.url127), { mode: 'no-cors' }),
  'integrity: right': ({ fetch }) =>
    fetch(`${base}/gzip`, { integrity: `sha256-AAAA ${'sha384-'}${sha384('a text')}` }),
  'integrity: wrong': ({ fetch }) => fetch(`${base}/gzip`, { integrity: `sha256-${'A'.repeat(43)}=` }),
  'integrity: the strongest counts': ({ fetch }) =>
    fetch(`${base}/gzip`, { integrity: `sha384-${sha384('a text')} sha512-AAAA` }),
  'integrity: unknown algorithm': ({ fetch }) => fetch(`${base}/gzip`, { integrity: 'md5-AAAA' }),
  'failure: refused': ({ fetch }) => fetch('http://127.0.0.1:1/'),
  'failure: closed without a response': ({ fetch }) => fetch(`${base}/close`, POST),
  'failure: a body that is cut short': ({ fetch }) => fetch(`${base}/cut`),
  'failure: a body that throws': ({ fetch }) =>
    fetch(base, {
      ...HALF,
      body: (async function* () {
        yield Buffer.from('x')
        throw new RangeError('mine')
      })(),
    }),
  'signal: aborted before': ({ fetch }) => fetch(base, { signal: AbortSignal.abort() }),
  'signal: aborted before, with a reason': ({ fetch }) =>
    fetch(base, { signal: AbortSignal.abort(new RangeError('mine')) }),
  'signal: a timeout': ({ fetch }) => fetch(base, { ...HALF, body: long(), signal: AbortSignal.timeout(30) }),
  'signal: of a Request': ({ fetch, Request }) =>
    fetch(new Request(base, { signal: AbortSignal.abort(new RangeError('mine')) })),
  'signal: null': ({ fetch, Request }) => fetch(new Request(base, { signal: AbortSignal.abort() }), { signal: null }),
  'redirect: manual': ({ fetch }) => fetch(to('/end'), { redirect: 'manual' }),
  'redirect: error': ({ fetch }) => fetch(to('/end'), { redirect: 'error' }),
  'redirect: error, without a redirect': ({ fetch }) => fetch(`${base}/end`, { redirect: 'error' }),
  'redirect: without a Location': ({ fetch }) => fetch(`${base}/to`),
  'redirect: error, without a Location': ({ fetch }) => fetch(`${base}/to`, { redirect: 'error' }),
  'redirect: of a Request': ({ fetch, Request }) => fetch(new Request(to('/end'), { redirect: 'manual' })),
  'redirect: keeps the fragment': ({ fetch }) => fetch(`${to('/end')}#fragment`),
  'redirect: to another fragment': ({ fetch }) => fetch(`${to('/end#there')}#here`),
  'redirect: relative': ({ fetch }) => fetch(to('end?x=1')),
  'redirect: in UTF-8': ({ fetch }) => fetch(to('/%C3%A9')),
  'redirect: to another scheme': ({ fetch }) => fetch(to('ftp://host/')),
  'redirect: to a data URL': ({ fetch }) => fetch(to('data:text/plain,x')),
  'redirect: to no URL': ({ fetch }) => fetch(to('http://[')),
  'redirect: with a backslash': ({ fetch }) => fetch(to('\\end')),
  'redirect: with credentials, same origin': ({ fetch }) => fetch(to(base.replace('//', '//ada:secret@'))),
  'redirect: with credentials, another origin': ({ fetch }) => fetch(to(other.url127.replace('//', '//ada:secret@'))),
  'redirect: twice': ({ fetch }) => fetch(to(to('/end'))),
  'redirect: a circle': ({ fetch }) =>
    fetch(`${base}/to?location=${encodeURIComponent('/to?location=%2Fto')}&again`, { redirect: 'follow' }),
  ...Object.fromEntries(
    [301, 302, 303, 307, 308].flatMap((status) => [
      ...['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'REPORT'].map((method) => [
        `redirect: ${status} of ${method}`,
        ({ fetch }: Realm) => {
          const body =
            method === 'GET' || method === 'HEAD'
              ? {}
              : { body: 'text', headers: { 'content-language': 'en', 'x-a': '1' } }
          return fetch(to('/end', status), { method, ...body })
        },
      ]),
      [`redirect: ${status} of a stream`, ({ fetch }: Realm) => fetch(to('/end', status), { ...HALF, body: chunks() })],
      [
        `redirect: ${status} of FormData`,
        (realm: Realm) => realm.fetch(to('/end', status), { ...POST, body: form(realm) }),
      ],
      [
        `redirect: ${status} to another origin`,
        ({ fetch }: Realm) =>
          fetch(to(`${other.url127}/end`, status), {
            ...POST,
            body: 'text',
            headers: { Authorization: 'Bearer secret', Cookie: 'a=1', 'X-A': '1', 'Proxy-Authorization': 'Basic x' },
          }),
      ],
      [
        `redirect: ${status} to the same origin`,
        ({ fetch }: Realm) => fetch(to('/end', status), { headers: { Authorization: 'Bearer secret', Cookie: 'a=1' } }),
      ],
    ]),
  ),
}

const BOUNDARY = 'undici encodes the form anew, with another boundary than the one that its Content-Type names'

/** Where vouch differs from one of them, and why. */
const DIFFERENCES: Readonly<Record<string, string>> = {
  "method: 'REPORT'": 'Node’s http ends an unknown method’s request with a length: Content-Length is 0 without a body',
  'mode: no-cors, redirected elsewhere': 'a response that hides its status and body is of use in browsers only',
  'redirect: 307 of FormData': BOUNDARY,
  'redirect: 308 of FormData': BOUNDARY,
}

const HANGS_ON_NODE_22: ReadonlySet<string> = new Set(['mode: no-cors, redirected elsewhere'])

for (const [name, call] of Object.entries(CASES)) {
  test(`${name}${name in DIFFERENCES ? ` differs: ${DIFFERENCES[name]}` : ' gives what Node’s and undici’s fetch give'}`, {
    skip: nodeMajor < 24 && HANGS_ON_NODE_22.has(name) && 'the fetch of Node 22 never settles',
  }, async () => {
    const ours = await outcome(call, VOUCH)
    const theirs = new Map<string, unknown>()
    for (const [peer, realm] of Object.entries(PEERS)) theirs.set(peer, await outcome(call, realm))
    if (!(name in DIFFERENCES))
      for (const [peer, result] of theirs) assert.deepEqual(ours, result, `differs from ${peer}`)
    // Other lines of Node have other versions of undici.
    else if (nodeMajor === 24)
      assert.ok(
        [...theirs.values()].some((result) => !isDeepStrictEqual(ours, result)),
        'the difference is gone',
      )
  })
}

function sha384(content: string): string {
  return hash('sha384', content, 'base64')
}

async function* long(): AsyncGenerator<Uint8Array> {
  for (let chunk = 0; chunk < 20; chunk++) {
    yield Buffer.from('x')
    await sleep(5)
  }
}
