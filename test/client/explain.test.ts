import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { CABundle, ConnectionError, ConnectTimeout, explain, InvalidSchema, ProxyError } from '../../src/index.ts'
import { authority, leaf, twin, utcTime } from '../conformance/limbo/forge.ts'
import { withEnv } from '../helpers/environment.ts'
import { createAuthority, selfSigned } from '../helpers/pki.ts'
import { startProxy } from '../helpers/proxy.ts'
import { startHttpsServer } from '../helpers/servers.ts'
import { startSilentServer } from '../helpers/tcp.ts'
import { tempDir } from '../helpers/temp.ts'

const root = createAuthority({ commonName: 'Root CA' })
const middle = root.intermediate({ commonName: 'Middle CA' })
const pair = middle.issue({ hosts: ['localhost', '127.0.0.1'] })
const start = () => startHttpsServer({ cert: pair.chain, key: pair.key })

test('a server that is trusted: what vouches for it, from which file, by whose word, for how long', async () => {
  await using server = await start()
  using dir = tempDir()
  const path = dir.write('team.pem', root.certificate)
  const explanation = await explain(server.url, { verify: [dir.write('other.pem', selfSigned().certificate), path] })
  assert.deepEqual([explanation.ok, explanation.reason, explanation.findings, explanation.hints], [true, null, [], []])
  assert.equal(explanation.anchor?.subject, 'CN=Root CA')
  assert.equal(explanation.anchor?.path, path)
  assert.deepEqual(
    explanation.chain.slice(0, 2).map(({ subject }) => subject),
    ['CN=localhost', 'CN=Middle CA'],
  )
  assert.match(explanation.protocol ?? '', /^TLSv1\.3$/)
  assert.equal(server.requests, 0)
  const story = String(explanation)
  assert.match(
    story,
    new RegExp(
      [
        `^https://localhost:${server.port} is trusted\n`,
        '  CN=localhost, issued by CN=Middle CA, for localhost, 127\\.0\\.0\\.1',
        '  └─ CN=Middle CA, issued by CN=Root CA',
        '     └─ CN=Root CA, self-signed  ✓ trusted\n',
        '  valid      \\S+ to \\S+, 29 days left',
        '  SHA-256    [0-9A-F:]{95}',
        '  trusted    2 certificates \\(verify of the call\\)',
        '  by         .*/team\\.pem',
        '  protocol   TLSv1\\.3, TLS_\\w+$',
      ].join('\n'),
    ),
  )
  const json = JSON.parse(JSON.stringify(explanation))
  assert.deepEqual(
    [json.ok, json.host, json.port, json.chain[0].hosts],
    [true, 'localhost', server.port, ['localhost', '127.0.0.1']],
  )
  assert.doesNotMatch(JSON.stringify(json) + inspect(explanation, { depth: 9 }), /PRIVATE/)
})

test('a pinned certificate vouches for itself', async () => {
  const { certificate, key } = selfSigned()
  await using server = await startHttpsServer({ cert: certificate, key })
  const explanation = await explain(server.url, { verify: certificate })
  assert.equal(explanation.anchor?.fingerprint, explanation.chain[0]?.fingerprint)
  assert.match(String(explanation), /CN=localhost, self-signed, for localhost {2}✓ trusted\n\n/)
})

test('a server that sends its authority cross-signed by one that is not trusted is vouched for by the one that is', async () => {
  const trusted = authority()
  const server = leaf(trusted)
  await using running = await startHttpsServer({
    key: server.key.export({ type: 'pkcs8', format: 'pem' }),
    cert: server.pem + twin(trusted, authority()).pem,
  })
  const explanation = await explain(running.url, { verify: trusted.pem })
  assert.equal(explanation.anchor?.fingerprint, new X509Certificate(trusted.pem).fingerprint256)
  assert.match(String(explanation), / is trusted\n/)
})

test('a self-signed certificate that is no authority is a chain of one, trusted or not', async () => {
  const { certificate, key } = selfSigned({ ca: false, keyUsage: ['digitalSignature'] })
  await using server = await startHttpsServer({ cert: certificate, key })
  for (const verify of [certificate, root.certificate]) {
    assert.equal((await explain(server.url, { verify })).chain.length, 1)
  }
})

test('of a certificate whose expiry date cannot be parsed no days are counted', async () => {
  const { pem, key } = leaf(undefined, { to: utcTime('490230000000Z') })
  await using server = await startHttpsServer({ cert: pem, key: key.export({ type: 'pkcs8', format: 'pem' }) })
  assert.match(String(await explain(server.url, { verify: pem })), /^ +valid .* to \(no date\)$/m)
})

test('the environment decides as for a request, unless trustEnv is false', async () => {
  await using server = await start()
  using dir = tempDir()
  const path = dir.write('corp.pem', root.certificate)
  await withEnv({ REQUESTS_CA_BUNDLE: path }, async () => {
    const trusted = await explain(server.url)
    assert.deepEqual([trusted.ok, trusted.trust], [true, { source: 'REQUESTS_CA_BUNDLE', path, certificates: 1 }])
    assert.match(String(trusted), /trusted {4}1 certificate from .*corp\.pem \(REQUESTS_CA_BUNDLE\)/)
    const refused = await explain(server.url, { trustEnv: false })
    assert.deepEqual([refused.ok, refused.trust.source], [false, 'default'])
  })
})

