/** I5: no error shows a credential, whatever is done with it. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { after, test } from 'node:test'
import { inspect } from 'node:util'
import { get, HTTPBasicAuth, post, Request, RequestException, type RequestOptions, Session } from '../../src/index.ts'
import { selfSigned } from '../helpers/pki.ts'
import { type Echo, type Handler, startHttpServer, startHttpsServer } from '../helpers/servers.ts'

const SECRET = 'hunter2hunter2'
/** As it stands in an Authorization header. */
const ENCODED = Buffer.from(`ada:${SECRET}`).toString('base64')

const wire =
  (text: string): Handler =>
  ({ socket }) =>
    socket.end(text)

const paths: Record<string, Handler> = {
  '/status': (_request, response) => void response.writeHead(500).end(),
  '/closes': ({ socket }) => socket.end(),
  '/resets': ({ socket }) => socket.destroy(),
  '/garbage': wire('garbage\r\n\r\n'),
  '/lengths': wire('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx'),
  '/short': wire('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort'),
  '/chunk': wire('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nx\r\n'),
  '/gzip': wire('HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 8\r\n\r\nnot gzip'),
  '/silent': () => {},
  '/stall': (_request, response) => void response.write('the beginning'),
  '/html': (_request, response) => void response.end('<html>'),
  '/loop': (_request, response) => void response.writeHead(302, { Location: '/loop' }).end(),
  '/again': (_request, response) => void response.writeHead(307, { Location: '/again' }).end(),
  '/ftp': (_request, response) => void response.writeHead(302, { Location: `ftp://ada:${SECRET}@host/` }).end(),
  '/bad': (_request, response) => void response.writeHead(302, { Location: `http://ada:${SECRET}@ho st/` }).end(),
  '/late': wire('HTTP/1.1 200 OK\r\nSet-Cookie: session=hunter2hunter2\r\nContent-Length: 10\r\n\r\nshort'),
}

const handler: Handler = (request, response) => paths[request.url ?? '']?.(request, response)
const plain = await startHttpServer({ handler })
const certificate = selfSigned({ hosts: ['127.0.0.1'] })
const secure = await startHttpsServer({ key: certificate.key, cert: certificate.certificate, handler })
const refused = await startHttpServer()
await refused.close()
after(() => Promise.all([plain.close(), secure.close()]))

const auth = ['ada', SECRET] as const
/** The ways in which a user may give a secret. */
const WAYS: [title: string, user: string, options: RequestOptions][] = [
  ['in the URL', `ada:${SECRET}@`, {}],
  ['as auth', '', { auth }],
  ['as an Auth', '', { auth: new HTTPBasicAuth('ada', SECRET) }],
  [
    'as headers',
    '',
    { headers: { Authorization: `Bearer ${SECRET}`, Cookie: `c=${SECRET}`, 'Proxy-Authorization': SECRET } },
  ],
  ['as cookies', '', { cookies: { c: SECRET } }],
]

const streamed = (): Readable => Readable.from(['x'])

/** Under load the handshake may take the whole of the limit. */
const LATE = /^(?:Connect|Read)Timeout$/

/** What to ask for, what with, and the names of the errors that this may be. */
const FAILURES: [rest: string, options: RequestOptions, names: RegExp][] = [
  [`${plain.port}/status`, {}, /HTTPError/],
  [`${plain.port}/closes`, {}, /ConnectionError/],
  [`${plain.port}/resets`, {}, /ConnectionError/],
  [`${plain.port}/garbage`, {}, /ConnectionError/],
  [`${plain.port}/lengths`, {}, /InvalidHeader/],
  [`${plain.port}/short`, {}, /ChunkedEncodingError/],
  [`${plain.port}/chunk`, {}, /ChunkedEncodingError/],
  [`${plain.port}/gzip`, {}, /ContentDecodingError/],
  [`${plain.port}/late`, {}, /ChunkedEncodingError/],
  [`${plain.port}/silent`, { timeout: 40 }, LATE],
  [`${plain.port}/stall`, { timeout: 40 }, LATE],
  [`${plain.port}/silent`, { timeout: { total: 40 } }, /Timeout/],
  [`${plain.port}/stall`, { maxResponseSize: 2 }, /RequestException/],
  [`${plain.port}/html`, {}, /JSONDecodeError/],
  [`${plain.port}/loop`, {}, /TooManyRedirects/],
  [`${plain.port}/again`, { data: streamed() }, /UnrewindableBodyError/],
  [`${plain.port}/ftp`, {}, /InvalidSchema/],
  [`${plain.port}/bad`, {}, /InvalidURL/],
  [`${plain.port}/silent`, { data: failing() }, /./],
  [`${plain.port}/`, { json: Number.NaN }, /InvalidJSONError/],
  [`${plain.port}/`, { headers: { 'X-Key': `${SECRET}\n` } }, /InvalidHeader/],
  [`${plain.port}/`, { headers: { [`X-Key: ${SECRET}`]: 'x' } }, /InvalidHeader/],
  [`${plain.port}/`, { auth: ['ada', `${SECRET}\n`] }, /InvalidHeader/],
  [`${plain.port}/`, { auth: [`ada:${SECRET}`, SECRET] }, /InvalidHeader/],
  [`${plain.port}/`, { auth: `ada:${SECRET}` as never }, /TypeError/],
  [`${plain.port}/`, { cookies: { c: `${SECRET};` } }, /TypeError/],
  [`${plain.port}/`, { headers: [SECRET] as never }, /TypeError/],
  [`${plain.port}/`, { timeout: { toString: () => SECRET } as never }, /TypeError/],
  [`${refused.port}/`, {}, /ConnectionError/],
  ['bad-port/', {}, /InvalidURL/],
  ['99999/', {}, /InvalidURL/],
]

