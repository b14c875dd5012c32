import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { createServer } from 'node:https'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import {
  createCA,
  createSelfSignedCert,
  ensureSelfSignedCert,
  fetchCert,
  inspectCert,
  loadCA,
  watchCert,
} from '../../src/certs/index.ts'
import { FileError } from '../../src/core/file-error.ts'
import { expectWarnings } from '../helpers/environment.ts'
import { onPosix } from '../helpers/platform.ts'
import { SECRET_URLS, shownOf, showsSecret } from '../helpers/secrets.ts'
import { tempDir } from '../helpers/temp.ts'

type Call = (given: string) => unknown

/** A path in a directory that does not exist: whatever the other path is, nothing is written. */
const NOWHERE = join('no-such-directory', 'file.pem')
const NULL_OPTIONS = [null, null, 'localhost'] as const

/** Every argument and option that takes text, in a call that fails before anything is written or connected to. */
const CALLS: Readonly<Record<string, Call>> = {
  'certFile of createSelfSignedCert': (given) => createSelfSignedCert(given, NOWHERE, 'localhost'),
  'keyFile of createSelfSignedCert': (given) => createSelfSignedCert(NOWHERE, given, 'localhost'),
  'both files of createSelfSignedCert': (given) => createSelfSignedCert(given, given, 'localhost'),
  'certFile with a slash at its end': (given) => createSelfSignedCert(`${given}/`, NOWHERE, 'localhost'),
  'certFile as a URL': (given) => createSelfSignedCert(new URL(given), NOWHERE, 'localhost'),
  'certFile of ensureSelfSignedCert': (given) => ensureSelfSignedCert(given, NOWHERE, 'localhost'),
  'certFile of createCA': (given) => createCA(given, NOWHERE),
  'certFile of loadCA': (given) => loadCA(given, NOWHERE),
  'keyFile of loadCA': (given) => loadCA(NOWHERE, given),
  'certFile of ca.issue': async (given) => (await createCA()).issue('localhost', { certFile: given, keyFile: NOWHERE }),
  'certFile of watchCert': (given) => watchCert(createServer(), given, NOWHERE),
  'keyFile of watchCert': (given) => watchCert(createServer(), NOWHERE, given),
  'interval of watchCert': (given) => watchCert(createServer(), NOWHERE, NOWHERE, { interval: given as never }),
  hosts: (given) => createSelfSignedCert(null, null, given),
  'a list of hosts': (given) => createSelfSignedCert(null, null, ['localhost', given]),
  'hosts of ca.issue': async (given) => (await createCA()).issue(given),
  'the source of inspectCert': (given) => inspectCert(given),
  keyType: (given) => createSelfSignedCert(...NULL_OPTIONS, { keyType: given as never }),
  hash: (given) => createSelfSignedCert(...NULL_OPTIONS, { hash: given as never }),
  days: (given) => createSelfSignedCert(...NULL_OPTIONS, { days: given as never }),
  renewBefore: (given) => ensureSelfSignedCert(NOWHERE, NOWHERE, 'localhost', { renewBefore: given as never }),
  commonName: (given) => createSelfSignedCert(...NULL_OPTIONS, { commonName: given.repeat(9) }),
  'passphrase of createCA': (given) => createCA({ passphrase: given.repeat(99) }),
  'the URL of fetchCert': (given) => fetchCert(given, { proxies: { all: 'http://127.0.0.1:1' } }),
  'a proxy of fetchCert': (given) => fetchCert('localhost', { proxies: { all: given.replace('http', 'none') } }),
  'timeout of fetchCert': (given) => fetchCert('localhost', { timeout: given as never }),
}

for (const [what, call] of Object.entries(CALLS)) {
  test(`a password in ${what} is in no part of the error`, async () => {
    for (const given of SECRET_URLS) {
      const error = await Promise.resolve(given)
        .then(call)
        .then(
          () => assert.fail(`accepted: ${given}`),
          (refused: unknown) => refused,
        )
      // `new URL` of the test itself refuses some.
      if (error instanceof Error && 'code' in error && error.code === 'ERR_INVALID_URL') continue
      assert(error instanceof Error && error.name !== 'AssertionError', inspect(error))
      assert(!showsSecret(shownOf(error)), `${given}: ${shownOf(error)}`)
    }
  })
}

test('a password in the path of files that exist is in no error and no warning', async () => {
  using dir = tempDir()
  for (const [index, given] of SECRET_URLS.entries()) {
    const name = (what: string) => join(dir.path, `${index}${what}`, given.replace(/\/*$/, ''))
    const [cert, key, other] = [name('cert'), name('key'), name('other')]
    for (const path of [cert, key, other]) mkdirSync(dirname(path), { recursive: true })
    await createSelfSignedCert(cert, key, 'localhost')
    await createSelfSignedCert(other, dir.join(`${index}.key`), 'localhost')
    for (const attempt of [
      () => createSelfSignedCert(cert, key, 'localhost'),
      () => loadCA(other, key),
      () => loadCA(key, key.replace('key', 'cert')),
      () => ensureSelfSignedCert(other, dir.join(`none${index}.pem/key.pem`), 'localhost'),
      () => ensureSelfSignedCert(pathToFileURL(join(dir.path, `${index}missing.pem`)), key, 'localhost'),
    ]) {
      const error = await attempt().then(
        () => assert.fail('accepted'),
        (refused: unknown) => refused,
      )
      assert(error instanceof FileError, inspect(error))
      assert(!showsSecret(shownOf(error)), `${given}: ${shownOf(error)}`)
    }
  }
})

test('the warning of a key that others can read does not show a password in its path', {
  ...onPosix,
}, async () => {
  using dir = tempDir()
  const { cert, key } = await createCA()
  const files = [dir.write('cert.pem', cert), dir.write('user:hunter2@host', key, 0o644)] as const
  const warnings = await expectWarnings('KeyPermissionsWarning', async () => {
    await loadCA(...files)
  })
  assert(!showsSecret(shownOf(warnings)), shownOf(warnings))
})

test('of a path that is a key, no directory is named, which would be its beginning', async () => {
  let text = ''
  while (!/^.{45,60}\//.test(text)) {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    text = privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64')
  }
  await assert.rejects(createSelfSignedCert(text, NOWHERE, 'localhost'), (error: Error) => {
    assert.match(error.message, /its directory does not exist, create it first$/)
    assert(!shownOf(error).includes(text.slice(0, text.indexOf('/'))), error.message)
    return true
  })
})

test('the path of a file with a colon or an @ alone is whole in message and property', async () => {
  using dir = tempDir()
  for (const name of ['a@b.pem', 'a:b.pem', 'b@a:1.pem']) {
    const path = dir.join(name, 'cert.pem')
    await assert.rejects(createSelfSignedCert(path, dir.join('key.pem'), 'localhost'), {
      path,
      message: `cannot write '${path}': its directory does not exist, create '${dir.join(name)}' first`,
    })
  }
})
