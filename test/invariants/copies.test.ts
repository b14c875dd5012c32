/** I1: changes after a call have no effect on it, and keys of caches are unambiguous. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { mkdirSync } from 'node:fs'
import https from 'node:https'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { CABundle, get, Session, SSLError, trustedAgent } from '../../src/index.ts'
import { bundleOfPath } from '../../src/trust/ca-bundle.ts'
import { digestOf } from '../../src/trust/digest.ts'
import { createAuthority, toDer } from '../helpers/pki.ts'
import { startHttpsServer } from '../helpers/servers.ts'
import { tempDir } from '../helpers/temp.ts'

const good = createAuthority()
const evil = createAuthority({ commonName: 'Evil' })
const { chain, key } = good.issue()
const server = await startHttpsServer({ cert: chain, key })
const mutual = await startHttpsServer({
  cert: chain,
  key,
  ca: good.certificate,
  requestCert: true,
  rejectUnauthorized: true,
})
after(() => Promise.all([server.close(), mutual.close()]))

test('bytes and lists that change after a session got them change nothing', async () => {
  const bytes = toDer(good.certificate)
  const list: string[] = [good.certificate]
  await using ofBytes = new Session({ verify: bytes })
  await using ofList = new Session({ verify: list })
  await using assigned = new Session()
  assigned.verify = [bytes]
  await using pinned = new Session({ verify: [evil.certificate] })
  bytes.fill(0)
  list[0] = evil.certificate
  for (const session of [ofBytes, ofList, assigned]) {
    const outcome = await session.get(server.url).then(
      ({ statusCode }) => statusCode,
      (error) => error.name,
    )
    assert.equal(outcome, 200)
  }
  await assert.rejects(pinned.get(server.url), SSLError)
})

test('lists that are assigned to a session are copied; an auth stays the object that it is', () => {
  const auth = { apply() {} }
  const session = new Session({ auth })
  assert.equal(session.auth, auth)
  session.auth = auth
  assert.equal(session.auth, auth)
  const timeout = [1000, 2000]
  session.timeout = timeout
  timeout[1] = -1
  assert.deepEqual(session.timeout, [1000, 2000])
})

test('bytes of a client certificate that change after a session or a call got them change nothing', async () => {
  const client = good.issue({ hosts: [], commonName: 'ada', extendedKeyUsage: ['clientAuth'] })
  const given = () => ({ cert: Buffer.from(client.certificate), key: Buffer.from(client.key) })
  const [first, second] = [given(), given()]
  await using session = new Session({ verify: good.certificate, cert: first })
  const call = get(mutual.url, { verify: good.certificate, cert: second })
  for (const part of [first.cert, first.key, second.cert, second.key]) part.fill(0)
  assert.equal((await call).statusCode, 200)
  for (let i = 0; i < 2; i++) assert.equal((await session.get(mutual.url)).statusCode, 200)
})

test('lists that change after an agent got them change nothing', async () => {
  const list: string[] = [evil.certificate]
  const agent = trustedAgent({ verify: list })
  list[0] = good.certificate
  const outcome = await new Promise((resolve) => {
    https.get(server.url, { agent }, (response) => resolve(response.statusCode)).on('error', resolve)
  })
  agent.destroy()
  assert(outcome instanceof Error, String(outcome))
})

test('proxies that change while redirects are followed change nothing', async () => {
  const proxies: Record<string, string> = { all: 'http://127.0.0.1:1' }
  const call = get(server.url, { proxies, verify: good.certificate })
  proxies.all = ''
  await assert.rejects(call, { name: 'ProxyError' })
})

test('a path with a line feed is not the path of another directory', () => {
  using dir = tempDir()
  mkdirSync(join(dir.path, 'a'))
  mkdirSync(join(dir.path, 'a\nb'), { recursive: true })
  const home = process.cwd()
  try {
    process.chdir(join(dir.path, 'a'))
    const one = bundleOfPath('b\nca.pem')
    const here = bundleOfPath('ca.pem')
    process.chdir(join(dir.path, 'a\nb'))
    assert.notEqual(bundleOfPath('ca.pem'), here)
    assert.notEqual(bundleOfPath('ca.pem'), one)
    assert.equal(bundleOfPath('ca.pem'), bundleOfPath('ca.pem'))
    process.chdir(join(dir.path, 'a'))
    assert.equal(bundleOfPath('b\nca.pem'), one)
    assert.notEqual(bundleOfPath('ca.pem'), bundleOfPath(join(dir.path, 'a\nb', 'ca.pem')))
  } finally {
    process.chdir(home)
  }
})

test('digests of other parts are other digests', () => {
  assert.notEqual(digestOf('a\nb', 'c'), digestOf('a', 'b\nc'))
  assert.notEqual(digestOf('a', 'b'), digestOf('a\nb'))
  assert.equal(digestOf('a', 'b'), digestOf('a', 'b'))
})

test('a bundle is made by its functions only: an empty list is not the default roots', () => {
  const make = CABundle as unknown as new (sources: readonly unknown[], token?: unknown) => CABundle
  for (const args of [[[]], [[{ kind: 'store', store: 'default' }]], [[], Symbol('CABundle')], []] as unknown[][]) {
    assert.throws(() => new make(...(args as [readonly unknown[]])), { name: 'TypeError', message: /CABundle\.from/ })
  }
})

test('a subscriber of vouch:trust cannot change what others see', async () => {
  const seen: unknown[] = []
  const meddle = (message: unknown) => {
    const { trust } = message as { trust?: { source: string } }
    assert.throws(() => Object.assign(message as object, { verified: true, origin: 'x' }), TypeError)
    if (trust) assert.throws(() => Object.assign(trust, { source: 'default' }), TypeError)
  }
  const listen = (message: unknown) => seen.push(JSON.stringify(message))
  subscribe('vouch:trust', meddle)
  subscribe('vouch:trust', listen)
  try {
    await get(server.url, { verify: good.certificate })
    await get(server.url).catch(() => {})
    await assert.rejects(get(server.url, { verify: evil.certificate }), SSLError)
  } finally {
    unsubscribe('vouch:trust', meddle)
    unsubscribe('vouch:trust', listen)
  }
  assert(seen.length >= 4, seen.join('\n'))
  assert.doesNotMatch(seen.join(), /"origin":"x"/)
})
