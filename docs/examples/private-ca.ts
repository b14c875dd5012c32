/**
 * A private CA and two servers that it vouches for: `node docs/examples/private-ca.ts`.
 *
 * Clients have one file, the authority's certificate. It is made once; servers come and go.
 */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Session, SSLError } from 'vouch'
import { type CertificatePair, createCA, createSelfSignedCert, loadCA } from 'vouch/certs'

const folder = mkdtempSync(join(tmpdir(), 'vouch-private-ca-'))
const [certFile, keyFile] = [join(folder, 'team-ca.pem'), join(folder, 'team-ca.key')]
const passphrase = 'in a program of yours: from the environment'
const servers: Server[] = []

// Once, by whoever keeps the key.
await createCA(certFile, keyFile, { commonName: 'Team CA', passphrase })

// For each server. The key of the authority is needed for this and for nothing else.
const ca = await loadCA(certFile, keyFile, { passphrase })
const users = await serve('users', await ca.issue(['localhost', '127.0.0.1'], { days: 90 }))
const orders = await serve('orders', await ca.issue(['localhost', '127.0.0.1'], { days: 90 }))
const stranger = await serve('stranger', await createSelfSignedCert(null, null, '127.0.0.1'))

// Everybody else: the path of the certificate.
const session = new Session({ verify: certFile, trustEnv: false })
for (const url of [users, orders, stranger]) {
  try {
    const response = await session.get(url)
    console.log(`✓ ${response.text}, with a certificate that ${response.tls?.peerCertificate?.issuer} issued`)
  } catch (error) {
    if (!(error instanceof SSLError)) throw error
    console.log(`✗ ${error.reason}: ${error.findings[0] ?? error.summary}`)
  }
}

await session.close()
for (const server of servers) server.close()
rmSync(folder, { recursive: true })

/** A server on a free port of loopback; returns its URL. */
async function serve(name: string, pair: CertificatePair): Promise<string> {
  const server = createServer(pair, (_request, response) => response.end(name)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  servers.push(server)
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}/`
}
