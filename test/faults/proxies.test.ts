/** Proxies that lie, hang up or go silent: at each step of opening a tunnel, and behind it. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { inspect } from 'node:util'
import { RequestException, type RequestOptions, Session } from '../../src/index.ts'
import { eventually } from '../helpers/eventually.ts'
import { createAuthority } from '../helpers/pki.ts'
import { startHttpsServer } from '../helpers/servers.ts'
import {
  end,
  HONEST,
  type LyingProxy,
  type ProxyScheme,
  passOn,
  pretend,
  reset,
  type Step,
  sayAndEnd,
  sayWithoutEnd,
  startLyingProxy,
} from './lying-proxy.ts'
import {
  assertDiscreet,
  assertNothingLeft,
  countSurvived,
  type ExpectedError,
  type Outcome,
  SECRET,
  SECRETS,
  withinBound,
} from './survive.ts'

const ca = createAuthority()
const { chain: cert, key } = ca.issue({ hosts: ['localhost', '127.0.0.1'] })
const stranger = createAuthority().issue({ hosts: ['127.0.0.1'] })
const origin = await startHttpsServer({ cert, key, handler: (_request, response) => void response.end('ok') })
after(() => origin.close())

type Lie = [what: string, lies: readonly Step[], outcome: Outcome]

const OK = 'HTTP/1.1 200 OK\r\n\r\n'
const KB_64 = 65_536
const SERVER_HELLO = '\x16\x03\x03\x0f\xa0\x02\0\x0f\x9c\x03\x03'

const LATE: ExpectedError = {
  name: 'ConnectTimeout',
  code: 'ERR_CONNECT_TIMEOUT',
  // The limit that was set, not what was left of it.
  message: / through proxy .*\(connect timeout=2000 ms\)$/,
}
const ENDLESS: ExpectedError = {
  name: 'ProxyError',
  code: 'ERR_PROXY',
  message: /^Unable to connect to proxy .*: its response to CONNECT has no end$/,
}
const HUNG_UP: ExpectedError = {
  name: 'ProxyError',
  code: 'ECONNRESET',
  message:
    /^Unable to connect to proxy .*: the connection was closed without a response(?:; if the proxy speaks TLS on this port, write https:\/\/ in its URL)?$/,
}
const CUT: ExpectedError = { ...HUNG_UP, message: /: the connection was closed without a complete response$/ }
const NOT_HTTP: ExpectedError = {
  name: 'ProxyError',
  code: 'HPE_INVALID_CONSTANT',
  message: /is not valid HTTP: [^:]+$/,
}
const OVERFLOW: ExpectedError = { name: 'ProxyError', code: 'HPE_HEADER_OVERFLOW', message: /larger than 256 KiB$/ }
const refused = (status: string): ExpectedError => ({
  name: 'ProxyError',
  code: 'ERR_PROXY',
  message: new RegExp(`Tunnel connection failed: ${status}$`),
})
const socks = (words: string): ExpectedError => ({
  name: 'ProxyError',
  code: 'ERR_PROXY',
  message: new RegExp(`^Unable to connect to 127.0.0.1:${origin.port} through SOCKS proxy .*: ${words}$`),
})
const NO_SOCKS = socks('it does not answer as a SOCKS \\d proxy does')

const AUTHENTICATE = 'HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n'

const CONNECT: Lie[] = [
  ['ends the connection', [end], HUNG_UP],
  ['resets the connection', [reset], HUNG_UP],
  ['says nothing', [], LATE],
  ['ends the connection in the status line', [sayAndEnd('HTTP/1.1 20')], CUT],
  ['goes silent in the headers', ['HTTP/1.1 200 OK\r\nX: '], LATE],
  [
    'asks who it is, again and again',
    [AUTHENTICATE, AUTHENTICATE, AUTHENTICATE],
    refused('407 Who; it does not accept the user and password .*'),
  ],
  [
    'asks who it is, and opens the tunnel at once',
    [`${AUTHENTICATE}${OK}`],
    refused('407 Who; it does not accept the user and password .*'),
  ],
  ['redirects to a tunnel', [`HTTP/1.1 302 Go\r\nLocation: /\r\n\r\n${OK}`], refused('302 Go')],
  ['refuses with a body without end', [sayWithoutEnd('HTTP/1.1 403 No\r\n\r\n', 'x'.repeat(KB_64))], refused('403 No')],
  ['answers 204', ['HTTP/1.1 204 OK\r\n\r\n'], refused('204 OK')],
  ['answers with interim answers without end', [sayWithoutEnd('', 'HTTP/1.1 100 Go on\r\n\r\n')], ENDLESS],
  ['answers with a header without end', [sayWithoutEnd('HTTP/1.1 200 OK\r\nX: ', 'x'.repeat(KB_64))], OVERFLOW],
  ['answers with headers without end', [sayWithoutEnd('HTTP/1.1 200 OK\r\n', 'X: y\r\n'.repeat(9000))], OVERFLOW],
  ['answers in SOCKS', ['\x05\0'], NOT_HTTP],
  ['answers in TLS', [SERVER_HELLO], { ...NOT_HTTP, message: /it speaks TLS there, not HTTP\/1\.1/ }],
  [
    'answers with lengths and bytes that no tunnel has',
    ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', passOn],
    { body: 'ok' },
  ],
  ['answers in HTTP/1.0', ['HTTP/1.0 200 OK\r\n\r\n', passOn], { body: 'ok' }],
]

const SOCKS_5: Lie[] = [
  ['ends the connection', [end], NO_SOCKS],
  ['resets the connection', [reset], HUNG_UP],
  ['says nothing', [], LATE],
  ['ends the connection in the greeting', [sayAndEnd('\x05')], NO_SOCKS],
  ['goes silent in the greeting', ['\x05'], LATE],
  ['greets in version 4', ['\x04\0'], NO_SOCKS],
  ['greets in HTTP', ['HTTP/1.1 400 Bad\r\n\r\n'], NO_SOCKS],
  ['greets without end', [sayWithoutEnd('', 'x'.repeat(KB_64))], NO_SOCKS],
  ['accepts no way to log in', ['\x05\xff'], socks('it wants credentials, or others: socks5h://user:password@…')],
  ['wants a way to log in that it was not offered', ['\x05\x01'], NO_SOCKS],
  ['refuses the credentials', ['\x05\x02', '\x01\x01'], socks('it refuses the credentials')],
  ['ends the connection when it has greeted', ['\x05\0', end], NO_SOCKS],
  ['resets the connection when it has greeted', ['\x05\0', reset], HUNG_UP],
  ['goes silent when it has greeted', ['\x05\0'], LATE],
  ['ends the connection in its answer', ['\x05\0', sayAndEnd('\x05\0')], NO_SOCKS],
  ['goes silent in its answer', ['\x05\0', '\x05\0\0'], LATE],
  ['goes silent in the name that it answers with', ['\x05\0', '\x05\0\0\x03\xffabc'], LATE],
  ['answers in version 4', ['\x05\0', `\x04\0\0\x01${'\0'.repeat(6)}`], NO_SOCKS],
  ['fails for a reason', ['\x05\0', `\x05\x08\0\x01${'\0'.repeat(6)}`], socks('it answers "address not supported"')],
  ['fails for a reason that there is not', ['\x05\0', `\x05\x63\0\x01${'\0'.repeat(6)}`], NO_SOCKS],
]

const SOCKS_4: Lie[] = [
  ['ends the connection', [end], NO_SOCKS],
  ['resets the connection', [reset], HUNG_UP],
  ['says nothing', [], LATE],
  ['ends the connection in its answer', [sayAndEnd('\0\x5a')], NO_SOCKS],
  ['goes silent in its answer', ['\0\x5a'], LATE],
  ['refuses', [`\0\x5b${'\0'.repeat(6)}`], socks('it answers "failed"')],
  ['refuses for a reason that there is not', [`\0\x77${'\0'.repeat(6)}`], NO_SOCKS],
  ['answers in HTTP', ['HTTP/1.1 400 Bad\r\n\r\n'], NO_SOCKS],
  ['answers without end', [sayWithoutEnd('', 'x'.repeat(KB_64))], NO_SOCKS],
]

const NOT_TLS: ExpectedError = { name: 'SSLError', code: 'EPROTO', message: /^the server does not speak TLS/ }
const CUT_OFF: ExpectedError = {
  name: 'SSLError',
  code: 'ECONNRESET',
  message: /^the server closed the connection during the TLS handshake/,
}

/** Behind the words with which the tunnel is opened. */
const TUNNEL: Lie[] = [
  ['answers the handshake with garbage', ['garbage\r\n\r\n'], NOT_TLS],
  ['answers the handshake with garbage without end', [sayWithoutEnd('', 'x'.repeat(KB_64))], NOT_TLS],
  ['answers the handshake in HTTP', [`${OK}ok`], NOT_TLS],
  ['ends the connection', [end], CUT_OFF],
  ['ends the connection in the handshake', [sayAndEnd(SERVER_HELLO)], CUT_OFF],
  [
    'resets the connection',
    [reset],
    { name: 'ConnectionError', code: 'ECONNRESET', message: /^Connection aborted by .* through proxy/ },
  ],
  ['says nothing', [], LATE],
  ['goes silent in the handshake', [SERVER_HELLO], LATE],
]

