import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { toTimeout } from '../../src/client/settings.ts'
import {
  ConnectionError,
  ConnectTimeout,
  get,
  ReadTimeout,
  RequestException,
  type RequestOptions,
  Session,
  Timeout,
  type TimeoutInit,
} from '../../src/index.ts'
import { eventually } from '../helpers/eventually.ts'
import { type Handler, startHttpServer } from '../helpers/servers.ts'
import { startSilentServer } from '../helpers/tcp.ts'

const handlers: Record<string, Handler> = {
  '/ok': (_request, response) => void response.end('ok'),
  '/silent': () => {},
  '/stall': (_request, response) => void response.write('the beginning'),
  '/drip': async (_request, response) => {
    for (let count = 0; count < 50 && !response.destroyed; count++) {
      response.write('x'.repeat(100))
      await sleep(20)
    }
    response.end()
  },
  '/loop': async (_request, response) => {
    await sleep(30)
    response.writeHead(302, { Location: '/loop' }).end()
  },
  '/big': (_request, response) => void response.end(Buffer.alloc(20_000_000)),
}

const handler: Handler = (request, response) => handlers[request.url ?? '']?.(request, response)
const server = await startHttpServer({ handler })
after(() => server.close())

/** Accepts connections and says nothing, so that no handshake ends. */
const mute = await startSilentServer()
after(() => mute.close())
const muteUrl = `https://127.0.0.1:${mute.port}/`

const LIMITS: [init: TimeoutInit | null | undefined, limits: ReturnType<typeof toTimeout>][] = [
  [undefined, {}],
  [null, {}],
  [5, { connect: 5, read: 5 }],
  [0.5, { connect: 0.5, read: 0.5 }],
  [Number.POSITIVE_INFINITY, { connect: undefined, read: undefined }],
  [[5, 6], { connect: 5, read: 6 }],
  [[5, null], { connect: 5, read: undefined }],
  [{}, {}],
  [
    { connect: 5, total: 7 },
    { connect: 5, read: undefined, total: 7 },
  ],
  [
    { read: 6, total: null },
    { connect: undefined, read: 6, total: undefined },
  ],
]

/** Without those that are `undefined`: no limit. */
function given(limits: object): object {
  return Object.fromEntries(Object.entries(limits).filter(([, limit]) => limit !== undefined))
}

for (const [init, limits] of LIMITS) {
  test(`timeout: ${JSON.stringify(init)} is understood`, () => assert.deepEqual(given(toTimeout(init)), given(limits)))
}

const WRONG: [init: unknown, error: typeof TypeError | typeof RangeError][] = [
  ['5', TypeError],
  [true, TypeError],
  [Number.NaN, TypeError],
  [[5], TypeError],
  [[5, 6, 7], TypeError],
  [['5', 6], TypeError],
  [{ conect: 5 }, TypeError],
  [{ connect: '5' }, TypeError],
  [() => 5, TypeError],
  [0, RangeError],
  [-1, RangeError],
  [2 ** 31, RangeError],
  [[5, 0], RangeError],
]

for (const [init, error] of WRONG) {
  test(`timeout: ${JSON.stringify(init)} is a ${error.name}, for a call and for a session`, async () => {
    await assert.rejects(get(`${server.url127}/ok`, { timeout: init as TimeoutInit }), error)
    assert.throws(() => new Session({ timeout: init as TimeoutInit }), error)
  })
}

const EXPIRE: [
  title: string,
  url: string,
  timeout: TimeoutInit,
  kind: typeof ReadTimeout | typeof ConnectTimeout | typeof Timeout,
  options?: RequestOptions,
][] = [
  ['a handshake that never ends', muteUrl, [60, null], ConnectTimeout],
  ['a handshake that never ends', muteUrl, { connect: 60, read: 5000, total: 5000 }, ConnectTimeout],
  ['a handshake that never ends', muteUrl, { total: 60 }, Timeout],
  ['headers that never come', `${server.url127}/silent`, 60, ReadTimeout],
  ['headers that never come', `${server.url127}/silent`, [5000, 60], ReadTimeout],
  ['headers that never come', `${server.url127}/silent`, { total: 60 }, Timeout],
  ['a body that stalls', `${server.url127}/stall`, { read: 60 }, ReadTimeout],
  ['a body that drips', `${server.url127}/drip`, { read: 300, total: 150 }, Timeout],
  ['redirects without end', `${server.url127}/loop`, { read: 300, total: 150 }, Timeout],
]

