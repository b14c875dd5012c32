/** Answers that are no HTTP, or nearly: what cannot be understood in one way only is an error. */
import '../helpers/environment.ts'
import { describe, test } from 'node:test'
import type { Fault } from './faulty-server.ts'
import { assertNothingLeft, DIRECT, type ExpectedError, type Outcome, survive } from './survive.ts'

const STATUS = 'HTTP/1.1 200 OK\r\n'
const CHUNKED = `${STATUS}Transfer-Encoding: chunked\r\n`
const OK = 'Content-Length: 2\r\n\r\nok'
const CHUNKS = '\r\n2\r\nok\r\n0\r\n\r\n'

const invalid = (code: string): ExpectedError => ({
  name: 'ConnectionError',
  code: `HPE_${code}`,
  message: /^Connection aborted by .*: the answer is not valid HTTP: .* \(insecureHTTPParser: true /,
})
const speaks = (protocol: string): ExpectedError => ({
  name: 'ConnectionError',
  code: 'HPE_INVALID_CONSTANT',
  message: new RegExp(`^Connection aborted by .*: it speaks ${protocol} there, not HTTP/1\\.1$`),
})
const broken = (code: string): ExpectedError => ({
  name: 'ChunkedEncodingError',
  code: `HPE_${code}`,
  message: /^Connection broken: the response of [^ ]+: the answer is not valid HTTP: .* \(insecureHTTPParser: true /,
})
const CONTRADICTORY: ExpectedError = {
  name: 'InvalidHeader',
  code: 'HPE_UNEXPECTED_CONTENT_LENGTH',
  message:
    /sent repeated, perhaps contradictory Content-Length headers \(insecureHTTPParser: true does not read it either\)$/,
}
const SHORT: ExpectedError = {
  name: 'ChunkedEncodingError',
  code: 'ECONNRESET',
  message: /ended before its body was complete$/,
}
const undecodable = (code: string): ExpectedError => ({
  name: 'ContentDecodingError',
  code,
  message: /^the response of [^ ]+ could not be decompressed as its Content-Encoding says/,
})
const taken: Outcome = { body: 'ok' }

/** `end`: the server closes the connection behind it. */
const ANSWERS: [what: string, answer: string, outcome: Outcome, end?: 'end'][] = [
  ['of another protocol (SSH)', 'SSH-2.0-OpenSSH_9.6\r\n', speaks('SSH')],
  ['of another protocol (SMTP)', '220 mail ESMTP\r\n', speaks('SMTP')],
  ['of another protocol (Icecast)', `ICY 200 OK\r\n${OK}`, speaks('ICY .SHOUTcast.')],
  ['of HTTP/0.9: a body, and nothing else', '<html>ok</html>', invalid('INVALID_CONSTANT'), 'end'],
  ['that is a preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', invalid('INVALID_CONSTANT')],
  ['that is a frame of HTTP/2', '\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x80', speaks('HTTP/2 without TLS')],
  ['of zeros', '\0\0\0\0\r\n\r\n', invalid('INVALID_CONSTANT')],
  ['of version 2', `HTTP/2 200 OK\r\n${OK}`, invalid('INVALID_VERSION')],
  ['of version 1.2', `HTTP/1.2 200 OK\r\n${OK}`, invalid('INVALID_VERSION')],

  ['with the status abc', `HTTP/1.1 abc OK\r\n${OK}`, invalid('INVALID_STATUS')],
  ['with the status 99', `HTTP/1.1 99 Low\r\n${OK}`, invalid('INVALID_STATUS')],
  ['with the status 1000', `HTTP/1.1 1000 High\r\n${OK}`, invalid('INVALID_STATUS')],
  ['with the status -1', `HTTP/1.1 -1 Below\r\n${OK}`, invalid('INVALID_STATUS')],
  ['with the status 999', `HTTP/1.1 999 Denied\r\n${OK}`, taken],

  ['with lines that end in LF', `HTTP/1.1 200 OK\nContent-Length: 2\n\nok`, invalid('CR_EXPECTED')],
  ['with empty lines before it', `\r\n\r\n${STATUS}${OK}`, taken],
  ['with a header without a colon', `${STATUS}X\r\n${OK}`, invalid('INVALID_HEADER_TOKEN')],
  ['with a blank before the colon', `${STATUS}X : 1\r\n${OK}`, invalid('INVALID_HEADER_TOKEN')],
  ['with a header without a name', `${STATUS}: 1\r\n${OK}`, invalid('INVALID_HEADER_TOKEN')],
  ['with accents in the name of a header', `${STATUS}X\xe9: 1\r\n${OK}`, invalid('INVALID_HEADER_TOKEN')],
  ['with a folded header', `${STATUS}X: 1\r\n 2\r\n${OK}`, invalid('INVALID_HEADER_TOKEN')],
  ['with a header smuggled in by CR', `${STATUS}X: 1\rSet-Cookie: a=b\r\n${OK}`, invalid('LF_EXPECTED')],
  ['with a header smuggled in by LF', `${STATUS}X: 1\nSet-Cookie: a=b\r\n${OK}`, invalid('CR_EXPECTED')],
  ['with a NUL in a header', `${STATUS}X: 1\0\r\n${OK}`, invalid('INVALID_HEADER_TOKEN')],

  ['with a length of -1', `${STATUS}Content-Length: -1\r\n\r\nok`, invalid('INVALID_CONTENT_LENGTH')],
  ['with a length of +2', `${STATUS}Content-Length: +2\r\n\r\nok`, invalid('INVALID_CONTENT_LENGTH')],
  ['with a length of 0x2', `${STATUS}Content-Length: 0x2\r\n\r\nok`, invalid('INVALID_CONTENT_LENGTH')],
  ['with an empty length', `${STATUS}Content-Length: \r\n\r\nok`, invalid('INVALID_CONTENT_LENGTH')],
  ['with a length of 2, 2', `${STATUS}Content-Length: 2, 2\r\n\r\nok`, invalid('INVALID_CONTENT_LENGTH')],
  [
    'with a length of 10^30',
    `${STATUS}Content-Length: 1${'0'.repeat(30)}\r\n\r\nok`,
    invalid('INVALID_CONTENT_LENGTH'),
  ],
  ['with two lengths', `${STATUS}Content-Length: 3\r\n${OK}`, CONTRADICTORY],
  ['with one length twice', `${STATUS}Content-Length: 2\r\n${OK}`, CONTRADICTORY],
  ['with a length and chunks', `${CHUNKED}Content-Length: 2\r\n${CHUNKS}`, invalid('INVALID_CONTENT_LENGTH')],
  ['that is shorter than its length', `${STATUS}Content-Length: 3\r\n\r\nok`, SHORT, 'end'],
  ['that is longer than its length', `${STATUS}${OK} and more`, taken],
  ['with a second one behind it', `${STATUS}${OK}${STATUS}Content-Length: 4\r\n\r\nevil`, taken],

  ['with a chunk of zz bytes', `${CHUNKED}\r\nzz\r\nok`, broken('INVALID_CHUNK_SIZE')],
  ['with a chunk of -1 bytes', `${CHUNKED}\r\n-1\r\nok`, broken('INVALID_CHUNK_SIZE')],
  ['with a chunk of 0x2 bytes', `${CHUNKED}\r\n0x2\r\nok`, broken('INVALID_CHUNK_SIZE')],
  ['with a chunk of 2^72 bytes', `${CHUNKED}\r\n${'f'.repeat(18)}\r\nok`, broken('INVALID_CHUNK_SIZE')],
  ['with a chunk without a size', `${CHUNKED}\r\n\r\nok`, broken('INVALID_CHUNK_SIZE')],
  ['with a chunk longer than its size', `${CHUNKED}\r\n2\r\nokay\r\n0\r\n\r\n`, broken('STRICT')],
  ['with chunks whose lines end in LF', `${CHUNKED}\r\n2\nok\n0\n\n`, broken('CR_EXPECTED')],
  [
    'with a length among its trailers',
    `${CHUNKED}\r\n2\r\nok\r\n0\r\nContent-Length: 9\r\n\r\n`,
    broken('INVALID_CONTENT_LENGTH'),
  ],
  ['with trailers', `${CHUNKED}\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\nSet-Cookie: a=b\r\n\r\n`, taken],
  ['that is chunked twice', `${CHUNKED}Transfer-Encoding: chunked\r\n${CHUNKS}`, taken],

  ['that is not gzip, though it says so', `${STATUS}Content-Encoding: gzip\r\n${OK}`, undecodable('Z_DATA_ERROR')],
  [
    'of gzip that is cut short',
    `${STATUS}Content-Encoding: gzip\r\nContent-Length: 12\r\n\r\n\x1f\x8b\b\0\0\0\0\0\0\x03\0\0`,
    undecodable('Z_BUF_ERROR'),
  ],
  [
    'of 100 Continue and no more',
    'HTTP/1.1 100 Continue\r\n\r\n',
    { name: 'ConnectionError', code: 'ECONNRESET' },
    'end',
  ],
  ['of Early Hints with a body', `HTTP/1.1 103 Hints\r\n${OK}${STATUS}${OK}`, invalid('INVALID_CONSTANT')],
]

const sends = (answer: string, end = false): Fault['act'] => {
  return (socket) => {
    socket.write(Buffer.from(answer, 'latin1'))
    if (end) socket.end()
  }
}

describe('an answer', { concurrency: 8 }, () => {
  for (const [what, answer, outcome, end] of ANSWERS) {
    test(`${what} is ${'body' in outcome ? 'taken' : `a ${outcome.name}`}`, () =>
      survive({ fault: { at: 'request', act: sends(answer, end === 'end') }, outcome }))
  }
})

const NOT_TLS: ExpectedError = { name: 'SSLError', code: 'EPROTO', message: /^the server does not speak TLS/ }
const HELLOS: [what: string, answer: string, outcome: ExpectedError][] = [
  ['HTTP', `${STATUS}${OK}`, NOT_TLS],
  ['SSH', 'SSH-2.0-OpenSSH_9.6\r\n', NOT_TLS],
  ['zeros', '\0'.repeat(64), NOT_TLS],
]

describe('a ClientHello that is answered with', { concurrency: 8 }, () => {
  for (const [what, answer, outcome] of HELLOS) {
    test(`${what} is a ${outcome.name}`, () =>
      survive({ fault: { at: 'connection', act: sends(answer) }, outcome, schemes: ['https'], ways: DIRECT }))
  }
})

test('they leave nothing behind', assertNothingLeft)
