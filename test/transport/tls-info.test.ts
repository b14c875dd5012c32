/** What a response says of its connection: the same whether the handshake was whole, resumed a session, or lay long ago. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import type { Server } from 'node:https'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { Session } from '../../src/index.ts'
import { nodeMajor } from '../helpers/modules.ts'
import { createAuthority } from '../helpers/pki.ts'
import { startHttpsServer } from '../helpers/servers.ts'

const authority = createAuthority()
const pairs = [authority.issue({ commonName: 'one' }), authority.issue({ commonName: 'two' })] as const

for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`a session that is resumed has the certificate that it was made with (${maxVersion})`, async () => {
    await using server = await startHttpsServer({
      cert: pairs[0].chain,
      key: pairs[0].key,
      maxVersion,
      handler: (_request, response) => response.setHeader('connection', 'close').end(),
    })
    await using session = new Session({ verify: authority.certificate })
    const ask = async () => {
      const { tls } = await session.get(server.url)
      assert.deepEqual([tls?.verified, tls?.protocol, tls?.reused], [true, maxVersion, false])
      return tls?.peerCertificate?.subject
    }
    for (let round = 0; round < 3; round++) assert.equal(await ask(), 'CN=one')
    assert.equal(server.sessionsReused, 2)
    // The server has another certificate now. Node gives the new context new keys for tickets, so none is resumed at first.
    const second = server.server as Server
    second.setSecureContext({ cert: pairs[1].chain, key: pairs[1].key, maxVersion })
    for (let round = 0; round < 3; round++) assert.equal(await ask(), 'CN=two')
    assert.equal(server.sessionsReused, 4)
    // The same keys again: the old certificate's sessions are resumed while the server has the new one.
    second.setTicketKeys(Buffer.alloc(48, 7))
    assert.equal(await ask(), 'CN=two')
    second.setSecureContext({ cert: pairs[0].chain, key: pairs[0].key, maxVersion, ticketKeys: Buffer.alloc(48, 7) })
    assert.equal(await ask(), 'CN=two', 'what vouches for a resumed session is the certificate that was verified')
  })

  test(`a session is not resumed when a certificate of its chain has ended (${maxVersion})`, async () => {
    const end = new Date(Math.ceil(Date.now() / 1000) * 1000 + 2000)
    const intermediate = authority.intermediate({ notAfter: end })
    const chains = [authority.issue({ notAfter: end }), intermediate.issue()]
    await Promise.all(
      chains.map(async ({ chain, key }) => {
        await using server = await startHttpsServer({
          cert: chain,
          key,
          maxVersion,
          handler: (_request, response) => response.setHeader('connection', 'close').end(),
        })
        await using session = new Session({ verify: authority.certificate, expiryWarning: false })
        for (let round = 0; round < 2; round++) assert.equal((await session.get(server.url)).tls?.verified, true)
        assert.equal(server.sessionsReused, 1)
        await setTimeout(end.getTime() - Date.now() + 1100)
        await assert.rejects(session.get(server.url), { name: 'SSLError', reason: 'expired' })
      }),
    )
  })

  test(`connections that are kept tell the same, many at a time (${maxVersion})`, async () => {
    await using server = await startHttpsServer({ cert: pairs[0].chain, key: pairs[0].key, maxVersion })
    await using session = new Session({ verify: authority.certificate })
    const first = await session.get(server.url)
    const others = await Promise.all(Array.from({ length: 30 }, () => session.get(server.url)))
    for (const { tls } of [first, ...others]) {
      assert.equal(tls?.peerCertificate?.subject, 'CN=one')
      assert.equal(tls?.cipher, first.tls?.cipher)
    }
    assert(others.some(({ tls }) => tls?.reused) && others.some(({ tls }) => !tls?.reused))
    assert(server.sessionsReused > 0)
  })
}

test('a session whose connection failed is not offered again: the next one shakes hands in full', async () => {
  await using server = await startHttpsServer({
    cert: pairs[0].chain,
    key: pairs[0].key,
    handler: (_request, response) => response.setHeader('connection', 'close').end(),
  })
  await using session = new Session({ verify: authority.certificate })
  assert((await session.get(server.url)).ok)
  server.server.once('connection', (socket) => socket.resetAndDestroy())
  await assert.rejects(session.get(server.url), { name: /^(?:ConnectionError|SSLError)$/ })
  const { tls } = await session.get(server.url)
  assert.equal(tls?.peerCertificate?.subject, 'CN=one')
  assert.equal(server.sessionsReused, 0)
})

for (const [maxVersion, ecdhCurve, expected] of [
  ['TLSv1.3', 'P-384', 'secp384r1'],
  ['TLSv1.3', 'X25519', 'X25519'],
  ['TLSv1.2', 'P-521', 'secp521r1'],
  ['TLSv1.2', 'X25519', 'X25519'],
  ['TLSv1.3', 'P-256', 'secp256r1'],
  ['TLSv1.2', 'prime256v1', 'secp256r1'],
  ['TLSv1.3', 'X25519MLKEM768', 'X25519MLKEM768'],
] as const) {
  test(`the group of the key exchange is named, also once the connection is closed (${maxVersion}, ${ecdhCurve})`, async (t) => {
    if (ecdhCurve === 'X25519MLKEM768' && nodeMajor < 24) return t.skip('Node 22 does not name hybrid groups')
    await using server = await startHttpsServer({
      cert: pairs[0].chain,
      key: pairs[0].key,
      maxVersion,
      ecdhCurve,
      handler: (_request, response) => response.setHeader('connection', 'close').end(),
    })
    await using session = new Session({ verify: authority.certificate })
    const { tls } = await session.get(server.url)
    assert.equal(tls?.group, expected)
    assert.equal(JSON.parse(JSON.stringify(tls)).group, expected)
    // A resumed session of TLS 1.2 has the group that it was made with; TLS 1.3 exchanges keys again.
    const resumed = (await session.get(server.url)).tls
    assert.equal(server.sessionsReused, 1)
    const isNamed = maxVersion === 'TLSv1.3' || nodeMajor >= 24
    assert.equal(resumed?.group, isNamed ? expected : undefined)
  })
}
