/** The real servers of Debian's: what the stand-ins of starttls.test.ts do is what these do. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { fetchCert } from '../../src/certs/index.ts'
import type { StartTlsProtocol } from '../../src/core/service.ts'
import { explain } from '../../src/index.ts'
import { startMicrosocks } from '../helpers/debian-proxies.ts'
import {
  startDovecot,
  startExim,
  startMariaDB,
  startMosquitto,
  startPostgres,
  startRedis,
  startSlapd,
} from '../helpers/debian-servers.ts'
import { createAuthority, type TestCertificate } from '../helpers/pki.ts'
import { isRoot } from '../helpers/platform.ts'
import { whyNo } from '../helpers/programs.ts'
import { startProxy } from '../helpers/proxy.ts'
import { REQUESTS } from '../helpers/starttls.ts'
import { startTcpServer } from '../helpers/tcp.ts'

const ca = createAuthority()
const pair = ca.issue({ hosts: ['localhost'] })
const options = { verify: ca.certificate }

/** The ports of a server, by scheme. */
type Ports = { readonly [scheme: string]: number | undefined }
type Start = (pair: TestCertificate | undefined) => Promise<AsyncDisposable & { ports: Ports }>

const running = <T extends AsyncDisposable>(server: T, ports: Ports) => ({
  ports,
  [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
})

const SERVERS: readonly [program: string, start: Start, refusal?: RegExp][] = [
  [
    'postgres',
    async (own) => {
      const server = await startPostgres(own)
      return running(server, { postgres: server.port, postgresql: server.port })
    },
    /answers "N" to an SSLRequest$/,
  ],
  [
    'mariadbd',
    async (own) => {
      const server = await startMariaDB(own)
      return running(server, { mysql: server.port })
    },
    /version ".*MariaDB.*", without CLIENT_SSL$/,
  ],
  [
    'exim4',
    async (own) => {
      const server = await startExim(own)
      return running(server, { smtp: server.port, smtps: server.securePort })
    },
    /offers no STARTTLS: it offers "SIZE /,
  ],
  [
    'dovecot',
    async (own) => {
      const { pop3, ...server } = await startDovecot(own)
      return running(server, { imap: server.port, imaps: server.securePort, pop3: pop3.port, pop3s: pop3.securePort })
    },
    /answers (?:STARTTLS|STLS) with ".*TLS support isn't enabled/,
  ],
  [
    'slapd',
    async (own) => {
      const server = await startSlapd(own)
      return running(server, { ldap: server.port, ldaps: server.securePort })
    },
    /answers with result 2, "unsupported extended operation"$/,
  ],
  [
    'redis-server',
    async (own = pair) => {
      const server = await startRedis(own)
      return running(server, { rediss: server.port, tls: server.port })
    },
  ],
  [
    'mosquitto',
    async (own = pair) => {
      const server = await startMosquitto(own)
      return running(server, { mqtts: server.port })
    },
  ],
]

/** Exim is started by root, or by its own user. */
const whyNotExim = isRoot ? false : 'exim4 is started by root only'

for (const [program, start, refusal] of SERVERS) {
  const skip = whyNo(program) || (program === 'exim4' && whyNotExim)

  test(`${program}: its certificate is verified, directly and through proxies; a stranger's is refused`, {
    skip,
  }, async () => {
    await using proxy = await startProxy()
    await using server = await start(pair)
    for (const [scheme, port] of Object.entries(server.ports)) {
      const url = `${scheme}://ada:s3cret@localhost:${port}/s3cret`
      const explanation = await explain(url, options)
      assert.deepEqual([explanation.ok, explanation.url], [true, `${scheme}://localhost:${port}`], String(explanation))
      assert.equal((await explain(url, { ...options, proxies: { all: proxy.url } })).ok, true)
      assert.equal((await fetchCert(url, { proxies: { all: proxy.url } }))[0].pem, pair.certificate)
      assert.equal((await fetchCert(url))[0].pem, pair.certificate)
      assert.equal((await explain(url, { verify: createAuthority().certificate })).reason, 'unknown-ca')
      assert.equal((await explain(`${scheme}://127.0.0.1:${port}`, options)).reason, 'hostname-mismatch')
    }
  })

  test(`${program}: before the handshake it is sent what the stand-ins are sent`, { skip }, async () => {
    await using server = await start(pair)
    for (const [scheme, port] of Object.entries(server.ports)) {
      const protocol = scheme.replace('postgresql', 'postgres') as StartTlsProtocol
      await using relay = await startRelay(port ?? 0)
      assert.equal((await explain(`${scheme}://localhost:${relay.port}`, options)).ok, true)
      const request = REQUESTS[protocol] ?? ''
      assert.equal(relay.sent.slice(0, request.length + 2), `${request}\x16\x03`)
    }
  })

  if (refusal === undefined) continue
  test(`${program}: without TLS it is refused, with its own words`, { skip }, async () => {
    await using server = await start(undefined)
    for (const [scheme, port] of Object.entries(server.ports)) {
      if (/s$/.test(scheme) || port === undefined) continue
      const { reason, summary } = await explain(`${scheme}://localhost:${port}`, options)
      assert.equal(reason, 'not-tls')
      assert.match(summary, refusal)
    }
  })
}

test('microsocks: a greeting that follows its reply at once is not lost', {
  skip: whyNo('microsocks') || whyNo('dovecot'),
}, async () => {
  await using proxy = await startMicrosocks()
  await using server = await startDovecot(pair)
  const proxies = { all: `socks5h://127.0.0.1:${proxy.port}` }
  for (const url of [`imap://localhost:${server.port}`, `pop3://localhost:${server.pop3.port}`]) {
    assert.equal((await explain(url, { ...options, proxies })).ok, true)
    assert.equal((await fetchCert(url, { proxies }))[0].pem, pair.certificate)
  }
})

/** Passes everything on, and remembers what the client sent. */
async function startRelay(port: number): Promise<AsyncDisposable & { readonly port: number; readonly sent: string }> {
  let sent = ''
  const relay = await startTcpServer((client) => {
    const server = connect(port, '127.0.0.1')
    client
      .on('close', () => server.destroy())
      .on('data', (data) => {
        sent += data.toString('latin1')
      })
    server.on('error', () => client.destroy())
    client.pipe(server).pipe(client)
  })
  return {
    port: relay.port,
    get sent() {
      return sent
    },
    [Symbol.asyncDispose]: relay.close,
  }
}
