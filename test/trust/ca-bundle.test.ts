import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync } from 'node:fs'
import { dirname, relative } from 'node:path'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import tls from 'node:tls'
import { pathToFileURL } from 'node:url'
import { displayName } from '../../src/core/credentials.ts'
import { CABundle, CABundleError } from '../../src/index.ts'
import { defaultRoots, readStore } from '../../src/trust/root-stores.ts'
import { readTrustPath } from '../../src/trust/sources.ts'
import { moduleUrl } from '../helpers/modules.ts'
import { createAuthority, rehash, subjectHash } from '../helpers/pki.ts'
import { onLinux, onPosix } from '../helpers/platform.ts'
import { runScript } from '../helpers/processes.ts'
import { type TempDir, tempDir } from '../helpers/temp.ts'

const [one, two, three] = ['One', 'Two', 'Three'].map((commonName) => createAuthority({ commonName }).certificate) as [
  string,
  string,
  string,
]
const pems = (bundle: CABundle) => bundle.resolve().anchors.map(({ pem }) => pem)

test('a bundle holds each certificate once, in the order given', () => {
  using dir = tempDir()
  const bundle = CABundle.from(two, dir.write('a.pem', one + two), [Buffer.from(three), new X509Certificate(one)])
  assert.deepEqual(pems(bundle), [two, one, three])
  assert.equal(bundle.size, 3)
  assert.equal(bundle.toPEM(), two + one + three)
  assert.deepEqual(
    bundle.certificates.map(({ subject }) => subject),
    ['CN=Two', 'CN=One', 'CN=Three'],
  )
})

test('the fingerprint is that of the certificates, in any order and from any source', () => {
  using dir = tempDir()
  const { fingerprint } = CABundle.from(one, two)
  assert.match(fingerprint, /^[0-9a-f]{64}$/)
  assert.equal(CABundle.from(dir.write('a.pem', two + one)).fingerprint, fingerprint)
  assert.notEqual(CABundle.from(one).fingerprint, fingerprint)
})

test('with makes a new bundle and leaves the old one as it was', () => {
  const bundle = CABundle.from(one)
  assert.deepEqual(pems(bundle.with(two, [three])), [one, two, three])
  assert.deepEqual(pems(bundle), [one])
  assert.deepEqual(pems(CABundle.from(bundle, two)), [one, two])
})

test('a company CA is added to the default roots', () => {
  const bundle = CABundle.default().with(one)
  assert.equal(bundle.size, CABundle.default().size + 1)
  assert.equal(bundle.isDefault, false)
  assert.equal(CABundle.default().isDefault, true)
})

test('the stores are those of Node, each certificate once', () => {
  assert.equal(CABundle.bundled().size, tls.rootCertificates.length)
  assert.equal(CABundle.default().size, tls.getCACertificates('default').length)
  const system = new Set(tls.getCACertificates('system').map((pem) => new X509Certificate(pem).fingerprint256))
  if (system.size > 0) assert.equal(CABundle.system().size, system.size)
})

test('a store is read once, and again when the default roots are changed', () => {
  const first = readStore('default')
  assert.equal(readStore('default'), first)
  const before = defaultRoots()
  tls.setDefaultCACertificates([one])
  try {
    assert.equal(CABundle.default().toPEM(), one)
    assert.equal(first.stale, true)
  } finally {
    tls.setDefaultCACertificates(before)
  }
  assert.equal(CABundle.default().size, before.length)
})

const inChild = async (code: string, flags: string[], env: NodeJS.ProcessEnv = {}) => {
  const script = `const { CABundle } = await import('${moduleUrl('index')}'); ${code}`
  const { stdout, stderr } = await runScript(script, { flags, env })
  return stdout || stderr
}

test('default roots that Node cannot list are an error with advice', async () => {
  const code = 'try { CABundle.default().size } catch (error) { console.log(error.name, error.message, error.hints) }'
  const output = await inChild(code, ['--use-openssl-ca'])
  // Later versions of Node may list them.
  if (output !== '') assert.match(output, /^CABundleError .*--use-openssl-ca.*name the file/s)
})

