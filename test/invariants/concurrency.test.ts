/** I6 under load: 200 requests of every kind at a time through one session. Each gets its own answer, nothing is left. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { getEventListeners } from 'node:events'
import { createReadStream } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createGzip, gzipSync } from 'node:zlib'
import { HTTPAdapter, type Response, Session, Timeout } from '../../src/index.ts'
import { eventually } from '../helpers/eventually.ts'
import { createAuthority } from '../helpers/pki.ts'
import { startHttpsServer } from '../helpers/servers.ts'
import { tempDir } from '../helpers/temp.ts'

const sha256 = (data: Buffer | string) => createHash('sha256').update(data).digest('hex')

/** The body that the server makes of a number: up to 400 KB. */
const contentOf = (id: number) => Buffer.alloc(1000 + ((id * 7919) % 400_000), String(id))

async function handler(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '', 'https://server')
  const id = Number(url.searchParams.get('id'))
  const hash = createHash('sha256')
  for await (const chunk of request) hash.update(chunk as Buffer)
  const digest = hash.digest('hex')
  await sleep(id % 7)
  response.setHeader('X-Id', id)
  if (url.pathname === '/echo') response.end(`${id} ${digest}`)
  else if (url.pathname === '/plain') response.end(contentOf(id))
  else if (url.pathname === '/gzip') {
    response.setHeader('Content-Encoding', 'gzip')
    if (id % 2) response.end(gzipSync(contentOf(id)))
    else {
      const gzip = createGzip()
      gzip.pipe(response)
      gzip.end(contentOf(id))
    }
  } else if (url.pathname === '/redirect') response.writeHead(307, { Location: `/echo?id=${id}` }).end('moved')
  else if (url.pathname === '/reset') request.socket.destroy()
  else if (url.pathname === '/empty') response.writeHead(204).end()
}

test('200 requests at a time get their own answers, and leave nothing behind', async () => {
  const authority = createAuthority()
  const { chain, key } = authority.issue({ hosts: ['localhost'] })
  using dir = tempDir()
  const ca = dir.write('ca.pem', authority.certificate)
  const file = dir.write('file', randomBytes(200_000))
  const ofFile = sha256(await createReadStream(file).toArray().then(Buffer.concat))
  await using server = await startHttpsServer({ cert: chain, key, handler })
  const session = new Session({ verify: ca })
  session.mount('https://', new HTTPAdapter({ poolMaxsize: 50 }))
  const { signal } = new AbortController()
  const at = (path: string, id: number) => `${server.url}${path}?id=${id}`
  const isOwn = (response: Response, id: number) => assert.equal(response.headers.get('x-id'), String(id))

  const KINDS: ((id: number) => Promise<void>)[] = [
    async (id) => {
      const response = await session.get(at('/plain', id), { signal })
      isOwn(response, id)
      assert.equal(sha256(response.content), sha256(contentOf(id)))
    },
    async (id) => assert.equal(sha256((await session.get(at('/gzip', id))).content), sha256(contentOf(id))),
    async (id) => {
      const data = randomBytes((id * 997) % 100_000)
      assert.equal((await session.post(at('/echo', id), { data })).text, `${id} ${sha256(data)}`)
    },
    async (id) =>
      assert.equal((await session.put(at('/echo', id), { data: createReadStream(file) })).text, `${id} ${ofFile}`),
    async (id) => isOwn(await session.post(at('/echo', id), { files: { f: createReadStream(file), g: `${id}` } }), id),
    async (id) => {
      const json = { id, text: 'x'.repeat(id) }
      const response = await session.post(at('/redirect', id), { json, signal })
      assert.equal(response.text, `${id} ${sha256(JSON.stringify(json))}`)
    },
    async (id) => {
      const response = await session.head(at('/plain', id))
      isOwn(response, id)
      assert.equal(response.content.length, 0)
    },
    async (id) => {
      const response = await session.get(at('/gzip', id), { stream: true, signal })
      const hash = createHash('sha256')
      for await (const chunk of response.iterContent(10_000)) hash.update(chunk)
      assert.equal(hash.digest('hex'), sha256(contentOf(id)))
    },
    async (id) => {
      const response = await session.get(at('/plain', id), { stream: true })
      for await (const _ of response) break
    },
    async (id) => (await session.get(at('/plain', id), { stream: true })).close(),
    async (id) => {
      const controller = new AbortController()
      setTimeout(() => controller.abort(new Error(`enough of ${id}`)), id % 11)
      const hopeless = session.post(at('/plain', id), { data: randomBytes(300_000), signal: controller.signal })
      const outcome = await hopeless.then(({ content }) => sha256(content), String)
      assert([`Error: enough of ${id}`, sha256(contentOf(id))].includes(outcome), outcome)
      assert.equal(getEventListeners(controller.signal, 'abort').length, 0)
    },
    async (id) => assert.rejects(session.get(at('/never', id), { timeout: { read: 20 } }), Timeout),
    async (id) => assert.rejects(session.post(at('/reset', id), { data: 'x' }), { name: 'ConnectionError' }),
    async (id) => isOwn(await session.delete(at('/empty', id)), id),
    async (id) => assert.rejects(session.get(at('/plain', id), { verify: true }), { name: 'SSLError' }),
  ]

  for (let round = 0; round < 3; round++) {
    const ids = Array.from({ length: 200 }, (_, n) => round * 200 + n)
    await Promise.all(ids.map((id) => KINDS[id % KINDS.length]?.(id)))
  }
  assert.equal(getEventListeners(signal, 'abort').length, 0)
  await eventually(() => server.open <= 50, 'more connections are open than a pool keeps')
  assert.equal((await session.get(at('/echo', 1))).statusCode, 200)
  await session.close()
  await eventually(() => server.open === 0, 'a connection is left open')
})
