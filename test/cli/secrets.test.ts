import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { run } from '../helpers/processes.ts'
import { SECRET_URLS, showsSecret } from '../helpers/secrets.ts'
import { tempDir } from '../helpers/temp.ts'
import { main } from './vouch.ts'

/** No name is looked up, and no connection leaves this machine: requests go to a proxy that refuses them. */
const OFFLINE = ['--proxy', 'http://127.0.0.1:1']
const NOWHERE = 'no-such-directory/file.pem'

/** Every place of a command line for a text of the user, with one in it; each fails. */
const LINES: Readonly<Record<string, (given: string) => readonly string[]>> = {
  'a command': (given) => [given],
  'the second word of a command': (given) => ['cert', given],
  'a misspelt command': (given) => ['crt', given],
  'an option in place of a command': (given) => [`--${given}`],
  'an unknown option': (given) => ['get', `--${given}`],
  'the URL of check': (given) => ['check', given, ...OFFLINE],
  'the URL of get': (given) => ['get', given, ...OFFLINE],
  '--verify': (given) => ['check', 'localhost:1', '--verify', given],
  '--cert': (given) => ['get', 'localhost:1', '--cert', given],
  '--key': (given) => ['get', 'localhost:1', '--cert', NOWHERE, '--key', given],
  '--passphrase-file': (given) => ['get', 'localhost:1', '--cert', NOWHERE, '--passphrase-file', given],
  '--proxy': (given) => ['get', 'localhost:1', '--proxy', `none${given}`],
  '--timeout': (given) => ['get', 'localhost:1', '--timeout', given],
  '--header': (given) => ['get', 'localhost:1', '--header', `:${given}`],
  'a file of headers': (given) => ['get', 'localhost:1', '--header', `@${given}`],
  '--output of get': (given) => ['get', 'localhost:1', '--output', given],
  'hosts of cert create': (given) => ['cert', 'create', given],
  '--cert of cert create': (given) => ['cert', 'create', 'localhost', '--cert', given, '--key', NOWHERE],
  '--key of cert create': (given) => ['cert', 'create', 'localhost', '--cert', NOWHERE, '--key', given],
  '--key-type': (given) => ['cert', 'create', 'localhost', '--key-type', given],
  '--days': (given) => ['cert', 'create', 'localhost', '--days', given],
  '--cert of cert ensure': (given) => ['cert', 'ensure', 'localhost', '--cert', given, '--key', NOWHERE],
  'a file of cert show': (given) => ['cert', 'show', given, ...OFFLINE],
  'the URL of cert fetch': (given) => ['cert', 'fetch', given, ...OFFLINE],
  'a path of audit': (given) => ['audit', given],
  '--output of cert fetch': (given) => ['cert', 'fetch', 'localhost:1', '--output', given],
}

/** Standard output and standard error as one, and whether the command has failed. */
async function outcomeOf(cwd: string, args: readonly string[]): Promise<{ text: string; failed: boolean }> {
  const { status, stdout, stderr } = await run(process.execPath, [main, ...args], { cwd })
  return { text: stdout + stderr, failed: status !== 0 }
}

for (const [index, [what, lineOf]] of Object.entries(LINES).entries()) {
  test(`a password in ${what} is in no output`, async () => {
    using dir = tempDir()
    // Processes are slow to start: each place gets three of the forms, in turn, so that each form comes in many places.
    const forms = [0, 4, 7].map((offset) => SECRET_URLS[(index + offset) % SECRET_URLS.length] ?? '')
    const lines = forms.map((given) => [...lineOf(given), '--json'])
    const runs = await Promise.all(lines.map((args) => outcomeOf(dir.path, args)))
    for (const [each, { text, failed }] of runs.entries()) {
      assert(failed && text !== '', `${lines[each]}: ${text}`)
      assert(!showsSecret(text), `${lines[each]}: ${text}`)
    }
  })
}

test('a password in the path of a certificate that is made is in no output', async () => {
  using dir = tempDir()
  for (const [index, given] of ['user:hunter2@host', 'user:hun/ter2@host'].entries()) {
    const [cert, key] = [join(`cert${index}`, given), join(`key${index}`, given)]
    for (const path of [cert, key]) mkdirSync(dirname(dir.join(path)), { recursive: true })
    for (const json of [[], ['--json']]) {
      const args = ['cert', 'ensure', 'localhost', '--cert', cert, '--key', key, ...json]
      const { text, failed } = await outcomeOf(dir.path, args)
      assert(!failed && text.includes('***@host'), text)
      assert(!showsSecret(text), text)
    }
  }
})
