/** What both are asked to do: each case in Python, for requests, and in JavaScript, for vouch. */
import { Request, type RequestOptions, type Session } from '../../src/index.ts'
import { RAW_ANSWERS, SET_COOKIES } from './raw-answers.ts'

/** A session of its own, and the URLs of the server by address and by name. */
export interface Scope {
  readonly s: Session
  readonly u: string
  readonly l: string
}

/** Name, Python expression (with `S`, `U`, `L` for the same), and the same here. */
export type WireCase = readonly [name: string, python: string, ours: (scope: Scope) => Promise<unknown>]

const bytes = (text: string, encoding: BufferEncoding = 'utf8') => Buffer.from(text, encoding)
const hex = (text: string) => bytes(text, 'latin1').toString('hex')

async function* pieces(...chunks: (string | Uint8Array)[]) {
  yield* chunks
}

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const each of source) all.push(each)
  return all
}

const lengths = async (source: AsyncIterable<Buffer>) => (await collect(source)).map(({ length }) => length)

/** A GET with one option. */
const get = (name: string, path: string, python: string, options: RequestOptions): WireCase => [
  name,
  `S.get(U + ${JSON.stringify(path)}, ${python})`,
  ({ s, u }) => s.get(u + path, options),
]

/** A POST with options. */
const post = (name: string, python: string, options: () => RequestOptions): WireCase => [
  `POST: ${name}`,
  `S.post(U + '/echo', ${python})`,
  ({ s, u }) => s.post(`${u}/echo`, options()),
]

const PARAMS: WireCase[] = [
  get('params: a mapping', '/p', "params={'a': '1', 'b': 'x y'}", { params: { a: '1', b: 'x y' } }),
  get('params: lists repeat', '/p', "params={'a': [1, 2], 'b': ('x',)}", { params: { a: [1, 2], b: ['x'] } }),
  get('params: pairs', '/p', "params=[('a', 1), ('b', 2), ('a', 3)]", {
    params: [
      ['a', 1],
      ['b', 2],
      ['a', 3],
    ],
  }),
  get('params: null is left out', '/p', "params={'a': None, 'b': '', 'c': [None, 1]}", {
    params: { a: null, b: '', c: [null, 1] },
  }),
  get('params: numbers', '/p', "params={'i': 5, 'f': 1.5, 'n': -3}", { params: { i: 5, f: 1.5, n: -3 } }),
  get('params: booleans', '/p', "params={'t': True, 'f': False}", { params: { t: true, f: false } }),
  get('params: text', '/p', "params='a=b c&d=é'", { params: 'a=b c&d=é' }),
  get('params: bytes', '/p', "params=b'a=1&b=2'", { params: bytes('a=1&b=2') }),
  get('params: not ASCII', '/p', "params={'ü': 'größe', 'e': '😀'}", { params: { ü: 'größe', e: '😀' } }),
  get('params: reserved characters', '/p', 'params={"k": "!*\'();:@&=+$,/?#[]%~-._"}', {
    params: { k: "!*'();:@&=+$,/?#[]%~-._" },
  }),
  get('params: a query that is there', '/p?x=1', "params={'a': 2}", { params: { a: 2 } }),
  get('params: before the fragment', '/p?x=1#part', "params={'a': 2}", { params: { a: 2 } }),
  get('params: none', '/p', 'params={}', { params: {} }),
  get('params: empty text', '/p?x=1', "params=''", { params: '' }),
  [
    'params: of the session and of the call',
    "(setattr(S, 'params', {'a': 1, 'b': 2}), S.get(U + '/p', params={'b': None, 'c': 3}))[1]",
    ({ s, u }) => {
      s.params = { a: 1, b: 2 }
      return s.get(`${u}/p`, { params: { b: null, c: 3 } })
    },
  ],
  [
    'params: a list replaces those of the session',
    "(setattr(S, 'params', {'a': 1}), S.get(U + '/p', params=[('c', 3)]))[1]",
    ({ s, u }) => {
      s.params = { a: 1 }
      return s.get(`${u}/p`, { params: [['c', 3]] })
    },
  ],
]

/** URLs by what follows the host. */
const URLS: WireCase[] = [
  '',
  '/',
  '?q=1',
  '/a b',
  '/größe',
  '/%7Euser',
  '/%zz',
  '/100%',
  '/a%2Fb',
  '/a/../b/./c',
  '/a//b',
  '//a',
  '/;p=1,2',
  "/('x')!*",
  '/a?b=c d&e="f"',
  '/a?b=%zz',
  '/a?q=ü',
  '/a#frag',
  '/a?#',
  '/<>[]{}|^`',
  '/a\\b',
  '/+?+',
  '/%C3%BC',
  '/%c3%bc',
  '/a?b=%2f',
].map((path): WireCase => [`URL: ${path}`, `S.get(U + ${JSON.stringify(path)})`, ({ s, u }) => s.get(u + path)])

