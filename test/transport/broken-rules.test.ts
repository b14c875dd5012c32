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

/** `lenient`: what the lenient parser reads; `undefined`: it refuses the response, too. */
const BROKEN: readonly (readonly [what: string, wire: string, rule: RegExp, lenient: string | undefined])[] = [
  [
    'a blank before the colon',
    `${STATUS}X-A : b\r\n${OK}`,
    /header line must be a name.* followed by a colon/,
    undefined,
  ],
  ['a header line without a colon', `${STATUS}nonsense\r\n${OK}`, /header line must be a name/, undefined],
  ['a control character in a value', `${STATUS}X-A: a\x01b\r\n${OK}`, /a header value has a control character/, 'ok'],
  ['a folded header', `${STATUS}X: 1\r\n 2\r\n${OK}`, /is continued on the next line/, 'ok'],
  ['lines that end in LF', `HTTP/1.1 200 OK\nContent-Length: 2\n\nok`, /a line ends in LF without CR/, 'ok'],
  ['a list of lengths', `${STATUS}Content-Length: 2, 2\r\n\r\nok`, /Content-Length is not one number/, undefined],
  ['an empty length', `${STATUS}Content-Length: \r\n\r\nok`, /Content-Length is empty/, undefined],
  [
    'a length and chunks',
    `${CHUNKED}${OK.slice(0, -4)}\r\n2\r\nok\r\n0\r\n\r\n`,
    /both Content-Length and Transfer-/,
    'ok',
  ],
  ['two blanks in the status line', `HTTP/1.1  200 OK\r\n${OK}`, /one blank and three digits/, undefined],
  ['a padded chunk size', `${CHUNKED}\r\n2  \r\nok\r\n0\r\n\r\n`, /the size of a chunk is not a hexadecimal/, 'ok'],
  ['another protocol', 'SSH-2.0-OpenSSH_9.6\r\n', /does not begin with HTTP\/ and a version/, undefined],
]

for (const [what, wire, rule, lenient] of BROKEN) {
  test(`${what} is refused with the rule, and ${lenient === undefined ? 'refused' : 'read'} leniently`, async () => {
    await using server = await startAnswering(wire)
    await assert.rejects(get(server.url), (error: Error) => {
      assert.match(error.message, rule)
      assert.match(error.message, /\(insecureHTTPParser: true reads some/)
      return true
    })
    const reading = get(server.url, { insecureHTTPParser: true })
    if (lenient !== undefined) assert.equal((await reading).text, lenient)
    else await assert.rejects(reading, { message: /\(even with insecureHTTPParser\)$/ })
  })
}

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
