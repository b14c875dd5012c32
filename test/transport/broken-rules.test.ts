/** Responses that break a rule of HTTP/1.1: what the error says, and what `insecureHTTPParser` reads. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { get, Session } from '../../src/index.ts'
import { startTcpServer } from '../helpers/tcp.ts'

/** A server that answers each request on a connection with these writes, and stays open. */
function startAnswering(...writes: readonly (string | number)[]) {
  return startTcpServer((socket) => {
    socket.setNoDelay(true)
    socket.on('data', async () => {
      for (const write of writes) {
        if (typeof write === 'number') await delay(write)
        else socket.write(Buffer.from(write, 'latin1'))
      }
    })
  })
}

const STATUS = 'HTTP/1.1 200 OK\r\n'
const OK = 'Content-Length: 2\r\n\r\nok'
const CHUNKED = `${STATUS}Transfer-Encoding: chunked\r\n`
const CHUNKS = `${CHUNKED}\r\n`
const LAST = '\r\n0\r\n\r\n'

/** `lenient`: what the lenient parser reads; a rule: it refuses the response, too, and this is what it says. */
const BROKEN: readonly (readonly [what: string, wire: string, rule: RegExp, lenient: string | RegExp])[] = [
  ...same([
    ['no protocol at all', 'it is closed today\r\n', /does not begin with HTTP\/ and a version/],
    ['HTTP/2.0', `HTTP/2.0 200 OK\r\n${OK}`, /version of HTTP is neither 1.0 nor 1.1/],
    ['HTTP/2', `HTTP/2 200 OK\r\n${OK}`, /must be a digit, a dot, a digit and a blank/],
    ['HTTP/1.10', `HTTP/1.10 200 OK\r\n${OK}`, /must be a digit, a dot, a digit and a blank/],
    ['a tab behind the version', `HTTP/1.1\t200 OK\r\n${OK}`, /must be a digit, a dot, a digit and a blank/],
    ['a version alone', `HTTP/1.1\r\n${OK}`, /must be a digit, a dot, a digit and a blank/],
    ['two blanks in the status line', `HTTP/1.1  200 OK\r\n${OK}`, /one blank and three digits/],
    ['a signed status', `HTTP/1.1 +200 OK\r\n${OK}`, /one blank and three digits/],
    ['a status of four digits', `HTTP/1.1 2000 OK\r\n${OK}`, /must follow the three digits of the status/],
    ['a tab behind the status', `HTTP/1.1 200\tOK\r\n${OK}`, /must follow the three digits of the status/],
    ['the status 020', `HTTP/1.1 020 OK\r\n${OK}`, /its status is below 100/],
    ['the status 000', `HTTP/1.1 000 OK\r\n${OK}`, /its status is below 100/],
    ['a blank before the colon', `${STATUS}X-A : b\r\n${OK}`, /header line must be a name.* followed by a colon/],
    ['a header line without a colon', `${STATUS}nonsense\r\n${OK}`, /header line must be a name/],
    ['a CR in a value', `${STATUS}X-A: a\rb\r\n${OK}`, /a CR is not followed by LF/],
    ['two equal lengths', `${STATUS}Content-Length: 2\r\n${OK}`, /repeated, perhaps contradictory Content-Length/],
    ['a list of lengths', `${STATUS}Content-Length: 2, 2\r\n\r\nok`, /Content-Length is not one number/],
    ['a signed length', `${STATUS}Content-Length: +2\r\n\r\nok`, /Content-Length is not one number/],
    ['a hexadecimal length', `${STATUS}Content-Length: 0x2\r\n\r\nok`, /Content-Length is not one number/],
    ['a length of 23 digits', `${STATUS}Content-Length: ${'9'.repeat(23)}\r\n\r\nok`, /Content-Length is too large/],
    ['an empty length', `${STATUS}Content-Length: \r\n\r\nok`, /Content-Length is empty/],
    ['an empty Transfer-Encoding', `${STATUS}Transfer-Encoding: \r\n\r\nok`, /Transfer-Encoding is empty/],
    ['a chunk size of 17 digits', `${CHUNKS}${'f'.repeat(17)}\r\nok${LAST}`, /the size of a chunk is too large/],
    ['a chunk size that is a word', `${CHUNKS}size\r\nok${LAST}`, /the size of a chunk is not a hexadecimal/],
    ['a signed chunk size', `${CHUNKS}+2\r\nok${LAST}`, /the size of a chunk is not a hexadecimal/],
    ['a blank before a chunk size', `${CHUNKS} 2\r\nok${LAST}`, /the size of a chunk is not a hexadecimal/],
    ['a chunk that is longer than its size', `${CHUNKS}2\r\nokk${LAST}`, /no line break where a chunk ends/],
    ['a chunk extension of nothing', `${CHUNKS}2;\r\nok${LAST}`, /a semicolon .* is not followed by an extension/],
    ['a blank behind a semicolon', `${CHUNKS}2; a\r\nok${LAST}`, /a semicolon .* is not followed by an extension/],
    [
      'a chunk extension with a control character',
      `${CHUNKS}2;a\x01\r\nok${LAST}`,
      /the name of a chunk extension has/,
    ],
    ['a chunk extension whose value has one', `${CHUNKS}2;a=b\x01\r\nok${LAST}`, /the value of a chunk extension has/],
    ['a chunk extension without its quote', `${CHUNKS}2;a="b\r\nok${LAST}`, /a quoted value of a chunk extension has/],
    ['a quoted control character', `${CHUNKS}2;a="\\\x01"\r\nok${LAST}`, /a quoted value of a chunk extension has/],
    ['text behind a quoted value', `${CHUNKS}2;a="b"c\r\nok${LAST}`, /other text follows the quoted value/],
    ['long chunk extensions', `${CHUNKS}2;${'x'.repeat(20_000)}\r\nok${LAST}`, /extensions .* longer than 16 KiB/],
    ['a trailer with a blank in its name', `${CHUNKS}0\r\nX A: b\r\n\r\n`, /header line must be a name/],
  ]),
  ['HTTP/1.2', `HTTP/1.2 200 OK\r\n${OK}`, /version of HTTP is neither 1.0 nor 1.1/, 'ok'],
  ['LF behind the status', `HTTP/1.1 200\n${OK}`, /a line ends in LF without CR/, 'ok'],
  ['a control character in a value', `${STATUS}X-A: a\x01b\r\n${OK}`, /a header value has a control character/, 'ok'],
  ['a folded header', `${STATUS}X: 1\r\n 2\r\n${OK}`, /is continued on the next line/, 'ok'],
  ['a folded header that begins empty', `${STATUS}X:\r\n 2\r\n${OK}`, /is continued on the next line/, 'ok'],
  ['a first header line that is folded', `${STATUS} X: 2\r\n${OK}`, /the first header line begins with a blank/, 'ok'],
  ['lines that end in LF', `HTTP/1.1 200 OK\nContent-Length: 2\n\nok`, /a line ends in LF without CR/, 'ok'],
  ['a blank line that is LF', `${STATUS}Content-Length: 2\r\n\nok`, /a line ends in LF without CR/, 'ok'],
  ['a blank line that is CR', `${STATUS}Content-Length: 2\r\n\rok`, /a CR is not followed by LF/, 'ok'],
  ['a CR in the reason', `HTTP/1.1 200 O\rK\r\n${OK}`, /a CR is not followed by LF/, /header line must be a name/],
  ['a length and chunks', `${CHUNKED}${OK.slice(0, -2)}2\r\nok${LAST}`, /both Content-Length and Transfer-/, 'ok'],
  ['a length in trailers', `${CHUNKS}0\r\n${OK.slice(0, -2)}`, /both Content-Length and Transfer-/, ''],
  ['a padded chunk size', `${CHUNKS}2  \r\nok${LAST}`, /the size of a chunk is not a hexadecimal/, 'ok'],
  ['a chunk size that ends in LF', `${CHUNKS}2\nok${LAST}`, /a line ends in LF without CR/, 'ok'],
  ['a chunk size that ends in CR', `${CHUNKS}2\rok${LAST}`, /a CR is not followed by LF/, 'ok'],
  ['a chunk that ends in LF', `${CHUNKS}2\r\nok\n0\r\n\r\n`, /a line ends in LF without CR/, 'ok'],
  ['a chunk that is shorter than its size', `${CHUNKS}4\r\nok${LAST}`, /no line break where a chunk ends/, 'ok\r\n'],
]

