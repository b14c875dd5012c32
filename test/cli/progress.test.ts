import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytes, ProgressBar, progressLine } from '../../src/cli/progress.ts'

const progress = (transferred: number, total?: number) => {
  return { transferred, total, percent: total ? transferred / total : 0 }
}

/** What is drawn on a terminal, and a clock to set. */
function terminal(isTTY: boolean, columns = 80) {
  const drawn: string[] = []
  const clock = { now: 0 }
  const bar = new ProgressBar({ isTTY, columns, write: (text) => drawn.push(text) }, () => clock.now)
  return { drawn, clock, bar }
}

test('the line has a bar, the share, bytes and rate where the size is known, else bytes and rate', () => {
  const table: [transferred: number, total: number | undefined, columns: number, line: string][] = [
    [5e6, 1e7, 79, `[${'#'.repeat(20)}${'.'.repeat(20)}]  50 %  5.0 MB of 10.0 MB  2.5 MB/s`],
    [1e7, 1e7, 79, `[${'#'.repeat(40)}] 100 %  10.0 MB of 10.0 MB  5.0 MB/s`],
    [999_999, 1_000_000, 60, `[${'#'.repeat(20)}.]  99 %  1.0 MB of 1.0 MB  500.0 kB/s`],
    [5e6, undefined, 79, '5.0 MB  2.5 MB/s'],
    [0, 0, 79, '0 B  0 B/s'],
    [20, 10, 79, '20 B  10 B/s'],
    [5e6, 1e7, 40, ' 50 %  5.0 MB of 10.0 MB  2.5 MB/s'],
    [5e6, 1e7, 10, ' 50 %  5.0'],
  ]
  for (const [transferred, total, columns, line] of table) {
    assert.equal(progressLine(progress(transferred, total), 2000, columns), line)
  }
  assert.equal(progressLine(progress(0, 10), 0, 30), `[${'.'.repeat(8)}]   0 %  0 B of 10 B`)
})

test('bytes are printed in units of a thousand', () => {
  const table: [count: number, text: string][] = [
    [0, '0 B'],
    [999, '999 B'],
    [999.7, '1.0 kB'],
    [1000, '1.0 kB'],
    [999_949, '999.9 kB'],
    [999_951, '1.0 MB'],
    [12_345_678, '12.3 MB'],
    [5e15, '5000.0 TB'],
  ]
  for (const [count, text] of table) assert.equal(bytes(count), text)
})

test('it is drawn ten times a second at most, and its last state stays', () => {
  const { drawn, clock, bar } = terminal(true)
  for (let now = 0; now <= 1000; now += 10) {
    clock.now = now
    bar.update(progress(now, 1000))
  }
  assert.equal(drawn.length, 11)
  bar[Symbol.dispose]()
  bar[Symbol.dispose]()
  assert.match(drawn.at(-2) ?? '', /^\r\[#+\] 100 %/)
  assert.equal(drawn.at(-1), '\n')
  assert.equal(drawn.length, 13)
})

test('a shorter line covers the one before, and none fills the last column', () => {
  const { drawn, clock, bar } = terminal(true, 30)
  bar.update(progress(999_900_000))
  clock.now = 1000
  bar.update(progress(1_000_000_000))
  assert.deepEqual(drawn, ['\r999.9 MB', '\r1.0 GB  1.0 GB/s'])
  clock.now = 100_000_000
  bar.update(progress(1_000_000_001))
  assert.equal(drawn[2], '\r1.0 GB  10.0 kB/s')
  clock.now = 10_000_000_000
  bar.update(progress(1_000_000_001))
  assert.equal(drawn[3], '\r1.0 GB  100 B/s  ')
  assert(drawn.every((line) => line.length <= 30))
})

test('nothing is drawn where there is no terminal, and nothing when nothing came', () => {
  const { drawn, bar } = terminal(false)
  bar.update(progress(1, 2))
  bar[Symbol.dispose]()
  const unused = terminal(true)
  unused.bar[Symbol.dispose]()
  assert.deepEqual([drawn, unused.drawn], [[], []])
})
