/** Servers that begin in the clear: how TLS is asked for, what is refused, and that nothing of the URL is sent. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createServer as createTlsServer } from 'node:tls'
import { inspect } from 'node:util'
import { fetchCert } from '../../src/certs/index.ts'
import type { StartTlsProtocol } from '../../src/core/service.ts'
import { ConnectTimeout, explain, RequestException, SSLError } from '../../src/index.ts'
import { eventually } from '../helpers/eventually.ts'
import { createAuthority } from '../helpers/pki.ts'
import { startProxy } from '../helpers/proxy.ts'
import { startSocks4a } from '../helpers/socks4a.ts'
import {
  ldapResponse,
  mysqlGreeting,
  mysqlPacket,
  REQUESTS,
  SCRIPTS,
  type StandIn,
  type Step,
  startStandIn,
} from '../helpers/starttls.ts'
import { startServer } from '../helpers/tcp.ts'

const ca = createAuthority()
const pair = ca.issue({ hosts: ['localhost', '127.0.0.1', '::1'] })
const options = { verify: ca.certificate }
const protocols = Object.keys(SCRIPTS) as StartTlsProtocol[]

/** With everything that must not be sent. */
const secretUrl = (scheme: string, host: string, port: number) =>
  `${scheme}://ada:s3cret@${host}:${port}/s3cret?s3cret=1`

