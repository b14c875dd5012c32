/** Where netrc stands among the other sources of credentials, and where it does not go. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type RequestOptions, Session, type SessionOptions } from '../../src/index.ts'
import { withEnv } from '../helpers/environment.ts'
import { createAuthority } from '../helpers/pki.ts'
import { type Echo, startHttpServer, startHttpsServer, type TestServer } from '../helpers/servers.ts'
import { tempDir } from '../helpers/temp.ts'

const dir = tempDir()
const netrc = dir.write(
  'netrc',
  'machine 127.0.0.1 login ada password of-the-file\nmachine localhost login bob password b\n',
)
const ADA = `Basic ${btoa('ada:of-the-file')}`
const BOB = `Basic ${btoa('bob:b')}`
let server: TestServer

before(async () => {
  server = await startHttpServer({
    handler: ({ url, headers }, response) => {
      const to = new URL(url ?? '', server.url127).searchParams.get('to')
      if (to) response.writeHead(302, { Location: to }).end()
      else response.end(JSON.stringify({ headers }))
    },
  })
})
after(async () => {
  await server.close()
  dir[Symbol.dispose]()
})

/** The Authorization header that arrives. */
async function sent(url: string, call: RequestOptions = {}, defaults: SessionOptions = {}): Promise<unknown> {
  await using session = new Session(defaults)
  const response = await withEnv({ NETRC: netrc }, () => session.get(url, call))
  return response.json<Echo>().headers.authorization
}

const OWN = `Basic ${btoa('x:y')}`
const headers = { Authorization: 'Bearer mine' }
const PRECEDENCE: [what: string, call: RequestOptions, defaults: SessionOptions, expected: string | undefined][] = [
  ['nothing else: the file', {}, {}, ADA],
  ['the auth of a call overrides the file', { auth: ['x', 'y'] }, {}, OWN],
  ['the auth of the session overrides the file', {}, { auth: ['x', 'y'] }, OWN],
  ['the file overrides a header of the call, as in requests', { headers }, {}, ADA],
  ['the file overrides a header of the session, as in requests', {}, { headers }, ADA],
  ['a function that sets nothing leaves the header', { headers, auth: () => {} }, {}, 'Bearer mine'],
  ['trustEnv: false leaves the file alone', {}, { trustEnv: false }, undefined],
  ['auth: null is as if the session had none', { auth: null }, { auth: ['x', 'y'] }, ADA],
]

for (const [what, call, defaults, expected] of PRECEDENCE) {
  test(what, async () => assert.equal(await sent(server.url127, call, defaults), expected))
}

test('the file overrides the credentials of the URL, as in requests', async () => {
  assert.equal(await sent(server.url127.replace('//', '//x:y@')), ADA)
  assert.equal(await sent(server.url127.replace('//', '//x:y@'), {}, { trustEnv: false }), OWN)
})

test('the host is that of the URL, whatever stands in its credentials (CVE-2024-47081)', async () => {
  const only = dir.write('only-example', 'machine example.com login ada password secret\n')
  await using session = new Session()
  for (const url of [`http://example.com:@127.0.0.1:${server.port}/`, `http://example.com@127.0.0.1:${server.port}/`]) {
    const response = await withEnv({ NETRC: only }, () => session.get(url))
    assert.notEqual(response.json<Echo>().headers.authorization, `Basic ${btoa('ada:secret')}`)
  }
})

test('a redirect to another host gets the credentials that the file has for that host', async () => {
  assert.equal(await sent(`${server.url127}/?to=${server.url}/`), BOB)
  assert.equal(await sent(`${server.url127}/?to=${server.url}/`, { auth: ['x', 'y'] }), BOB)
  assert.equal(await sent(`${server.url127}/?to=${server.url}/`, {}, { trustEnv: false }), undefined)
})

test('a redirect to the same origin keeps the credentials that it had', async () => {
  assert.equal(await sent(`${server.url127}/?to=/`), ADA)
  assert.equal(await sent(`${server.url127}/?to=/`, { auth: ['x', 'y'] }), OWN)
  assert.equal(await sent(`${server.url127}/?to=/`, { auth: () => {} }), undefined)
})

test('a redirect from https to http gets none: they would go in the clear', async () => {
  const authority = createAuthority()
  const { certificate, key } = authority.issue()
  await using secure = await startHttpsServer({
    cert: certificate,
    key,
    handler: (_request, response) => response.writeHead(302, { Location: `${server.url127}/` }).end(),
  })
  assert.equal(await sent(`${secure.url}/`, { verify: authority.certificate }), undefined)
})

test('a prepared request has them, and they are there without a session too only where it says so', async () => {
  await using session = new Session()
  const { Request } = await import('../../src/index.ts')
  await withEnv({ NETRC: netrc }, () => {
    const request = new Request('GET', server.url127)
    assert.equal(session.prepareRequest(request).headers.get('Authorization'), ADA)
    assert.equal(request.prepare().headers.get('Authorization'), undefined)
  })
})