test('an empty store of the system is an error, not a bundle that trusts nothing', onLinux, async () => {
  const code = 'try { CABundle.system().size } catch (error) { console.log(error.name, error.message) }'
  const env = { SSL_CERT_FILE: '/dev/null', SSL_CERT_DIR: '/dev/null' }
  assert.equal(await inChild(code, [], env), 'CABundleError the system certificate store is empty\n')
})

test('relative paths start at the working directory of the moment in which the bundle was made', () => {
  using dir = tempDir()
  const path = dir.write('a.pem', one)
  const bundle = CABundle.from(relative(process.cwd(), path))
  const before = process.cwd()
  process.chdir(dirname(dir.path))
  try {
    assert.deepEqual(pems(bundle), [one])
  } finally {
    process.chdir(before)
  }
})

test('a file stays live: unchanged it is the same set, changed it is another', async () => {
  using dir = tempDir()
  const bundle = CABundle.from(dir.write('a.pem', one), three)
  const before = bundle.resolve()
  await setTimeout(60)
  assert.equal(bundle.resolve(), before)
  dir.write('a.pem', `# comment\n${one}`)
  const same = bundle.resolve()
  assert.equal(same.digest, before.digest)
  dir.write('a.pem', two)
  const after = bundle.resolve()
  assert.deepEqual(
    after.anchors.map(({ pem }) => pem),
    [two, three],
  )
  assert.notEqual(after.digest, before.digest)
  assert.deepEqual([before.stale, same.stale, after.stale], [true, true, false])
})

test('removed trust is removed: a file that is gone or broken does not count as it was', () => {
  using dir = tempDir()
  const path = dir.write('a.pem', one)
  const bundle = CABundle.from(path, two)
  const set = bundle.resolve()
  rmSync(path)
  assert.throws(() => bundle.resolve(), { name: 'CABundleError', code: 'ENOENT' })
  assert.equal(set.stale, true)
  dir.write('a.pem', 'junk')
  assert.throws(() => bundle.resolve(), /no certificate in it/)
  dir.write('a.pem', one)
  assert.equal(bundle.resolve().digest, set.digest)
})

test('a directory that is gone does not count as it was', () => {
  using dir = tempDir()
  for (const name of [`${subjectHash(one)}.0`, 'a.pem']) {
    const path = dirname(dir.write(`d/${name}`, one))
    const bundle = CABundle.from(path)
    const set = bundle.resolve()
    rmSync(path, { recursive: true })
    assert.throws(() => bundle.resolve(), { name: 'CABundleError', code: 'ENOENT' })
    assert.equal(set.stale, true)
  }
})

test('a file that comes, goes or changes in a directory is seen', async () => {
  for (const name of [(pem: string) => `${subjectHash(pem)}.0`, (pem: string) => `${subjectHash(pem)}.pem`]) {
    using dir = tempDir()
    dir.write(name(one), one)
    const bundle = CABundle.from(dir.path)
    const first = bundle.resolve()
    await setTimeout(60)
    assert.equal(bundle.resolve(), first)
    assert.equal(bundle.resolve(), first)
    dir.write(name(two), two)
    assert.equal(bundle.size, 2)
    assert.equal(first.stale, true)
    await setTimeout(60)
    const second = bundle.resolve()
    dir.write(name(one), one + three)
    assert.equal(bundle.size, 3)
    assert.equal(second.stale, true)
    unlinkSync(dir.join(name(one)))
    assert.deepEqual(pems(bundle), [two])
    unlinkSync(dir.join(name(two)))
    assert.throws(() => bundle.resolve(), /no certificates in the directory/)
  }
})

test('a directory prepared by openssl rehash is read', () => {
  using dir = tempDir()
  for (const [name, pem] of Object.entries({ one, two, three })) dir.write(`${name}.pem`, pem)
  rehash(dir.path)
  assert.deepEqual(pems(CABundle.from(dir.path)).sort(), [one, two, three].sort())
})

