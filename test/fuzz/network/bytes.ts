/** Bytes that peers send: HTTP, SOCKS and TLS, nearly as they should be. All of it latin-1 text. */
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')
const PLAIN = 'one\ntwo\r\nthree\n'
const LONG = 'line\n'.repeat(5000)

/** Bodies by their Content-Encoding. */
const BODIES: Readonly<Record<string, readonly string[]>> = {
  '': ['', 'ok', PLAIN, LONG, '{"a": 1}'],
  gzip: [text(gzipSync(PLAIN)), text(gzipSync(LONG)), text(gzipSync('a').subarray(0, 12)), PLAIN],
  deflate: [text(deflateSync(PLAIN)), text(deflateRawSync(LONG)), '\x78\x9c'],
  br: [text(brotliCompressSync(PLAIN)), text(brotliCompressSync(LONG)), '\xff\xff'],
  zstd: [text(zstdCompressSync(PLAIN)), text(zstdCompressSync(LONG)), text(zstdCompressSync(PLAIN)).slice(0, 9)],
  'gzip, gzip': [text(gzipSync(gzipSync(PLAIN)))],
  'gzip, br, gzip': [PLAIN],
}

const body = fc.constantFrom(
  ...Object.entries(BODIES).flatMap(([encoding, bodies]) => bodies.map((content) => ({ encoding, content }))),
)

const statusLine = fc.oneof(
  { weight: 12, arbitrary: fc.constant('HTTP/1.1 200 OK') },
  {
    weight: 6,
    arbitrary: fc.constantFrom(
      ...['HTTP/1.0 200 OK', 'HTTP/1.1 204 No Content', 'HTTP/1.1 304 Not Modified', 'HTTP/1.1 206 Partial Content'],
      ...['HTTP/1.1 301 Moved', 'HTTP/1.1 302 Found', 'HTTP/1.1 307 Again', 'HTTP/1.1 308 Again', 'HTTP/1.1 303 See'],
      ...['HTTP/1.1 401 Unauthorized', 'HTTP/1.1 407 Proxy', 'HTTP/1.1 429 Slow', 'HTTP/1.1 503 Busy'],
      ...['HTTP/1.1 100 Continue', 'HTTP/1.1 101 Switching', 'HTTP/1.1 102 Wait', 'HTTP/1.1 103 Hints'],
    ),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      ...['HTTP/1.1 999 \xff\x1b[31m', 'HTTP/1.1 200', 'HTTP/1.1', 'HTTP/2 200 OK', 'SSH-2.0-x', 'ICY 200 OK', ''],
      ...[
        'HTTP/1.1 0 Zero',
        'HTTP/1.1 99 Low',
        'HTTP/1.1 1000 High',
        '\0\0\0',
        'HTTP/1.1 200 OK\nX: 1',
        ' HTTP/1.1 200 OK',
      ],
    ),
  },
)

const headers = fc.array(
  fc.constantFrom(
    ...['Connection: close', 'Connection: keep-alive', 'Keep-Alive: timeout=0', 'Keep-Alive: timeout=1, max=1'],
    ...['Location: /', 'Location: /next', 'Location: http://', 'Location: //', 'Location: \xff', 'Location: /#x'],
    ...['Set-Cookie: a=b', 'Set-Cookie: a=b; Domain=localhost; Secure', 'Set-Cookie: =', 'Set-Cookie: \xe9=\x7f'],
    ...['WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"', 'WWW-Authenticate: Digest', 'WWW-Authenticate: ,'],
    ...['Retry-After: 0', 'Retry-After: x', 'Link: <a>; rel=next', 'Content-Type: text/plain; charset=utf-16'],
    ...[
      'Content-Type: application/json',
      'Trailer: X',
      'Upgrade: websocket',
      'Connection: upgrade',
      'X',
      ': y',
      'X : y',
    ],
    ...[
      'X: \r\n folded',
      `X: ${'y'.repeat(9000)}`,
      'Transfer-Encoding: gzip',
      'Transfer-Encoding: identity',
      '__proto__: x',
    ],
  ),
  { maxLength: 3 },
)

const framing = fc.constantFrom(
  'length',
  'length',
  'chunked',
  'chunked',
  'close',
  'close',
  'short',
  'long',
  'both',
  'twice',
)
const chunkEnd = fc.constantFrom(
  '0\r\n\r\n',
  '0\r\n\r\n',
  '0\r\nX-Sum: 1\r\n\r\n',
  '',
  '0\r\n',
  'zz\r\n',
  '-1\r\n',
  'f'.repeat(17),
)

