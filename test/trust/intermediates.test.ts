import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import tls from 'node:tls'
import { CABundle, Session } from '../../src/index.ts'
import {
  createAuthority,
  selfSigned,
  type TestAuthority,
  type TestCertificate,
  toTrustedCertificate,
} from '../helpers/pki.ts'
import { startHttpsServer } from '../helpers/servers.ts'
import { tempDir } from '../helpers/temp.ts'

const root = createAuthority({ commonName: 'Root' })
const middle = root.intermediate({ commonName: 'Middle' })
const lower = middle.intermediate({ commonName: 'Lower' })
const other = createAuthority({ commonName: 'Other' })

/** The server does not send the chain above its certificate. */
async function reasonOf(leaf: TestCertificate, verify: CABundle): Promise<string> {
  await using server = await startHttpsServer({ key: leaf.key, cert: leaf.certificate })
  await using session = new Session({ trustEnv: false, verify })
  return await session.get(server.url).then(
    ({ tls }) => (tls?.verified ? 'trusted' : 'unverified'),
    ({ reason }: { reason: string }) => reason,
  )
}

const trusting = (authority: TestAuthority) => CABundle.from(authority.certificate)

test('a chain that the server leaves out is built with intermediates, up to an anchor', async () => {
  const leaf = lower.issue()
  assert.notEqual(await reasonOf(leaf, trusting(root)), 'trusted')
  assert.notEqual(await reasonOf(leaf, trusting(root).withIntermediates(lower.certificate)), 'trusted')
  const all = [lower.certificate, middle.certificate]
  assert.equal(await reasonOf(leaf, trusting(root).withIntermediates(...all)), 'trusted')
  assert.equal(await reasonOf(leaf, trusting(root).withIntermediates(...all.toReversed())), 'trusted')
  assert.equal(await reasonOf(leaf, trusting(root).withIntermediates(all.join(''))), 'trusted')
})

test('intermediates are not trusted: a chain that ends at one is refused', async () => {
  const leaf = middle.issue()
  const others = trusting(other)
  assert.notEqual(await reasonOf(leaf, others.withIntermediates(middle.certificate)), 'trusted')
  assert.notEqual(
    await reasonOf(lower.issue(), others.withIntermediates(lower.certificate, middle.certificate)),
    'trusted',
  )
  // The certificate of the server itself among them says nothing either.
  assert.notEqual(await reasonOf(leaf, others.withIntermediates(leaf.certificate)), 'trusted')
})

test('every constraint of the chain counts', async () => {
  const constrained = createAuthority({ nameConstraints: { permitted: ['corp.example'] } })
  const short = createAuthority({ pathLength: 0 })
  const past = { notBefore: new Date(Date.now() - 9e8), notAfter: new Date(Date.now() - 1e8) }
  for (const [above, options, reason] of [
    [constrained, {}, 'invalid-ca'],
    [short, {}, 'invalid-ca'],
    [root, past, 'expired'],
    [root, { ca: false }, 'invalid-ca'],
    [root, { keyUsage: ['digitalSignature'] }, 'invalid-ca'],
    [root, { extendedKeyUsage: ['clientAuth'] }, 'wrong-purpose'],
  ] as const) {
    const between = above.intermediate({ commonName: 'Between', ...options })
    const found = await reasonOf(between.issue(), trusting(above).withIntermediates(between.certificate))
    assert.notEqual(found, 'trusted', reason)
  }
})

test('a self-signed certificate among intermediates is an error that names it', () => {
  const copy = selfSigned({ hosts: ['Lookalike'] })
  for (const [certificate, name] of [
    [root.certificate, 'Root'],
    [copy.certificate, 'Lookalike'],
  ] as const)
    assert.throws(() => trusting(other).withIntermediates(middle.certificate, certificate), {
      name: 'CABundleError',
      message: new RegExp(
        `'CN=${name}', SHA-256 ${new X509Certificate(certificate).fingerprint256}, is its own issuer`,
      ),
    })
})

test('a certificate that only looks self-signed to OpenSSL is refused as well', async () => {
  // Its names are its own but for the case of letters and blanks, its signature is by another key.
  for (const [issuerName, ownName] of [
    ['Fake  Root', 'fake root'],
    ['Fake Root', 'Fake Root'],
  ] as const) {
    const fake = createAuthority({ commonName: issuerName }).intermediate({
      commonName: ownName,
      keyIdentifiers: false,
    })
    assert.throws(() => trusting(other).withIntermediates(fake.certificate), /is its own issuer/)
  }
})

test('an anchor that is not self-signed beside intermediates is an error that names it', () => {
  assert.throws(() => trusting(middle).withIntermediates(lower.certificate), {
    name: 'CABundleError',
    message: /'CN=Middle'.*is trusted but not self-signed/,
  })
  assert.throws(() => trusting(root).withIntermediates(lower.certificate).with(middle.certificate).size, /'CN=Middle'/)
})

test('a trusted certificate block is no intermediate', () => {
  assert.throws(() => trusting(root).withIntermediates(toTrustedCertificate(middle.certificate)), /trust settings/)
})

test('files are checked when they are read, and stay live', async () => {
  using dir = tempDir()
  const path = dir.write('chain.pem', root.certificate)
  const bundle = trusting(root).withIntermediates(path)
  const leaf = middle.issue()
  assert.equal(await reasonOf(leaf, bundle), 'bad-bundle')
  dir.write('chain.pem', middle.certificate)
  assert.equal(await reasonOf(leaf, bundle), 'trusted')
  assert.equal(await reasonOf(leaf, trusting(root).withIntermediates(dir.join('none.pem'))), 'bad-bundle')
})

test('intermediates are no part of what a bundle trusts, and stay with it in others', async () => {
  const bundle = trusting(root).withIntermediates(middle.certificate)
  assert.deepEqual([bundle.size, bundle.toPEM()], [1, trusting(root).toPEM()])
  const leaf = middle.issue()
  for (const made of [
    CABundle.from(bundle),
    CABundle.from([bundle], other.certificate),
    bundle.with(other.certificate),
  ])
    assert.equal(await reasonOf(leaf, made), 'trusted')
  await using session = new Session({ trustEnv: false })
  await using server = await startHttpsServer({ key: leaf.key, cert: leaf.certificate })
  assert.equal((await session.get(server.url, { verify: bundle })).statusCode, 200)
  // The same anchors without them are another trust.
  await assert.rejects(session.get(server.url, { verify: trusting(root) }))
})

test('default roots take intermediates', { timeout: 60_000 }, async () => {
  const before = tls.getCACertificates('default')
  const [some = ''] = tls.rootCertificates
  tls.setDefaultCACertificates([some, root.certificate])
  try {
    assert.equal(await reasonOf(middle.issue(), CABundle.default().withIntermediates(middle.certificate)), 'trusted')
    assert.notEqual(await reasonOf(middle.issue(), CABundle.default()), 'trusted')
  } finally {
    tls.setDefaultCACertificates(before)
  }
  assert(CABundle.bundled().withIntermediates(middle.certificate).size > 100)
})

test('withIntermediates of nothing, of a pin or of a wrong type is an error', () => {
  assert.throws(() => trusting(root).withIntermediates(), { name: 'CABundleError' })
  assert.throws(() => trusting(root).withIntermediates('sha256:00'), { name: 'TypeError' })
  assert.throws(() => trusting(root).withIntermediates(7 as never), { name: 'TypeError' })
})
