/** `fetch`: its Response, bodies in both directions as they stream, aborts, and inputs of other classes. */

import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { getEventListeners, once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import { gzipSync } from 'node:zlib'
import { Request as NodeFetchRequest } from 'node-fetch'
import { Request as UndiciRequest } from 'undici'
import { ChunkedEncodingError, fetch, HTTPAdapter, Session } from '../../src/index.ts'
import { eventually } from '../helpers/eventually.ts'
import { collectGarbage } from '../helpers/garbage.ts'
import { type Echo, type Handler, startHttpServer, type TestServer } from '../helpers/servers.ts'

const server = await startHttpServer()
after(() => server.close())

const json = async (response: globalThis.Response): Promise<Echo> => (await response.json()) as Echo

/** A server that hands its first request to the test. */
async function startManual(): Promise<TestServer & { readonly first: Promise<[IncomingMessage, ServerResponse]> }> {
  const { promise: first, resolve } = Promise.withResolvers<[IncomingMessage, ServerResponse]>()
  const handler: Handler = (request, response) => resolve([request, response])
  return Object.assign(await startHttpServer({ handler }), { first })
}

test('the response is a Response of this realm, and so is its clone', async () => {
  const response = await fetch(`${server.url127}/a#b`)
  assert.ok(response instanceof globalThis.Response)
  assert.equal(response.constructor, globalThis.Response)
  assert.equal(String(response), '[object Response]')
  const clone = response.clone()
  for (const each of [response, clone, clone.clone()]) {
    const { url, redirected, type, ok, status, statusText } = each
    assert.deepEqual(
      { url, redirected, type, ok, status, statusText },
      { url: `${server.url127}/a`, redirected: false, type: 'basic', ok: true, status: 200, statusText: 'OK' },
    )
    assert.deepEqual(Object.keys(each), [])
    assert.match(inspect(each), /url: 'http/)
  }
  assert.equal(await response.text(), await clone.text())
  assert.equal(new globalThis.Response(null, response).status, 200)
})

test('a subclass that a framework put in the place of Response does not change the body, nor that of a clone', async () => {
  const original = globalThis.Response
  // As in @hono/node-server: members that are delegated to a Response made with the same arguments.
  class Delegating {
    readonly #inner: globalThis.Response
    constructor(...args: ConstructorParameters<typeof Response>) {
      this.#inner = new original(...args)
    }
    async text() {
      return `delegated ${await this.#inner.text()}`
    }
    clone() {
      return this.#inner.clone()
    }
    get headers() {
      return this.#inner.headers
    }
  }
  Object.setPrototypeOf(Delegating, original)
  Object.setPrototypeOf(Delegating.prototype, original.prototype)
  try {
    globalThis.Response = Delegating as unknown as typeof Response
    const response = await fetch(`${server.url127}/a`)
    const clone = response.clone()
    // What the server received comes back.
    for (const each of [clone, response]) {
      assert.equal(each.status, 200)
      assert.equal(JSON.parse(await each.text()).url, '/a')
    }
  } finally {
    globalThis.Response = original
  }
})

/** Classes in the place of Response: how they are made of Node's, and whether they read streams. */
const REPLACEMENTS: Readonly<
  Record<string, readonly [make: (original: typeof Response) => unknown, streams: boolean]>
> = {
  'a polyfill that assigns its properties, as whatwg-fetch': [
    () =>
      function (this: Record<string, unknown>, body: unknown, { status = 200 }: ResponseInit = {}) {
        Object.assign(this, { type: 'default', status, ok: true, url: '', headers: new Headers(), content: body })
      },
    false,
  ],
  'a polyfill with fields, as happy-dom': [
    (original) =>
      class {
        url = ''
        status = 200
        headers = new Headers()
        body: unknown
        readonly #inner: Response
        constructor(...args: ConstructorParameters<typeof Response>) {
          this.#inner = new original(...args)
          this.body = this.#inner.body
        }
        blob() {
          return this.#inner.blob()
        }
      },
    true,
  ],
  'a class that makes a Response of Node': [
    (original) =>
      new Proxy(class {}, {
        construct: (_class, args: ConstructorParameters<typeof Response>) => new original(...args),
      }),
    true,
  ],
}

for (const [name, [make, streams]] of Object.entries(REPLACEMENTS)) {
  test(`${name}, in the place of Response changes neither head nor body`, async () => {
    const original = globalThis.Response
    try {
      globalThis.Response = make(original) as typeof Response
      const response = await fetch(`${server.url127}/a`)
      assert(response instanceof globalThis.Response)
      const { status, url, type, ok } = response
      assert.deepEqual({ status, url, type, ok }, { status: 200, url: `${server.url127}/a`, type: 'basic', ok: true })
      assert.equal(response.headers.get('content-type'), 'application/json')
      assert.equal(JSON.parse(await response.text()).url, '/a')
      const other = await fetch(`${server.url127}/a`)
      const blob = async () => (await other.blob()).text()
      if (streams) assert.match(await blob(), /"url":"\/a"/)
      else {
        await assert.rejects(blob, { name: 'TypeError', message: /replaced by a class without streams: use text/ })
        // As the message advises.
        assert.equal(JSON.parse(await other.text()).url, '/a')
      }
    } finally {
      globalThis.Response = original
    }
  })
}

test('the members of a response are enumerable, as with Node’s fetch', async () => {
  const membersOf = (response: globalThis.Response) => {
    const names: string[] = []
    for (const name in response) names.push(name)
    return names.sort()
  }
  assert.deepEqual(membersOf(await fetch(server.url127)), membersOf(new Response(null)))
})

test('a status that no Response can be made with, and a reason that none can have, are those of the response', async () => {
  const handler: Handler = ({ socket }) =>
    void socket.end('HTTP/1.1 999 Odd \xe9\r\nContent-Length: 2\r\n\r\nhi', 'latin1')
  await using odd = await startHttpServer({ handler })
  const { status, statusText, ok } = await fetch(odd.url127)
  assert.deepEqual({ status, statusText, ok }, { status: 999, statusText: 'Odd \xe9', ok: false })
})

/** What is asked of a response, in this order, each when the one before is done. */
type Use =
  | 'text'
  | 'json'
  | 'bytes'
  | 'arrayBuffer'
  | 'blob'
  | 'formData'
  | 'clone'
  | 'body'
  | 'bodyUsed'
  | 'cancel'
  | 'reader'

const USES: readonly (readonly Use[])[] = [
  ['bodyUsed', 'text', 'bodyUsed', 'text'],
  ['json', 'bodyUsed', 'body', 'bodyUsed', 'json'],
  ['body', 'bodyUsed', 'text', 'bodyUsed', 'body', 'arrayBuffer'],
  ['reader', 'bodyUsed', 'text'],
  ['cancel', 'bodyUsed', 'text'],
  ['text', 'reader'],
  ['text', 'clone'],
  ['clone', 'bodyUsed', 'text', 'clone'],
  ['bytes', 'blob'],
  ['arrayBuffer', 'formData'],
  ['blob', 'bytes', 'bodyUsed'],
  ['formData', 'arrayBuffer', 'bodyUsed'],
]

/** What comes of it: the value in short, or the error. */
async function use(response: globalThis.Response, what: Use): Promise<unknown> {
  try {
    if (what === 'bodyUsed') return response.bodyUsed
    if (what === 'body') {
      const { body } = response
      return [body === response.body, body?.locked]
    }
    if (what === 'cancel') return await response.body?.cancel()
    if (what === 'reader') return (await response.body?.getReader().read())?.value?.length
    if (what === 'clone') return [await response.clone().text(), response.headers.get('content-type')]
    const value: unknown = await (response as globalThis.Response & { bytes(): Promise<Uint8Array> })[what]()
    return value instanceof Blob ? [value.type, await value.text()] : value
  } catch (error) {
    const { name, message } = error as Error
    return `${name}: ${message}`
  }
}

for (const uses of USES) {
  test(`${uses.join(', then ')}: the body gives what Node’s fetch gives`, async () => {
    const handler: Handler = (_request, response) =>
      void response.setHeader('content-type', 'text/x').end('\ufeff{"a": "ä"}')
    await using server = await startHttpServer({ handler })
    const [own, nodes] = [await fetch(server.url127), await globalThis.fetch(server.url127)]
    for (const what of uses) assert.deepEqual(await use(own, what), await use(nodes, what), what)
  })
}

test('an abort reaches a body that is being read as a whole, and one that has arrived', async () => {
  await using slow = await startHttpServer({ handler: (_request, response) => void response.write('part') })
  const reason = new Error('enough')
  for (const { url127, hasArrived } of [
    { url127: slow.url127, hasArrived: false },
    { url127: server.url127, hasArrived: true },
  ]) {
    const controller = new AbortController()
    const response = await fetch(url127, { signal: controller.signal })
    if (hasArrived) await sleep(50)
    const early = hasArrived ? undefined : response.text()
    controller.abort(reason)
    await assert.rejects(early ?? response.text(), (error) => error === reason)
    assert.equal(response.bodyUsed, true)
  }
  await eventually(() => slow.open === 0, 'the connection of an aborted body stays open')
})

test('members of a response can be replaced, as Node’s', async () => {
  const response = await fetch(server.url127)
  Object.assign(response, { json: async () => 'replaced' })
  assert.equal(await response.json(), 'replaced')
})

test('the body is a byte stream, and its chunks are arrays of their own', async () => {
  const response = await fetch(server.url127)
  assert.ok(response.body)
  const reader = response.body.getReader({ mode: 'byob' })
  let bytes = Buffer.alloc(0)
  for (;;) {
    const { done, value } = await reader.read(new Uint8Array(16))
    if (done) break
    assert.equal(value.constructor, Uint8Array)
    bytes = Buffer.concat([bytes, value])
  }
  assert.equal(JSON.parse(bytes.toString()).method, 'GET')
})

test('the body arrives chunk by chunk, each before the next is sent', async () => {
  await using manual = await startManual()
  const pending = fetch(manual.url127)
  const [, sent] = await manual.first
  sent.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
  const response = await pending
  assert.ok(response.body)
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
    sent.write(event)
    assert.deepEqual(await reader.read(), { done: false, value: event })
  }
  sent.end()
  assert.equal((await reader.read()).done, true)
})

test('a reader that waits slows the server down', async () => {
  let written = 0
  const chunks = function* () {
    for (const chunk = Buffer.alloc(65_536); written < 2 ** 28; written += chunk.length) yield chunk
  }
  const handler: Handler = (_, response) => pipeline(Readable.from(chunks()), response).catch(() => {})
  await using endless = await startHttpServer({ handler })
  const response = await fetch(endless.url127)
  let before: number
  do {
    before = written
    await sleep(100)
  } while (written !== before)
  assert.ok(written < 2 ** 26, `${written} bytes were taken though nothing was read`)
  await response.body?.cancel()
})

test('a body that is cancelled closes its connection', async () => {
  await using manual = await startManual()
  const pending = fetch(manual.url127)
  const [, sent] = await manual.first
  sent.writeHead(200).write('a')
  const closed = once(sent, 'close')
  const response = await pending
  await response.body?.cancel()
  await closed
})

test('compressed bodies are decoded as they arrive, and their headers stay', async () => {
  const handler: Handler = (_, response) =>
    void response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('x'.repeat(1e6)))
  await using compressed = await startHttpServer({ handler })
  const response = await fetch(compressed.url127)
  assert.equal(response.headers.get('content-encoding'), 'gzip')
  assert.equal((await response.text()).length, 1e6)
})

