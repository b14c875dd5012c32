/** I2: `verify: true`, a path or a bundle can never end up unverified. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createServer } from 'node:tls'
import { CABundleError, get, post, Request, Session, SSLError, type Verify } from '../../src/index.ts'
import { expectWarnings, withEnv } from '../helpers/environment.ts'
import { moduleUrl } from '../helpers/modules.ts'
import { createAuthority, selfSigned } from '../helpers/pki.ts'
import { outputOfScript } from '../helpers/processes.ts'
import { startHttpsServer } from '../helpers/servers.ts'
import { startServer } from '../helpers/tcp.ts'
import { tempDir } from '../helpers/temp.ts'

const authority = createAuthority()
const stranger = createAuthority({ commonName: 'Stranger' })

function startUntrusted() {
  const { chain, key } = authority.issue()
  return startHttpsServer({ cert: chain, key })
}

test('NODE_TLS_REJECT_UNAUTHORIZED=0 changes nothing, set at start or later', async () => {
  await using server = await startUntrusted()
  const script = `
    const { get } = await import('${moduleUrl('index')}')
    for (const verify of [undefined, true, ${JSON.stringify(stranger.certificate)}]) {
      await get(${JSON.stringify(server.url)}, { verify }).then(() => console.log('ACCEPTED'), (error) => console.log(error.name))
    }
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'
    await get(${JSON.stringify(server.url)}).then(() => console.log('ACCEPTED'), (error) => console.log(error.name))
  `
  const stdout = await outputOfScript(script, { env: { NODE_TLS_REJECT_UNAUTHORIZED: '0' } })
  assert.deepEqual(stdout.trim().split('\n'), ['SSLError', 'SSLError', 'SSLError', 'SSLError'])
  assert.equal(server.requests, 0)
})

test('not one byte of a request reaches a server that is not trusted', async () => {
  const { chain, key } = authority.issue()
  for (const maxVersion of ['TLSv1.3', 'TLSv1.2'] as const) {
    let received = 0
    const listener = createServer({ cert: chain, key, maxVersion }, (socket) => {
      socket.on('data', (chunk) => {
        received += chunk.length
      })
      socket.on('error', () => {})
    })
    const server = await startServer(listener)
    const url = `https://localhost:${server.port}/`
    const options = { verify: stranger.certificate, data: 'secret'.repeat(10_000), auth: ['user', 'password'] } as const
    await Promise.all(Array.from({ length: 20 }, () => assert.rejects(post(url, options), SSLError)))
    await server.close()
    assert.equal(received, 0)
  }
})

test('only the boolean false switches verification off, whatever else might look like it', async () => {
  await using server = await startUntrusted()
  using dir = tempDir()
  const values: unknown[] = [
    ...['', ' ', '0', 'false', 'no', 'none', dir.write('empty.pem', ''), dir.write('junk.pem', 'junk')],
    ...[Buffer.alloc(0), new Uint8Array(), [], [[]], Buffer.from('junk'), {}, { verify: false }],
    ...[0, 1, Number.NaN, 0n, Symbol('false'), () => false, new Boolean(false), new Date(0), new Map()],
  ]
  for (const verify of values as Verify[]) {
    const outcome = await get(server.url, { verify }).then(
      () => 'accepted',
      (error) => error,
    )
    assert(
      outcome instanceof CABundleError || outcome instanceof TypeError,
      `verify: ${String(verify)} must be refused, got ${String(outcome)}`,
    )
    await using session = new Session()
    const assigned = async () => {
      session.verify = verify
      await session.get(server.url)
    }
    await assert.rejects(assigned, `session.verify = ${String(verify)}`)
  }
  assert.equal(server.connections, 0, 'refused before anything is sent')
})

test('nothing but a bundle in the environment decides, and an empty variable is none', async () => {
  await using server = await startUntrusted()
  using dir = tempDir()
  const good = dir.write('good.pem', authority.certificate)
  const empty = dir.write('empty.pem', '')
  await withEnv({ REQUESTS_CA_BUNDLE: '', CURL_CA_BUNDLE: '' }, () => assert.rejects(get(server.url), SSLError))
  for (const name of ['SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS', 'requests_ca_bundle', 'AWS_CA_BUNDLE']) {
    await withEnv({ [name]: good }, () => assert.rejects(get(server.url), SSLError, name))
  }
  for (const bundle of ['False', '0', '~/good.pem', `${good}:${good}`, empty]) {
    await withEnv({ REQUESTS_CA_BUNDLE: bundle }, () => assert.rejects(get(server.url), CABundleError, bundle))
  }
  await withEnv({ REQUESTS_CA_BUNDLE: '', CURL_CA_BUNDLE: good }, async () => assert((await get(server.url)).ok))
})

test('what a call trusts overrides the environment, whichever of the two would accept', async () => {
  await using server = await startUntrusted()
  using dir = tempDir()
  const good = dir.write('good.pem', authority.certificate)
  const bad = dir.write('bad.pem', stranger.certificate)
  await withEnv({ REQUESTS_CA_BUNDLE: good }, () => assert.rejects(get(server.url, { verify: bad }), SSLError))
  await withEnv({ REQUESTS_CA_BUNDLE: bad }, async () => assert((await get(server.url, { verify: good })).ok))
})

test('a certificate can be trusted by itself, and no other of the same authority is trusted with it', async () => {
  const [one, other] = [authority.issue(), authority.issue()]
  for (const { chain, key } of [one, other]) {
    await using server = await startHttpsServer({ cert: chain, key })
    const outcome = await get(server.url, { verify: one.certificate }).then(
      ({ statusCode }) => statusCode,
      ({ name }: Error) => name,
    )
    assert.equal(outcome, key === one.key ? 200 : 'SSLError')
  }
})

test('session.verify of null or undefined means the default roots', async () => {
  await using server = await startUntrusted()
  for (const verify of [null, undefined] as unknown as null[]) {
    await using session = new Session()
    session.verify = verify
    await assert.rejects(session.get(server.url), SSLError)
    await assert.rejects(session.send(session.prepareRequest(request(server.url)), { verify: null }), SSLError)
  }
})

test('a certificate that is trusted counts for its names only, not for the common name or the Host header', async () => {
  for (const hosts of [['other.test'], []]) {
    const other = selfSigned({ hosts, commonName: 'localhost' })
    await using server = await startHttpsServer({ cert: other.chain, key: other.key })
    for (const headers of [{}, { Host: 'other.test' }]) {
      await assert.rejects(get(server.url, { verify: other.certificate, headers }), { reason: 'hostname-mismatch' })
    }
    assert.equal(server.requests, 0)
  }
})

test('verify: false accepts anything, says so once, and is seen in response.tls', async () => {
  const expired = selfSigned({ hosts: ['other.test'], notAfter: new Date(Date.now() - 1000) })
  await using server = await startHttpsServer({ cert: expired.chain, key: expired.key })
  const warnings = await expectWarnings('InsecureRequestWarning', async () => {
    const response = await get(server.url, { verify: false })
    await get(server.url, { verify: false })
    assert.equal(response.tls?.verified, false)
    assert.equal(response.tls?.peerCertificate?.subject, 'CN=other.test')
  })
  assert.equal(warnings.length, 1)
  assert.match(warnings[0]?.message ?? '', /'localhost'/)
})

function request(url: string): Request {
  return new Request('GET', url)
}
