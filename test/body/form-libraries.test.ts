/** The form data and files of other packages as `data` and `files`. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { File as NodeFile } from 'node:buffer'
import { PassThrough, Readable } from 'node:stream'
import { test } from 'node:test'
import FormDataStream from 'form-data'
import { FormData as UndiciFormData } from 'undici'
import { type DataInit, post } from '../../src/index.ts'
import { type Echo, startHttpServer } from '../helpers/servers.ts'

async function sent(data: unknown) {
  await using server = await startHttpServer()
  const { headers, body } = (await post(server.url127, { data: data as DataInit })).json<Echo>()
  const [, boundary = 'none'] = /^multipart\/form-data; boundary=(.+)$/.exec(String(headers['content-type'])) ?? []
  const parts = body.split(`--${boundary}`).slice(1, -1)
  return { headers, parts: parts.map((part) => part.trim().split('\r\n\r\n')) }
}

test('form-data of npm is sent with its own boundary, and with its length if that is known', async () => {
  const form = new FormDataStream()
  form.append('a', '1')
  form.append('f', Buffer.from('xyz'), { filename: 'x.txt' })
  const { headers, parts } = await sent(form)
  assert.match(String(headers['content-length']), /^\d+$/)
  assert.deepEqual(
    parts.map(([, content]) => content),
    ['1', 'xyz'],
  )
  assert.match(parts[1]?.[0] ?? '', /name="f"; filename="x.txt"/)
})

test('form-data of npm with a stream of unknown length is sent in chunks', async () => {
  const form = new FormDataStream()
  form.append('f', Readable.from([Buffer.from('abc'), Buffer.from('def')]), { filename: 'x.bin' })
  const { headers, parts } = await sent(form)
  assert.equal(headers['transfer-encoding'], 'chunked')
  assert.equal(parts[0]?.[1], 'abcdef')
})

test('form-data of npm that has been read already is refused', async () => {
  const refusal = { name: 'TypeError', message: 'data is a stream that has been read or closed already' }
  const form = new FormDataStream()
  form.append('a', '1')
  await sent(form)
  await assert.rejects(sent(form), refusal)
  const piped = new FormDataStream()
  piped.append('f', Readable.from(['abc']), { filename: 'x.bin' })
  for await (const _ of piped.pipe(new PassThrough()));
  await assert.rejects(sent(piped), refusal)
})

test('form-data of npm that is shorter than it says is an error, and no half body', async () => {
  const form = new FormDataStream()
  form.append('f', Readable.from([Buffer.from('abc')]), { filename: 'x.bin', knownLength: 100 })
  await assert.rejects(sent(form), { name: 'RequestException', message: /another length than was announced/ })
})

for (const [what, create] of [
  ["undici's", () => new UndiciFormData()],
  ['the global', () => new FormData()],
] as const) {
  test(`${what} FormData with a File of node:buffer is multipart`, async () => {
    const form = create()
    form.append('a', '1')
    form.append('f', new NodeFile(['q'], 'q.txt', { type: 'text/x' }) as never)
    const { parts } = await sent(form)
    assert.deepEqual(parts, [
      ['Content-Disposition: form-data; name="a"', '1'],
      ['Content-Disposition: form-data; name="f"; filename="q.txt"\r\nContent-Type: text/x', 'q'],
    ])
  })
}

test('a File of node:buffer is a body with its type and length', async () => {
  const { headers } = await sent(new NodeFile(['q'], 'q.txt', { type: 'text/x' }))
  assert.deepEqual([headers['content-type'], headers['content-length']], ['text/x', '1'])
})
