import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename } from 'node:path'
import { test } from 'node:test'
import {
  createCA,
  createSelfSignedCert,
  type EnsuredCert,
  type EnsureSelfSignedCertOptions,
  ensureSelfSignedCert,
} from '../../src/certs/index.ts'
import { locatePair } from '../../src/certs/pair-paths.ts'
import { withPair } from '../../src/certs/write-pair.ts'
import { expectWarnings } from '../helpers/environment.ts'
import { moduleUrl } from '../helpers/modules.ts'
import { opensslBytes } from '../helpers/openssl.ts'
import { createAuthority, selfSigned, toDer } from '../helpers/pki.ts'
import { asRoot, isWindows, onPosix } from '../helpers/platform.ts'
import { outputOfScript } from '../helpers/processes.ts'
import { type TempDir, tempDir } from '../helpers/temp.ts'

const DAY = 24 * 60 * 60 * 1000
const filesOf = (dir: TempDir) => [dir.join('cert.pem'), dir.join('key.pem')] as const
const read = (files: readonly string[]) => files.map((file) => readFileSync(file, 'utf8'))
const belongTogether = (files: readonly [string, string]) =>
  new X509Certificate(readFileSync(files[0])).checkPrivateKey(createPrivateKey(readFileSync(files[1])))

/** Puts a self-signed certificate there that ends in so many days. */
function put(dir: TempDir, daysLeft: number, hosts: readonly string[] = ['localhost']): readonly [string, string] {
  const { certificate, key } = selfSigned({ hosts, notAfter: new Date(Date.now() + daysLeft * DAY) })
  return [dir.write('cert.pem', certificate), dir.write('key.pem', key, 0o600)]
}

test('what is missing is made, and then kept as it is', async () => {
  using dir = tempDir()
  const files = filesOf(dir)
  const made = await ensureSelfSignedCert(...files, ['localhost', '127.0.0.1'])
  assert.equal(made.action, 'created')
  assert.deepEqual(read(files), [made.cert, made.key])
  if (!isWindows) assert.equal(statSync(files[1]).mode & 0o777, 0o600)
  const { ino, mtimeMs } = statSync(files[0])
  const kept = await ensureSelfSignedCert(...files, ['127.0.0.1', 'LOCALHOST.'])
  assert.deepEqual(kept, { ...made, action: 'kept' })
  assert.deepEqual([statSync(files[0]).ino, statSync(files[0]).mtimeMs], [ino, mtimeMs])
  assert.deepEqual(readdirSync(dir.path).sort(), ['cert.pem', 'key.pem'])
})

const rules: [daysLeft: number, options: EnsureSelfSignedCertOptions, action: string][] = [
  [31, {}, 'kept'],
  [29, {}, 'renewed'],
  [-1, {}, 'renewed'],
  [29, { renewBefore: 28 }, 'kept'],
  [61, { renewBefore: 62 }, 'renewed'],
  // A third of what it is made for, where 30 days would be most of it.
  [3, { days: 6 }, 'kept'],
  [1.9, { days: 6 }, 'renewed'],
  [29, { days: 90 }, 'renewed'],
]

for (const [daysLeft, options, action] of rules) {
  test(`with ${daysLeft} days left and ${JSON.stringify(options)} it is ${action}`, async () => {
    using dir = tempDir()
    const files = put(dir, daysLeft)
    const before = read(files)
    const found = await ensureSelfSignedCert(...files, 'localhost', options)
    assert.equal(found.action, action)
    assert.deepEqual(read(files), [found.cert, found.key])
    assert.equal(before[0] === found.cert, action === 'kept')
    assert.equal(before[1] === found.key, action === 'kept', 'the key is renewed with it')
    assert.equal((await ensureSelfSignedCert(...files, 'localhost', options)).action, 'kept')
  })
}

