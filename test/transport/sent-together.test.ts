/** Requests that begin while many are under way: sent together at the end of the iteration of the event loop, with the trust of their call. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { test } from 'node:test'
import { CABundleError, HTTPAdapter, Session, SSLError } from '../../src/index.ts'
import { becomesTrue } from '../helpers/eventually.ts'
import { moduleUrl } from '../helpers/modules.ts'
import { createAuthority } from '../helpers/pki.ts'
import { outputOfScript } from '../helpers/processes.ts'
import { startHttpsServer } from '../helpers/servers.ts'
import { tempDir } from '../helpers/temp.ts'

const authority = createAuthority()
const stranger = createAuthority().certificate
const pair = authority.issue()

/** A server where `/held` is not answered before `release`, and a session that has many such requests under way. */
async function startBusy(requests = 10) {
  const held: ServerResponse[] = []
  const server = await startHttpsServer({
    cert: pair.chain,
    key: pair.key,
    handler: ({ url }, response) => (url === '/held' ? held.push(response) : response.end('done')),
  })
  const dir = tempDir()
  const path = dir.write('ca.pem', authority.certificate)
  const session = new Session({ verify: path })
  session.mount('https://', new HTTPAdapter({ poolMaxsize: 100 }))
  const url = `${server.url}/`
  // With its own trust, which the test leaves alone.
  const waiting = Array.from({ length: requests }, () => session.get(`${url}held`, { verify: authority.certificate }))
  assert(await becomesTrue(() => held.length === requests))
  const all = Promise.all(waiting)
  // A test may close the session, which fails them.
  all.catch(() => {})
  const release = async () => {
    for (const response of held) response.end()
    await all
  }
  return {
    server,
    session,
    path,
    url,
    /** Until the file is old enough to be believed by its status. */
    async settle() {
      await session.get(url)
      await new Promise((resolve) => setTimeout(resolve, 100))
      await session.get(url)
    },
    async [Symbol.asyncDispose]() {
      await release().catch(() => {})
      await session.close()
      await server.close()
      dir[Symbol.dispose]()
    },
  }
}

test('a file that is changed between two requests of one iteration counts for the second, and for no earlier one', async () => {
  await using busy = await startBusy()
  await busy.settle()
  const first = busy.session.get(busy.url)
  writeFileSync(busy.path, stranger)
  const second = busy.session.get(busy.url)
  await Promise.allSettled([first, second])
  assert.equal((await first).text, 'done')
  await assert.rejects(second, SSLError)
  await assert.rejects(busy.session.get(busy.url), SSLError)
})

test('a session that is closed sends none of those that wait, also on a pool that was retired meanwhile', async () => {
  await using busy = await startBusy()
  // Another trust than that of the requests under way, which would keep the pool busy.
  writeFileSync(busy.path, authority.certificate + stranger)
  await busy.settle()
  const { requests } = busy.server
  const first = busy.session.get(busy.url)
  writeFileSync(busy.path, stranger)
  const second = busy.session.get(busy.url)
  const closed = busy.session.close()
  for (const request of [first, second])
    await assert.rejects(request, { name: 'ConnectionError', message: /session was closed/ })
  await closed
  assert.equal(busy.server.requests, requests)
})

test('a file may be removed as soon as the call has returned', async () => {
  await using busy = await startBusy()
  const request = busy.session.get(busy.url)
  rmSync(busy.path)
  assert.equal((await request).text, 'done')
})

test('requests are sent in the order of their calls, also when others end meanwhile', async () => {
  const order: (string | undefined)[] = []
  await using server = await startHttpsServer({
    cert: pair.chain,
    key: pair.key,
    handler: ({ url }, response) => {
      if (url?.startsWith('/ordered')) order.push(url.split('?').at(-1))
      response.end()
    },
  })
  await using many = new Session({ verify: authority.certificate })
  await using one = new Session({ verify: authority.certificate })
  one.mount('https://', new HTTPAdapter({ poolMaxsize: 1, poolBlock: true }))
  const calls: string[] = []
  const ask = async () => {
    await many.get(server.url)
    const call = String(calls.length)
    calls.push(call)
    await one.put(`${server.url}/ordered?${call}`)
  }
  for (let round = 0; round < 10; round++) await Promise.all(Array.from({ length: 6 }, ask))
  assert.deepEqual(order, calls)
})

test('each request that finds its file removed has its own error', async () => {
  await using busy = await startBusy()
  rmSync(busy.path)
  const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => busy.session.get(busy.url)))
  const errors = outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason)
  assert(errors.every((error) => error instanceof CABundleError))
  assert.equal(new Set(errors).size, 5)
})

test('a session that is closed in the same iteration sends nothing, and stays usable', async () => {
  await using busy = await startBusy()
  const before = busy.server.connections
  await using other = new Session({ verify: busy.path })
  const request = other.get(busy.url)
  await other.close()
  await assert.rejects(request, {
    name: 'ConnectionError',
    message: 'the session was closed before the request was sent',
  })
  assert.equal(busy.server.connections, before)
  assert.equal((await other.get(busy.url)).text, 'done')
})

test('a request that is aborted in the same iteration sends nothing', async () => {
  await using busy = await startBusy()
  const before = busy.server.requests
  const controller = new AbortController()
  const request = busy.session.get(busy.url, { signal: controller.signal })
  controller.abort(new Error('by the caller'))
  await assert.rejects(request, /by the caller/)
  assert.equal(busy.server.requests, before)
})

test('requests are sent where a test framework has replaced the timers', async (t) => {
  await using busy = await startBusy()
  t.mock.timers.enable()
  const responses = await Promise.all([1, 2, 3].map(() => busy.session.get(busy.url)))
  t.mock.timers.reset()
  assert(responses.every(({ ok }) => ok))
})

test('requests are sent where a test framework had replaced the timers before vouch was loaded', async () => {
  await using server = await startHttpsServer({ cert: pair.chain, key: pair.key })
  using dir = tempDir()
  const program = `
    import { mock } from 'node:test'
    mock.timers.enable()
    const { Session } = await import(${JSON.stringify(moduleUrl('index'))})
    const session = new Session({ verify: process.argv[2] })
    const ask = async () => (await session.get(process.argv[1])).ok
    console.log((await Promise.all(Array.from({ length: 8 }, ask))).join())
    await session.close()`
  const stdout = await outputOfScript(program, { args: [server.url, dir.write('ca.pem', authority.certificate)] })
  assert.equal(stdout.trim(), Array.from({ length: 8 }, () => true).join())
})
