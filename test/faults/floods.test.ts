/** Answers without an end: what bounds each of them. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import type { Duplex } from 'node:stream'
import { describe, test } from 'node:test'
import zlib from 'node:zlib'
import { get, type RequestOptions } from '../../src/index.ts'
import { moduleUrl, nodeMajor } from '../helpers/modules.ts'
import { outputOfScript } from '../helpers/processes.ts'
import { startHttpServer } from '../helpers/servers.ts'
import { pour } from './faulty-server.ts'
import { assertNothingLeft, DIRECT, type ExpectedError, type Outcome, survive } from './survive.ts'

const STATUS = 'HTTP/1.1 200 OK\r\n'
const CHUNKED = `${STATUS}Transfer-Encoding: chunked\r\n\r\n`
const KB_64 = 65_536
const FIELDS = 'X: y\r\n'.repeat(10_000)

const HEADERS: ExpectedError = {
  name: 'ConnectionError',
  code: 'HPE_HEADER_OVERFLOW',
  message: /the headers of the answer are larger than 256 KiB$/,
}
const TRAILERS: ExpectedError = { ...HEADERS, name: 'ChunkedEncodingError' }
const TOO_LARGE: ExpectedError = {
  name: 'RequestException',
  code: 'ERR_MAX_RESPONSE_SIZE',
  message: /is larger than maxResponseSize \(1000000 bytes\)$/,
}
const LATE: ExpectedError = { name: 'Timeout', code: 'ERR_TIMEOUT', message: /total timeout=2000 ms/ }
const MAX: RequestOptions = { maxResponseSize: 1_000_000 }
const TOTAL: RequestOptions = { timeout: { total: 2000 } }

/** What begins so, and goes on so for good. */
const FLOODS: [bound: string, what: string, begin: string, more: string, outcome: Outcome, options?: RequestOptions][] =
  [
    ['256 KiB of headers', 'a status line', 'HTTP/1.1 200 ', 'x'.repeat(KB_64), HEADERS],
    ['256 KiB of headers', "a header's name", STATUS, 'x'.repeat(KB_64), HEADERS],
    ['256 KiB of headers', "a header's value", `${STATUS}X: `, 'x'.repeat(KB_64), HEADERS],
    ['256 KiB of headers', 'headers', STATUS, FIELDS, HEADERS],
    ['256 KiB of headers', 'a trailer', `${CHUNKED}0\r\nX: `, 'x'.repeat(KB_64), TRAILERS],
    ['256 KiB of headers', 'trailers', `${CHUNKED}0\r\n`, FIELDS, TRAILERS],
    [
      '16 KiB of chunk extensions',
      'a chunk extension',
      `${CHUNKED}2;`,
      'x'.repeat(KB_64),
      { name: 'ChunkedEncodingError', code: 'HPE_CHUNK_EXTENSIONS_OVERFLOW' },
    ],
    ['maxResponseSize', 'a body that ends with the connection', `${STATUS}\r\n`, 'x'.repeat(KB_64), TOO_LARGE, MAX],
    ['maxResponseSize', 'chunks', CHUNKED, `${(KB_64).toString(16)}\r\n${'x'.repeat(KB_64)}\r\n`, TOO_LARGE, MAX],
    // Node sets no limit to these. A server that goes on is not silent: the read timeout is none either.
    ['the total timeout', 'empty lines', '', '\r\n'.repeat(10_000), LATE, TOTAL],
    ['the total timeout', '100 Continue', '', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(1000), LATE, TOTAL],
    ['the total timeout', 'zeros before the size of a chunk', CHUNKED, '0'.repeat(KB_64), LATE, TOTAL],
  ]

describe('without an end', { concurrency: 4 }, () => {
  for (const [bound, what, begin, more, outcome, options] of FLOODS) {
    test(`${what} without an end: ${bound} is the bound`, async () => {
      const act = (socket: Duplex) => {
        socket.write(begin)
        pour(socket, more)
      }
      // Not through the test proxy, which forgets to close what it has not read to its end. A reader of `raw` counts for himself.
      const ways = options === MAX ? DIRECT.filter((way) => way !== 'raw') : DIRECT
      await survive({ fault: { at: 'request', act }, outcome, options, ways })
    })
  }
})