test('a link that comes to dangle takes its trust with it', onPosix, () => {
  using dir = tempDir()
  const target = dir.write('one.pem', one)
  mkdirSync(dir.join('hashed'))
  dir.write(`hashed/${subjectHash(two)}.0`, two)
  symlinkSync(target, dir.join('hashed', `${subjectHash(one)}.0`))
  const bundle = CABundle.from(dir.join('hashed'))
  const before = bundle.resolve()
  assert.equal(before.anchors.length, 2)
  rmSync(target)
  assert.deepEqual(pems(bundle), [two])
  assert.equal(before.stale, true)
})

test(
  'a directory of one name many times is read to the first gap; a link to nowhere is none, and holds nothing',
  onPosix,
  () => {
    using dir = tempDir()
    const hash = subjectHash(one)
    const same = Array.from({ length: 12 }, () => createAuthority({ commonName: 'One' }).certificate)
    for (const [index, pem] of same.entries()) dir.write(`${hash}.${index}`, pem)
    dir.write(`${subjectHash(two)}.0`, two)
    assert.equal(CABundle.from(dir.path).size, 13)
    unlinkSync(dir.join(`${hash}.10`))
    assert.equal(CABundle.from(dir.path).size, 11)
    symlinkSync('nowhere', dir.join(`${hash}.10`))
    assert.equal(CABundle.from(dir.path).size, 12)
    unlinkSync(dir.join(`${hash}.0`))
    // A link to itself is no better than one to nowhere.
    symlinkSync(`${hash}.0`, dir.join(`${hash}.0`))
    assert.deepEqual(pems(CABundle.from(dir.path)).sort(), [two, ...same.slice(1, 10), same[11]].sort())
  },
)

const errors: [
  what: string,
  make: (dir: TempDir) => string,
  message: RegExp,
  hint?: RegExp | undefined,
  code?: string,
][] = [
  [
    'a missing file',
    () => 'missing.pem',
    /^Could not find a suitable TLS CA certificate bundle, invalid path: missing\.pem$/,
    /relative paths start at/,
    'ENOENT',
  ],
  ['a path below a file', (dir) => `${dir.write('a.pem', one)}/b`, /invalid path/, undefined, 'ENOTDIR'],
  ['a path that is too long', () => 'x'.repeat(5000), /invalid path/, undefined, 'ENAMETOOLONG'],
  ['a path with NUL', () => 'a\0b', /invalid path/, undefined, 'ENOENT'],
  ["'true' as text", () => 'True', /invalid path: True/, /write verify: true without quotes/],
  ["'false' as text", () => 'false', /invalid path: false/, /write verify: false without quotes/],
  ['a tilde', () => '~/ca.pem', /invalid path/, /tilde/],
  ['a path with an at sign', (dir) => `${dir.path}//a@b/ca.pem`, /invalid path: .*\/\/a@b\/ca\.pem$/],
  ['the URL of a server', () => 'https://a.test/ca.pem', /invalid path: https:\/\/a\.test/, /save it first/],
  ['a URL as text', () => 'file:///ca.pem', /invalid path/, /pass a URL object/],
  ['two paths in one', () => 'a.pem:b.pem', /invalid path/, /one path only/],
  [
    'a file without certificates',
    (dir) => dir.write('a.pem', 'junk'),
    /^cannot use the CA bundle .*a\.pem: no certificate in it/,
    undefined,
    'ERR_CA_BUNDLE',
  ],
  ['a damaged file', (dir) => dir.write('a.pem', one + two.replace(/\n./, '\n!')), /a\.pem, line \d+: /],
  ['a device', () => '/dev/null', /^cannot use the CA bundle \/dev\/null: it is not a regular file/],
  ['an empty directory', (dir) => dir.path, /^no certificates in the directory/, /rehash/],
  ['a directory of other files', (dir) => dirname(dir.write('a.txt', one)), /^no certificates in the directory/],
  [
    'a directory with a gap',
    (dir) => dirname(dir.write(`${subjectHash(one)}.1`, one)),
    /^no certificates in the directory/,
  ],
  [
    "a directory under another's hash",
    (dir) => dirname(dir.write('00000000.0', one)),
    /its hashed names do not match/,
    /openssl rehash/,
  ],
  [
    'a directory with a damaged file',
    (dir) => dirname(dir.write(`${subjectHash(one)}.0`, 'junk')),
    /\.0: no certificate in it/,
  ],
  [
    'a directory in a directory',
    (dir) => dirname(dirname(dir.write('sub.pem/a', ''))),
    /sub\.pem: it is not a regular file/,
  ],
]