const WRONG_URLS: WireCase[] = [
  '127.0.0.1/x',
  '/relative',
  '',
  'http://',
  'http:///x',
  'https://:443/',
  'ftp://host/',
  'mailto:x@y',
  'localhost:80/',
  'http://*x/',
  'http://.x/',
  'http://a b/',
  'http://host:port/',
  'http://host:99999/',
  'hxxp://x/',
  '://x',
  'http:/one',
  'http://[::1/',
  'http://x..y/',
].map((url): WireCase => [`wrong URL: ${url}`, `S.get(${JSON.stringify(url)})`, ({ s }) => s.get(url)])

const METHODS: WireCase[] = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'PROPFIND',
  'purge',
  'x-y',
].flatMap((method): WireCase[] => [
  [`${method} without a body`, `S.request('${method}', U + '/m')`, ({ s, u }) => s.request(method, `${u}/m`)],
  [
    `${method} with a body`,
    `S.request('${method}', U + '/m', data='x')`,
    ({ s, u }) => s.request(method, `${u}/m`, { data: 'x' }),
  ],
])

const WRONG_METHODS: WireCase[] = ['', 'GE T', 'GET\r\nX: y'].map(
  (method): WireCase => [
    `wrong method: ${JSON.stringify(method)}`,
    `S.request(${JSON.stringify(method)}, U)`,
    ({ s, u }) => s.request(method, u),
  ],
)

const BODIES: WireCase[] = [
  post('form of a mapping', "data={'a': '1', 'b': 'x y&z'}", () => ({ data: { a: '1', b: 'x y&z' } })),
  post('form with lists', "data={'a': [1, 2], 'n': None, 'e': ''}", () => ({ data: { a: [1, 2], n: null, e: '' } })),
  post('form of pairs', "data=[('a', 1), ('a', 2), ('ü', 'ß')]", () => ({
    data: [
      ['a', 1],
      ['a', 2],
      ['ü', 'ß'],
    ],
  })),
  post('form with booleans', "data={'t': True}", () => ({ data: { t: true } })),
  post('empty form', 'data={}', () => ({ data: {} })),
  post('text', "data='hello'", () => ({ data: 'hello' })),
  post('text that is not ASCII', "data='Grüße 😀'", () => ({ data: 'Grüße 😀' })),
  post('empty text', "data=''", () => ({ data: '' })),
  post('bytes', "data=b'\\x00\\xff'", () => ({ data: bytes('\x00\xff', 'latin1') })),
  post('no bytes', "data=b''", () => ({ data: Buffer.alloc(0) })),
  post('text with a type', "data='<x/>', headers={'Content-Type': 'text/xml'}", () => ({
    data: '<x/>',
    headers: { 'Content-Type': 'text/xml' },
  })),
  post('form with a type', "data={'a': 1}, headers={'content-type': 'x/y'}", () => ({
    data: { a: 1 },
    headers: { 'content-type': 'x/y' },
  })),
  post('a generator is chunked', "data=pieces(b'one', b'two')", () => ({ data: pieces('one', 'two') })),
  post('an empty generator', 'data=pieces()', () => ({ data: pieces() })),
  post('a length for a generator', "data=pieces(b'one'), headers={'Content-Length': '3'}", () => ({
    data: pieces('one'),
    headers: { 'Content-Length': '3' },
  })),
  post('a wrong length for bytes', "data=b'one', headers={'Content-Length': '99'}", () => ({
    data: 'one',
    headers: { 'Content-Length': '99' },
  })),
  post('a reader', "data=reader(b'12345')", () => ({ data: new Blob(['12345']) })),
  post('json', "json={'a': [1, 2.5, None, True], 'ü': '😀'}", () => ({ json: { a: [1, 2.5, null, true], ü: '😀' } })),
  post('json false', 'json=False', () => ({ json: false })),
  post('json 0', 'json=0', () => ({ json: 0 })),
  post('json empty', 'json={}', () => ({ json: {} })),
  post('json null', 'json=None', () => ({ json: null })),
  post('json text', "json='x'", () => ({ json: 'x' })),
  post('json with a type', "json={}, headers={'Content-Type': 'application/vnd.x+json'}", () => ({
    json: {},
    headers: { 'Content-Type': 'application/vnd.x+json' },
  })),
  post('json beside data', "json={'a': 1}, data={'b': 2}", () => ({ json: { a: 1 }, data: { b: 2 } })),
  post('json beside empty data', "json={'a': 1}, data={}", () => ({ json: { a: 1 }, data: {} })),
  post('json that is not a number', "json={'a': float('nan')}", () => ({ json: { a: Number.NaN } })),
  post('json that cannot be', 'json={1, 2}', () => ({ json: { a: 1n } })),
  post('a number as data', 'data=5', () => ({ data: 5 as never })),
  post('a list of no pairs', "data=['a']", () => ({ data: ['a'] as never })),
  post('Transfer-Encoding set by hand', "data='x', headers={'Transfer-Encoding': 'chunked'}", () => ({
    data: 'x',
    headers: { 'Transfer-Encoding': 'chunked' },
  })),
]

