import './environment.ts'
import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { request } from 'node:https'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { connect, createSecureContext } from 'node:tls'
import { expectWarnings, withEnv } from './environment.ts'
import { openssl } from './openssl.ts'
import {
  type CertificateOptions,
  createAuthority,
  encryptKey,
  rehash,
  selfSigned,
  subjectHash,
  type TestAuthority,
  toDer,
  toPkcs7,
  toPkcs12,
  toTrustedCertificate,
} from './pki.ts'
import { type Echo, type HttpsServerOptions, startHttpServer, startHttpsServer } from './servers.ts'
import { tempDir } from './temp.ts'

/** What `openssl verify` says of a server's chain: OK, or its errors. */
function verdict(root: string, chain: string, ...flags: string[]): string {
  using dir = tempDir()
  const [leaf, rest] = [dir.write('leaf.pem', chain), dir.write('chain.pem', chain)]
  try {
    return (
      openssl(['verify', '-CAfile', dir.write('root.pem', root), '-untrusted', rest, ...flags, leaf])
        .trim()
        .split(': ')[1] ?? ''
    )
  } catch (error) {
    return String(error)
  }
}

const server = ['-x509_strict', '-purpose', 'sslserver', '-verify_hostname', 'localhost']

test('the default certificates satisfy openssl at its strictest', () => {
  const root = createAuthority()
  const intermediate = root.intermediate({ pathLength: 0 })
  assert.equal(verdict(root.certificate, root.issue().chain, ...server), 'OK')
  assert.equal(verdict(root.certificate, intermediate.issue().chain, ...server), 'OK')
  assert.equal(verdict(root.certificate, root.intermediate().intermediate().issue().chain, ...server), 'OK')
  const self = selfSigned()
  assert.equal(verdict(self.certificate, self.chain, ...server), 'OK')
  assert.equal(intermediate.issue().chain.match(/BEGIN CERT/g)?.length, 2)
})

const day = 24 * 60 * 60 * 1000
const past = { notBefore: new Date(Date.now() - 3 * day), notAfter: new Date(Date.now() - day) }
const future = { notBefore: new Date(Date.now() + day) }

const bad: [what: string, authority: CertificateOptions, leaf: CertificateOptions, verdict: RegExp][] = [
  ['expired', {}, past, /certificate has expired/],
  ['not yet valid', {}, future, /certificate is not yet valid/],
  ['under an expired intermediate', past, {}, /certificate has expired/],
  ['for another host', {}, { hosts: ['other.example'] }, /hostname mismatch/],
  ['without names', {}, { hosts: [], commonName: 'elsewhere' }, /hostname mismatch/],
  ['for clients only', {}, { extendedKeyUsage: ['clientAuth'] }, /unsu\w+ certificate purpose/],
  ['under what is no CA', { ca: false }, {}, /invalid CA certificate|CA cert/],
  ['under a CA without basicConstraints', { ca: null, keyUsage: null }, {}, /invalid CA certificate|basicConstraints/],
  ['under a CA that may not sign', { keyUsage: ['digitalSignature'] }, {}, /invalid CA|key usage/i],
  ['without key identifiers', {}, { keyIdentifiers: false }, /Missing Authority Key Identifier/i],
  [
    'outside the permitted names',
    { nameConstraints: { permitted: ['example.com'] } },
    {},
    /permitted subtree violation/,
  ],
  [
    'in the excluded addresses',
    { nameConstraints: { excluded: ['10.0.0.0/8'] } },
    { hosts: ['localhost', '10.1.2.3'] },
    /excluded subtree violation/,
  ],
]

for (const [what, authority, leaf, expected] of bad) {
  test(`a certificate ${what} is refused by openssl for that`, () => {
    const root = createAuthority()
    assert.match(verdict(root.certificate, root.intermediate(authority).issue(leaf).chain, ...server), expected)
  })
}

test('a path length is kept to by openssl', () => {
  const root = createAuthority()
  const chain = root.intermediate({ pathLength: 0 }).intermediate().issue().chain
  assert.match(verdict(root.certificate, chain, ...server), /path length constraint exceeded/)
})

test('two authorities of one name have two keys, and vouch for their own certificates only', () => {
  const [first, second]: TestAuthority[] = [
    createAuthority({ commonName: 'Same' }),
    createAuthority({ commonName: 'Same' }),
  ]
  assert(first && second)
  assert.equal(new X509Certificate(first.certificate).subject, new X509Certificate(second.certificate).subject)
  assert.equal(verdict(first.certificate + second.certificate, second.issue().chain, ...server), 'OK')
  assert.doesNotMatch(verdict(first.certificate, second.issue().chain, ...server), /^OK/)
})

test('every conversion is read back by Node or openssl', () => {
  const root = createAuthority()
  const leaf = root.intermediate().issue()
  assert.equal(
    new X509Certificate(toDer(leaf.certificate)).toString(),
    new X509Certificate(leaf.certificate).toString(),
  )
  assert.match(
    openssl(['pkcs7', '-print_certs'], toPkcs7(leaf.certificate, root.certificate)),
    /(BEGIN CERT[\s\S]+){2}/,
  )
  const trusted = toTrustedCertificate(root.certificate, { reject: ['clientAuth'] })
  assert.match(trusted, /^-----BEGIN TRUSTED CERTIFICATE-----/)
  assert.match(
    openssl(['x509', '-noout', '-text'], trusted),
    /Trusted Uses:\s+TLS Web Server Auth[\s\S]+Rejected Uses:\s+TLS Web Client/,
  )
  createSecureContext({ pfx: toPkcs12(leaf, 'secret'), passphrase: 'secret' })
  for (const form of ['pkcs8', 'traditional'] as const) {
    const encrypted = encryptKey(leaf.key, 'secret', form)
    assert.match(encrypted, form === 'pkcs8' ? /^-----BEGIN ENCRYPTED PRIVATE/ : /^Proc-Type: 4,ENCRYPTED/m)
    assert.equal(
      createPrivateKey({ key: encrypted, passphrase: 'secret' }).export({ type: 'pkcs8', format: 'pem' }),
      leaf.key,
    )
  }
  using dir = tempDir()
  dir.write('root.pem', root.certificate)
  rehash(dir.path)
  assert.deepEqual(readdirSync(dir.path).sort(), [`${subjectHash(root.certificate)}.0`, 'root.pem'])
})

