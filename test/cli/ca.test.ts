/** A private CA without a line of code: made, used by servers and clients, trusted by the databases of browsers and taken out again. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { openssl } from '../helpers/openssl.ts'
import { isLinux } from '../helpers/platform.ts'
import { hasProgram } from '../helpers/programs.ts'
import { BROWSERS, browse, isAsked } from '../helpers/real-clients.ts'
import { startHttpsServer } from '../helpers/servers.ts'
import { type TempDir, tempDir } from '../helpers/temp.ts'
import { shell, vouch } from './vouch.ts'

/** Runs a line that must succeed. */
async function done(dir: TempDir, line: string, env?: NodeJS.ProcessEnv): Promise<string> {
  const { status, stdout, stderr } = await vouch(dir, line, env)
  assert.equal(status, 0, `${line}: ${stderr}`)
  return stdout
}

test('a CA is made, issues certificates for servers and clients, and openssl and requests verify them', async () => {
  using dir = tempDir()
  dir.write('pass.txt', 'correct horse\n')
  await done(dir, 'ca create --common-name Team --passphrase-file pass.txt --days 100')
  assert.match(readFileSync(dir.join('ca.key'), 'utf8'), /^-----BEGIN ENCRYPTED PRIVATE KEY-----/)
  await done(dir, 'ca issue localhost 127.0.0.1 --ca-passphrase-file pass.txt')
  const shown = await done(dir, 'ca issue-client ada --cert ada.pem --key ada.key --ca-passphrase-file pass.txt --json')
  assert.deepEqual([JSON.parse(shown).certFile, shown.includes('PRIVATE')], ['ada.pem', false])
  const ca = dir.join('ca.pem')
  assert.match(
    openssl(['verify', '-x509_strict', '-purpose', 'sslserver', '-CAfile', ca, dir.join('cert.pem')]),
    /: OK/,
  )
  assert.match(openssl(['verify', '-purpose', 'sslclient', '-CAfile', ca, dir.join('ada.pem')]), /: OK/)

  const read = (name: string) => readFileSync(dir.join(name))
  await using server = await startHttpsServer({
    ...{ cert: read('cert.pem'), key: read('key.pem'), ca: read('ca.pem') },
    ...{ requestCert: true, rejectUnauthorized: true },
  })
  await done(dir, `get ${server.url} --verify ca.pem --cert ada.pem --key ada.key`)
  assert.equal((await vouch(dir, `get ${server.url} --verify ca.pem`)).status, 1)
})

