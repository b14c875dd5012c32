import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { after, test } from 'node:test'
import { inspect } from 'node:util'
import {
  type Adapter,
  get,
  HTTPError,
  JSONDecodeError,
  PreparedRequest,
  type Response,
  Session,
  StreamConsumedError,
} from '../../src/index.ts'
import { startHttpServer } from '../helpers/servers.ts'

/** A response with this status line, these headers and this body, from a real server. */
const server = await startHttpServer({
  handler: (request, response) => {
    const { status = 200, reason, headers = {}, body = '' } = answers.get(request.url ?? '') ?? {}
    response.writeHead(status, reason, headers)
    response.end(body)
  },
})
const session = new Session()
after(async () => {
  await session.close()
  await server.close()
})

interface Answer {
  status?: number
  reason?: string
  headers?: Record<string, string | string[]>
  body?: string | Buffer
}

const answers = new Map<string, Answer>()

function respond(answer: Answer): Promise<Response> {
  const path = `/${answers.size}`
  answers.set(path, answer)
  return session.get(`${server.url127}${path}`, { allowRedirects: false })
}

const typed = (type: string | undefined, body: string | Buffer = ''): Promise<Response> =>
  respond({ headers: type === undefined ? {} : { 'Content-Type': type }, body })

test('a response has status, reason, URL, headers, request and time', async () => {
  const response = await respond({ status: 201, reason: 'Made It', headers: { 'X-One': ['1', '2'] }, body: 'hello' })
  assert.equal(response.statusCode, 201)
  assert.equal(response.reason, 'Made It')
  assert.equal(response.ok, true)
  assert.equal(response.url, response.request.url)
  assert.ok(response.headers instanceof Headers)
  assert.equal(response.headers.get('x-ONE'), '1, 2')
  assert.equal(response.headers.get('x-two'), null)
  assert.ok(response.request instanceof PreparedRequest)
  assert.ok(response.elapsed > 0 && response.elapsed < 10_000)
  assert.deepEqual(response.content, Buffer.from('hello'))
  assert.ok(response.raw instanceof Readable)
  assert.deepEqual(response.history, [])
  assert.equal(response.next, null)
  assert.equal(response.tls, null)
})

test('console.log of a response shows its status and URL, and nothing of what is inside', async () => {
  const response = await session.get(server.url127, { auth: ['ada', 'hunter2'], headers: { Cookie: 'a=hunter2' } })
  assert.equal(inspect(response, { depth: 10 }), `Response [200] ${server.url127}/`)
})

const REDIRECTS: [status: number, location: string | undefined, redirect: boolean, permanent: boolean][] = [
  [301, '/x', true, true],
  [302, '/x', true, false],
  [303, '/x', true, false],
  [307, '/x', true, false],
  [308, '/x', true, true],
  [308, undefined, false, false],
  // It leads nowhere, but requests calls it one.
  [302, '', true, false],
  [300, '/x', false, false],
  [304, '/x', false, false],
  [305, '/x', false, false],
  [200, '/x', false, false],
]

for (const [status, location, redirect, permanent] of REDIRECTS) {
  test(`${status} with Location ${location} is ${redirect ? 'a' : 'no'} redirect`, async () => {
    const response = await respond({ status, headers: location === undefined ? {} : { Location: location } })
    assert.equal(response.isRedirect, redirect)
    assert.equal(response.isPermanentRedirect, permanent)
    assert.equal(response.next?.url, redirect && location ? `${server.url127}${location}` : undefined)
  })
}

test('raiseForStatus returns the response below 400', async () => {
  const response = await respond({ status: 399 })
  assert.equal(response.raiseForStatus(), response)
})

const STATUSES: [status: number, reason: string, message: string][] = [
  [404, 'Not Found', '404 Client Error: Not Found for url: '],
  [499, 'Gone Off', '499 Client Error: Gone Off for url: '],
  [500, 'Außer Betrieb', '500 Server Error: Außer Betrieb for url: '],
  [503, 'Busy', '503 Server Error: Busy for url: '],
]

for (const [status, reason, message] of STATUSES) {
  test(`raiseForStatus says "${message}" with the response at hand`, async () => {
    const response = await respond({ status, reason, body: 'sorry' })
    assert.equal(response.ok, false)
    assert.throws(
      () => response.raiseForStatus(),
      (error) => {
        assert.ok(error instanceof HTTPError)
        assert.equal(error.message, `${message}${response.url}`)
        assert.equal(error.response, response)
        assert.equal(error.request, response.request)
        assert.equal(error.response?.text, 'sorry')
        return true
      },
    )
  })
}

