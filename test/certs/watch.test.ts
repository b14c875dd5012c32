import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { renameSync, rmSync, symlinkSync } from 'node:fs'
import { createSecureServer } from 'node:http2'
import { createServer, type ServerOptions } from 'node:https'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { connect, createServer as createTlsServer, type Server } from 'node:tls'
import {
  type CertificateInfo,
  createCA,
  createSelfSignedCert,
  ensureSelfSignedCert,
  fetchCert,
  watchCert,
} from '../../src/certs/index.ts'
import { KEPT_SETTINGS } from '../../src/certs/watch.ts'
import { get, Session } from '../../src/index.ts'
import { expectWarnings } from '../helpers/environment.ts'
import { eventually } from '../helpers/eventually.ts'
import { moduleUrl } from '../helpers/modules.ts'
import { onPosix } from '../helpers/platform.ts'
import { listen } from '../helpers/ports.ts'
import { outputOfScript } from '../helpers/processes.ts'
import { startHttpsServer, type TestServer } from '../helpers/servers.ts'
import { type TempDir, tempDir } from '../helpers/temp.ts'

const filesOf = (dir: TempDir) => [dir.join('cert.pem'), dir.join('key.pem')] as const
const tlsServer = ({ server }: TestServer) => server as unknown as Server
const OVERWRITE = { overwrite: true }

const presents = async (url: string, fingerprint: string) => (await fetchCert(url))[0].fingerprint === fingerprint

test('a renewed pair is taken over while connections stay open, and clients that trust the file follow', async () => {
  using dir = tempDir()
  const files = filesOf(dir)
  const old = await createSelfSignedCert(...files, 'localhost')
  await using server = await startHttpsServer(old)
  const reloaded: CertificateInfo[] = []
  using watch = watchCert(tlsServer(server), ...files, { interval: 10, onReload: (info) => reloaded.push(info) })
  assert.equal(watch.certificate.fingerprint, old.fingerprint)

  const open = connect({ port: server.port, host: '127.0.0.1', servername: 'localhost', ca: old.cert })
  await once(open, 'secureConnect')
  await using session = new Session({ verify: files[0] })
  const response = await session.get(server.url)
  assert.equal(response.tls?.peerCertificate?.fingerprint256, old.fingerprint)

  const renewed = await createSelfSignedCert(...files, 'localhost', OVERWRITE)
  await eventually(() => watch.certificate.fingerprint === renewed.fingerprint, 'the renewed pair was not taken over')
  assert.deepEqual(
    reloaded.map(({ fingerprint }) => fingerprint),
    [renewed.fingerprint],
  )
  const next = await session.get(server.url)
  assert.equal(next.tls?.peerCertificate?.fingerprint256, renewed.fingerprint)
  await assert.rejects(get(server.url, { verify: old.cert }), { name: 'SSLError' })

  open.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
  assert.match(String((await once(open, 'data'))[0]), /^HTTP\/1\.1 200/)
  open.destroy()
})

test('no request is lost while the certificate is renewed again and again under load, by clients that trust the file', async () => {
  using dir = tempDir()
  const files = filesOf(dir)
  await createSelfSignedCert(...files, ['localhost', '127.0.0.1'])
  await using server = await startHttpsServer({})
  using watch = watchCert(tlsServer(server), ...files)
  const script = `
    const { createSelfSignedCert } = await import('${moduleUrl('certs/index')}')
    const { setTimeout } = await import('node:timers/promises')
    for (let n = 0; n < 5; n++) {
      await createSelfSignedCert(...${JSON.stringify(files)}, ['localhost', '127.0.0.1'], { overwrite: true })
      await setTimeout(400)
    }`
  const ended = outputOfScript(script)
  let running = true
  void ended.finally(() => {
    running = false
  })
  await using session = new Session({ verify: files[0] })
  const seen = new Set([watch.certificate.fingerprint])
  let answered = 0
  const ask = async (index: number) => {
    while (running) {
      const response = await (index % 2 === 0 ? session.get(server.url) : get(server.url127, { verify: files[0] }))
      assert.equal(response.statusCode, 200)
      seen.add(response.tls?.peerCertificate?.fingerprint256 ?? '')
      answered++
    }
  }
  await Promise.all(Array.from({ length: 10 }, (_, index) => ask(index)))
  await ended
  assert(answered > 200, `${answered} requests`)
  assert(seen.size >= 3, `saw ${seen.size} certificates`)
})

