/** Servers that stop, hang up or reset at any point of an exchange. */
import '../helpers/environment.ts'
import { describe, test } from 'node:test'
import type { RequestOptions } from '../../src/index.ts'
import type { Fault } from './faulty-server.ts'
import { assertNothingLeft, DIRECT, type Outcome, type Scheme, survive } from './survive.ts'

const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
const GZIP = 'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 100\r\n\r\n\x1f\x8b\b\0\0\0\0\0\0\x03'

/** How far the server comes, and whether the answer has begun then. */
const STAGES: [where: string, at: Fault['at'], sent: string, phase: 'handshake' | 'head' | 'body'][] = [
  ['when it has accepted the connection', 'connection', '', 'handshake'],
  ['in the middle of the TLS handshake', 'connection', '\x16\x03\x03\x0f\xa0\x02\0\x0f\x9c\x03\x03', 'handshake'],
  ['after the TLS handshake', 'secured', '', 'head'],
  ['before the answer', 'request', '', 'head'],
  ['in the status line', 'request', 'HTTP/1.1 20', 'head'],
  ['after the status line', 'request', 'HTTP/1.1 200 OK\r\n', 'head'],
  ['in the headers', 'request', 'HTTP/1.1 200 OK\r\nContent-Le', 'head'],
  ['after 100 Continue', 'request', 'HTTP/1.1 100 Continue\r\n\r\n', 'head'],
  ['before the body', 'request', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n', 'body'],
  ['in the body', 'request', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf', 'body'],
  ['before the first chunk', 'request', CHUNKED, 'body'],
  ['in the header of a chunk', 'request', `${CHUNKED}4\r\nhalf\r\n5`, 'body'],
  ['in a chunk', 'request', `${CHUNKED}100\r\nhalf`, 'body'],
  ['before the last chunk', 'request', `${CHUNKED}4\r\nhalf\r\n`, 'body'],
  ['in the last chunk', 'request', `${CHUNKED}4\r\nhalf\r\n0\r\n`, 'body'],
  ['in the trailers', 'request', `${CHUNKED}4\r\nhalf\r\n0\r\nX-Sum: `, 'body'],
  ['in a body that is compressed', 'request', GZIP, 'body'],
]

/** Far more than a healthy stage takes on a machine under load. */
const READ = 2000

interface Ending {
  readonly how: string
  readonly act: Fault['act']
  readonly options?: RequestOptions
  readonly outcome: Readonly<Record<'handshake' | 'head' | 'body', Outcome>>
}

const BROKEN: Ending['outcome'] = {
  handshake: { name: 'SSLError', code: 'ECONNRESET', message: /^the server closed the connection during the TLS/ },
  head: { name: 'ConnectionError', code: 'ECONNRESET', message: /^Connection aborted by/ },
  body: { name: 'ChunkedEncodingError', code: 'ECONNRESET', message: /ended before its body was complete$/ },
}

const ENDINGS: Ending[] = [
  {
    how: 'stalls',
    act: () => {},
    options: { timeout: { read: READ } },
    outcome: {
      handshake: { name: 'ConnectTimeout', code: 'ERR_CONNECT_TIMEOUT', message: /no byte within 2000 ms/ },
      head: { name: 'ReadTimeout', code: 'ERR_READ_TIMEOUT', message: /read timeout=2000 ms/ },
      body: { name: 'ReadTimeout', code: 'ERR_READ_TIMEOUT', message: /read timeout=2000 ms/ },
    },
  },
  { how: 'ends the connection', act: (socket) => socket.end(), outcome: BROKEN },
  {
    how: 'resets the connection',
    act: (_socket, tcp) => tcp.resetAndDestroy(),
    outcome: { ...BROKEN, handshake: BROKEN.head },
  },
]

describe('each is an error of its kind', { concurrency: 8 }, () => {
  for (const { how, act, options, outcome } of ENDINGS) {
    for (const [where, at, sent, phase] of STAGES) {
      test(`a server that ${how} ${where}`, async () => {
        const fault: Fault = {
          at,
          act: (socket, tcp) => {
            if (sent === '') act(socket, tcp)
            // The rest when these bytes are on their way.
            else socket.write(Buffer.from(sent, 'latin1'), () => setTimeout(() => act(socket, tcp), 20))
          },
        }
        const schemes: readonly Scheme[] = phase === 'handshake' || at === 'secured' ? ['https'] : ['http', 'https']
        const ways = outcome.handshake === BROKEN.head && phase === 'handshake' ? DIRECT : undefined
        await survive({ fault, outcome: outcome[phase], options, schemes, ways })
      })
    }
  }
})

test('they leave nothing behind', assertNothingLeft)
