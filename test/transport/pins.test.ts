/** Servers known by pins, on real connections: what is verified, how often is connected, and what reaches another server. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import https from 'node:https'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import type { SecureVersion } from 'node:tls'
import { explain, fetch, get, HTTPAdapter, Session, SSLError, tlsOptions, trustedAgent } from '../../src/index.ts'
import { openssl } from '../helpers/openssl.ts'
import { createAuthority, selfSigned, type TestCertificate } from '../helpers/pki.ts'
import { startProxy } from '../helpers/proxy.ts'
import { startHttpServer, startHttpsServer } from '../helpers/servers.ts'
import { SCRIPTS, startStandIn } from '../helpers/starttls.ts'
import { startSilentServer, startTcpServer } from '../helpers/tcp.ts'
import { tempDir } from '../helpers/temp.ts'

const device = selfSigned({ hosts: ['unifi.local'] })
const impostor = selfSigned({ hosts: ['unifi.local', '127.0.0.1', 'localhost'] })
const renewed = selfSigned({ hosts: ['unifi.local'], key: device.key, notAfter: new Date(Date.now() + 4e9) })
const ca = createAuthority()

const pinOf = ({ certificate }: TestCertificate) => `sha256:${new X509Certificate(certificate).fingerprint256}`
const keyPinOf = ({ certificate }: TestCertificate) => {
  const key = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' })
  return `sha256//${createHash('sha256').update(key).digest('base64')}`
}
const serve = (pair: TestCertificate, options: Partial<Parameters<typeof startHttpsServer>[0]> = {}) =>
  startHttpsServer({ key: pair.key, cert: pair.chain || pair.certificate, ...options })
const mismatch = { name: 'SSLError', reason: 'pin-mismatch', code: 'ERR_PIN_MISMATCH' }

test('a server costs one handshake more at first, and connections are pooled as ever', async () => {
  await using server = await serve(device)
  await using session = new Session({ trustEnv: false, verify: pinOf(device) })
  for (let round = 0; round < 3; round++) {
    const outcome = await session.get(server.url127).then(
      ({ statusCode }) => statusCode,
      ({ reason }: SSLError) => reason,
    )
    assert.equal(outcome, 200)
  }
  assert.deepEqual([server.connections, server.requests], [2, 3])
})

test('24 requests at once on a cold session share the first handshake', async () => {
  await using server = await serve(device)
  await using session = new Session({ trustEnv: false, verify: keyPinOf(device) })
  const responses = await Promise.all(Array.from({ length: 24 }, () => session.get(server.url127)))
  assert(responses.every(({ statusCode, tls }) => statusCode === 200 && tls?.verified))
  assert.deepEqual([server.connections, server.requests], [25, 24])
})

test('a TLS session is resumed under the same pin', async () => {
  const handler = (_: unknown, response: { setHeader(name: string, value: string): { end(): void } }) =>
    response.setHeader('connection', 'close').end()
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    await using server = await serve(device, { maxVersion, handler: handler as never })
    await using session = new Session({ trustEnv: false, verify: pinOf(device) })
    for (let round = 0; round < 3; round++) {
      const { tls } = await session.get(server.url127)
      assert.equal(tls?.peerCertificate?.raw.equals(new X509Certificate(device.certificate).raw), true)
    }
    assert.equal(server.sessionsReused, 2, maxVersion)
    await assert.rejects(session.get(server.url127, { verify: pinOf(impostor) }), mismatch)
  }
})

/** A server, the pins that match it, and pins that do not. */
interface Row {
  readonly name: string
  readonly pair: TestCertificate
  readonly right: readonly string[]
  readonly wrong: readonly string[]
}

const issued = ca.intermediate().issue({ hosts: ['box.lan'] })
const ROWS: readonly Row[] = [
  { name: 'a device', pair: device, right: [pinOf(device), keyPinOf(device)], wrong: [pinOf(impostor)] },
  {
    name: 'an impostor of the same name',
    pair: impostor,
    right: [pinOf(impostor), keyPinOf(impostor)],
    wrong: [pinOf(device), keyPinOf(device)],
  },
  {
    name: 'another certificate of the same key',
    pair: renewed,
    right: [pinOf(renewed), keyPinOf(device)],
    wrong: [pinOf(device)],
  },
  {
    name: 'a server with a chain',
    pair: issued,
    right: [pinOf(issued), keyPinOf(issued)],
    // The pins of a CA say nothing about the servers below it.
    wrong: [pinOf(device), pinOf(ca), keyPinOf(ca)],
  },
  {
    name: 'a server without its chain',
    pair: { ...issued, chain: issued.certificate },
    right: [pinOf(issued), keyPinOf(issued)],
    wrong: [keyPinOf(device)],
  },
]