// requests' get_encoding_from_headers, and what follows for the bytes E9 (é in latin-1).
const ENCODINGS: [type: string | undefined, encoding: string | null, body: string | Buffer, text: string][] = [
  ['text/html; charset=utf-8', 'utf-8', 'é', 'é'],
  ['text/html; charset="UTF-8"', 'UTF-8', 'é', 'é'],
  ["text/html; charset='utf-8'", 'utf-8', 'é', 'é'],
  ['text/html; x=1;CHARSET = utf-8', 'utf-8', 'é', 'é'],
  ['text/plain', 'ISO-8859-1', Buffer.from([0xe9, 0x80]), 'é\x80'],
  ['text/plain; charset=latin-1', 'latin-1', Buffer.from([0xe9]), 'é'],
  ['text/plain; charset=windows-1252', 'windows-1252', Buffer.from([0x80]), '€'],
  ['text/plain; charset=shift_jis', 'shift_jis', Buffer.from([0x93, 0xfa]), '日'],
  ['TEXT/HTML', null, 'é', 'é'],
  ['application/json', 'utf-8', 'é', 'é'],
  ['application/hal+json', null, 'é', 'é'],
  ['application/octet-stream; name="text.bin"', null, 'é', 'é'],
  [undefined, null, 'naïve', 'naïve'],
  ['text/plain; charset=no-such-charset', 'no-such-charset', 'é', 'é'],
  ['text/plain; charset=utf-8', 'utf-8', Buffer.from([0xff, 0x61]), '\ufffda'],
  ['image/png', null, '', ''],
]

for (const [type, encoding, body, text] of ENCODINGS) {
  test(`Content-Type ${type} means the encoding ${encoding}`, async () => {
    const response = await typed(type, body)
    assert.equal(response.encoding, encoding)
    assert.equal(response.text, text)
  })
}

test('without a charset the text is decoded by what the bytes look like', async () => {
  const russian = Buffer.from(
    'cff0e8e2e5f22c20eae0ea20e4e5ebe03f20cee1fae5eaf220f0f3f1f1eae8e92c20f2e5f1f220eaeee4e8f0eee2eae82e',
    'hex',
  )
  const response = await typed('application/octet-stream', russian)
  assert.equal(response.apparentEncoding, 'windows-1251')
  assert.match(response.text, /^Привет/)
})

test('an assigned encoding decodes again, and null asks the bytes', async () => {
  const response = await typed('text/plain', 'é')
  assert.equal(response.text, 'Ã©')
  response.encoding = 'utf-8'
  assert.equal(response.text, 'é')
  response.encoding = 'latin1'
  assert.equal(response.text, 'Ã©')
  response.encoding = null
  assert.equal(response.text, 'é')
})

const utf16be = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16()
const utf32 = (text: string, write: 'writeUInt32LE' | 'writeUInt32BE'): Buffer =>
  Buffer.concat(
    Array.from(text, (character) => {
      const bytes = Buffer.alloc(4)
      bytes[write](character.codePointAt(0) ?? 0)
      return bytes
    }),
  )

const JSON_TEXT = '{"é":"😀"}'
const JSON_BODIES: [title: string, type: string | undefined, body: string | Buffer][] = [
  ['UTF-8', undefined, JSON_TEXT],
  ['UTF-8 as text without a charset', 'text/html', JSON_TEXT],
  ['UTF-8 with a byte order mark', 'application/json', `\ufeff${JSON_TEXT}`],
  ['UTF-8 with a byte order mark and a charset', 'application/json; charset=utf-8', `\ufeff${JSON_TEXT}`],
  ['UTF-16LE', 'application/json', Buffer.from(JSON_TEXT, 'utf16le')],
  ['UTF-16LE with a byte order mark', 'application/json', Buffer.from(`\ufeff${JSON_TEXT}`, 'utf16le')],
  ['UTF-16BE', 'application/json', utf16be(JSON_TEXT)],
  ['UTF-16BE with a byte order mark', 'application/json', utf16be(`\ufeff${JSON_TEXT}`)],
  ['UTF-32LE', 'application/json', utf32(JSON_TEXT, 'writeUInt32LE')],
  ['UTF-32BE', 'application/json', utf32(JSON_TEXT, 'writeUInt32BE')],
  ['UTF-32LE with a byte order mark', 'application/json', utf32(`\ufeff${JSON_TEXT}`, 'writeUInt32LE')],
  ['UTF-32BE with a byte order mark', 'application/json', utf32(`\ufeff${JSON_TEXT}`, 'writeUInt32BE')],
]

for (const [title, type, body] of JSON_BODIES) {
  test(`json() reads ${title}, whether or not the text was looked at before`, async () => {
    const response = await typed(type, body)
    assert.deepEqual(response.json(), { é: '😀' })
    assert.equal(typeof response.text, 'string')
    assert.deepEqual(response.json(), { é: '😀' })
  })
}