test('verify: false lets everything through, and the story does not call that trusted', async () => {
  await using server = await start()
  const explanation = await explain(server.url, { verify: false })
  assert.deepEqual([explanation.ok, explanation.anchor], [true, null])
  assert.match(String(explanation), /is let through: nothing was verified/)
  assert.doesNotMatch(String(explanation), / is trusted/)
})

test('through a proxy it is the certificate of the origin that is explained', async () => {
  await using server = await start()
  await using proxy = await startProxy()
  const options = { proxies: { https: proxy.url } }
  const trusted = await explain(server.url, { ...options, verify: root.certificate })
  assert.deepEqual([trusted.ok, trusted.anchor?.subject], [true, 'CN=Root CA'])
  const refused = await explain(server.url, { ...options, verify: selfSigned().certificate })
  assert.deepEqual([refused.reason, refused.port], ['unknown-ca', server.port])
})

test('of a proxy that speaks TLS the own certificate is explained where it is what is not trusted', async () => {
  await using server = await start()
  const own = selfSigned({ commonName: 'the proxy' })
  await using proxy = await startProxy({ cert: own.certificate, key: own.key })
  const explanation = await explain(server.url, { proxies: { https: proxy.url }, verify: root.certificate })
  assert.deepEqual([explanation.ok, explanation.reason], [false, 'self-signed'])
  assert.equal(explanation.chain[0]?.subject, 'CN=the proxy')
  assert.equal(String(explanation.port), new URL(proxy.url).port)
})

test('where there is no connection there is nothing to explain: it rejects as a request does', async () => {
  await using server = await start()
  await server.close()
  await assert.rejects(explain(server.url127), ConnectionError)
  await assert.rejects(explain('http://localhost/'), InvalidSchema)
  await assert.rejects(explain(server.url127, { proxies: { all: server.url127 } }), ProxyError)
  await assert.rejects(explain('https://localhost/', { verifi: true } as object), /explain has no option "verifi"/)
})

test('explain rejects in time if the server sends nothing', async () => {
  await using server = await startSilentServer()
  for (const timeout of [100, { total: 100 }, { connect: 60_000, total: 100 }, { connect: 100, total: 60_000 }]) {
    await assert.rejects(explain(`https://127.0.0.1:${server.port}`, { timeout }), ConnectTimeout)
    await assert.rejects(explain(`postgres://127.0.0.1:${server.port}`, { timeout }), ConnectTimeout)
    const proxies = { all: `socks5://127.0.0.1:${server.port}` }
    await assert.rejects(explain('https://localhost:1', { timeout, proxies }), ConnectTimeout)
  }
})

test('what cannot be used as trust or client certificate is explained too', async () => {
  await using server = await start()
  using dir = tempDir()
  const bundle = await explain(server.url, { verify: dir.write('junk.pem', 'junk') })
  assert.deepEqual([bundle.ok, bundle.reason, bundle.chain], [false, 'bad-bundle', []])
  assert.match(bundle.summary, /junk\.pem/)
  const empty = await explain(server.url, { verify: '' })
  assert.equal(empty.reason, 'bad-bundle')
  const cert = await explain(server.url, { verify: root.certificate, cert: dir.join('none.pem') })
  assert.deepEqual([cert.ok, cert.reason], [false, 'client-certificate'])
})

test('what a certificate says cannot forge a line, or speak to the terminal', async () => {
  const evil = 'x\u001b[2J\n  trusted    everything\u202e'
  const { certificate, key } = selfSigned({ hosts: [evil, 'localhost'], commonName: evil })
  await using server = await startHttpsServer({ cert: certificate, key })
  const explanation = await explain(server.url, { verify: CABundle.from(root.certificate) })
  assert.equal(explanation.reason, 'self-signed')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there
  assert.doesNotMatch(String(explanation), /[\u001b\u202e]|^ {2}trusted {4}everything/m)
  assert.match(explanation.chain[0]?.hosts[0] ?? '', /\n/, 'the value itself is as it is')
})

test('a server that closes the connection behind the handshake is said to have accepted it, and perhaps not the client', async () => {
  const clients = createAuthority({ commonName: 'Clients CA' })
  await using server = await startHttpsServer({
    cert: pair.chain,
    key: pair.key,
    ca: clients.certificate,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.3',
  })
  const stranger = root.issue({ hosts: [], commonName: 'ada', extendedKeyUsage: ['clientAuth'] })
  for (const verify of [root.certificate, false] as const) {
    await assert.rejects(explain(server.url, { verify, cert: { cert: stranger.chain, key: stranger.key } }), {
      name: 'ConnectionError',
      message: /in which its certificate was accepted: perhaps it refuses the client's certificate, or asks for one$/,
    })
  }
  const own = clients.issue({ hosts: [], commonName: 'ada', extendedKeyUsage: ['clientAuth'] })
  const explanation = await explain(server.url, {
    verify: root.certificate,
    cert: { cert: own.chain, key: own.key },
  })
  assert.equal(explanation.ok, true)
})
