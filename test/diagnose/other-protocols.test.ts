/** Ports on which another protocol is spoken, and proxies that are spoken to in the wrong one: named if it shows, and no advice that is false. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConnectionError, explain, get, ProxyError, SSLError } from '../../src/index.ts'
import { vouch } from '../cli/vouch.ts'
import { certify } from '../helpers/openssl-pki.ts'
import { startProxy } from '../helpers/proxy.ts'
import { startHttpServer, startHttpsServer } from '../helpers/servers.ts'
import { startTcpServer } from '../helpers/tcp.ts'
import { tempDir } from '../helpers/temp.ts'

/** What real servers say first: OpenSSH 9.6, Postfix, vsftpd, Dovecot, MariaDB 10.11, TigerVNC, rsync 3.2, INN. */
const GREETINGS: readonly (readonly [protocol: string, greeting: string, scheme?: string])[] = [
  ['SSH', 'SSH-2.0-OpenSSH_9.6p1 Ubuntu-3ubuntu13\r\n'],
  ['SMTP', '220 mail.example ESMTP Postfix (Debian/GNU)\r\n', 'smtp'],
  ['SMTP', '220-smtp.example ESMTP Exim 4.97\r\n220 no spam\r\n', 'smtp'],
  ['FTP', '220 (vsFTPd 3.0.5) FTP server ready\r\n'],
  ['FTP or SMTP', '220 ready\r\n'],
  ['POP3', '+OK Dovecot ready.\r\n', 'pop3'],
  ['IMAP', '* OK [CAPABILITY IMAP4rev1] Dovecot ready.\r\n', 'imap'],
  ['MySQL', 'Y\0\0\0\x0a5.5.5-10.11.6-MariaDB\0\x05\0\0\0', 'mysql'],
  ['RFB (VNC)', 'RFB 003.008\n'],
  ['rsync', '@RSYNCD: 31.0 sha512 sha256\n'],
  ['NNTP', '200 news.example InterNetNews NNRP server INN 2.7 ready (NNTP)\r\n'],
  ['Telnet', '\xff\xfd\x18\xff\xfd\x20'],
]

