/** Certificates whose bytes were changed in transit: an error, whichever byte it is, and never the end of the process. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { connect } from 'node:net'
import { test } from 'node:test'
import { createServer } from 'node:tls'
import { fetchCert } from '../../src/certs/index.ts'
import { explain, get, RequestException, SSLError } from '../../src/index.ts'
import { toPem } from '../../src/x509/pem.ts'
import { createAuthority, toDer } from '../helpers/pki.ts'
import { startServer, startTcpServer } from '../helpers/tcp.ts'

const root = createAuthority()
const intermediate = root.intermediate()
const leaf = intermediate.issue({ hosts: ['localhost'] })
const pin = `sha256:${new X509Certificate(leaf.certificate).fingerprint256}`
const [LEAF, INTERMEDIATE] = [toDer(leaf.certificate), toDer(intermediate.certificate)]

/** A server of TLS 1.2, which sends its certificates in the clear, behind one that changes a byte of them. */
async function startDamaged() {
  const secure = createServer({ cert: leaf.chain, key: leaf.key, maxVersion: 'TLSv1.2' }, (socket) =>
    socket.on('error', () => {}).end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'),
  )
  const server = await startServer(secure)
  const damage = { certificate: LEAF, at: 0, bits: 0 }
  const relay = await startTcpServer((client) => {
    const upstream = connect(server.port, '127.0.0.1')
    client.on('data', (data) => upstream.write(data)).on('close', () => upstream.destroy())
    upstream.on('error', () => client.destroy()).on('close', () => client.end())
    upstream.on('data', (data) => {
      const start = data.indexOf(damage.certificate)
      if (start !== -1) data.writeUInt8(data.readUInt8(start + damage.at) ^ damage.bits, start + damage.at)
      client.write(data)
    })
  })
  return {
    damage,
    url: `https://localhost:${relay.port}/`,
    [Symbol.asyncDispose]: async () => {
      await relay.close()
      await server.close()
    },
  }
}

test('a server whose certificate has a key that cannot be decoded is refused, also by pins', async () => {
  await using server = await startDamaged()
  // In the identifier of the key's algorithm.
  const at = LEAF.indexOf(Buffer.from('06072a8648ce3d0201', 'hex')) + 3
  Object.assign(server.damage, { at, bits: 0x20 })
  const refused = async (verify: string): Promise<SSLError> =>
    get(server.url, { verify }).then(
      () => assert.fail('it was accepted'),
      (error) => {
        assert(error instanceof SSLError, String(error))
        return error
      },
    )
  const unreadable = await refused(root.certificate)
  assert.equal(unreadable.reason, 'protocol')
  assert.match(unreadable.message, /^what the server sent in the handshake cannot be read \(decode error\)/)
  assert.match(unreadable.message, /its certificate may be damaged/)
  assert.equal((await refused(pin)).reason, 'pin-mismatch')
  assert.equal((await explain(server.url, { verify: pin })).reason, 'pin-mismatch')
  assert.equal((await fetchCert(server.url))[0].keyType, 'unknown')
  // Pinned as it arrives, it is of no use: no handshake can be made with it.
  const damaged = Buffer.from(LEAF)
  damaged.writeUInt8(damaged.readUInt8(at) ^ 0x20, at)
  const itsPin = `sha256:${new X509Certificate(damaged).fingerprint256}`
  assert.match((await refused(itsPin)).message, /cannot be read[\s\S]*the certificate matches the pin/)
  // Trusted, it is compared with the one that is presented.
  server.damage.bits = 0
  assert.equal((await refused(toPem('CERTIFICATE', damaged))).reason, 'unknown-ca')
  for (const verify of [root.certificate, pin]) assert.equal((await get(server.url, { verify })).statusCode, 200)
})

test('no byte of a certificate that is changed in transit ends the process, or is accepted', async () => {
  await using server = await startDamaged()
  const ways = [
    () => get(server.url, { verify: pin }),
    () => get(server.url, { verify: root.certificate }),
    () => explain(server.url, { verify: pin }).then(({ ok }) => assert.equal(ok, false)),
    () => fetchCert(server.url),
  ]
  for (let at = 0; at < LEAF.length; at++) {
    Object.assign(server.damage, { at, bits: 0x20 })
    const [pinned, verified, explained, fetched] = await Promise.allSettled(ways.map((way) => way()))
    for (const refused of [pinned, verified]) assert.equal(refused?.status, 'rejected', `byte ${at} was changed`)
    assert.equal(explained?.status, 'fulfilled', `byte ${at}`)
    for (const outcome of [pinned, verified, fetched])
      if (outcome?.status === 'rejected') assert(outcome.reason instanceof RequestException, String(outcome.reason))
  }
  // What is presented above it is of no account for a pin, and not decoded by it.
  for (let at = 0; at < INTERMEDIATE.length; at += 3) {
    Object.assign(server.damage, { certificate: INTERMEDIATE, at, bits: 0x20 })
    const [, verified, explained] = await Promise.allSettled(ways.slice(0, 3).map((way) => way().catch(() => {})))
    assert.deepEqual([verified?.status, explained?.status], ['fulfilled', 'fulfilled'])
  }
})
