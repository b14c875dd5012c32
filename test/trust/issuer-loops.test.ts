/** Bundles whose certificates issued each other: Node follows their issuers without end, so OpenSSL is not given such a loop. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CABundle, CABundleError, get, tlsOptions } from '../../src/index.ts'
import { withoutLoops } from '../../src/trust/issuer-loops.ts'
import { TrustAnchor } from '../../src/x509/certificate.ts'
import { moduleUrl } from '../helpers/modules.ts'
import { createAuthority, type TestAuthority, type TestCertificate, toDer } from '../helpers/pki.ts'
import { outputOfScript } from '../helpers/processes.ts'
import { startHttpsServer } from '../helpers/servers.ts'
import { tempDir } from '../helpers/temp.ts'

const one = createAuthority({ commonName: 'One' })
const two = createAuthority({ commonName: 'Two' })
const oneByTwo = two.intermediate({ commonName: 'One', key: one.key }).certificate
const twoByOne = one.intermediate({ commonName: 'Two', key: two.key }).certificate
/** A CA that changes its key issues the new one with the old, and the old one with the new. */
const renewed = createAuthority({ commonName: 'One' })
const newByOld = one.intermediate({ commonName: 'One', key: renewed.key }).certificate
const oldByNew = renewed.intermediate({ commonName: 'One', key: one.key }).certificate

const anchorsOf = (pems: readonly string[]) => pems.map((pem) => TrustAnchor.of('CERTIFICATE', toDer(pem)))
const subjectsOf = (pems: readonly string[]) =>
  withoutLoops(anchorsOf(pems)).map(({ certificate }) => `${certificate.subject} by ${certificate.issuer}`)

test('what a loop needs and nobody else is left out: beside a root, another certificate of its name and key', () => {
  const kept = ['CN=Two by CN=One', 'CN=One by CN=One']
  assert.deepEqual(subjectsOf([oneByTwo, twoByOne, one.certificate]), kept)
  assert.deepEqual(subjectsOf([oneByTwo, twoByOne, one.certificate, two.certificate]), [
    'CN=One by CN=One',
    'CN=Two by CN=Two',
  ])
  assert.deepEqual(subjectsOf([newByOld, oldByNew, one.certificate]), ['CN=One by CN=One', 'CN=One by CN=One'])
})

test('a bundle without a loop stays as it is', () => {
  const lower = one.intermediate({ commonName: 'Lower' })
  const lowest = lower.intermediate({ commonName: 'Lowest' })
  const bundles = [
    [one.certificate, two.certificate],
    [oneByTwo, one.certificate, two.certificate],
    [lowest.certificate, lower.certificate],
    [lower.certificate, oneByTwo, two.certificate],
    [oneByTwo],
  ]
  for (const bundle of bundles) {
    const anchors = anchorsOf(bundle)
    assert.equal(withoutLoops(anchors), anchors)
  }
})

test('a loop that has no root is an error that names a way out, which leads out', async () => {
  const bundle = CABundle.from([oneByTwo, twoByOne])
  assert.throws(
    () => tlsOptions(bundle),
    (error) => {
      assert(error instanceof CABundleError)
      assert.match(error.message, /certificates of the CA bundle issued each other, among them 'CN=(?:One|Two)'/)
      assert.match(error.message, /add the self-signed certificate of this CA/)
      return true
    },
  )
  // Another CA is no reason to leave them out, nor is another key of the name.
  for (const other of [createAuthority(), createAuthority({ commonName: 'One' })])
    assert.throws(() => tlsOptions(bundle.with(other.certificate)), CABundleError)
  const { chain, key } = one.issue()
  await using server = await startHttpsServer({ cert: chain, key })
  assert.equal((await get(server.url, { verify: bundle.with(one.certificate) })).statusCode, 200)
  assert.equal((await get(server.url, { verify: twoByOne + one.certificate })).statusCode, 200)
})

/** A server that names an authority as its issuer; whether it was issued by it does not matter. */
const pairOf = ({ chain: cert, key }: TestCertificate) => ({ cert, key })
const namesIssuer = (authority: TestAuthority) => authority.issue({ hosts: ['localhost'], keyIdentifiers: false })

for (const [source, env] of [
  ['verify', {}],
  ['NODE_EXTRA_CA_CERTS', { NODE_EXTRA_CA_CERTS: 'bundle.pem' }],
] as const) {
  test(`no server uses up the memory of a client whose bundle has a loop: ${source}`, async () => {
    using dir = tempDir()
    // The cross-certificates are first, and valid for longer, so that OpenSSL prefers them.
    dir.write('bundle.pem', [oneByTwo, twoByOne, one.certificate].join(''))
    await using honest = await startHttpsServer(pairOf(namesIssuer(one)))
    await using impostor = await startHttpsServer(pairOf(namesIssuer(createAuthority({ commonName: 'One' }))))
    const script = `const { get } = await import(${JSON.stringify(moduleUrl('index'))})
      const verify = ${source === 'verify' ? "'bundle.pem'" : 'true'}
      const outcomes = process.argv.slice(1).map((url) =>
        get(url, { verify }).then(({ statusCode }) => statusCode, (error) => error.name))
      console.log((await Promise.all(outcomes)).join(' '))`
    const args = [honest.url, impostor.url]
    const output = await outputOfScript(script, { args, cwd: dir.path, env, flags: ['--max-old-space-size=80'] })
    assert.equal(output.trim(), '200 SSLError')
  })
}
