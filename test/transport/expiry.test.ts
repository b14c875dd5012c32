import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { CABundle, get, type RequestOptions, Session } from '../../src/index.ts'
import { expectWarnings } from '../helpers/environment.ts'
import { createAuthority, selfSigned, toPkcs12 } from '../helpers/pki.ts'
import { startHttpsServer } from '../helpers/servers.ts'

const NAME = 'CertificateExpiryWarning'
const inDays = (days: number) => new Date(Date.now() + days * 24 * 60 * 60 * 1000 + 5000)

async function warningsOf(body: () => unknown): Promise<string[]> {
  return (await expectWarnings(NAME, body)).map(({ message }) => message)
}

test("the server's certificate that expires within 14 days causes one warning, however many connections are made", async () => {
  const { certificate, key } = selfSigned({ notAfter: inDays(5) })
  await using server = await startHttpsServer({ key, cert: certificate })
  const warnings = await expectWarnings(NAME, async () => {
    for (let count = 0; count < 3; count++) {
      await using session = new Session({ verify: certificate })
      await session.get(server.url)
      await session.get(server.url)
    }
  })
  // The bundle holds the same certificate: no second warning.
  assert.equal(warnings.length, 1)
  const [warning] = warnings
  assert.match(
    warning?.message ?? '',
    /^the certificate of the server localhost:\d+ expires in 5 days, 20\d\d-\d\d-\d\dT.*: connections fail/,
  )
  assert.match(warning?.detail ?? '', /SHA-256 [0-9A-F]{2}:.*expiryWarning/)
  assert.equal(warning?.code, 'VOUCH_CertificateExpiryWarning')
})

test('a warning that cannot be given does not leave the request without an end', async (t) => {
  const { certificate, key } = selfSigned({ notAfter: inDays(5) })
  await using server = await startHttpsServer({ key, cert: certificate })
  t.mock.method(process, 'emitWarning', () => {
    throw new Error('emitWarning is replaced')
  })
  await assert.rejects(get(server.url, { verify: certificate }), /emitWarning is replaced/)
})

const quiet: [what: string, days: number, options: RequestOptions][] = [
  ['15 days are left', 15, {}],
  ['it is switched off', 5, { expiryWarning: false }],
  ['fewer days were asked for', 5, { expiryWarning: 4 }],
  ['nothing is verified', 5, { verify: false }],
]

for (const [what, days, options] of quiet) {
  test(`nothing is said when ${what}`, async () => {
    const { certificate, key } = selfSigned({ notAfter: inDays(days) })
    await using server = await startHttpsServer({ key, cert: certificate })
    const ask = () => get(server.url, { verify: certificate, ...options })
    // An unexpected warning fails the test.
    if (options.verify === false) await expectWarnings('InsecureRequestWarning', ask)
    else await ask()
    await setImmediate()
  })
}

test('how many days ahead the warning comes is an option of the session and of the call', async () => {
  const root = createAuthority({ notAfter: inDays(400) })
  const { key, chain } = root.issue({ notAfter: inDays(60) })
  await using server = await startHttpsServer({ key, cert: chain })
  const session = new Session({ verify: root.certificate, expiryWarning: 59 })
  await session.get(server.url)
  await session.close()
  session.expiryWarning = 61
  await session.get(server.url, { expiryWarning: false })
  await session.close()
  assert.equal((await warningsOf(() => session.get(server.url))).length, 1)
  await session.close()
})

test('a certificate of a small bundle causes a warning, those of a list of roots do not', async () => {
  const root = createAuthority({ notAfter: inDays(100) })
  const { key, chain } = root.issue()
  await using server = await startHttpsServer({ key, cert: chain })
  const ending = selfSigned({ commonName: 'next door', notAfter: inDays(3) }).certificate
  const others = Array.from({ length: 9 }, () => selfSigned().certificate)
  await get(server.url, { verify: CABundle.from(root.certificate, ending, ...others) })
  const said = await warningsOf(() => get(server.url, { verify: [root.certificate, ending] }))
  assert.deepEqual(said.length, 1)
  assert.match(said[0] ?? '', /^the certificate 'CN=next door' that is trusted expires in 3 days/)
})

for (const form of ['PEM', 'PKCS#12'] as const) {
  test(`the client certificate (${form}) causes a warning`, async () => {
    const root = createAuthority()
    const { key, chain } = root.issue()
    await using server = await startHttpsServer({
      key,
      cert: chain,
      ca: root.certificate,
      requestCert: true,
      rejectUnauthorized: true,
    })
    const client = root.issue({ hosts: [], commonName: 'ada', extendedKeyUsage: ['clientAuth'], notAfter: inDays(0) })
    const cert =
      form === 'PEM'
        ? { cert: client.certificate, key: client.key }
        : { pfx: toPkcs12(client, 'secret'), passphrase: 'secret' }
    const said = await warningsOf(() => get(server.url, { verify: root.certificate, cert }))
    assert.equal(said.length, 1)
    assert.match(said[0] ?? '', /^the certificate of the client \(given as .*\) expires in less than a day, /)
  })
}

test('a certificate that has ended is no warning: it is an error where it matters', async () => {
  const root = createAuthority()
  const { key, chain } = root.issue()
  await using server = await startHttpsServer({ key, cert: chain })
  const ended = selfSigned({ notAfter: inDays(-3) }).certificate
  assert.equal((await get(server.url, { verify: [root.certificate, ended] })).statusCode, 200)
  await setImmediate()
})
