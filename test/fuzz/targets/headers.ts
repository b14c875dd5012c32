/** Headers that go out, and what is read from those that come in. */
import assert from 'node:assert/strict'
import { validateHeaderName, validateHeaderValue } from 'node:http'
import { Readable } from 'node:stream'
import fc from 'fast-check'
import { parseChallenges } from '../../../src/auth/challenge.ts'
import { HTTPDigestAuth } from '../../../src/auth/digest.ts'
import { CookieJar } from '../../../src/http/cookies.ts'
import { HeaderMap, type HeadersInit } from '../../../src/http/headers.ts'
import { Request, Response } from '../../../src/index.ts'
import { latin1, textOf } from '../arbitraries.ts'
import { FOUND_LINKS } from '../found.ts'
import { attempt, type Target, target } from '../harness.ts'

const names = fc.oneof(fc.constantFrom('X-A', 'x-a', 'Cookie', 'Host', 'a:b', 'a b', '', 'é'), fc.string())
const values = textOf(['a', ' ', '\t', '\r\nX-B: 1', '\n', '\0', '\x7f', 'é', '€', '\ud800'], fc.string())

const sent = target('headers of a request', fc.array(fc.tuple(names, values), { maxLength: 5 }), (pairs) => {
  const headers = attempt(() => HeaderMap.from(pairs))
  if (headers === undefined) return
  assert.deepEqual([...headers].map(([, value]) => value).sort(), pairs.map(([, value]) => value).sort())
  for (const [name, value] of headers) {
    validateHeaderName(name)
    validateHeaderValue(name, value)
    // Nothing that would begin another header, or become another character in transit.
    assert(/^[\t\x20-\x7e\x80-\xff]*$/.test(value))
  }
})

const shapes = target('headers of any shape', fc.anything(), (init) => {
  attempt(() => HeaderMap.from(init as HeadersInit))
  attempt(() => CookieJar.from(init as Record<string, string>))
})

const COOKIES = [
  ...['a=1', 'b=', '=c', ';', '; ', 'Domain=', 'a.test', '.test', 'Path=', '/x', 'Secure', 'HttpOnly', 'Expires='],
  ...[
    'Max-Age=',
    '0',
    '-1',
    '1e9',
    'Thu, 01 Jan 1970 00:00:00 GMT',
    '__Host-',
    '__Secure-',
    '"',
    '\t',
    '%00',
    'é',
    ',',
  ],
]

const cookies = target('cookies that servers set', fc.array(textOf(COOKIES), { maxLength: 4 }), (lines) => {
  const jar = new CookieJar()
  const home = new URL('https://sub.a.test/x/y')
  jar.store(lines, home)
  for (const url of ['https://b.test/', 'https://sub.a.test.b.test/', 'https://xsub.a.test/', 'https://test/']) {
    const stranger = jar.headerFor(new URL(url), true)
    // A cookie may be for all of a.test, if the server says so.
    assert(stranger === undefined || (url.endsWith('.a.test/') && /domain/i.test(lines.join())), `${url}: ${stranger}`)
  }
  for (const url of [home, new URL('http://sub.a.test/')]) {
    const value = jar.headerFor(url, true)
    if (value !== undefined) new HeaderMap().set('Cookie', value)
  }
})

const CHALLENGES = [
  ...['Digest ', 'Basic ', 'digest', ', ', ',', '=', '"', '\\"', 'realm="a, b"', 'nonce="x"', 'nonce=', 'qop="auth"'],
  ...[
    'qop=auth-int',
    'algorithm=MD5-sess',
    'algorithm=SHA-256',
    'opaque="o"',
    'userhash=true',
    'charset=UTF-8',
    'YWJj==',
  ],
]

const challenges = target('challenges', fc.array(textOf(CHALLENGES), { maxLength: 3 }), (lines) => {
  for (const { scheme, params } of parseChallenges(lines)) {
    assert(lines.some((line) => line.toLowerCase().includes(scheme)))
    for (const name of params.keys()) assert(lines.some((line) => line.toLowerCase().includes(name)))
  }
  const headers = new HeaderMap()
  const request = { method: 'GET', target: new URL('https://a.test/x?y'), headers }
  const answered = new HTTPDigestAuth('ada', 'a secret').answer(request, lines)
  assert.equal(headers.has('Authorization'), answered)
  assert(!headers.get('Authorization')?.includes('a secret'))
})

function respond(...rawHeaders: string[]): Response {
  const answer = { statusCode: 200, reason: '', rawHeaders, body: Readable.from([]), tls: null }
  return new Response(answer, new Request('GET', 'https://a.test/').prepare(), 0, undefined)
}

const LINKS = ['<', '>', '<https://a.test/2>', '; ', ';', ', ', ',', 'rel=', '"', "'", 'next', '"next last"', 'title*=']
const linkItem = fc.record({
  url: fc.webUrl({ withQueryParameters: true }),
  rel: fc.constantFrom('next', 'prev', 'last', 'first'),
  quote: fc.constantFrom('', '"', "'"),
})

const links = target(
  'Link headers',
  fc.record({
    before: textOf([...LINKS, "UTF-8''x", '=', '\\']),
    items: fc.array(linkItem, { maxLength: 3 }),
    after: textOf(LINKS),
  }),
  ({ before, items, after }) => {
    const text = items.map(({ url, rel, quote }) => `<${url}>; rel=${quote}${rel}${quote}`).join(', ')
    const found = respond('Link', `${before}, ${text}`, 'Link', after).links
    for (const { url } of Object.values(found)) assert.equal(typeof url, 'string')
    // Where garbage does not open something that it leaves open, it takes nothing along.
    if (/[<"'\\]/.test(before) || /[<"'\\]/.test(after)) return
    const last = new Map(items.map(({ url, rel }) => [rel as string, url]))
    for (const [rel, url] of last) assert.equal(found[rel]?.url, url)
  },
  FOUND_LINKS,
)

const received = target(
  'headers of a response',
  fc.array(fc.tuple(fc.constantFrom('Set-Cookie', 'Link', 'Content-Type', 'Location', 'X-A', 'x~!'), latin1)),
  (pairs) => {
    const response = respond(...pairs.flat())
    for (const [name] of pairs) assert(response.headers.has(name))
    assert([...response.cookies].length <= pairs.length)
    assert.equal(typeof response.encoding === 'string' || response.encoding === null, true)
    assert.equal(typeof response.links, 'object')
  },
)

export const HEADERS: readonly Target[] = [sent, shapes, cookies, challenges, links, received]
