import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { test } from 'node:test'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { createSelfSignedCert, ensureSelfSignedCert } from '../../src/certs/index.ts'
import { withLock } from '../../src/certs/lock.ts'
import { hiddenPath } from '../../src/certs/pair-paths.ts'
import { moduleUrl } from '../helpers/modules.ts'
import { isLinux, isWindows, onLinux } from '../helpers/platform.ts'
import { makeFifo, runScript } from '../helpers/processes.ts'
import { tempDir } from '../helpers/temp.ts'

const age = (path: string, seconds: number) => {
  const time = Date.now() / 1000 - seconds
  utimesSync(path, time, time)
}

test('one at a time has the lock, and it is gone at the end, also after an error', async () => {
  using dir = tempDir()
  const lock = dir.join('lock')
  let inside = 0
  let most = 0
  const work = async (): Promise<number> => {
    most = Math.max(most, ++inside)
    assert.equal(JSON.parse(readlinkSync(lock)).pid, process.pid)
    await setTimeout(1)
    return inside--
  }
  assert.deepEqual(await Promise.all(Array.from({ length: 10 }, () => withLock(lock, work))), Array(10).fill(1))
  assert.equal(most, 1)
  await assert.rejects(
    withLock(lock, () => Promise.reject(new Error('no'))),
    { message: 'no' },
  )
  assert.deepEqual(readdirSync(dir.path), [])
})

test('the lock of a process of this machine that is gone is taken over at once', async () => {
  using dir = tempDir()
  const child = spawn(process.execPath, ['-e', ''])
  await once(child, 'close')
  await withLock(dir.join('lock'), async () => {
    const { pidNamespace } = JSON.parse(readlinkSync(dir.join('lock')))
    for (const lost of [
      { host: hostname(), pidNamespace, pid: child.pid },
      // Its number belongs to another process by now.
      ...(isLinux ? [{ host: hostname(), pidNamespace, pid: process.pid, startTime: '1' }] : []),
    ]) {
      symlinkSync(JSON.stringify(lost), dir.join('lost'))
      const started = performance.now()
      await Promise.all(Array.from({ length: 5 }, () => withLock(dir.join('lost'), async () => {})))
      assert(performance.now() - started < 2000)
    }
  })
  assert.deepEqual(readdirSync(dir.path), [])
})

test('of many that take over an abandoned lock one at a time has it, and it is gone at the end', async () => {
  using dir = tempDir()
  const child = spawn(process.execPath, ['-e', ''])
  await once(child, 'close')
  const lock = dir.join('lock')
  let lost = ''
  await withLock(lock, async () => {
    lost = JSON.stringify({ ...JSON.parse(readlinkSync(lock)), pid: child.pid })
  })
  let inside = 0
  let most = 0
  const work = async (): Promise<void> => {
    most = Math.max(most, ++inside)
    await setImmediate()
    inside--
  }
  for (let round = 0; round < 25; round++) {
    symlinkSync(lost, lock)
    await Promise.all(Array.from({ length: 8 }, () => withLock(lock, work)))
    assert.deepEqual([most, readdirSync(dir.path)], [1, []])
  }
})

test('the lock of a process that runs is its own, however old it is', onLinux, async () => {
  using dir = tempDir()
  const lock = dir.join('lock')
  let taken = false
  let second: Promise<void> | undefined
  await withLock(lock, async () => {
    lutimesSync(lock, 0, 0)
    second = withLock(lock, async () => {
      taken = true
    })
    await setTimeout(300)
    assert.equal(taken, false)
  })
  await second
  assert.deepEqual([taken, readdirSync(dir.path)], [true, []])
})

test('after 30 s of waiting there is an error that names the lock, which is left to its owner', async (t) => {
  using dir = tempDir()
  const lock = dir.join('lock')
  await withLock(lock, async () => {
    const clock = { now: 0 }
    t.mock.method(performance, 'now', () => clock.now)
    let isOver = false
    const refused = assert.rejects(
      withLock(lock, async () => assert.fail('two have the lock')).finally(() => {
        isOver = true
      }),
      {
        code: 'ELOCKED',
        message: `other processes have held the lock '${lock}' for 30 s; if there are none, remove it`,
      },
    )
    clock.now = 30_000
    await setTimeout(100)
    assert.equal(isOver, false)
    clock.now = 30_001
    await refused
    assert.equal(JSON.parse(readlinkSync(lock)).pid, process.pid)
  })
  assert.deepEqual(readdirSync(dir.path), [])
})

