import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import tls from 'node:tls'
import { pathToFileURL } from 'node:url'
import { CABundle, CABundleError, get } from '../../src/index.ts'
import { digestOf } from '../../src/trust/digest.ts'
import { resolveTrust, toTrust, type Verify } from '../../src/trust/verify.ts'
import { withEnv } from '../helpers/environment.ts'
import { createAuthority, toDer } from '../helpers/pki.ts'
import { tempDir } from '../helpers/temp.ts'

const { certificate } = createAuthority()

test('true is the default roots, and so is a bundle of nothing else', () => {
  for (const verify of [true, CABundle.default(), CABundle.default().with(), [CABundle.default()]] as Verify[]) {
    assert.deepEqual(toTrust(verify, 'session'), { kind: 'default', source: 'default' })
  }
  const { verified, set, info } = resolveTrust(toTrust(true, 'call'))
  assert.deepEqual(
    [verified, set, info.source, info.certificates],
    [true, undefined, 'default', tls.getCACertificates('default').length],
  )
})

test('false, and nothing else, switches verification off', () => {
  const trust = toTrust(false, 'call')
  assert.deepEqual(trust, { kind: 'insecure', source: 'call' })
  assert.deepEqual(resolveTrust(trust), {
    verified: false,
    digest: digestOf('insecure'),
    set: undefined,
    pins: undefined,
    info: { source: 'call', certificates: 0 },
  })
})

test('every other form becomes a bundle of these certificates', () => {
  using dir = tempDir()
  const path = dir.write('ca.pem', certificate)
  const forms: [verify: Verify, path?: string][] = [
    [path, path],
    [pathToFileURL(path), path],
    [certificate],
    [Buffer.from(certificate)],
    [toDer(certificate)],
    [new Uint8Array(toDer(certificate)).buffer as unknown as Uint8Array],
    [new DataView(new Uint8Array(toDer(certificate)).buffer) as unknown as Uint8Array],
    [new X509Certificate(certificate)],
    [CABundle.from(certificate)],
    [[certificate, path]],
  ]
  for (const [verify, shown] of forms) {
    const trust = resolveTrust(toTrust(verify, 'REQUESTS_CA_BUNDLE'))
    assert.equal(trust.verified, true)
    assert.deepEqual(
      trust.set?.anchors.map((anchor) => anchor.pem),
      [certificate],
    )
    assert.deepEqual(
      { ...trust.info },
      { source: 'REQUESTS_CA_BUNDLE', certificates: 1, ...(shown && { path: shown }) },
    )
  }
})

test('equal trust has equal digests, other trust has others', () => {
  const digest = (verify: Verify) => resolveTrust(toTrust(verify, 'call')).digest
  const other = createAuthority().certificate
  assert.equal(digest(certificate), digest(toDer(certificate)))
  assert.equal(digest([certificate, certificate]), digest(certificate))
  const all = [true, false, certificate, other, [certificate, other], CABundle.default().with(other)]
  assert.equal(new Set(all.map(digest)).size, all.length)
})

const empty: [what: string, value: unknown][] = [
  ['an empty string', ''],
  ['empty bytes', new Uint8Array(0)],
  ['an empty buffer', new ArrayBuffer(0)],
  ['an empty list', []],
  ['an empty list in a list', [certificate, []]],
  ['an empty string in a list', ['']],
  ['text that is no certificate', '-----BEGIN'],
]

for (const [what, value] of empty) {
  test(`what is empty is refused, not taken for false: ${what}`, () => {
    assert.throws(() => toTrust(value as Verify, 'call'), CABundleError)
  })
}

const wrong: [value: unknown, named: string][] = [
  [undefined, 'undefined'],
  [null, 'null'],
  [0, 'number'],
  [1, 'number'],
  [Number.NaN, 'number'],
  [0n, 'bigint'],
  [Symbol.iterator, 'symbol'],
  [() => true, 'function'],
  [{}, 'Object'],
  [Object.create(null), 'object'],
  [new Map(), 'Map'],
  [new Boolean(false), 'Boolean'],
  [[true], 'boolean'],
  [[null], 'null'],
  // Never filled: `flatMap` and `every` pass over holes, so that nothing at all would be left, and that is no trust.
  [new Array(1), 'undefined'],
  [[new Array(2)], 'undefined'],
]

for (const [value, named] of wrong) {
  test(`a value of another type is refused and named: ${Array.isArray(value) ? `a list with ${named}` : named}`, () => {
    assert.throws(
      () => toTrust(value as Verify, 'call'),
      (error: unknown) => {
        assert(error instanceof TypeError)
        assert(error.message.endsWith(`not ${named}`), error.message)
        return true
      },
    )
  })
}

test('a URL that is no file is refused', () => {
  assert.throws(() => toTrust(new URL('https://localhost/ca.pem'), 'call'), /must be a file: URL, not https: save/)
})

test('one path has one bundle, so that what it has read is kept', () => {
  using dir = tempDir()
  const path = dir.write('ca.pem', certificate)
  const set = () => resolveTrust(toTrust(path, 'call')).set
  assert.equal(set(), set())
})

test('other default roots are another trust', () => {
  const before = tls.getCACertificates('default')
  const digest = () => resolveTrust(toTrust(true, 'call')).digest
  const first = digest()
  assert.equal(digest(), first)
  tls.setDefaultCACertificates([certificate])
  try {
    assert.notEqual(digest(), first)
    assert.equal(resolveTrust(toTrust(true, 'call')).info.certificates, 1)
  } finally {
    tls.setDefaultCACertificates(before)
  }
  assert.notEqual(digest(), first)
})

for (const name of ['REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE'] as const) {
  test(`a bundle of ${name} that cannot be used is said to be that of the variable`, async () => {
    await withEnv({ [name]: '/nowhere.pem' }, async () => {
      const error = await get('https://localhost:1/').catch((reason: unknown) => reason)
      assert(error instanceof CABundleError)
      assert.match(error.summary, /invalid path: \/nowhere\.pem$/)
      assert.match(error.message, new RegExp(`the path is from the variable ${name};`))
      assert.deepEqual([error.path, error.code], ['/nowhere.pem', 'ENOENT'])
    })
    const error = await get('https://localhost:1/', { verify: '/nowhere.pem' }).catch((reason: unknown) => reason)
    assert.doesNotMatch(String(error), /variable/)
  })
}
