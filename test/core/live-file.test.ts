import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { mkdirSync, renameSync, rmSync, statSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { retryWhileBeingWritten } from '../../src/core/file-being-written.ts'
import { aboutFile } from '../../src/core/file-error.ts'
import { isSettled, LiveFiles, sameFile, UnusableFileError } from '../../src/core/live-file.ts'
import { onPosix } from '../helpers/platform.ts'
import { makeFifo } from '../helpers/processes.ts'
import { tempDir } from '../helpers/temp.ts'

const textFiles = (max?: number) => new LiveFiles((content) => content.toString(), max)
/** Long enough for a write not to fall into the same tick as the read after it. */
const settle = () => setTimeout(60)

test('a file that has not changed is parsed once and keeps its version', async () => {
  using dir = tempDir()
  const path = dir.write('a', 'one')
  const files = textFiles()
  const version = files.read(path)
  await settle()
  assert.equal(files.read(path), version)
  assert.equal(files.read(path), version)
  assert.equal(files.read(path, statSync(path)), version)
  assert.deepEqual([version.value, version.stale, version.replaced], ['one', false, undefined])
  assert.deepEqual({ ...files.stats, size: files.size }, { hits: 2, parses: 1, size: 1 })
})

test('a version knows the last four that it replaced, and when', () => {
  using dir = tempDir()
  const files = textFiles()
  const started = performance.now()
  for (const content of ['one', 'two', 'three', 'four', 'five', 'six']) files.read(dir.write('a', content))
  const { value, replaced = [] } = files.read(dir.join('a'))
  assert.deepEqual([value, replaced.map((version) => version.value)], ['six', ['five', 'four', 'three', 'two']])
  const times = replaced.map(({ at }) => at)
  assert.deepEqual(
    times,
    times.toSorted((a, b) => b - a),
  )
  assert(times.every((at) => at >= started && at <= performance.now()))
})

test('a rewrite of equal length in the same millisecond is seen', () => {
  using dir = tempDir()
  const path = dir.write('a', 'one')
  const files = textFiles()
  for (let round = 0; round < 200; round++) {
    const content = `${round}`.padStart(3, '0')
    writeFileSync(path, content)
    assert.equal(files.read(path).value, content)
  }
})

test('a rewrite within one tick of the clock, which leaves no mark, is seen', () => {
  using dir = tempDir()
  const path = dir.write('a', 'one')
  // As if it were written just now, however long the reading takes.
  const later = new Date(Date.now() + 60_000)
  utimesSync(path, later, later)
  const files = textFiles()
  const status = statSync(path)
  assert.equal(files.read(path, status).value, 'one')
  writeFileSync(path, 'two')
  assert.equal(files.read(path, status).value, 'two')
})

test('a rewrite whose times were put back is seen', async () => {
  using dir = tempDir()
  const path = dir.write('a', 'one')
  const past = new Date('2020-01-01T00:00:00Z')
  utimesSync(path, past, past)
  await settle()
  const files = textFiles()
  assert.equal(files.read(path).value, 'one')
  writeFileSync(path, 'two')
  utimesSync(path, past, past)
  assert.equal(files.read(path).value, 'two')
})

test('the version stays when a file is written anew with the same content', async () => {
  using dir = tempDir()
  const path = dir.write('a', 'one')
  const files = textFiles()
  const version = files.read(path)
  await settle()
  dir.write('a', 'one')
  assert.equal(files.read(path), version)
  renameSync(dir.write('b', 'one'), path)
  assert.equal(files.read(path), version)
  assert.equal(version.stale, false)
  assert.equal(files.stats.parses, 1)
})

const replacements: [how: string, replace: (dir: ReturnType<typeof tempDir>, path: string) => void][] = [
  ['written in place', (dir) => void dir.write('live/a', 'two')],
  ['renamed over', (dir, path) => renameSync(dir.write('b', 'two'), path)],
  [
    'deleted and made again',
    (dir, path) => {
      rmSync(path)
      dir.write('live/a', 'two')
    },
  ],
]

for (const [how, replace] of replacements) {
  test(`a file that is ${how} is seen at the next look, and the version before is stale`, async () => {
    using dir = tempDir()
    const path = dir.write('live/a', 'one')
    const files = textFiles()
    const before = files.read(path)
    await settle()
    files.read(path)
    replace(dir, path)
    const after = files.read(path)
    assert.equal(after.value, 'two')
    assert.equal(after.stale, false)
    assert.equal(before.stale, true)
  })
}

test('a directory that is swapped behind a symbolic link, as Kubernetes does, is seen', onPosix, async () => {
  using dir = tempDir()
  for (const [name, content] of [
    ['first', 'one'],
    ['second', 'two'],
  ])
    dir.write(`${name}/ca.pem`, content ?? '')
  symlinkSync('first', dir.join('..data'))
  symlinkSync('..data/ca.pem', dir.join('ca.pem'))
  const files = textFiles()
  const before = files.read(dir.join('ca.pem'))
  await settle()
  assert.equal(files.read(dir.join('ca.pem')), before)
  symlinkSync('second', dir.join('..tmp'))
  renameSync(dir.join('..tmp'), dir.join('..data'))
  assert.equal(files.read(dir.join('ca.pem')).value, 'two')
  assert.equal(before.stale, true)
})

test('a file that is gone is an error each time, and its version is stale', () => {
  using dir = tempDir()
  const path = dir.write('a', 'one')
  const files = textFiles()
  const version = files.read(path)
  rmSync(path)
  for (let look = 0; look < 2; look++) assert.throws(() => files.read(path), { code: 'ENOENT' })
  assert.equal(version.stale, true)
  assert.equal(files.size, 0)
  dir.write('a', 'one')
  const next = files.read(path)
  assert.deepEqual([next.value, next.stale, next === version], ['one', false, false])
})

test('content that cannot be parsed is an error each time, and what was there before is stale', () => {
  using dir = tempDir()
  const path = dir.write('a', '1')
  const files = new LiveFiles((content) => JSON.parse(content.toString()))
  const version = files.read(path)
  dir.write('a', '{')
  for (let look = 0; look < 2; look++) assert.throws(() => files.read(path), SyntaxError)
  assert.equal(version.stale, true)
  dir.write('a', '2')
  const next = files.read(path)
  assert.deepEqual([next.value, next.stale], [2, false])
  assert.deepEqual(
    next.replaced?.map(({ value }) => value),
    [1],
    'half a file is no version of it',
  )
})

test('no more files are kept than was said', () => {
  using dir = tempDir()
  const files = textFiles(3)
  for (let i = 0; i < 10; i++) files.read(dir.write(`${i}`, 'x'))
  assert.equal(files.size, 3)
})

const MB = 1024 * 1024
const made = (path: string, make: (path: string) => unknown) => {
  make(path)
  return path
}
const unusable: [what: string, make: (dir: ReturnType<typeof tempDir>) => string, problem: RegExp][] = [
  ['a directory', (dir) => made(dir.join('d'), mkdirSync), /not a regular file/],
  ['a device', () => '/dev/null', /not a regular file/],
  ['a FIFO', (dir) => made(dir.join('f'), makeFifo), /not a regular file/],
  ['a huge file', (dir) => made(dir.write('h', ''), (path) => truncateSync(path, 33 * MB)), /larger than 32 MB/],
]

for (const [what, make, problem] of unusable) {
  test(`${what} is refused at once`, { ...onPosix, timeout: 5000 }, () => {
    using dir = tempDir()
    const path = make(dir)
    assert.throws(
      () => textFiles().read(path),
      (error: unknown) => {
        assert(error instanceof UnusableFileError)
        assert.match(error.message, problem)
        return true
      },
    )
  })
}

test('two statuses of a file differ by each of its fields', () => {
  using dir = tempDir()
  const status = statSync(dir.write('a', 'one'))
  assert.equal(sameFile(status, { ...status }), true)
  for (const field of ['mtimeMs', 'ctimeMs', 'size', 'ino', 'dev'] as const) {
    assert.equal(sameFile(status, { ...status, [field]: status[field] + 1 }), false, field)
  }
})

test('a file counts as settled once its clock must have ticked, later where it keeps whole seconds only', () => {
  using dir = tempDir()
  const status = statSync(dir.write('a', 'one'))
  const at = (mtimeMs: number, ctimeMs: number, now: number) => isSettled({ ...status, mtimeMs, ctimeMs }, now)
  const table: [mtime: number, ctime: number, now: number, settled: boolean][] = [
    [10_001, 10_001, 10_051, false],
    [10_001, 10_001, 10_052, true],
    [10_001, 10_100, 10_052, false],
    [10_100, 10_001, 10_052, false],
    [10_000, 10_000, 10_500, false],
    [10_000, 10_000, 12_101, true],
    [99_999, 10_001, 10_500, false],
  ]
  for (const [mtime, ctime, now, settled] of table)
    assert.equal(at(mtime, ctime, now), settled, `${[mtime, ctime, now]}`)
})

/** Loads JSON, and says which file the error is about. */
const loading = (path: string) => {
  const files = new LiveFiles((content) => JSON.parse(content.toString()) as unknown)
  const looks = { count: 0 }
  const load = () =>
    retryWhileBeingWritten(() => {
      looks.count++
      try {
        return files.read(path).value
      } catch (error) {
        throw aboutFile(error as Error, path)
      }
    })
  return { load, looks }
}

test('a file that is half there is waited for', async () => {
  using dir = tempDir()
  const path = dir.write('a', '{"a":')
  const loaded = loading(path).load()
  await setTimeout(30)
  dir.write('a', '{"a":1}')
  assert.deepEqual(await loaded, { a: 1 })
})

test('an empty file is waited for, however old it is: it may be that it was emptied at this moment', async () => {
  using dir = tempDir()
  const path = dir.write('a', '')
  utimesSync(path, 1, 1)
  const { load, looks } = loading(path)
  await assert.rejects(load(), SyntaxError)
  assert(looks.count > 2)
  const loaded = load()
  dir.write('a', '{"a":1}')
  assert.deepEqual(await loaded, { a: 1 })
})

test('a file that stays broken is reported after a short while', async () => {
  using dir = tempDir()
  const { load, looks } = loading(dir.write('a', '{"a":'))
  const started = performance.now()
  await assert.rejects(load(), SyntaxError)
  assert(performance.now() - started < 1000)
  assert(looks.count > 2)
})

test('a file that was broken long ago, one that is missing, and an error about none are reported at once', async () => {
  using dir = tempDir()
  const old = dir.write('a', '{"a":')
  utimesSync(old, 1, 1)
  // ctime cannot be set.
  await setTimeout(1100)
  for (const path of [old, dir.join('missing')]) {
    const { load, looks } = loading(path)
    await assert.rejects(load())
    assert.equal(looks.count, 1)
  }
  let looks = 0
  const fail = () => {
    looks++
    throw new Error('no file')
  }
  await assert.rejects(retryWhileBeingWritten(fail), /no file/)
  assert.equal(looks, 1)
})
