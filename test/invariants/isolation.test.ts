/** I1: no socket and no TLS session is ever shared between two different (trust, client certificate, proxy) triples. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import fc from 'fast-check'
import { CABundle, disableWarnings, get, type RequestOptions, Session, SSLError } from '../../src/index.ts'
import { poolKey } from '../../src/transport/pools.ts'
import { resolveTrust, toTrust } from '../../src/trust/verify.ts'
import { createAuthority } from '../helpers/pki.ts'
import { startHttpsServer, type TestServer } from '../helpers/servers.ts'
import { tempDir } from '../helpers/temp.ts'

// verify: false is one of the trusts in the mixture.
disableWarnings('InsecureRequestWarning')

const first = createAuthority({ commonName: 'First CA' })
const second = createAuthority({ commonName: 'Second CA' })
const clients = createAuthority({ commonName: 'Client CA' })
const ada = clients.issue({ commonName: 'ada', hosts: [], extendedKeyUsage: ['clientAuth'] })
const bob = clients.issue({ commonName: 'bob', hosts: [], extendedKeyUsage: ['clientAuth'] })

/** What each connection has served: the labels that the requests carried. */
class Connections {
  readonly labels = new Map<string, Set<string>>()
  readonly identities = new Map<string, Set<string>>()

  note(request: IncomingMessage, response: ServerResponse): void {
    const socket = request.socket as TLSSocket
    const key = `${socket.localPort}:${socket.remotePort}`
    add(this.labels, key, String(request.headers['x-label']))
    // getPeerCertificate is empty on a resumed session in some versions; the subject is what matters where it is there.
    add(this.identities, key, String(socket.getPeerCertificate().subject?.CN))
    response.end(JSON.stringify({ client: socket.getPeerCertificate().subject?.CN ?? null }))
  }

  /** Connections that served more than one label. */
  get shared(): string[][] {
    return Array.from(this.labels.values(), (labels) => [...labels]).filter((labels) => labels.length > 1)
  }
}

function add(map: Map<string, Set<string>>, key: string, value: string): void {
  const values = map.get(key) ?? new Set()
  map.set(key, values.add(value))
}

async function startServers(connections: Connections): Promise<AsyncDisposable & { byCA: [TestServer, TestServer] }> {
  const options = { ca: clients.certificate, requestCert: true, rejectUnauthorized: false }
  const start = (authority: typeof first) => {
    const { chain, key } = authority.issue({ hosts: ['localhost', '127.0.0.1'] })
    return startHttpsServer({
      ...options,
      cert: chain,
      key,
      handler: (request, response) => {
        // A redirect leads to the other server, with whatever connection that takes.
        const target = new URL(request.url ?? '/', 'https://localhost').searchParams.get('to')
        if (target !== null) response.writeHead(302, { location: target }).end()
        else connections.note(request, response)
      },
    })
  }
  const byCA: [TestServer, TestServer] = [await start(first), await start(second)]
  return {
    byCA,
    async [Symbol.asyncDispose]() {
      await Promise.all(byCA.map((server) => server.close()))
    },
  }
}

interface TrustCase {
  readonly label: string
  readonly verify: RequestOptions['verify']
  /** Which servers it accepts. */
  readonly accepts: readonly [boolean, boolean]
}

