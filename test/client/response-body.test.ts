import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { constants } from 'node:buffer'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type RequestOptions, type Response, Session, StreamConsumedError } from '../../src/index.ts'
import { eventually } from '../helpers/eventually.ts'
import { startHttpServer } from '../helpers/servers.ts'

type Reply = (request: IncomingMessage, response: ServerResponse) => unknown

/** Asks a server that answers so, and hands over the response together with the server. */
async function exchange(
  reply: Reply,
  options: RequestOptions,
  body: (response: Response, server: Awaited<ReturnType<typeof startHttpServer>>, session: Session) => unknown,
): Promise<void> {
  await using server = await startHttpServer({ handler: reply })
  await using session = new Session()
  await body(await session.get(server.url127, options), server, session)
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
    await exchange(inParts('x'), {}, (response) => assert.throws(() => response.iterContent(size), TypeError))
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

test('a damaged character that comes in pieces is U+FFFD, and no reason to fail', async () => {
  for (const [encoding, ...texts] of [
    ['gb18030', 'a\x81\x30\x81', 'b', '\nc'],
    ['gbk', 'a\x81\x30\x81', 'b', '\nc'],
    ['euc-jp', 'a\x8f\xeb', '\x96', '\nc'],
  ]) {
    const pieces = texts.map((text) => Buffer.from(text, 'latin1'))
    await exchange(inParts(...pieces), { stream: true }, async (response) => {
      response.encoding = encoding ?? null
      assert.match((await all(response.iterLines())).join('|'), /^a\ufffd.*\|c$/)
    })
  }
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
    await exchange(endless, { stream: true }, async (response, server) => {
      await leave(response)
      await eventually(() => server.open === 0, 'the connection is left open')
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

test('raw that is first touched after close() is destroyed, without an error', async () => {
  await exchange(inParts('x', 'y'), { stream: true }, async (response) => {
    response.close()
    const errors: Error[] = []
    response.raw.on('error', (error) => errors.push(error))
    await sleep(20)
    assert.deepEqual([response.raw.destroyed, errors], [true, []])
  })
})

const MARKED: readonly (readonly [what: string, type: string | undefined, bytes: Buffer])[] = [
  ['UTF-8', 'text/plain; charset=utf-8', Buffer.from('\ufeff"é"\nb')],
  ['UTF-8, without a charset', 'text/plain', Buffer.from('\ufeff"é"\nb')],
  ['UTF-8, without a type', undefined, Buffer.from('\ufeff"é"\nb')],
  ['UTF-8, as JSON', 'application/json', Buffer.from('\ufeff"é"\nb')],
  ['UTF-8, called latin-1', 'text/plain; charset=iso-8859-1', Buffer.from('\ufeff"é"\nb')],
  ['UTF-16', 'text/plain; charset=utf-16', Buffer.from('\ufeff"é"\nb', 'utf16le')],
  ['UTF-16 in big-endian', 'text/plain; charset=utf-16', Buffer.from('\ufeff"é"\nb', 'utf16le').swap16()],
]

for (const [what, type, bytes] of MARKED) {
  test(`the byte-order mark of ${what} is in no text and no line`, async () => {
    const reply: Reply = async (_request, response) => {
      if (type !== undefined) response.setHeader('Content-Type', type)
      for (const byte of bytes) {
        response.write(Buffer.from([byte]))
        await sleep(1)
      }
      response.end()
    }
    await exchange(reply, {}, (response) => assert.equal(response.text, '"é"\nb'))
    await exchange(reply, { stream: true }, async (response) => {
      assert.deepEqual(await all(response.iterLines()), ['"é"', 'b'])
    })
  })
}

test('a line that looks like the beginning of a byte-order mark is not held back for long', async () => {
  await exchange(inParts('a\n', Buffer.from([0xef]), 'z\n'), { stream: true }, async (response) => {
    assert.deepEqual(await all(response.iterLines()), ['a', '\ufffdz'])
  })
})

test('JSON with a byte-order mark is read, whatever charset its type names', async () => {
  for (const type of ['application/json', 'application/json; charset=utf-8', 'text/plain']) {
    const reply: Reply = (_request, response) => {
      response.writeHead(200, { 'Content-Type': type }).end(Buffer.from('\ufeff{"é":1}'))
    }
    await exchange(reply, {}, (response) => assert.deepEqual(response.json(), { é: 1 }))
  }
})

test('the body of an own adapter may break before it is read: its reader gets the error', async () => {
  await using session = new Session()
  const body = new Readable({ read() {} })
  session.mount('http://', {
    send: async () => ({ statusCode: 200, reason: 'OK', rawHeaders: [], body, tls: null }),
    close() {},
  })
  const response = await session.get('http://a.test/', { stream: true })
  body.destroy(new Error('broken'))
  // Not `once`, which would listen for the error.
  await new Promise((resolve) => body.on('close', resolve))
  await assert.rejects(response.read(), { name: 'ConnectionError', message: 'broken' })
})

test('text and JSON longer than a string can be are a RequestException; the bytes are there', async () => {
  await using session = new Session()
  const bytes = Buffer.alloc(constants.MAX_STRING_LENGTH + 1, '1')
  session.mount('http://', {
    send: async () => ({
      statusCode: 200,
      reason: 'OK',
      rawHeaders: ['Content-Type', 'application/json'],
      body: Readable.from([bytes]),
      tls: null,
    }),
    close() {},
  })
  const response = await session.get('http://a.test/')
  const expected = { name: 'RequestException', code: 'ERR_STRING_TOO_LONG', message: /too long for a string/ }
  assert.throws(() => response.json(), expected)
  assert.throws(() => response.text, expected)
  assert.equal(response.content.length, bytes.length)
})
