/** I2 against a polluted `Object.prototype`: what somebody put there is no option of a request. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { disableWarnings, get, Session, SSLError } from '../../src/index.ts'
import { createAuthority } from '../helpers/pki.ts'
import { startHttpsServer } from '../helpers/servers.ts'

// What is not verified is seen by the tests themselves.
disableWarnings('InsecureRequestWarning')

const authority = createAuthority()
const stranger = createAuthority({ commonName: 'Stranger' })

const POLLUTION: readonly [name: string, value: unknown][] = [
  ['verify', false],
  ['verify', authority.certificate],
  ['rejectUnauthorized', false],
  ['checkServerIdentity', () => undefined],
  ['ca', authority.certificate],
  ['REQUESTS_CA_BUNDLE', authority.certificate],
  ['https_proxy', 'http://127.0.0.1:1'],
  ['trustEnv', false],
  ['verified', false],
]

for (const enumerable of [true, false]) {
  for (const [name, value] of POLLUTION) {
    test(`Object.prototype.${name}, ${enumerable ? '' : 'not '}enumerable, changes no trust`, async () => {
      const { chain, key } = authority.issue()
      await using server = await startHttpsServer({ cert: chain, key })
      await using pinned = new Session({ verify: stranger.certificate })
      Object.defineProperty(Object.prototype, name, { value, enumerable, configurable: true, writable: true })
      try {
        await assert.rejects(get(server.url), SSLError)
        await assert.rejects(pinned.get(server.url), SSLError)
        await assert.rejects(new Session().head(server.url), SSLError)
      } finally {
        Reflect.deleteProperty(Object.prototype, name)
      }
      assert.equal(server.requests, 0)
    })
  }
}

test('options with a prototype of their own are refused rather than half read', async () => {
  class Options {
    get verify(): string {
      return stranger.certificate
    }
  }
  await assert.rejects(get('https://localhost/', new Options()), { name: 'TypeError', message: /plain object/ })
  await assert.rejects(new Session().head('https://localhost/', new Options()), TypeError)
})
