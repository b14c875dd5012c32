import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ClientCertError } from '../../src/core/errors.ts'
import { caStats } from '../../src/transport/ca-stats.ts'
import { CABundle } from '../../src/trust/ca-bundle.ts'
import { type ClientCert, toClientCertSource } from '../../src/trust/client-cert.ts'
import { resolveClientCert } from '../../src/trust/client-identity.ts'
import { secureContextFor } from '../../src/trust/secure-context.ts'
import { resolveTrust, toTrust, type Verify } from '../../src/trust/verify.ts'
import { eventually } from '../helpers/eventually.ts'
import { collectGarbage } from '../helpers/garbage.ts'
import { nodeMajor } from '../helpers/modules.ts'
import { opensslBytes } from '../helpers/openssl.ts'
import { createAuthority, toDer, toPkcs12 } from '../helpers/pki.ts'
import { tempDir } from '../helpers/temp.ts'

const root = createAuthority()
const other = createAuthority()
const client = root.issue({ extendedKeyUsage: ['clientAuth'] })
const context = (verify: Verify, cert?: ClientCert) =>
  secureContextFor(
    resolveTrust(toTrust(verify, 'call')),
    cert === undefined ? undefined : resolveClientCert(toClientCertSource(cert)),
  )
const pair = { cert: client.certificate, key: client.key }

test('equal trust has one context, whatever its form', () => {
  using dir = tempDir()
  const path = dir.write('ca.pem', `# comment\n${root.certificate}`)
  const first = context(root.certificate)
  for (const verify of [
    root.certificate,
    Buffer.from(root.certificate),
    toDer(root.certificate),
    path,
    [path],
    [root.certificate, path],
  ]) {
    assert.equal(context(verify), first)
  }
  assert.equal(context(true), context(true))
})

test('another trust, another order of it or another client certificate has another context', () => {
  const contexts = [
    context(root.certificate),
    context(other.certificate),
    context([root.certificate, other.certificate]),
    // OpenSSL takes the first of two authorities of one name if nothing else distinguishes them.
    context([other.certificate, root.certificate]),
    context(true),
    context(false),
    context(root.certificate, pair),
    context(root.certificate, { ...pair, cert: client.certificate + root.certificate }),
    context(true, pair),
  ]
  assert.equal(new Set(contexts).size, contexts.length)
  assert.equal(context(root.certificate, pair), contexts[6])
})

test('what is held and how often it served is counted', () => {
  const fresh = createAuthority().certificate
  const before = caStats()
  context(fresh)
  context(Buffer.from(fresh))
  const after = caStats()
  assert.deepEqual(
    [
      after.contexts - before.contexts,
      after.contextBuilds - before.contextBuilds,
      after.contextHits - before.contextHits,
      after.parses - before.parses,
      after.hits - before.hits,
    ],
    [1, 1, 1, 1, 1],
  )
})

test('a context is found as long as something holds it, however many are made in the meantime', () => {
  const contexts = differing(150).map((verify) => [verify, context(verify)] as const)
  for (const [verify, made] of contexts) assert.equal(context(verify), made)
})

test('contexts that nothing holds are collected, but for the last hundred', async () => {
  const before = caStats().contexts
  for (const verify of differing(150)) context(verify)
  await eventually(() => {
    collectGarbage()
    return caStats().contexts <= before + 100
  }, 'unused contexts stay in memory')
  assert(caStats().contexts >= 100)
})

test('a certificate is in memory once, however many bundles have it', () => {
  const before = caStats().certificates
  const common = differing(20)
  const bundles = differing(30).map((own) => CABundle.from([...common, own].join('')))
  const certificates = bundles.map((bundle) => bundle.certificates)
  assert.equal(caStats().certificates - before, 20 + 30)
  for (const each of certificates) assert.equal(each[7], certificates[0]?.[7])
})

/** As many certificates of authorities. */
function differing(count: number): string[] {
  const { key } = createAuthority()
  return Array.from({ length: count }, (_, index) => createAuthority({ key, commonName: `CA ${index}` }).certificate)
}

const weak = root.issue({ keyType: 'rsa-1024', extendedKeyUsage: ['clientAuth'] })
const pfx = toPkcs12(client, 'secret')

const refused: [what: string, cert: ClientCert, hint: RegExp, problem: RegExp][] = [
  ['PKCS#12 without its passphrase', { pfx }, /needs a passphrase/, /mac verify failure/i],
  ['PKCS#12 with a wrong passphrase', { pfx, passphrase: 'wrong' }, /the passphrase is wrong/, /mac verify failure/i],
  ['what is no PKCS#12', { pfx: Buffer.from('hello') }, /often ends in \.p12 or \.pfx/, /given as bytes/],
]
// Node 22 sets OpenSSL's security level to 1.
if (nodeMajor >= 24)
  refused.push(['a weak key', { cert: weak.certificate, key: weak.key }, /stronger key/, /key too small/])

/** As old tools write it: its cipher (RC2 of 40 bits) is not in Node's OpenSSL. */
function legacyPfx(): Buffer {
  using dir = tempDir()
  const files = ['-in', dir.write('c', client.chain), '-inkey', dir.write('k', client.key)]
  return opensslBytes([
    'pkcs12',
    '-export',
    '-legacy',
    '-certpbe',
    'PBE-SHA1-RC2-40',
    ...files,
    '-passout',
    'pass:secret',
  ])
}
refused.push(['PKCS#12 of an old cipher', { pfx: legacyPfx(), passphrase: 'secret' }, /-legacy/, /unsupported/i])

for (const [what, cert, hint, problem] of refused) {
  test(`a client certificate that OpenSSL refuses is an error in plain words: ${what}`, () => {
    assert.throws(
      () => context(true, cert),
      (error: unknown) => {
        assert(error instanceof ClientCertError)
        assert.match(error.message, /^cannot use the client certificate given as /)
        assert.match(error.message, problem)
        assert.match(error.hints.join(), hint)
        return true
      },
    )
  })
}

test('the file is named when a PKCS#12 file cannot be opened, and the passphrase is not', () => {
  using dir = tempDir()
  const path = dir.write('client.p12', pfx)
  assert.throws(
    () => context(true, { pfx: path, passphrase: 'hunter2' }),
    (error: unknown) => {
      assert(error instanceof ClientCertError)
      assert.equal(error.path, path)
      assert.doesNotMatch(`${error.stack} ${JSON.stringify(error)}`, /hunter2/)
      return true
    },
  )
})
