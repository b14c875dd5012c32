import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  watch,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { createSelfSignedCert } from '../../src/certs/index.ts'
import { hiddenPath, preparePair } from '../../src/certs/pair-paths.ts'
import { withPair, writePair } from '../../src/certs/write-pair.ts'
import { moduleUrl } from '../helpers/modules.ts'
import { isWindows, onPosix } from '../helpers/platform.ts'
import { outputOf, runScript, startScript } from '../helpers/processes.ts'
import { type TempDir, tempDir } from '../helpers/temp.ts'

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8)

/** Every file below the directory with its content, to compare before and after. */
function snapshot(dir: TempDir): Record<string, string> {
  const files = readdirSync(dir.path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const paths = files.map((entry) => join(entry.parentPath, entry.name)).sort()
  return Object.fromEntries(paths.map((path) => [path, readFileSync(path, 'utf8')]))
}

function withUmask<T>(mask: number, body: () => Promise<T>): Promise<T> {
  const before = process.umask(mask)
  return body().finally(() => process.umask(before))
}

for (const umask of [0o000, 0o022, 0o077]) {
  test(`under umask ${umask.toString(8)} the key's mode is 0600 from its first byte on`, onPosix, async () => {
    using dir = tempDir()
    const certFile = dir.join('cert.pem')
    const keyFile = dir.join('keys/key.pem')
    mkdirSync(dir.join('keys'))
    const seen = new Set<string>()
    // Every file that ever appears where the key goes, its temporary ones too.
    using _ = Object.assign(
      watch(dir.join('keys'), (_, name) => {
        const stats = statSync(dir.join('keys', name ?? ''), { throwIfNoEntry: false })
        if (stats) seen.add((stats.mode & 0o777).toString(8))
      }),
      {
        [Symbol.dispose](this: { close(): void }) {
          this.close()
        },
      },
    )
    await withUmask(umask, () => createSelfSignedCert(certFile, keyFile, 'localhost'))
    assert.equal(modeOf(keyFile), '600')
    assert.equal(modeOf(certFile), (0o644 & ~umask).toString(8))
    await withUmask(umask, () => createSelfSignedCert(certFile, keyFile, 'localhost', { overwrite: true }))
    assert.equal(modeOf(keyFile), '600')
    await new Promise((resolve) => setTimeout(resolve, 50))
    assert.deepEqual([...seen], ['600'])
  })
}

test('a key that others could read is replaced by one that they cannot', onPosix, async () => {
  using dir = tempDir()
  const keyFile = dir.write('key.pem', 'old', 0o644)
  await createSelfSignedCert(dir.join('cert.pem'), keyFile, 'localhost', { overwrite: true })
  assert.equal(modeOf(keyFile), '600')
})

for (const existing of [['cert.pem'], ['key.pem'], ['cert.pem', 'key.pem']]) {
  test(`existing files (${existing.join(' and ')}) are kept without overwrite, and replaced with it`, async () => {
    using dir = tempDir()
    for (const name of existing) dir.write(name, `old ${name}`)
    const before = snapshot(dir)
    await assert.rejects(createSelfSignedCert(dir.join('cert.pem'), dir.join('key.pem'), 'localhost'), {
      code: 'EEXIST',
      path: dir.join(existing[0] ?? ''),
      message: `cannot write '${dir.join(existing[0] ?? '')}': the file exists, pass \`overwrite: true\` to replace it`,
    })
    assert.deepEqual(snapshot(dir), before)

    const pair = await createSelfSignedCert(dir.join('cert.pem'), dir.join('key.pem'), 'localhost', { overwrite: true })
    assert.deepEqual(snapshot(dir), { [dir.join('cert.pem')]: pair.cert, [dir.join('key.pem')]: pair.key })
  })
}

test('files, relative paths and file: URLs are all paths', async () => {
  using dir = tempDir()
  const before = process.cwd()
  process.chdir(dir.path)
  try {
    const making = createSelfSignedCert('ä cert.pem', pathToFileURL(dir.join('ä key.pem')), 'localhost')
    // The files go where they were named, not where the process is when they are written.
    await setImmediate()
    process.chdir(before)
    const pair = await making
    assert.deepEqual([pair.certFile, pair.keyFile], ['ä cert.pem', dir.join('ä key.pem')])
  } finally {
    process.chdir(before)
  }
  assert.deepEqual(readdirSync(dir.path).sort(), ['ä cert.pem', 'ä key.pem'])
})

type Place = [what: string, code: string, message: RegExp, cert: string, key: string]

const badPlaces: Place[] = [
  ['the certificate is a directory', 'EISDIR', /sub': it is a directory/, 'sub', 'key.pem'],
  ['the key is a directory', 'EISDIR', /sub': it is a directory/, 'cert.pem', 'sub'],
  ['the key is a link to a directory', 'EISDIR', /link': it is a directory/, 'cert.pem', 'link'],
  ["the certificate's directory is missing", 'ENOENT', /none' first/, 'none/cert.pem', 'key.pem'],
  ["the key's directory is missing", 'ENOENT', /none' first/, 'cert.pem', 'none/key.pem'],
  ["the key's directory is a file", 'ENOTDIR', /file' is not a directory/, 'cert.pem', 'file/key.pem'],
  ["the key's directory is below a file", 'ENOTDIR', /not a directory/, 'cert.pem', 'file/deeper/key.pem'],
  ['the key is a pipe', 'EINVAL', /pipe': it is not a regular file/, 'cert.pem', 'pipe'],
  ["the key's name is too long", 'ENAMETOOLONG', /name too long/, 'cert.pem', 'k'.repeat(300)],
]

for (const [what, code, message, cert, key] of badPlaces) {
  test(`nothing is written when ${what}`, onPosix, async () => {
    using dir = tempDir()
    mkdirSync(dir.join('sub'))
    symlinkSync(dir.join('sub'), dir.join('link'))
    dir.write('file', 'a file')
    await outputOf('mkfifo', [dir.join('pipe')])
    const before = snapshot(dir)
    for (const overwrite of [false, true]) {
      const made = createSelfSignedCert(dir.join(cert), dir.join(key), 'localhost', { overwrite })
      await assert.rejects(made, { name: 'Error', code, message })
    }
    assert.deepEqual(snapshot(dir), before)
  })
}

test('a link is replaced, and what it points to is left alone', onPosix, async () => {
  using dir = tempDir()
  dir.write('elsewhere', 'not yours')
  symlinkSync(dir.join('elsewhere'), dir.join('key.pem'))
  symlinkSync(dir.join('nowhere'), dir.join('cert.pem'))
  const files = [dir.join('cert.pem'), dir.join('key.pem')] as const
  await assert.rejects(createSelfSignedCert(...files, 'localhost'), { code: 'EEXIST', path: files[0] })
  const pair = await createSelfSignedCert(...files, 'localhost', { overwrite: true })
  assert.deepEqual(snapshot(dir), {
    [files[0]]: pair.cert,
    [dir.join('elsewhere')]: 'not yours',
    [files[1]]: pair.key,
  })
})

const wrongPaths: [what: string, cert: unknown, key: unknown, message: RegExp][] = [
  ['null for the certificate alone', null, 'key.pem', /certFile is null and the other is not/],
  ['null for the key alone', 'cert.pem', null, /keyFile is null and the other is not/],
  ['an empty path', '', 'key.pem', /certFile is empty/],
  ['undefined', 'cert.pem', undefined, /keyFile must be a path or a file: URL, not undefined/],
  ['an https: URL', new URL('https://example.com/cert.pem'), 'key.pem', /certFile must be a path or a file: URL/],
  ['a null character', 'cert.pem\0', 'key.pem', /null character/],
  ['one path for both', 'pair.pem', './pair.pem', /are the same file/],
]

for (const [what, cert, key, message] of wrongPaths) {
  test(`${what} is a TypeError`, async () => {
    await assert.rejects(createSelfSignedCert(cert as string, key as string, 'localhost'), {
      name: 'TypeError',
      message,
    })
  })
}

for (const overwrite of [false, true]) {
  for (const [blocked, other] of [
    ['cert.pem', 'key.pem'],
    ['key.pem', 'cert.pem'],
  ] as const) {
    test(`when ${blocked} cannot be put in place, ${overwrite ? 'the old' : 'no'} ${other} is there`, async () => {
      using dir = tempDir()
      if (overwrite) dir.write(other, 'what was there', 0o640)
      const target = await preparePair(dir.join('cert.pem'), dir.join('key.pem'), overwrite)
      mkdirSync(dir.join(blocked))
      await assert.rejects(
        withPair(target, () => writePair(target, { cert: 'new cert', key: 'new key' })),
        { path: dir.join(blocked), message: /^cannot write '/ },
      )
      assert.deepEqual(snapshot(dir), overwrite ? { [dir.join(other)]: 'what was there' } : {})
      if (overwrite && !isWindows) assert.equal(modeOf(dir.join(other)), '640')
      assert.deepEqual(readdirSync(dir.path).sort(), overwrite ? ['cert.pem', 'key.pem'] : [blocked])
    })
  }
}

test('when a directory goes away meanwhile, the files in the other stay as they were', async () => {
  using dir = tempDir()
  mkdirSync(dir.join('certs'))
  dir.write('key.pem', 'old key')
  const target = await preparePair(dir.join('certs/cert.pem'), dir.join('key.pem'), true)
  rmSync(dir.join('certs'), { recursive: true })
  await assert.rejects(
    withPair(target, () => writePair(target, { cert: 'new cert', key: 'new key' })),
    { code: 'ENOENT', path: dir.join('certs/cert.pem') },
  )
  assert.deepEqual(snapshot(dir), { [dir.join('key.pem')]: 'old key' })
})

test('of many that create one pair at once, one succeeds and its two files belong together', async () => {
  using dir = tempDir()
  const files = [dir.join('cert.pem'), dir.join('key.pem')] as const
  const results = await Promise.allSettled(Array.from({ length: 8 }, () => createSelfSignedCert(...files, 'localhost')))
  const made = results.filter((result) => result.status === 'fulfilled')
  const codes = results.flatMap((result) =>
    result.status === 'rejected' ? [(result.reason as NodeJS.ErrnoException).code] : [],
  )
  assert.equal(made.length, 1)
  assert.deepEqual(new Set(codes), new Set(['EEXIST']))
  assert(new X509Certificate(readFileSync(files[0])).checkPrivateKey(createPrivateKey(readFileSync(files[1]))))
  assert.deepEqual(readdirSync(dir.path).sort(), ['cert.pem', 'key.pem'])
})

/** Writes a pair in a process that is killed before its n-th operation on files; whether it lived to the end. */
async function writeAndDie(
  files: readonly [cert: string, key: string],
  { cert, key }: { cert: string; key: string },
  n: number,
  before = '',
): Promise<boolean> {
  const script = `
    import files from 'node:fs/promises'
    import { syncBuiltinESMExports } from 'node:module'
    ${before}
    let left = ${n}
    for (const [name, operation] of Object.entries(files)) {
      if (typeof operation !== 'function') continue
      files[name] = (...args) => {
        if (left-- === 0) process.kill(process.pid, 'SIGKILL')
        return operation(...args)
      }
    }
    syncBuiltinESMExports()
    const { preparePair } = await import('${moduleUrl('certs/pair-paths')}')
    const { withPair, writePair } = await import('${moduleUrl('certs/write-pair')}')
    const target = await preparePair(...${JSON.stringify(files)}, true)
    await withPair(target, () => writePair(target, ${JSON.stringify({ cert, key })}))`
  const { status, stderr } = await runScript(script)
  assert(status === 0 || (status === null && stderr === ''), `ended with ${status}: ${stderr}`)
  return status === 0
}

const other = await createSelfSignedCert(null, null, 'other')

const belongsTo = (cert: string, key: string) =>
  new X509Certificate(readFileSync(cert)).checkPrivateKey(createPrivateKey(readFileSync(key)))

/** Calls `check` for 0, 1, 2 … until it says that there are no more, eight at a time. */
async function forAll(check: (n: number) => Promise<boolean>): Promise<number> {
  for (let n = 0; ; n += 8) {
    const more = await Promise.all(Array.from({ length: 8 }, (_, index) => check(n + index)))
    if (more.includes(false)) return n + more.indexOf(false)
  }
}

for (const [what, certName, keyName] of [
  ['in one directory', 'cert.pem', 'key.pem'],
  ['in two directories', 'cert/both.pem', 'key/both.pem'],
  ['behind links', 'cert-link.pem', 'key-link.pem'],
] as const) {
  test(`a process killed before any of its steps leaves a pair where a pair was, ${what}`, onPosix, async () => {
    const pair = await createSelfSignedCert(null, null, 'localhost')
    const seen = { old: 0, new: 0 }
    const steps = await forAll(async (n) => {
      using dir = tempDir()
      const files = [dir.join(certName), dir.join(keyName)] as const
      dir.write(certName.replace('-link', ''), pair.cert)
      dir.write(keyName.replace('-link', ''), pair.key, 0o600)
      if (certName.includes('link')) {
        symlinkSync('cert.pem', files[0])
        symlinkSync('key.pem', files[1])
      }
      const survived = await writeAndDie(files, other, n)
      assert(belongsTo(...files), `killed before step ${n}`)
      assert.equal(modeOf(files[1]), '600')
      seen[readFileSync(files[0], 'utf8') === pair.cert ? 'old' : 'new']++
      // Who comes next finds nothing in the way, does not wait, and tidies up.
      const began = performance.now()
      await createSelfSignedCert(...files, 'localhost', { overwrite: true })
      assert(performance.now() - began < 5000, 'waited for a process that is dead')
      assert(belongsTo(...files))
      const names = readdirSync(dir.path, { recursive: true, withFileTypes: true }).map((entry) => entry.name)
      assert.deepEqual(
        names.filter((name) => name.startsWith('.')),
        [],
        `after step ${n}`,
      )
      assert(files.every((file) => lstatSync(file).isFile()))
      return !survived
    })
    assert(steps > 20 && seen.old > 10 && seen.new > 10, `${steps} steps, ${JSON.stringify(seen)}`)
  })
}

test('a link to another file gives that file no second name at any step', onPosix, async () => {
  using dir = tempDir()
  const secrets = [dir.write('elsewhere/a', other.cert), dir.write('elsewhere/b', other.key, 0o600)]
  mkdirSync(dir.join('pair'))
  const files = [dir.join('pair/cert.pem'), dir.join('pair/key.pem')] as const
  symlinkSync('../elsewhere/a', files[0])
  symlinkSync('../elsewhere/b', files[1])
  const count = `
    const { statSync } = await import('node:fs')
    for (const [name, operation] of Object.entries(files)) {
      if (typeof operation !== 'function') continue
      files[name] = (...args) => {
        for (const secret of ${JSON.stringify(secrets)}) if (statSync(secret).nlink !== 1) throw new Error(secret)
        return operation(...args)
      }
    }`
  const fresh = await createSelfSignedCert(null, null, 'fresh')
  assert(await writeAndDie(files, fresh, 1_000_000, count))
  assert.deepEqual(snapshot(dir), {
    [files[0]]: fresh.cert,
    [files[1]]: fresh.key,
    [secrets[0] ?? '']: other.cert,
    [secrets[1] ?? '']: other.key,
  })
})

test(
  'a process killed before any of its steps leaves no key without its certificate where nothing was',
  onPosix,
  async () => {
    await forAll(async (n) => {
      using dir = tempDir()
      const files = [dir.join('cert.pem'), dir.join('key.pem')] as const
      const survived = await writeAndDie(files, other, n)
      assert(!existsSync(files[1]) || belongsTo(...files), `killed before step ${n}`)
      await createSelfSignedCert(...files, 'localhost', { overwrite: true })
      assert.deepEqual(readdirSync(dir.path).sort(), ['cert.pem', 'key.pem'])
      return !survived
    })
  },
)

test('where the file system knows no links a pair is replaced all the same', onPosix, async () => {
  using dir = tempDir()
  const files = [dir.join('cert.pem'), dir.join('key.pem')] as const
  await createSelfSignedCert(...files, 'localhost')
  const refuse = "files.link = files.symlink = async () => { throw Object.assign(new Error('no'), { code: 'EPERM' }) }"
  assert(await writeAndDie(files, other, 1_000_000, refuse))
  assert.deepEqual(snapshot(dir), { [files[0]]: other.cert, [files[1]]: other.key })
  assert.deepEqual(readdirSync(dir.path).sort(), ['cert.pem', 'key.pem'])
})

test(
  'who reads a pair while it is replaced again and again always finds both files, and one after the other a pair',
  onPosix,
  async () => {
    using dir = tempDir()
    const files = [dir.join('cert.pem'), dir.join('key.pem')] as const
    await createSelfSignedCert(...files, 'localhost')
    const script = `
    const { createSelfSignedCert } = await import('${moduleUrl('certs/index')}')
    console.log('ready')
    for (;;) await createSelfSignedCert(...${JSON.stringify(files)}, 'localhost', { overwrite: true })`
    await using writer = await startScript(script)
    assert.equal(writer.printed, 'ready')
    const seen = new Set<string>()
    let mixed = 0
    let reads = 0
    for (const end = performance.now() + 30_000; seen.size <= 10 && performance.now() < end; reads++) {
      const [cert, key] = files.map((file) => readFileSync(file))
      const x509 = new X509Certificate(cert ?? '')
      if (!x509.checkPrivateKey(createPrivateKey(key ?? ''))) mixed++
      seen.add(x509.fingerprint256)
      await setImmediate()
    }
    assert(seen.size > 10, `saw ${seen.size} pairs`)
    // Two files are read one after the other; they are exchanged at one moment.
    assert(mixed < reads / 20, `${mixed} of ${reads}`)
  },
)

test('a link that is planted where a key is written in part gets nothing of it', onPosix, async () => {
  using dir = tempDir()
  const [cert, key] = [dir.join('cert.pem'), dir.join('key.pem')]
  const victim = dir.write('victim', 'untouched')
  const partial = `${hiddenPath(key)}.new`
  let isPlanting = true
  const plant = async () => {
    while (isPlanting) {
      try {
        symlinkSync(victim, partial)
      } catch {
        // It is there already.
      }
      await setImmediate()
    }
  }
  const planting = plant()
  // It fails, or it was quicker.
  for (let count = 0; count < 5; count++)
    await createSelfSignedCert(cert, key, 'localhost', { overwrite: true }).catch(() => {})
  isPlanting = false
  await planting
  assert.equal(readFileSync(victim, 'utf8'), 'untouched')
})
