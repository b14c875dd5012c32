/** I2 against a polluted `Object.prototype`: its properties are no options of a request. */

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { disableWarnings, get, Request, Session, SSLError } from '../../src/index.ts'
import { withEnv } from '../helpers/environment.ts'
import { createAuthority } from '../helpers/pki.ts'
import { startProxy } from '../helpers/proxy.ts'
import { startHttpsServer } from '../helpers/servers.ts'
import { startSocks4a } from '../helpers/socks4a.ts'
import { tempDir } from '../helpers/temp.ts'

// What is not verified is seen by the tests themselves.
disableWarnings('InsecureRequestWarning')

const authority = createAuthority()
const stranger = createAuthority({ commonName: 'Stranger' })

const dir = tempDir()
after(() => dir[Symbol.dispose]())

const POLLUTION: readonly [name: string, value: unknown][] = [
  ['verify', false],
  ['verify', authority.certificate],
  ['rejectUnauthorized', false],
  ['checkServerIdentity', () => undefined],
  ['ca', authority.certificate],
  ['REQUESTS_CA_BUNDLE', dir.write('ca.pem', authority.certificate)],
  ['https_proxy', 'http://127.0.0.1:1'],
  ['trustEnv', false],
  ['verified', false],
]

for (const enumerable of [true, false]) {
  for (const [name, value] of POLLUTION) {
    test(`Object.prototype.${name}, ${enumerable ? '' : 'not '}enumerable, changes no trust`, async () => {
      const { chain, key } = authority.issue()
      await using server = await startHttpsServer({ cert: chain, key })
      await using pinned = new Session({ verify: stranger.certificate })
      Object.defineProperty(Object.prototype, name, { value, enumerable, configurable: true, writable: true })
      try {
        await assert.rejects(get(server.url), SSLError)
        await assert.rejects(pinned.get(server.url), SSLError)
        await assert.rejects(new Session().head(server.url), SSLError)
      } finally {
        Reflect.deleteProperty(Object.prototype, name)
      }
      assert.equal(server.requests, 0)
    })
  }
}

test('options with a prototype of their own are refused rather than half read', async () => {
  class Options {
    get verify(): string {
      return stranger.certificate
    }
  }
  await assert.rejects(get('https://localhost/', new Options()), { name: 'TypeError', message: /plain object/ })
  await assert.rejects(new Session().head('https://localhost/', new Options()), TypeError)
})

test('Object.prototype.apply makes no setting an auth, which a session would not copy', () => {
  Object.defineProperty(Object.prototype, 'apply', { value: () => undefined, configurable: true })
  try {
    const timeout = { connect: 1 }
    const session = new Session({ timeout })
    timeout.connect = 2
    assert.deepEqual({ ...(session.timeout as object) }, { connect: 1 })
  } finally {
    Reflect.deleteProperty(Object.prototype, 'apply')
  }
})

test('Object.prototype names no Unix socket and no proxy', async () => {
  const { chain, key } = authority.issue()
  await using server = await startHttpsServer({ cert: chain, key })
  await using proxy = await startProxy()
  await using secure = await startProxy({ cert: chain, key })
  await using socks = await startSocks4a()
  const ways = [proxy.url, secure.url, `socks4a://127.0.0.1:${socks.port}`]
  await using session = new Session({ verify: authority.certificate })
  const asked = () => [proxy.tunnels.length, secure.tunnels.length, socks.asked.length]
  const ask = async () => {
    for (const all of ways) {
      await withEnv({ ALL_PROXY: all, NO_PROXY: '' }, async () => {
        await session.get(server.url, { proxies: {} }).catch(() => {})
        await session.send(session.prepareRequest(new Request('GET', server.url))).catch(() => {})
      })
    }
  }
  await polluted({ no_proxy: '*', https: 'http://127.0.0.1:1' }, ask)
  assert.deepEqual([server.requests, ...asked()], [6, 1, 1, 1])
  await session.close()
  // Of the proxies here some follow it themselves, when they connect to the server.
  await polluted({ path: '/nowhere.sock' }, ask)
  assert(
    asked().every((count) => count > 1),
    asked().join(),
  )
})

test('whatever enumerable Object.prototype has, requests go on', async () => {
  const { chain, key } = authority.issue()
  await using server = await startHttpsServer({ cert: chain, key })
  await using session = new Session({ verify: authority.certificate })
  for (const value of [null, undefined, 1, 'text', [], {}, () => {}, Symbol('symbol')]) {
    Object.defineProperty(Object.prototype, 'anything', { value, enumerable: true, configurable: true, writable: true })
    try {
      assert.equal((await session.post(server.url, { data: 'body' })).statusCode, 200)
    } finally {
      Reflect.deleteProperty(Object.prototype, 'anything')
    }
  }
})

async function polluted(properties: Readonly<Record<string, unknown>>, body: () => Promise<void>): Promise<void> {
  for (const [name, value] of Object.entries(properties)) {
    Object.defineProperty(Object.prototype, name, { value, configurable: true, writable: true })
  }
  try {
    await body()
  } finally {
    for (const name of Object.keys(properties)) Reflect.deleteProperty(Object.prototype, name)
  }
}