const FILES: WireCase[] = [
  post('a file of bytes', "files={'f': b'x'}", () => ({ files: { f: bytes('x') } })),
  post('a file of text', "files={'f': 'ü'}", () => ({ files: { f: 'ü' } })),
  post('a file with a name', "files={'f': ('n.txt', b'x')}", () => ({ files: { f: ['n.txt', bytes('x')] } })),
  post('a file with a type', "files={'f': ('n.txt', b'x', 'text/plain')}", () => ({
    files: { f: ['n.txt', 'x', 'text/plain'] },
  })),
  post('a file with headers', "files={'f': ('n.txt', b'x', 'text/plain', {'X-A': 'b'})}", () => ({
    files: { f: ['n.txt', 'x', 'text/plain', { 'X-A': 'b' }] },
  })),
  post('a file without a name', "files={'f': (None, 'x')}", () => ({ files: { f: [null, 'x'] } })),
  post('a file name that is not ASCII', "files={'f': ('größe \"q\".txt', b'x')}", () => ({
    files: { f: ['größe "q".txt', 'x'] },
  })),
  post('a field name that is not ASCII', "files={'fü': ('a', b'x')}", () => ({ files: { fü: ['a', 'x'] } })),
  post('a line break in a file name', "files={'f': ('a\\nb\\r', b'x')}", () => ({ files: { f: ['a\nb\r', 'x'] } })),
  post('several files in a field', "files=[('f', ('1', b'a')), ('f', ('2', b'b'))]", () => ({
    files: [
      ['f', ['1', 'a']],
      ['f', ['2', 'b']],
    ],
  })),
  post('files after fields', "files={'f': ('n', b'x')}, data={'a': [1, 2], 'b': None, 'c': 'ü'}", () => ({
    files: { f: ['n', 'x'] },
    data: { a: [1, 2], b: null, c: 'ü' },
  })),
  post('files of a reader', "files={'f': ('n', reader(b'12345'))}", () => ({
    files: { f: ['n', new Blob(['12345'])] },
  })),
  post('no files', "files={}, data={'a': 1}", () => ({ files: {}, data: { a: 1 } })),
  post('files beside json', "files={'f': ('n', b'x')}, json={'a': 1}", () => ({
    files: { f: ['n', 'x'] },
    json: { a: 1 },
  })),
  post('files beside text', "files={'f': b'x'}, data='text'", () => ({ files: { f: 'x' }, data: 'text' as never })),
  post('files with a type set by hand', "files={'f': ('n', b'x')}, headers={'Content-Type': 'application/x'}", () => ({
    files: { f: ['n', 'x'] },
    headers: { 'Content-Type': 'application/x' },
  })),
  post('a null file', "files={'f': None, 'g': b'x'}", () => ({ files: { f: null, g: 'x' } })),
]