for (const version of ['TLSv1.2', 'TLSv1.3'] as readonly SecureVersion[]) {
  test(`each server × each pin × each way, 24 at a time in one session, over ${version}`, {
    timeout: 60_000,
  }, async () => {
    await using proxy = await startProxy()
    await using session = new Session({ trustEnv: false })
    session.mount('https://', new HTTPAdapter({ poolConnections: 100 }))
    using dir = tempDir()
    const bundle = dir.write('ca.pem', ca.certificate)
    const servers = await Promise.all(ROWS.map(({ pair }) => serve(pair, { minVersion: version, maxVersion: version })))
    const cells = servers.flatMap((server, index) => {
      const { name, right, wrong } = ROWS[index] as Row
      const pins = [...right, right, ...wrong, wrong, [...wrong, ...right]]
      return pins.flatMap((pin) =>
        [undefined, proxy.url].map((via) => ({
          server,
          name,
          pin,
          via,
          ok: [pin].flat().some((each) => right.includes(each)),
        })),
      )
    })
    const sent = servers.map(() => 0)
    const verdicts: string[] = []
    const queue = [...cells].sort(() => Math.random() - 0.5)
    await Promise.all(
      Array.from({ length: 24 }, async () => {
        for (let cell = queue.pop(); cell; cell = queue.pop()) {
          const { server, name, pin, via, ok } = cell
          const found = await session
            .get(server.url127, { verify: pin, proxies: via === undefined ? {} : { https: via } })
            .then(
              () => true,
              (error: SSLError) => (error.reason === 'pin-mismatch' ? false : String(error)),
            )
          if (found === true) (sent[servers.indexOf(server)] as number)++
          if (found !== ok) verdicts.push(`${name} × ${pin}: ${found}`)
          // Another trust in the same session, to the same servers.
          await assert.rejects(session.get(server.url127, { verify: bundle }), SSLError)
        }
      }),
    )
    assert.deepEqual(verdicts, [])
    assert.deepEqual(
      servers.map(({ requests }) => requests),
      servers.map((_, index) => sent[index]),
    )
    await Promise.all(servers.map((server) => server.close()))
  })
}

test('an https proxy is never verified by the pin of the origin, nor the origin by the proxy', async () => {
  const { key, certificate: cert } = ca.issue({ hosts: ['localhost'] })
  await using origin = await serve(device)
  await using proxy = await startProxy({ key: device.key, cert: device.certificate })
  await using trusted = await startProxy({ key, cert })
  await using session = new Session({ trustEnv: false, verify: pinOf(device) })
  // The proxy presents the pinned certificate: that is the origin's business only.
  await assert.rejects(session.get(origin.url127, { proxies: { https: proxy.url } }), { name: 'ProxyError' })
  await assert.rejects(session.get('http://127.0.0.1:1/', { proxies: { http: proxy.url } }), { name: 'ProxyError' })
  assert.deepEqual([proxy.tunnels, proxy.forwarded, origin.connections], [[], [], 0])
  using dir = tempDir()
  const { withEnv } = await import('../helpers/environment.ts')
  await withEnv({ REQUESTS_CA_BUNDLE: dir.write('ca.pem', ca.certificate) }, async () => {
    const response = await get(origin.url127, { verify: pinOf(device), proxies: { https: trusted.url } })
    assert.deepEqual(response.tls?.trust, { source: 'call', certificates: 0, pins: 1 })
    await assert.rejects(get(origin.url127, { verify: pinOf(impostor), proxies: { https: trusted.url } }), mismatch)
  })
  // Two handshakes with the origin, one more for the pin that does not match.
  assert.deepEqual([trusted.tunnels.length, origin.requests], [3, 1])
})