/** A response, whole. */
const response = fc
  .record({ statusLine, headers, framing, body, chunkEnd, size: fc.integer({ min: 1, max: 4000 }) })
  .map(({ statusLine: first, headers: fields, framing: kind, body: { encoding, content }, chunkEnd: last, size }) => {
    const all = encoding === '' ? [...fields] : [...fields, `Content-Encoding: ${encoding}`]
    const length = content.length
    if (kind === 'length' || kind === 'twice' || kind === 'both') all.push(`Content-Length: ${length}`)
    if (kind === 'twice') all.push(`Content-Length: ${length + 1}`)
    if (kind === 'short') all.push(`Content-Length: ${length + 7}`)
    if (kind === 'long') all.push(`Content-Length: ${Math.max(0, length - 1)}`)
    const isChunked = kind === 'chunked' || kind === 'both'
    if (isChunked) all.push('Transfer-Encoding: chunked')
    const head = [first, ...all, '', ''].join('\r\n')
    return head + (isChunked ? chunksOf(content, size) + last : content)
  })

function chunksOf(content: string, size: number): string {
  let chunks = ''
  for (let start = 0; start < content.length; start += size) {
    const piece = content.slice(start, start + size)
    chunks += `${piece.length.toString(16)}\r\n${piece}\r\n`
  }
  return chunks
}

const noise = fc.oneof(
  fc.string({ unit: fc.nat(0xff).map((code) => String.fromCharCode(code)), maxLength: 40 }),
  fc.constantFrom(
    '\r\n',
    '\r\n\r\n',
    '\0',
    '\x15\x03\x03\x00\x02\x02\x28',
    'HTTP/1.1 200 OK\r\n\r\n',
    'HTTP/1.1 500 x\r\n',
  ),
)

/** What an HTTP server sends for one request. */
export const httpBytes: fc.Arbitrary<string> = edited(
  fc.oneof(
    { weight: 8, arbitrary: response },
    { weight: 2, arbitrary: fc.tuple(fc.constant('HTTP/1.1 103 Hints\r\nLink: <x>\r\n\r\n'), response).map(join) },
    { weight: 1, arbitrary: fc.tuple(response, response).map(join) },
    { weight: 1, arbitrary: noise },
  ),
)

/** What a proxy answers to CONNECT. */
export const connectBytes: fc.Arbitrary<string> = edited(
  fc.oneof(
    {
      weight: 3,
      arbitrary: fc.constantFrom(
        ...['HTTP/1.1 200 OK\r\n\r\n', 'HTTP/1.0 200 Connection established\r\n\r\n', 'HTTP/1.1 200\r\nX: 1\r\n\r\n'],
        ...[
          'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
          'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
        ],
        ...[
          'HTTP/1.1 407 Auth\r\nProxy-Authenticate: Basic\r\n\r\n',
          'HTTP/1.1 403 \x1b[31mNo\r\n\r\n',
          'HTTP/1.1 502 Bad\r\n',
        ],
        ...[
          'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n',
          'HTTP/1.1 101 S\r\nUpgrade: x\r\n\r\n',
          'HTTP/1.1 2',
        ],
        ...['HTTP/1.1 204 No\r\n\r\n', 'HTTP/1.1 201 C\r\n\r\n', 'HTTP/1.1 200 OK\r\n\r\n\x15\x03\x03\x00\x02\x02\x28'],
      ),
    },
    { weight: 2, arbitrary: response },
    { weight: 1, arbitrary: noise },
  ),
)

/** What a SOCKS proxy says. */
export const socksBytes: fc.Arbitrary<string> = edited(
  fc.oneof(
    fc.constantFrom(
      ...['\x05\0', '\x05\x02', '\x05\x01', '\x05\xff', '\x05', '\x04\0', '\x01\0', '\x01\x01', '\0\x5a\0\0\0\0\0\0'],
      ...['\0\x5b\0\0\0\0\0\0', '\0\x5a', '\x05\0\0\x01\0\0\0\0\0\0', '\x05\0\0\x03\x04host\0\x50', '\x05\0\0\x03\xff'],
      ...['\x05\0\0\x04', '\x05\x02\0\x01\0\0\0\0\0\0', '\x05\x05\0\x01\0\0\0\0\0\0', '\x05\xff\0\x01\0\0\0\0\0\0'],
      ...['\x05\0\0\x09\0\0\0\0\0\0', '\x05\0\x05\0\0\x01\0\0\0\0\0\0', `\x05\0\0\x01${'\0'.repeat(40)}`],
      'HTTP/1.1 400 Bad Request\r\n\r\n',
    ),
    noise,
  ),
)

const record = (type: number, content: string, version = '\x03\x03') =>
  `${String.fromCharCode(type)}${version}${String.fromCharCode(content.length >> 8, content.length & 0xff)}${content}`

