/** What people read when a server is refused, error by error; and that `explain` says the same. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { explain, get, SSLError } from '../../src/index.ts'
import { nodeMajor } from '../helpers/modules.ts'
import { CASES, optionsOf } from './cases.ts'

/** Every message, to be read; written anew by `UPDATE=1 node scripts/run-tests.ts test/diagnose/messages.test.ts`. */
const FILE = fileURLToPath(new URL('messages.txt', import.meta.url))
const messages = new Map<string, string>()

for (const each of CASES) {
  const { what, reason, host = 'localhost', start, presents = false, marked = presents } = each

  test(`${what}: ${reason}, with all that is known of it, by the error and by explain()`, async () => {
    await using server = await start()
    const url = `https://${host}:${server.port}/`
    const error = await get(url, optionsOf(each)).then(
      () => assert.fail('the server must be refused'),
      (reason: unknown) => reason,
    )
    assert(error instanceof SSLError, String(error))
    assert.equal(error.reason, reason, error.message)
    messages.set(what, stable(error.message))
    if (reason !== 'bad-bundle') {
      assert.deepEqual([error.host, error.port], [host, server.port])
      for (const hint of error.hints) assert(error.message.includes(hint), `the message has the hint: ${hint}`)
    }
    assert(error.hints.length > 0, 'an error says what to do')
    if (presents) assert.equal(error.peerCertificate, error.chain[0])
    assert.equal(error.peerCertificate !== undefined, presents)
    assert.doesNotMatch(error.message, /PRIVATE KEY|BEGIN/)

    const explanation = await explain(url, optionsOf(each))
    assert.equal(explanation.ok, false)
    // The hint to call it is not for itself.
    const hints = error.hints.filter((hint) => !hint.startsWith('to see what listens there'))
    assert.deepEqual([explanation.reason, explanation.hints], [error.reason, hints], String(explanation))
    assert.deepEqual(explanation.findings.map(stable), error.findings.map(stable))
    assert.equal(explanation.chain[0]?.fingerprint, error.peerCertificate?.fingerprint256)
    assert(error.message.startsWith(explanation.summary))
    assert.deepEqual([explanation.host, explanation.port], [host, server.port])
    assert.equal(JSON.parse(JSON.stringify(explanation)).reason, reason)
    assert.equal(/✗/.test(String(explanation)), marked)
  })
}

after(() => {
  const text = [...messages].map(([what, message]) => `## ${what}\n\n${message}\n`).join('\n')
  if (process.env.UPDATE) writeFileSync(FILE, text)
  // The other lines of Node have other words of OpenSSL in places.
  else if (nodeMajor === 24) assert.equal(text, readFileSync(FILE, 'utf8'))
})

/** Without what differs from run to run. */
function stable(message: string): string {
  return message
    .replace(/(?<=sha256:|\b)(?:[0-9A-F]{2}:){31}[0-9A-F]{2}\b/g, 'AB:CD:…')
    .replace(/(localhost|127\.0\.0\.1):\d+/g, '$1:8443')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '2027-01-31T12:00:00Z')
    .replace(/\d{4}-\d\d-\d\d to \d{4}-\d\d-\d\d/g, '2027-01-01 to 2027-12-31')
    .replace(/\d+ certificates, Node's/g, "121 certificates, Node's")
    .replaceAll(process.cwd(), '/srv/app')
}
