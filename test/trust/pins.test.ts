import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { CABundle, get, Session, type Verify } from '../../src/index.ts'
import { LearnedCertificates } from '../../src/trust/learned.ts'
import { type Pins, pinsOf } from '../../src/trust/pins.ts'
import { resolveTrust, resolveVerify, toTrust, trustedCertificates, trustForProxy } from '../../src/trust/verify.ts'
import { withEnv } from '../helpers/environment.ts'
import { openssl } from '../helpers/openssl.ts'
import { createAuthority, selfSigned, toDer } from '../helpers/pki.ts'
import { startHttpsServer } from '../helpers/servers.ts'

const { certificate: pem, key } = selfSigned({ hosts: ['unifi.local'] })
const { fingerprint256, publicKey } = new X509Certificate(pem)
const hex = fingerprint256.replaceAll(':', '')
const spki = createHash('sha256')
  .update(publicKey.export({ type: 'spki', format: 'der' }))
  .digest('base64')
const digests = (verify: Verify) => resolveTrust(toTrust(verify, 'call')).digest

const FORMS: readonly [form: string, verify: Verify][] = [
  ['as messages print it', `sha256:${fingerprint256}`],
  ['lower case', `sha256:${fingerprint256.toLowerCase()}`],
  ['without colons', `sha256:${hex}`],
  ['lower case without colons', `sha256:${hex.toLowerCase()}`],
  ['with an upper-case prefix', `SHA256:${hex}`],
  ['with the line break of a command', `sha256:${hex}\n`],
  ['of the public key', `sha256//${spki}`],
  ['in a list', [`sha256:${hex}`]],
  ['in a list with others', [`sha256:${'0'.repeat(64)}`, `sha256//${spki}`]],
  ['in a list of lists', [[`sha256:${hex}`], [`sha256:${'0'.repeat(64)}`]]],
]

for (const [form, verify] of FORMS) {
  test(`a pin ${form} names the server, whatever names its certificate has`, async () => {
    await using server = await startHttpsServer({ key, cert: pem })
    await using session = new Session({ trustEnv: false })
    const { tls } = await session.get(server.url127, { verify })
    assert.equal(tls?.verified, true)
    const pins = Array.isArray(verify) ? verify.length : 1
    assert.deepEqual(tls?.trust, { source: 'call', certificates: 0, pins })
    assert.equal(tls?.peerCertificate?.fingerprint256, fingerprint256)
  })
}

const ZEROS = '0'.repeat(64)

