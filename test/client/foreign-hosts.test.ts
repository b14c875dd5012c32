/** Hosts that programs give to `trustedAgent` and `tlsOptions`, which no URL parser has seen. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { once } from 'node:events'
import https from 'node:https'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import tls from 'node:tls'
import { tlsOptions, trustedAgent } from '../../src/index.ts'
import { createAuthority } from '../helpers/pki.ts'
import { isLinux } from '../helpers/platform.ts'
import { startHttpsServer, type TestServer } from '../helpers/servers.ts'

const authority = createAuthority()
const verify = authority.certificate

function startServer(hosts: readonly string[], host: '127.0.0.1' | '::1' = '127.0.0.1'): Promise<TestServer> {
  const { chain: cert, key } = authority.issue({ hosts })
  return startHttpsServer({ cert, key, host })
}

async function statusOf(options: https.RequestOptions): Promise<number | undefined> {
  const agent = trustedAgent({ verify })
  try {
    const [response] = await once(https.get({ ...options, agent }), 'response')
    response.resume()
    return response.statusCode
  } finally {
    agent.destroy()
  }
}

test('a trustedAgent connects to the host that it is given, and to no part of it', async () => {
  await using server = await startServer(['localhost', '127.0.0.1'])
  const { port } = server
  const headers = { host: 'localhost' }
  const others = ['x@localhost', 'x:y@localhost', 'localhost/.internal.example', 'localhost\\.internal.example']
  const encoded = ['%6cocalhost', 'localhost%00', 'localhost%2f.example', 'localhost?.example', 'localhost#.example']
  const addresses = ['0x7f.1', '127.1', '2130706433', '017700000001', '127.0.0.1:1', '[127.0.0.1]', '127.0.0.1%lo']
  const blanks = [
    ' localhost',
    'localhost ',
    'local\thost',
    'localhost\n',
    '\nlocalhost',
    'localhost\0',
    '\u00adlocalhost',
  ]
  const noHosts = ['/', ':', '@', '[', ']', '[::1', '::1]', '.', '*', "localhost'", 'localhost"', 'a b', '<localhost>']
  for (const host of [...others, ...encoded, ...addresses, ...blanks]) {
    await assert.rejects(statusOf({ host, port, headers }), /not a host name and port/, host)
  }
  for (const host of noHosts) await assert.rejects(statusOf({ host, port, headers }), Error, host)
  const ports = [`${port}@evil.example`, `${port}/`, `${port}?`, '1e3', '-1', '65536', ' 1', '']
  for (const each of ports) await assert.rejects(statusOf({ host: 'localhost', port: each, path: '/' }), Error, each)
  assert.equal(server.requests, 0)
  for (const host of ['localhost', 'LOCALHOST', '127.0.0.1']) {
    assert.equal(await statusOf({ host, port }), 200, host)
  }
  // No such host is known, but it is a name.
  const unknown = ['bücher.invalid', 'BÜCHER.invalid', 'xn--bcher-kva.invalid', 'a_b.invalid']
  for (const host of unknown) await assert.rejects(statusOf({ host, port, headers }), { syscall: 'getaddrinfo' }, host)
  assert.equal(server.requests, 3)
})

test('what is refused as a host is escaped in the error, and a long one withheld', async () => {
  const refusal = (length: number) =>
    statusOf({ host: `x@\x1b[31m\n${'y'.repeat(length)}`, port: 1, headers: { host: 'localhost' } })
  await assert.rejects(refusal(100), /not a host name and port: 'x@\\u\{1b\}\[31m\\u\{a\}yyy/)
  await assert.rejects(
    refusal(5000),
    /^TypeError: not a host name and port: '\*{3} \(too long for a path or a name, 5008 characters\)', '1'$/,
  )
})

/** Resolves to the error that ends a connection, to `undefined` when it succeeds; bytes are written at once. */
async function connect(options: tls.ConnectionOptions): Promise<Error | undefined> {
  const socket = tls.connect({ ...tlsOptions(verify), ...options })
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  const failure = once(socket, 'error').then(([error]) => error as Error)
  const success = once(socket, 'data').then(() => undefined)
  try {
    return await Promise.race([failure, success])
  } finally {
    socket.on('error', () => {}).destroy()
    failure.catch(() => {})
    success.catch(() => {})
  }
}

test('an IPv6 address with a zone is checked by its address, and another host gets no byte', async (t: TestContext) => {
  let right: TestServer
  try {
    right = await startServer(['::1'], '::1')
  } catch {
    t.skip('no IPv6')
    return
  }
  await using server = right
  await using other = await startServer(['other.example', '::2'], '::1')
  const host = isLinux ? '::1%lo' : '::1'
  assert.equal(await connect({ host, port: server.port }), undefined)
  const error = await connect({ host, port: other.port })
  assert.equal((error as NodeJS.ErrnoException).code, 'ERR_TLS_CERT_ALTNAME_INVALID')
  assert.equal(other.requests, 0)
})

test('server names that no certificate can have end the connection, and are not thrown in a listener', async () => {
  await using server = await startServer(['localhost', '127.0.0.1'])
  for (const servername of ['other.example', '.localhost', '*', 'localhost..', 'x'.repeat(250), 'é.example']) {
    const error = await connect({ host: '127.0.0.1', port: server.port, servername })
    assert.equal((error as NodeJS.ErrnoException).code, 'ERR_TLS_CERT_ALTNAME_INVALID', servername)
  }
  assert.equal(server.requests, 0)
})