test('random mixtures of trusts, client certificates, hosts, redirects and sessions never share a connection', async () => {
  using dir = tempDir()
  const firstPath = dir.write('first.pem', first.certificate)
  const trusts: readonly TrustCase[] = [
    { label: 'first by path', verify: firstPath, accepts: [true, false] },
    { label: 'second by text', verify: second.certificate, accepts: [false, true] },
    { label: 'both', verify: [firstPath, second.certificate], accepts: [true, true] },
    { label: 'default', verify: true, accepts: [false, false] },
    { label: 'none', verify: false, accepts: [true, true] },
    { label: 'default and second', verify: CABundle.default().with(second.certificate), accepts: [false, true] },
  ]
  const certs = [
    { label: 'nobody', cert: null, name: null },
    { label: 'ada', cert: { cert: ada.chain, key: ada.key }, name: 'ada' },
    { label: 'bob', cert: { cert: bob.chain, key: bob.key }, name: 'bob' },
  ] as const
  const step = fc.record({
    trust: fc.nat(trusts.length - 1),
    cert: fc.nat(certs.length - 1),
    server: fc.nat(1),
    address: fc.boolean(),
    redirect: fc.boolean(),
    session: fc.nat(2),
    close: fc.nat(9),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 24, maxLength: 48 }), async (steps) => {
      const connections = new Connections()
      await using servers = await startServers(connections)
      await using sessionA = new Session({ trustEnv: false })
      await using sessionB = new Session({ trustEnv: false })
      const callers = [get, sessionA.get.bind(sessionA), sessionB.get.bind(sessionB)]
      const send = async ({ trust, cert, server, address, redirect, session, close }: (typeof steps)[number]) => {
        const trustCase = trusts[trust] as TrustCase
        const certCase = certs[cert] as (typeof certs)[number]
        const other = 1 - server
        const base = servers.byCA[server as 0 | 1]
        const target = `${servers.byCA[other as 0 | 1].url}/`
        const url = `${address ? base.url127 : base.url}/${redirect ? `?to=${encodeURIComponent(target)}` : ''}`
        const accepted = trustCase.accepts[server as 0 | 1] && (!redirect || trustCase.accepts[other as 0 | 1])
        // A client certificate stays behind when a redirect leads to another origin.
        const label = `${trustCase.label}, ${redirect ? 'nobody' : certCase.label}`
        const caller = callers[session] as typeof get
        const request = caller(url, { verify: trustCase.verify, cert: certCase.cert, headers: { 'x-label': label } })
        if (!accepted) {
          await assert.rejects(request, SSLError, `${label} must refuse ${url}`)
        } else {
          const response = await request
          assert.deepEqual(response.json(), { client: redirect ? null : certCase.name }, label)
          assert.equal(response.tls?.verified, trustCase.verify !== false, label)
        }
        if (close === 0) await sessionB.get(base.url, { verify: false, headers: { 'x-label': 'none, nobody' } })
      }
      // 24 at a time, then what is left one after the other.
      await Promise.all(steps.slice(0, 24).map(send))
      for (const each of steps.slice(24)) await send(each)
      assert.deepEqual(connections.shared, [])
    }),
    { numRuns: 12 },
  )
})

test('a connection made without verification never serves a request that verifies', async () => {
  const connections = new Connections()
  await using servers = await startServers(connections)
  const [server] = servers.byCA
  await using session = new Session({ trustEnv: false })
  for (const verify of [false, first.certificate, false, first.certificate] as const) {
    await session.get(server.url, { verify })
  }
  await assert.rejects(session.get(server.url), SSLError)
  await assert.rejects(session.get(server.url, { verify: second.certificate }), SSLError)
  assert.equal(server.connections, 4)
})

test('a TLS session of one trust is not resumed under another, on new connections', async () => {
  const { chain, key } = first.issue()
  await using server = await startHttpsServer({
    cert: chain,
    key,
    handler: (_request, response) => response.setHeader('connection', 'close').end(),
  })
  await using session = new Session({ trustEnv: false })
  for (let round = 0; round < 3; round++) {
    await session.get(server.url, { verify: first.certificate })
    await assert.rejects(session.get(server.url, { verify: second.certificate }), SSLError)
  }
  assert.equal(server.sessionsReused, 2, 'the same trust does resume')
})

test('every ingredient of a connection is part of the key of its pool', () => {
  const trust = resolveTrust(toTrust(first.certificate, 'call'))
  const identity = { digest: 'abc', options: { cert: '', key: '' }, shown: '', stale: false }
  const proxy = { url: new URL('http://proxy:1'), authorization: undefined }
  const spec = { origin: 'https://a:1', trust, identity, proxy }
  const others = [
    { ...spec, origin: 'https://a:2' },
    { ...spec, trust: resolveTrust(toTrust(second.certificate, 'call')) },
    { ...spec, trust: resolveTrust(toTrust(false, 'call')) },
    { ...spec, trust: resolveTrust(toTrust(true, 'call')) },
    { ...spec, identity: { ...identity, digest: 'abd' } },
    { ...spec, identity: undefined },
    { ...spec, proxy: undefined },
    { ...spec, proxy: { ...proxy, url: new URL('https://proxy:1') } },
    { ...spec, proxy: { ...proxy, authorization: 'Basic YTpi' } },
    { ...spec, proxy: { ...proxy, url: new URL('socks5://proxy:1') } },
    { ...spec, proxy: { ...proxy, url: new URL('socks5h://proxy:1') } },
    { ...spec, proxy: { ...proxy, url: new URL('socks5://proxy:2') } },
    { ...spec, proxy: { ...proxy, url: new URL('socks5://proxy:1'), login: ['a', 'b'] as const } },
    { ...spec, proxy: { ...proxy, url: new URL('socks5://proxy:1'), login: ['a', 'c'] as const } },
  ]
  const keys = new Set([spec, ...others].map(poolKey))
  assert.equal(keys.size, others.length + 1)
})
