import './helpers/environment.ts'
import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import {
  ChunkedEncodingError,
  ContentDecodingError,
  RequestException,
  type RequestOptions,
  type Response,
  Session,
  StreamConsumedError,
} from '../src/index.ts'
import { startHttpServer } from './helpers/servers.ts'

type Reply = (request: IncomingMessage, response: ServerResponse) => unknown

/** Asks a server that answers so, and hands over the response together with the server. */
async function exchange(
  reply: Reply,
  options: RequestOptions,
  body: (response: Response, server: Awaited<ReturnType<typeof startHttpServer>>, session: Session) => unknown,
  method = 'GET',
): Promise<void> {
  await using server = await startHttpServer({ handler: reply })
  await using session = new Session()
  await body(await session.request(method, server.url127, options), server, session)
}

/** Writes each part in a packet of its own. */
const inParts =
  (...parts: (string | Buffer)[]): Reply =>
  async (_request, response) => {
    response.setHeader('Content-Type', 'text/plain; charset=utf-8')
    for (const part of parts) {
      response.write(part)
      await sleep(10)
    }
    response.end()
  }

const raw =
  (text: string | Buffer): Reply =>
  ({ socket }) =>
    socket.end(text)

const unexpected = () => assert.fail('there must be no response')

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

const SIZES: [size: number | null | undefined, pieces: string[]][] = [
  [1, ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']],
  [3, ['012', '345', '678', '9']],
  [5, ['01234', '56789']],
  [10, ['0123456789']],
  [100, ['0123456789']],
]

for (const [size, pieces] of SIZES) {
  test(`iterContent(${size}) gives pieces of that size, streamed or from a body that was read`, async () => {
    for (const stream of [true, false]) {
      await exchange(inParts('0123', '456', '789'), { stream }, async (response) => {
        assert.deepEqual((await all(response.iterContent(size))).map(String), pieces)
      })
    }
  })
}

test('iterContent() without a size gives the pieces as they arrive', async () => {
  await exchange(inParts('0123', '456'), { stream: true }, async (response) => {
    assert.deepEqual((await all(response.iterContent())).map(String), ['0123', '456'])
  })
})

test('a response is iterable itself, and as often as wanted once its body was read', async () => {
  await exchange(inParts('0123', '456'), {}, async (response) => {
    assert.equal(Buffer.concat(await all(response)).toString(), '0123456')
    assert.equal(Buffer.concat(await all(response)).toString(), '0123456')
  })
})

for (const size of [0, -1, 1.5, Number.NaN, '5' as unknown as number]) {
  test(`iterContent(${JSON.stringify(size)}) is a TypeError`, async () => {
    await exchange(inParts('x'), {}, (response) => assert.rejects(all(response.iterContent(size)), TypeError))
  })
}

test('an empty body has no pieces and no lines', async () => {
  for (const stream of [true, false]) {
    await exchange(inParts(), { stream }, async (response) => assert.deepEqual(await all(response.iterContent()), []))
    await exchange(inParts(), { stream }, async (response) => assert.deepEqual(await all(response.iterLines()), []))
  }
})

const LINES: [parts: (string | Buffer)[], lines: string[]][] = [
  [['a\nb\n'], ['a', 'b']],
  [['a\nb'], ['a', 'b']],
  [
    ['a\r', '\nb\r\n', 'c'],
    ['a', 'b', 'c'],
  ],
  [
    ['a\r', 'b\r'],
    ['a', 'b'],
  ],
  [['\n\n'], ['', '']],
  [
    ['a\n', '\r'],
    ['a', ''],
  ],
  [
    [Buffer.from([0xc3]), Buffer.from([0xa9, 0x0a]), 'z'],
    ['é', 'z'],
  ],
]

for (const [parts, lines] of LINES) {
  test(`${JSON.stringify(parts.map(String))} has the lines ${JSON.stringify(lines)}`, async () => {
    await exchange(inParts(...parts), { stream: true }, async (response) => {
      assert.deepEqual(await all(response.iterLines()), lines)
    })
  })
}

test('iterLines decodes as text does', async () => {
  await exchange(inParts(Buffer.from([0xe9, 0x80, 0x0a])), { stream: true }, async (response) => {
    response.encoding = 'latin-1'
    assert.deepEqual(await all(response.iterLines()), ['é\x80'])
  })
})

test('a second pass over a streamed body is refused, and so is its content', async () => {
  await exchange(inParts('x'), { stream: true }, async (response) => {
    await all(response)
    await assert.rejects(all(response), StreamConsumedError)
    await assert.rejects(response.read(), StreamConsumedError)
    assert.throws(() => response.content, /already consumed/)
  })
})

test('a body that was read from raw is consumed', async () => {
  await exchange(inParts('x'), { stream: true }, async (response) => {
    assert.equal(Buffer.concat(await all<Buffer>(response.raw)).toString(), 'x')
    await assert.rejects(response.read(), StreamConsumedError)
  })
})

test('two read() at a time read once', async () => {
  await exchange(inParts('x', 'y'), { stream: true }, async (response) => {
    const [one, two] = await Promise.all([response.read(), response.read()])
    assert.equal(one.toString(), 'xy')
    assert.equal(one, two)
  })
})

const endless: Reply = (_request, response) => {
  const write = () => {
    while (!response.destroyed && response.write(Buffer.alloc(65_536)));
  }
  response.on('drain', write)
  write()
}

const WAYS_OUT: [title: string, leave: (response: Response) => unknown][] = [
  ['close()', (response) => response.close()],
  ['using', (response) => response[Symbol.dispose]()],
  [
    'break',
    async (response) => {
      for await (const chunk of response) if (chunk.length > 0) break
    },
  ],
]

for (const [title, leave] of WAYS_OUT) {
  test(`${title} before the end of the body destroys the connection`, async () => {
    await exchange(endless, { stream: true }, async (response, { server }) => {
      await leave(response)
      while (await new Promise((resolve) => server.getConnections((_error, count) => resolve(count > 0))))
        await sleep(5)
      await assert.rejects(response.read(), StreamConsumedError)
    })
  })
}

test('a streamed body that was read to its end gives its connection back', async () => {
  await exchange(inParts('x', 'y'), { stream: true }, async (response, server, session) => {
    await all(response)
    response.close()
    await session.get(server.url127)
    assert.equal(server.connections, 1)
  })
})

const ENCODERS: [encoding: string, encode: (text: string) => Buffer][] = [
  ['gzip', gzipSync],
  ['GZIP', gzipSync],
  ['x-gzip', gzipSync],
  ['deflate', deflateSync],
  ['br', brotliCompressSync],
  ['zstd', zstdCompressSync],
  ['identity', Buffer.from],
  ['gzip, br', (text) => brotliCompressSync(gzipSync(text))],
  ['no-such-coding', Buffer.from],
]

for (const [encoding, encode] of ENCODERS) {
  test(`a body with Content-Encoding ${encoding} (${encode.name}) is decoded`, async () => {
    const reply: Reply = (_request, response) => {
      response.setHeader('Content-Encoding', encoding)
      response.end(encode('squeezed'.repeat(1000)))
    }
    await exchange(reply, {}, (response) => {
      assert.equal(response.content.toString(), 'squeezed'.repeat(1000))
      assert.equal(response.headers.get('content-encoding'), encoding)
    })
  })
}

for (const encoding of ['gzip', 'deflate', 'br', 'zstd']) {
  const damaged: Reply = (_request, response) => {
    response.setHeader('Content-Encoding', encoding)
    response.end('this is not compressed at all, whatever the header says')
  }
  test(`a body that is not ${encoding} is a ContentDecodingError, at once or where it is streamed`, async () => {
    await assert.rejects(exchange(damaged, {}, unexpected), ContentDecodingError)
    await exchange(damaged, { stream: true }, (response) => assert.rejects(all(response), ContentDecodingError))
  })

  test(`HEAD, 204, 304 and an empty 200 have no body to be decoded from ${encoding}`, async () => {
    for (const [method, status] of [
      ['HEAD', 200],
      ['GET', 204],
      ['GET', 304],
      ['GET', 200],
    ] as const) {
      const empty: Reply = (_request, response) =>
        void response.writeHead(status, { 'Content-Encoding': encoding }).end()
      const check = (response: Response) => assert.equal(response.content.length, 0)
      await exchange(empty, {}, check, method)
    }
  })
}

const BROKEN: [title: string, wire: string][] = [
  ['shorter than its Content-Length', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123'],
  ['with a bad chunk size', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nx\r\n'],
  ['that ends inside a chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n012'],
  ['without its last chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n012\r\n'],
]

for (const [title, wire] of BROKEN) {
  test(`a body ${title} is a ChunkedEncodingError, read at once, late or streamed`, async () => {
    await assert.rejects(exchange(raw(wire), {}, unexpected), (error) => {
      assert.ok(error instanceof ChunkedEncodingError)
      assert.equal(error.response?.statusCode, 200)
      assert.equal(error.request, error.response?.request)
      return true
    })
    await exchange(raw(wire), { stream: true }, async (response) => {
      await sleep(50)
      await assert.rejects(response.read(), ChunkedEncodingError)
    })
    await exchange(raw(wire), { stream: true }, (response) => assert.rejects(all(response), ChunkedEncodingError))
  })
}

test('a body without a length ends with its connection', async () => {
  await exchange(raw('HTTP/1.1 200 OK\r\n\r\nuntil the end'), {}, (response) => {
    assert.equal(response.text, 'until the end')
  })
})

test('maxResponseSize counts the bytes after decoding and closes the connection', async () => {
  const bomb: Reply = (_request, response) => {
    response.setHeader('Content-Encoding', 'gzip')
    response.end(gzipSync(Buffer.alloc(1_000_000)))
  }
  const tooLarge = { code: 'ERR_MAX_RESPONSE_SIZE', message: /larger than maxResponseSize \(999999 bytes\)/ }
  await exchange(bomb, { maxResponseSize: 1_000_000 }, ({ content }) => assert.equal(content.length, 1_000_000))
  await assert.rejects(exchange(bomb, { maxResponseSize: 999_999 }, unexpected), tooLarge)
  await assert.rejects(exchange(endless, { maxResponseSize: 999_999 }, unexpected), RequestException)
  await exchange(bomb, { maxResponseSize: 999_999, stream: true }, (response) =>
    assert.rejects(all(response), tooLarge),
  )
})