test('a body that breaks is a TypeError with vouch’s error as its cause', async () => {
  await using manual = await startManual()
  const pending = fetch(manual.url127)
  const [, sent] = await manual.first
  sent.writeHead(200, { 'content-length': 10 }).write('a')
  const response = await pending
  setTimeout(() => sent.destroy(), 10)
  await assert.rejects(response.text(), (error) => {
    assert.ok(error instanceof TypeError)
    assert.ok(error.cause instanceof ChunkedEncodingError)
    assert.equal(error.message, `fetch failed: ${error.cause.message}`)
    assert.equal(error.cause.request?.url, `${manual.url127}/`)
    return true
  })
})

test('a response without a body gives its connection back', async () => {
  const handler: Handler = (request, response) => {
    const status = request.url === '/204' ? 204 : request.url === '/304' ? 304 : 200
    response.writeHead(status, status === 200 ? { 'content-length': 2 } : {}).end()
  }
  await using bodiless = await startHttpServer({ handler })
  await using session = new Session()
  for (const path of ['/204', '/304']) assert.equal((await session.fetch(bodiless.url127 + path)).body, null)
  for (let round = 0; round < 3; round++)
    assert.equal((await session.fetch(bodiless.url127, { method: 'HEAD' })).body, null)
  assert.equal(bodiless.connections, 1)
})

