import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { get, Session } from '../../src/index.ts'
import { expectWarnings, withEnv } from '../helpers/environment.ts'
import { moduleUrl } from '../helpers/modules.ts'
import { selfSigned } from '../helpers/pki.ts'
import { runScript } from '../helpers/processes.ts'
import { startHttpServer, startHttpsServer } from '../helpers/servers.ts'
import { tempDir } from '../helpers/temp.ts'

const { key, certificate: cert } = selfSigned({ hosts: ['localhost', '127.0.0.1'] })
const server = await startHttpsServer({ key, cert })
const plain = await startHttpServer()
const dir = tempDir()
const bundle = dir.write('ca.pem', cert)
after(async () => {
  await Promise.all([server.close(), plain.close()])
  dir[Symbol.dispose]()
})

/** Runs a script with `vouch`'s names at hand, in a process of its own; returns what it wrote to stderr. */
async function stderrOf(script: string, env: Record<string, string> = {}): Promise<string> {
  const source = `import { disableWarnings, get, Session } from '${moduleUrl('index')}'\nconst url = '${server.url127}', byName = '${server.url}', plain = '${plain.url127}', cert = ${JSON.stringify(cert)}\n${script}`
  const { status, stderr } = await runScript(source, { flags: ['--disable-warning=ExperimentalWarning'], env })
  assert.equal(status, 0, stderr)
  return stderr
}

const count = (text: string, part: string): number => text.split(part).length - 1

test('verify: false warns once per host, however many requests, sessions and connections there are', async () => {
  const stderr = await stderrOf(`
    const session = new Session({ verify: false })
    for (let n = 0; n < 3; n++) {
      await get(url, { verify: false })
      await session.get(url)
      await get(byName, { verify: false })
    }`)
  assert.equal(count(stderr, 'InsecureRequestWarning: Unverified HTTPS request'), 2)
  assert.match(stderr, /made to host '127\.0\.0\.1'/)
  assert.match(stderr, /made to host 'localhost'/)
  assert.match(stderr, /VOUCH_InsecureRequestWarning/)
})

test('plain http and a verified request do not warn', async () => {
  assert.equal(await stderrOf(`await get(plain, { verify: false }); await get(url, { verify: cert })`), '')
})

test('a warning has a code and says what to do', async () => {
  const [warning] = await expectWarnings('InsecureRequestWarning', () => get(server.url127, { verify: false }))
  assert.equal(warning?.code, 'VOUCH_InsecureRequestWarning')
  assert.match(warning?.detail ?? '', /verify: 'FILE\.pem'/)
})

for (const variable of ['REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE']) {
  test(`${variable} over a session.verify that was set warns once and names both`, async () => {
    await withEnv({ [variable]: bundle }, async () => {
      const session = new Session({ verify: '/own.pem' })
      const warnings = await expectWarnings('TrustPrecedenceWarning', async () => {
        for (let n = 0; n < 3; n++) {
          const { tls } = await session.get(server.url127)
          assert.equal(tls?.trust.source, variable)
        }
      })
      assert.equal(warnings.length, 1)
      assert.equal(
        warnings[0]?.message,
        `${variable}=${bundle} overrides session.verify ('/own.pem'), as in Python requests`,
      )
      assert.match(warnings[0]?.detail ?? '', /trustEnv: false/)
    })
  })
}

const SILENT: [title: string, verify: SessionVerify, options?: { verify?: SessionVerify; trustEnv?: boolean }][] = [
  ['a session.verify of true', true],
  ['a session.verify of null', null],
  ['a verify of the call', '/own.pem', { verify: cert }],
  ['trustEnv: false', cert, { trustEnv: false }],
]
type SessionVerify = string | boolean | null

for (const [title, verify, { trustEnv = true, ...call } = {}] of SILENT) {
  test(`${title} does not warn beside REQUESTS_CA_BUNDLE`, async () => {
    await withEnv({ REQUESTS_CA_BUNDLE: bundle }, async () => {
      const session = new Session({ verify, trustEnv })
      assert.ok((await session.get(server.url127, call)).ok)
    })
  })
}

test('session.verify = false beside REQUESTS_CA_BUNDLE is verified all the same, and warns of that only', async () => {
  const stderr = await stderrOf(
    `
    const session = new Session({ verify: false })
    const { tls } = await session.get(url)
    if (!tls.verified) throw new Error('not verified')`,
    { REQUESTS_CA_BUNDLE: bundle },
  )
  assert.equal(count(stderr, 'TrustPrecedenceWarning'), 2)
  assert.match(stderr, /overrides session\.verify \(false\)/)
  assert.doesNotMatch(stderr, /InsecureRequestWarning/)
})

test('a bundle given as text is not printed', async () => {
  const stderr = await stderrOf('await new Session({ verify: cert }).get(url)', { REQUESTS_CA_BUNDLE: bundle })
  assert.match(stderr, /overrides session\.verify \(a bundle\)/)
  assert.doesNotMatch(stderr, /BEGIN CERTIFICATE/)
})

const DISABLED: [call: string, insecure: boolean, precedence: boolean][] = [
  ['', true, true],
  ["disableWarnings('InsecureRequestWarning')", false, true],
  ["disableWarnings('TrustPrecedenceWarning')", true, false],
  ['disableWarnings()', false, false],
]

for (const [call, insecure, precedence] of DISABLED) {
  test(`${call || 'no disableWarnings()'} leaves the other warnings`, async () => {
    const script = `${call}
      await get(url, { verify: false })
      await new Session({ verify: '/own.pem' }).get(url)`
    const stderr = await stderrOf(script, { REQUESTS_CA_BUNDLE: bundle })
    assert.equal(stderr.includes('InsecureRequestWarning'), insecure)
    assert.equal(stderr.includes('TrustPrecedenceWarning'), precedence)
  })
}