for (const [title, url, timeout, kind] of EXPIRE) {
  test(`${title} with timeout ${JSON.stringify(timeout)} is a ${kind.name}`, async () => {
    await using session = new Session({ timeout })
    const started = performance.now()
    await assert.rejects(session.get(url), (error) => {
      assert.ok(error instanceof Timeout, String(error))
      assert.equal(error.name, kind.name)
      assert.equal(error instanceof ConnectionError, kind === ConnectTimeout)
      assert.ok(error instanceof RequestException && error.request !== undefined)
      assert.match(error.message, /(60|150) ms/)
      return true
    })
    assert.ok(performance.now() - started < 1000)
    await eventually(() => mute.sockets.size + server.open === 0, 'a connection is left open')
  })
}

test('a limit that has run out between two requests of a redirect still counts', async () => {
  // The hook waits when the first response is there, and no request is in transit.
  const hooks = { response: () => sleep(300) as Promise<never> }
  await using session = new Session({ timeout: { total: 200 }, hooks })
  await assert.rejects(session.get(`${server.url127}/loop`), Timeout)
})

test('a streamed body that stalls or drips too long fails where it is read', async () => {
  for (const [path, timeout, name] of [
    ['/stall', { read: 60 }, 'ReadTimeout'],
    ['/drip', { total: 100 }, 'Timeout'],
  ] as const) {
    await using session = new Session({ timeout, stream: true })
    const response = await session.get(`${server.url127}${path}`)
    await assert.rejects(response.read(), { name })
  }
})

test('the read timeout is about the server, not about a reader that takes its time', async () => {
  await using session = new Session({ timeout: { read: 1000 }, stream: true })
  const response = await session.get(`${server.url127}/big`)
  let size = 0
  for await (const chunk of response) {
    if (size === 0) await sleep(1500)
    size += chunk.length
  }
  assert.equal(size, 20_000_000)
})

test('null lifts the limit of the session for a call', async () => {
  await using session = new Session({ timeout: [5000, 60] })
  assert.equal((await session.get(`${server.url127}/drip`, { timeout: null })).content.length, 5000)
  await assert.rejects(session.get(`${server.url127}/silent`), ReadTimeout)
})

test('limits do not outlive a request, and an idle connection is used again after them', async () => {
  await using fresh = await startHttpServer({ handler })
  await using session = new Session({ timeout: 60 })
  await session.get(`${fresh.url127}/ok`)
  await sleep(150)
  await session.get(`${fresh.url127}/ok`)
  assert.equal(fresh.connections, 1)
})

const reason = new Error('the user changed their mind')

const ABORTS: [title: string, url: string, delay: number | undefined][] = [
  ['before the request', `${server.url127}/ok`, undefined],
  ['during the handshake', muteUrl, 40],
  ['while waiting for the headers', `${server.url127}/silent`, 40],
  ['in the middle of the body', `${server.url127}/stall`, 40],
  ['between redirects', `${server.url127}/loop`, 50],
]

for (const [title, url, delay] of ABORTS) {
  for (const why of [reason, 'a text for a reason', undefined]) {
    test(`a signal that aborts ${title} rejects with its reason (${String(why)}) and leaves nothing behind`, async () => {
      await using session = new Session()
      const controller = new AbortController()
      if (delay === undefined) controller.abort(why)
      else setTimeout(() => controller.abort(why), delay)
      await assert.rejects(
        session.get(url, { signal: controller.signal }),
        (error) => error === controller.signal.reason,
      )
      assert.equal(getEventListeners(controller.signal, 'abort').length, 0)
      await eventually(() => mute.sockets.size + server.open === 0, 'a connection is left open')
    })
  }
}

test('a signal that aborts a streamed body rejects its reader, also one that comes late', async () => {
  for (const late of [false, true]) {
    await using session = new Session()
    const controller = new AbortController()
    const response = await session.get(`${server.url127}/stall`, { signal: controller.signal, stream: true })
    const reading = late ? undefined : response.read()
    controller.abort(reason)
    if (late) await sleep(20)
    await assert.rejects(reading ?? response.read(), reason)
    await assert.rejects(async () => {
      for await (const chunk of response) assert.ok(chunk)
    })
    assert.equal(getEventListeners(controller.signal, 'abort').length, 0)
  }
})

test('AbortSignal.timeout rejects with its own TimeoutError', async () => {
  await assert.rejects(get(`${server.url127}/silent`, { signal: AbortSignal.timeout(40) }), { name: 'TimeoutError' })
})

test('a signal that serves many requests gathers no listeners, and none are left afterwards', async () => {
  await using session = new Session()
  const { signal } = new AbortController()
  for (let count = 0; count < 20; count++) await session.get(`${server.url127}/ok`, { signal })
  await assert.rejects(session.get(`${server.url127}/silent`, { signal, timeout: [5000, 60] }), ReadTimeout)
  assert.equal(getEventListeners(signal, 'abort').length, 0)
})