const changes: [
  what: string,
  made: EnsureSelfSignedCertOptions,
  wished: EnsureSelfSignedCertOptions,
  action: string,
][] = [
  ['no option is given', { keyType: 'ec-p384', ca: false, organization: 'A', commonName: 'b' }, {}, 'kept'],
  ['another kind of key', {}, { keyType: 'ed25519' }, 'renewed'],
  ['the same kind of key', { keyType: 'ec-p384' }, { keyType: 'ec-p384' }, 'kept'],
  ['no CA', { ca: true }, { ca: false }, 'renewed'],
  ['a CA', {}, { ca: true }, 'renewed'],
  ['not whether it is a CA', { ca: true }, {}, 'kept'],
  ['another organization', { organization: 'A' }, { organization: 'B' }, 'renewed'],
  ['the same names', { organization: 'Ä, "b"', commonName: 'c' }, { organization: 'Ä, "b"', commonName: 'c' }, 'kept'],
  ['another common name', {}, { commonName: 'x' }, 'renewed'],
  ['a passphrase for the first time', {}, { passphrase: 'secret' }, 'renewed'],
  ['the passphrase that it has', { passphrase: 'secret' }, { passphrase: 'secret' }, 'kept'],
]

for (const [what, made, wished, action] of changes) {
  test(`${what}: ${action}`, async () => {
    using dir = tempDir()
    const files = filesOf(dir)
    await ensureSelfSignedCert(...files, 'localhost', made)
    assert.equal((await ensureSelfSignedCert(...files, 'localhost', wished)).action, action)
  })
}

for (const [before, after, action] of [
  [['a'], ['a', 'b'], 'renewed'],
  [['a', 'b'], ['a'], 'renewed'],
  [['a', '::1'], ['0:0::1', 'A'], 'kept'],
  [['bücher.example'], ['xn--bcher-kva.example'], 'kept'],
  [['127.0.0.1'], ['127.0.0.2'], 'renewed'],
] as const) {
  test(`made for ${before.join(' and ')}, it is ${action} for ${after.join(' and ')}`, async () => {
    using dir = tempDir()
    const files = filesOf(dir)
    await ensureSelfSignedCert(...files, before)
    assert.equal((await ensureSelfSignedCert(...files, after)).action, action)
  })
}

test('half of a first pair is completed', async () => {
  using dir = tempDir()
  const files = filesOf(dir)
  dir.write('cert.pem', selfSigned().certificate)
  assert.equal((await ensureSelfSignedCert(...files, 'localhost')).action, 'created')
  assert(belongTogether(files))
})

const precious: [what: string, code: string, message: RegExp, put: (dir: TempDir) => void][] = [
  [
    'a key without its certificate',
    'ERR_KEY_MISMATCH',
    /key\.pem': its certificate '.*cert\.pem' is missing: name the file that has it, or remove the key/,
    (dir) => dir.write('key.pem', selfSigned().key, 0o600),
  ],
  [
    "a key with another's certificate",
    'ERR_KEY_MISMATCH',
    /key\.pem': the key does not belong to the certificate '.*cert\.pem'/,
    (dir) => {
      put(dir, 100)
      dir.write('key.pem', selfSigned().key, 0o600)
    },
  ],
  [
    'a certificate of another issuer that expires soon',
    'ERR_CERTIFICATE',
    /cert\.pem': it expires in 4 days, but it is not self-signed: have 'CN=Test CA' issue it again, or name other files/,
    (dir) => {
      const { certificate, key } = createAuthority().issue({ notAfter: new Date(Date.now() + 5 * DAY - 5000) })
      dir.write('cert.pem', certificate)
      dir.write('key.pem', key, 0o600)
    },
  ],
  [
    'a certificate of another issuer without its key',
    'ERR_CERTIFICATE',
    /its key is missing, but it is not self-signed/,
    (dir) => dir.write('cert.pem', createAuthority().issue().certificate),
  ],
  [
    'an encrypted key without its passphrase',
    'ERR_PRIVATE_KEY',
    /key\.pem': it is encrypted, pass its `passphrase`/,
    () => {},
  ],
  [
    'text instead of a certificate',
    'ERR_CERTIFICATE',
    /cert\.pem': no certificate in it/,
    (dir) => {
      put(dir, 100)
      dir.write('cert.pem', 'not yet')
    },
  ],
  [
    'an empty key',
    'ERR_PRIVATE_KEY',
    /key\.pem': there is no private key in it/,
    (dir) => {
      put(dir, 100)
      dir.write('key.pem', '', 0o600)
    },
  ],
  [
    'a damaged key',
    'ERR_PRIVATE_KEY',
    /key\.pem': it is damaged/,
    (dir) => {
      put(dir, 100)
      dir.write('key.pem', selfSigned().key.replace(/\n.{9}/, '\n'), 0o600)
    },
  ],
]

