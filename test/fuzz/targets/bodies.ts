/** What bodies hold: text in any charset, JSON, and multipart forms. */
import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import fc from 'fast-check'
import { encodeBody } from '../../../src/body/encode.ts'
import { JSONDecodeError, Request, Response } from '../../../src/index.ts'
import { damaged, latin1, textOf } from '../arbitraries.ts'
import { FOUND_LINES } from '../found.ts'
import { attempt, type Target, target } from '../harness.ts'

const CHARSETS = [
  ...['utf-8', 'UTF8', 'utf-16', 'utf-16le', 'utf-16be', 'utf-32', 'latin1', 'ISO-8859-1', 'windows-1252', 'ascii'],
  ...['shift_jis', 'gb18030', 'euc-jp', 'big5', 'x-user-defined', 'nonsense', '', '"utf-8"', "'utf-8'", 'utf-7', '\t'],
]
const TYPES = ['text/plain', 'application/json', 'image/png', '', ';', 'text/html; x="; charset=utf-8"']
const contentTypes = fc
  .tuple(fc.constantFrom(...TYPES), fc.option(fc.oneof(fc.constantFrom(...CHARSETS), latin1)))
  .map(([type, charset]) => (charset === null ? type : `${type}; charset=${charset}`))

const TEXTS = [
  '{"a": [1, "é", null]}',
  '\ufeff[]',
  'naïve €',
  '"\\ud83d"',
  '1e999',
  '漢字かな',
  '[[[[',
  '{"__proto__": 1}',
]
const CORPUS: readonly Buffer[] = TEXTS.flatMap((text) => [
  Buffer.from(text),
  Buffer.from(text, 'utf16le'),
  Buffer.from(text, 'utf16le').swap16(),
  Buffer.from(text, 'latin1'),
])
const PIECES = ['\ufeff', '\0', '\0\0\0', '[', '"', '\\', '\r', '\n', '\u2028'].map((text): Buffer => Buffer.from(text))
const bodies = damaged(CORPUS, [...PIECES, Buffer.from([0xff, 0xfe]), Buffer.from([0xfe, 0xff, 0xd8])])

/** In pieces of these sizes, over and over. */
function piecesOf(content: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = []
  for (let start = 0, turn = 0; start < content.length; turn++) {
    const end = start + (sizes[turn % sizes.length] ?? content.length)
    pieces.push(content.subarray(start, end))
    start = end
  }
  return pieces
}

async function respond(contentType: string, chunks: readonly Buffer[], stream = false): Promise<Response> {
  const body = Readable.from(chunks)
  const answer = { statusCode: 200, reason: '', rawHeaders: ['Content-Type', contentType], body, tls: null }
  const response = new Response(answer, new Request('GET', 'https://a.test/').prepare(), 0, undefined)
  if (!stream) await response.read()
  return response
}

const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 })

const texts = target('the text of a body', fc.tuple(contentTypes, bodies, sizes), async ([type, content, sizes]) => {
  const response = await respond(type, piecesOf(content, sizes))
  assert.deepEqual(response.content, content)
  const { text } = response
  assert.equal(typeof text, 'string')
  assert.equal(typeof response.apparentEncoding, 'string')
  try {
    response.json()
  } catch (error) {
    assert(error instanceof JSONDecodeError)
  }
})

const streams = target('lines of a stream', fc.tuple(contentTypes, bodies, sizes), checkLines, FOUND_LINES)

async function checkLines([type, content, sizes]: [type: string, content: Buffer, sizes: number[]]): Promise<void> {
  const lines = async (chunks: readonly Buffer[]) => {
    const found: string[] = []
    for await (const line of (await respond(type, chunks, true)).iterLines()) found.push(line)
    return found
  }
  const inPieces = await lines(piecesOf(content, sizes))
  // Of damaged characters in these, Node makes one thing of the whole and another of its pieces.
  if (!/gb18030|euc-jp/.test(type)) assert.deepEqual(inPieces, await lines([content]))
  assert(inPieces.every((line) => !/[\r\n]/.test(line)))
}

const NAMES = ['a', '"', '\\', '\r\n', '\n--', '--', ';', '; filename="b"', 'é', '漢', '\0', '%22', '/', '..', '\ud800']
const name = textOf(NAMES, fc.string({ maxLength: 3 }))
const part = fc.record({
  field: name,
  filename: name,
  type: fc.option(fc.constantFrom('text/plain', 'a/b; c=d', 'x\r\nX-A: 1'), { nil: undefined }),
  content: fc.oneof(fc.string(), fc.constantFrom('\r\n--', '--boundary--\r\n')),
})

/** What WHATWG's form data escapes, which is all that a reader gives back. */
const escaped = (text: string) =>
  Buffer.from(text).toString().replaceAll('\n', '%0A').replaceAll('\r', '%0D').replaceAll('"', '%22')

const multipart = target('names in multipart forms', fc.array(part, { minLength: 1, maxLength: 3 }), (parts) => {
  const files = parts.map(({ field, filename, type, content }) => [field, [filename, content, type]] as const)
  const body = attempt(() => encodeBody({ files: files as [string, [string, string, string | undefined]][] }))
  if (body === undefined) return
  const boundary = /boundary=(.*)$/.exec(body.contentType ?? '')?.[1]
  const written = String(body.content).split(`--${boundary}`)
  assert.deepEqual([written[0], written.at(-1)], ['', '--\r\n'])
  const read = written.slice(1, -1).map((each) => {
    const [head = '', ...content] = each.slice(2, -2).split('\r\n\r\n')
    return { lines: head.split('\r\n'), content: content.join('\r\n\r\n') }
  })
  const expected = parts.map(({ field, filename, type, content }) => ({
    lines: [
      `Content-Disposition: form-data; name="${escaped(field)}"; filename="${escaped(filename)}"`,
      ...(type === undefined ? [] : [`Content-Type: ${type}`]),
    ],
    content,
  }))
  assert.deepEqual(read, expected)
})

export const BODIES: readonly Target[] = [texts, streams, multipart]
