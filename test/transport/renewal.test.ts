/** A server whose certificate is renewed takes it over a moment after the file has changed that its clients trust. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import type { Server } from 'node:https'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { get, type RequestOptions, Session, SSLError } from '../../src/index.ts'
import { createAuthority, selfSigned } from '../helpers/pki.ts'
import { startHttpsServer, type TestServer } from '../helpers/servers.ts'
import { type TempDir, tempDir } from '../helpers/temp.ts'

const HOUR = 3_600_000
const made = (hoursAgo: number, hosts = ['localhost']) =>
  selfSigned({ hosts, notBefore: new Date(Date.now() - hoursAgo * HOUR) })
const [old, renewed, stranger] = [made(3), made(2), made(1, ['other.test'])]
const ancient = made(9)

interface Scene {
  readonly server: TestServer
  readonly path: string
  readonly session: Session
  /** Has the server present this pair from now on. */
  present(pair: { chain: string; key: string }): void
}

/** A session that trusts `bundle.pem`, in which the server's certificate was until now. */
async function scene(dir: TempDir, body: (scene: Scene) => Promise<void>): Promise<void> {
  const path = dir.write('bundle.pem', old.certificate)
  await using server = await startHttpsServer({ cert: old.chain, key: old.key })
  await using session = new Session({ verify: path })
  assert((await session.get(server.url)).ok)
  const present = ({ chain, key }: { chain: string; key: string }) =>
    (server.server as Server).setSecureContext({ cert: chain, key })
  await body({ server, path, session, present })
}

test('a request that comes before the server has taken over the renewed certificate waits for it', async () => {
  using dir = tempDir()
  await scene(dir, async ({ server, path, session, present }) => {
    writeFileSync(path, renewed.certificate)
    const answer = session.post(server.url, { json: { a: 1 } })
    await delay(100)
    present(renewed)
    assert((await answer).ok)
    assert.equal((await answer).tls?.peerCertificate?.subject, 'CN=localhost')
    assert.equal(server.requests, 2, 'nothing was sent to the server while it was not trusted')
  })
})

test('several versions at once are no obstacle: a server may be behind by more than one', async () => {
  using dir = tempDir()
  await scene(dir, async ({ server, path, session, present }) => {
    const third = made(1)
    writeFileSync(path, renewed.certificate)
    const first = session.get(server.url)
    await delay(30)
    writeFileSync(path, third.certificate)
    const second = session.get(server.url)
    await delay(60)
    present(third)
    for (const answer of [first, second]) assert((await answer).ok)
  })
})

test('a server that takes over before its client has looked at the file is trusted at the second look', async () => {
  using dir = tempDir()
  await scene(dir, async ({ server, path, session, present }) => {
    await session.close()
    present(renewed)
    // While the client shakes hands, after it has read the file.
    server.server.once('connection', () => writeFileSync(path, renewed.certificate))
    assert((await session.get(server.url)).ok)
    assert.equal(server.connections, 3)
  })
})

test('a file that is half written when a server is refused is waited for, and decides about it then', async () => {
  using dir = tempDir()
  await scene(dir, async ({ server, path, session, present }) => {
    const meanwhile = async (presented: { chain: string; key: string }) => {
      await session.close()
      writeFileSync(path, old.certificate)
      present(presented)
      server.server.once('connection', () => {
        writeFileSync(path, renewed.certificate.slice(0, 100))
        // After the handshake has failed.
        setTimeout(() => writeFileSync(path, renewed.certificate), 100)
      })
      return session.get(server.url)
    }
    assert((await meanwhile(renewed)).ok)
    await assert.rejects(meanwhile(stranger), { name: 'SSLError', reason: 'self-signed' })
  })
})

test('a server that never takes over is refused in the end, after a second and a few handshakes', async () => {
  using dir = tempDir()
  await scene(dir, async ({ server, path, session }) => {
    writeFileSync(path, renewed.certificate)
    const before = server.connections
    const started = performance.now()
    await assert.rejects(session.get(server.url), { name: 'SSLError', reason: 'self-signed' })
    assert(performance.now() - started > 800)
    const attempts = server.connections - before
    assert(attempts > 2 && attempts < 12, `${attempts} handshakes`)
    assert.equal(server.requests, 1)
    await delay(1000)
    await assert.rejects(session.get(server.url), SSLError)
    assert.equal(server.connections - before, attempts + 1, 'the change is not news any more')
  })
})

const final: [what: string, content: string][] = [
  ['by a certificate for another host', stranger.certificate],
  ['by an older one', ancient.certificate],
  ['by an authority', createAuthority().certificate],
]

for (const [what, content] of final) {
  test(`a pinned certificate that is replaced ${what} is refused at once`, async () => {
    using dir = tempDir()
    await scene(dir, async ({ server, path, session }) => {
      writeFileSync(path, content)
      const before = server.connections
      await assert.rejects(session.get(server.url), SSLError)
      assert.equal(server.connections - before, 1)
      assert.equal(server.requests, 1)
    })
  })
}

test('a stranger is refused at once in the middle of a renewal, and so is an expired certificate', async () => {
  using dir = tempDir()
  await scene(dir, async ({ server, path, session, present }) => {
    for (const pair of [made(1), selfSigned({ notAfter: new Date(Date.now() - 1000) })]) {
      present(pair)
      await session.close()
      const before = server.connections
      writeFileSync(path, renewed.certificate)
      await assert.rejects(session.get(server.url), SSLError)
      writeFileSync(path, old.certificate)
      assert.equal(server.connections - before, 1)
    }
    assert.equal(server.requests, 1)
  })
})

const ends: [what: string, options: () => RequestOptions, error: object][] = [
  ['an aborted signal', () => ({ signal: AbortSignal.timeout(50) }), { name: 'TimeoutError' }],
  ['the total time limit', () => ({ timeout: { total: 100 } }), { name: /^(?:SSLError|Timeout)$/ }],
  ['a body that can be sent only once', () => ({ data: Readable.from([Buffer.from('once')]) }), { name: 'SSLError' }],
]

for (const [what, options, error] of ends) {
  test(`${what} ends the wait for a renewed certificate`, async () => {
    using dir = tempDir()
    await scene(dir, async ({ server, path, session }) => {
      writeFileSync(path, renewed.certificate)
      const started = performance.now()
      await assert.rejects(session.post(server.url, options()), error)
      assert(performance.now() - started < 900)
    })
  })
}

test('closing the session ends the wait for a renewed certificate', async () => {
  using dir = tempDir()
  await scene(dir, async ({ server, path, session }) => {
    writeFileSync(path, renewed.certificate)
    const answer = assert.rejects(session.get(server.url), { name: 'ConnectionError', message: /session was closed/ })
    await delay(50)
    await session.close()
    await answer
  })
})

test('what is trusted by value is refused at once: nothing can be renewed there', async () => {
  await using server = await startHttpsServer({ cert: old.chain, key: old.key })
  assert((await get(server.url, { verify: old.certificate })).ok)
  const before = server.connections
  await assert.rejects(get(server.url, { verify: renewed.certificate }), SSLError)
  assert.equal(server.connections - before, 1)
})
