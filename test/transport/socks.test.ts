/** Requests through real SOCKS proxies. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import {
  ConnectionError,
  ConnectTimeout,
  get,
  HTTPAdapter,
  InvalidProxyURL,
  ProxyError,
  Session,
  SSLError,
} from '../../src/index.ts'
import { startDante, startMicrosocks } from '../helpers/debian-proxies.ts'
import { withEnv } from '../helpers/environment.ts'
import { eventually } from '../helpers/eventually.ts'
import { moduleUrl } from '../helpers/modules.ts'
import { createAuthority } from '../helpers/pki.ts'
import { freePort } from '../helpers/ports.ts'
import { outputOfScript } from '../helpers/processes.ts'
import { whyNo } from '../helpers/programs.ts'
import { type Echo, startHttpServer, startHttpsServer } from '../helpers/servers.ts'
import { startSocks4a } from '../helpers/socks4a.ts'
import { startTcpServer } from '../helpers/tcp.ts'

const ca = createAuthority()
const { chain, key } = ca.issue({ hosts: ['localhost', '127.0.0.1'] })
const startOrigin = () => startHttpsServer({ cert: chain, key })

const dante = { skip: whyNo('danted') }
const microsocks = { skip: whyNo('microsocks') }

for (const scheme of ['socks4', 'socks5', 'socks5h']) {
  test(`${scheme}: https is verified, http goes as it is, and each connection is used again`, dante, async () => {
    await using secure = await startOrigin()
    await using plain = await startHttpServer()
    await using proxy = await startDante()
    await using session = new Session({
      verify: ca.certificate,
      proxies: { all: `${scheme}://127.0.0.1:${proxy.port}` },
    })
    // By address where the name is resolved here: that may give ::1 first.
    const host = scheme === 'socks5h' ? 'localhost' : '127.0.0.1'
    for (let count = 0; count < 3; count++) {
      const response = await session.post(`https://${host}:${secure.port}/a?b=c`, { data: 'x' })
      assert.equal(response.json<Echo>().body, 'x')
      assert.equal(response.tls?.reused, count > 0)
      const { url, headers } = (await session.get(`http://${host}:${plain.port}/a?b=c`)).json<Echo>()
      assert.deepEqual([url, headers.host], ['/a?b=c', `${host}:${plain.port}`])
    }
    assert.deepEqual([secure.connections, plain.connections], [1, 1])
    await assert.rejects(session.get(secure.url127, { verify: true }), SSLError)
  })
}

test('names are resolved here for socks4 and socks5, by the proxy for socks5h', dante, async () => {
  await using proxy = await startDante()
  for (const scheme of ['socks4', 'socks5']) {
    await assert.rejects(get('http://nowhere.invalid/', { proxies: { all: `${scheme}://127.0.0.1:${proxy.port}` } }), {
      name: 'ConnectionError',
      code: 'ENOTFOUND',
    })
  }
  await assert.rejects(get('http://nowhere.invalid/', { proxies: { all: `socks5h://127.0.0.1:${proxy.port}` } }), {
    name: 'ProxyError',
    message:
      /^Unable to connect to nowhere.invalid:80 through SOCKS proxy 127.0.0.1:\d+: it answers "host unreachable"$/,
  })
})

test('socks4a sends the proxy the name, and the user', async () => {
  const server = ca.issue({ hosts: ['origin.test'] })
  await using secure = await startHttpsServer({ cert: server.chain, key: server.key })
  await using plain = await startHttpServer()
  await using proxy = await startSocks4a()
  await using session = new Session({
    verify: ca.certificate,
    proxies: { all: `socks4a://ad%C3%A0@127.0.0.1:${proxy.port}` },
  })
  for (let count = 0; count < 2; count++) {
    assert.equal((await session.get(`https://origin.test:${secure.port}/`)).tls?.reused, count > 0)
    assert((await session.get(`http://origin.test:${plain.port}/`)).ok)
  }
  assert((await session.get(`http://127.0.0.1:${plain.port}/`)).ok)
  const user = Buffer.from('adà').toString('latin1')
  assert.deepEqual(proxy.asked, [
    `${user}@origin.test:${secure.port}`,
    `${user}@origin.test:${plain.port}`,
    `${user}@127.0.0.1:${plain.port}`,
  ])
  await assert.rejects(session.get('https://nowhere.invalid/'), {
    name: 'ProxyError',
    message: `Unable to connect to nowhere.invalid:443 through SOCKS proxy 127.0.0.1:${proxy.port}: it answers "failed"`,
  })
})

test('the environment names SOCKS proxies as well', dante, async () => {
  await using plain = await startHttpServer()
  await using proxy = await startDante()
  await withEnv({ ALL_PROXY: `socks5://127.0.0.1:${proxy.port}`, NO_PROXY: 'localhost' }, async () => {
    assert((await get(plain.url127)).ok)
    assert((await get(plain.url)).ok)
    // Nothing listens there: the proxy says so, and without it we would.
    await assert.rejects(get('http://127.0.0.1:1/'), ProxyError)
    await assert.rejects(get('http://localhost:1/'), { name: 'ConnectionError' })
  })
})

test('connections are not shared between schemes, nor between credentials', dante, async () => {
  await using secure = await startOrigin()
  await using plain = await startHttpServer()
  await using proxy = await startDante()
  await using session = new Session({ verify: ca.certificate })
  for (const prefix of ['https://', 'http://']) session.mount(prefix, new HTTPAdapter({ poolConnections: 50 }))
  const schemes = [
    'socks4://',
    'socks4a://',
    'socks5://',
    'socks5h://',
    'socks5://a:b@',
    'socks5://a:c@',
    'socks5://b:b@',
  ]
  for (let round = 0; round < 2; round++) {
    for (const origin of [secure, plain]) {
      assert((await session.get(origin.url127)).ok)
      for (const scheme of schemes) {
        assert((await session.get(origin.url127, { proxies: { all: `${scheme}127.0.0.1:${proxy.port}` } })).ok)
      }
    }
  }
  assert.deepEqual([secure.connections, plain.connections], [schemes.length + 1, schemes.length + 1])
})

test('an IPv6 address is passed on', microsocks, async () => {
  const six = ca.issue({ hosts: ['::1'] })
  await using origin = await startHttpsServer({ cert: six.chain, key: six.key, host: '::1' })
  await using proxy = await startMicrosocks()
  for (const scheme of ['socks5', 'socks5h']) {
    const proxies = { all: `${scheme}://127.0.0.1:${proxy.port}` }
    assert((await get(origin.url127, { verify: ca.certificate, proxies })).ok)
  }
})

test('a name that is too long for SOCKS is refused, without the credentials', async () => {
  await using other = await startHttpServer()
  const url = `http://${'a'.repeat(50)}${`.${'a'.repeat(50)}`.repeat(5)}/`
  const proxies = { all: `socks5h://ada:top-secret@127.0.0.1:${other.port}` }
  await assert.rejects(get(url, { proxies }), (error) => {
    assert(error instanceof ProxyError)
    assert.match(error.message, /the name is longer than SOCKS allows/)
    assert.doesNotMatch(inspect(error, { showHidden: true, depth: 9 }), /top-secret/)
    return true
  })
})

test('credentials are for the proxy alone, and its connections are for those who have them', microsocks, async () => {
  await using secure = await startOrigin()
  await using plain = await startHttpServer()
  await using proxy = await startMicrosocks(['ada', 's:e@cret'])
  const by = (login: string) => ({ proxies: { all: `socks5h://${login}127.0.0.1:${proxy.port}` } })
  await using session = new Session({ verify: ca.certificate })
  for (const url of [secure.url, plain.url127]) {
    const { headers } = (
      await session.get(url, { ...by('ada:s%3Ae%40cret@'), headers: { 'Proxy-Authorization': 'Basic x' } })
    ).json<Echo>()
    assert.equal(headers['proxy-authorization'], undefined)
    for (const login of ['ada:wrong-secret@', 'bob:s%3Ae%40cret@', '']) {
      await assert.rejects(session.get(url, by(login)), (error: Error) => {
        assert(error instanceof ProxyError)
        assert.match(error.message, login === '' ? /it wants credentials/ : /it refuses the credentials/)
        assert.doesNotMatch(inspect(error, { showHidden: true, depth: 9 }), /wrong-secret|s:e@cret|s%3A/)
        return true
      })
    }
  }
  assert.deepEqual([secure.connections, plain.connections], [1, 1])
})

test('what the proxy says is said in words', dante, async () => {
  const closed = await freePort()
  await using proxy = await startDante(closed + 1 > 65_535 ? 1 : closed + 1)
  const proxies = { all: `socks5://127.0.0.1:${proxy.port}` }
  await assert.rejects(get(`http://127.0.0.1:${closed}/`, { proxies }), {
    name: 'ProxyError',
    message: `Unable to connect to 127.0.0.1:${closed} through SOCKS proxy 127.0.0.1:${proxy.port}: it answers "connection refused"`,
  })
  await assert.rejects(get(`https://127.0.0.1:${closed + 1}/`, { proxies }), /it answers "not allowed"/)
  const four = { all: `socks4://127.0.0.1:${proxy.port}` }
  await assert.rejects(get('http://[::1]:9/', { proxies: four }), /SOCKS 4 knows IPv4 only; use socks5/)
})

test('a proxy that is not there, or does not speak SOCKS, is a ProxyError', async () => {
  await using other = await startHttpServer()
  const closed = await freePort()
  for (const scheme of ['socks4', 'socks5h']) {
    for (const url of ['http://127.0.0.1:9/', 'https://127.0.0.1:9/']) {
      await assert.rejects(get(url, { proxies: { all: `${scheme}://127.0.0.1:${closed}` } }), {
        name: 'ProxyError',
        code: 'ECONNREFUSED',
      })
      await assert.rejects(get(url, { proxies: { all: `${scheme}://127.0.0.1:${other.port}` } }), {
        name: 'ProxyError',
        message: /it does not answer as a SOCKS [45] proxy does/,
      })
    }
  }
})

test('the connect limit, a signal and closing the session end a negotiation that goes nowhere', async () => {
  let waiting = () => {}
  await using server = await startTcpServer((socket) => socket.once('data', () => waiting()))
  const proxies = { all: `socks5://127.0.0.1:${server.port}` }
  await using session = new Session({ proxies })
  for (const url of ['http://127.0.0.1:9/', 'https://127.0.0.1:9/']) {
    waiting = () => {}
    await assert.rejects(session.get(url, { timeout: { connect: 50 } }), ConnectTimeout)
    const reason = new Error('changed my mind')
    const controller = new AbortController()
    waiting = () => controller.abort(reason)
    await assert.rejects(session.get(url, { signal: controller.signal }), reason)
    waiting = () => void session.close()
    await assert.rejects(session.get(url), ConnectionError)
  }
  await eventually(() => server.sockets.size === 0, 'a connection is left open')
})

test('SOCKS is loaded by the first proxy of that kind', async () => {
  await using other = await startHttpServer()
  const script = `
    import { registerHooks } from 'node:module'
    const loaded = []
    registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) })
    const { get } = await import('${moduleUrl('index')}')
    const isLoaded = () => loaded.some((url) => url.includes('/node_modules/socks/'))
    const before = isLoaded()
    await get('http://127.0.0.1:9/', { proxies: { all: 'socks5://127.0.0.1:${other.port}' } }).catch(() => {})
    console.log(before, isLoaded())`
  assert.equal(await outputOfScript(script), 'false true\n')
})

test('requests that wait for the proxy do not wait for one another', microsocks, async () => {
  await using plain = await startHttpServer()
  await using proxy = await startMicrosocks()
  await using session = new Session({ proxies: { all: `socks5h://127.0.0.1:${proxy.port}` } })
  session.mount('http://', new HTTPAdapter({ poolMaxsize: 5 }))
  const responses = await Promise.all(Array.from({ length: 20 }, (_, n) => session.get(`${plain.url127}/${n}`)))
  assert.deepEqual(
    responses.map((response) => response.json<Echo>().url),
    Array.from({ length: 20 }, (_, n) => `/${n}`),
  )
})

test('a login that SOCKS cannot express is refused before a proxy is asked', async () => {
  const long = 'a'.repeat(256)
  for (const login of [`socks5h://${long}:x`, `socks4a://x:${long}`, 'socks4a://x%00localhost:y', 'socks4://%00']) {
    await assert.rejects(get('https://localhost:1/', { proxies: { all: `${login}@127.0.0.1:1` } }), (error) => {
      assert(error instanceof InvalidProxyURL)
      assert.match(error.message, /longer than SOCKS allows|has a NUL, which SOCKS 4 cannot express/)
      assert.doesNotMatch(error.message, /aaa|localhost/)
      return true
    })
  }
})
