import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { type ConnectionOptions, connect } from 'node:tls'
import { pathToFileURL } from 'node:url'
import {
  createSelfSignedCert,
  type HashName,
  type KeyType,
  loadCA,
  type SelfSignedCertOptions,
} from '../../src/certs/index.ts'
import { openssl } from '../helpers/openssl.ts'
import { startHttpsServer } from '../helpers/servers.ts'
import { tempDir } from '../helpers/temp.ts'

const DAY = 24 * 60 * 60 * 1000
const create = (options?: SelfSignedCertOptions, hosts: string | string[] = 'localhost') =>
  createSelfSignedCert(null, null, hosts, options)
const text = (cert: string) => openssl(['x509', '-noout', '-text', '-nameopt', 'utf8,sep_comma_plus'], cert)

/** Shakes hands and returns the protocol; rejects when the certificate is not trusted. */
async function handshake(port: number, options: ConnectionOptions): Promise<string | null> {
  const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ...options })
  try {
    await once(socket, 'secureConnect')
    return socket.getProtocol()
  } finally {
    socket.destroy()
  }
}

const kinds: [KeyType, HashName | undefined, keyText: string, signature: string, usage: string][] = [
  ['ec-p256', undefined, 'NIST CURVE: P-256', 'ecdsa-with-SHA256', 'Digital Signature'],
  ['ec-p256', 'sha512', 'NIST CURVE: P-256', 'ecdsa-with-SHA512', 'Digital Signature'],
  ['ec-p384', undefined, 'NIST CURVE: P-384', 'ecdsa-with-SHA384', 'Digital Signature'],
  ['ec-p384', 'sha256', 'NIST CURVE: P-384', 'ecdsa-with-SHA256', 'Digital Signature'],
  ['rsa-2048', undefined, '2048 bit', 'sha256WithRSA', 'Digital Signature, Key Encipherment'],
  ['rsa-2048', 'sha384', '2048 bit', 'sha384WithRSA', 'Digital Signature, Key Encipherment'],
  ['rsa-3072', 'sha512', '3072 bit', 'sha512WithRSA', 'Digital Signature, Key Encipherment'],
  ['rsa-4096', undefined, '4096 bit', 'sha256WithRSA', 'Digital Signature, Key Encipherment'],
  ['ed25519', undefined, 'ED25519 Public-Key', 'ED25519', 'Digital Signature'],
]

