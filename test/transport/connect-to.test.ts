import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { explain, HTTPAdapter, Session } from '../../src/index.ts'
import { ConnectTo } from '../../src/transport/connect-to.ts'
import { Origin } from '../../src/transport/origin.ts'
import { createAuthority } from '../helpers/pki.ts'
import { startProxy } from '../helpers/proxy.ts'
import { type Handler, startHttpServer, startHttpsServer } from '../helpers/servers.ts'
import { SCRIPTS, startStandIn } from '../helpers/starttls.ts'

const ca = createAuthority()
const { key, chain: cert } = ca.issue({ hosts: ['db.corp', '203.0.113.7'] })
const local = ca.issue({ hosts: ['127.0.0.1', 'localhost'] })

function sessionWith(connectTo: Record<string, string>) {
  const session = new Session({ trustEnv: false, verify: ca.certificate })
  const adapter = new HTTPAdapter({ connectTo })
  session.mount('https://', adapter)
  session.mount('http://', adapter)
  return session
}

const whoIsAsked: Handler = (request, response) => {
  const name = (request.socket as TLSSocket & { servername?: string | false }).servername
  response.end(JSON.stringify([request.headers.host, name || '']))
}

test('URL, server name, Host and the name check stay; the connection goes elsewhere', async () => {
  await using server = await startHttpsServer({ key, cert, handler: whoIsAsked })
  for (const [url, connectTo, host, name] of [
    ['https://db.corp/', { 'db.corp': `127.0.0.1:${server.port}` }, 'db.corp', 'db.corp'],
    ['https://db.corp:8443/', { 'DB.corp:8443': `localhost:${server.port}` }, 'db.corp:8443', 'db.corp'],
    ['https://db.corp./', { 'db.corp': `127.0.0.1:${server.port}` }, 'db.corp.', 'db.corp'],
    [`https://db.corp:${server.port}/`, { 'db.corp': '127.0.0.1' }, `db.corp:${server.port}`, 'db.corp'],
    ['https://203.0.113.7/', { '203.0.113.7': `127.0.0.1:${server.port}` }, '203.0.113.7', ''],
  ] as const) {
    await using session = sessionWith(connectTo)
    const response = await session.get(url)
    assert.deepEqual(response.json(), [host, name])
    assert.equal(response.url, url)
  }
})

test('the names of the URL are checked, not those of the address', async () => {
  await using server = await startHttpsServer({ key: local.key, cert: local.chain })
  for (const host of ['db.corp', '203.0.113.7']) {
    await using session = sessionWith({ [host]: `127.0.0.1:${server.port}` })
    await assert.rejects(session.get(`https://${host}/`), { reason: 'hostname-mismatch' })
  }
  assert.equal(server.requests, 0)
})

test('a pin works at another address', async () => {
  await using server = await startHttpsServer({ key, cert })
  await using session = sessionWith({ 'nas.lan': `127.0.0.1:${server.port}` })
  const verify = `sha256:${new X509Certificate(cert).fingerprint256}`
  assert.equal((await session.get('https://nas.lan/', { verify })).statusCode, 200)
})

test('plain http goes elsewhere as well, and an IPv6 address is written in brackets', async () => {
  await using server = await startHttpServer({ host: '::1' })
  await using session = sessionWith({ 'api.corp:80': `[::1]:${server.port}` })
  const { headers } = (await session.get('http://api.corp/')).json() as { headers: { host: string } }
  assert.equal(headers.host, 'api.corp')
})

test('a connection elsewhere is not shared with other hosts or ports', async () => {
  await using first = await startHttpServer()
  await using second = await startHttpServer()
  await using session = sessionWith({ 'a.corp': `127.0.0.1:${first.port}`, 'a.corp:81': `127.0.0.1:${second.port}` })
  for (let round = 0; round < 2; round++)
    for (const url of ['http://a.corp/', 'http://a.corp:81/']) await session.get(url)
  assert.deepEqual([first.requests, second.requests], [2, 2])
  assert.deepEqual([first.connections, second.connections], [1, 1])
})