const HEADERS: WireCase[] = [
  get('headers: more', '/h', "headers={'X-One': '1', 'x-two': '2'}", { headers: { 'X-One': '1', 'x-two': '2' } }),
  get('headers: another User-Agent', '/h', "headers={'user-agent': 'me'}", { headers: { 'user-agent': 'me' } }),
  get('headers: without Accept', '/h', "headers={'accept': None}", { headers: { accept: null } }),
  get('headers: without Accept-Encoding', '/h', "headers={'Accept-Encoding': None}", {
    headers: { 'Accept-Encoding': null },
  }),
  get('headers: without Connection', '/h', "headers={'Connection': None}", { headers: { Connection: null } }),
  get('headers: Connection: close', '/h', "headers={'Connection': 'close'}", { headers: { Connection: 'close' } }),
  get('headers: empty value', '/h', "headers={'X-E': ''}", { headers: { 'X-E': '' } }),
  get('headers: latin-1', '/h', "headers={'X-L': 'caf\\xe9'}", { headers: { 'X-L': 'caf\xe9' } }),
  get('headers: not latin-1', '/h', "headers={'X-L': '\\u20ac'}", { headers: { 'X-L': '\u20ac' } }),
  get('headers: blank at the end', '/h', "headers={'X-B': 'a '}", { headers: { 'X-B': 'a ' } }),
  get('headers: blank at the beginning', '/h', "headers={'X-B': ' a'}", { headers: { 'X-B': ' a' } }),
  get('headers: line break', '/h', "headers={'X-B': 'a\\r\\nX-C: d'}", { headers: { 'X-B': 'a\r\nX-C: d' } }),
  get('headers: a number', '/h', "headers={'X-N': 5}", { headers: { 'X-N': 5 as never } }),
  get('headers: colon in the name', '/h', "headers={'X:': 'a'}", { headers: { 'X:': 'a' } }),
  get('headers: another Host', '/h', "headers={'Host': 'example.test'}", { headers: { Host: 'example.test' } }),
  get('headers: Expect', '/h', "headers={'Expect': 'x'}, data='abc'", { headers: { Expect: 'x' }, data: 'abc' }),
  get('headers: long', '/h', "headers={'X-Long': 'x' * 8000}", { headers: { 'X-Long': 'x'.repeat(8000) } }),
  [
    'headers: session and call',
    "(S.headers.update({'X-A': 's', 'X-B': 's'}), S.get(U + '/h', headers={'x-a': 'c', 'X-B': None}))[1]",
    ({ s, u }) => {
      s.headers.set('X-A', 's').set('X-B', 's')
      return s.get(`${u}/h`, { headers: { 'x-a': 'c', 'X-B': null } })
    },
  ],
  [
    'headers: none of the session',
    "(S.headers.clear(), S.get(U + '/h'))[1]",
    ({ s, u }) => {
      s.headers = {}
      return s.get(`${u}/h`)
    },
  ],
  [
    'headers of the response',
    "(lambda r: [r.headers['x-one'], r.headers['X-LATIN']])(S.get(U + '/headers'))",
    async ({ s, u }) => {
      const { headers } = await s.get(`${u}/headers`)
      return [headers.get('x-one'), headers.get('X-LATIN')]
    },
  ],
]

const AUTH: WireCase[] = [
  get('auth: a pair', '/a', "auth=('user', 'pa:ss')", { auth: ['user', 'pa:ss'] }),
  get('auth: an empty password', '/a', "auth=('user', '')", { auth: ['user', ''] }),
  get('auth: latin-1', '/a', "auth=('us\\xe9r', 'p')", { auth: ['us\xe9r', 'p'] }),
  get('auth: over a header', '/a', "auth=('u', 'p'), headers={'Authorization': 'x'}", {
    auth: ['u', 'p'],
    headers: { Authorization: 'x' },
  }),
  get('auth: a function', '/a', 'auth=token_auth', {
    auth: (request) => void request.headers.set('Authorization', 'Token t'),
  }),
  [
    'auth: of the URL',
    "S.get(U.replace('//', '//us%40er:p%2Fw@') + '/a')",
    ({ s, u }) => s.get(`${u.replace('//', '//us%40er:p%2Fw@')}/a`),
  ],
  [
    'auth: of the URL over a header',
    "S.get(U.replace('//', '//u:p@') + '/a', headers={'Authorization': 'x'})",
    ({ s, u }) => s.get(`${u.replace('//', '//u:p@')}/a`, { headers: { Authorization: 'x' } }),
  ],
  [
    'auth: a user without a password in the URL',
    "S.get(U.replace('//', '//u:@') + '/a')",
    ({ s, u }) => s.get(`${u.replace('//', '//u:@')}/a`),
  ],
  [
    'auth: of the session',
    "(setattr(S, 'auth', ('u', 'p')), S.get(U + '/a'))[1]",
    ({ s, u }) => {
      s.auth = ['u', 'p']
      return s.get(`${u}/a`)
    },
  ],
]