for (const [what, make, message, hint, code] of errors) {
  test(`a source that cannot be used is named, with what is wrong: ${what}`, onPosix, () => {
    using dir = tempDir()
    const path = make(dir)
    const bundle = CABundle.from(path)
    for (let look = 0; look < 2; look++) {
      assert.throws(
        () => bundle.resolve(),
        (error: unknown) => {
          assert(error instanceof CABundleError)
          assert.match(error.summary, message)
          assert(error.path?.startsWith(displayName(path)))
          assert.equal(error.line === undefined, !/line/.test(error.summary))
          if (hint) assert.match(error.hints.join(), hint)
          // The message includes the hints.
          for (const each of error.hints) assert(error.message.includes(`  ${each}`))
          if (code) assert.equal(error.code, code)
          return true
        },
      )
    }
  })
}

test('a file or directory that may not be read is an error', onPosix, () => {
  using dir = tempDir()
  chmodSync(dir.path, 0o755)
  const path = dir.write('a.pem', one, 0o000)
  mkdirSync(dir.join('d'))
  chmodSync(dir.join('d'), 0o000)
  // The superuser may read everything; nobody (65534) may not.
  const root = process.geteuid?.() === 0
  if (root) process.seteuid?.(65534)
  try {
    for (const denied of [path, dir.join('d')]) {
      assert.throws(
        () => CABundle.from(denied).size,
        (error: unknown) => {
          assert(error instanceof CABundleError)
          assert.equal(error.code, 'EACCES')
          assert.match(error.message, /^cannot read the CA bundle .*: EACCES/)
          return true
        },
      )
    }
  } finally {
    if (root) process.seteuid?.(0)
    chmodSync(dir.join('d'), 0o700)
  }
})

test('an error of a source given by value names no path', () => {
  assert.throws(
    () => CABundle.from(`#\n${one.replace(/\n./, '\n!')}`),
    (error: unknown) => {
      assert(error instanceof CABundleError)
      assert.match(error.message, /^cannot use the CA bundle given as PEM text, line 3: /)
      assert.deepEqual([error.path, error.line], [undefined, 3])
      return true
    },
  )
  assert.throws(() => CABundle.from(Buffer.from('junk')), /given as bytes: no certificate in it/)
})

test('bytes are copied: changing them later changes no trust', () => {
  const bytes = Buffer.from(one)
  const bundle = CABundle.from(bytes)
  bytes.fill(0)
  assert.deepEqual(pems(bundle), [one])
})

test('no sources at all is an error', () => {
  assert.throws(() => CABundle.from(), { name: 'CABundleError' })
})

test('a path can be given as a file: URL, and is shown as a path', () => {
  using dir = tempDir()
  const path = dir.write('a b.pem', one)
  const bundle = CABundle.from(pathToFileURL(path))
  assert.equal(bundle.path, path)
  assert.equal(bundle.size, 1)
  assert.equal(bundle.with(two).path, undefined)
  assert.equal(CABundle.from(one).path, undefined)
})

test('a directory that was swapped behind a symbolic link is seen', onPosix, () => {
  using dir = tempDir()
  dir.write('first/a.pem', one)
  dir.write('second/a.pem', two)
  symlinkSync('first', dir.join('current'))
  const bundle = CABundle.from(dir.join('current'))
  assert.deepEqual(pems(bundle), [one])
  symlinkSync('second', dir.join('next'))
  renameSync(dir.join('next'), dir.join('current'))
  assert.deepEqual(pems(bundle), [two])
})

test('what no reader expects is an error of the source as well', () => {
  const source = { path: 1n as unknown as string, source: 'x' }
  assert.throws(() => readTrustPath(source), { name: 'CABundleError', code: 'ERR_INVALID_ARG_TYPE', path: 'x' })
})