for (const [what, code, message, prepare] of precious) {
  test(`${what} is left as it is, and said`, async () => {
    using dir = tempDir()
    const files = filesOf(dir)
    if (what.startsWith('an encrypted')) await createSelfSignedCert(...files, 'localhost', { passphrase: 'secret' })
    prepare(dir)
    const before = readdirSync(dir.path).map((name) => [name, readFileSync(dir.join(name), 'utf8')])
    await assert.rejects(ensureSelfSignedCert(...files, 'localhost'), { code, message })
    assert.deepEqual(
      readdirSync(dir.path).map((name) => [name, readFileSync(dir.join(name), 'utf8')]),
      before,
    )
  })
}

test("another issuer's certificate is kept while it is good", async () => {
  using dir = tempDir()
  const ca = await createCA()
  const [certFile, keyFile] = filesOf(dir)
  const issued = await ca.issue('localhost', { certFile, keyFile })
  assert.deepEqual(await ensureSelfSignedCert(certFile, keyFile, 'localhost'), { ...issued, action: 'kept' })
})

test('of many processes that start together one makes the pair, and all have it', onPosix, async () => {
  using dir = tempDir()
  const files = filesOf(dir)
  const script = `
    const { ensureSelfSignedCert } = await import('${moduleUrl('certs/index')}')
    const { action, fingerprint, cert, key } = await ensureSelfSignedCert(...${JSON.stringify(files)}, 'localhost')
    console.log(JSON.stringify({ action, fingerprint, cert, key }))`
  const start = async (): Promise<EnsuredCert> => JSON.parse(await outputOfScript(script))
  for (const action of ['created', 'renewed']) {
    if (action === 'renewed') put(dir, 3)
    const results = await Promise.all(Array.from({ length: 6 }, start))
    assert.deepEqual(results.map((result) => result.action).sort(), [action, ...Array(5).fill('kept')].sort())
    const [cert, key] = read(files)
    for (const result of results) assert.deepEqual([result.cert, result.key], [cert, key])
    assert(belongTogether(files))
  }
  assert.deepEqual(readdirSync(dir.path).sort(), ['cert.pem', 'key.pem'])
})

test('many calls at once in one process make one pair', async () => {
  using dir = tempDir()
  const files = put(dir, 1)
  const results = await Promise.all(Array.from({ length: 20 }, () => ensureSelfSignedCert(...files, 'localhost')))
  assert.equal(new Set(results.map(({ fingerprint }) => fingerprint)).size, 1)
  assert.equal(results.filter(({ action }) => action === 'renewed').length, 1)
})

test('what is kept needs no lock, so that its directory may be read-only', onPosix, async () => {
  using dir = tempDir()
  const files = put(dir, 100)
  // A call that needs the lock would wait for this process, which has it.
  const hold = Promise.withResolvers<void>()
  const held = withPair(locatePair(...files), () => hold.promise)
  assert.equal((await ensureSelfSignedCert(...files, 'localhost')).action, 'kept')
  hold.resolve()
  await held
})