function post(url: string, body: string, options: object): Promise<Echo> {
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/path?q=1`, { method: 'POST', ...options }, (response) => {
      response.setEncoding('utf8')
      let answer = ''
      response.on('data', (chunk: string) => {
        answer += chunk
      })
      response.on('end', () => resolve(JSON.parse(answer) as Echo))
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

const hostOptions: HttpsServerOptions['host'][] = ['127.0.0.1', '::1']

for (const host of hostOptions) {
  test(`a server on ${host} echoes requests and counts`, async () => {
    const root = createAuthority()
    const { key, chain } = root.issue({ hosts: ['localhost', '127.0.0.1', '::1'] })
    await using https = await startHttpsServer({ key, cert: chain, host })
    // The name, since Node 22 looks for an address '::1.' in the certificate.
    const trusting = { ca: root.certificate, servername: 'localhost' }
    // Not every machine has ::1 under the name of localhost.
    for (const url of host === '::1' ? [https.url127, https.url127] : [https.url, https.url127]) {
      const { method, url: path, body } = await post(url, 'hi', { ...trusting, agent: false })
      assert.deepEqual([method, path, body], ['POST', '/path?q=1', 'hi'])
    }
    assert.deepEqual([https.connections, https.requests, https.sessionsReused], [2, 2, 0])
    await assert.rejects(post(https.url127, 'hi', { agent: false }), { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' })
    assert.deepEqual([https.connections, https.requests], [3, 2])
  })
}

test('resumed sessions are counted, and close() ends idle and half-open connections', async () => {
  const { key, certificate } = selfSigned()
  const https = await startHttpsServer({ key, cert: certificate })
  const first = connect({ port: https.port, host: '127.0.0.1', servername: 'localhost', ca: certificate })
  first.resume()
  const [session] = (await once(first, 'session')) as [Buffer]
  const second = connect({ port: https.port, host: '127.0.0.1', servername: 'localhost', ca: certificate, session })
  second.resume()
  await once(second, 'secureConnect')
  // The server's side of the handshake ends a little later.
  for (let wait = 0; wait < 100 && https.sessionsReused === 0; wait++) await setTimeout(10)
  assert.equal(https.sessionsReused, 1)
  const ended = [first, second].map((socket) =>
    once(
      socket.on('error', () => {}),
      'close',
    ),
  )
  await https.close()
  await Promise.all(ended)
  await https.close()
})

test('a server for mutual TLS takes the client certificates of its CA only', async () => {
  const root = createAuthority()
  const { key, chain } = root.issue()
  await using https = await startHttpsServer({ key, cert: chain, ca: root.certificate, requestCert: true })
  const client = root.issue({ hosts: [], commonName: 'client', extendedKeyUsage: ['clientAuth'] })
  const options = { ca: root.certificate, agent: false }
  await post(https.url, '', { ...options, key: client.key, cert: client.chain })
  await assert.rejects(post(https.url, '', options))
  const stranger = selfSigned({ extendedKeyUsage: ['clientAuth'] })
  await assert.rejects(post(https.url, '', { ...options, key: stranger.key, cert: stranger.chain }))
  assert.equal(https.requests, 1)
  assert.equal(https.handshakeErrors.length, 2)
})

test('a handler that throws is a 500, and plain http works the same', async () => {
  await using http = await startHttpServer({
    handler: () => {
      throw new Error('on purpose')
    },
  })
  const response = await fetch(`${http.url127}/`)
  assert.equal(response.status, 500)
  assert.match(await response.text(), /on purpose/)
})

test('the environment is clean, and withEnv sets and puts back', async () => {
  assert.equal(process.env.REQUESTS_CA_BUNDLE, undefined)
  const inside = await withEnv({ REQUESTS_CA_BUNDLE: '/x', HOME: undefined }, async () => [
    process.env.REQUESTS_CA_BUNDLE,
    process.env.HOME,
  ])
  assert.deepEqual(inside, ['/x', undefined])
  assert.equal('REQUESTS_CA_BUNDLE' in process.env, false)
  assert.notEqual(process.env.HOME, undefined)
})

test('expected warnings are returned, and one that does not come is an error', async () => {
  const seen = await expectWarnings('TestWarning', () => {
    process.emitWarning('one', { type: 'TestWarning', code: 'T1' })
    process.emitWarning('two', 'TestWarning')
  })
  assert.deepEqual(
    seen.map(({ name, message, code }) => [name, message, code]),
    [
      ['TestWarning', 'one', 'T1'],
      ['TestWarning', 'two', undefined],
    ],
  )
  await assert.rejects(
    expectWarnings(['TestWarning', 'OtherWarning'], () => process.emitWarning('x', 'TestWarning')),
    /expected a OtherWarning, saw TestWarning: x/,
  )
})