test('an upload is sent as its chunks are made, and no more is taken from it than is sent', async () => {
  await using manual = await startManual()
  let made = 0
  const body = new ReadableStream({
    async pull(controller) {
      made++
      if (made > 4000) return controller.close()
      controller.enqueue(new Uint8Array(65_536))
    },
  })
  const pending = fetch(manual.url127, { method: 'POST', body, duplex: 'half' } as RequestInit)
  const [received, sent] = await manual.first
  let before: number
  do {
    before = made
    await sleep(100)
  } while (made !== before)
  assert.ok(made < 1000, `${made} chunks were made though the server read none`)
  received.resume().on('end', () => sent.end('done'))
  assert.equal(await (await pending).text(), 'done')
})

test('a response may come before the upload ends', async () => {
  await using manual = await startManual()
  const { promise: end, resolve } = Promise.withResolvers<void>()
  const body = (async function* () {
    yield Buffer.from('a')
    await end
    yield Buffer.from('b')
  })()
  const pending = fetch(manual.url127, { method: 'POST', body, duplex: 'half' } as RequestInit)
  const [received, sent] = await manual.first
  sent.writeHead(200).flushHeaders()
  const response = await pending
  resolve()
  sent.end(await text(received))
  assert.equal(await response.text(), 'ab')
})

