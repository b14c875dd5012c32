/** `fetch`: the trust and the settings of its session, its errors, and what it refuses. */

import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import vouch, {
  type Adapter,
  CABundleError,
  ConnectionError,
  fetch,
  HTTPDigestAuth,
  InvalidSchema,
  Session,
  SSLError,
  Timeout,
  TooManyRedirects,
  UnrewindableBodyError,
} from '../../src/index.ts'
import { PASSWORD, startDigestServer, USER } from '../helpers/digest.ts'
import { withEnv } from '../helpers/environment.ts'
import { moduleUrl } from '../helpers/modules.ts'
import { createAuthority } from '../helpers/pki.ts'
import { outputOfScript } from '../helpers/processes.ts'
import { startProxy } from '../helpers/proxy.ts'
import { type Echo, echo, startHttpServer, startHttpsServer } from '../helpers/servers.ts'
import { tempDir } from '../helpers/temp.ts'

const authority = createAuthority()
const issued = authority.issue()
const dir = tempDir()
const bundle = dir.write('company.pem', authority.certificate)
const otherBundle = dir.write('other.pem', createAuthority().certificate)
const server = await startHttpsServer({ cert: issued.chain, key: issued.key })
const plain = await startHttpServer()
/** Sends cookies, and redirects `/to?location=…`. */
const cookies = await startHttpServer({
  handler: (request, response) => {
    const location = new URL(request.url ?? '', 'http://host').searchParams.get('location')
    response.setHeader('set-cookie', 'server=1')
    if (location === null) return echo(request, response)
    request.resume()
    return response.writeHead(302, { location }).end()
  },
})
after(async () => {
  for (const each of [server, plain, cookies]) await each.close()
  dir[Symbol.dispose]()
})

const json = async (response: globalThis.Response): Promise<Echo> => (await response.json()) as Echo

/** The error of a fetch that fails. */
async function failure(promise: Promise<unknown>): Promise<TypeError & { readonly cause: unknown }> {
  const error: unknown = await promise.then(
    () => assert.fail('it should have failed'),
    (reason) => reason,
  )
  assert.ok(error instanceof TypeError, String(error))
  return error as TypeError & { readonly cause: unknown }
}

test('a server of a private CA is trusted by the session’s fetch, also when that is taken off its session', async () => {
  await using session = new Session({ verify: bundle })
  const { fetch: trusted } = session
  const response = await trusted(`${server.url}/path`)
  assert.equal(response.status, 200)
  assert.equal((await json(response)).url, '/path')
  assert.equal(trusted, session.fetch)
})

test('a server that is not trusted is a TypeError with the SSLError as its cause, and with its summary in the message', async () => {
  await using session = new Session({ verify: otherBundle })
  for (const untrusted of [fetch, session.fetch]) {
    const before = server.requests
    const error = await failure(untrusted(server.url))
    assert.ok(error.cause instanceof SSLError)
    assert.equal(error.message, `fetch failed: ${error.cause.summary}`)
    assert.match(
      error.message,
      /^fetch failed: certificate verify failed: unable to get local issuer certificate \(localhost:\d+\)$/,
    )
    assert.equal(error.cause.reason, 'unknown-ca')
    assert.equal(error.cause.request?.url, `${server.url}/`)
    assert.equal(server.requests, before)
  }
})

test('the environment’s bundle applies to fetch, with and without a session', async () => {
  await withEnv({ REQUESTS_CA_BUNDLE: bundle }, async () => {
    await using session = new Session()
    for (const trusted of [fetch, session.fetch]) assert.equal((await trusted(server.url)).status, 200)
  })
  await withEnv({ REQUESTS_CA_BUNDLE: dir.join('missing.pem') }, async () => {
    const error = await failure(fetch(server.url))
    assert.ok(error.cause instanceof CABundleError)
    assert.ok(error.message.endsWith(error.cause.summary))
  })
})

test('fetch is exported, a member of the default export, and looks like the global one', () => {
  assert.equal(vouch.fetch, fetch)
  for (const each of [fetch, new Session().fetch]) {
    assert.equal(each.name, 'fetch')
    assert.equal(each.length, globalThis.fetch.length)
  }
})

