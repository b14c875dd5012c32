import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { type Response, Session, SSLError } from '../../src/index.ts'
import { createAuthority } from '../helpers/pki.ts'
import { type Handler, startHttpServer, startHttpsServer } from '../helpers/servers.ts'

/** What a server saw of a request. */
interface Seen {
  authorization?: string
  /** The name in the client certificate; absent without one. */
  client?: string
}

const handler: Handler = (request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://host')
  if (pathname === '/to') response.writeHead(307, { Location: searchParams.get('location') ?? '/' })
  const peer = 'getPeerCertificate' in request.socket ? (request.socket as TLSSocket).getPeerCertificate() : undefined
  response.end(JSON.stringify({ authorization: request.headers.authorization, client: peer?.subject?.CN }))
}

const ca = createAuthority()
const { key, chain: cert } = ca.issue({ hosts: ['localhost', '127.0.0.1'] })
const ada = ca.issue({ hosts: [], commonName: 'ada', extendedKeyUsage: ['clientAuth'] })
const client = { cert: Buffer.from(ada.certificate), key: Buffer.from(ada.key) }
const mutual = { key, cert, ca: ca.certificate, requestCert: true, rejectUnauthorized: false, handler }
const one = await startHttpsServer(mutual)
const two = await startHttpsServer(mutual)
const plain = await startHttpServer({ handler })
const strange = createAuthority().issue({ hosts: ['127.0.0.1'] })
const stranger = await startHttpsServer({ key: strange.key, cert: strange.chain, handler })
after(() => Promise.all([one.close(), two.close(), plain.close(), stranger.close()]))

const session = new Session({ verify: ca.certificate, cert: client, headers: { Authorization: 'Bearer s' } })
after(() => session.close())

const to = (location: string, base = one.url127): string => `${base}/to?${new URLSearchParams({ location })}`
const seen = (response: Response): Seen => response.json<Seen>()

const BOTH: Seen = { authorization: 'Bearer s', client: 'ada' }
const ROUTES: [title: string, url: string, seen: Seen][] = [
  ['a direct request has both', one.url127, BOTH],
  ['a redirect within the origin keeps both', to('/end'), BOTH],
  ['another port gets neither', to(two.url127), {}],
  ['another name of the same server gets neither', to(one.url), {}],
  ['https to http gets neither', to(plain.url127), {}],
  ['http to https on other ports gets neither', to(one.url127, plain.url127), {}],
  ['there and back again gets neither', to(to(`${one.url127}/end`, two.url127)), {}],
  ['a second hop at the other origin gets neither', to(to('/end', two.url127)), {}],
]

for (const [title, url, expected] of ROUTES) {
  test(`Authorization and client certificate: ${title}`, async () => {
    assert.deepEqual(seen(await session.get(url)), expected)
  })
}

test('a connection made with the client certificate is not used for a redirected request without it', async () => {
  assert.deepEqual(seen(await session.get(two.url127)), BOTH)
  assert.deepEqual(seen(await session.get(to(two.url127))), {})
})

test('a redirect that is sent by hand takes the client certificate to its own origin only', async () => {
  for (const [url, client] of [
    [to('/end'), 'ada'],
    [to(two.url127), undefined],
  ] as const) {
    const { next } = await session.get(url, { allowRedirects: false })
    assert.ok(next)
    for (const request of [next, next.copy()]) assert.equal(seen(await session.send(request)).client, client)
  }
})

test('a hook that gives back the response of another origin does not take the client certificate there', async () => {
  const elsewhere = await session.get(to('/end', two.url127), { allowRedirects: false })
  const response = (direct: Response) => (direct.request.target.origin === one.url127 ? elsewhere : undefined)
  assert.equal(seen(await session.get(one.url127, { hooks: { response } })).client, undefined)
})

test('each hop is verified against what the call trusts', async () => {
  await assert.rejects(session.get(to(stranger.url127)), (error) => {
    assert.ok(error instanceof SSLError)
    assert.equal(error.reason, 'unknown-ca')
    assert.equal(error.port, stranger.port)
    assert.equal(error.request?.url, `${stranger.url127}/`)
    return true
  })
  assert.equal(stranger.requests, 0)
})

test('response.tls is that of the last hop', async () => {
  const downgraded = await session.get(to(plain.url127))
  assert.equal(downgraded.tls, null)
  assert.equal(downgraded.history[0]?.tls?.verified, true)
})