for (const protocol of protocols) {
  test(`${protocol}: TLS is asked for, the server verified, and neither user, password nor path is sent`, async () => {
    await using server = await startStandIn(pair, SCRIPTS[protocol])
    const explanation = await explain(secretUrl(protocol, 'localhost', server.port), options)
    assert.deepEqual([explanation.ok, explanation.reason], [true, null])
    assert.equal(explanation.url, `${protocol}://localhost:${server.port}`)
    assert.equal(server.clear, REQUESTS[protocol])
    const [certificate] = await fetchCert(secretUrl(protocol, '127.0.0.1', server.port))
    assert.equal(certificate.pem, pair.certificate)
    assert.equal(server.clear, REQUESTS[protocol].repeat(2))
    // The server's side of a handshake is done after the client's.
    await eventually(() => server.names.length >= 2, 'no second handshake')
    assert.deepEqual(server.names, ['localhost', ''])
    assert.equal(server.secured, '')
    assert.match(String(explanation), new RegExp(`^${protocol}://localhost:${server.port} is trusted\n`))
    assert.doesNotMatch(
      String(explanation) + JSON.stringify(explanation) + inspect(explanation, { depth: 9 }),
      /s3cret|ada/,
    )
    await eventually(() => server.open === 0, 'a connection is left open')
  })

  test(`${protocol}: a stranger and another host are refused as https servers are`, async () => {
    await using stranger = await startStandIn(createAuthority().issue(), SCRIPTS[protocol])
    const unknown = await explain(`${protocol}://localhost:${stranger.port}`, options)
    assert.deepEqual([unknown.ok, unknown.reason, unknown.chain[0]?.subject], [false, 'unknown-ca', 'CN=localhost'])
    assert.match(unknown.hints.join('\n'), /tlsOptions\('ca\.pem'\)|CABundle\.from\('ca\.pem'\)/)
    await using misnamed = await startStandIn(ca.issue({ hosts: ['www.localhost'] }), SCRIPTS[protocol])
    for (const host of ['localhost', '127.0.0.1']) {
      const wrong = await explain(`${protocol}://${host}:${misnamed.port}`, options)
      assert.deepEqual([wrong.ok, wrong.reason], [false, 'hostname-mismatch'])
      if (host === 'localhost')
        assert.match(wrong.hints[0] ?? '', new RegExp(`^use the URL ${protocol}://www.localhost:`))
    }
    await using named = await startStandIn(ca.issue({ hosts: ['localhost'] }), SCRIPTS[protocol])
    assert.equal((await explain(`${protocol}://127.0.0.1:${named.port}`, options)).reason, 'hostname-mismatch')
  })

  test(`${protocol}: through CONNECT and SOCKS, over IPv6`, async () => {
    await using proxy = await startProxy()
    await using socks = await startSocks4a()
    await using server = await startStandIn(pair, SCRIPTS[protocol])
    for (const proxies of [
      { all: proxy.url },
      { https: proxy.url },
      { [protocol]: proxy.url },
      { all: `socks4a://127.0.0.1:${socks.port}` },
    ]) {
      const url = secretUrl(protocol, 'localhost', server.port)
      assert.equal((await explain(url, { ...options, proxies })).ok, true)
      assert.equal((await fetchCert(url, { proxies }))[0].pem, pair.certificate)
    }
    assert.equal(proxy.tunnels.length, 6)
    assert.equal(server.clear, REQUESTS[protocol].repeat(8))
    await using ipv6 = await startStandIn(pair, SCRIPTS[protocol], { host: '::1' })
    const explanation = await explain(`${protocol}://[::1]:${ipv6.port}`, options)
    assert.deepEqual([explanation.ok, explanation.host], [true, '::1'])
  })

  test(`${protocol}: bytes in the clear behind the server's consent are refused`, async () => {
    const script = [...SCRIPTS[protocol]]
    const [expected, answer] = script.at(-1) as Step
    // MySQL's server says nothing more: its greeting is the last that it sends in the clear.
    if (protocol === 'mysql')
      script.splice(0, 2, [undefined, Buffer.concat([mysqlGreeting(), Buffer.from('injected')])])
    else script[script.length - 1] = [expected, Buffer.concat([Buffer.from(answer), Buffer.from('injected\r\n')])]
    await using server = await startStandIn(pair, script)
    const url = `${protocol}://localhost:${server.port}`
    const explanation = await explain(url, options)
    assert.deepEqual([explanation.ok, explanation.reason], [false, 'protocol'])
    assert.match(explanation.summary, /in the clear where TLS must begin: "injected"/)
    await assert.rejects(fetchCert(url), { name: 'SSLError', reason: 'protocol' })
    assert.deepEqual(server.names, [])
  })

  test(`${protocol}: a server that is silent, closes or resets ends in an error in time`, async () => {
    const steps = SCRIPTS[protocol]
    for (let length = 0; length <= steps.length; length++) {
      for (const ending of ['silence', 'close', 'reset'] as const) {
        await using server = await startStandIn(pair, steps.slice(0, length), { ending })
        const url = `${protocol}://127.0.0.1:${server.port}`
        const limit = { timeout: ending === 'silence' ? 150 : 10_000 }
        const ended = explain(url, { ...options, ...limit }).then(
          ({ ok, reason }) => assert.deepEqual([ok, reason], [false, 'protocol']),
          (error) => assert.equal(error instanceof ConnectTimeout, ending === 'silence', String(error)),
        )
        await ended
        await assert.rejects(fetchCert(url, limit), (error) => {
          assert(error instanceof RequestException)
          assert.equal(error instanceof ConnectTimeout, ending === 'silence', String(error))
          return true
        })
        await eventually(() => server.open === 0, 'a connection is left open')
      }
    }
  })
}

test('a client certificate is presented to the server, and not to a proxy that speaks TLS', async () => {
  const presented: string[] = []
  const client = ca.issue({ hosts: [], commonName: 'ada', extendedKeyUsage: ['clientAuth'] })
  const { key, chain: cert } = ca.issue()
  const listener = createTlsServer({ key, cert, requestCert: true, rejectUnauthorized: false }, (socket) => {
    presented.push(String(socket.getPeerCertificate().subject?.CN))
    socket.on('error', () => {}).end('HTTP/1.1 403 No\r\n\r\n')
  })
  await using proxy = await startServer(listener)
  const { port } = proxy
  const call = { ...options, cert: { cert: client.chain, key: client.key } }
  const proxies = { all: `https://localhost:${port}` }
  await assert.rejects(explain('imap://mail.example', { ...call, proxies }), { name: 'ProxyError', message: /403/ })
  await explain(`tls://localhost:${port}`, call)
  await eventually(() => presented.length >= 2, 'no second handshake')
  assert.deepEqual(presented, ['undefined', 'ada'])
})