test('a server that is replaced by another is refused, and one that is renewed with its key is not', async () => {
  for (const [pin, next, ok] of [
    [pinOf(device), impostor, false],
    [keyPinOf(device), impostor, false],
    [pinOf(device), renewed, false],
    [keyPinOf(device), renewed, true],
    [[pinOf(device), pinOf(renewed)], renewed, true],
  ] as const) {
    await using server = await serve(device)
    await using session = new Session({ trustEnv: false, verify: pin })
    assert.equal((await session.get(server.url127)).statusCode, 200)
    server.server.closeAllConnections()
    ;(server.server as https.Server).setSecureContext({ key: next.key, cert: next.certificate })
    const before = server.requests
    if (ok) assert.equal((await session.get(server.url127)).statusCode, 200)
    else await assert.rejects(session.get(server.url127, { json: { password: 'secret' } }), mismatch)
    assert.equal(server.requests - before, ok ? 1 : 0)
  }
})

test('a pinned certificate that is a CA does not vouch for the certificates that it issues', async () => {
  const box = createAuthority({ hosts: ['box.lan'], extendedKeyUsage: ['serverAuth'] })
  const below = box.issue({ hosts: ['127.0.0.1', 'localhost'] })
  for (const pin of [pinOf(box), keyPinOf(box)]) {
    await using server = await serve({ ...box, chain: box.certificate })
    await using session = new Session({ trustEnv: false, verify: pin })
    assert.equal((await session.get(server.url127)).statusCode, 200)
    server.server.closeAllConnections()
    ;(server.server as https.Server).setSecureContext({ key: below.key, cert: below.certificate + box.certificate })
    await assert.rejects(session.get(server.url127), mismatch)
    await assert.rejects(session.get(server.url), mismatch)
    assert.equal(server.requests, 1)
  }
})

test('a cluster that presents its certificates by turns is reached, if all of them are pinned', async () => {
  const members = [device, impostor, renewed]
  const servers = await Promise.all(members.map((pair) => serve(pair)))
  let turn = 0
  const balancer = await startTcpServer((socket) => {
    const upstream = connect((servers[turn++ % servers.length] as { port: number }).port, '127.0.0.1')
    socket
      .on('error', () => upstream.destroy())
      .pipe(upstream)
      .on('error', () => socket.destroy())
      .pipe(socket)
  })
  const url = `https://127.0.0.1:${balancer.port}/`
  await using session = new Session({ trustEnv: false, verify: members.map(pinOf) })
  const responses = await Promise.all(Array.from({ length: 12 }, () => session.get(url)))
  assert(responses.every(({ statusCode }) => statusCode === 200))
  await session.close()
  await balancer.close()
  await Promise.all(servers.map((server) => server.close()))
})

test('dates count: a pin does not outlive its certificate', async () => {
  const day = 86_400_000
  for (const [reason, pair] of [
    ['expired', selfSigned({ notBefore: new Date(Date.now() - 9 * day), notAfter: new Date(Date.now() - day) })],
    ['not-yet-valid', selfSigned({ notBefore: new Date(Date.now() + day) })],
  ] as const) {
    await using server = await serve(pair)
    for (const verify of [pinOf(pair), keyPinOf(pair)]) {
      const error = await get(server.url, { verify }).then(
        () => assert.fail('accepted'),
        (error: SSLError) => error,
      )
      assert.equal(error.reason, reason)
      assert.deepEqual(error.findings, ['the certificate matches the pin'])
      assert.match(error.hints.join(), /a pin itself does not expire/)
    }
    assert.equal(server.requests, 0)
  }
})

