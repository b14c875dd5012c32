/** Diagnoses of chains that no server of the tests sends. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { type Diagnosis, diagnose } from '../../src/diagnose/diagnosis.ts'
import { inspectorIn } from '../../src/diagnose/inspectors.ts'
import type { Evidence } from '../../src/diagnose/problem.ts'
import { reasonFor } from '../../src/diagnose/reasons.ts'
import { get, SSLError } from '../../src/index.ts'
import { type Forgery, leaf, utcTime } from '../conformance/limbo/forge.ts'
import { openssl } from '../helpers/openssl.ts'
import { createAuthority, selfSigned } from '../helpers/pki.ts'
import { startHttpsServer } from '../helpers/servers.ts'
import { tempDir } from '../helpers/temp.ts'

const x509 = (...pems: string[]) => pems.map((pem) => new X509Certificate(pem))

function diagnosed(code: string, evidence: Partial<Evidence>): Diagnosis {
  const row = reasonFor(Object.assign(new Error(code), { code }))
  assert(row)
  const whole = { host: 'box.test', port: 443, chain: [], trusted: () => [], now: Date.now() }
  return diagnose(row, { ...whole, ...evidence })
}

const root = createAuthority({ commonName: 'Root' })

test('a lone certificate that says where its issuer is to be found was not issued by a root', () => {
  using dir = tempDir()
  const ca = createAuthority({ commonName: 'R3' })
  const request = openssl(['req', '-new', '-subj', '/CN=box.test', '-key', dir.write('k', root.issue().key)])
  const make = (extension: string) =>
    openssl([
      ...['x509', '-req', '-in', dir.write('req', request), '-days', '9', '-extfile', dir.write('ext', extension)],
      ...['-CA', dir.write('ca.pem', ca.certificate), '-CAkey', dir.write('ca.key', ca.key), '-CAcreateserial'],
    ])
  const evidence = (pem: string) => ({ chain: x509(pem), trusted: () => x509(root.certificate) })
  const issuers = 'authorityInfoAccess=caIssuers;URI:http://ca.test/r3.der'
  const code = 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'
  assert.equal(diagnosed(code, evidence(make(issuers))).reason, 'missing-intermediate')
  assert.equal(diagnosed(code, evidence(make('authorityInfoAccess=OCSP;URI:http://ca.test/'))).reason, 'unknown-ca')
})

test('where nothing was presented the table has the last word', () => {
  for (const code of ['DEPTH_ZERO_SELF_SIGNED_CERT', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'CERT_HAS_EXPIRED']) {
    const { findings, failing, hints } = diagnosed(code, {})
    assert.deepEqual([findings, failing], [[], undefined])
    assert(hints.length > 0)
  }
})

const unknown: [code: string, message: string, summary: string][] = [
  [
    'ERR_SSL_WRONG_SIGNATURE_TYPE',
    '80A70C:error:0A000172:SSL routines:tls12_check_peer_sigalg:wrong signature type:../deps/openssl/t1_lib.c:1533:\n',
    'wrong signature type',
  ],
  ['EPROTO', 'write EPROTO of a kind\nthat nobody knows', 'write EPROTO of a kind'],
  ['CERT_OF_TOMORROW', 'a check that OpenSSL has learned', 'a check that OpenSSL has learned'],
]

for (const [code, message, summary] of unknown) {
  test(`an error of TLS that has no row keeps its own words: ${code}`, () => {
    const row = reasonFor(Object.assign(new Error(message), { code }))
    assert.equal(row?.reason, 'other')
    assert(row.summary.endsWith(summary), row.summary)
  })
}

test('what is trusted is listed only where it matters', () => {
  const trusted = () => assert.fail('121 certificates are parsed for nothing')
  const chain = x509(root.issue({ hosts: ['other.test'] }).certificate, root.certificate)
  assert.equal(diagnosed('ERR_TLS_CERT_ALTNAME_INVALID', { chain, trusted }).reason, 'hostname-mismatch')
})

const names: [host: string, hosts: string[], finding: RegExp | undefined, hint: RegExp | undefined][] = [
  [
    'box.test',
    ['www.box.test'],
    /valid for www\.box\.test, not for box\.test/,
    /use the URL https:\/\/www\.box\.test$/,
  ],
  ['www.box.test', ['box.test'], /valid for box\.test, not for www\.box\.test/, /use the URL https:\/\/box\.test$/],
  ['a.b.box.test', ['*.box.test'], /'\*\.box\.test' stands for exactly one label in front of \.box\.test/, undefined],
  ['::1', ['localhost', '127.0.0.1'], /valid for localhost/, /https:\/\/localhost$/],
  ['localhost', ['::1'], /valid for ::1/, /https:\/\/\[::1\]$/],
  ['box.test', ['other.test'], undefined, undefined],
  ['10.0.0.1', ['localhost'], undefined, undefined],
]

for (const [host, hosts, finding, hint] of names) {
  test(`${host} where the certificate is for ${hosts.join(', ')}`, () => {
    const chain = x509(root.issue({ hosts }).certificate)
    const { findings, hints } = diagnosed('ERR_TLS_CERT_ALTNAME_INVALID', { host, chain })
    assert.match(
      findings[0] ?? '',
      new RegExp(`asked for ${host}; the certificate is for ${hosts[0]?.replace('*', '\\*')}`),
    )
    if (finding) assert.match(findings[1] ?? '', finding)
    else assert.equal(findings.length, 1)
    if (hint) assert.match(hints[0] ?? '', hint)
    else assert.match(hints[0] ?? '', /^use a name that the certificate lists/)
  })
}

test('a hundred names are not all said', () => {
  const hosts = Array.from({ length: 100 }, (_, index) => `h${index}.test`)
  const chain = x509(selfSigned({ hosts }).certificate)
  const { findings } = diagnosed('ERR_TLS_CERT_ALTNAME_INVALID', { chain })
  assert.match(findings[0] ?? '', /h11\.test … \(100\)$/)
})

const inspectors: [issuer: string, product: string | undefined][] = [
  ['Zscaler Root CA', 'Zscaler'],
  ['ca.acme.goskope.com', 'Netskope'],
  ['Palo Alto Networks Decryption CA', 'Palo Alto Networks'],
  ['FortiGate CA', 'Fortinet'],
  ['Cisco Umbrella Root CA', 'Cisco'],
  ['mitmproxy', 'mitmproxy'],
  ['DO_NOT_TRUST_FiddlerRoot', 'Fiddler'],
  ['Charles Proxy CA (1 Jan 2026, laptop)', 'Charles'],
  ['PortSwigger CA', 'Burp Suite'],
  ['Kaspersky Anti-Virus Personal Root Certificate', 'Kaspersky'],
  ['Avast Web/Mail Shield Root', 'Avast or AVG'],
  ['Gateway CA - Cloudflare Managed G1 abc', 'Cloudflare Gateway'],
  ['R3', undefined],
  ['DigiCert Global Root G2', undefined],
  ['Cloudflare Inc ECC CA-3', undefined],
  ['Acme Issuing CA', undefined],
]

for (const [issuer, product] of inspectors) {
  test(`'${issuer}' is ${product ?? 'no product that inspects TLS'}`, () => {
    const ca = createAuthority({ commonName: issuer })
    assert.equal(inspectorIn(x509(ca.issue().certificate))?.product, product)
  })
}

test('the web site of a maker of such products is not taken for the product', () => {
  const chain = x509(root.issue({ commonName: 'www.zscaler.com', hosts: ['www.zscaler.com'] }).certificate)
  assert.equal(inspectorIn(chain), undefined)
})

const unreadable: [text: string, dates: Forgery][] = [
  ['(no date) to ', { from: utcTime('490230000000Z') }],
  [' to (no date)', { to: utcTime('490230000000Z') }],
]
for (const [text, dates] of unreadable) {
  test(`a server whose certificate has a date that cannot be parsed is refused, and said to be valid ${text}`, async () => {
    const { key, pem } = leaf(undefined, dates)
    await using server = await startHttpsServer({ key: key.export({ type: 'pkcs8', format: 'pem' }), cert: pem })
    await assert.rejects(get(server.url), (error) => error instanceof SSLError && error.message.includes(text))
  })
}
