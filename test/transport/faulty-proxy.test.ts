/** Proxies that refuse, talk nonsense or hang up: errors in bounded time, which name the proxy and no credentials. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { inspect } from 'node:util'
import { ConnectionError, get, ProxyError, Session, SSLError } from '../../src/index.ts'
import { createAuthority } from '../helpers/pki.ts'
import { startProxy } from '../helpers/proxy.ts'
import { startHttpsServer } from '../helpers/servers.ts'
import { startTcpServer } from '../helpers/tcp.ts'

interface FaultyProxy extends AsyncDisposable {
  /** With credentials. */
  readonly url: string
  readonly host: string
  /** What each connection was sent first. */
  readonly received: string[]
}

/** Answers whatever it is sent with these bytes, and then closes. */
async function startFaulty(answer: string): Promise<FaultyProxy> {
  const received: string[] = []
  const { port, close } = await startTcpServer((socket) => {
    socket.once('data', (data) => {
      received.push(String(data))
      socket.end(answer)
    })
  })
  const host = `127.0.0.1:${port}`
  return { url: `http://ada:top-secret@${host}`, host, received, [Symbol.asyncDispose]: close }
}

const ANSWERS: [what: string, answer: string, tunnel: string, forward: number | RegExp][] = [
  [
    '407',
    'HTTP/1.1 407 Who?\r\n\r\n',
    'Tunnel connection failed: 407 Who?; it does not accept the user and password that were given: check them, and that they are percent-encoded',
    407,
  ],
  ['403 with a body', 'HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno', 'Tunnel connection failed: 403 No', 403],
  ['502', 'HTTP/1.1 502 Bad\r\n\r\n', 'Tunnel connection failed: 502 Bad', 502],
  ['503 without a reason', 'HTTP/1.1 503\r\n\r\n', 'Tunnel connection failed: 503', 503],
  ['201', 'HTTP/1.1 201 Created\r\n\r\n', 'Tunnel connection failed: 201 Created', 201],
  ['302', 'HTTP/1.1 302 Go\r\nLocation: https://evil.example/\r\n\r\n', 'Tunnel connection failed: 302 Go', 302],
  ['101', 'HTTP/1.1 101 X\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n', 'Tunnel connection failed: 101 X', /101/],
  [
    'nonsense',
    '\0\x01 cookie=its-secret\r\n\r\n',
    'the answer is not valid HTTP: it does not begin with HTTP/ and a version',
    /the answer is not valid HTTP: it does not begin with HTTP/,
  ],
  [
    'a bad header',
    'HTTP/1.1 200 OK\r\nits-secret\r\n\r\n',
    'the answer is not valid HTTP: a header line must be a name without blanks or special characters, directly followed by a colon',
    /not valid HTTP: a header line must be/,
  ],
  [
    'half a header',
    'HTTP/1.1 200 OK\r\nSet-Cookie: its-sec',
    'the connection was closed without a complete response',
    /closed/,
  ],
  [
    'nothing',
    '',
    'the connection was closed without a response; if the proxy speaks TLS on this port, write https:// in its URL',
    /closed without a response; if the proxy speaks TLS on this port, write https:\/\/ in its URL$/,
  ],
]

for (const [what, answer, tunnel, forward] of ANSWERS) {
  test(`an answer to CONNECT of ${what} is a ProxyError, and shows no secrets`, async () => {
    await using proxy = await startFaulty(answer)
    const options = { proxies: { all: proxy.url }, allowRedirects: false }
    await assert.rejects(get('https://origin.test/', options), (error) => {
      assert(error instanceof ProxyError)
      assert.equal(error.message, `Unable to connect to proxy ${proxy.host}: ${tunnel}`)
      return isDiscreet(error)
    })
    const forwarded = get('http://origin.test/', options)
    if (typeof forward === 'number') assert.equal((await forwarded).statusCode, forward)
    else {
      await assert.rejects(forwarded, (error) => {
        assert(error instanceof ConnectionError)
        assert.match(error.message, forward)
        return isDiscreet(error)
      })
    }
  })
}

/** No credentials of ours and no bytes of the proxy's, in the error or in what hangs on it. */
function isDiscreet(error: Error): true {
  const everything = inspect(error, { depth: 9, showHidden: true, maxArrayLength: null })
  assert.doesNotMatch(everything, /top-secret|its-sec|YWRhOnRvcC1zZWNyZXQ/)
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) assert(!('rawPacket' in cause))
  return true
}

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n'
const BEHIND: [what: string, pieces: readonly string[], end: boolean, error: RegExp][] = [
  [
    'a refusal',
    [CONTINUE, 'HTTP/1.1 407 Who?\r\nX: its-secret\r\n\r\n'],
    false,
    /^ProxyError: .*failed: 407 Who\?; it does not accept the user and password/,
  ],
  [
    'another, and a refusal in pieces',
    [`${CONTINUE}HTTP/1.1 102 X\r\n`, '\r\nHTTP/1.1 50', '2 Bad\r\n\r\n'],
    false,
    /502 Bad$/,
  ],
  ['no HTTP', [CONTINUE, 'its-secret\r\n\r\n'], false, /^ProxyError: .*is not HTTP/],
  ['the end', [CONTINUE], true, /^ProxyError: .*the connection was closed without a complete response$/],
  ['silence', [CONTINUE], false, /^ConnectTimeout: /],
  [
    'headers without an end',
    [CONTINUE, 'HTTP/1.1 200 OK\r\n', ...Array(40).fill(`X: ${'x'.repeat(1000)}\r\n`)],
    false,
    /no end/,
  ],
]

