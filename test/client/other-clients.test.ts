/** `tlsOptions` and `trustedAgent`, with the clients that they are for. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import https from 'node:https'
import { after, before, test } from 'node:test'
import tls from 'node:tls'
import axios from 'axios'
import got from 'got'
import nodeFetch from 'node-fetch'
import * as undici from 'undici'
import { WebSocket, WebSocketServer } from 'ws'
import { CABundleError, ClientCertError, InvalidProxyURL, tlsOptions, trustedAgent } from '../../src/index.ts'
import { expectWarnings, withEnv } from '../helpers/environment.ts'
import { moduleUrl } from '../helpers/modules.ts'
import { createAuthority, selfSigned } from '../helpers/pki.ts'
import { outputOfScript } from '../helpers/processes.ts'
import { startProxy } from '../helpers/proxy.ts'
import { startHttpsServer, type TestServer } from '../helpers/servers.ts'
import { startSocks4a } from '../helpers/socks4a.ts'
import { startServer } from '../helpers/tcp.ts'
import { tempDir } from '../helpers/temp.ts'

const authority = createAuthority()
const clients = createAuthority()
const dir = tempDir()
const bundle = dir.write('company.pem', authority.certificate)
let server: TestServer
let stranger: TestServer
/** Its certificate is of the trusted authority, for another host. */
let misnamed: TestServer

before(async () => {
  const ours = authority.issue()
  const theirs = createAuthority().issue()
  const other = authority.issue({ hosts: ['other.example'] })
  server = await startHttpsServer({ cert: ours.chain, key: ours.key })
  stranger = await startHttpsServer({ cert: theirs.chain, key: theirs.key })
  misnamed = await startHttpsServer({ cert: other.chain, key: other.key })
})

after(async () => {
  for (const each of [server, stranger, misnamed]) await each[Symbol.asyncDispose]()
  dir[Symbol.dispose]()
})

/** Asks, and resolves to the status. */
type Ask = (url: string) => Promise<number | undefined>

async function getWith(
  url: string,
  options: https.RequestOptions & Pick<tls.ConnectionOptions, 'pskCallback'>,
): Promise<number | undefined> {
  const [response] = await once(https.get(url, options), 'response')
  await response.resume().toArray()
  return response.statusCode
}

/** What takes an agent. */
const WITH_AGENT: Readonly<Record<string, (agent: https.Agent) => Ask>> = {
  'https.get': (agent) => (url) => getWith(url, { agent }),
  got: (agent) => async (url) => (await got(url, { agent: { https: agent }, retry: { limit: 0 } })).statusCode,
  axios: (agent) => async (url) => (await axios.get(url, { httpsAgent: agent })).status,
  'node-fetch': (agent) => async (url) => (await nodeFetch(url, { agent })).status,
}

/** What makes TLS connections itself. */
const WITH_OPTIONS: Readonly<Record<string, (options: ReturnType<typeof tlsOptions>) => Ask>> = {
  'tls.connect': (options) => async (url) => {
    const { hostname: host, port } = new URL(url)
    const socket = tls.connect({ host, port: Number(port), servername: host, ...options })
    try {
      await once(socket, 'secureConnect')
      return 200
    } finally {
      socket.destroy()
    }
  },
  'undici request': (options) => async (url) => {
    const dispatcher = new undici.Agent({ connect: options })
    const { statusCode, body } = await undici.request(url, { dispatcher })
    await body.dump()
    await dispatcher.close()
    return statusCode
  },
  'undici fetch': (options) => async (url) => {
    const dispatcher = new undici.Agent({ connect: options })
    const response = await undici.fetch(url, { dispatcher })
    await response.text()
    await dispatcher.close()
    return response.status
  },
}

const asks: [name: string, ask: Ask][] = [
  ...Object.entries(WITH_AGENT).map(([name, client]): [string, Ask] => [
    name,
    (url) => client(trustedAgent({ verify: bundle }))(url),
  ]),
  ...Object.entries(WITH_OPTIONS).map(([name, client]): [string, Ask] => [
    name,
    (url) => client(tlsOptions(bundle))(url),
  ]),
]

