/** Requests that begin while many are under way: sent together at the end of the iteration of the event loop, each with the trust of its time. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import fs, { rmSync, writeFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { syncBuiltinESMExports } from 'node:module'
import { type TestContext, test } from 'node:test'
import { setImmediate as endOfIteration } from 'node:timers/promises'
import { CABundle, CABundleError, HTTPAdapter, Session, SSLError } from '../../src/index.ts'
import { becomesTrue } from '../helpers/eventually.ts'
import { createAuthority } from '../helpers/pki.ts'
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
  const release = async () => {
    for (const response of held) response.end()
    await Promise.all(waiting)
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
      await release()
      await session.close()
      await server.close()
      dir[Symbol.dispose]()
    },
  }
}

/** Counts the status calls for `path` while `run` runs. */
async function statusCalls({ mock }: TestContext, path: string, run: () => Promise<unknown>): Promise<number> {
  const spy = mock.method(fs, 'statSync')
  syncBuiltinESMExports()
  await run()
  spy.mock.restore()
  syncBuiltinESMExports()
  return spy.mock.calls.filter(({ arguments: [asked] }) => asked === path).length
}

test('fifty requests that begin together ask for the status of their file once', async (t) => {
  await using busy = await startBusy()
  await busy.settle()
  const calls = await statusCalls(t, busy.path, async () => {
    const responses = await Promise.all(Array.from({ length: 50 }, () => busy.session.get(busy.url)))
    assert(responses.every(({ text }) => text === 'done'))
  })
  assert.equal(calls, 1)
  const later = await statusCalls(t, busy.path, async () => {
    for (let request = 0; request < 3; request++) await busy.session.get(busy.url)
  })
  assert.equal(later, 3, 'requests one after the other share nothing')
})

test('a file that is changed between two requests of one iteration counts for the second', async () => {
  await using busy = await startBusy()
  await busy.settle()
  const first = busy.session.get(busy.url)
  writeFileSync(busy.path, stranger)
  const second = busy.session.get(busy.url)
  await Promise.allSettled([first, second])
  await assert.rejects(second, SSLError)
  await assert.rejects(busy.session.get(busy.url), SSLError)
})

test('a file that is changed at the end of an iteration counts for the requests of the next', async () => {
  await using busy = await startBusy()
  await busy.settle()
  const first = Array.from({ length: 10 }, () => busy.session.get(busy.url))
  // The requests wait for the end of this iteration from their second step on.
  await endOfIteration()
  await endOfIteration()
  writeFileSync(busy.path, stranger)
  const second = Array.from({ length: 10 }, () => busy.session.get(busy.url))
  const outcomes = await Promise.allSettled([...first, ...second])
  assert.deepEqual(
    outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value.text : outcome.reason.name)),
    [...first.map(() => 'done'), ...second.map(() => 'SSLError')],
  )
})

test('a status is shared by the requests that were sent together, and by nothing after them', async () => {
  await using busy = await startBusy()
  await busy.settle()
  await Promise.all([1, 2, 3].map(() => busy.session.get(busy.url)))
  writeFileSync(busy.path, stranger)
  assert.equal(CABundle.from(busy.path).toPEM(), CABundle.from(stranger).toPEM())
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

test('what observes a request runs in the asynchronous context of that request', async () => {
  await using busy = await startBusy()
  const context = new AsyncLocalStorage<number>()
  const seen: (number | undefined)[] = []
  const observe = (message: unknown) => {
    if ((message as { event: string }).event === 'resolved') seen.push(context.getStore())
  }
  subscribe('vouch:trust', observe)
  try {
    await Promise.all([1, 2, 3].map((id) => context.run(id, () => busy.session.get(busy.url))))
  } finally {
    unsubscribe('vouch:trust', observe)
  }
  assert.deepEqual(seen, [1, 2, 3])
})