for (const [keyType, hash, keyText, signature, usage] of kinds) {
  test(`a ${keyType} certificate (hash ${hash ?? 'by default'}) satisfies openssl and serves over TLS`, async () => {
    using dir = tempDir()
    const pair = await createSelfSignedCert(
      dir.join('cert.pem'),
      dir.join('key.pem'),
      ['localhost', '127.0.0.1', '::1'],
      {
        keyType,
        hash,
      },
    )
    const verify = ['verify', '-x509_strict', '-purpose', 'sslserver', '-CAfile', dir.join('cert.pem')]
    assert.match(openssl([...verify, dir.join('cert.pem')]), /: OK/)
    const dump = text(pair.cert)
    for (const part of [keyText, signature, usage, 'TLS Web Server Authentication', 'CA:FALSE']) {
      assert(dump.includes(part), `${part} in ${dump}`)
    }
    assert.match(dump, /DNS:localhost, IP Address:127\.0\.0\.1, IP Address:0:0:0:0:0:0:0:1/)
    assert.equal(openssl(['x509', '-noout', '-pubkey'], pair.cert), openssl(['pkey', '-pubout'], pair.key))
    openssl(['pkey', '-check', '-noout'], pair.key)

    await using server = await startHttpsServer(pair)
    assert.equal(await handshake(server.port, { ca: readFileSync(dir.join('cert.pem')) }), 'TLSv1.3')
    assert.equal(await handshake(server.port, { ca: pair.cert, maxVersion: 'TLSv1.2' }), 'TLSv1.2')
    await assert.rejects(handshake(server.port, {}), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
    await assert.rejects(handshake(server.port, { ca: pair.cert, servername: 'other.example' }), {
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    })
  })
}

test('the result says what was made, and is options for https.createServer', async () => {
  using dir = tempDir()
  const before = Math.floor(Date.now() / 1000) * 1000
  const pair = await createSelfSignedCert(dir.join('c.pem'), pathToFileURL(dir.join('k.pem')), ['Example.com', '[::1]'])
  const x509 = new X509Certificate(readFileSync(dir.join('c.pem')))
  const { cert, key, ...facts } = pair
  assert.equal(cert, readFileSync(dir.join('c.pem'), 'utf8'))
  assert.equal(key, readFileSync(dir.join('k.pem'), 'utf8'))
  assert.match(key, /^-----BEGIN PRIVATE KEY-----\n[\s\S]+\n-----END PRIVATE KEY-----\n$/)
  assert(x509.checkPrivateKey(createPrivateKey(key)))
  assert.deepEqual(facts, {
    certFile: dir.join('c.pem'),
    keyFile: dir.join('k.pem'),
    fingerprint: x509.fingerprint256,
    validFrom: new Date(x509.validFrom),
    validTo: new Date(x509.validTo),
    hosts: ['example.com', '::1'],
  })
  assert.match(openssl(['x509', '-noout', '-fingerprint', '-sha256'], cert), new RegExp(`=${facts.fingerprint}\n`))
  const lifetime = facts.validTo.getTime() - before
  assert(lifetime >= 365 * DAY && lifetime < 365 * DAY + 10_000, 'a year from now')
  const lead = before - facts.validFrom.getTime()
  assert(lead > 4 * 60_000 && lead <= 5 * 60_000, 'valid from five minutes ago')

  await using server = await startHttpsServer(pair)
  assert.equal(await handshake(server.port, { ca: cert, servername: 'example.com' }), 'TLSv1.3')
})

test('every host is one that clients connect to, addresses as addresses', async () => {
  const { cert } = await create({}, [
    'bücher.example',
    '*.wild.example',
    '192.0.2.7',
    '2001:db8::7',
    '::ffff:192.0.2.8',
  ])
  const x509 = new X509Certificate(cert)
  for (const name of ['xn--bcher-kva.example', 'a.wild.example']) assert(x509.checkHost(name), name)
  for (const name of ['wild.example', 'a.b.wild.example', '192.0.2.7'])
    assert.equal(x509.checkHost(name), undefined, name)
  for (const ip of ['192.0.2.7', '2001:db8::7', '::ffff:192.0.2.8']) assert(x509.checkIP(ip), ip)
  assert.equal(x509.checkIP('192.0.2.8'), undefined)
})

test('with null for both files nothing is written', async () => {
  using dir = tempDir()
  const before = process.cwd()
  process.chdir(dir.path)
  try {
    const pair = await create()
    assert.deepEqual([pair.certFile, pair.keyFile], [null, null])
    assert.deepEqual(readdirSync(dir.path), [])
  } finally {
    process.chdir(before)
  }
})

const names: [SelfSignedCertOptions, hosts: string | string[], subject: string][] = [
  [{}, ['Example.com', 'localhost'], 'CN=example.com'],
  [{}, '::1', 'CN=::1'],
  [{}, `${'a'.repeat(60)}.example.com`, `CN=${'a'.repeat(60)}.exa`],
  [{ commonName: 'Größe, "quoted" = <&>' }, 'localhost', 'CN=Größe, "quoted" = <&>'],
  [{ commonName: '🔒'.repeat(64) }, 'localhost', `CN=${'🔒'.repeat(64)}`],
  [{ organization: 'Müller & Söhne' }, 'localhost', 'O=Müller & Söhne\nCN=localhost'],
]

for (const [options, hosts, subject] of names) {
  test(`${JSON.stringify(options).slice(0, 50)} for ${String(hosts).slice(0, 20)} gives the name ${JSON.stringify(subject).slice(0, 30)}`, async () => {
    using dir = tempDir()
    const { cert } = await createSelfSignedCert(dir.join('c.pem'), dir.join('k.pem'), hosts, options)
    const printed = openssl(['x509', '-noout', '-subject', '-nameopt', 'utf8,sep_multiline,esc_ctrl'], cert)
    assert.equal(
      printed
        .replace(/^subject=\n/, '')
        .replace(/^ +/gm, '')
        .trim(),
      subject,
    )
    assert.match(openssl(['verify', '-x509_strict', '-CAfile', dir.join('c.pem'), dir.join('c.pem')]), /: OK/)
  })
}

test('a certificate that is a CA is trusted by its own copy, and vouches for its own hosts alone', async () => {
  using dir = tempDir()
  const pair = await createSelfSignedCert(dir.join('c.pem'), dir.join('k.pem'), 'localhost', { ca: true })
  const dump = text(pair.cert)
  assert.match(dump, /CA:TRUE, pathlen:0/)
  assert.match(dump, /Name Constraints: critical\s+Permitted:\s+DNS:localhost\s+Excluded:/)
  assert.match(openssl(['verify', '-x509_strict', '-CAfile', dir.join('c.pem'), dir.join('c.pem')]), /: OK/)
  await using server = await startHttpsServer(pair)
  assert.equal(await handshake(server.port, { ca: pair.cert }), 'TLSv1.3')

  const forger = await loadCA(dir.join('c.pem'), dir.join('k.pem'))
  for (const host of ['localhost', '127.0.0.1', '::1', 'other.test']) {
    const forged = await forger.issue(host, {
      certFile: dir.join('f.pem'),
      keyFile: dir.join('f.key'),
      overwrite: true,
    })
    assert.match(forged.cert, /BEGIN CERTIFICATE/)
    assert.throws(
      () => openssl(['verify', '-x509_strict', '-CAfile', dir.join('c.pem'), dir.join('f.pem')]),
      /subtree violation/,
    )
  }
})

for (const days of [1, 36500]) {
  test(`a certificate for ${days} days ends then, in the time format of its year`, async () => {
    const { cert, validTo } = await create({ days })
    assert(Math.abs(validTo.getTime() - (Date.now() + days * DAY)) < 10_000)
    assert.equal(
      new Date(openssl(['x509', '-noout', '-enddate'], cert).slice('notAfter='.length)).getTime(),
      validTo.getTime(),
    )
    // RFC 5280, section 4.1.2.5: UTCTime to 2049, GeneralizedTime from 2050, both in whole seconds and with a Z.
    const times = openssl(['asn1parse'], cert).match(/(UTCTIME|GENERALIZEDTIME) +:\d+Z$/gm) ?? []
    const expected = (date: Date) => (date.getUTCFullYear() < 2050 ? 'UTCTIME' : 'GENERALIZEDTIME')
    assert.deepEqual(
      times.map((time) => time.split(/ +:/)[0]),
      [expected(new Date()), expected(validTo)],
    )
  })
}

test('serial numbers are positive, of 16 octets, and never the same twice', async () => {
  const serials = await Promise.all(
    Array.from({ length: 50 }, async () => new X509Certificate((await create()).cert).serialNumber),
  )
  assert.equal(new Set(serials).size, serials.length)
  for (const serial of serials) assert.match(serial, /^[4-7][0-9A-F]{31}$/)
})

test('of two certificates of one name in a bundle, each is found by its own server', async () => {
  const [first, second] = [await create(), await create()]
  await using server = await startHttpsServer(second)
  assert.equal(await handshake(server.port, { ca: [first.cert, second.cert].join('') }), 'TLSv1.3')
  await assert.rejects(handshake(server.port, { ca: first.cert }))
})

type Wrong = [what: string, name: 'TypeError' | 'RangeError', message: RegExp, options: unknown]

const wrongOptions: Wrong[] = [
  ['days: 0', 'RangeError', /days must be a whole number from 1 to 36500, not 0/, { days: 0 }],
  ['days: -1', 'RangeError', /not -1/, { days: -1 }],
  ['days: 1.5', 'RangeError', /not 1.5/, { days: 1.5 }],
  ['days: NaN', 'RangeError', /not NaN/, { days: Number.NaN }],
  ['days: Infinity', 'RangeError', /not Infinity/, { days: Number.POSITIVE_INFINITY }],
  ['days: 36501', 'RangeError', /not 36501/, { days: 36501 }],
  ["days: '30'", 'TypeError', /days must be a number, not string/, { days: '30' }],
  ['days: null', 'TypeError', /days must be a number/, { days: null }],
  ["keyType: 'rsa'", 'TypeError', /keyType must be one of 'ec-p256', .*not 'rsa'/, { keyType: 'rsa' }],
  ["keyType: 'rsa-1024'", 'TypeError', /not 'rsa-1024'/, { keyType: 'rsa-1024' }],
  ["hash: 'sha1'", 'TypeError', /hash must be one of 'sha256', .*not 'sha1'/, { hash: 'sha1' }],
  ['a hash for ed25519', 'TypeError', /its own/, { keyType: 'ed25519', hash: 'sha256' }],
  ["commonName: ''", 'RangeError', /commonName must have 1 to 64 characters, not 0/, { commonName: '' }],
  ['commonName of 65', 'RangeError', /not 65/, { commonName: 'x'.repeat(65) }],
  ['commonName with a line feed', 'TypeError', /control character/, { commonName: 'a\nb' }],
  ['commonName: 5', 'TypeError', /commonName must be a string, not number/, { commonName: 5 }],
  ['organization of 65', 'RangeError', /organization must have 1 to 64/, { organization: 'x'.repeat(65) }],
  ["ca: 'yes'", 'TypeError', /ca must be a boolean, not 'yes'/, { ca: 'yes' }],
  ['ca: null', 'TypeError', /ca must be a boolean, not null/, { ca: null }],
  ['overwrite: 1', 'TypeError', /overwrite must be a boolean, not 1/, { overwrite: 1 }],
  [
    'an unknown option',
    'TypeError',
    /createSelfSignedCert has no option "keytype": did you mean "keyType"\?/,
    { keytype: 'ec-p256' },
  ],
  ['null for the options', 'TypeError', /options of createSelfSignedCert must be an object/, null],
  ['a string for the options', 'TypeError', /options of createSelfSignedCert must be an object/, 'rsa-2048'],
]

for (const [what, name, message, options] of wrongOptions) {
  test(`${what} is a ${name}, and nothing is written`, async () => {
    using dir = tempDir()
    const made = createSelfSignedCert(
      dir.join('c.pem'),
      dir.join('k.pem'),
      'localhost',
      options as SelfSignedCertOptions,
    )
    await assert.rejects(made, { name, message })
    assert.deepEqual(readdirSync(dir.path), [])
  })
}

test('a wrong host is refused before anything is written', async () => {
  using dir = tempDir()
  const made = createSelfSignedCert(dir.join('c.pem'), dir.join('k.pem'), 'https://example.com:8443/')
  await assert.rejects(made, { name: 'TypeError', message: /give the host alone: 'example.com'/ })
  assert.deepEqual(readdirSync(dir.path), [])
})

test('undefined for an option stands for its default', async () => {
  const { cert } = await create({
    days: undefined,
    keyType: undefined,
    hash: undefined,
    ca: undefined,
    commonName: undefined,
  })
  assert.match(text(cert), /CN=localhost[\s\S]+P-256[\s\S]+CA:FALSE/)
})