test('existing files are kept, and what is wrong is said before anything is written', async () => {
  using dir = tempDir()
  await done(dir, 'ca create')
  const before = readFileSync(dir.join('ca.pem'), 'utf8')
  const again = await vouch(dir, 'ca create')
  assert.deepEqual([again.status, readFileSync(dir.join('ca.pem'), 'utf8')], [2, before])
  assert.match(again.stderr, /^vouch: error: .*the file exists, use --overwrite to replace it/)
  await done(dir, 'cert create box.lan')
  const lines: [line: string, stderr: RegExp][] = [
    ['ca create Team', /name the CA with --common-name/],
    ['ca issue', /name the hosts/],
    ['ca issue localhost --days 9999 --cert a.pem --key a.key', /days/],
    ['ca issue localhost --ca none.pem --cert a.pem --key a.key', /cannot read .*none\.pem/],
    ['ca issue localhost --ca cert.pem --ca-key key.pem --cert a.pem --key a.key', /it may not issue certificates/],
    ['ca issue-client', /name one client/],
    ['ca isue localhost', /did you mean 'ca issue'\?/],
    ['ca trust', /name the file of the CA's certificate/],
    ['ca trust cert.pem', /'cert\.pem' is not a CA's certificate/],
    ['ca trust none.pem', /none\.pem/],
  ]
  for (const [line, stderr] of lines) {
    const ran = await vouch(dir, line)
    assert.equal(ran.status, 2, line)
    assert.match(ran.stderr, stderr)
  }
  assert.equal(existsSync(dir.join('a.pem')), false)
})

const hasDatabases = isLinux && hasProgram('certutil')

test('browsers are told to trust a CA after it was said what is run, and one command undoes it', {
  skip: !hasDatabases && 'no certutil: apt-get install libnss3-tools',
}, async () => {
  using dir = tempDir()
  const databases = [dir.join('.pki', 'nssdb'), dir.join('.mozilla', 'firefox', 'a.default')]
  for (const database of databases) {
    mkdirSync(database, { recursive: true })
    execFileSync('certutil', ['-N', '-d', `sql:${database}`, '--empty-password'])
  }
  const env = { HOME: dir.path }
  const listed = () =>
    databases.map((each) => execFileSync('certutil', ['-L', '-d', `sql:${each}`], { encoding: 'utf8' }))
  await done(dir, 'ca create')
  const asked = await vouch(dir, 'ca trust ca.pem --browsers', env)
  assert.equal(asked.status, 2)
  assert.match(
    asked.stderr,
    /^vouch: to trust it, this is run:\n {2}certutil -A -d sql:\/.*\n[\s\S]*there is no terminal to ask on: --yes/,
  )
  assert.doesNotMatch(listed().join(''), /vouch-/)

  await done(dir, 'ca trust ca.pem --browsers --yes', env)
  for (const list of listed()) assert.match(list, /^vouch-[0-9a-f]{16} +C,, +$/m)
  await done(dir, 'ca trust ca.pem --browsers --yes', env)
  await done(dir, 'ca untrust ca.pem --browsers --yes', env)
  assert.doesNotMatch(listed().join(''), /vouch-/)
  await done(dir, 'ca untrust ca.pem --browsers --yes', env)
})

/** Whether this process may have mounts of its own, in which nothing of the machine's store is changed. */
const hasMounts =
  hasProgram('update-ca-certificates') && hasProgram('unshare') && spawnSync('unshare', ['-m', 'true']).status === 0

test("the system's store trusts a CA by one command, and not any more by another", {
  skip: hasMounts ? false : 'needs root, unshare and update-ca-certificates',
}, async () => {
  using dir = tempDir()
  await done(dir, 'ca create')
  await done(dir, 'ca issue localhost')
  const { status, stdout } = await shell(
    dir,
    `cat > script <<'END'
set -e
mount -t tmpfs none /usr/local/share/ca-certificates
mkdir -p ssl/certs
cp /etc/ssl/openssl.cnf ssl/
mount --bind ssl /etc/ssl
grep -m 1 '^mozilla/' /etc/ca-certificates.conf > one
mount --bind one /etc/ca-certificates.conf
verify() { openssl verify -CApath /etc/ssl/certs cert.pem >/dev/null 2>&1 && echo trusted || echo refused; }
verify
vouch ca trust ca.pem --system --yes >/dev/null 2>&1
verify
vouch ca untrust ca.pem --system --yes >/dev/null 2>&1
verify
END
unshare -m sh script`,
  )
  assert.deepEqual([status, stdout], [0, 'refused\ntrusted\nrefused\n'])
})

for (const browser of BROWSERS) {
  const isInstalled = hasDatabases && hasProgram(browser.program)
  const skip = isInstalled ? false : `not installed: apt-get install libnss3-tools ${browser.package}`

  test(`three commands let ${browser.name} open a local server, and one undoes it`, {
    skip,
    timeout: 240_000,
  }, async () => {
    using dir = tempDir()
    // A profile as the first start of Firefox leaves it; Chromium's database is made by the command.
    if (browser.name === 'Firefox') {
      mkdirSync(dir.join(browser.database), { recursive: true })
      dir.write(`${browser.database}/times.json`, '{}')
    }
    const env = { HOME: dir.path }
    await done(dir, 'ca create')
    await done(dir, 'ca issue localhost 127.0.0.1')
    const [cert, key] = ['cert.pem', 'key.pem'].map((name) => readFileSync(dir.join(name), 'utf8'))
    const pair = { cert: cert ?? '', key: key ?? '' }
    const opens = (host: string) => isAsked(host, pair, (url, arrived) => browse(browser, url, dir, arrived))

    assert.equal(await opens('localhost'), false, 'before')
    await done(dir, 'ca trust ca.pem --browsers --yes', env)
    assert.equal(await opens('localhost'), true, 'by name')
    assert.equal(await opens('127.0.0.1'), true, 'by address')
    await done(dir, 'ca untrust ca.pem --browsers --yes', env)
    assert.equal(await opens('localhost'), false, 'afterwards')
  })
}