function same(rows: readonly (readonly [what: string, wire: string, rule: RegExp])[]) {
  return rows.map(([what, wire, rule]) => [what, wire, rule, rule] as const)
}

for (const [what, wire, rule, lenient] of BROKEN) {
  const isRead = typeof lenient === 'string'
  test(`${what} is refused with the rule, and ${isRead ? 'read' : 'refused'} leniently`, async () => {
    await using server = await startAnswering(wire)
    const advice = isRead ? /: true reads some answers/ : /: true (?:reads some answers|does not read it either\)$)/
    await assert.rejects(get(server.url), (error: Error) => {
      assert.match(error.message, rule)
      assert.match(error.message, advice)
      return true
    })
    const reading = get(server.url, { insecureHTTPParser: true })
    if (isRead) assert.equal((await reading).text, lenient)
    else {
      await assert.rejects(reading, (error: Error) => {
        assert.match(error.message, lenient)
        assert.match(error.message, /\(even with insecureHTTPParser\)$/)
        return true
      })
    }
  })
}

const CUT: readonly (readonly [what: string, wire: string, message: RegExp])[] = [
  ['nothing', '', /: the connection was closed without a response; if the server speaks TLS/],
  ['half a status line', 'HTTP/1.1 20', /: the connection was closed without a complete response$/],
  ['half a head', `${STATUS}Content-Le`, /: the connection was closed without a complete response$/],
  ['an interim response', 'HTTP/1.1 100 Continue\r\n\r\n', /: the connection was closed without a complete response$/],
]