test('the client certificate of the session is presented, and stays behind when a redirect leads to another origin', async () => {
  const client = authority.issue({ hosts: [], commonName: 'ada', extendedKeyUsage: ['clientAuth'] })
  const seen: (string | undefined)[] = []
  const asking = (location?: string) =>
    startHttpsServer({
      cert: issued.chain,
      key: issued.key,
      ca: authority.certificate,
      requestCert: true,
      rejectUnauthorized: false,
      handler: (request, response) => {
        seen.push((request.socket as TLSSocket).getPeerCertificate()?.fingerprint256)
        if (location) response.writeHead(302, { location })
        response.end()
      },
    })
  await using end = await asking()
  await using start = await asking(end.url)
  await using session = new Session({ verify: bundle, cert: { cert: client.chain, key: client.key } })
  const response = await session.fetch(start.url)
  assert.equal(response.url, `${end.url}/`)
  assert.deepEqual(
    seen.map((fingerprint) => fingerprint !== undefined),
    [true, false],
  )
})

test('headers and params of the session apply, the call’s headers over them, and the URL stays as the standard writes it', async () => {
  await using session = new Session({ headers: { 'X-Team': 'blue', Accept: 'text/plain' }, params: { key: 'a b' } })
  const seen = await json(await session.fetch(`${plain.url127}/p?q=|^`, { headers: { accept: 'application/json' } }))
  assert.equal(seen.url, '/p?q=|^&key=a+b')
  assert.equal(seen.headers['x-team'], 'blue')
  assert.equal(seen.headers.accept, 'application/json')
})

test('auth of the session and netrc apply to requests that have no Authorization', async () => {
  await using session = new Session({ auth: ['ada', 'secret'] })
  const authorization = async (each: typeof fetch, headers?: Record<string, string>) =>
    (await json(await each(plain.url127, headers === undefined ? {} : { headers }))).headers.authorization
  assert.equal(await authorization(session.fetch), `Basic ${btoa('ada:secret')}`)
  assert.equal(await authorization(session.fetch, { authorization: 'Bearer mine' }), 'Bearer mine')
  const netrc = dir.write('netrc', 'machine 127.0.0.1 login bob password hidden', 0o600)
  await withEnv({ NETRC: netrc }, async () => {
    assert.equal(await authorization(fetch), `Basic ${btoa('bob:hidden')}`)
    assert.equal(await authorization(fetch, { Authorization: 'Bearer mine' }), 'Bearer mine')
    await using untold = new Session({ trustEnv: false })
    assert.equal(await authorization(untold.fetch), undefined)
  })
})

test('Digest authentication of the session answers the challenge', async () => {
  await using digest = await startDigestServer()
  await using session = new Session({ auth: new HTTPDigestAuth(USER, PASSWORD) })
  const response = await session.fetch(digest.url, { method: 'POST', body: 'text' })
  assert.equal(response.status, 200)
  assert.deepEqual(
    digest.log.map(({ status }) => status),
    [401, 200],
  )
})

test('an auth that takes its time is waited for, and what it throws is the cause', async () => {
  await using session = new Session({
    auth: async (request) => {
      await null
      request.headers.set('X-Token', 'late')
    },
  })
  assert.equal((await json(await session.fetch(plain.url127))).headers['x-token'], 'late')
  session.auth = () => Promise.reject(new RangeError('no token'))
  const error = await failure(session.fetch(plain.url127))
  assert.ok(error.cause instanceof RangeError)
  assert.equal(error.message, 'fetch failed: no token')
})

test('credentials of a call stay behind when a redirect leads to another origin', async () => {
  const headers = {
    Authorization: 'Bearer mine',
    'Proxy-Authorization': 'Basic mine',
    Cookie: 'mine=1',
    'X-Own': 'kept',
  }
  const follow = async (location: string) =>
    (await json(await fetch(`${cookies.url127}/?location=${encodeURIComponent(location)}`, { headers }))).headers
  const there = await follow(plain.url127)
  assert.deepEqual([there.authorization, there['proxy-authorization'], there.cookie], [undefined, undefined, undefined])
  assert.equal(there['x-own'], 'kept')
  const here = await follow('/end')
  assert.deepEqual([here.authorization, here.cookie], ['Bearer mine', 'mine=1'])
})

