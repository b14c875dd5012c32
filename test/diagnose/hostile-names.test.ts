/** Certificates whose names are made to flood or forge what is printed: every message is bounded, and shows no control character. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { explain, get, SSLError } from '../../src/index.ts'
import { authority, dns, type Forged, leaf } from '../conformance/limbo/forge.ts'
import { certify } from '../helpers/openssl-pki.ts'
import { startHttpsServer } from '../helpers/servers.ts'

const FORGED = 'trusted\n  found      all is well\u001b[2J\u009b31m\u202e\r'
const LONG = 'n'.repeat(8000)
const many = (name: (index: number) => string) => Array.from({ length: 300 }, (_, index) => dns(name(index)))

const CERTIFICATES: readonly [what: string, make: () => Forged][] = [
  ['a long subject', () => leaf(undefined, { subject: LONG })],
  ['a long subject and issuer', () => leaf(authority(undefined, { subject: LONG }), { subject: LONG })],
  ['a forged subject', () => leaf(undefined, { subject: FORGED })],
  ['a forged issuer', () => leaf(authority(undefined, { subject: FORGED }), { subject: 'x' })],
  ['forged names', () => leaf(undefined, { names: [dns(FORGED), dns(`${FORGED}.test`)] })],
  ['many names', () => leaf(undefined, { names: many((index) => `${index}.${'n'.repeat(60)}.test`) })],
  ['long names', () => leaf(undefined, { names: many(() => 'n'.repeat(150)) })],
]

for (const [what, make] of CERTIFICATES) {
  for (const host of ['localhost', '127.0.0.1']) {
    test(`${what}, asked for ${host}: what is said is bounded and printable`, async () => {
      const { pem, key } = make()
      await using server = await startHttpsServer({ cert: pem, key: key.export({ type: 'pkcs8', format: 'pem' }) })
      const url = `https://${host}:${server.port}/`
      for (const verify of [certify().certificate, pem]) {
        const error = await get(url, { verify }).then(
          () => undefined,
          (reason: unknown) => reason,
        )
        const explanation = await explain(url, { verify })
        const texts = [String(explanation)]
        if (error !== undefined) {
          assert(error instanceof SSLError, String(error))
          texts.push(error.message, ...error.findings, ...error.hints, String(error.stack))
        }
        for (const text of texts) {
          assert(text.length < 6000, `${text.length} characters: ${text.slice(0, 300)}`)
          assert.doesNotMatch(text, /(?!\n)[\p{Cc}\p{Bidi_Control}]/u, inspect(text))
          assert.doesNotMatch(text, /^ *found +all is well/m)
        }
      }
    })
  }
}