test('no protocol is offered inside TLS: a server that knows its own alone would refuse', async () => {
  const { key, chain: cert } = pair
  const listener = createTlsServer({ key, cert, ALPNProtocols: ['postgresql'] }, (socket) =>
    socket.on('error', () => {}),
  )
  await using server = await startServer(listener)
  const { port } = server
  assert.equal((await explain(`tls://localhost:${port}`, options)).ok, true)
  assert.equal((await fetchCert(`tls://localhost:${port}`))[0].pem, pair.certificate)
})

/** Servers that offer no TLS, or another protocol. */
const REFUSALS: readonly [protocol: StartTlsProtocol, what: string, script: readonly Step[], summary: RegExp][] = [
  ['postgres', 'without TLS', [[/./, 'N']], /^the server offers no TLS: it answers "N" to an SSLRequest$/],
  [
    'postgres',
    'with an error',
    [[/./, Buffer.from('E\0\0\0\x20SFATAL\0C53300\0Mtoo many\0\0'.padEnd(33, '\0'))]],
    /answers an SSLRequest with the error "too many"$/,
  ],
  [
    'postgres',
    'of another protocol',
    [[/./, 'HTTP/1.1 400 Bad\r\n']],
    /does not speak PostgreSQL: it sends "HTTP\/1.1 400 Bad"$/,
  ],
  [
    'mysql',
    'without TLS',
    [[undefined, mysqlGreeting({ flags: 0xf7ff })]],
    /offers no TLS: version "8\.4\.0", without CLIENT_SSL$/,
  ],
  [
    'mysql',
    'with an error',
    [[undefined, mysqlPacket(Buffer.from('\xff\x6a\x04Host "x" is not allowed', 'latin1'))]],
    /answers with the error "Host \\"x\\" is not allowed"$/,
  ],
  [
    'mysql',
    'of another protocol',
    [[undefined, '220 mail.example ESMTP\r\n']],
    /does not speak MySQL: it sends "220 mail\.example ESMTP"$/,
  ],
  [
    'mysql',
    'of an old protocol',
    [[undefined, mysqlPacket(Buffer.from('\x093.20\0', 'latin1'))]],
    /does not speak MySQL: it sends 09332e3230/,
  ],
  ['smtp', 'that is busy', [[undefined, '421-try\r\n421 later\r\n']], /its greeting is "421 try later"$/],
  [
    'smtp',
    'without STARTTLS',
    [
      [undefined, '220 mail\r\n'],
      [/EHLO/, '250-mail\r\n250-SIZE\r\n250 NOSTARTTLS\r\n'],
    ],
    /offers no STARTTLS: it offers "SIZE, NOSTARTTLS"$/,
  ],
  [
    'smtp',
    'without EHLO',
    [
      [undefined, '220 mail\r\n'],
      [/EHLO/, '502 no\r\n'],
    ],
    /it answers EHLO with "502 no"$/,
  ],
  [
    'smtp',
    'that refuses STARTTLS',
    [...SCRIPTS.smtp.slice(0, 2), [/STARTTLS/, '454 4.7.0 TLS not available \u001b[2J\r\n']],
    /it answers STARTTLS with "454 4\.7\.0 TLS not available \\u\{1b\}\[2J"$/,
  ],
  ['smtp', 'of another protocol', [[undefined, 'SSH-2.0-x\r\n']], /does not speak SMTP: it sends "SSH-2\.0-x"$/],
  ['imap', 'that needs no login', [[undefined, '* PREAUTH hello\r\n']], /its greeting is "\* PREAUTH hello"$/],
  ['imap', 'that says good-bye', [[undefined, '* BYE\r\n']], /its greeting is "\* BYE"$/],
  [
    'imap',
    'without TLS',
    [
      [undefined, '* OK\r\n'],
      [/a1/, 'a1 BAD no TLS\r\n'],
    ],
    /it answers STARTTLS with "a1 BAD no TLS"$/,
  ],
  ['imap', 'of another protocol', [[undefined, '+OK pop3\r\n']], /does not speak IMAP: it sends "\+OK pop3"$/],
  [
    'pop3',
    'without TLS',
    [
      [undefined, '+OK\r\n'],
      [/STLS/, '-ERR no\r\n'],
    ],
    /it answers STLS with "-ERR no"$/,
  ],
  ['pop3', 'of another protocol', [[undefined, '* OK imap\r\n']], /does not speak POP3/],
  [
    'ldap',
    'without TLS',
    [[/./, ldapResponse({ result: 2, diagnostic: 'unsupported' })]],
    /it answers with result 2, "unsupported"$/,
  ],
  [
    'ldap',
    'that ends the connection',
    [[/./, ldapResponse({ id: 0, result: 52, diagnostic: 'bye' })]],
    /it answers with result 52, "bye"$/,
  ],
  ['ldap', 'that consents to nothing', [[/./, ldapResponse({ id: 0 })]], /it answers with result 0, ""$/],
  ['ldap', 'of another protocol', [[/./, 'HTTP/1.1 400 Bad\r\n']], /does not speak LDAP/],
  ['ldap', 'with half an answer', [[/./, Buffer.from('3003020101', 'hex')]], /does not speak LDAP/],
]