const reason = new RangeError('enough')

test('an abort before the response rejects with the signal’s reason and closes the connection', async () => {
  await using manual = await startManual()
  const controller = new AbortController()
  const pending = fetch(manual.url127, { signal: controller.signal })
  const [received] = await manual.first
  const closed = once(received.socket, 'close')
  controller.abort(reason)
  await assert.rejects(pending, reason)
  await closed
})

test('an abort in the middle of the body is the error of its reader, and closes the connection', async () => {
  await using manual = await startManual()
  const controller = new AbortController()
  const pending = fetch(manual.url127, { signal: controller.signal })
  const [received, sent] = await manual.first
  sent.writeHead(200).write('a')
  const closed = once(received.socket, 'close')
  const response = await pending
  assert.ok(response.body)
  const reader = response.body.getReader()
  assert.equal((await reader.read()).value?.length, 1)
  const next = reader.read()
  controller.abort(reason)
  await assert.rejects(next, reason)
  await closed
})

test('an abort reaches a body that has arrived and was not read', async () => {
  const controller = new AbortController()
  const response = await fetch(server.url127, { signal: controller.signal })
  await sleep(20)
  controller.abort(reason)
  await assert.rejects(response.text(), reason)
})

test('neither a body that was read nor one that broke before it was read leaves a listener on the signal', async () => {
  const controller = new AbortController()
  const { signal } = controller
  const listeners = () => getEventListeners(signal, 'abort').length
  const response = await fetch(server.url127, { signal })
  assert.ok(listeners() > 0)
  await response.text()
  await eventually(() => listeners() === 0, 'a body that was read leaves a listener')

  await using manual = await startManual()
  const pending = fetch(manual.url127, { signal })
  const [received, sent] = await manual.first
  sent.writeHead(200).write('a')
  const { body } = await pending
  received.socket.destroy()
  await eventually(() => listeners() === 0, 'a body that broke leaves a listener')
  assert.ok(body)
  await assert.rejects(new Response(body).text(), { name: 'TypeError', message: /^fetch failed: / })
  controller.abort()
})

test('a response that is dropped with its body unread closes its connection, as with Node’s fetch', async () => {
  await using own = await startHttpServer({ handler: (_request, response) => void response.end(Buffer.alloc(500_000)) })
  const { signal } = new AbortController()
  for (let i = 0; i < 3; i++) assert.equal((await fetch(own.url127, { signal })).status, 200)
  // Touched, and dropped all the same.
  assert((await fetch(own.url127, { signal })).body)
  ;(await fetch(own.url127, { signal })).clone()
  assert.match(inspect(await fetch(own.url127, { signal })), /status: 200/)
  const { body } = await fetch(own.url127, { signal })
  const kept = await fetch(own.url127, { signal })
  await eventually(() => {
    collectGarbage()
    return own.open === 2 && getEventListeners(signal, 'abort').length <= 3
  }, 'a body that nothing can read keeps its connection')
  assert.equal((await new Response(body).arrayBuffer()).byteLength, 500_000)
  assert.equal((await kept.text()).length, 500_000)
})

test('an abort ends an upload and closes its stream', async () => {
  await using manual = await startManual()
  const controller = new AbortController()
  const { promise: cancelled, resolve } = Promise.withResolvers<void>()
  const body = new ReadableStream({
    pull: (stream) => stream.enqueue(new Uint8Array(10)),
    cancel: () => resolve(),
  })
  const pending = fetch(manual.url127, {
    method: 'POST',
    body,
    duplex: 'half',
    signal: controller.signal,
  } as RequestInit)
  await manual.first
  controller.abort(reason)
  await assert.rejects(pending, reason)
  await cancelled
})

test('the signal of a Request, and one of another class, abort it', async () => {
  await using manual = await startManual()
  const controller = new AbortController()
  const pending = fetch(new Request(manual.url127, { signal: controller.signal }))
  await manual.first
  controller.abort(reason)
  await assert.rejects(pending, reason)
  const polyfill = Object.assign(new EventTarget(), { aborted: false, reason: undefined as unknown })
  const other = fetch(server.url127, { signal: polyfill as unknown as AbortSignal })
  Object.assign(polyfill, { aborted: true, reason }).dispatchEvent(new Event('abort'))
  await assert.rejects(other, reason)
})

