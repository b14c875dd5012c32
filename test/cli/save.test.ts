import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { on } from 'node:events'
import { closeSync, openSync, readdirSync, readFileSync, renameSync, statSync, symlinkSync } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { onInterrupt, save } from '../../src/cli/save.ts'
import { onLinux, onPosix } from '../helpers/platform.ts'
import { makeFifo } from '../helpers/processes.ts'
import { tempDir } from '../helpers/temp.ts'

test('a file that another process writes meanwhile is kept', async () => {
  using dir = tempDir()
  const content = async function* () {
    yield 'ours'
    dir.write('file', 'theirs')
  }
  await assert.rejects(save(dir.join('file'), Readable.from(content()), false), /the file exists, use --overwrite/)
  assert.equal(readFileSync(dir.join('file'), 'utf8'), 'theirs')
  assert.deepEqual(readdirSync(dir.path), ['file'])
})

test('a directory that goes away meanwhile is said to be gone', async () => {
  using dir = tempDir()
  const content = async function* () {
    yield 'ours'
    dir[Symbol.dispose]()
  }
  const saving = save(dir.join('file'), Readable.from(content()), true)
  await assert.rejects(saving, { message: `cannot write '${dir.join('file')}': its directory does not exist` })
})

test('a file that takes the place of a FIFO before it is opened is kept', onPosix, async () => {
  using dir = tempDir()
  const precious = dir.write('precious', 'PRECIOUS')
  for (const name of ['gate', 'out']) makeFifo(dir.join(name))
  // Each takes a thread of Node's pool until the gate has a writer: what is opened after them has to wait.
  const waiting = Array.from({ length: 64 }, () => open(dir.join('gate'), 'r'))
  const saving = save(dir.join('out'), Readable.from(['FROM THE NETWORK']), false)
  symlinkSync(precious, dir.join('link'))
  renameSync(dir.join('link'), dir.join('out'))
  const writer = openSync(dir.join('gate'), 'r+')
  await assert.rejects(saving, { code: 'EEXIST', message: /another file has taken its place meanwhile$/ })
  for (const file of await Promise.all(waiting)) await file.close()
  closeSync(writer)
  assert.equal(readFileSync(precious, 'utf8'), 'PRECIOUS')
})

test('a FIFO is written to', onPosix, async () => {
  using dir = tempDir()
  makeFifo(dir.join('out'))
  const reading = readFile(dir.join('out'), 'utf8')
  assert.equal(await save(dir.join('out'), Readable.from(['four']), false), 4)
  assert.equal(await reading, 'four')
})

test('a file that is replaced keeps its mode', onPosix, async () => {
  using dir = tempDir()
  dir.write('file', 'old', 0o600)
  await save(dir.join('file'), Readable.from(['new']), true)
  assert.equal(statSync(dir.join('file')).mode & 0o777, 0o600)
})

test('a disk that is full is said to be full', onLinux, async () => {
  await assert.rejects(save('/dev/full', Readable.from(['x']), false), {
    message: "cannot write '/dev/full': no space left on device",
  })
})

test('a name may be as long as names can be, and no longer', onPosix, async () => {
  using dir = tempDir()
  const name = 'ü'.repeat(127)
  assert.equal(await save(dir.join(name), Readable.from(['four']), false), 4)
  assert.deepEqual(readdirSync(dir.path), [basename(name)])
  await assert.rejects(save(dir.join(`${name}ü`), Readable.from(['x']), false), /name too long$/)
})

test('the error of what is written comes as it is', async () => {
  using dir = tempDir()
  const error = new Error('broken')
  const content = Readable.from(
    (async function* () {
      yield 'half'
      throw error
    })(),
  )
  await assert.rejects(save(dir.join('file'), content, false), error)
  assert.deepEqual(readdirSync(dir.path), [])
})

test('a signal cleans up and comes again; what was taken back does not run', onPosix, async () => {
  const counts = { cleanUps: 0, undone: 0 }
  // Without a listener it would end the tests.
  const signals = on(process, 'SIGHUP')
  // Waiting for a signal keeps no process alive.
  const timer = setInterval(() => {}, 1000)
  onInterrupt(() => counts.undone++)[Symbol.dispose]()
  using _ = onInterrupt(() => counts.cleanUps++)
  process.kill(process.pid, 'SIGHUP')
  await signals.next()
  await signals.next()
  await signals.return?.()
  clearInterval(timer)
  assert.deepEqual(counts, { cleanUps: 1, undone: 0 })
})