test('no cookie goes out or in, unless credentials is include', async () => {
  await using session = new Session({ cookies: { mine: 'a' } })
  const sent = async (init?: RequestInit) => (await json(await session.fetch(cookies.url127, init))).headers.cookie
  assert.equal(await sent(), undefined)
  assert.equal(await sent({ credentials: 'same-origin' }), undefined)
  assert.equal(await sent({ credentials: 'omit' }), undefined)
  assert.equal(session.cookies.get('server'), undefined)
  assert.equal(await sent({ credentials: 'include' }), 'mine=a')
  assert.equal(session.cookies.get('server'), '1')
  assert.equal(await sent({ credentials: 'include' }), 'mine=a; server=1')
  assert.equal(await sent(), undefined)
  assert.equal(await sent({ credentials: 'include', headers: { cookie: 'own=1' } }), 'own=1')
})

test('cookies of the jar go with redirects to where they belong', async () => {
  await using session = new Session()
  session.cookies.set('bound', 'a', { domain: '127.0.0.1' })
  const include = { credentials: 'include' } as const
  const follow = async (location: string) =>
    (await json(await session.fetch(`${cookies.url127}/?location=${encodeURIComponent(location)}`, include))).headers
      .cookie
  assert.equal(await follow('/end'), 'bound=a; server=1')
  assert.equal(await follow(plain.url), undefined)
})

test('hooks of the session do not run', async () => {
  let calls = 0
  await using session = new Session({ hooks: { response: () => void calls++ } })
  await session.fetch(plain.url127)
  assert.equal(calls, 0)
})

test('proxies of the session and of the environment apply', async () => {
  await using proxy = await startProxy()
  await using session = new Session({ verify: bundle, proxies: { https: proxy.url } })
  assert.equal((await session.fetch(server.url)).status, 200)
  assert.equal(proxy.tunnels.length, 1)
  await withEnv({ https_proxy: proxy.url }, async () => {
    await using untold = new Session({ verify: bundle })
    assert.equal((await untold.fetch(server.url)).status, 200)
    assert.equal(proxy.tunnels.length, 2)
  })
})

test('time limits of the session apply, to the body as well', async () => {
  await using silent = await startHttpServer({ handler: () => {} })
  await using halting = await startHttpServer({ handler: (_, response) => void response.writeHead(200).write('a') })
  await using session = new Session({ timeout: { total: 60 } })
  const error = await failure(session.fetch(silent.url127))
  assert.ok(error.cause instanceof Timeout)
  assert.match(error.message, /^fetch failed: Request to 127\.0\.0\.1:\d+ timed out\. \(total timeout=60 ms\)$/)
  const response = await session.fetch(halting.url127)
  const ofBody = await failure(response.text())
  assert.ok(ofBody.cause instanceof Timeout)
})

test('adapters of the session carry the request', async () => {
  const { Readable } = await import('node:stream')
  const adapter: Adapter = {
    send: async ({ method, target }) => ({
      statusCode: 201,
      reason: 'Made',
      rawHeaders: ['X-A', '1'],
      body: Readable.from([`${method} ${target.href}`]),
      tls: null,
    }),
    close() {},
  }
  const session = new Session()
  session.mount('https://made.example', adapter)
  const response = await session.fetch('https://made.example/a')
  assert.equal(response.status, 201)
  assert.equal(response.statusText, 'Made')
  assert.equal(await response.text(), 'GET https://made.example/a')
})

test('an adapter’s body that fails is a ConnectionError unless the adapter names another', async () => {
  const { Readable } = await import('node:stream')
  const session = new Session()
  const body = () =>
    Readable.from(
      (async function* () {
        yield 'a'
        throw new Error('torn')
      })(),
    )
  session.mount('https://made.example', {
    send: async () => ({ statusCode: 200, reason: '', rawHeaders: [], body: body(), tls: null }),
    close() {},
  })
  const error = await failure((await session.fetch('https://made.example')).text())
  assert.ok(error.cause instanceof ConnectionError)
  assert.equal(error.message, 'fetch failed: torn')
})

