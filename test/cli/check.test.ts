import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { inFlags } from '../../src/cli/report-error.ts'
import { CA_EXTENSIONS, certify, SERVER_EXTENSIONS } from '../helpers/openssl-pki.ts'
import { createAuthority, toDer } from '../helpers/pki.ts'
import { isLinux } from '../helpers/platform.ts'
import { startProxy } from '../helpers/proxy.ts'
import { startHttpServer, startHttpsServer } from '../helpers/servers.ts'
import { tempDir } from '../helpers/temp.ts'
import { vouch } from './vouch.ts'

const root = createAuthority({ commonName: 'Team CA' })
const pair = root.issue({ hosts: ['localhost', '127.0.0.1'] })
const start = () => startHttpsServer({ cert: pair.chain, key: pair.key })

test('a server is refused, with the reason and what to write, and trusted when that is written', async () => {
  await using server = await start()
  using dir = tempDir()
  const refused = await vouch(dir, `check ${server.url}`)
  assert.deepEqual([refused.status, refused.stderr], [1, ''])
  assert.match(
    refused.stdout,
    /^https:\/\/localhost:\d+ is not trusted: certificate verify failed: unable to get local issuer certificate\n\n {2}CN=localhost, issued by CN=Team CA, for localhost, 127\.0\.0\.1\n {2}└─ CN=Team CA {2}✗ not found\n\n/,
  )
  assert.match(refused.stdout, /\n {2}hint {7}trust the CA that issued it: --verify ca\.pem; get the file/)
  assert.doesNotMatch(refused.stdout, /withIntermediates/) // of the library only

  dir.write('team.pem', root.certificate)
  const trusted = await vouch(dir, `check 127.0.0.1:${server.port} --verify team.pem`)
  assert.deepEqual([trusted.status, trusted.stderr], [0, ''])
  assert.match(trusted.stdout, /^https:\/\/127\.0\.0\.1:\d+ is trusted\n/)
  assert.match(trusted.stdout, /CN=Team CA, self-signed {2}✓ trusted\n/)
  assert.equal(server.requests, 0, 'no request is sent')
})

test('with --json there is all of it, for programs', async () => {
  await using server = await start()
  using dir = tempDir()
  const { status, stdout } = await vouch(dir, `check ${server.url} --json`)
  const { ok, reason, chain, trust, hints } = JSON.parse(stdout)
  assert.deepEqual([status, ok, reason, trust.source], [1, false, 'unknown-ca', 'default'])
  assert.equal(chain[0].subject, 'CN=localhost')
  assert(hints.length > 0)
})

test('the environment counts, unless it is not to', async () => {
  await using server = await start()
  using dir = tempDir()
  const env = { REQUESTS_CA_BUNDLE: dir.write('team.pem', root.certificate) }
  assert.equal((await vouch(dir, `check ${server.url}`, env)).status, 0)
  assert.equal((await vouch(dir, `check ${server.url} --no-env`, env)).status, 1)
})

test("hints that name a file or the system's store are flags, and lead out", {
  skip: !isLinux && 'the store cannot be named',
}, async () => {
  await using server = await start()
  using dir = tempDir()
  const other = dir.write('other.pem', createAuthority({ commonName: 'Other CA' }).certificate)
  const store = { SSL_CERT_FILE: dir.write('team.pem', root.certificate) }
  for (const [env, flags] of [
    [store, ''],
    [store, ' --verify other.pem'],
    [{ ...store, REQUESTS_CA_BUNDLE: other }, ''],
  ] as const) {
    const refused = await vouch(dir, `check ${server.url}${flags}`, env)
    assert.equal(refused.status, 1)
    const [, file = ''] = /name the file, (--verify \S+team\.pem)$/m.exec(refused.stdout) ?? []
    assert.equal((await vouch(dir, `check ${server.url} ${file}`, env)).status, 0, refused.stdout)
    const [, option = '', plain] =
      /would trust this server: NODE_OPTIONS=(--use-system-ca)(, with --no-env and without --verify)?$/m.exec(
        refused.stdout,
      ) ?? []
    const line = `check ${server.url}${plain === undefined ? flags : ' --no-env'}`
    assert.equal((await vouch(dir, line, { ...env, NODE_OPTIONS: option })).status, 0, refused.stdout)
    assert.doesNotMatch(refused.stdout, /CABundle\.default|session\.verify/)
  }
})

test('client certificates and proxies are those of a request', async () => {
  const clients = createAuthority({ commonName: 'Client CA' })
  const ada = clients.issue({ commonName: 'ada', hosts: [], extendedKeyUsage: ['clientAuth'] })
  const options = { ca: clients.certificate, requestCert: true, rejectUnauthorized: true }
  await using server = await startHttpsServer({ cert: pair.chain, key: pair.key, ...options })
  await using proxy = await startProxy()
  using dir = tempDir()
  dir.write('team.pem', root.certificate)
  dir.write('ada.pem', ada.chain)
  dir.write('ada.key', ada.key, 0o600)
  const line = `check ${server.url} --verify team.pem --proxy ${proxy.url}`
  const without = await vouch(dir, line)
  assert.deepEqual([without.status, /wants|asks for a client certificate/.test(without.stdout)], [1, true])
  assert.match(without.stdout, / is trusted, but the server asks for a client certificate/)
  assert.equal((await vouch(dir, `${line} --cert ada.pem --key ada.key`)).status, 0)
  assert.equal(proxy.tunnels.length, 2)
})