/** Requests of other classes, each with what it sends. */
const REQUESTS: Readonly<Record<string, (url: string) => unknown>> = {
  'this realm': (url) => new Request(url, { method: 'PUT', headers: { 'x-a': '1' }, body: 'text' }),
  'this realm, cloned': (url) => new Request(url, { method: 'PUT', headers: { 'x-a': '1' }, body: 'text' }).clone(),
  undici: (url) => new UndiciRequest(url, { method: 'PUT', headers: { 'x-a': '1' }, body: 'text' }),
  'node-fetch': (url) => new NodeFetchRequest(url, { method: 'PUT', headers: { 'x-a': '1' }, body: 'text' }),
  'no library': (url) => ({ url, method: 'PUT', headers: { 'x-a': '1' }, body: Readable.from(['text']) }),
}

for (const [name, make] of Object.entries(REQUESTS)) {
  test(`a Request of ${name} is sent with its method, headers and body, whose length is known`, async () => {
    const request = make(server.url127) as Request
    const { method, headers, body } = await json(await fetch(request))
    assert.equal(method, 'PUT')
    assert.equal(headers['x-a'], '1')
    assert.equal(body, 'text')
    assert.equal(headers['content-length'], '4')
    assert.equal(headers['transfer-encoding'], undefined)
  })
}

test('a Request without a stream is asked for its bytes', async () => {
  const bytes = new TextEncoder().encode('text').buffer
  const request = {
    url: server.url127,
    method: 'PUT',
    headers: new Map([['x-a', '1']]),
    arrayBuffer: async () => bytes,
  }
  const { headers, body } = await json(await fetch(request as unknown as Request))
  assert.equal(headers['x-a'], '1')
  assert.equal(body, 'text')
})

test('a Request of node-fetch with an agent is refused: the agent would not be used', async () => {
  const { Agent } = await import('node:http')
  const request = new NodeFetchRequest(server.url127, { agent: new Agent() })
  await assert.rejects(fetch(request as unknown as Request), /"agent".*new Session\(\{/)
})

test('a Request whose body is a stream is sent as it arrives', async () => {
  await using manual = await startManual()
  const { promise: end, resolve } = Promise.withResolvers<void>()
  const body = (async function* () {
    yield Buffer.from('a')
    await end
    yield Buffer.from('b')
  })()
  const pending = fetch(new Request(manual.url127, { method: 'POST', body, duplex: 'half' } as RequestInit))
  const [received, sent] = await manual.first
  assert.equal(received.headers['transfer-encoding'], 'chunked')
  const [first] = await once(received, 'data')
  assert.equal(String(first), 'a')
  resolve()
  sent.end('done')
  received.resume()
  assert.equal(await (await pending).text(), 'done')
})

test('a large Request body is sent whole', async () => {
  for (const size of [1e6, 3e6]) {
    const blob = new Blob([new Uint8Array(size).fill(97)])
    const seen = await json(await fetch(new Request(server.url127, { method: 'POST', body: blob })))
    assert.equal(seen.body.length, size)
  }
})

test('bytes may be changed after the call', async () => {
  const bytes = new TextEncoder().encode('before')
  const pending = fetch(server.url127, { method: 'POST', body: bytes })
  bytes.fill(120)
  assert.equal((await json(await pending)).body, 'before')
})

test('names of headers are sent as they are spelled, in the order of the call', async () => {
  const handler: Handler = (request, response) => void response.end(JSON.stringify(request.rawHeaders))
  await using raw = await startHttpServer({ handler })
  const response = await fetch(raw.url127, { headers: { 'X-Zebra': '1', 'X-aPe': '2', 'User-Agent': 'own' } })
  const names = ((await response.json()) as string[]).filter((_, index) => index % 2 === 0)
  assert.deepEqual(names, ['Host', 'User-Agent', 'Accept-Encoding', 'Accept', 'Connection', 'X-Zebra', 'X-aPe'])
})

test('fifty at a time, with one signal, share the session’s connections', async () => {
  await using session = new Session()
  session.mount('http://', new HTTPAdapter({ poolMaxsize: 5, poolBlock: true }))
  const { signal } = new AbortController()
  const before = server.connections
  const seen = await Promise.all(
    Array.from(
      { length: 50 },
      async (_, index) => (await json(await session.fetch(`${server.url127}/${index}`, { signal }))).url,
    ),
  )
  assert.deepEqual(
    seen,
    Array.from({ length: 50 }, (_, index) => `/${index}`),
  )
  assert.ok(server.connections - before <= 5)
})