const BAD: readonly [what: string, verify: Verify, message: RegExp][] = [
  ['two digits too few', `sha256:${ZEROS.slice(2)}`, /62 hex digits; a SHA-256 has 64/],
  ['a digit too many', `sha256:${ZEROS}0`, /65 hex digits; a SHA-256 has 64/],
  ['one digit', 'sha256:0', /1 hex digit; a SHA-256 has 64/],
  ['nothing', 'sha256:', /0 hex digits; a SHA-256 has 64/],
  ['a letter that is no digit', `sha256:${ZEROS.slice(1)}g`, /not only hex digits and colons/],
  ['base64 in place of hex', `sha256:${spki}`, /not only hex digits and colons/],
  ['SHA-1', `sha1:${ZEROS.slice(24)}`, /not 'sha1:': only SHA-256/],
  ['MD5', `md5:${ZEROS.slice(32)}`, /not 'md5:': only SHA-256/],
  ['SHA-512', `sha512//${spki}`, /not 'sha512\/\/': only SHA-256/],
  ['a hyphen', `SHA-256:${ZEROS}`, /not 'SHA-256:': write 'sha256:/],
  ['base64 that is none', 'sha256//!!!!', /not valid base64/],
  ['base64 without its end', `sha256//${spki.replace('=', '')}`, /not valid base64; it ends in '='/],
  ['base64 of a URL', `sha256//${Buffer.alloc(32, 0xff).toString('base64url')}=`, /not valid base64/],
  ['base64 with spare bits', `sha256//${'A'.repeat(42)}B=`, /not valid base64/],
  ['base64 of 31 bytes', `sha256//${Buffer.alloc(31).toString('base64')}`, /base64 of 31 bytes; a SHA-256 has 32/],
  ['base64 of nothing', 'sha256//', /base64 of 0 bytes/],
  ["curl's list", `sha256//${spki};sha256//${spki}`, /for several pins write a list/],
  ['a pin and a path', [`sha256:${ZEROS}`, 'ca.pem'], /pins and certificates do not go together/],
  ['a pin and PEM text', [pem, `sha256:${ZEROS}`], /pins and certificates do not go together/],
  ['a pin and a bundle', [`sha256:${ZEROS}`, CABundle.default()], /pins and certificates do not go together/],
  ['a pin and bytes', [`sha256:${ZEROS}`, [toDer(pem)]], /pins and certificates do not go together/],
  ['a good and a bad pin', [`sha256:${ZEROS}`, 'sha256:00'], /2 hex digits/],
]

for (const [what, verify, message] of BAD) {
  test(`${what}, where a pin is wanted, is a TypeError before anything is sent`, async () => {
    await using server = await startHttpsServer({ key, cert: pem })
    await using session = new Session({ trustEnv: false })
    await assert.rejects(session.get(server.url127, { verify }), { name: 'TypeError', message })
    assert.throws(() => new Session({ trustEnv: false, verify }), { name: 'TypeError', message })
    assert.equal(server.connections, 0)
  })
}

test('a bundle takes no pins', () => {
  for (const make of [
    () => CABundle.from(`sha256:${ZEROS}`),
    () => CABundle.from(pem, [`sha256:${ZEROS}`]),
    () => CABundle.default().with('sha256//AAAA'),
  ])
    assert.throws(make, { name: 'TypeError', message: /a pin is no certificate.*\.\/sha256:/ })
})

test('a file whose name looks like a pin is written with its directory', async () => {
  await assert.rejects(get('https://127.0.0.1:1', { verify: `./sha256:${ZEROS}` }), {
    name: 'CABundleError',
    message: /invalid path: \.\/sha256:0{64}/,
  })
})

for (const variable of ['REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE']) {
  test(`${variable} names a file, also if its value looks like a pin`, () =>
    withEnv({ [variable]: `sha256:${hex}` }, () =>
      assert.rejects(get('https://127.0.0.1:1'), {
        name: 'CABundleError',
        message: /invalid path: sha256:[\s\S]*this names a file: a pin is written in the program/,
      }),
    ))
}

test('a fingerprint without its prefix is a path, and the error says what is missing', async () => {
  for (const verify of [fingerprint256, hex])
    await assert.rejects(get('https://127.0.0.1:1', { verify }), {
      name: 'CABundleError',
      message: /to pin the certificate write verify: 'sha256:…'/,
    })
})

test('equal pins have equal digests, in any spelling, order and number; other pins and certificates have others', () => {
  const same = [
    `sha256:${hex}`,
    `sha256:${fingerprint256.toLowerCase()}`,
    [`sha256:${hex}`, `sha256:${fingerprint256}`],
  ]
  assert.equal(new Set(same.map(digests)).size, 1)
  assert.equal(digests([`sha256:${ZEROS}`, `sha256//${spki}`]), digests([`sha256//${spki}`, `sha256:${ZEROS}`]))
  const others: Verify[] = [`sha256:${hex}`, `sha256//${spki}`, `sha256:${ZEROS}`, pem, true, false]
  assert.equal(new Set(others.map(digests)).size, others.length)
})

test('pins trust no certificate: neither as roots nor as default roots', () => {
  const trust = resolveTrust(toTrust(`sha256:${hex}`, 'call'))
  assert.deepEqual([trust.verified, trust.set, trustedCertificates(trust)], [true, undefined, []])
})

test('only what matches a pin is learned, and not without end', () => {
  const learned = new LearnedCertificates(pinsOf(`sha256//${spki}`) as Pins)
  const other = selfSigned({ hosts: ['unifi.local'] })
  assert.deepEqual([learned.add(toDer(other.certificate)), learned.current], [false, []])
  for (let day = 1; day <= 20; day++) {
    const again = selfSigned({ hosts: ['unifi.local'], key, notAfter: new Date(Date.now() + day * 86_400_000) })
    assert.deepEqual([learned.add(toDer(again.certificate)), learned.add(toDer(again.certificate))], [true, false])
  }
  assert.equal(learned.current.length, 8)
})

test('an https proxy is verified by what would verify the origin without the pin', () => {
  const environment = { REQUESTS_CA_BUNDLE: '/etc/corp.pem' }
  const pinned = resolveVerify(`sha256:${hex}`, { verify: undefined, trustEnv: true }, environment)
  assert.equal(pinned.source, 'call')
  assert.equal(trustForProxy(pinned).source, 'REQUESTS_CA_BUNDLE')
  const alone = resolveVerify(`sha256:${hex}`, { verify: pem, trustEnv: false }, environment)
  assert.deepEqual(trustForProxy(alone), { kind: 'default', source: 'default' })
  const bundle = toTrust(pem, 'call')
  assert.equal(trustForProxy(bundle), bundle)
})

test('the fingerprint of openssl is a pin as it is printed, and so is the hash of its public key', async () => {
  const ca = createAuthority()
  const issued = ca.issue({ hosts: ['printer.lan'], keyType: 'rsa-2048' })
  const printed = openssl(['x509', '-noout', '-fingerprint', '-sha256'], issued.certificate)
  const spkiDer = createHash('sha256').update(toDer(openssl(['x509', '-noout', '-pubkey'], issued.certificate)))
  await using server = await startHttpsServer({ key: issued.key, cert: issued.chain })
  await using session = new Session({ trustEnv: false })
  for (const verify of [`sha256:${printed.trim().replace(/^.*=/, '')}`, `sha256//${spkiDer.digest('base64')}`])
    assert.equal((await session.get(server.url127, { verify })).statusCode, 200)
})