test('several --verify are one bundle, or several pins, and no mixture', async () => {
  await using server = await start()
  using dir = tempDir()
  dir.write('team.pem', root.certificate)
  dir.write('other.pem', createAuthority().certificate)
  const { fingerprint256 } = new X509Certificate(pair.certificate)
  const wrong = `sha256:${'0'.repeat(64)}`
  for (const [verify, status] of [
    ['--verify other.pem', 1],
    ['--verify other.pem --verify team.pem', 0],
    [`--verify ${wrong}`, 1],
    [`--verify ${wrong} --verify sha256:${fingerprint256}`, 0],
  ] as const) {
    assert.equal((await vouch(dir, `check ${server.url} ${verify}`)).status, status, verify)
    assert.equal((await vouch(dir, `get ${server.url} ${verify}`)).status, status, verify)
  }
  const mixed = await vouch(dir, `check ${server.url} --verify team.pem --verify ${wrong}`)
  assert.match(mixed.stderr, /^vouch: error: .*pins and certificates do not go together/)
})

test('--fetch-intermediates says whether the chain is complete, and -o writes it for the owner', async () => {
  await using source = await startHttpServer({ handler: (_, response) => response.end(toDer(middle.certificate)) })
  const top = certify({ subject: '/CN=Top CA', extensions: CA_EXTENSIONS })
  const middle = certify({ subject: '/CN=Issuing', issuer: top, extensions: CA_EXTENSIONS })
  const address = `authorityInfoAccess=caIssuers;URI:${source.url}/middle.crt`
  const leaf = certify({ issuer: middle, extensions: [...SERVER_EXTENSIONS, address] })
  await using server = await startHttpsServer({ key: leaf.key, cert: leaf.certificate })
  using dir = tempDir()
  dir.write('top.pem', top.certificate)
  dir.write('other.pem', root.certificate)
  const without = await vouch(dir, `check ${server.url} --verify top.pem`)
  assert.match(without.stdout, /: vouch check localhost:\d+ --fetch-intermediates -o fullchain\.pem\n/)
  assert.equal(source.requests, 0)

  const refused = await vouch(dir, `check ${server.url} --verify other.pem --fetch-intermediates -o chain.pem`)
  assert.equal(refused.status, 1)
  assert.match(refused.stderr, /'chain\.pem' was not written/)
  assert.equal(existsSync(dir.join('chain.pem')), false)

  const line = `check ${server.url} --verify top.pem --fetch-intermediates`
  const complete = await vouch(dir, `${line} -o chain.pem`)
  assert.equal(complete.status, 1, 'the server sends no more than before')
  assert.match(complete.stdout, /CN=Issuing, issued by CN=Top CA {2}✗ not sent\n/)
  assert.match(complete.stderr, /^vouch: wrote 'chain\.pem': the server's certificate and 1 intermediate, /)
  const chain = readFileSync(dir.join('chain.pem'), 'utf8')
  assert.deepEqual(subjectsOf(chain), ['CN=localhost', 'CN=Issuing'])
  await using mended = await startHttpsServer({ key: leaf.key, cert: chain })
  assert.equal((await vouch(dir, `check ${mended.url} --verify top.pem`)).status, 0)

  const again = await vouch(dir, `${line} -o chain.pem`)
  assert.match(again.stderr, /^vouch: error: cannot write 'chain\.pem': the file exists, use --overwrite to replace it/)
  assert.equal((await vouch(dir, `${line} -o chain.pem --overwrite`)).status, 1)
  const json = JSON.parse((await vouch(dir, `${line} --json`)).stdout)
  assert.deepEqual([json.reason, json.intermediates[0].subject], ['missing-intermediate', 'CN=Issuing'])
})

const subjectsOf = (pem: string) => {
  return (pem.match(/-----BEGIN[\s\S]*?-----END CERTIFICATE-----/g) ?? []).map(
    (each) => new X509Certificate(each).subject,
  )
}

const lines: [line: string, status: number, stderr: RegExp][] = [
  ['check a -o b', 2, /--output needs --fetch-intermediates/],
  ['check a --timeout 0', 2, /--timeout must be above 0/],
  ['check a --passphrase-file b', 2, /--passphrase-file needs --cert/],
  ['check', 2, /^vouch: error: name one URL\nvouch: hint: vouch check --help\n$/],
  ['check a b', 2, /name one URL/],
  ['check a --key b', 2, /--key needs --cert/],
  ['check a --verfiy b', 2, /unknown option '--verfiy': did you mean '--verify'\?\n/],
  ['check http://localhost/', 2, /^vouch: error: only https servers are verified/],
  ['check 127.0.0.1:1', 3, /^vouch: error: Failed to establish a new connection to 127\.0\.0\.1:1: connection refused/],
]

for (const [line, status, stderr] of lines) {
  test(`vouch ${line}: ${status}`, async () => {
    using dir = tempDir()
    const ran = await vouch(dir, line)
    assert.deepEqual([ran.status, ran.stdout], [status, ''])
    assert.match(ran.stderr, stderr)
  })
}

test('a bundle that cannot be used is no server that is trusted', async () => {
  using dir = tempDir()
  const { status, stdout } = await vouch(dir, 'check localhost --verify none.pem')
  assert.equal(status, 2)
  assert.match(stdout, /is not trusted: Could not find a suitable TLS CA certificate bundle, invalid path: none\.pem/)
})

test('paths in hints are quoted for a shell', () => {
  assert.equal(inFlags("save it, then verify: 'server.pem'"), 'save it, then --verify server.pem')
  assert.equal(inFlags("verify: 'x y;z.pem'"), "--verify 'x y;z.pem'")
  assert.equal(inFlags("trust it: verify: '-x.pem'"), 'trust it: --verify ./-x.pem')
})
