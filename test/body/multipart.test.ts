import assert from 'node:assert/strict'
import { createReadStream, mkdtempSync, openAsBlob, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { after, test } from 'node:test'
import { encodeMultipart, type FilesInit, fieldPart, fileParts, type Multipart } from '../../src/body/multipart.ts'
import { toFieldList, toPairs } from '../../src/core/pairs.ts'

const directory = mkdtempSync(join(tmpdir(), 'vouch-multipart-'))
after(() => rmSync(directory, { recursive: true }))
const file = join(directory, 'notes.txt')
writeFileSync(file, 'from disk')

const encode = (files: unknown, data: unknown = []): Multipart =>
  encodeMultipart(
    [
      ...toFieldList(data, 'data', '').map(([name, value]) => fieldPart(name, value)),
      ...fileParts(toPairs(files, 'files', '')),
    ],
    'B',
  )

const read = ({ content }: Multipart) => text(content as AsyncIterable<Uint8Array>)

// What requests writes with the boundary B (file names escaped as urllib3 2 does).
const WRITTEN: [title: string, files: FilesInit, data: unknown, expected: string][] = [
  [
    'fields come before files, lists repeat and null is left out',
    { f: Buffer.from('x') },
    { a: [1, null, 'é'], n: null, b: Buffer.from([0, 255]) },
    '--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xc3\xa9\r\n--B\r\nContent-Disposition: form-data; name="b"\r\n\r\n\x00\xff\r\n--B\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\nx\r\n--B--\r\n',
  ],
  [
    'a type is written only when it is given, and headers follow it',
    [
      ['f', ['n.txt', 'hi']],
      ['f', ['m.txt', Buffer.from('ho'), 'text/plain']],
      ['g', ['o', '1', 'a/b', { 'X-A': '1', 'X-B': '' }]],
    ],
    [],
    '--B\r\nContent-Disposition: form-data; name="f"; filename="n.txt"\r\n\r\nhi\r\n--B\r\nContent-Disposition: form-data; name="f"; filename="m.txt"\r\nContent-Type: text/plain\r\n\r\nho\r\n--B\r\nContent-Disposition: form-data; name="g"; filename="o"\r\nContent-Type: a/b\r\nX-A: 1\r\n\r\n1\r\n--B--\r\n',
  ],
  [
    'a filename of null is not sent',
    { f: [null, 'v'] },
    [],
    '--B\r\nContent-Disposition: form-data; name="f"\r\n\r\nv\r\n--B--\r\n',
  ],
  [
    'an empty filename is sent',
    { f: ['', 'v'] },
    [],
    '--B\r\nContent-Disposition: form-data; name="f"; filename=""\r\n\r\nv\r\n--B--\r\n',
  ],
  [
    'a file that is null is left out',
    new Map([['f', null]]),
    { a: 1 },
    '--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--B--\r\n',
  ],
  ['a content that is null is left out', { f: ['x', null] }, [], '--B--\r\n'],
  [
    'quotes and line breaks in names are escaped, a backslash is not',
    { 'é"\r\n': ['ü"\n\\.txt', ''] },
    [],
    '--B\r\nContent-Disposition: form-data; name="\xc3\xa9%22%0D%0A"; filename="\xc3\xbc%22%0A\\.txt"\r\n\r\n\r\n--B--\r\n',
  ],
  [
    'a type among the headers is taken when no other is given',
    { f: ['n', 'v', null, { 'content-type': 'u/u', 'Content-Disposition': 'x' }] },
    [],
    '--B\r\nContent-Disposition: form-data; name="f"; filename="n"\r\nContent-Type: u/u\r\n\r\nv\r\n--B--\r\n',
  ],
]

for (const [title, files, data, expected] of WRITTEN) {
  test(title, () => {
    const { content, length, rewindable, type } = encode(files, data)
    assert.ok(Buffer.isBuffer(content))
    assert.equal(content.toString('latin1'), expected)
    assert.equal(length, content.length)
    assert.equal(type, 'multipart/form-data; boundary=B')
    assert.ok(rewindable)
  })
}

test('the boundary is 32 random hexadecimal digits', () => {
  const types = Array.from({ length: 2 }, () => encodeMultipart([]).type)
  for (const type of types) assert.match(type, /^multipart\/form-data; boundary=[0-9a-f]{32}$/)
  assert.notEqual(types[0], types[1])
})

test('file streams and Blobs are sent piece by piece with a length, and can be sent again', async () => {
  const blob = await openAsBlob(file, { type: 'text/x' })
  const body = encode({ s: createReadStream(file), b: blob, f: new File(['hey'], 'hey.bin', { type: 'a/b' }) })
  assert.ok(!Buffer.isBuffer(body.content))
  assert.ok(body.rewindable)
  const expected =
    '--B\r\nContent-Disposition: form-data; name="s"; filename="notes.txt"\r\n\r\nfrom disk\r\n--B\r\nContent-Disposition: form-data; name="b"; filename="b"\r\nContent-Type: text/x\r\n\r\nfrom disk\r\n--B\r\nContent-Disposition: form-data; name="f"; filename="hey.bin"\r\nContent-Type: a/b\r\n\r\nhey\r\n--B--\r\n'
  for (let time = 0; time < 2; time += 1) assert.equal(await read(body), expected)
  assert.equal(body.length, expected.length)
})

test('a stream of unknown length makes the whole of unknown length, once', async () => {
  const body = encode({ s: ['s.txt', Readable.from(['a', 'b'])], f: 'x' })
  assert.equal(body.length, undefined)
  assert.ok(!body.rewindable)
  assert.match(await read(body), /filename="s\.txt"\r\n\r\nab\r\n/)
  await assert.rejects(read(body), { name: 'UnrewindableBodyError' })
})

const REFUSED: [title: string, spec: unknown, name: string, message: RegExp][] = [
  [
    'a number',
    5,
    'TypeError',
    /^files\.photo must be a string, bytes, a Blob, a stream or \[filename, .*\], got number$/,
  ],
  ['an object', {}, 'TypeError', /^files\.photo must be .* got an object$/],
  ['a number as content', ['n', 5], 'TypeError', /^files\.photo must be .* got number$/],
  [
    'a list of contents',
    [Buffer.from('a'), Buffer.from('b')],
    'TypeError',
    /^files\.photo must be \[filename, .* got an array of 2; for several files/,
  ],
  ['a list that is too long', ['a', 'b', 'c', {}, 5], 'TypeError', /^files\.photo must be \[filename/],
  ['a type with a line break', ['a', 'b', 'x\r\nEvil: 1'], 'InvalidHeader', /header value for 'Content-Type'/],
  ['a header with a line break', ['a', 'b', null, { X: 'x\r\nEvil: 1' }], 'InvalidHeader', /header value for 'X'/],
  ['a header name with a colon', ['a', 'b', null, { 'X:': 'x' }], 'InvalidHeader', /header name/],
  ['headers that are a string', ['a', 'b', null, 'X: 1'], 'TypeError', /^files\.photo headers must be/],
]

for (const [title, spec, name, message] of REFUSED) {
  test(`${title} is refused as a file`, () => {
    assert.throws(() => encode({ photo: spec }), { name, message })
  })
}