const COOKIES: WireCase[] = [
  get('cookies: of the call', '/c', "cookies={'a': '1', 'b': 'x y'}", { cookies: { a: '1', b: 'x y' } }),
  get('cookies: quoted value', '/c', "cookies={'a': '\"q\"'}", { cookies: { a: '"q"' } }),
  get('cookies: a header goes over them', '/c', "cookies={'a': '1'}, headers={'Cookie': 'own=1'}", {
    cookies: { a: '1' },
    headers: { Cookie: 'own=1' },
  }),
  [
    'cookies: those of a call are not kept',
    "(S.get(U + '/c', cookies={'a': '1'}), S.get(U + '/c'))[1]",
    async ({ s, u }) => {
      await s.get(`${u}/c`, { cookies: { a: '1' } })
      return s.get(`${u}/c`)
    },
  ],
  ...(
    [
      'a=1',
      'a=1; Path=/sub',
      'a=1; Secure',
      'a=1; HttpOnly',
      'a=1; Max-Age=0',
      'a=1; Max-Age=100',
      'a=1; Domain=example.test',
      'a=',
      'a="x y"',
      'a=b=c',
      'a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT',
      'a=1; Domain=127.0.0.1',
      '=x',
      'a',
    ] as const
  ).map(
    (set): WireCase => [
      `cookies: set as ${set}`,
      `(S.get(U + '/cookies', params={'set': ${JSON.stringify(set)}}), S.get(U + '/sub/x'))[1]`,
      async ({ s, u }) => {
        await s.get(`${u}/cookies`, { params: { set } })
        return s.get(`${u}/sub/x`)
      },
    ],
  ),
  [
    'cookies: set, changed and taken away',
    "(S.get(U + '/cookies?set=a=1&set=b=2'), S.get(U + '/cookies?set=a=3&set=b=;Max-Age=0'), S.get(U + '/c'))[2]",
    async ({ s, u }) => {
      await s.get(`${u}/cookies?set=a=1&set=b=2`)
      await s.get(`${u}/cookies?set=a=3&set=b=;Max-Age=0`)
      return s.get(`${u}/c`)
    },
  ],
  [
    'cookies: of the response',
    "S.get(U + '/cookies?set=a=1&set=b=2')",
    ({ s, u }) => s.get(`${u}/cookies?set=a=1&set=b=2`),
  ],
  [
    'cookies: set by a redirect',
    "S.get(U + '/redirect?to=/c&cookie=r%3D1')",
    ({ s, u }) => s.get(`${u}/redirect?to=/c&cookie=r%3D1`),
  ],
  [
    'cookies: the call adds to those of the session',
    "(S.cookies.update({'s': '1'}), S.get(U + '/c', cookies={'a': '2'}))[1]",
    ({ s, u }) => {
      s.cookies.update({ s: '1' })
      return s.get(`${u}/c`, { cookies: { a: '2' } })
    },
  ],
  [
    'cookies: those of another path stay',
    "(S.get(U + '/cookies', params={'set': 'a=1; Path=/sub'}), S.get(U + '/c'))[1]",
    async ({ s, u }) => {
      await s.get(`${u}/cookies`, { params: { set: 'a=1; Path=/sub' } })
      return s.get(`${u}/c`)
    },
  ],
  [
    'cookies: those of another host stay',
    "(S.get(U + '/cookies?set=a=1'), S.get(L + '/c'))[1]",
    async ({ s, u, l }) => {
      await s.get(`${u}/cookies?set=a=1`)
      return s.get(`${l}/c`)
    },
  ],
]