test('in a directory that is not writable the error is about the pair, not about the directory', onPosix, async () => {
  using dir = tempDir()
  mkdirSync(dir.join('sealed'))
  const { cert } = await createSelfSignedCert(null, null, 'localhost')
  dir.write('sealed/cert.pem', cert)
  dir.write('sealed/key.pem', (await createSelfSignedCert(null, null, 'localhost')).key, 0o644)
  // Root may write everywhere, so it becomes another user: only after everything is loaded, also what a call loads, since
  // that user may not be able to read these files.
  const script = `
    const { createSelfSignedCert, ensureSelfSignedCert } = await import('${moduleUrl('certs/index')}')
    await createSelfSignedCert(null, null, 'localhost')
    if (process.getuid() === 0) process.setuid(65534)
    await ensureSelfSignedCert('cert.pem', 'key.pem', 'localhost').catch(({ code }) => console.log(code))`
  chmodSync(dir.join('sealed'), 0o555)
  chmodSync(dir.path, 0o755)
  const output = await outputOfScript(script, { cwd: dir.join('sealed') })
  // Otherwise an ordinary user could not remove it.
  chmodSync(dir.join('sealed'), 0o755)
  assert.equal(output.trim(), 'ERR_KEY_MISMATCH')
})

test('a certificate from the future, made while the clock was wrong, is renewed', async () => {
  using dir = tempDir()
  const ahead = selfSigned({ notBefore: new Date(Date.now() + 900 * DAY), notAfter: new Date(Date.now() + 999 * DAY) })
  dir.write('cert.pem', ahead.certificate)
  dir.write('key.pem', ahead.key, 0o600)
  assert.equal((await ensureSelfSignedCert(...filesOf(dir), 'localhost')).action, 'renewed')
})

test("an authority's pair is not taken for a server's, and is left as it is", async () => {
  using dir = tempDir()
  await createCA(...filesOf(dir), { commonName: 'Team CA' })
  const before = read(filesOf(dir))
  await assert.rejects(ensureSelfSignedCert(...filesOf(dir), 'localhost'), {
    code: 'ERR_CERTIFICATE',
    message: /it has no hosts, so it may be a certificate authority's, and is not replaced/,
  })
  assert.deepEqual(read(filesOf(dir)), before)
})

test('a pair that root renews stays with its owner', asRoot, async () => {
  using dir = tempDir()
  const files = put(dir, 1)
  for (const file of files) chownSync(file, 65534, 65533)
  assert.equal((await ensureSelfSignedCert(...files, 'localhost')).action, 'renewed')
  for (const file of files) assert.deepEqual([statSync(file).uid, statSync(file).gid], [65534, 65533])
  assert.equal(statSync(files[1]).mode & 0o777, 0o600)
})

test('DER is kept as it is on disk, and given as PEM', async () => {
  using dir = tempDir()
  const { certificate, key } = selfSigned({ notAfter: new Date(Date.now() + 99 * DAY) })
  dir.write('cert.der', toDer(certificate))
  dir.write('key.der', opensslBytes(['pkey', '-outform', 'DER'], key), 0o600)
  const pair = await ensureSelfSignedCert(dir.join('cert.der'), dir.join('key.der'), 'localhost')
  assert.equal(pair.action, 'kept')
  assert.equal(new X509Certificate(pair.cert).checkPrivateKey(createPrivateKey(pair.key)), true)
  assert.match(pair.key, /^-----BEGIN PRIVATE KEY-----/)
})

test('what a killed writer has left is tidied by the next call, also by one that keeps the pair', async () => {
  using dir = tempDir()
  const files = put(dir, 100)
  const paths = locatePair(...files)
  const hidden = (path: string) => `.vouch-${createHash('sha256').update(basename(path)).digest('hex').slice(0, 16)}`
  dir.write(`${hidden(paths.key)}.new`, '-----BEGIN PRIVATE KEY-----', 0o600)
  dir.write(`${hidden(paths.cert)}/old/cert`, 'old')
  assert.equal((await ensureSelfSignedCert(...files, 'localhost')).action, 'kept')
  assert.deepEqual(readdirSync(dir.path).sort(), ['cert.pem', 'key.pem'])
})