test('a mismatch says what was presented and what is pinned, and never to copy the new one', async () => {
  await using server = await serve(impostor)
  const error = await get(server.url127, { verify: [pinOf(device), keyPinOf(device)] }).then(
    () => assert.fail('accepted'),
    (error: SSLError) => error,
  )
  assert(error instanceof SSLError)
  assert.deepEqual([error.reason, error.code, error.failing], ['pin-mismatch', 'ERR_PIN_MISMATCH', 0])
  assert.equal(error.peerCertificate?.fingerprint256, new X509Certificate(impostor.certificate).fingerprint256)
  assert.deepEqual(error.trust, { source: 'call', certificates: 0, pins: 2 })
  assert.deepEqual(
    error.findings.map((line) => line.replace(/.*: +/, '')),
    [
      pinOf(impostor).slice('sha256:'.length),
      pinOf(device).slice('sha256:'.length),
      keyPinOf(impostor).slice('sha256//'.length),
      keyPinOf(device).slice('sha256//'.length),
    ],
  )
  assert.match(error.message, /ask the server's owner/)
  assert.match(error.message, /do not copy the fingerprint/)
  // Nothing to paste: the presented one is never written as a pin.
  assert.doesNotMatch(error.message, new RegExp(`${pinOf(impostor)}|${keyPinOf(impostor)}`))
  const explanation = await explain(server.url127, { verify: pinOf(device) })
  assert.deepEqual([explanation.ok, explanation.reason, explanation.trust.pins], [false, 'pin-mismatch', 1])
})

test('explain says that a server matches its pin', async () => {
  await using server = await serve(device)
  const explanation = await explain(server.url127, { verify: pinOf(device) })
  assert.deepEqual([explanation.ok, explanation.reason, explanation.anchor?.subject], [true, null, 'CN=unifi.local'])
  assert.equal(explanation.summary, 'the certificate matches a pin')
  assert.match(String(explanation), /CN=unifi\.local.* ✓ trusted\n[\s\S]*trusted {4}1 pin \(verify of the call\)/)
  assert.equal(server.requests, 0)
})

test('other clients verify pins with an agent of ours, and tlsOptions names it', async () => {
  assert.throws(() => tlsOptions(pinOf(device)), { name: 'TypeError', message: /use trustedAgent/ })
  await using server = await serve(device)
  await using wrong = await serve(impostor)
  const agent = trustedAgent({ verify: pinOf(device) })
  const status = (url: string) =>
    new Promise((resolve, reject) => {
      https
        .get(url, { agent, rejectUnauthorized: false, checkServerIdentity: () => undefined }, (response) => {
          response.resume().on('end', () => resolve(response.statusCode))
        })
        .on('error', reject)
    })
  assert.deepEqual(await Promise.all(Array.from({ length: 6 }, () => status(server.url127))), Array(6).fill(200))
  await assert.rejects(status(wrong.url127), mismatch)
  assert.equal(wrong.requests, 0)
  agent.destroy()
})

test('fetch of a session verifies its pin', async () => {
  await using server = await serve(device)
  await using session = new Session({ trustEnv: false, verify: pinOf(device) })
  assert.equal((await session.fetch(server.url127)).status, 200)
  await using other = new Session({ trustEnv: false, verify: pinOf(impostor) })
  await assert.rejects(
    other.fetch(server.url127),
    (error: Error) => (error.cause as SSLError).reason === 'pin-mismatch',
  )
  await assert.rejects(fetch(server.url127), (error: Error) => (error.cause as SSLError).reason === 'self-signed')
})

test('a pin holds across redirects: another server needs to match as well', async () => {
  await using second = await serve(impostor)
  await using first = await serve(device, {
    handler: (_, response) => void response.writeHead(302, { location: second.url127 }).end(),
  })
  await using session = new Session({ trustEnv: false })
  await assert.rejects(session.get(first.url127, { verify: pinOf(device) }), mismatch)
  assert.deepEqual([first.requests, second.requests], [1, 0])
  const { history } = await session.get(first.url127, { verify: [pinOf(device), pinOf(impostor)] })
  assert.equal(history.length, 1)
})

test('a CA certificate of the right name with another key, sent above the pinned one, is what the error is about', async () => {
  const options = { hosts: ['localhost'], keyIdentifiers: false }
  const { certificate, key } = createAuthority({ commonName: 'CA' }).issue(options)
  const other = createAuthority({ commonName: 'CA' }).certificate
  await using server = await serve({ certificate, key, chain: certificate + other })
  const verify = pinOf({ certificate, key, chain: '' })
  await assert.rejects(get(server.url127, { verify }), (error) => {
    assert(error instanceof SSLError)
    assert.match(error.message, /the certificate matches the pin[\s\S]*OpenSSL refuses one of them/)
    assert.match(error.message, /must remove the CA certificates/)
    assert.doesNotMatch(error.message, /trust the CA/)
    return true
  })
  await using alone = await serve({ certificate, key, chain: certificate })
  assert.equal((await get(alone.url127, { verify })).statusCode, 200)
})

const mutual = { ca: ca.certificate, requestCert: true, rejectUnauthorized: true }

for (const version of ['TLSv1.2', 'TLSv1.3'] as readonly SecureVersion[]) {
  test(`a server that requires a client certificate is learned without it, over ${version}`, async () => {
    const client = ca.issue({ hosts: [], commonName: 'ada', extendedKeyUsage: ['clientAuth'] })
    const seen: string[] = []
    const handler = (request: { socket: unknown }, response: { end(): void }) => {
      seen.push(
        (request.socket as { getPeerCertificate(): { subject: { CN: string } } }).getPeerCertificate().subject.CN,
      )
      response.end()
    }
    await using server = await serve(device, {
      ...mutual,
      minVersion: version,
      maxVersion: version,
      handler: handler as never,
    })
    await using session = new Session({ trustEnv: false, cert: { cert: client.chain, key: client.key } })
    await session.get(server.url127, { verify: pinOf(device) })
    assert.deepEqual(seen, ['ada'])
    await assert.rejects(session.get(server.url127, { verify: pinOf(impostor) }), mismatch)
    await assert.rejects(session.get(server.url127, { verify: pinOf(device), cert: null }), {
      name: /SSLError|ConnectionError/,
    })
  })

  test(`a server that matches no pin does not see the client certificate, over ${version}`, async () => {
    const client = ca.issue({ hosts: [], commonName: 'ada', extendedKeyUsage: ['clientAuth'] })
    await using server = await serve(impostor, {
      ...mutual,
      rejectUnauthorized: false,
      minVersion: version,
      maxVersion: version,
    })
    const shown: unknown[] = []
    ;(server.server as https.Server).on('secureConnection', (socket) =>
      shown.push(socket.getPeerCertificate().subject?.CN),
    )
    await using session = new Session({ trustEnv: false, cert: { cert: client.chain, key: client.key } })
    await assert.rejects(session.get(server.url127, { verify: pinOf(device) }), mismatch)
    assert.deepEqual([shown.filter(Boolean), server.requests], [[], 0])
  })
}

test('the connect timeout covers both handshakes together', async () => {
  await using server = await serve(device)
  // The first handshake goes through after a while, the second never begins.
  await using slow = await startTcpServer((socket) => {
    const first = slow.accepted === 1
    setTimeout(() => {
      if (!first) return
      const upstream = connect(server.port, '127.0.0.1')
      socket.pipe(upstream).pipe(socket)
      upstream.on('error', () => socket.destroy())
    }, 200)
  })
  const started = performance.now()
  await using session = new Session({ trustEnv: false, verify: pinOf(device) })
  await assert.rejects(session.get(`https://127.0.0.1:${slow.port}`, { timeout: { connect: 600 } }), {
    name: 'ConnectTimeout',
    message: /connect timeout=600 ms/,
  })
  const took = performance.now() - started
  assert(took > 550 && took < 780, `${took} ms`)
  assert.equal(slow.accepted, 2)
})

test('requests that wait for the first handshake are aborted, time out and end with the session', async () => {
  await using server = await startSilentServer()
  const url = `https://127.0.0.1:${server.port}/`
  await using session = new Session({ trustEnv: false, verify: pinOf(device) })
  const controller = new AbortController()
  const first = session.get(url, { signal: controller.signal })
  const second = session.get(url, { timeout: { connect: 150 } })
  const third = session.get(url, { timeout: { total: 150 } })
  const fourth = session.get(url)
  await Promise.all([assert.rejects(second, { name: 'ConnectTimeout' }), assert.rejects(third, { name: 'Timeout' })])
  assert.equal(server.sockets.size, 1, 'they waited for the first')
  controller.abort(new Error('enough'))
  await assert.rejects(first, { message: 'enough' })
  const aborted = session.get(url, { signal: AbortSignal.timeout(50) })
  await assert.rejects(aborted, { name: 'TimeoutError' })
  const ended = assert.rejects(fourth, { name: 'ConnectionError', message: /session was closed/ })
  await session.close()
  await ended
})

test('with poolBlock a pool opens no more connections than it may', async () => {
  await using server = await serve(device, { handler: (_, response) => void setTimeout(() => response.end(), 5) })
  let open = 0
  let most = 0
  server.server.on('connection', (socket: Socket) => {
    most = Math.max(most, ++open)
    socket.on('close', () => open--)
  })
  await using session = new Session({ trustEnv: false, verify: pinOf(device) })
  session.mount('https://', new HTTPAdapter({ poolMaxsize: 3, poolBlock: true }))
  await Promise.all(Array.from({ length: 24 }, () => session.get(server.url127)))
  assert(most <= 4, `${most} at once: three, and the end of the first handshake`)
  assert.equal(server.requests, 24)
})

test('a port that does not speak TLS, and one where nothing listens, fail as ever', async () => {
  const plain = await startHttpServer()
  const { port } = plain
  await assert.rejects(get(`https://127.0.0.1:${port}`, { verify: pinOf(device) }), { reason: 'not-tls' })
  await plain.close()
  await assert.rejects(get(`https://127.0.0.1:${port}`, { verify: pinOf(device) }), {
    name: 'ConnectionError',
    code: 'ECONNREFUSED',
  })
})

/** Made by openssl: what devices present. */
const DEVICES: readonly [what: string, args: readonly string[], reason?: string][] = [
  ['without any extension but those of openssl', ['-newkey', 'rsa:2048']],
  ['of RSA with 1024 bits', ['-newkey', 'rsa:1024']],
  ['signed with SHA-1', ['-newkey', 'rsa:2048', '-sha1']],
  ['signed with MD5', ['-newkey', 'rsa:2048', '-md5']],
  ['with a negative serial number', ['-newkey', 'rsa:2048', '-set_serial', '-5']],
  ['for clients only', ['-newkey', 'rsa:2048', '-addext', 'extendedKeyUsage=clientAuth']],
  ['for code only, critically', ['-newkey', 'rsa:2048', '-addext', 'extendedKeyUsage=critical,codeSigning']],
  ['of a CA that may sign certificates only', ['-newkey', 'rsa:2048', '-addext', 'keyUsage=critical,keyCertSign']],
  ['of no CA', ['-newkey', 'rsa:2048', '-addext', 'basicConstraints=critical,CA:FALSE']],
  ['of RSA with 768 bits', ['-newkey', 'rsa:768', '-sha256'], 'weak'],
  [
    'with a critical extension that OpenSSL does not know',
    ['-newkey', 'rsa:2048', '-addext', '1.2.3.4=critical,ASN1:UTF8String:x'],
    'other',
  ],
]

for (const [what, args, reason] of DEVICES) {
  test(`a device with a certificate ${what} is ${reason === undefined ? 'reached by its pin' : `refused (${reason})`}`, async () => {
    using dir = tempDir()
    const [keyFile, certFile] = [dir.join('key.pem'), dir.join('cert.pem')]
    openssl([
      'req',
      '-x509',
      '-nodes',
      '-days',
      '30',
      '-subj',
      '/CN=device',
      '-keyout',
      keyFile,
      '-out',
      certFile,
      ...args,
    ])
    const { readFileSync } = await import('node:fs')
    const pair = { certificate: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8'), chain: '' }
    await using server = await serve(pair, { ciphers: 'DEFAULT@SECLEVEL=0', maxVersion: 'TLSv1.2' })
    for (const verify of [pinOf(pair), keyPinOf(pair)]) {
      if (reason === undefined) assert.equal((await get(server.url127, { verify })).statusCode, 200)
      else
        await assert.rejects(get(server.url127, { verify }), { reason, findings: ['the certificate matches the pin'] })
    }
    await assert.rejects(get(server.url127, { verify: pinOf(device) }), { reason: 'pin-mismatch' })
    await assert.rejects(get(server.url127, { verify: pair.certificate }), SSLError)
  })
}

test('explain verifies the pin of a server of another protocol, over STARTTLS', async () => {
  await using server = await startStandIn(device, SCRIPTS.postgres)
  const url = `postgres://127.0.0.1:${server.port}`
  const found = await explain(url, { verify: keyPinOf(device) })
  assert.deepEqual([found.ok, found.reason, found.summary], [true, null, 'the certificate matches a pin'])
  const other = await explain(url, { verify: pinOf(impostor) })
  assert.deepEqual([other.ok, other.reason], [false, 'pin-mismatch'])
})
