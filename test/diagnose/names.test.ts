/** Certificates of other hosts, and names in them that no host can match: what is said is true, and leads out. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConnectionError, get, HTTPAdapter, Session, SSLError } from '../../src/index.ts'
import { CA_EXTENSIONS, certify } from '../helpers/openssl-pki.ts'
import { startHttpsServer } from '../helpers/servers.ts'

interface Mismatch {
  /** As openssl.cnf writes it. */
  readonly names: string
  readonly host: string
  readonly says: readonly RegExp[]
  readonly never?: RegExp
  /** The names of the certificate that the owner is told to have issued. */
  readonly issued?: string
}

const root = certify({ subject: '/CN=Team CA', extensions: CA_EXTENSIONS })
const NONE = /the certificate is for no host \(no name in its subjectAltName is valid\)/
const LISTED = /a name that the certificate lists/

const MISMATCHES: readonly Mismatch[] = [
  {
    names: 'DNS:127.0.0.1',
    host: '127.0.0.1',
    says: [
      NONE,
      /'127\.0\.0\.1' is an address in a dNSName/,
      /its owner must .* as an iPAddress entry \(IP:, not DNS:\)/,
    ],
    never: LISTED,
    issued: 'IP:127.0.0.1',
  },
  {
    names: 'DNS:[127.0.0.1]',
    host: '127.0.0.1',
    says: [NONE, /is an address in a dNSName/],
    never: LISTED,
    issued: 'IP:127.0.0.1',
  },
  {
    names: 'DNS:127.0.0.1,DNS:localhost',
    host: '127.0.0.1',
    says: [/the certificate is for localhost$/m, /is an address in a dNSName/, /use the URL https:\/\/localhost:\d+/],
    never: /is for 127/,
  },
  {
    names: 'DNS:localhost.',
    host: 'localhost',
    says: [NONE, /'localhost\.' ends with a dot/, /its owner must have it issued again/],
    never: LISTED,
    issued: 'DNS:localhost',
  },
  {
    names: 'DNS:https\\://localhost',
    host: 'localhost',
    says: [NONE, /'https:\/\/localhost' is not a host name: it has a scheme/],
    never: LISTED,
    issued: 'DNS:localhost',
  },
  {
    names: 'DNS:localhost\\:8443',
    host: 'localhost',
    says: [NONE, /'localhost:8443' is not a host name/],
    never: LISTED,
    issued: 'DNS:localhost',
  },
  {
    names: 'DNS:*',
    host: 'localhost',
    says: [NONE, /'\*' matches no host/],
    never: LISTED,
    issued: 'DNS:localhost',
  },
  {
    names: 'DNS:*.localhost',
    host: 'localhost',
    says: [NONE, /'\*\.localhost' matches no host/],
    never: /stands for exactly one label|a name that the certificate lists/,
    issued: 'DNS:localhost',
  },
  {
    names: 'IP:::1',
    host: '127.0.0.1',
    says: [/the certificate is for ::1$/m, LISTED],
    never: /use the URL https/,
  },
]

for (const { names, host, says, never, issued } of MISMATCHES) {
  test(`a certificate with ${names}, asked for as ${host}`, async () => {
    await using server = await startWith(names)
    const url = `https://${host}:${server.port}/`
    const error = await get(url, { verify: root.certificate }).catch((reason: unknown) => reason)
    assert(error instanceof SSLError && error.reason === 'hostname-mismatch', String(error))
    for (const words of says) assert.match(error.message, words)
    if (never) assert.doesNotMatch(error.message, never)
    const [, ask] = /use the URL (https:\S+)/.exec(error.message) ?? []
    if (ask) assert.equal((await get(ask, { verify: root.certificate })).statusCode, 200)
    if (issued === undefined) return
    await using again = await startWith(issued)
    assert.equal((await get(`https://${host}:${again.port}/`, { verify: root.certificate })).statusCode, 200)
  })
}

test('a host with a dot at its end is verified without it, and a name that does not resolve is asked about', async () => {
  await using server = await startWith('DNS:localhost')
  await using session = new Session({ verify: root.certificate })
  const address = `localhost.:${server.port}`
  session.mount('https://', new HTTPAdapter({ connectTo: { [address]: `127.0.0.1:${server.port}` } }))
  assert.equal((await session.get(`https://${address}/`)).statusCode, 200)
  const error = await get('https://no-such-host.invalid.:1/').catch((reason: unknown) => reason)
  assert(error instanceof ConnectionError, String(error))
  assert.match(error.message, /does not resolve.*; try it without the dot at its end/)
})

function startWith(names: string) {
  const { certificate, key } = certify({ issuer: root, extensions: [`subjectAltName=${names}`] })
  return startHttpsServer({ key, cert: certificate })
}
