/**
 * A CA of a team's own, a server that lets in its clients only, and who gets in: `node docs/examples/mutual-tls.ts`.
 *
 * The CA signs the server's certificate and the client's. The client trusts the CA, the server asks for a certificate of it.
 */
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { Session, SSLError } from 'vouch'
import { createCA } from 'vouch/certs'

// In memory; with two paths instead of null the CA is kept, its key readable by its owner only.
const ca = await createCA(null, null, { commonName: 'Team CA' })
const { cert, key } = await ca.issue(['localhost', '127.0.0.1'])
const client = await ca.issueClient('ada')

const options = { cert, key, ca: ca.cert, requestCert: true, rejectUnauthorized: true }
const server = createServer(options, (request, response) => {
  const { subject } = (request.socket as TLSSocket).getPeerCertificate()
  response.end(`hello ${subject.CN}`)
}).listen(0, '127.0.0.1')
await once(server, 'listening')
const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`

const session = new Session({ verify: ca.cert, trustEnv: false })
console.log('with its certificate   ', (await session.get(url, { cert: client })).text)
console.log('without one            ', await session.get(url).catch(reasonOf))
console.log('without trust in the CA', await session.get(url, { cert: client, verify: true }).catch(reasonOf))
await session.close()
server.close()

function reasonOf(error: unknown): string {
  if (error instanceof SSLError) return `refused: ${error.reason}`
  throw error
}