async function* failing(): AsyncGenerator<Uint8Array, void, undefined> {
  yield Buffer.from('x')
  throw new RangeError('the disk is full')
}

function assertSilent(error: unknown, title: string): void {
  const said = [
    inspect(error, { depth: 10 }),
    inspect(error, { depth: 10, getters: true }),
    JSON.stringify(error),
    String(error),
    (error as Error).message,
    (error as Error).stack ?? '',
  ]
  for (const text of said) {
    for (const secret of [SECRET, ENCODED]) assert.ok(!text?.includes(secret), `${title} shows the secret: ${text}`)
  }
}

for (const [way, user, secrets] of WAYS) {
  test(`no error shows a secret that was given ${way}`, async () => {
    for (const scheme of ['http', 'https']) {
      for (const [rest, options, names] of FAILURES) {
        // Each try has a stream of its own.
        const data = options.data instanceof Readable ? streamed() : options.data && failing()
        const url = `${scheme}://${user}127.0.0.1:${scheme === 'https' ? rest.replace(String(plain.port), String(secure.port)) : rest}`
        const all: RequestOptions = {
          ...secrets,
          verify: certificate.certificate,
          ...options,
          ...(data ? { data } : {}),
        }
        const title = `${url} ${Object.keys(options)}`
        await using session = new Session({ maxRedirects: 2 })
        const error: unknown = await session.request(data ? 'POST' : 'GET', url, all).then(
          (response) => caught(() => response.raiseForStatus().json()),
          (error) => error,
        )
        assert.ok(error instanceof Error, title)
        assert.match(error.name, names, title)
        assertSilent(error, title)
      }
      await using session = new Session()
      for (const url of [
        `${scheme}://${user}127.0.0.1:${plain.port === 0 ? 1 : secure.port}/`,
        `//${user}x/`,
        `ftp://${user}x/`,
      ]) {
        const error = await session.get(url, secrets).catch((error: unknown) => error)
        assert.ok(error instanceof RequestException, url)
        assertSilent(error, url)
      }
    }
  })
}

test('a session that was closed, a signal that was aborted and a refused certificate tell nothing either', async () => {
  await using session = new Session({ auth, cookies: { c: SECRET } })
  const waiting = session.get(`${plain.url127}/silent`).catch((error: unknown) => error)
  setTimeout(() => void session.close(), 40)
  assertSilent(await waiting, 'close()')
  const signal = AbortSignal.timeout(40)
  assertSilent(await session.get(`${plain.url127}/silent`, { signal }).catch((error: unknown) => error), 'abort')
  assertSilent(await session.get(secure.url127).catch((error: unknown) => error), 'self-signed')
})

function caught(action: () => unknown): unknown {
  try {
    return action()
  } catch (error) {
    return error
  }
}

test('what is printed of a session or a request has no secret in it', () => {
  const secrets = {
    auth: ['ada', 'hunter2'] as const,
    headers: { Authorization: 'hunter2' },
    cookies: { id: 'hunter2' },
  }
  const cert = { cert: 'client.crt', passphrase: 'hunter2' }
  const session = new Session({ ...secrets, cert, proxies: { https: 'http://ada:hunter2@proxy' } })
  const request = new Request('GET', 'https://ada:hunter2@example.com/', secrets)
  for (const value of [session, request, session.prepareRequest(request)]) {
    const texts = [inspect(value, { depth: 10, showHidden: true }), inspect({ value }), String(value)]
    for (const text of texts) assert.doesNotMatch(text, /hunter2|aHVudGVyMg/, text)
  }
  assert.doesNotMatch(JSON.stringify({ session }), /hunter2/)
})

test('a URL whose scheme was forgotten is refused without its password', async () => {
  for (const url of ['ada:hunter2@127.0.0.1:1/', 'ada:hunter2@example.com']) {
    await assert.rejects(get(url), (error: Error) => !/hunter2/.test(inspect(error)))
  }
})

test('cookies of a call or a session do not go from https to http of the same host', async () => {
  const { certificate, key } = selfSigned({ hosts: ['127.0.0.1'] })
  await using plain = await startHttpServer()
  await using secure = await startHttpsServer({
    cert: certificate,
    key,
    handler: (_request, response) => response.writeHead(302, { location: plain.url127 }).end(),
  })
  await using session = new Session({ verify: certificate, cookies: { of: 'hunter2' } })
  const { headers } = (await session.get(secure.url127, { cookies: { id: 'hunter2' } })).json<Echo>()
  assert.equal(headers.cookie, undefined)
})

test('what is made into JSON shows no credentials', async () => {
  await using server = await startHttpServer()
  const url = server.url127.replace('//', `//ada:${SECRET}@`)
  const parts = { auth: ['ada', SECRET], headers: { 'X-Api-Key': SECRET }, data: SECRET } as const
  const request = new Request('POST', url, parts)
  const response = await post(url, parts)
  for (const each of [request, request.prepare(), response, response.request]) {
    assert.doesNotMatch(JSON.stringify(each), new RegExp(SECRET))
    assert.match(JSON.stringify(each), /127\.0\.0\.1/)
  }
})