test('headers of 10 MB in one piece are a ConnectionError', () =>
  survive({
    fault: { at: 'request', act: (socket) => socket.write(`${STATUS}X: ${'x'.repeat(10_000_000)}\r\n\r\n`) },
    outcome: HEADERS,
    ways: DIRECT,
  }))

test('a thousand interim answers before an answer are passed over', () => {
  const answer = `${'HTTP/1.1 103 Hints\r\nLink: <x>\r\n\r\n'.repeat(1000)}${STATUS}Content-Length: 2\r\n\r\nok`
  return survive({ fault: { at: 'request', act: (socket) => socket.write(answer) }, outcome: { body: 'ok' } })
})

const MIB_256 = 268_435_456
const gzip = zlib.gzipSync(Buffer.alloc(MIB_256), { level: 1 })
const BOMBS: Readonly<Record<string, Buffer>> = {
  gzip,
  deflate: zlib.deflateSync(Buffer.alloc(MIB_256), { level: 1 }),
  br: zlib.brotliCompressSync(Buffer.alloc(MIB_256), { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 1 } }),
  zstd: zlib.zstdCompressSync(Buffer.alloc(MIB_256)),
  'gzip, gzip': zlib.gzipSync(gzip),
  'gzip, br': zlib.brotliCompressSync(gzip),
  'gzip, zstd': zlib.zstdCompressSync(gzip),
}

test('a decompression bomb of 256 MiB costs little more than maxResponseSize, however it is encoded', async () => {
  await using server = await startHttpServer({
    handler: ({ url = '' }, response) => {
      const encoding = decodeURIComponent(url.slice(1))
      response.setHeader('Content-Encoding', encoding === '' ? 'identity' : encoding)
      response.end(BOMBS[encoding] ?? 'ok')
    },
  })
  // In a process of its own: it shares its memory with no other test.
  const script = `
    const { get } = await import('${moduleUrl('index')}')
    const ask = (path) => get('${server.url127}/' + encodeURIComponent(path), { maxResponseSize: 1_000_000 })
    const peak = () => process.resourceUsage().maxRSS / 1024
    await ask('')
    for (const encoding of ${JSON.stringify(Object.keys(BOMBS))}) {
      const before = peak()
      const code = await ask(encoding).catch(({ code }) => code)
      console.log(JSON.stringify({ encoding, code, grown: peak() - before, next: (await ask('')).text }))
    }
  `
  const bombs = (await outputOfScript(script))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { grown: number; encoding: string })
  assert.equal(bombs.length, Object.keys(BOMBS).length)
  for (const { grown, encoding, ...rest } of bombs) {
    assert.deepEqual(rest, { code: 'ERR_MAX_RESPONSE_SIZE', next: 'ok' }, encoding)
    assert(grown < 64, `${encoding}: ${grown} MiB`)
  }
})

test('they leave nothing behind', assertNothingLeft)

test('empty zstd frames cost no CPU time without end', async () => {
  const frame = zlib.zstdCompressSync('')
  // Node 26 goes through them itself, all at once.
  const bodies = { '50': 'read', '100000': nodeMajor >= 26 ? 'read' : 'refused' }
  await using server = await startHttpServer({
    handler: ({ url = '' }, response) => {
      response.setHeader('Content-Encoding', 'zstd')
      response.end(Buffer.concat([...Array(Number(url.slice(1))).fill(frame), zlib.zstdCompressSync('ok')]))
    },
  })
  for (const [count, fate] of Object.entries(bodies)) {
    const got = get(`${server.url127}/${count}`)
    if (fate === 'read') assert.equal((await got).text, 'ok')
    else await assert.rejects(got, { name: 'ContentDecodingError', message: /one empty zstd frame after the other/ })
  }
})
