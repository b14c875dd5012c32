/** Sessions at a shell: what is typed, what is printed where, and the exit status. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createPrivateKey, hash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { createSelfSignedCert, inspectCert } from '../../src/certs/index.ts'
import { get } from '../../src/index.ts'
import { authority, leaf, utcTime } from '../conformance/limbo/forge.ts'
import { createAuthority, selfSigned } from '../helpers/pki.ts'
import { isWindows, onPosix } from '../helpers/platform.ts'
import { startProxy } from '../helpers/proxy.ts'
import { startHttpsServer } from '../helpers/servers.ts'
import { tempDir } from '../helpers/temp.ts'
import { main, shell, vouch } from './vouch.ts'

test('the key pin of a certificate is that of the key as it is encoded there, though Node encodes it in another way', async () => {
  using dir = tempDir()
  const { cert } = await createSelfSignedCert(null, null, 'localhost', { keyType: 'rsa-2048' })
  // rsaEncryption with an empty octet string in place of NULL.
  const [usual, odd] = ['06092a864886f70d0101010500', '06092a864886f70d0101010400']
  const der = Buffer.from(new X509Certificate(cert).raw.toString('hex').replace(usual, odd), 'hex')
  const encodedByNode = new X509Certificate(der).publicKey.export({ type: 'spki', format: 'der' })
  const key = Buffer.from(encodedByNode.toString('hex').replace(usual, odd), 'hex')
  assert(der.includes(key) && !der.includes(encodedByNode))
  dir.write('odd.der', der)
  const { stdout } = await vouch(dir, 'cert show odd.der')
  assert(stdout.includes(`key pin    verify: 'sha256//${hash('sha256', key, 'base64')}'\n`), stdout)
})

test('a certificate is made, looked at, kept, renewed, and never overwritten unasked', async () => {
  using dir = tempDir()
  const made = await vouch(dir, 'cert create localhost 127.0.0.1 --days 90')
  assert.equal(made.status, 0)
  assert.match(
    made.stdout,
    /^certificate {2}cert\.pem\nkey {10}key\.pem\nhosts {8}localhost, 127\.0\.0\.1\nvalid until {2}20\S+Z\nSHA-256 {6}[0-9A-F:]{95}\n$/,
  )
  assert.match(
    made.stderr,
    /^vouch: hint: serve it: .*\nvouch: hint: trust it: vouch get https:\/\/localhost\/ --verify cert\.pem; in code: \{ verify: 'cert\.pem' \}\n$/,
  )
  assert.doesNotMatch(made.stdout + made.stderr, /PRIVATE/)
  if (!isWindows) assert.equal(statSync(dir.join('key.pem')).mode & 0o777, 0o600)

  const again = await vouch(dir, 'cert create localhost')
  assert.deepEqual([again.status, again.stdout], [2, ''])
  assert.match(
    again.stderr,
    /^vouch: error: cannot write '.*cert\.pem': the file exists, use --overwrite to replace it\n$/,
  )

  const shown = await vouch(dir, 'cert show cert.pem')
  assert.equal(shown.status, 0)
  assert.match(
    shown.stdout,
    /^subject {4}CN=localhost\nissuer {5}CN=localhost \(self-signed\)\nhosts {6}localhost, 127\.0\.0\.1\n/,
  )
  assert.match(shown.stdout, /, 89 days left\nkey {8}ec-p256\nauthority {2}no\npurposes {3}serverAuth\n/)

  const kept = await vouch(dir, 'cert ensure localhost 127.0.0.1')
  assert.deepEqual([kept.status, kept.stderr], [0, 'vouch: kept cert.pem\n'])
  const renewed = await vouch(dir, 'cert ensure localhost --renew-before 3')
  assert.match(renewed.stderr, /^vouch: renewed cert\.pem\n/)
  assert.deepEqual(inspectCert(dir.join('cert.pem')).hosts, ['localhost'])
  const replaced = await vouch(
    dir,
    'cert create box.lan --overwrite --key-type rsa-2048 --no-ca --organization Example',
  )
  assert.equal(replaced.status, 0)
  const { hosts, keyType, ca, subject } = inspectCert(dir.join('cert.pem'))
  assert.deepEqual([hosts, keyType, ca, subject], [['box.lan'], 'rsa-2048', false, 'O=Example, CN=box.lan'])
  assert.match((await vouch(dir, 'cert show cert.pem')).stdout, /^issuer .* \(self-signed\)$/m)
  assert.deepEqual(readdirSync(dir.path).sort(), ['cert.pem', 'key.pem'])
})

test('a certificate without a date that can be read is shown all the same', async () => {
  using dir = tempDir()
  dir.write('odd.pem', leaf(undefined, { to: utcTime('490230000000Z') }).pem)
  const { status, stdout } = await vouch(dir, 'cert show odd.pem')
  assert.equal(status, 0)
  assert.match(stdout, / to \(no date\), never valid\n/)
})

test('with --json there is nothing but JSON on stdout, and no key in it', async () => {
  using dir = tempDir()
  const created = await vouch(dir, 'cert create localhost --cert a.crt --key a.key --json')
  const { fingerprint, ...rest } = JSON.parse(created.stdout)
  assert.deepEqual(Object.keys(rest), ['certFile', 'keyFile', 'hosts', 'validFrom', 'validTo'])
  assert.equal(
    JSON.parse((await vouch(dir, 'cert ensure localhost --cert a.crt --key a.key --json')).stdout).action,
    'kept',
  )
  assert.equal(JSON.parse((await vouch(dir, 'cert show a.crt --json')).stdout).fingerprint, fingerprint)
  dir.write('two.pem', selfSigned().certificate + selfSigned().certificate)
  assert.equal(JSON.parse((await vouch(dir, 'cert show --json two.pem')).stdout).length, 2)
})

test('cert show - waits for the writer of a pipe, and refuses one without end', onPosix, async () => {
  using dir = tempDir()
  dir.write('own.pem', selfSigned().certificate)
  const slow = await shell(
    dir,
    '(sleep 1; head -c 100 own.pem; sleep 0.2; tail -c +101 own.pem) | vouch cert show - --json',
  )
  assert.match(slow.stdout, /"fingerprint"/)
  // What the shell has opened can be read once, so its content is passed on.
  const opened = await shell(dir, 'cat own.pem | vouch cert show /dev/stdin --json')
  assert.equal(opened.stdout, slow.stdout)
  const empty = await shell(dir, 'vouch cert show - < /dev/null')
  assert.equal(empty.stdout, "vouch: error: cannot read 'stdin': it is empty\n")
  const endless = await shell(dir, 'vouch cert show - < /dev/zero')
  assert.equal(endless.stdout, "vouch: error: cannot read 'stdin': it is larger than 256 MiB\n")
})

test('what a certificate says cannot speak to the terminal, as text or as JSON, which holds it all the same', async () => {
  using dir = tempDir()
  const commonName = 'x\u009b2J\u202e\u{e0001}'
  dir.write('evil.pem', selfSigned({ commonName }).certificate)
  for (const json of ['', '--json']) {
    const { stdout } = await vouch(dir, `cert show evil.pem ${json}`.trim())
    assert.doesNotMatch(stdout, /[^\P{C}\n]/u)
    if (json) assert.equal(JSON.parse(stdout).subject, `CN=${commonName}`)
  }
})

test('what a server presents is fetched, said to be unverified, and can be trusted by its file then', async () => {
  using dir = tempDir()
  const pair = await createSelfSignedCert(null, null, ['localhost', '127.0.0.1'])
  await using server = await startHttpsServer(pair)
  const fetched = await vouch(dir, `cert fetch ${server.url127} -o box.crt`)
  assert.deepEqual([fetched.status, fetched.stdout], [0, ''])
  assert.match(fetched.stderr, /UNVERIFIED: 'CN=localhost', issued by 'CN=localhost'/)
  assert(fetched.stderr.includes(`vouch: SHA-256 ${pair.fingerprint}\n`))
  assert.match(fetched.stderr, /hint: .*compare the SHA-256 before you trust it/)
  assert.match(fetched.stderr, /openssl x509 -noout -fingerprint -sha256/)
  assert.equal(readFileSync(dir.join('box.crt'), 'utf8'), pair.cert)
  assert.equal((await get(server.url, { verify: dir.join('box.crt') })).statusCode, 200)

  const again = await vouch(dir, `cert fetch 127.0.0.1:${server.port} -o box.crt`)
  assert.deepEqual([again.status, again.stdout], [2, ''])
  assert.match(again.stderr, /error: cannot write 'box\.crt': the file exists, use --overwrite/)
  assert.equal((await vouch(dir, `cert fetch 127.0.0.1:${server.port}`)).stdout, pair.cert)
  const shown = await vouch(dir, `cert show 127.0.0.1:${server.port}`)
  assert.match(shown.stdout, /^subject {4}CN=localhost\n/)
  assert.match(shown.stderr, /nothing was verified/)
})

test('of a chain the server alone is saved, since who trusts the rest trusts an authority', async () => {
  using dir = tempDir()
  const root = createAuthority()
  const { key, certificate } = root.issue()
  await using server = await startHttpsServer({ key, cert: certificate + root.certificate })
  assert.equal((await vouch(dir, `cert fetch ${server.url}`)).stdout, certificate)
  assert.equal((await vouch(dir, `cert fetch ${server.url} --chain`)).stdout, certificate + root.certificate)
  assert.match(
    (await vouch(dir, `cert show ${server.url}`)).stdout,
    /^1 of 2\nsubject[\s\S]*\n\n2 of 2\nsubject {4}CN=Test CA\n/,
  )
})

test('a key that others can read is a warning in plain words', onPosix, async () => {
  using dir = tempDir()
  const { certificate, key } = selfSigned({ notAfter: new Date(Date.now() + 1e10) })
  dir.write('cert.pem', certificate)
  dir.write('key.pem', key, 0o644)
  const { status, stderr } = await vouch(dir, 'cert ensure localhost')
  assert.equal(status, 0)
  assert.match(
    stderr,
    /^vouch: warning: the private key key\.pem can be read by users other than its owner \(mode 0644\)/m,
  )
})

const DAY = 24 * 60 * 60 * 1000
const inDays = (days: number): Date => new Date(Date.now() + days * DAY)
const validity: [words: string, notBefore: Date, notAfter: Date][] = [
  ['not yet valid', inDays(1), inDays(30)],
  ['expired', inDays(-2), inDays(-1)],
  ['1 day left', inDays(-1), inDays(1.5)],
  ['13 days left', inDays(-1), inDays(13.5)],
]

for (const [words, notBefore, notAfter] of validity) {
  test(`a certificate is shown with what is left of it: ${words}`, async () => {
    using dir = tempDir()
    dir.write('cert.pem', selfSigned({ notBefore, notAfter }).certificate)
    const { status, stdout } = await vouch(dir, 'cert show cert.pem')
    assert.equal(status, 0)
    assert.match(stdout, new RegExp(`^valid .*, ${words}$`, 'm'))
  })
}

test('a certificate without a name is shown all the same', async () => {
  using dir = tempDir()
  dir.write('cert.pem', leaf(authority(undefined, { subject: '' }), { subject: '' }).pem)
  assert.match((await vouch(dir, 'cert show cert.pem')).stdout, /^subject {4}\(none\)\nissuer {5}\(none\)\n/)
})

test('the passphrase of a key comes from the first line of a file', async () => {
  using dir = tempDir()
  dir.write('word', 'a secret\r\nand more\n')
  const made = await vouch(dir, 'cert create *.box.lan --passphrase-file word')
  assert.equal(made.status, 0)
  assert.match(made.stderr, /trust it: vouch get https:\/\/www\.box\.lan\/ /)
  const key = readFileSync(dir.join('key.pem'), 'utf8')
  assert.throws(() => createPrivateKey({ key, passphrase: 'another' }))
  assert.equal(createPrivateKey({ key, passphrase: 'a secret' }).type, 'private')
  const ensured = await vouch(dir, 'cert ensure *.box.lan')
  assert.deepEqual([ensured.status, ensured.stdout], [2, ''])
  assert.match(ensured.stderr, /use --passphrase-file/)
})

test('an IPv6 address stands in brackets in what there is to write', async () => {
  using dir = tempDir()
  assert.match((await vouch(dir, 'cert create ::1')).stderr, /trust it: vouch get 'https:\/\/\[::1\]\/' --verify /)
})

test('a certificate is fetched and shown through a proxy, by the name that is asked for', async () => {
  const pair = await createSelfSignedCert(null, null, 'box.lan')
  await using server = await startHttpsServer(pair)
  await using proxy = await startProxy()
  using dir = tempDir()
  const asked: string[] = []
  server.server.on('secureConnection', ({ servername }) => asked.push(servername))
  const way = `--proxy ${proxy.url} --servername box.lan`
  assert.equal((await vouch(dir, `cert fetch 127.0.0.1:${server.port} ${way}`)).stdout, pair.cert)
  const { stdout } = await vouch(dir, `cert show --json 127.0.0.1:${server.port} ${way}`)
  assert.equal(JSON.parse(stdout).fingerprint, pair.fingerprint)
  const env = { HTTPS_PROXY: proxy.url }
  await vouch(dir, `cert fetch ${server.url}`, env)
  await vouch(dir, `cert fetch ${server.url} --no-env`, env)
  assert.equal(proxy.tunnels.length, 3)
  assert.deepEqual(asked, ['box.lan', 'box.lan', 'localhost', 'localhost'])
  const none = await vouch(dir, `cert fetch ${server.url} --proxy http://127.0.0.1:1`)
  assert.deepEqual([none.status, none.stdout], [3, ''])
  assert.match(none.stderr, /^vouch: error: .*proxy 127\.0\.0\.1:1/)
})

test('the fetched certificate goes to the named file, in the form that is asked for', async () => {
  using dir = tempDir()
  const root = createAuthority()
  const { key, certificate } = root.issue()
  await using server = await startHttpsServer({ key, cert: certificate + root.certificate })
  const fetch = (rest: string) => vouch(dir, `cert fetch ${server.url} ${rest}`)
  assert.equal(JSON.parse((await fetch('--json')).stdout).pem, certificate)
  const both = JSON.parse((await fetch('--chain --json')).stdout)
  assert.deepEqual(
    both.map(({ pem }: { pem: string }) => pem),
    [certificate, root.certificate],
  )
  dir.write('box.pem', 'what was there')
  assert.equal((await fetch('-o box.pem --overwrite')).status, 0)
  assert.equal(readFileSync(dir.join('box.pem'), 'utf8'), certificate)
  const refusals: [rest: string, why: string][] = [
    ['-o .', "cannot write '.': it is a directory, name a file in it"],
    ['-o none/box.pem', "cannot write 'none/box.pem': its directory does not exist"],
    ['-o box.pem/box.pem', "cannot write 'box.pem/box.pem': its directory does not exist"],
  ]
  for (const [rest, why] of refusals) {
    const { status, stderr } = await fetch(rest)
    assert.deepEqual([status, stderr.includes(`vouch: error: ${why}`)], [2, true], stderr)
  }
})

test('advice that comes with an error is printed', async () => {
  using dir = tempDir()
  dir.write('text.pem', 'hello')
  const { status, stderr } = await vouch(dir, 'cert show text.pem')
  assert.equal(status, 2)
  assert.match(stderr, /^vouch: error: .*text\.pem.*\n(?:vouch: hint: .+\n)+$/)
})

test('who has read enough may close the pipe', async () => {
  using dir = tempDir()
  const child = spawn(process.execPath, [main, '--help'], { cwd: dir.path, stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.destroy()
  const [stderr, [status]] = await Promise.all([text(child.stderr), once(child, 'close')])
  assert.deepEqual([status, stderr], [0, ''])
})

const lines: [line: string, status: number, stdout: RegExp, stderr: RegExp][] = [
  [
    '',
    2,
    /^$/,
    /^Usage: vouch COMMAND …\n\n {2}vouch check .*\n {2}vouch get .*\n {2}vouch head .*\n {2}vouch post [\s\S]*\n {2}vouch cert create/,
  ],
  ['--help', 0, /^Usage: vouch COMMAND …/, /^$/],
  ['--version', 0, /^\d+\.\d+\.\d+\n$/, /^$/],
  ['help cert show', 0, /^Usage: vouch cert show/, /^$/],
  ['get --help', 0, /^Usage: vouch get URL[\s\S]*exit status[\s\S]*Examples:\n {2}vouch get https:/, /^$/],
  ['check -h', 0, /^Usage: vouch check URL[\s\S]*exit status[\s\S]*Examples:\n {2}vouch check https:/, /^$/],
  ['cert', 2, /^$/, /vouch cert fetch/],
  ['cert create --help', 0, /^Usage: vouch cert create HOST…[\s\S]*Examples:\n {2}vouch cert create localhost/, /^$/],
  ['cert ensure -h', 0, /^Usage: vouch cert ensure HOST…/, /^$/],
  ['cert show --help', 0, /^Usage: vouch cert show FILE\|URL/, /^$/],
  ['cert fetch --help', 0, /^Usage: vouch cert fetch URL/, /^$/],
  ['frob', 2, /^$/, /^vouch: error: there is no command 'frob'\nvouch: hint: vouch --help\n$/],
  ['cert frob', 2, /^$/, /no command 'cert frob'\n/],
  ['chekc', 2, /^$/, /^vouch: error: there is no command 'chekc': did you mean 'check'\?\n/],
  ['cret shwo a', 2, /^$/, /no command 'cret shwo': did you mean 'cert show'\?/],
  ['cret', 2, /^$/, /no command 'cret': did you mean 'cert'\?/],
  ['fetch a', 2, /^$/, /no command 'fetch': did you mean 'cert fetch'\?/],
  ['gett https://ada:secret@box/', 2, /^$/, /^vouch: error: there is no command 'gett': did you mean 'get'\?\n.*\n$/],
  ['https://ada:secret@box/', 2, /^$/, /^vouch: error: there is no command 'https:\/\/box\/'\n/],
  ['--frob', 2, /^$/, /no option '--frob'\n/],
  ['--verison', 2, /^$/, /no option '--verison': did you mean '--version'\?/],
  ['cert create', 2, /^$/, /^vouch: error: name the hosts .*\nvouch: hint: vouch cert create --help\n$/],
  ['cert create a --days 3x', 2, /^$/, /^vouch: error: --days must be a number, not '3x'\n/],
  ['cert create a --days 0', 2, /^$/, /^vouch: error: --days must be a whole number from 1 to 36500, not 0\n$/],
  ['cert create a --frob', 2, /^$/, /^vouch: error: unknown option '--frob'\n/],
  ['cert create a --kee b', 2, /^$/, /^vouch: error: unknown option '--kee': did you mean '--key'\?\n/],
  ['cert create a -f', 2, /^$/, /^vouch: error: unknown option '-f': did you mean '--overwrite'\?\n/],
  ['cert create a --days', 2, /^$/, /^vouch: error: option '--days <value>' argument missing\n/],
  ['cert create a --key-type dsa', 2, /^$/, /^vouch: error: --key-type must be one of 'ec-p256', .*, not 'dsa'\n$/],
  ['cert create https://box.lan:8443/', 2, /^$/, /^vouch: error: not a host: .*: give the host alone: 'box\.lan'/],
  ['cert create a --cert none/cert.pem', 2, /^$/, /its directory does not exist, create '.*none' first/],
  [
    'cert ensure a --renew-before 400',
    2,
    /^$/,
    /^vouch: error: --renew-before \(400\) must be less than --days \(365\)/,
  ],
  ['cert show', 2, /^$/, /name one file or URL/],
  [
    'cert show none.pem',
    2,
    /^$/,
    /^vouch: error: there is no file 'none\.pem'; for a server give https:\/\/HOST or HOST:PORT\n$/,
  ],
  ['cert fetch', 2, /^$/, /name one URL/],
  ['cert fetch http://localhost:1/', 2, /^$/, /only https servers present a certificate here/],
  ['cert fetch 127.0.0.1:1', 3, /^$/, /^vouch: error: no connection to 127\.0\.0\.1:1: connection refused/],
]

for (const [line, status, stdout, stderr] of lines) {
  test(`vouch ${line}: ${status}`, async () => {
    using dir = tempDir()
    const ran = await vouch(dir, line)
    assert.match(ran.stdout, stdout)
    assert.match(ran.stderr, stderr)
    assert.equal(ran.status, status)
    assert.deepEqual(readdirSync(dir.path), [])
  })
}

test('names that a server chose are bounded in messages and tables, and JSON has no separators of lines', async () => {
  const long = 'y'.repeat(32_000)
  const { pem, key } = leaf(undefined, { subject: long })
  const keyPem = key.export({ type: 'pkcs8', format: 'pem' }).toString()
  await using server = await startHttpsServer({ cert: pem, key: keyPem })
  using dir = tempDir()
  const fetched = await vouch(dir, `cert fetch ${server.url} -o a.pem`)
  assert.equal(fetched.status, 0)
  assert(fetched.stderr.length < 3000, `${fetched.stderr.length}`)
  assert.match(fetched.stderr, /'CN=y{297}… \(32003 characters\)', issued by/)
  const shown = await vouch(dir, 'cert show a.pem')
  assert.match(shown.stdout, /^subject {4}CN=y{297}… \(32003 characters\)\n/)
  assert(shown.stdout.length < 3000, `${shown.stdout.length}`)
  const whole = await vouch(dir, 'cert show a.pem --json')
  assert.equal(JSON.parse(whole.stdout).subject, `CN=${long}`)

  dir.write('b.pem', leaf(undefined, { subject: 'a\u2028b\u2029c' }).pem)
  const escaped = await vouch(dir, 'cert show b.pem --json')
  assert.match(escaped.stdout, /"CN=a\\u2028b\\u2029c"/)
  assert.doesNotMatch(escaped.stdout, /[\u2028\u2029]/)
})