test('through a proxy it is a TypeError, before anything is sent; other hosts go through the proxy', async () => {
  await using server = await startHttpsServer({ key: local.key, cert: local.chain })
  await using plain = await startHttpServer()
  await using proxy = await startProxy()
  await using session = sessionWith({ 'db.corp': `127.0.0.1:${server.port}` })
  session.proxies = { all: proxy.url }
  for (const url of ['https://db.corp/', 'http://db.corp/'])
    await assert.rejects(session.get(url), { name: 'TypeError', message: /connectTo leads db\.corp:(?:443|80) to 127/ })
  assert.deepEqual([proxy.connections, server.connections], [0, 0])
  await session.get(server.url127)
  await session.get(plain.url127)
  assert.deepEqual([proxy.tunnels.length, proxy.forwarded.length], [1, 1])
})

test('a redirect to a host that is named goes elsewhere, one to another does not', async () => {
  await using server = await startHttpsServer({ key, cert })
  await using first = await startHttpServer({
    handler: (_, response) => void response.writeHead(302, { location: 'https://db.corp/there' }).end(),
  })
  await using session = sessionWith({ 'db.corp': `127.0.0.1:${server.port}` })
  assert.equal((await session.get(first.url127)).url, 'https://db.corp/there')
  assert.equal(server.requests, 1)
})

test('explain connects elsewhere, also to servers of other protocols', async () => {
  await using server = await startHttpsServer({ key, cert })
  await using postgres = await startStandIn({ key, chain: cert }, SCRIPTS.postgres)
  const verify = ca.certificate
  assert.equal(
    (await explain('https://db.corp/', { verify, connectTo: { 'db.corp': server.url127.slice(8) } })).ok,
    true,
  )
  const connectTo = { 'db.corp:5432': `127.0.0.1:${postgres.port}` }
  assert.equal((await explain('postgres://db.corp', { verify, connectTo })).ok, true)
  const proxies = { https: 'http://127.0.0.1:1' }
  await assert.rejects(
    explain('https://db.corp/', { verify, connectTo: { 'db.corp': '127.0.0.1:1' }, proxies }),
    TypeError,
  )
})

const BAD: readonly [what: string, connectTo: unknown][] = [
  ['a text', 'db.corp:127.0.0.1'],
  ['a list', ['db.corp']],
  ['a URL as a key', { 'https://db.corp': '127.0.0.1:1' }],
  ['a path in a key', { 'db.corp/x': '127.0.0.1:1' }],
  ['an empty key', { '': '127.0.0.1:1' }],
  ['a user in a key', { 'u:p@db.corp': '127.0.0.1:1' }],
  ['no text as an address', { 'db.corp': 8443 }],
  ['an empty address', { 'db.corp': '' }],
  ['port 0', { 'db.corp': '127.0.0.1:0' }],
  ['a port above 65535', { 'db.corp': '127.0.0.1:65536' }],
  ['a port that is no number', { 'db.corp': '127.0.0.1:http' }],
  ['a URL as an address', { 'db.corp': 'https://127.0.0.1:1' }],
]

for (const [what, connectTo] of BAD) {
  test(`connectTo refuses ${what}`, async () => {
    assert.throws(() => new HTTPAdapter({ connectTo } as never), { name: 'TypeError', message: /^connectTo/ })
    await assert.rejects(explain('https://127.0.0.1:1', { connectTo } as never), { name: 'TypeError' })
  })
}

test('the key with a port counts before the one without', () => {
  const find = (connectTo: Record<string, string>, url: string) =>
    new ConnectTo(connectTo).find(new Origin(new URL(url)))
  const both = { 'a.b': 'one:1', 'a.b:8443': 'two:2' }
  assert.deepEqual(find(both, 'https://a.b/'), { host: 'one', port: 1 })
  assert.deepEqual(find(both, 'https://a.b:8443/'), { host: 'two', port: 2 })
  assert.deepEqual(find({ '[::1]:443': '::2' }, 'https://[::1]/'), { host: '::2', port: 443 })
  assert.deepEqual(find({ '0:0::1': '[::2]:5' }, 'https://[::1]/'), { host: '::2', port: 5 })
  assert.deepEqual(find({ 'bücher.de': 'x' }, 'https://xn--bcher-kva.de:7/'), { host: 'x', port: 7 })
  assert.equal(find(both, 'https://x.a.b/'), undefined)
})