const REDIRECTS: WireCase[] = [
  ...[300, 301, 302, 303, 304, 305, 307, 308].flatMap((status) =>
    ['GET', 'POST', 'PUT', 'DELETE', 'HEAD'].map(
      (method): WireCase => [
        `redirect: ${status} of ${method}`,
        `S.request('${method}', U + '/redirect?status=${status}&to=/end', data=${method === 'GET' || method === 'HEAD' ? 'None' : "'body'"})`,
        ({ s, u }) =>
          s.request(method, `${u}/redirect?status=${status}&to=/end`, {
            data: method === 'GET' || method === 'HEAD' ? null : 'body',
          }),
      ],
    ),
  ),
  ...[
    '/a/b',
    'c',
    '?q=1',
    '#f',
    '//127.0.0.1:1/x',
    '',
    '../up',
    '/a b',
    '/ü',
    '/%C3%BC',
    'HTTP://nowhere.invalid/',
    'ftp://x/',
    'javascript:x',
    'http://',
    '/a#b',
    'http://[/',
  ].map(
    (to): WireCase => [
      `redirect: to ${to}`,
      `S.get(U + '/redirect', params={'to': ${JSON.stringify(to)}}, allow_redirects=${to.includes('127') ? 'False' : 'True'})`,
      ({ s, u }) => s.get(`${u}/redirect`, { params: { to }, allowRedirects: !to.includes('127') }),
    ],
  ),
  [
    'redirect: the fragment stays',
    "S.get(U + '/redirect?to=/end#part')",
    ({ s, u }) => s.get(`${u}/redirect?to=/end#part`),
  ],
  [
    'redirect: another fragment',
    "S.get(U + '/redirect?to=/end%23new#part')",
    ({ s, u }) => s.get(`${u}/redirect?to=/end%23new#part`),
  ],
  [
    'redirect: not followed',
    "S.post(U + '/redirect?to=/end', data={'a': 1}, allow_redirects=False)",
    ({ s, u }) => s.post(`${u}/redirect?to=/end`, { data: { a: 1 }, allowRedirects: false }),
  ],
  ['redirect: head', "S.head(U + '/redirect?to=/end')", ({ s, u }) => s.head(`${u}/redirect?to=/end`)],
  [
    'redirect: head that follows',
    "S.head(U + '/redirect?to=/end', allow_redirects=True)",
    ({ s, u }) => s.head(`${u}/redirect?to=/end`, { allowRedirects: true }),
  ],
  ['redirect: without a Location', "S.get(U + '/redirect')", ({ s, u }) => s.get(`${u}/redirect`)],
  [
    'redirect: too many',
    "(setattr(S, 'max_redirects', 3), S.get(U + '/loop'))[1]",
    ({ s, u }) => {
      s.maxRedirects = 3
      return s.get(`${u}/loop`)
    },
  ],
  [
    'redirect: none allowed',
    "(setattr(S, 'max_redirects', 0), S.get(U + '/loop'))[1]",
    ({ s, u }) => {
      s.maxRedirects = 0
      return s.get(`${u}/loop`)
    },
  ],
  [
    'redirect: credentials stay with the host',
    "S.get(U + '/redirect?to=/end', auth=('u', 'p'), headers={'X-A': 'b'})",
    ({ s, u }) => s.get(`${u}/redirect?to=/end`, { auth: ['u', 'p'], headers: { 'X-A': 'b' } }),
  ],
  [
    'redirect: credentials do not go to another host',
    "S.get(U + '/redirect', params={'to': L + '/end'}, auth=('u', 'p'), headers={'X-A': 'b'})",
    ({ s, u, l }) => s.get(`${u}/redirect`, { params: { to: `${l}/end` }, auth: ['u', 'p'], headers: { 'X-A': 'b' } }),
  ],
  [
    'redirect: a Cookie header is not kept',
    "S.get(U + '/redirect?to=/end', headers={'Cookie': 'a=1'})",
    ({ s, u }) => s.get(`${u}/redirect?to=/end`, { headers: { Cookie: 'a=1' } }),
  ],
  [
    'redirect: cookies of the call go along',
    "S.get(U + '/redirect?to=/end', cookies={'a': '1'})",
    ({ s, u }) => s.get(`${u}/redirect?to=/end`, { cookies: { a: '1' } }),
  ],
  [
    'redirect: cookies of the call to another host',
    "S.get(U + '/redirect', params={'to': L + '/end'}, cookies={'a': '1'})",
    ({ s, u, l }) => s.get(`${u}/redirect`, { params: { to: `${l}/end` }, cookies: { a: '1' } }),
  ],
  [
    'redirect: a Host header to another host',
    "S.get(U + '/redirect', params={'to': L + '/end'}, headers={'Host': 'own.test'})",
    ({ s, u, l }) => s.get(`${u}/redirect`, { params: { to: `${l}/end` }, headers: { Host: 'own.test' } }),
  ],
  [
    'redirect: params are not sent twice',
    "S.get(U + '/redirect?to=/end', params={'a': 1})",
    ({ s, u }) => s.get(`${u}/redirect?to=/end`, { params: { a: 1 } }),
  ],
  [
    'redirect: json is sent again',
    "S.post(U + '/redirect?status=307&to=/end', json=[1])",
    ({ s, u }) => s.post(`${u}/redirect?status=307&to=/end`, { json: [1] }),
  ],
  [
    'redirect: a generator is not',
    "S.post(U + '/redirect?status=307&to=/end', data=pieces(b'x'))",
    ({ s, u }) => s.post(`${u}/redirect?status=307&to=/end`, { data: pieces('x') }),
  ],
  [
    'redirect: two in a row',
    "S.get(U + '/redirect', params={'to': '/redirect?to=/end', 'status': 301})",
    ({ s, u }) => s.get(`${u}/redirect`, { params: { to: '/redirect?to=/end', status: 301 } }),
  ],
]