test('a dangling link of ours is replaced', onPosix, async () => {
  using dir = tempDir()
  for (const name of ['cert', 'key']) symlinkSync(`${OURS}/now/${name}`, dir.join(`${name}.pem`))
  assert.equal((await ensureSelfSignedCert(...filesOf(dir), 'localhost')).action, 'created')
  assert.deepEqual(readdirSync(dir.path).sort(), ['cert.pem', 'key.pem'])
})

/** The hidden directory of a pair whose certificate is cert.pem. */
const OURS = `.vouch-${createHash('sha256').update('cert.pem').digest('hex').slice(0, 16)}`

test('a link that another user has made in the form of ours gives no file a second name', onPosix, async () => {
  for (const hidden of ['.vouch-0000000000000000', OURS]) {
    for (const inside of ['now', 'old', 'new']) {
      using dir = tempDir()
      const victim = dir.write('victim', 'root:secret')
      dir.write('cert.pem', selfSigned().certificate)
      mkdirSync(dir.join(hidden))
      if (inside !== 'now') symlinkSync(inside, dir.join(`${hidden}/now`))
      mkdirSync(dir.join(`${hidden}/${inside}`))
      symlinkSync('../../victim', dir.join(`${hidden}/${inside}/key`))
      symlinkSync(`${hidden}/now/key`, dir.join('key.pem'))
      // Whether it is an error or a new pair, the other file keeps its one name and its content.
      await ensureSelfSignedCert(...filesOf(dir), 'localhost').catch(() => {})
      assert.equal(statSync(victim).nlink, 1, `${hidden}/${inside}`)
      assert.equal(readFileSync(victim, 'utf8'), 'root:secret')
    }
  }
})

test('a key that others can read is reported', onPosix, async () => {
  using dir = tempDir()
  const files = put(dir, 100)
  rmSync(files[1])
  const { certificate, key } = selfSigned()
  writeFileSync(files[0], certificate)
  dir.write('key.pem', key, 0o640)
  await expectWarnings('KeyPermissionsWarning', () => ensureSelfSignedCert(...files, 'localhost', { renewBefore: 1 }))
})

const wrong: [what: string, options: unknown, name: string, message: RegExp][] = [
  ['renewBefore: 0', { renewBefore: 0 }, 'RangeError', /renewBefore must be a whole number from 1/],
  ['renewBefore as long as days', { renewBefore: 90, days: 90 }, 'RangeError', /must be less than days \(90\)/],
  ["renewBefore: '30'", { renewBefore: '30' }, 'TypeError', /renewBefore must be a number/],
  ['overwrite', { overwrite: true }, 'TypeError', /ensureSelfSignedCert has no option "overwrite"/],
  ['keyType', { keyType: 'dsa' }, 'TypeError', /keyType must be one of/],
]

for (const [what, options, name, message] of wrong) {
  test(`${what} is a ${name}, and nothing is written`, async () => {
    using dir = tempDir()
    await assert.rejects(ensureSelfSignedCert(...filesOf(dir), 'localhost', options as object), { name, message })
    assert.deepEqual(readdirSync(dir.path), [])
  })
}

test('places that cannot be written to are refused by name', async () => {
  using dir = tempDir()
  mkdirSync(dir.join('sub'))
  const refused = (cert: string, code: string) =>
    assert.rejects(ensureSelfSignedCert(dir.join(cert), dir.join('key.pem'), 'localhost'), {
      code,
      path: dir.join(cert),
    })
  await refused('none/cert.pem', 'ENOENT')
  await refused('sub', 'EISDIR')
  assert.deepEqual(readdirSync(dir.path), ['sub'])
})