/** Whatever a client makes of Node's error. */
const codeOf = ({ cause, code }: Error & { code?: string }) => (cause as { code?: string } | undefined)?.code ?? code

for (const [name, ask] of asks) {
  test(`${name} accepts a server of the trusted authority, and refuses a stranger and another host`, async () => {
    assert.equal(await ask(server.url), 200)
    await assert.rejects(ask(stranger.url), (error: Error) => /UNABLE_TO|SELF_SIGNED/.test(codeOf(error) ?? ''))
    await assert.rejects(ask(misnamed.url), (error: Error) => codeOf(error) === 'ERR_TLS_CERT_ALTNAME_INVALID')
  })
}

test('ws accepts a server of the trusted authority, and refuses a stranger', async () => {
  const sockets = new WebSocketServer({ noServer: true })
  for (const { server: each } of [server, stranger])
    each.on('upgrade', (request, socket, head) =>
      sockets.handleUpgrade(request, socket, head, (client) => client.send('hello')),
    )
  const hello = async (url: string, options: https.RequestOptions) => {
    const socket = new WebSocket(url.replace('https:', 'wss:'), options)
    try {
      const [message] = await once(socket, 'message')
      return String(message)
    } finally {
      socket.terminate()
    }
  }
  for (const options of [tlsOptions(bundle), { agent: trustedAgent({ verify: bundle }) }]) {
    assert.equal(await hello(server.url, options), 'hello')
    await assert.rejects(hello(stranger.url, options), /unable to|self-signed/)
  }
  sockets.close()
})

for (const [name, client] of Object.entries(WITH_AGENT)) {
  test(`${name}: an agent keeps its connections, and looks at its bundle again for each request`, async () => {
    const { chain, key } = authority.issue()
    await using local = await startHttpsServer({ cert: chain, key })
    const path = dir.write(`${name}.pem`, authority.certificate)
    const agent = trustedAgent({ verify: path })
    const ask = client(agent)
    for (let times = 0; times < 3; times++) assert.equal(await ask(local.url), 200)
    assert.equal(local.connections, 1)
    writeFileSync(path, createAuthority().certificate)
    await assert.rejects(ask(local.url), (error: Error) => /UNABLE_TO|SELF_SIGNED/.test(codeOf(error) ?? ''))
    writeFileSync(path, authority.certificate)
    assert.equal(await ask(local.url), 200)
    agent.destroy()
  })
}

test('what another client says of TLS does not weaken an agent', async () => {
  const weak = { rejectUnauthorized: false, checkServerIdentity: () => undefined, ca: selfSigned().certificate }
  const agent = trustedAgent({ verify: bundle })
  await assert.rejects(getWith(stranger.url, { agent, ...weak }), /unable to|self-signed/)
  await assert.rejects(getWith(misnamed.url, { agent, ...weak }), /Hostname mismatch/)
  await assert.rejects(getWith(misnamed.url, { agent, headers: { host: 'other.example' } }), /Hostname mismatch/)
  await assert.rejects(getWith(misnamed.url, { agent, servername: 'other.example' }), {
    name: 'TypeError',
    message: /servername 'other\.example' is not the host of the URL, 'localhost'/,
  })
  await assert.rejects(getWith(server.url, { agent, socketPath: '/tmp/no.sock' }), /not to Unix sockets/)
  assert.throws(() => (agent as unknown as { createConnection(): void }).createConnection(), /use tlsOptions/)
})

test('a key that is known beforehand does not take the place of a certificate', async () => {
  const psk = Buffer.alloc(32, 7)
  const listener = tls.createServer({ pskCallback: () => psk, ciphers: 'TLS_AES_128_GCM_SHA256:PSK' }, (socket) => {
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'))
  })
  await using keyed = await startServer(listener)
  const agent = trustedAgent({ verify: bundle })
  try {
    const url = `https://localhost:${keyed.port}/`
    const pskCallback = () => ({ identity: 'x', psk })
    // The server is willing, and Node's own agent as well.
    assert.equal(await getWith(url, { pskCallback, checkServerIdentity: () => undefined }), 200)
    await assert.rejects(getWith(url, { agent, pskCallback }), Error)
  } finally {
    agent.destroy()
  }
})