const TYPES = [
  '',
  'text/html',
  'text/plain; charset=utf-8',
  'text/plain; charset="UTF-8"',
  "text/plain; charset='utf-8'",
  'text/plain; charset=ISO-8859-1',
  'text/plain;charset=latin1',
  'text/plain; charset=unknown',
  'text/plain; CHARSET=utf-8',
  'TEXT/HTML',
  'application/json',
  'application/xml',
  'application/xhtml+xml; charset=utf-16',
  'text/plain; charset=',
  'image/png',
  'text/plain; charset=windows-1252',
  'text/plain; charset=utf8',
  'text/plain; foo=bar',
  'text/plain; charset=shift_jis',
]
const RESPONSES: WireCase[] = [
  ...TYPES.map(
    (type): WireCase => [
      `text: type ${type}`,
      `S.get(U + '/text', params={'type': ${JSON.stringify(type)}})`,
      ({ s, u }) => s.get(`${u}/text`, { params: { type } }),
    ],
  ),
  [
    'text: latin-1 bytes that are called text',
    "S.get(U + '/text?as=latin1&type=text/plain')",
    ({ s, u }) => s.get(`${u}/text?as=latin1&type=text/plain`),
  ],
  [
    'text: assigned encoding',
    "(lambda r: (setattr(r, 'encoding', 'utf-8'), r.text)[1])(S.get(U + '/text?type=text/plain'))",
    async ({ s, u }) => {
      const r = await s.get(`${u}/text?type=text/plain`)
      r.encoding = 'utf-8'
      return r.text
    },
  ],
  ...[
    '7b2261223a317d',
    'efbbbf7b7d',
    '7b00',
    '5b00310 05d00'.replace(' ', ''),
    'fffe5b0031005d00',
    '005b0031005d',
    '',
    '6e756c6c',
    '4e614e',
    '7b',
    '22c3bc22',
    '22fc22',
    '0000005b000000310000005d',
    '3132',
  ].map(
    (body): WireCase => [
      `json: ${body}`,
      `S.get(U + '/json', params={'hex': '${body}'}).json()`,
      async ({ s, u }) => (await s.get(`${u}/json`, { params: { hex: body } })).json(),
    ],
  ),
  [
    'json: with a charset',
    "S.get(U + '/json', params={'hex': '22fc22', 'type': 'application/json; charset=latin-1'}).json()",
    async ({ s, u }) =>
      (await s.get(`${u}/json`, { params: { hex: '22fc22', type: 'application/json; charset=latin-1' } })).json(),
  ],
  ...[
    'gzip',
    'x-gzip',
    'GZIP',
    'deflate',
    'deflate&raw',
    'identity',
    'unknown',
    'gzip, deflate',
    'gzip&broken',
    'deflate&broken',
    'gzip&short',
  ].map(
    (how): WireCase => [
      `encoded: ${how}`,
      `S.get(U + '/encoded?how=${how}')`,
      ({ s, u }) => s.get(`${u}/encoded?how=${how}`),
    ],
  ),
  ...[200, 201, 204, 299, 304, 400, 404, 418, 499, 500, 503, 599, 600].map(
    (code): WireCase => [
      `status: ${code}`,
      `S.get(U + '/status?code=${code}')`,
      ({ s, u }) => s.get(`${u}/status?code=${code}`),
    ],
  ),
  ...[399, 400, 404, 499, 500, 599, 600].map(
    (code): WireCase => [
      `raise for status: ${code}`,
      `S.get(U + '/status?code=${code}&reason=Why%20not').raise_for_status()`,
      async ({ s, u }) => {
        ;(await s.get(`${u}/status?code=${code}&reason=Why%20not`)).raiseForStatus()
        return null
      },
    ],
  ),
  [
    'links',
    "S.get(U + '/links', params={'link': '<http://a/?page=2>; rel=next; title=\"T, t\", <http://a/?page=9>; rel=\"last\"'})",
    ({ s, u }) =>
      s.get(`${u}/links`, {
        params: { link: '<http://a/?page=2>; rel=next; title="T, t", <http://a/?page=9>; rel="last"' },
      }),
  ],
  ['links: none', "S.get(U + '/links').links", async ({ s, u }) => (await s.get(`${u}/links`)).links],
  [
    'lines',
    "[l.decode() for l in S.get(U + '/chunks', stream=True).iter_lines()]",
    async ({ s, u }) => collect((await s.get(`${u}/chunks`, { stream: true })).iterLines()),
  ],
  [
    'pieces of 4 bytes',
    "[len(c) for c in S.get(U + '/chunks', stream=True).iter_content(4)]",
    async ({ s, u }) => lengths((await s.get(`${u}/chunks`, { stream: true })).iterContent(4)),
  ],
  [
    'pieces of what was read',
    "[len(c) for c in S.get(U + '/chunks').iter_content(7)]",
    async ({ s, u }) => lengths((await s.get(`${u}/chunks`)).iterContent(7)),
  ],
  [
    'a second pass',
    "(lambda r: [list(r.iter_content(4)), list(r.iter_content(4))])(S.get(U + '/chunks', stream=True))",
    async ({ s, u }) => {
      const r = await s.get(`${u}/chunks`, { stream: true })
      await lengths(r.iterContent(4))
      await lengths(r.iterContent(4))
    },
  ],
]

