import assert from 'node:assert/strict'
import { once } from 'node:events'
import { appendFileSync, createReadStream, mkdtempSync, openAsBlob, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable, Stream } from 'node:stream'
import { text } from 'node:stream/consumers'
import { after, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { type BodyOptions, type DataInit, type EncodedBody, encodeBody } from '../../src/body/encode.ts'
import { onLinux, onPosix } from '../helpers/platform.ts'

const directory = mkdtempSync(join(tmpdir(), 'vouch-encode-'))
after(() => rmSync(directory, { recursive: true }))
const file = join(directory, 'notes.txt')
writeFileSync(file, '0123456789')

const FORM = 'application/x-www-form-urlencoded'
const JSON_TYPE = 'application/json'
const bytes = new Uint8Array([1, 2, 3, 4])

// As requests decides, but for the blanks of its JSON.
const IN_MEMORY: [title: string, options: BodyOptions, text: string | undefined, type: string | undefined][] = [
  ['nothing is no body', {}, undefined, undefined],
  ['null is no body', { data: null, json: null, files: null }, undefined, undefined],
  ['an empty string is no body', { data: '' }, undefined, undefined],
  ['no bytes are no body', { data: new Uint8Array() }, undefined, undefined],
  ['an empty object is no body', { data: {}, files: {} }, undefined, undefined],
  ['an empty list is no body', { data: [], files: [] }, undefined, undefined],
  ['empty URLSearchParams are no body', { data: new URLSearchParams() }, undefined, undefined],
  ['a string is UTF-8 without a type', { data: 'a=é' }, 'a=é', undefined],
  ['bytes have no type', { data: bytes }, '\x01\x02\x03\x04', undefined],
  ['an ArrayBuffer is bytes', { data: bytes.buffer as ArrayBuffer }, '\x01\x02\x03\x04', undefined],
  ['a view is its part of the bytes', { data: new DataView(bytes.buffer, 1, 2) }, '\x02\x03', undefined],
  ['an object is a form', { data: { a: [1, 2] } }, 'a=1&a=2', FORM],
  ['a Map is a form', { data: new Map([['a', 1]]) }, 'a=1', FORM],
  [
    'pairs are a form',
    {
      data: [
        ['a', 1],
        ['a', 2],
      ],
    },
    'a=1&a=2',
    FORM,
  ],
  ['URLSearchParams are a form', { data: new URLSearchParams('a=1') }, 'a=1', FORM],
  ['a form may come out empty', { data: { a: null }, json: 1 }, '', FORM],
  ['json is sent as JSON', { json: { a: 1 } }, '{"a":1}', JSON_TYPE],
  ['json is sent when data is empty', { data: {}, json: 0 }, '0', JSON_TYPE],
  ['an empty object is sent as JSON', { data: '', json: {} }, '{}', JSON_TYPE],
  ['false is sent as JSON', { json: false }, 'false', JSON_TYPE],
  ['data wins over json', { data: { a: 1 }, json: { b: 2 } }, 'a=1', FORM],
]

for (const [title, options, text, type] of IN_MEMORY) {
  test(title, () => {
    const { content, contentType, contentLength, rewindable } = encodeBody(options)
    assert.equal(content?.toString(), text)
    assert.equal(contentType, type)
    assert.equal(contentLength, text === undefined ? 0 : Buffer.byteLength(text))
    assert.ok(rewindable)
  })
}

const read = ({ content }: EncodedBody) => text(content as AsyncIterable<Uint8Array>)

const STREAMED: [title: string, make: () => DataInit][] = [
  ['a Readable', () => Readable.from([Buffer.from('ab'), 'cd'])],
  ['a web stream', () => ReadableStream.from([Buffer.from('ab'), Buffer.from('cd')])],
  [
    'an async generator',
    async function* () {
      yield 'ab'
      yield Buffer.from('cd')
    },
  ],
  [
    'a generator',
    function* () {
      yield 'ab'
      yield new Uint8Array()
      yield Buffer.from('cd')
    },
  ],
  ['a Set of bytes', () => new Set([Buffer.from('ab'), Buffer.from('cd')])],
  [
    'a stream of the oldest kind',
    () => {
      const old = new Stream() as unknown as NodeJS.ReadableStream
      old.pipe = (target) => {
        target.write('ab')
        target.end('cd')
        return target
      }
      return old
    },
  ],
].map(([title, make]) => [title as string, () => (make as () => DataInit)()])

for (const [title, make] of STREAMED) {
  test(`${title} is sent chunked, without a type, once`, async () => {
    const body = encodeBody({ data: make() })
    assert.equal(body.contentLength, undefined)
    assert.equal(body.contentType, undefined)
    assert.equal(body.rewindable, false)
    assert.equal(await read(body), 'abcd')
    await assert.rejects(read(body), {
      name: 'UnrewindableBodyError',
      message: 'data is a stream that has been read and cannot be sent again',
    })
  })
}

test('a file stream has the length of what it reads and can be sent again', async () => {
  for (const [options, expected] of [
    [{}, '0123456789'],
    [{ start: 2 }, '23456789'],
    [{ start: 2, end: 4 }, '234'],
    [{ end: 99 }, '0123456789'],
  ] as const) {
    const body = encodeBody({ data: createReadStream(file, options) })
    assert.equal(body.contentLength, expected.length)
    assert.equal(body.contentType, undefined)
    assert.ok(body.rewindable)
    assert.equal(await read(body), expected)
    assert.equal(await read(body), expected)
  }
})

test('a file stream that is open already has its length too', async () => {
  const stream = createReadStream(file)
  await once(stream, 'open')
  const body = encodeBody({ data: stream })
  assert.equal(body.contentLength, 10)
  assert.equal(await read(body), '0123456789')
})

test('a file stream whose file was replaced since it was opened is sent chunked', onPosix, async () => {
  const replaced = join(directory, 'replaced')
  writeFileSync(replaced, 'what was there')
  const stream = createReadStream(replaced)
  await once(stream, 'open')
  rmSync(replaced)
  writeFileSync(replaced, 'another')
  const body = encodeBody({ data: stream })
  assert.deepEqual([body.contentLength, body.rewindable, await read(body)], [undefined, false, 'what was there'])
})

test('a file stream that has been read in part, or has no path, is sent chunked', async () => {
  const stream = createReadStream(file)
  await once(stream, 'readable')
  stream.read(4)
  const rest = encodeBody({ data: stream })
  assert.deepEqual([rest.contentLength, rest.rewindable, await read(rest)], [undefined, false, '456789'])
  await using handle = await open(file)
  const body = encodeBody({ data: handle.createReadStream({ autoClose: false }) })
  assert.deepEqual([body.contentLength, body.rewindable, await read(body)], [undefined, false, '0123456789'])
})

test('an empty file is sent chunked, as files that grow while they are read', async () => {
  const empty = join(directory, 'empty')
  writeFileSync(empty, '')
  const body = encodeBody({ data: createReadStream(empty) })
  assert.equal(body.contentLength, undefined)
  assert.equal(await read(body), '')
})

test('an empty file, and a range behind the end of one, can be sent again', async () => {
  const empty = join(directory, 'empty-again')
  writeFileSync(empty, '')
  for (const stream of [createReadStream(empty), createReadStream(file, { start: 100 })]) {
    const body = encodeBody({ data: stream })
    assert.deepEqual([body.contentLength, body.rewindable], [undefined, true])
    assert.deepEqual([await read(body), await read(body)], ['', ''])
  }
  const body = encodeBody({ data: createReadStream(empty) })
  appendFileSync(empty, 'grown')
  assert.deepEqual([await read(body), await read(body)], ['grown', 'grown'])
})

test('an empty file, or a range behind the end of one, has a length as a part of a form', async () => {
  const empty = join(directory, 'empty-part.txt')
  writeFileSync(empty, '')
  for (const stream of [createReadStream(empty), createReadStream(file, { start: 100 })]) {
    const body = encodeBody({ files: { f: stream, g: createReadStream(file) } })
    const sent = await read(body)
    assert.equal(body.contentLength, Buffer.byteLength(sent))
    assert.match(sent, /name="f"; filename="(?:empty-part|notes)\.txt"\r\n\r\n\r\n--/)
    assert.match(sent, /\r\n0123456789\r\n--/)
    assert.ok(stream.destroyed)
  }
})

test('a file that reports no length and has bytes makes a form chunked', onLinux, async () => {
  const body = encodeBody({ files: { f: createReadStream('/proc/self/status') } })
  assert.equal(body.contentLength, undefined)
  assert.match(await read(body), /^VmPeak:/m)
})

test('a file that is not there is an error at once', () => {
  assert.throws(() => encodeBody({ data: createReadStream(join(directory, 'none')) }), { code: 'ENOENT' })
})

test('a file that changes its length while it is sent breaks the body off', async () => {
  const growing = join(directory, 'growing')
  writeFileSync(growing, 'abc')
  const body = encodeBody({ data: createReadStream(growing) })
  appendFileSync(growing, 'def')
  await assert.rejects(read(body), {
    name: 'RequestException',
    message: 'data has another length than was announced: 3 bytes, it has more',
  })
  writeFileSync(growing, 'a')
  await assert.rejects(read(body), { message: 'data has another length than was announced: 3 bytes, it has only 1' })
})

test('a stream that fails before it is read reports the error when it is', async () => {
  const stream = new PassThrough()
  const body = encodeBody({ data: stream })
  stream.destroy(new Error('disk on fire'))
  await setTimeout(5)
  await assert.rejects(read(body), { message: 'disk on fire' })
})

test('a stream that has been read or closed is refused', async () => {
  const stream = Readable.from(['a'])
  await stream.toArray()
  assert.throws(() => encodeBody({ data: stream }), {
    name: 'TypeError',
    message: 'data is a stream that has been read or closed already',
  })
  const web = ReadableStream.from(['a'])
  web.getReader()
  assert.throws(() => encodeBody({ data: web }), {
    name: 'TypeError',
    message: /^data is a stream that has been read or is locked/,
  })
})

test('a stream must yield bytes or strings', async () => {
  const body = encodeBody({ data: Readable.from([{ a: 1 }]) })
  await assert.rejects(read(body), { name: 'TypeError', message: 'data must yield bytes or strings, got an object' })
})

test('a Blob has its length and type and can be sent again', async () => {
  const body = encodeBody({ data: new Blob(['abc'], { type: 'text/plain' }) })
  assert.deepEqual([body.contentLength, body.contentType, body.rewindable], [3, 'text/plain', true])
  for (let time = 0; time < 2; time += 1) assert.equal(await read(body), 'abc')
  const disk = encodeBody({ data: await openAsBlob(file) })
  assert.deepEqual([disk.contentLength, disk.contentType, await read(disk)], [10, undefined, '0123456789'])
})

test('FormData is multipart, alone and before files', async () => {
  const form = new FormData()
  form.append('a', 'é')
  form.append('f', new File(['x'], 'x.txt', { type: 'text/plain' }))
  const body = encodeBody({ data: form, files: { g: 'y' } })
  assert.match(body.contentType ?? '', /^multipart\/form-data; boundary=[0-9a-f]{32}$/)
  const text = await read(body)
  assert.equal(Buffer.byteLength(text), body.contentLength)
  const parsed = await new Response(text, { headers: { 'content-type': body.contentType ?? '' } }).formData()
  assert.equal(parsed.get('a'), 'é')
  assert.deepEqual([...parsed.keys()], ['a', 'f', 'g'])
  assert.equal((parsed.get('f') as File).name, 'x.txt')
  assert.match(encodeBody({ data: new FormData() }).contentType ?? '', /^multipart/)
})

test('files win over json, and fields of data come with them', () => {
  const { content, contentType } = encodeBody({ data: { a: 1 }, json: { b: 2 }, files: { f: 'x' } })
  assert.match(contentType ?? '', /^multipart\/form-data/)
  assert.match(String(content), /name="a"\r\n\r\n1\r\n[\s\S]*name="f"; filename="f"\r\n\r\nx\r\n/)
  assert.doesNotMatch(String(content), /name="b"/)
})

const REFUSED: [title: string, options: unknown, message: RegExp][] = [
  ['a number as data', { data: 5 }, /^data must be a string, bytes, .* or FormData, got number$/],
  ['false as data', { data: false }, /^data must be .* got boolean$/],
  ['a promise as data', { data: Promise.resolve('x') }, /^data must be .* got Promise$/],
  ['a list of numbers as data', { data: [1, 2] }, /^data\[0\] must be a \[name, value\] pair, got number$/],
  ['an object as a field', { data: { a: {} } }, /^data\.a must be .* got an object; use JSON\.stringify\(\)$/],
  [
    'a string beside files',
    { data: 'x', files: { f: 'x' } },
    /^data must not be a string beside files; give an object/,
  ],
  ['an empty string beside files', { data: '', files: { f: 'x' } }, /^data must not be a string beside files/],
  ['bytes beside files', { data: Buffer.from('x'), files: { f: 'x' } }, /^data must not be Buffer beside files/],
  [
    'a stream beside files',
    { data: Readable.from(['x']), files: { f: 'x' } },
    /^data must not be Readable beside files/,
  ],
  [
    'a string as files',
    { files: 'x' },
    /^files must be an object, a Map or a list of \[field, file\] pairs, got string$/,
  ],
]

for (const [title, options, message] of REFUSED) {
  test(`${title} is a TypeError`, () => {
    assert.throws(() => encodeBody(options as BodyOptions), { name: 'TypeError', message })
  })
}