const broken: [what: string, message: RegExp, spoil: (dir: TempDir, other: { cert: string; key: string }) => void][] = [
  ['the key is not its own', /key\.pem': the key does not belong/, (dir, { key }) => dir.write('key.pem', key)],
  [
    'the certificate is cut short',
    /cert\.pem': .*cut short/,
    (dir, { cert }) => dir.write('cert.pem', cert.slice(0, 400)),
  ],
  ['the certificate is missing', /cannot read '.*cert\.pem': no such file/, (dir) => rmSync(dir.join('cert.pem'))],
  ['the key is empty', /key\.pem': there is no private key/, (dir) => dir.write('key.pem', '')],
]

for (const [what, message, spoil] of broken) {
  test(`when ${what} the server keeps what it has, says so once, and takes over what comes next`, async () => {
    using dir = tempDir()
    const files = filesOf(dir)
    const good = await createSelfSignedCert(...files, 'localhost')
    const other = await createSelfSignedCert(null, null, 'localhost')
    await using server = await startHttpsServer(good)
    const errors: Error[] = []
    using watch = watchCert(tlsServer(server), ...files, { interval: 10, onError: (error) => errors.push(error) })
    spoil(dir, other)
    await eventually(() => errors.length > 0, 'nothing was said')
    await setTimeout(60)
    assert.equal(errors.length, 1)
    assert.match(errors[0]?.message ?? '', message)
    assert(await presents(server.url, good.fingerprint))
    dir.write('cert.pem', other.cert)
    dir.write('key.pem', other.key)
    await eventually(() => watch.certificate.fingerprint === other.fingerprint, 'the next pair was not taken over')
    assert(await presents(server.url, other.fingerprint))
  })
}

test('without a listener a problem is a warning, and names the file', async () => {
  using dir = tempDir()
  const files = filesOf(dir)
  await using server = await startHttpsServer(await createSelfSignedCert(...files, 'localhost'))
  const warnings = await expectWarnings('CertificateReloadWarning', async () => {
    using _ = watchCert(tlsServer(server), ...files, { interval: 10 })
    rmSync(files[1])
    const warned = once(process, 'warning')
    await warned
  })
  assert.equal(warnings.length, 1)
  assert.match(warnings[0]?.message ?? '', /the server keeps its current certificate, .*key\.pem': no such file/)
})

test('a listener that throws, or rejects, is a warning: the watch goes on', async () => {
  using dir = tempDir()
  const files = filesOf(dir)
  await using server = await startHttpsServer(await createSelfSignedCert(...files, 'localhost'))
  const throwing = (message: string) => () => assert.fail(message)
  const rejecting = (message: string) => async () => assert.fail(message)
  for (const onReload of [throwing('thrown'), rejecting('rejected')]) {
    using watch = watchCert(tlsServer(server), ...files, { interval: 10, onReload })
    const [warning] = await expectWarnings('CertificateReloadWarning', async () => {
      const { fingerprint } = await createSelfSignedCert(...files, 'localhost', OVERWRITE)
      await eventually(() => watch.certificate.fingerprint === fingerprint, 'renewed')
      await setTimeout(20)
    })
    assert.match(warning?.message ?? '', /^onReload of watchCert threw: (?:thrown|rejected)/)
    // The next one is loaded as well.
    const next = await createSelfSignedCert(...files, 'localhost', OVERWRITE)
    await eventually(() => watch.certificate.fingerprint === next.fingerprint, 'renewed again')
  }
  for (const onError of [throwing('thrown by onError'), rejecting('rejected by onError')]) {
    using _ = watchCert(tlsServer(server), ...files, { interval: 10, onError })
    const [warning] = await expectWarnings('CertificateReloadWarning', async () => {
      const warned = once(process, 'warning')
      rmSync(files[1])
      await warned
    })
    assert.match(warning?.message ?? '', /^onError of watchCert threw: (?:thrown|rejected)/)
    await createSelfSignedCert(...files, 'localhost', OVERWRITE)
  }
})

test('a pair that is written one file after the other is taken over when it is whole, and nothing is said', async () => {
  using dir = tempDir()
  const files = filesOf(dir)
  await using server = await startHttpsServer(await createSelfSignedCert(...files, 'localhost'))
  const { cert, key, fingerprint } = await createSelfSignedCert(null, null, 'localhost')
  const errors: Error[] = []
  using watch = watchCert(tlsServer(server), ...files, { interval: 100, onError: (error) => errors.push(error) })
  dir.write('key.pem', key)
  await setTimeout(120)
  dir.write('cert.pem', cert)
  await eventually(() => watch.certificate.fingerprint === fingerprint, 'not taken over')
  assert.deepEqual(errors, [])
})

test('mounted secrets, whose directory is a link that is exchanged, are followed', onPosix, async () => {
  using dir = tempDir()
  const [one, two] = [
    await createSelfSignedCert(null, null, 'localhost'),
    await createSelfSignedCert(null, null, 'localhost'),
  ]
  for (const [name, { cert, key }] of Object.entries({ one, two })) {
    dir.write(`${name}/tls.crt`, cert)
    dir.write(`${name}/tls.key`, key, 0o600)
  }
  symlinkSync('one', dir.join('..data'))
  symlinkSync('..data/tls.crt', dir.join('tls.crt'))
  symlinkSync('..data/tls.key', dir.join('tls.key'))
  await using server = await startHttpsServer({})
  using watch = watchCert(tlsServer(server), dir.join('tls.crt'), dir.join('tls.key'), { interval: 10 })
  assert(await presents(server.url, one.fingerprint))
  symlinkSync('two', dir.join('..next'))
  renameSync(dir.join('..next'), dir.join('..data'))
  await eventually(() => watch.certificate.fingerprint === two.fingerprint, 'not followed')
  assert(await presents(server.url, two.fingerprint))
})

test('all other settings of the server stay: a server that wants client certificates goes on wanting them', async () => {
  using dir = tempDir()
  const files = filesOf(dir)
  const [ca, other] = [await createCA(), await createCA()]
  const [certFile, keyFile] = files
  const pair = await ca.issue('localhost', { certFile, keyFile })
  const [ada, eve] = [await ca.issueClient('ada'), await other.issueClient('eve')]
  await using server = await startHttpsServer({
    ...pair,
    ca: ca.cert,
    requestCert: true,
    rejectUnauthorized: true,
    maxVersion: 'TLSv1.2',
  })
  using watch = watchCert(tlsServer(server), ...files, { interval: 10 })
  const renewed = await ca.issue('localhost', { certFile, keyFile, ...OVERWRITE })
  await eventually(() => watch.certificate.fingerprint === renewed.fingerprint, 'not taken over')
  const response = await get(server.url, { verify: ca.cert, cert: ada })
  assert.deepEqual([response.statusCode, response.tls?.protocol], [200, 'TLSv1.2'])
  await assert.rejects(get(server.url, { verify: ca.cert, cert: eve }))
  await assert.rejects(get(server.url, { verify: ca.cert }))
})

test('every setting that Node forgets when it is given a new pair is given to it again', async () => {
  using dir = tempDir()
  const files = filesOf(dir)
  const { cert, key } = await createSelfSignedCert(...files, 'localhost')
  const set: ServerOptions = {
    ca: cert,
    ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256',
    sigalgs: 'ecdsa_secp256r1_sha256',
    ecdhCurve: 'P-256',
    honorCipherOrder: false,
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.2',
    secureOptions: 0x4000,
    sessionIdContext: 'mine',
    sessionTimeout: 77,
    ticketKeys: Buffer.alloc(48, 7),
  }
  const server = createServer({ ...set, cert, key }) as unknown as Record<string, unknown>
  const settings = () => Object.fromEntries(Object.keys(set).map((name) => [name, server[name]]))
  assert.deepEqual(settings(), { ...set })
  watchCert(server as unknown as Server, ...files).close()
  assert.deepEqual(settings(), { ...set })
  // What Node keeps on a server, and is not the pair itself.
  const source = Function.prototype.toString.call(createTlsServer().setSecureContext)
  const names = new Set(Array.from(source.matchAll(/this\.([a-z]\w+) =/g), ([, name]) => name ?? ''))
  const pair = ['cert', 'key', 'pfx', 'passphrase', 'privateKeyIdentifier', 'privateKeyEngine']
  assert.deepEqual(
    [...names].filter((name) => ![...KEPT_SETTINGS, ...pair].includes(name)),
    [],
  )
})

test('servers of other kinds, made without a certificate, with a passphrase', async () => {
  using dir = tempDir()
  const files = filesOf(dir)
  const { fingerprint } = await ensureSelfSignedCert(...files, 'localhost', { passphrase: 'secret' })
  for (const server of [createTlsServer(), createSecureServer() as unknown as Server]) {
    const watch = watchCert(server, ...files, { passphrase: 'secret' })
    assert(await presents(`127.0.0.1:${await listen(server)}`, fingerprint))
    watch.close()
    server.close()
  }
})

test('a watch keeps no process alive, and ends with its server', async () => {
  using dir = tempDir()
  const files = filesOf(dir)
  await createSelfSignedCert(...files, 'localhost')
  const script = `
    const { watchCert } = await import('${moduleUrl('certs/index')}')
    const { createServer } = await import('node:https')
    watchCert(createServer(), ...${JSON.stringify(files)}, { interval: 10 })`
  await outputOfScript(script, { limit: 10_000 })

  const server = await startHttpsServer({})
  const errors: Error[] = []
  watchCert(tlsServer(server), ...files, { interval: 10, onError: (error) => errors.push(error) })
  await server.close()
  rmSync(files[0])
  await setTimeout(80)
  assert.deepEqual(errors, [])
})

const wrong: [what: string, server: unknown, options: unknown, message: RegExp][] = [
  ['what is no server', {}, {}, /server must be an https\.Server or tls\.Server/],
  ['null', null, {}, /server must be/],
  ['interval: 0', undefined, { interval: 0 }, /interval must be a number of ms from 10 to 86400000/],
  ['onError: true', undefined, { onError: true }, /onError must be a function/],
  ['an unknown option', undefined, { intervall: 10 }, /watchCert has no option "intervall": did you mean "interval"/],
]

for (const [what, server, options, message] of wrong) {
  test(`${what} is a TypeError`, async () => {
    using dir = tempDir()
    const files = filesOf(dir)
    await createSelfSignedCert(...files, 'localhost')
    assert.throws(
      () => watchCert((server === undefined ? createServer() : server) as Server, ...files, options as object),
      {
        name: 'TypeError',
        message,
      },
    )
  })
}

test('files that cannot be used at the start are an error at once', async () => {
  using dir = tempDir()
  const server = createServer()
  assert.throws(() => watchCert(server, ...filesOf(dir)), { code: 'ENOENT', path: dir.join('cert.pem') })
  const { cert } = await createSelfSignedCert(...filesOf(dir), 'localhost')
  assert(cert)
  dir.write('key.pem', (await createSelfSignedCert(null, null, 'localhost')).key)
  assert.throws(() => watchCert(server, ...filesOf(dir)), { code: 'ERR_KEY_MISMATCH' })
})