for (const [what, wire, message] of CUT) {
  test(`a connection that is closed after ${what} is an error that says so`, async () => {
    await using server = await startTcpServer((socket) => socket.on('data', () => socket.end(wire)))
    await assert.rejects(get(server.url), { name: 'ConnectionError', message })
  })
}

test('read leniently, chunks whose last lines are LF alone are an error that names LF', async () => {
  await using server = await startTcpServer((socket) => socket.on('data', () => socket.end(`${CHUNKS}2\nok\n0\n\n`)))
  await assert.rejects(get(server.url), { message: /a line ends in LF without CR/ })
  await assert.rejects(get(server.url, { insecureHTTPParser: true }), {
    name: 'ChunkedEncodingError',
    message: /ended before its body was complete, or the line of its last chunk ends in LF without CR$/,
  })
})

test('a session reads leniently by an option, and a call overrides it', async () => {
  await using server = await startAnswering(`${STATUS}X: 1\r\n 2\r\n${OK}`)
  await using session = new Session({ insecureHTTPParser: true })
  assert.equal((await session.get(server.url)).text, 'ok')
  await assert.rejects(session.get(server.url, { insecureHTTPParser: false }), { name: 'ConnectionError' })
})

const BODIES: readonly (readonly [what: string, ...writes: (string | number)[]])[] = [
  ['a 204 with a length and a body', 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n', 'hello'],
  ['a 204 whose body comes later', 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n', 2, 'hello'],
  ['a 204 with a body and no length', 'HTTP/1.1 204 No Content\r\n\r\n', 'hello'],
  ['a 204 with chunks', 'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n', '0\r\n\r\n'],
  ['a 304 with a body', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n', 1, 'hello'],
  ['a 304 with a body and no length', 'HTTP/1.1 304 Not Modified\r\n\r\n', 1, 'hello'],
  ['a 204 with a body of lines', 'HTTP/1.1 204 No Content\r\n\r\n', '\r\n\r\nhello'],
]

for (const [what, ...writes] of BODIES) {
  test(`fifty requests in a row to a server that sends ${what} all succeed`, async () => {
    await using server = await startAnswering(...writes)
    await using session = new Session()
    for (let n = 0; n < 50; n++) {
      const response = await session.get(server.url)
      assert.deepEqual([Math.floor(response.statusCode / 100) > 1, response.text], [true, ''])
    }
  })
}

test('a connection on which a 204 without a body came is used again', async () => {
  await using server = await startAnswering('HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n')
  await using session = new Session()
  for (let n = 0; n < 5; n++) await session.get(server.url)
  assert.equal(server.accepted, 1)
})

test('a connection that receives data while it is idle is closed', async () => {
  await using server = await startAnswering(`${STATUS}${OK}`, 30, `${STATUS}Content-Length: 4\r\n\r\nevil`)
  await using session = new Session()
  for (let n = 0; n < 3; n++) {
    assert.equal((await session.post(server.url, { data: 'x' })).text, 'ok')
    await delay(80)
  }
  assert.equal(server.accepted, 3)
})
