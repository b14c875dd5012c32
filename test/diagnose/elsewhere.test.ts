/** Where trust came from, and what else on this machine would have trusted the server. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CABundle, ConnectionError, ConnectTimeout, get, JSONDecodeError, Session, SSLError } from '../../src/index.ts'
import { expectWarnings } from '../helpers/environment.ts'
import { moduleUrl } from '../helpers/modules.ts'
import { CA_EXTENSIONS, certify } from '../helpers/openssl-pki.ts'
import { toPkcs7 } from '../helpers/pki.ts'
import { isLinux } from '../helpers/platform.ts'
import { outputOfScript } from '../helpers/processes.ts'
import { startProxy } from '../helpers/proxy.ts'
import { startHttpServer, startHttpsServer } from '../helpers/servers.ts'
import { tempDir } from '../helpers/temp.ts'

const root = certify({ subject: '/CN=Team CA', extensions: CA_EXTENSIONS })
const other = certify({ subject: '/CN=Other CA', extensions: CA_EXTENSIONS })
const server = certify({ issuer: root })
const start = () => startHttpsServer({ key: server.key, cert: server.certificate })

async function refusal(request: Promise<unknown>): Promise<SSLError> {
  const error = await request.then(
    () => assert.fail('it must be refused'),
    (reason: unknown) => reason,
  )
  assert(error instanceof SSLError, String(error))
  return error
}

test('a session.verify that the environment overrides is named in the error, with both ways out, and both lead out', async () => {
  await using running = await start()
  using dir = tempDir()
  const right = dir.write('right.pem', root.certificate)
  const wrong = dir.write('wrong.pem', other.certificate)
  await using session = new Session({ verify: right })
  process.env.REQUESTS_CA_BUNDLE = wrong
  try {
    await expectWarnings('TrustPrecedenceWarning', async () => {
      const { message } = await refusal(session.get(running.url))
      assert(message.includes(`REQUESTS_CA_BUNDLE overrides session.verify ('${right}')`), message)
      assert.match(message, /pass verify with the call, or set trustEnv: false on the session/)
    })
    assert.equal((await session.get(running.url, { verify: right })).statusCode, 200)
    session.trustEnv = false
    assert.equal((await session.get(running.url)).statusCode, 200)
  } finally {
    delete process.env.REQUESTS_CA_BUNDLE
  }
})

test('there is no warning if the session and the environment name the same file', async () => {
  await using running = await start()
  using dir = tempDir()
  const path = dir.write('ca.pem', root.certificate)
  await using session = new Session({ verify: path })
  process.env.REQUESTS_CA_BUNDLE = `${dir.path}/./ca.pem`
  try {
    // A warning would fail the test.
    assert.equal((await session.get(running.url)).statusCode, 200)
  } finally {
    delete process.env.REQUESTS_CA_BUNDLE
  }
})

test('the proxy that was used is in the error', async () => {
  await using running = await start()
  await using proxy = await startProxy()
  const { summary } = await refusal(get(running.url, { proxies: { https: proxy.url } }))
  assert(summary.endsWith(`(localhost:${running.port} via proxy ${new URL(proxy.url).host})`), summary)
})

test('NODE_EXTRA_CA_CERTS that was set too late, is PKCS#7 or missing is named', async () => {
  await using running = await start()
  using dir = tempDir()
  const cases: [path: string, words: RegExp][] = [
    [dir.write('late.pem', root.certificate), /late\.pem\) has a certificate that vouches .* after Node had started/],
    [
      dir.write('ca.p7b', toPkcs7(root.certificate)),
      /ca\.p7b\) has a certificate that vouches .* certificates in PEM only/,
    ],
    [dir.join('none.pem'), /none\.pem\) cannot be used/],
  ]
  try {
    for (const [path, words] of cases) {
      process.env.NODE_EXTRA_CA_CERTS = path
      assert.match((await refusal(get(running.url))).message, words)
      if (!path.includes('none'))
        assert.equal((await get(running.url, { verify: CABundle.default().with(path) })).statusCode, 200)
    }
    process.env.NODE_EXTRA_CA_CERTS = dir.write('other.pem', other.certificate)
    assert.doesNotMatch((await refusal(get(running.url))).message, /NODE_EXTRA_CA_CERTS/)
  } finally {
    delete process.env.NODE_EXTRA_CA_CERTS
  }
})

test("the system's store is named if it would trust the server, and what the hint says is trusted", {
  skip: !isLinux && 'elsewhere the store cannot be named',
}, async () => {
  await using running = await start()
  using dir = tempDir()
  // Node reads it as a part of the system's store, on Linux.
  const env = { SSL_CERT_FILE: dir.write('store.pem', root.certificate) }
  const script = `import { CABundle, get } from ${JSON.stringify(moduleUrl('index'))}
    const url = ${JSON.stringify(running.url)}
    const refused = await get(url).then(() => 'trusted', (error) => error.message)
    const { statusCode } = await get(url, { verify: CABundle.default().with(CABundle.system()) })
    console.log(JSON.stringify([refused, statusCode]))`
  const [refused, status] = JSON.parse(await outputOfScript(script, { env }))
  assert.match(refused, /the operating system's store would trust this server: verify: CABundle\.default\(\)\.with/)
  assert.match(refused, /SSL_CERT_FILE \(.*store\.pem\) has a certificate that vouches/)
  assert.equal(status, 200)
  const plain = `import { get } from ${JSON.stringify(moduleUrl('index'))}
    console.log((await get(${JSON.stringify(running.url)})).statusCode)`
  assert.equal(await outputOfScript(plain, { env, flags: ['--use-system-ca'] }), '200\n')
})

test("--use-openssl-ca is not '0 certificates'", async () => {
  await using running = await start()
  const script = `import { get } from ${JSON.stringify(moduleUrl('index'))}
    console.log(await get(${JSON.stringify(running.url)}).catch((error) => error.message))`
  const message = await outputOfScript(script, { flags: ['--use-openssl-ca'] })
  assert.match(message, /OpenSSL's default roots \(Node was started with --use-openssl-ca\)/)
  assert.doesNotMatch(message, / 0 certificates/)
})

test('http:// to a port that speaks TLS is said to be that, maybe', async () => {
  await using running = await start()
  const error = await get(running.url.replace('https:', 'http:')).catch((reason: unknown) => reason)
  assert(error instanceof ConnectionError)
  assert.match(error.message, /if the server speaks TLS on this port, write https:\/\//)
})

test('a response that is not JSON is named by its status and content type', async () => {
  await using running = await startHttpServer({
    handler: (_, response) => response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>none</h1>'),
  })
  const response = await get(running.url)
  assert.throws(
    () => response.json(),
    (error) => error instanceof JSONDecodeError && /\(404, text\/html\) is not JSON/.test(error.message),
  )
})

test('a time limit of a few ms is asked about', async () => {
  await using running = await startHttpServer({ handler: () => {} })
  const error = await get(running.url, { timeout: [null, 30] }).catch((reason: unknown) => reason)
  assert.match(String(error), /read timeout=30 ms: ms, not seconds\?\)/)
  assert(!(error instanceof ConnectTimeout))
})