const alert = fc
  .tuple(
    fc.constantFrom(1, 2, 3),
    fc.oneof(fc.constantFrom(0, 20, 40, 42, 46, 48, 49, 70, 80, 90, 112, 116, 120), fc.nat(255)),
  )
  .map(([level, description]) => record(21, String.fromCharCode(level, description)))

/** TLS records that are no part of the connection. */
export const tlsBytes: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: alert },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      ...[
        record(23, '\0'.repeat(32)),
        record(23, ''),
        record(22, ''),
        record(20, '\x01'),
        record(21, ''),
        record(24, 'x'),
      ],
      ...[record(22, '\0\0\0\0'), record(22, '\x02\0\0\0'), record(22, '\x0b\0\0\x03\0\0\0'), record(99, 'x')],
      // A request to renegotiate, a new ticket and a new key, none of them encrypted.
      ...[record(22, '\0\0\0\0'), record(22, '\x04\0\0\x06\0\0\0\0\0\0'), record(22, '\x18\0\0\x01\0')],
      `\x17\x03\x03\xff\xff${'\0'.repeat(65_535)}`,
      `\x16\x03\x03\x40\x01${'\0'.repeat(16_385)}`,
      ...[
        'HTTP/1.1 400 Bad Request\r\n\r\n',
        'SSH-2.0-OpenSSH\r\n',
        '\0'.repeat(5),
        '\x16\x03',
        '\x80\x2e\x01\x03\x01',
      ],
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.integer({ min: 19, max: 25 }), noise).map(([type, content]) => record(type, content)),
  },
  { weight: 1, arbitrary: noise },
)

/** Greetings, and answers to STARTTLS; a greeting of MySQL has its flags behind the salt. */
const SERVICE_PIECES = [
  ...['S', 'N', 'E', `E\0\0\0\x0cSFATAL\0\0`, `E\xff\xff\xff\xff`],
  ...[mysqlGreeting('\xff\xff'), mysqlGreeting('\0\0'), '\x04\0\0\0\xff\x10\x04#', '\xff\xff\xff\0'],
  ...[
    '220 mail\r\n',
    '220-mail\r\n',
    '250-STARTTLS\r\n250 OK\r\n',
    '250 OK\r\n',
    '454 no\r\n',
    `${'250-x\r\n'.repeat(3000)}`,
  ],
  ...['* OK\r\n', '* CAPABILITY IMAP4rev1 STARTTLS\r\n', 'a OK\r\n', 'a1 OK\r\n', '* BYE\r\n', '* {99999}\r\n'],
  ...['+OK\r\n', '-ERR\x1b[31m\r\n', '+OK\r\nSTLS\r\n.\r\n', '.\r\n', 'x'.repeat(70_000)],
  ...[
    '0\x0c\x02\x01\x01x\x07\x0a\x01\0\x04\0\x04\0',
    '0\x84\xff\xff\xff\xff',
    '0\x80',
    '0\x0c\x02\x01\x01x\x07\x0a\x01\x34\x04\0\x04\0',
  ],
]

function mysqlGreeting(flags: string): string {
  const packet = `\x0a8.0\0\0\0\0\0${'s'.repeat(8)}\0${flags}\x21\0\0${flags}\x15${'\0'.repeat(10)}${'s'.repeat(12)}\0`
  return `${String.fromCharCode(packet.length)}\0\0\0${packet}`
}

/** Of servers that are asked for TLS: PostgreSQL, MySQL, SMTP, IMAP, POP3, LDAP. */
export const serviceBytes: fc.Arbitrary<string> = edited(
  fc
    .array(
      fc.oneof(
        { weight: 5, arbitrary: fc.constantFrom(...SERVICE_PIECES) },
        { weight: 1, arbitrary: tlsBytes },
        { weight: 1, arbitrary: noise },
      ),
      { minLength: 1, maxLength: 4 },
    )
    .map(join),
)

/** Now and then damaged at one place, or cut off. */
function edited(bytes: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const place = fc.nat(0xffff)
  return fc.oneof(
    { weight: 6, arbitrary: bytes },
    {
      weight: 2,
      arbitrary: fc.tuple(bytes, place).map(([content, where]) => content.slice(0, at(content, where))),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(bytes, place, noise)
        .map(
          ([content, where, more]) => content.slice(0, at(content, where)) + more + content.slice(at(content, where)),
        ),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(bytes, place, fc.nat(0xff)).map(([content, where, code]) => {
        const index = at(content, where)
        return content.slice(0, index) + String.fromCharCode(code) + content.slice(index + 1)
      }),
    },
    { weight: 1, arbitrary: fc.tuple(bytes, noise).map(join) },
  )
}

function at(content: string, where: number): number {
  return Math.floor((content.length * where) / 0x10000)
}

function join(parts: readonly string[]): string {
  return parts.join('')
}
