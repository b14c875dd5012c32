/**
 * A server and its clients, while the certificate between them is renewed: `node docs/examples/renewal.ts`.
 *
 * The server watches its pair of files, the clients trust the same certificate by its path, and neither is restarted. What
 * is due once a year is done here five times in a few seconds, under load. No request is lost.
 */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Session } from 'vouch'
import { createSelfSignedCert, ensureSelfSignedCert, watchCert } from 'vouch/certs'

const RENEWALS = 5
const CLIENTS = 20

const folder = mkdtempSync(join(tmpdir(), 'vouch-renewal-'))
const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
const hosts = ['localhost', '127.0.0.1']

// The server: it takes over what is put in place of its files.
const pair = await ensureSelfSignedCert(certFile, keyFile, hosts)
const server = createServer(pair, (_request, response) => response.end('hello')).listen(0, '127.0.0.1')
await once(server, 'listening')
const watch = watchCert(server, certFile, keyFile, {
  onReload: ({ fingerprint }) => console.log('server   took over', short(fingerprint)),
})

// The clients: they trust whatever the file holds. Only the path is known to them.
const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`
const session = new Session({ verify: certFile, trustEnv: false })
const counts = { answered: 0, lost: 0 }
const presented = new Set<string>()
let running = true
const clients = Array.from({ length: CLIENTS }, client)

// Whoever renews: the server's own program, a crontab, another container.
for (let renewal = 1; renewal <= RENEWALS; renewal++) {
  await delay(200)
  // `ensureSelfSignedCert` would wait until it ends within 30 days.
  const { fingerprint } = await createSelfSignedCert(certFile, keyFile, hosts, { overwrite: true })
  console.log('file     has now  ', short(fingerprint))
  while (watch.certificate.fingerprint !== fingerprint || !presented.has(fingerprint)) await delay(20)
}
running = false
await Promise.all(clients)
console.log(`clients  ${counts.answered} requests answered, ${counts.lost} lost; ${presented.size} certificates seen`)

await session.close()
server.close()
rmSync(folder, { recursive: true })

async function client(): Promise<void> {
  while (running) {
    try {
      const response = await session.get(url)
      presented.add(response.raiseForStatus().tls?.peerCertificate?.fingerprint256 ?? '')
      counts.answered++
    } catch (error) {
      counts.lost++
      console.error(error)
    }
  }
}

function short(fingerprint: string): string {
  return `${fingerprint.slice(0, 11)}…`
}