for (const [protocol, greeting, scheme] of GREETINGS) {
  test(`a server that says ${JSON.stringify(greeting.slice(0, 20))} speaks ${protocol}`, async () => {
    await using server = await startTcpServer((socket) => {
      socket.on('error', () => {}).write(Buffer.from(greeting, 'latin1'))
    })
    const address = `localhost:${server.port}`
    const plain = await failure(get(`http://${address}/`))
    assert(plain instanceof ConnectionError, String(plain))
    assert(plain.message.endsWith(`: it speaks ${protocol} there, not HTTP/1.1`), plain.message)

    const secure = await failure(get(`https://${address}/`))
    assert(secure instanceof SSLError && secure.reason === 'not-tls', String(secure))
    assert.match(secure.hints[0] ?? '', /^if an HTTP server listens there, write http:/)
    const [, command = ''] = /to see what listens there: npx --no vouch (check \S+)$/m.exec(secure.message) ?? []
    using dir = tempDir()
    const checked = await vouch(dir, command)
    assert(checked.stdout.includes(`it speaks ${protocol} on this port`), checked.stdout)
    assert.doesNotMatch(checked.stdout, /http:\/\//)
    const [, check = ''] = /vouch (check \S+)$/m.exec(checked.stdout) ?? []
    assert.equal(check, scheme === undefined ? '' : `check ${scheme}://${address}`)
  })
}

test('a server that says nothing before it is asked is asked about', async () => {
  await using server = await startHttpServer({ handler: (_, response) => response.end('ok') })
  const explanation = await explain(server.url.replace('http:', 'https:'))
  assert.deepEqual(explanation.hints, ['if an HTTP server listens there, write http:// instead of https://'])
  assert.equal((await get(server.url)).statusCode, 200)
})

test('to name what listens on a port, nothing is sent to it but the handshake', async () => {
  const received: Buffer[] = []
  await using server = await startTcpServer((socket) => {
    const connection = received.push(Buffer.alloc(0)) - 1
    socket
      .on('error', () => {})
      .on('data', (chunk) => {
        received[connection] = Buffer.concat([received[connection] ?? chunk, chunk])
      })
    socket.write('SSH-2.0-OpenSSH_9.6\r\n')
  })
  const explanation = await explain(`https://localhost:${server.port}/`)
  assert.match(explanation.findings.join(), /SSH/)
  const [hello, ...others] = received
  // A record of a handshake (22).
  assert.equal(hello?.[0], 22)
  assert.deepEqual(others, [Buffer.alloc(0)])
})

test('answers of other protocols to a request of HTTP are named, and have no advice', async () => {
  const answers: [protocol: string, answer: string][] = [
    ['Redis', "-ERR wrong number of arguments for 'get' command\r\n"],
    ['ICY (SHOUTcast)', 'ICY 200 OK\r\nicy-name: radio\r\n\r\n'],
    ['HTTP/2 without TLS', '\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x80'],
    ['XMPP', "<?xml version='1.0'?><stream:stream xmlns='jabber:client'>"],
    ['PostgreSQL', 'E\0\0\0\x88SFATAL\0VFATAL\0C0A000\0'],
  ]
  for (const [protocol, answer] of answers) {
    await using server = await startTcpServer((socket) => {
      socket.on('error', () => {}).once('data', () => socket.end(Buffer.from(answer, 'latin1')))
    })
    const { message } = await failure(get(`http://localhost:${server.port}/`))
    assert(message.endsWith(`: it speaks ${protocol} there, not HTTP/1.1`), message)
  }
})

test('an alert of TLS in answer to a request of HTTP is certain: https', async () => {
  await using server = await startTcpServer((socket) => {
    socket.on('error', () => {}).once('data', () => socket.end(Buffer.from([0x15, 3, 1, 0, 2, 2, 70])))
  })
  const direct = await failure(get(`http://localhost:${server.port}/`))
  assert.match(direct.message, /: it speaks TLS there, not HTTP\/1\.1: write https:\/\/$/)
  const proxies = { all: `http://localhost:${server.port}` }
  for (const url of ['https://origin.test/', 'http://origin.test/']) {
    const { message } = await failure(get(url, { proxies }))
    assert.match(message, /: it speaks TLS there, not HTTP\/1\.1: write https:\/\/ in the URL of the proxy$/)
  }
})

test('a proxy that speaks TLS, and is spoken to without it: https:// in its URL leads out', async () => {
  const own = certify()
  await using server = await startHttpsServer({ key: own.key, cert: own.certificate })
  await using proxy = await startProxy({ key: own.key, cert: own.certificate })
  const [secure, plain] = ['https', 'http'].map((scheme) => ({ https: `${scheme}://${new URL(proxy.url).host}` }))
  const error = await failure(get(server.url, { proxies: plain, verify: own.certificate }))
  assert(error instanceof ProxyError, String(error))
  assert.match(error.message, /; if the proxy speaks TLS on this port, write https:\/\/ in its URL$/)
  assert.equal((await get(server.url, { proxies: secure, verify: own.certificate })).statusCode, 200)
})

test('a proxy that asks for a user says how to give one, and that leads out', async () => {
  const own = certify()
  await using server = await startHttpsServer({ key: own.key, cert: own.certificate })
  await using proxy = await startProxy({
    authenticate: (given) => given === `Basic ${Buffer.from('ada:p@ss').toString('base64')}`,
  })
  const { host } = new URL(proxy.url)
  const error = await failure(get(server.url, { proxies: { https: `http://${host}` }, verify: own.certificate }))
  assert(
    error.message.includes(`; write user and password into its URL, percent-encoded: http://USER:PASSWORD@${host}`),
    error.message,
  )
  const proxies = { https: `http://ada:p%40ss@${host}` }
  assert.equal((await get(server.url, { proxies, verify: own.certificate })).statusCode, 200)
  const wrong = await failure(get(server.url, { proxies: { https: `http://ada:no@${host}` }, verify: own.certificate }))
  assert.match(wrong.message, /407.*; it does not accept the user and password that were given/)
  assert.doesNotMatch(wrong.message, /ada|:no@/)
})

test('a proxy that offers no scheme that is supported says which', async () => {
  const answer = 'HTTP/1.1 407 Who\r\nProxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM\r\n\r\n'
  await using proxy = await startTcpServer((socket) => {
    socket.on('error', () => {}).once('data', () => socket.end(answer))
  })
  const error = await failure(get('https://origin.test/', { proxies: { https: `http://localhost:${proxy.port}` } }))
  assert.match(error.message, /407 Who; it does not offer Basic, .*: Negotiate, NTLM$/)
})

async function failure(request: Promise<unknown>): Promise<Error> {
  return request.then(
    () => assert.fail('it must fail'),
    (error: Error) => error,
  )
}
