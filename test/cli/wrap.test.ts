/** Text on narrow terminals: broken at words, and nowhere in a command. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { reflow, wrap } from '../../src/cli/wrap.ts'
import { selfSigned } from '../helpers/pki.ts'
import { startHttpsServer } from '../helpers/servers.ts'
import { tempDir } from '../helpers/temp.ts'
import { onTerminal, vouch, withTerminal } from './vouch.ts'

const COMMAND = 'vouch cert fetch localhost:8443 --connect-to localhost:8443:127.0.0.1:9443 -o server.pem'

const rows: [what: string, text: string, width: number, expected: string][] = [
  ['a short line', 'one two', 20, 'one two'],
  ['a paragraph', 'one two three four', 10, 'one two\nthree four'],
  ['a message', 'vouch: error: one two three', 18, 'vouch: error: one\n  two three'],
  ['a column', '  hint       one two three four', 26, '  hint       one two three\n             four'],
  [
    'the second line of a column',
    '             one two three four',
    26,
    '             one two three\n             four',
  ],
  ['a branch of a tree', '     └─ CN=One, issued by CN=Two', 24, '     └─ CN=One, issued\n        by CN=Two'],
  ['a command', `to save it: ${COMMAND}; then`, 30, `to save it:\n${COMMAND};\nthen`],
  ['code', "trust it: get(url, { verify: 'a.pem' })", 30, "trust it:\nget(url, { verify: 'a.pem' })"],
  ['what fits nowhere, beside its label', `  SHA-256    ${'AB:'.repeat(12)}`, 20, `  SHA-256    ${'AB:'.repeat(12)}`],
]

for (const [what, text, width, expected] of rows)
  test(`${what} is wrapped at ${width} columns`, () => {
    assert.equal(wrap(text, width), expected)
  })

test('help that is broken for wide terminals is one paragraph, and its examples stay', () => {
  const help = 'Usage: a\n\none\ntwo\n\n  --option TEXT  three\n                 four\n\nExamples:\n  a b\n  c d'
  assert.equal(reflow(help), 'Usage: a\n\none two\n\n  --option TEXT  three four\n\nExamples:\n  a b\n  c d')
})

const COMMANDS = [
  '',
  'check',
  'get',
  'post',
  'cert create',
  'cert fetch',
  'ca create',
  'ca trust',
  'audit',
  'completion',
]

test('the help of every command keeps within 80 columns, but for examples', withTerminal, async () => {
  using dir = tempDir()
  for (const command of COMMANDS) {
    const { stdout } = await onTerminal(dir, `${command} --help`)
    const [text = ''] = stdout.split('Examples:')
    for (const line of text.split('\n')) assert(line.length <= 80, `${command}: ${line}`)
  }
})

test('a report keeps within 80 columns, and its command is one line', withTerminal, async () => {
  const { certificate, key } = selfSigned()
  await using server = await startHttpsServer({ cert: certificate, key })
  using dir = tempDir()
  const { stdout } = await onTerminal(dir, `check ${server.url}`, { NO_COLOR: '1' })
  const long = stdout.split('\n').filter((line) => line.length > 80)
  // A fingerprint has 95 characters.
  for (const line of long) assert.match(line, /(?:[0-9A-F]{2}:){31}[0-9A-F]{2}$/)
  assert.match(stdout, new RegExp(`^ +to save it: vouch cert fetch localhost:${server.port} -o server\\.pem$`, 'm'))
})

test('in a pipe nothing is wrapped', async () => {
  using dir = tempDir()
  const { stdout } = await vouch(dir, 'check --help')
  assert.match(stdout, /^.{81,}$/m)
})