const WIRE: WireCase[] = Object.entries(RAW_ANSWERS).flatMap(([group, answers]) =>
  answers.map(
    ([what, answer]): WireCase => [
      `${group}: ${what}`,
      `S.get(U + '/wire', params={'hex': '${hex(answer)}'})`,
      ({ s, u }) => s.get(`${u}/wire`, { params: { hex: hex(answer) } }),
    ],
  ),
)

const SET: WireCase[] = Object.entries(SET_COOKIES).flatMap(([group, cookies]) =>
  cookies.map((cookie): WireCase => {
    const answer = hex(`HTTP/1.1 200 OK\r\nConnection: close\r\nSet-Cookie: ${cookie}\r\nContent-Length: 0\r\n\r\n`)
    return [
      `${group}: ${cookie.length > 999 ? `${cookie.length} bytes` : JSON.stringify(cookie)}`,
      `[S.get(U + '/wire', params={'hex': '${answer}'}), S.get(U + '/end')][1].status_code`,
      async ({ s, u }) => {
        await s.get(`${u}/wire`, { params: { hex: answer } })
        return (await s.get(`${u}/end`)).statusCode
      },
    ]
  }),
)

const OTHERS: WireCase[] = [
  ['reset', "S.get(U + '/reset')", ({ s, u }) => s.get(`${u}/reset`)],
  ['read timeout', "S.get(U + '/silence', timeout=0.2)", ({ s, u }) => s.get(`${u}/silence`, { timeout: 200 })],
  ['refused', "S.get('http://127.0.0.1:1/')", ({ s }) => s.get('http://127.0.0.1:1/')],
  ['no such name', "S.get('http://nowhere.invalid/')", ({ s }) => s.get('http://nowhere.invalid/')],
  [
    'hooks: seen',
    "(lambda seen: (S.get(U + '/x', hooks={'response': lambda r, **k: seen.append(r.status_code)}), seen)[1])([])",
    async ({ s, u }) => {
      const seen: number[] = []
      await s.get(`${u}/x`, { hooks: { response: (r) => void seen.push(r.statusCode) } })
      return seen
    },
  ],
  [
    'hooks: of redirects too',
    "(lambda seen: (S.get(U + '/redirect?to=/x', hooks={'response': lambda r, **k: seen.append(r.status_code)}), seen)[1])([])",
    async ({ s, u }) => {
      const seen: number[] = []
      await s.get(`${u}/redirect?to=/x`, { hooks: { response: (r) => void seen.push(r.statusCode) } })
      return seen
    },
  ],
  [
    'hooks: those of the call replace those of the session',
    "(lambda seen: (S.hooks['response'].append(lambda r, **k: seen.append('s')), S.get(U + '/x', hooks={'response': lambda r, **k: seen.append('c')}), seen)[2])([])",
    async ({ s, u }) => {
      const seen: string[] = []
      s.hooks = { response: () => void seen.push('s') }
      await s.get(`${u}/x`, { hooks: { response: () => void seen.push('c') } })
      return seen
    },
  ],
  [
    'prepared',
    "(S.headers.update({'X-S': '1'}), S.send(S.prepare_request(requests.Request('PUT', U + '/x', json=[1], params={'a': 1}))))[1]",
    ({ s, u }) => {
      s.headers.set('X-S', '1')
      return s.send(s.prepareRequest(new Request('PUT', `${u}/x`, { json: [1], params: { a: 1 } })))
    },
  ],
  [
    'prepared alone',
    "S.send(requests.Request('POST', U + '/x', data={'a': 1}).prepare())",
    ({ s, u }) => s.send(new Request('POST', `${u}/x`, { data: { a: 1 } }).prepare()),
  ],
  [
    'next is sent',
    "S.send(S.get(U + '/redirect?to=/end', allow_redirects=False).next)",
    async ({ s, u }) => {
      const { next } = await s.get(`${u}/redirect?to=/end`, { allowRedirects: false })
      return next && s.send(next)
    },
  ],
]

export const WIRE_CASES: readonly WireCase[] = [
  ...PARAMS,
  ...URLS,
  ...WRONG_URLS,
  ...METHODS,
  ...WRONG_METHODS,
  ...BODIES,
  ...FILES,
  ...HEADERS,
  ...AUTH,
  ...COOKIES,
  ...REDIRECTS,
  ...RESPONSES,
  ...WIRE,
  ...SET,
  ...OTHERS,
]