const LIES: Readonly<Record<ProxyScheme, readonly Lie[]>> = {
  http: CONNECT,
  https: CONNECT,
  socks4a: SOCKS_4,
  socks5h: SOCKS_5,
}

/** Takes the place of the server. */
const impostor = (scheme: ProxyScheme): Lie => [
  'has a certificate of its own',
  [...HONEST[scheme].slice(0, -1), pretend(HONEST[scheme].at(-1) ?? '', { cert: stranger.chain, key: stranger.key })],
  { name: 'SSLError', code: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', message: /^certificate verify failed/ },
]

for (const scheme of Object.keys(LIES) as ProxyScheme[]) {
  describe(`a proxy for ${scheme}`, { concurrency: 8 }, () => {
    const inTunnel = TUNNEL.map(([what, lies, outcome]): Lie => [what, [...HONEST[scheme], ...lies], outcome])
    for (const [what, lies, outcome] of LIES[scheme]) test(`that ${what}`, () => meet(scheme, lies, outcome))
    for (const [what, lies, outcome] of [...inTunnel, impostor(scheme)])
      test(`that opens the tunnel and ${what}`, () => meet(scheme, lies, outcome))
  })
}

/** Asks through a proxy that lies, and once more when it does not. */
async function meet(scheme: ProxyScheme, lies: readonly Step[], outcome: Outcome): Promise<void> {
  await using proxy = await startLyingProxy({ scheme, origin: origin.port, tls: { cert, key } })
  await using session = new Session({ verify: ca.certificate })
  const url = `${scheme}://ada:${SECRET}@localhost:${proxy.port}`
  const ask = async (options?: RequestOptions) => {
    const answer = session.get(`${origin.url127}/?q=1`, { proxies: { https: url }, ...SECRETS, ...options })
    return (await withinBound(url, answer)).text
  }
  proxy.lies = lies
  const first = ask({ timeout: { connect: outcome === LATE ? CONNECT_LIMIT : AMPLE_LIMIT } })
  if ('body' in outcome) assert.equal(await first, outcome.body)
  else await assert.rejects(first, (error) => isAsExpected(error, outcome, proxy))
  assert.equal(proxy.accepted, 1, 'a proxy that lies is not asked again')
  assertUntold(proxy, scheme)
  proxy.lies = undefined
  assert.equal(await ask(), 'ok', 'the next request')
  await session.close()
  await eventually(() => proxy.open === 0, 'a connection is left open')
  countSurvived()
}

/** ms; for what never comes. */
const CONNECT_LIMIT = 2000

/** ms; far more than any proxy takes on a machine under load. */
const AMPLE_LIMIT = 30_000

function isAsExpected(error: unknown, { name, code, message = /(?:)/ }: ExpectedError, { port }: LyingProxy): true {
  assert(error instanceof RequestException, inspect(error))
  assert.deepEqual([error.name, error.code], [name, code], inspect(error))
  assert.match(error.message, message)
  assert.match(
    error.message,
    new RegExp(`(?:localhost:${port}|127\\.0\\.0\\.1:${origin.port})\\b`),
    'names one of them',
  )
  assertDiscreet(error)
  return true
}

/** What is meant for the server is sent to no proxy. */
function assertUntold({ received }: LyingProxy, scheme: ProxyScheme): void {
  assert(!received.includes('?q=1'))
  // The password of SOCKS 5 is not encrypted.
  if (scheme !== 'socks5h') assert(!received.includes(SECRET))
}

test('they leave nothing behind', async (t) => {
  await origin.close()
  await assertNothingLeft(t)
})
