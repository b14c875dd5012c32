import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PemSyntaxError, scanPem } from '../../src/x509/pem.ts'
import { createAuthority, toDer } from '../helpers/pki.ts'

const { certificate } = createAuthority()
const lines = certificate.trim().split('\n')
const base64 = lines.slice(1, -1)
const [begin = '', end = ''] = [lines[0], lines.at(-1)]
const block = (...content: string[]) => [begin, ...content, end, ''].join('\n')
const latin1 = (text: string) => Buffer.from(text).toString('latin1')

const good: [what: string, text: string, labels?: string[]][] = [
  ['a plain block', certificate],
  ['two blocks', certificate + certificate, ['CERTIFICATE', 'CERTIFICATE']],
  ['CRLF', certificate.replaceAll('\n', '\r\n')],
  ['no final line feed', certificate.trimEnd()],
  ['trailing blanks and tabs', `${lines.join(' \t\n')} \n`],
  ['trailing no-break spaces', `${lines.join('\xa0\n')}\xa0\n`],
  ['trailing control characters', `${lines.join('\x01\n')}\x01\n`],
  ['blanks inside the lines', block(...base64.map((line) => line.replace(/(.{9})/g, '$1 ')))],
  ['one long line', block(base64.join(''))],
  ['an empty line after BEGIN', block('', ...base64)],
  ['a byte-order mark', latin1(`\ufeff${certificate}`)],
  ['a byte-order mark of a string', `\ufeff${certificate}`],
  [
    'a byte-order mark where one file was appended to another',
    latin1(`\ufeff${certificate}\ufeff${certificate}`),
    ['CERTIFICATE', 'CERTIFICATE'],
  ],
  ['text around', `a comment\n\n${certificate}another\n`],
  ['a label of any kind', certificate.replaceAll('CERTIFICATE', 'Foo: (bar)'), ['Foo: (bar)']],
  ['an empty label', certificate.replaceAll('CERTIFICATE', ''), ['']],
  ['NUL at the start of a line behind the last block', `${certificate}\0\n`],
  ['NUL inside a line', `ab\0c\n${certificate}`],
]

for (const [what, text, labels = ['CERTIFICATE']] of good) {
  test(`a text is read as OpenSSL reads it: ${what}`, () => {
    const blocks = scanPem(text)
    assert.deepEqual(
      blocks.map(({ label }) => label),
      labels,
    )
    for (const { bytes, headers } of blocks) {
      assert.deepEqual(bytes, toDer(certificate))
      assert.equal(headers, false)
    }
  })
}

const none: [what: string, text: string][] = [
  ['nothing', ''],
  ['text', 'hello\n'],
  ['blanks before BEGIN', ` ${certificate}`],
  ['text before BEGIN', `xx ${certificate}`],
  ['text after BEGIN', certificate.replace('CERTIFICATE-----', 'CERTIFICATE----- x')],
  ['four dashes', certificate.replaceAll('-----', '----')],
  ['CR only', certificate.replaceAll('\n', '\r')],
  ['a byte-order mark in the second line', `\n\ufeff${certificate}`],
]

for (const [what, text] of none) {
  test(`what OpenSSL does not recognise as a block is none: ${what}`, () => assert.deepEqual(scanPem(text), []))
}

const bad: [what: string, text: string, line: number, problem: RegExp][] = [
  ['no END', [begin, ...base64].join('\n'), 1, /no END line/],
  [
    'no END, another block behind',
    [begin, ...base64, certificate].join('\n'),
    base64.length + 2,
    /"-----" inside a line/,
  ],
  [
    'another label at the end',
    certificate.replace('END CERTIFICATE', 'END CERT'),
    lines.length,
    /begun on line 1 ends as "-----END CERT-----"/,
  ],
  [
    'two blocks glued',
    certificate.trimEnd() + certificate,
    lines.length,
    /ends as "-----END CERTIFICATE----------BEGIN/,
  ],
  ['a character that is not base64', `#\n${block('AA!A')}`, 3, /not base64/],
  ['an empty line inside', block('AAAA', '', 'AAAA'), 3, /empty line inside/],
  ['an empty block', block(), 1, /is empty/],
  ['a block of an empty line', block(''), 1, /is empty/],
  ['no padding', block('AAA'), 1, /not valid base64/],
  ['padding in the middle', block('AA==', 'AAAA'), 1, /not valid base64/],
  ['too much padding', block('A==='), 2, /not base64/],
  ['NUL at the start of a line', `\0\n${certificate}`, 1, /begins with a NUL byte/],
  [
    'NUL at the start of a line between blocks',
    `${certificate}\0\n\0\n${certificate}`,
    lines.length + 1,
    /begins with a NUL byte/,
  ],
]

for (const [what, text, line, problem] of bad) {
  test(`damage is reported with its line: ${what}`, () => {
    assert.throws(
      () => scanPem(text),
      (error: unknown) => {
        assert(error instanceof PemSyntaxError)
        assert.match(error.message, problem)
        assert.equal(error.line, line)
        return true
      },
    )
  })
}

test('headers are passed over and noted', () => {
  const [key] = scanPem(block('Proc-Type: 4,ENCRYPTED', 'DEK-Info: AES-256-CBC,00', '', 'AAAA'))
  assert.deepEqual(key, { label: 'CERTIFICATE', bytes: Buffer.alloc(3), line: 1, headers: true })
})

test('each block knows the line that it begins on', () => {
  assert.deepEqual(
    scanPem(`# one\n${certificate}# two\n\n${certificate}`).map(({ line }) => line),
    [2, 5 + base64.length + 1],
  )
})