for (const [protocol, what, script, summary] of REFUSALS) {
  test(`${protocol}: a server ${what} is refused with its own words`, async () => {
    await using server = await startStandIn(pair, script, { ending: 'silence' })
    const url = secretUrl(protocol, 'localhost', server.port)
    const explanation = await explain(url, options)
    assert.deepEqual([explanation.ok, explanation.reason, explanation.chain], [false, 'not-tls', []])
    assert.match(explanation.summary, summary)
    assert.equal(explanation.hints.length, 2)
    await assert.rejects(fetchCert(url), (error: unknown) => {
      assert(error instanceof SSLError)
      assert.deepEqual([error.reason, error.host, error.port], ['not-tls', 'localhost', server.port])
      assert.doesNotMatch(error.message + inspect(error), /s3cret|ada/)
      return true
    })
    await eventually(() => server.open === 0, 'a connection is left open')
  })
}

/** Hostile: each goes on for ever, or claims a size that it must not be believed. */
const FLOODS: readonly [protocol: StartTlsProtocol, what: string, script: readonly Step[]][] = [
  ['smtp', 'a line without an end', [[undefined, '220'.padEnd(100_000, 'x')]]],
  ['smtp', 'lines without an end', [[undefined, '220-x\r\n'.repeat(50_000)]]],
  [
    'imap',
    'lines without an end',
    [
      [undefined, '* OK\r\n'],
      [/a1/, '* x\r\n'.repeat(50_000)],
    ],
  ],
  ['pop3', 'a line without an end', [[undefined, '+OK'.padEnd(100_000, 'x')]]],
  ['mysql', 'a packet of 16 MiB', [[undefined, Buffer.from('ffffff000a', 'hex')]]],
  ['ldap', 'a message of 4 GiB', [[/./, Buffer.from('3084ffffffff', 'hex')]]],
  ['ldap', 'a message without a length', [[/./, Buffer.from('3080', 'hex')]]],
  ['postgres', 'an error of 2 GiB', [[/./, Buffer.from('457fffffff', 'hex')]]],
]

for (const [protocol, what, script] of FLOODS) {
  test(`${protocol}: ${what} is not read to its end`, async () => {
    await using server: StandIn = await startStandIn(pair, script, { ending: 'silence' })
    const url = `${protocol}://localhost:${server.port}`
    const { ok, reason, summary } = await explain(url, { ...options, timeout: 20_000 })
    assert.equal(ok, false)
    assert(reason === 'not-tls' || reason === 'protocol')
    assert(summary.length < 500, summary)
    await assert.rejects(fetchCert(url, { timeout: 20_000 }), (error: Error) => error.message.length < 1000)
    await eventually(() => server.open === 0, 'a connection is left open')
  })
}