test('the lock is touched for as long as it is held', async () => {
  using dir = tempDir()
  const lock = dir.join('lock')
  await withLock(lock, async () => {
    lutimesSync(lock, 0, 0)
    await setTimeout(2300)
    assert(Date.now() - lstatSync(lock).mtimeMs < 1000)
  })
})

for (const [what, content] of [
  ['of a process elsewhere', '{"host":"elsewhere.example","pid":1}'],
  ['of a process among others', JSON.stringify({ host: hostname(), pidNamespace: 'pid:[1]', pid: 999_999_999 })],
  ['that says nothing', ''],
  ['that is none of ours', 'null'],
] as const) {
  test(`the lock ${what} is respected for 10 s, and taken over then`, async () => {
    using dir = tempDir()
    const lock = dir.write('lock', content)
    age(lock, 5)
    let taken = false
    const taking = withLock(lock, async () => {
      taken = true
    })
    await setTimeout(150)
    assert.equal(taken, false)
    age(lock, 11)
    await taking
    assert.deepEqual(readdirSync(dir.path), [])
  })
}

test('who lost the lock leaves it to the other', async () => {
  using dir = tempDir()
  const lock = dir.join('lock')
  await withLock(lock, async () => {
    rmSync(lock)
    dir.write('lock', 'of another')
  })
  assert.equal(readFileSync(lock, 'utf8'), 'of another')
})

test('a lock that cannot be made is an error', async () => {
  using dir = tempDir()
  await assert.rejects(
    withLock(dir.join('none/lock'), async () => {}),
    { code: 'ENOENT' },
  )
})

test('what is in the place of a lock and no file is an error at once', { skip: isWindows && 'no FIFO' }, async () => {
  using dir = tempDir()
  makeFifo(dir.join('fifo'))
  mkdirSync(dir.join('directory'))
  for (const name of ['fifo', 'directory']) {
    await assert.rejects(withLock(dir.join(name), assert.fail), (error: NodeJS.ErrnoException) => {
      assert.equal(error.code, 'ELOCKED')
      assert.match(error.message, /is in the place of a lock, and is none: it is not a regular file$/)
      return true
    })
  }
  assert.deepEqual(readdirSync(dir.path).sort(), ['directory', 'fifo'])
})

test('a FIFO in the place of a lock, or of a file of a pair, hangs no call', {
  skip: isWindows && 'no FIFO',
}, async () => {
  using dir = tempDir()
  makeFifo(dir.join('fifo.pem'))
  await createSelfSignedCert(dir.join('cert.pem'), dir.join('key.pem'), 'localhost')
  const pairs = [
    ['fifo.pem', 'key.pem'],
    ['cert.pem', 'fifo.pem'],
  ] as const
  for (const [cert, key] of pairs) {
    await assert.rejects(ensureSelfSignedCert(dir.join(cert), dir.join(key), 'localhost'), /not a regular file/)
  }
  const key = dir.join('new.pem')
  makeFifo(`${hiddenPath(key)}.lock`)
  await assert.rejects(ensureSelfSignedCert(dir.join('new-cert.pem'), key, 'localhost'), /in the place of a lock/)
})

test('a lock whose process is a path opens no file, and is one of unknown origin', onLinux, async () => {
  using dir = tempDir()
  mkdirSync(dir.join('evil'))
  makeFifo(dir.join('evil/stat'))
  const lock = dir.join('lock')
  const valid = { host: hostname(), pidNamespace: readlinkSync('/proc/self/ns/pid'), pid: process.pid, startTime: '1' }
  for (const wrong of [{ pid: `..${dir.path}/evil` }, { pid: 0 }, { pid: -1 }, { pid: 2 ** 32 }, { startTime: 1 }]) {
    symlinkSync(JSON.stringify({ ...valid, ...wrong }), lock)
    const script = `
      const { lutimesSync } = await import('node:fs')
      const { withLock } = await import('${moduleUrl('certs/lock')}')
      const done = withLock(${JSON.stringify(lock)}, async () => console.log('locked'))
      const left = await Promise.race([done, new Promise((resolve) => setTimeout(resolve, 300, 'waiting'))])
      console.log(left)
      lutimesSync(${JSON.stringify(lock)}, 1, 1)
      await done`
    const { stdout } = await runScript(script, { limit: 20_000 })
    assert.equal(stdout, 'waiting\nlocked\n', JSON.stringify(wrong))
  }
  assert.deepEqual(readdirSync(dir.path), ['evil'])
})
