import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { test } from 'node:test'
import { get, Session, type TrustEvent } from '../../src/index.ts'
import { createAuthority, selfSigned } from '../helpers/pki.ts'
import { startProxy } from '../helpers/proxy.ts'
import { startHttpServer, startHttpsServer } from '../helpers/servers.ts'
import { tempDir } from '../helpers/temp.ts'

/** The messages of the channel while `body` runs. */
async function eventsOf(body: () => Promise<unknown>): Promise<TrustEvent[]> {
  const events: TrustEvent[] = []
  const listen = (message: unknown) => events.push(message as TrustEvent)
  subscribe('vouch:trust', listen)
  try {
    await body()
  } finally {
    unsubscribe('vouch:trust', listen)
  }
  return events
}

const authority = createAuthority()
const pair = authority.issue({ hosts: ['localhost', '127.0.0.1'] })
const start = () => startHttpsServer({ cert: pair.chain, key: pair.key })

test('what a request trusts is published, and each reading of a file, and nothing else', async () => {
  await using server = await start()
  await using plain = await startHttpServer()
  using dir = tempDir()
  const path = dir.write('ca.pem', authority.certificate)
  await using session = new Session({ verify: path })
  const resolved = (certificates: number) => ({
    event: 'resolved',
    origin: server.url,
    verified: true,
    trust: { source: 'session', path, certificates },
  })
  const events = await eventsOf(async () => {
    await session.get(server.url)
    await session.get(server.url)
    await session.get(plain.url)
    dir.write('ca.pem', authority.certificate + selfSigned().certificate)
    await session.get(server.url)
  })
  assert.deepEqual(events, [
    { event: 'loaded', path, certificates: 1 },
    resolved(1),
    resolved(1),
    { event: 'reloaded', path, certificates: 2 },
    resolved(2),
  ])
})

test('a refusal is published with its reason and what was presented: of a server, of a proxy, of a file', async () => {
  await using server = await start()
  const own = selfSigned()
  await using proxy = await startProxy({ cert: own.certificate, key: own.key })
  using dir = tempDir()
  const junk = dir.write('junk.pem', 'junk')
  const refusals = (
    await eventsOf(async () => {
      await assert.rejects(get(server.url))
      await assert.rejects(get(server.url, { verify: authority.certificate, proxies: { https: proxy.url } }))
      await assert.rejects(get(server.url, { verify: junk }))
      await assert.rejects(get(server.url, { verify: authority.certificate, cert: dir.join('none.pem') }))
    })
  ).filter((each) => each.event === 'refused')
  assert.deepEqual(
    refusals.map(({ reason, code, port, path }) => ({ reason, code, port, path })),
    [
      { reason: 'unknown-ca', code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', port: server.port, path: undefined },
      {
        reason: 'self-signed',
        code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
        port: Number(new URL(proxy.url).port),
        path: undefined,
      },
      { reason: 'bad-bundle', code: 'ERR_CA_BUNDLE', port: undefined, path: junk },
      { reason: 'client-certificate', code: 'ENOENT', port: undefined, path: dir.join('none.pem') },
    ],
  )
  assert.match(refusals[0]?.fingerprint ?? '', /^[0-9A-F:]{95}$/)
  assert.equal(refusals[0]?.trust?.source, 'default')
})

test('a listener that throws is its own problem: the request goes on', async () => {
  await using server = await start()
  const listen = () => {
    throw new Error('of the listener')
  }
  const seen: unknown[] = []
  // Node hands such errors to the process, a tick later.
  const before = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', (error) => seen.push(error))
  subscribe('vouch:trust', listen)
  try {
    assert((await get(server.url, { verify: authority.certificate })).ok)
    await new Promise((resolve) => setTimeout(resolve, 10))
  } finally {
    unsubscribe('vouch:trust', listen)
    process.removeAllListeners('uncaughtException')
    for (const each of before) process.on('uncaughtException', each)
  }
  assert.equal(seen.length, 1)
})
