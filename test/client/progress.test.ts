import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { createReadStream } from 'node:fs'
import { after, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { type Progress, type RequestOptions, Session } from '../../src/index.ts'
import { startHttpServer } from '../helpers/servers.ts'
import { tempDir } from '../helpers/temp.ts'

const dir = tempDir()
const file = dir.write('large', Buffer.alloc(500_000))
const BODY = Buffer.alloc(300_000, 'ab')
const server = await startHttpServer({
  handler: async (request, response) => {
    for await (const _ of request);
    if (request.url === '/redirect') response.writeHead(307, { Location: '/' }).end()
    else if (request.url === '/gzip') response.setHeader('Content-Encoding', 'gzip').end(gzipSync(BODY))
    else if (request.url === '/chunked') {
      response.write(BODY.subarray(0, 1000))
      response.end(BODY.subarray(1000))
    } else response.setHeader('Content-Length', BODY.length).end(BODY)
  },
})
const session = new Session()
after(async () => {
  await session.close()
  await server.close()
  dir[Symbol.dispose]()
})

/** The arguments of both callbacks. */
async function progressOf(path: string, options: RequestOptions): Promise<[up: Progress[], down: Progress[]]> {
  const up: Progress[] = []
  const down: Progress[] = []
  await session.post(`${server.url127}${path}`, {
    ...options,
    onUploadProgress: (progress) => up.push(progress),
    onDownloadProgress: (progress) => down.push(progress),
  })
  return [up, down]
}

/** From nothing to the end, never back; `total` known from the start, or not before the end. */
function assertProgress(steps: readonly Progress[], size: number, isKnown: boolean): void {
  assert.deepEqual(steps[0], { percent: 0, transferred: 0, total: isKnown ? size : undefined })
  assert.deepEqual(steps.at(-1), { percent: 1, transferred: size, total: size })
  for (const [index, { transferred, total, percent }] of steps.entries()) {
    assert(transferred >= (steps[index - 1]?.transferred ?? 0), 'it went back')
    if (isKnown) assert.deepEqual([total, percent], [size, transferred / size])
  }
}

async function* pieces() {
  for (let count = 0; count < 10; count++) yield Buffer.alloc(50_000)
}

const UPLOADS: [what: string, options: () => RequestOptions, size: number, isKnown: boolean, steps: number][] = [
  ['bytes', () => ({ data: Buffer.alloc(500_000) }), 500_000, true, 3],
  ['text', () => ({ data: 'größe' }), 7, true, 2],
  ['a file', () => ({ data: createReadStream(file) }), 500_000, true, 3],
  ['a generator', () => ({ data: pieces() }), 500_000, false, 10],
  ['a file in multipart', () => ({ files: { f: createReadStream(file) } }), 500_138, true, 3],
]

for (const [what, options, size, isKnown, least] of UPLOADS) {
  test(`the upload of ${what} is reported step by step, ${isKnown ? 'of a known total' : 'the total at the end'}`, async () => {
    const [up] = await progressOf('/', options())
    assertProgress(up, size, isKnown)
    assert.equal(up.filter(({ percent }) => percent === 1).length, 1)
    assert(up.length >= least, `${up.length} steps`)
  })
}

test('a download is reported step by step, in bytes of the wire when it is compressed', async () => {
  for (const [path, size, isKnown] of [
    ['/', BODY.length, true],
    ['/chunked', BODY.length, false],
    ['/gzip', gzipSync(BODY).length, true],
  ] as const) {
    const [, down] = await progressOf(path, {})
    assertProgress(down, size, isKnown)
  }
})

test('after a redirect it begins again', async () => {
  const [up] = await progressOf('/redirect', { data: Buffer.alloc(500_000) })
  const second = up.findIndex(({ transferred }, index) => index > 0 && transferred === 0)
  assertProgress(up.slice(0, second), 500_000, true)
  assertProgress(up.slice(second), 500_000, true)
})

test('what a callback throws rejects the call, and nothing else happens', async () => {
  const failure = new Error('no bar to draw on')
  const callback = () => {
    throw failure
  }
  await assert.rejects(session.post(server.url127, { data: 'x', onUploadProgress: callback }), failure)
  await assert.rejects(session.get(server.url127, { onDownloadProgress: callback }), failure)
  assert((await session.get(server.url127)).ok)
})

test('what is thrown and is no Error, null and undefined too, rejects the call as well, with and without a response', async () => {
  const timeout = { total: 3000 }
  for (const thrown of [undefined, null, 0, 'text']) {
    const callback = () => {
      throw thrown
    }
    async function* broken() {
      yield 'x'
      throw thrown
    }
    const calls = [
      session.post(server.url127, { data: 'x', onUploadProgress: callback, timeout }),
      session.post(server.url127, { data: broken(), timeout }),
      session.get(server.url127, { onDownloadProgress: callback, timeout }),
      session
        .get(server.url127, { onDownloadProgress: callback, stream: true, timeout })
        .then((stream) => stream.read()),
    ]
    const outcomes = calls.map((call) => {
      const rejected = call.then(
        () => 'resolved',
        (reason: unknown) => [reason],
      )
      return Promise.race([rejected, delay(5000, 'unsettled', { ref: false })])
    })
    assert.deepEqual(await Promise.all(outcomes), [[thrown], [thrown], [thrown], [thrown]])
  }
})

test('what an async callback rejects with rejects the call, and does not end the process', async () => {
  const failure = new Error('no bar to draw on')
  const callback = async () => {
    throw failure
  }
  const data = pieces()
  await assert.rejects(session.post(server.url127, { data, onUploadProgress: callback }), failure)
  await assert.rejects(session.get(server.url127, { onDownloadProgress: callback }), failure)
  assert((await session.get(server.url127)).ok)
})