test('an agent and options present their client certificate', async () => {
  const { chain, key } = authority.issue()
  const handler = { requestCert: true, rejectUnauthorized: true, ca: clients.certificate }
  await using local = await startHttpsServer({ cert: chain, key, ...handler })
  const ada = clients.issue({ extendedKeyUsage: ['clientAuth'], hosts: [], commonName: 'ada' })
  const cert = { cert: ada.chain, key: ada.key }
  assert.equal(await getWith(local.url, { agent: trustedAgent({ verify: bundle, cert }) }), 200)
  assert.equal(await WITH_OPTIONS['undici request']?.(tlsOptions(bundle, { cert }))(local.url), 200)
  await assert.rejects(getWith(local.url, { agent: trustedAgent({ verify: bundle }) }))
})

test('an agent goes through its proxy, and verifies the server behind it', async () => {
  await using proxy = await startProxy({ authenticate: (given) => given === `Basic ${btoa('ada:secret')}` })
  const through = new URL(proxy.url)
  through.username = 'ada'
  through.password = 'secret'
  const agent = trustedAgent({ verify: bundle, proxy: through })
  assert.equal(await getWith(server.url, { agent }), 200)
  await assert.rejects(getWith(stranger.url, { agent }), /unable to|self-signed/)
  assert.deepEqual(proxy.tunnels, [`localhost:${server.port}`, `localhost:${stranger.port}`])
  await using socks = await startSocks4a()
  assert.equal(
    await getWith(server.url, { agent: trustedAgent({ verify: bundle, proxy: `socks4a://127.0.0.1:${socks.port}` }) }),
    200,
  )
})

test('left open, trust is what the environment names, else the default roots', async () => {
  await withEnv({ REQUESTS_CA_BUNDLE: bundle }, async () => {
    assert.equal(await getWith(server.url, { agent: trustedAgent() }), 200)
    assert.equal(await WITH_OPTIONS['tls.connect']?.(tlsOptions())(server.url), 200)
    await assert.rejects(getWith(stranger.url, { agent: trustedAgent({ verify: true }) }))
  })
  await assert.rejects(getWith(server.url, { agent: trustedAgent() }), /unable to/)
})

test('without verification both warn', async () => {
  const warnings = await expectWarnings('InsecureRequestWarning', async () => {
    assert.equal(await getWith(stranger.url, { agent: trustedAgent({ verify: false }) }), 200)
    assert.equal(await WITH_OPTIONS['tls.connect']?.(tlsOptions(false))(stranger.url), 200)
  })
  assert.equal(warnings.length, 2)
})

test('a bundle that cannot be used is an error of the request, or of the call', async () => {
  const missing = dir.join('missing.pem')
  const agent = trustedAgent({ verify: missing })
  for (const client of Object.values(WITH_AGENT)) {
    await assert.rejects(client(agent)(server.url), /Could not find a suitable TLS CA certificate bundle/)
  }
  assert.throws(() => tlsOptions(missing), CABundleError)
  assert.throws(() => tlsOptions(bundle, { cert: missing }), ClientCertError)
})

test('wrong options are refused at once', () => {
  assert.throws(() => trustedAgent({ ca: bundle } as object), /trustedAgent has no option "ca": did you mean "verify"/)
  assert.throws(() => trustedAgent({ verify: 1 as unknown as string }), TypeError)
  assert.throws(() => trustedAgent({ proxy: 3128 as unknown as string }), TypeError)
  assert.throws(() => trustedAgent({ proxy: 'ftp://proxy' }), InvalidProxyURL)
  assert.throws(() => tlsOptions(bundle, { key: bundle } as object), /tlsOptions has no option "key"/)
  assert.throws(() => tlsOptions(''), CABundleError)
})

test('an agent does not keep its process alive', async () => {
  const program = `
    import https from 'node:https'
    import { trustedAgent } from ${JSON.stringify(moduleUrl('index'))}
    https.get(process.argv[1], { agent: trustedAgent({ verify: process.argv[2] }) }, (response) => {
      response.resume().on('end', () => console.log(response.statusCode))
    })`
  assert.equal(await outputOfScript(program, { args: [server.url, bundle], limit: 20_000 }), '200\n')
})