test('more redirects than the session’s maxRedirects are a failure', async () => {
  await using circle = await startHttpServer({
    handler: (request, response) => {
      const left = Number(request.url?.slice(1)) - 1
      if (left < 0) return response.end('end')
      return response.writeHead(307, { location: `/${left}` }).end()
    },
  })
  await using session = new Session({ maxRedirects: 3 })
  assert.equal(await (await session.fetch(`${circle.url127}/3`)).text(), 'end')
  const error = await failure(session.fetch(`${circle.url127}/4`))
  assert.ok(error.cause instanceof TooManyRedirects)
  assert.equal(error.message, 'fetch failed: Exceeded 3 redirects.')
})

test('a redirect that cannot be followed says why', async () => {
  const to = (location: string) => `${cookies.url127}/?location=${encodeURIComponent(location)}`
  const scheme = await failure(fetch(to('ftp://files.example/')))
  assert.ok(scheme.cause instanceof InvalidSchema)
  const credentials = await failure(fetch(to('http://ada:secret@files.example/')))
  assert.match(
    credentials.message,
    /^fetch failed: the redirect leads to a URL with credentials: http:\/\/files\.example\/$/,
  )
  const stream = await failure(
    fetch(to('/end'), { method: 'POST', duplex: 'half', body: new Blob(['a']).stream() } as RequestInit),
  )
  assert.ok(stream.cause instanceof UnrewindableBodyError)
})

for (const name of [
  'dispatcher',
  'agent',
  'httpAgent',
  'httpsAgent',
  'verify',
  'cert',
  'key',
  'ca',
  'pfx',
  'rejectUnauthorized',
  'proxy',
  'proxies',
  'tls',
]) {
  test(`${name} in init is a TypeError that names the session`, async () => {
    const error = await failure(fetch(server.url, { [name]: {} } as RequestInit))
    assert.match(error.message, new RegExp(`"${name}".*new Session\\(\\{`))
    assert.equal(error.cause, undefined)
    // Libraries pass on options that are not set.
    await failure(fetch(server.url, { [name]: undefined } as RequestInit)).then(({ message }) =>
      assert.match(message, /^fetch failed/),
    )
  })
}

test('errors of wrong URLs do not show credentials', async () => {
  for (const url of ['https://ada:secret@localhost/', 'https://ada:secret@lo calhost/', 'ada:secret@localhost']) {
    const { message, cause } = await failure(fetch(url))
    assert.doesNotMatch(`${message} ${String(cause)}`, /secret/)
  }
})

test('a failure before any response has the reason in its message', async () => {
  const closed = await startHttpServer()
  await closed.close()
  const error = await failure(fetch(closed.url127))
  assert.ok(error.cause instanceof ConnectionError)
  assert.equal(error.cause.code, 'ECONNREFUSED')
  assert.match(
    error.message,
    /^fetch failed: Failed to establish a new connection to 127\.0\.0\.1:\d+: connection refused/,
  )
})

test('a session’s fetch put in place of the global one does not call itself', async () => {
  const original = globalThis.fetch
  try {
    globalThis.fetch = fetch
    assert.equal(await (await globalThis.fetch('data:,text')).text(), 'text')
    assert.equal((await globalThis.fetch(plain.url127)).status, 200)
  } finally {
    globalThis.fetch = original
  }
})

test('the globals of Node’s fetch are loaded by the first fetch, and not before', async () => {
  const script = `
    const touched = []
    for (const name of ['Headers', 'Request', 'Response', 'FormData']) {
      const value = globalThis[name]
      Object.defineProperty(globalThis, name, { get: () => (touched.push(name), value), configurable: true })
    }
    const { fetch, Session } = await import(${JSON.stringify(moduleUrl('index'))})
    const session = new Session()
    await session.get(${JSON.stringify(plain.url127)})
    const before = touched.length
    await session.fetch(${JSON.stringify(plain.url127)}, { method: 'PUT' })
    console.log(JSON.stringify({ before, after: [...new Set(touched)].sort() }))`
  assert.deepEqual(JSON.parse(await outputOfScript(script)), { before: 0, after: ['Request', 'Response'] })
})