for (const [what, pieces, end, words] of BEHIND) {
  test(`behind 100 Continue in answer to CONNECT comes ${what}`, async () => {
    await using server = await startTcpServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', async () => {
        for (const piece of pieces) {
          socket.write(piece)
          await delay(5)
        }
        if (end) socket.end()
      })
    })
    const proxies = { all: `http://ada:top-secret@127.0.0.1:${server.port}` }
    await assert.rejects(get('https://origin.test/', { proxies, timeout: { connect: 400 } }), (error) => {
      assert(error instanceof Error)
      assert.match(String(error), words)
      return isDiscreet(error)
    })
    await delay(20)
    assert.equal(server.sockets.size, 0)
  })
}

test('interim responses before the 200 to CONNECT are passed over', async () => {
  const { chain, key, root } = certified()
  await using server = await startHttpsServer({ cert: chain, key })
  await using proxy = await startTcpServer((socket) => {
    socket.once('data', async () => {
      socket.write(CONTINUE)
      await delay(5)
      socket.write(`HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\n\r\n`)
      const origin = connect(server.port, '127.0.0.1')
      socket.pipe(origin).pipe(socket)
      for (const each of [socket, origin]) each.on('error', () => {})
    })
  })
  await using session = new Session({
    verify: root,
    trustEnv: false,
    proxies: { https: `http://127.0.0.1:${proxy.port}` },
  })
  for (let n = 0; n < 2; n++) assert.equal((await session.get(server.url)).statusCode, 200)
  assert.equal(server.connections, 1)
})

function certified() {
  const ca = createAuthority()
  return { ...ca.issue({ hosts: ['localhost'] }), root: ca.certificate }
}

test('CONNECT names the server and carries the credentials for the proxy, and nothing of the request', async () => {
  await using proxy = await startFaulty('HTTP/1.1 502 Bad\r\n\r\n')
  await assert.rejects(get('https://origin.test/path', { proxies: { https: proxy.url }, headers: { 'X-Secret': 'x' } }))
  const authorization = `Basic ${btoa('ada:top-secret')}`
  assert.deepEqual(proxy.received, [
    `CONNECT origin.test:443 HTTP/1.1\r\nHost: origin.test:443\r\nProxy-Authorization: ${authorization}\r\n\r\n`,
  ])
})

test('a forwarded request names the whole URL, without its credentials and fragment', async () => {
  await using proxy = await startFaulty('HTTP/1.1 204 OK\r\n\r\n')
  assert.equal((await get('http://u:p@origin.test:81/a?b#c', { proxies: { http: proxy.url } })).statusCode, 204)
  assert.match(proxy.received[0] ?? '', /^GET http:\/\/origin\.test:81\/a\?b HTTP\/1\.1\r\n/)
  assert.match(proxy.received[0] ?? '', /^Host: origin\.test:81\r$/m)
})

test('what goes wrong behind the tunnel is an SSLError, about the server', async () => {
  const { chain, key } = createAuthority().issue({ hosts: ['localhost'] })
  await using proxy = await startProxy()
  await using broken = await startFaulty('')
  const port = new URL(broken.url).port
  // The tunnel is there, and the server hangs up on the handshake.
  await assert.rejects(get(`https://127.0.0.1:${port}/`, { proxies: { https: proxy.url } }), SSLError)
  await using origin = await startHttpsServer({ key, cert: chain })
  await assert.rejects(get(origin.url, { proxies: { https: proxy.url } }), SSLError)
})

test('the name in the certificate of an https proxy is checked', async () => {
  const ca = createAuthority()
  const { chain: cert, key } = ca.issue({ hosts: ['other.test'] })
  await using proxy = await startProxy({ cert, key })
  for (const url of ['https://origin.test/', 'http://origin.test/']) {
    await assert.rejects(get(url, { verify: ca.certificate, proxies: { all: proxy.url } }), (error) => {
      assert(error instanceof ProxyError && error.cause instanceof SSLError)
      assert.equal(error.cause.reason, 'hostname-mismatch')
      return true
    })
  }
})

test('a proxy whose name does not resolve is a ProxyError that says so', async () => {
  for (const url of ['https://origin.test/', 'http://origin.test/']) {
    await assert.rejects(get(url, { proxies: { all: 'http://ada:top-secret@nowhere.invalid:3128' } }), {
      name: 'ProxyError',
      code: 'ENOTFOUND',
      message: 'Unable to connect to proxy nowhere.invalid:3128: the name does not resolve',
    })
  }
})