test('json() follows a charset that the server names or the user assigns', async () => {
  assert.equal((await typed('application/json; charset=iso-8859-1', Buffer.from('"\xe9"', 'latin1'))).json(), 'é')
  const response = await typed('application/json', Buffer.from('"\xe9"', 'latin1'))
  response.encoding = 'iso-8859-1'
  assert.equal(response.json(), 'é')
})

for (const body of ['', '<html>', '{"a":', 'NaN']) {
  test(`json() of ${JSON.stringify(body)} is a JSONDecodeError`, async () => {
    const response = await typed('application/json', body)
    assert.throws(
      () => response.json(),
      (error) => {
        assert.ok(error instanceof JSONDecodeError)
        assert.equal(error.response, response)
        assert.ok(error.cause instanceof SyntaxError)
        assert.match(error.message, /is not JSON: /)
        return true
      },
    )
  })
}

test('links are found by relation, or by URL without one', async () => {
  const link = ['<https://a.test/2>; rel="next"; title="Two"', '</plain>; type="x"']
  const { links } = await respond({ headers: { Link: link } })
  assert.deepEqual(
    { ...links },
    {
      next: { url: 'https://a.test/2', rel: 'next', title: 'Two' },
      '/plain': { url: '/plain', type: 'x' },
    },
  )
})

const LINKS: [what: string, header: string, links: Record<string, string>][] = [
  ['garbage before and behind', 'garbage, <https://a.test/2>; rel=next, garbage', { next: 'https://a.test/2' }],
  ['garbage in the first of two', '<a> junk; rel=prev, <b>; rel="next"', { next: 'b' }],
  ['single quotes', "<a>; rel='next', <b='c'>; rel = 'prev'", { next: 'a', prev: "b='c'" }],
  ['a comma and a link in quotes', '<a>; title="x, <y>; rel=\'z\'"; rel=next', { next: 'a' }],
  ['two relations', '<a>; rel="next last"', { next: 'a', last: 'a' }],
  ['a URL that does not end', '<a; rel=prev, <b>; rel=next', { next: 'b' }],
]

for (const [what, header, expected] of LINKS) {
  test(`a Link header with ${what} has the links that make sense`, async () => {
    const { links } = await respond({ headers: { Link: header } })
    assert.deepEqual(Object.fromEntries(Object.entries(links).map(([rel, { url }]) => [rel, url])), expected)
  })
}

for (const link of ['garbage', '<unclosed; rel=next', '', ';;,', '<a>; rel']) {
  test(`a Link header of ${JSON.stringify(link)} is no reason to fail`, async () => {
    const { links } = await respond({ headers: { Link: link } })
    assert.equal(typeof links, 'object')
  })
}

test('an adapter of the user may answer with strings and plain bytes', async () => {
  using other = new Session()
  const adapter: Adapter = {
    send: async () => ({
      statusCode: 200,
      reason: '',
      rawHeaders: ['Content-Type', 'text/plain; charset=utf-8'],
      body: Readable.from(['é', new Uint8Array([0x21])]),
      tls: null,
    }),
    close() {},
  }
  other.mount('http://', adapter)
  const response = await other.get('http://adapter.test/')
  assert.equal(response.text, 'é!')
  assert.ok(Buffer.isBuffer(response.content))
})

test('content of a streamed response says how to read it', async () => {
  const response = await session.get(server.url127, { stream: true })
  assert.throws(() => response.content, StreamConsumedError)
  assert.throws(() => response.text, /await response\.read\(\)/)
  assert.equal((await response.read()).length, 0)
  assert.equal(response.text, '')
})

test('utf-16 is read by its byte-order mark', async () => {
  for (const bytes of [Buffer.from('feff00680069', 'hex'), Buffer.from('fffe68006900', 'hex')]) {
    await using server = await startHttpServer({
      handler: (_request, response) =>
        response.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-16' }).end(bytes),
    })
    assert.equal((await get(server.url127)).text, 'hi')
  }
})

test('lines without a charset are UTF-8, and a link is text whatever its form', async () => {
  const event = await respond({ headers: { 'Content-Type': 'text/event-stream' }, body: 'data: hé\n' })
  assert.deepEqual(await Readable.from(event.iterLines()).toArray(), ['data: hé'])
  const latin = await respond({ headers: { 'Content-Type': 'text/plain; charset=latin1' }, body: Buffer.from([0xe9]) })
  assert.deepEqual(await Readable.from(latin.iterLines()).toArray(), ['é'])
  const { links } = await respond({ headers: { Link: "<u>; rel=next; title*=UTF-8''x%20y" } })
  assert.equal(JSON.stringify(links), '{"next":{"rel":"next","title*":"x y","url":"u"}}')
  // In a time that grows no faster than the header.
  for (const flood of [`${'<>\\"'.repeat(60_000)}`, `<a>;${' '.repeat(180_000)}x`]) {
    assert.deepEqual({ ...(await respond({ headers: { Link: flood } })).links }, {})
  }
})
