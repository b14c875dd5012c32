import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { test } from 'node:test'
import { connect } from 'node:tls'
import { inspect } from 'node:util'
import {
  type CAOptions,
  CertificateAuthority,
  createCA,
  createSelfSignedCert,
  type KeyType,
  loadCA,
} from '../../src/certs/index.ts'
import { get, SSLError } from '../../src/index.ts'
import { askRequests, type Question, whyNoRequests } from '../conformance/oracle.ts'
import { expectWarnings } from '../helpers/environment.ts'
import { openssl } from '../helpers/openssl.ts'
import { createAuthority } from '../helpers/pki.ts'
import { isWindows, onPosix } from '../helpers/platform.ts'
import { startHttpsServer, type TestServer } from '../helpers/servers.ts'
import { tempDir } from '../helpers/temp.ts'

const KEY_TYPES: KeyType[] = ['ec-p256', 'ec-p384', 'rsa-2048', 'rsa-3072', 'rsa-4096', 'ed25519']
const DAY = 24 * 60 * 60 * 1000
const text = (cert: string) => openssl(['x509', '-noout', '-text', '-nameopt', 'utf8,sep_comma_plus'], cert)

test('what is made satisfies OpenSSL, Node and Python requests, for each kind of key, by name and by address', async (t) => {
  using dir = tempDir()
  const servers: TestServer[] = []
  t.after(() => Promise.all(servers.map((server) => server.close())))
  const questions: Question[] = []
  const serve = async (pair: { cert: string; key: string }, ca: string, client?: [string, string]) => {
    const mutual = client && { ca: readFileSync(ca), requestCert: true, rejectUnauthorized: true }
    const server = await startHttpsServer({ ...pair, ...mutual })
    servers.push(server)
    for (const url of [server.url, server.url127]) {
      const response = await get(url, { verify: ca, ...(client && { cert: client }) })
      assert.equal(response.statusCode, 200)
      questions.push({ kind: 'get', url, verify: ca, ...(client && { cert: client }) })
    }
  }
  for (const keyType of KEY_TYPES) {
    const file = (name: string) => dir.join(`${keyType}-${name}`)
    const hosts = ['localhost', '127.0.0.1']
    const strict = (ca: string, purpose: string, cert: string) =>
      assert.match(openssl(['verify', '-x509_strict', '-purpose', purpose, '-CAfile', ca, cert]), /: OK/)

    const own = await createSelfSignedCert(file('own.pem'), file('own.key'), hosts, { keyType })
    strict(file('own.pem'), 'sslserver', file('own.pem'))
    await serve(own, file('own.pem'))

    const ca = await createCA(file('ca.pem'), file('ca.key'), { keyType })
    const server = await ca.issue(hosts, { keyType, certFile: file('server.pem'), keyFile: file('server.key') })
    await ca.issueClient('ada', { keyType, certFile: file('client.pem'), keyFile: file('client.key') })
    strict(file('ca.pem'), 'sslserver', file('server.pem'))
    strict(file('ca.pem'), 'sslclient', file('client.pem'))
    for (const name of ['own.key', 'ca.key', 'server.key', 'client.key']) {
      if (!isWindows) assert.equal(statSync(file(name)).mode & 0o777, 0o600)
      openssl(['pkey', '-check', '-noout', '-in', file(name)])
    }
    await serve(server, file('ca.pem'))
    await serve(server, file('ca.pem'), [file('client.pem'), file('client.key')])
  }
  const whyNot = whyNoRequests()
  if (whyNot) {
    t.diagnostic(`not asked: ${whyNot}`)
    return
  }
  const { answers } = await askRequests(questions)
  assert.deepEqual(
    questions.filter((_, index) => answers[index] !== 'trusted'),
    [],
    inspect(answers),
  )
})

test('an authority is a root for others only, a server certificate is no authority, a client certificate no server', async () => {
  const ca = await createCA({ commonName: 'Team CA', organization: 'Example' })
  const root = text(ca.cert)
  assert.match(root, /Subject: O=Example,CN=Team CA/)
  assert.match(root, /Basic Constraints: critical\s+CA:TRUE, pathlen:0/)
  assert.match(root, /Key Usage: critical\s+Certificate Sign, CRL Sign\n/)
  assert.doesNotMatch(root, /Extended Key Usage|Alternative Name/)
  assert.equal(Math.round((ca.validTo.getTime() - Date.now()) / DAY), 3650)

  const server = await ca.issue(['db.internal', '10.0.0.7'], { keyType: 'rsa-2048' })
  const served = text(server.cert)
  assert.match(served, /Issuer: O=Example,CN=Team CA/)
  assert.match(served, /CA:FALSE/)
  assert.match(served, /Key Usage: critical\s+Digital Signature, Key Encipherment\n/)
  assert.match(served, /Extended Key Usage:\s+TLS Web Server Authentication\n/)
  assert.match(served, /DNS:db\.internal, IP Address:10\.0\.0\.7/)
  assert.deepEqual(server.hosts, ['db.internal', '10.0.0.7'])
  assert.deepEqual([server.certFile, server.keyFile], [null, null])

  const client = await ca.issueClient('Ada Lovelace')
  assert.match(text(client.cert), /Subject: CN=Ada Lovelace\n/)
  assert.match(text(client.cert), /Extended Key Usage:\s+TLS Web Client Authentication\n/)
  assert.deepEqual(client.hosts, [])
  await using wrong = await startHttpsServer(client)
  await assert.rejects(get(wrong.url, { verify: ca.cert }), (error) => error instanceof SSLError)
})

test('the key of an authority does not show when it is printed', async () => {
  const ca = await createCA()
  assert.match(ca.key, /BEGIN PRIVATE KEY/)
  assert.doesNotMatch(inspect(ca, { depth: 9, showHidden: true }), /PRIVATE KEY/)
  assert.doesNotMatch(JSON.stringify(ca), /PRIVATE KEY/)
})

test('what is issued is trusted with the authority, and not with another of the same name', async () => {
  const [ca, other] = [await createCA(), await createCA()]
  await using server = await startHttpsServer(await ca.issue('localhost'))
  assert.equal((await get(server.url, { verify: ca.cert })).statusCode, 200)
  await assert.rejects(get(server.url, { verify: other.cert }), SSLError)
  assert.equal((await get(server.url, { verify: [other.cert, ca.cert] })).statusCode, 200)
})

test('an authority is read again from its files', async () => {
  using dir = tempDir()
  const files = [dir.join('ca.pem'), dir.join('ca.key')] as const
  const made = await createCA(...files, { passphrase: 'very secret' })
  assert.match(readFileSync(files[1], 'utf8'), /BEGIN ENCRYPTED PRIVATE KEY/)
  const ca = await loadCA(...files, { passphrase: 'very secret' })
  assert(ca instanceof CertificateAuthority)
  assert.deepEqual({ ...ca }, { ...made })
  assert.equal(ca.key, made.key)
  await using server = await startHttpsServer(await ca.issue('localhost'))
  assert.equal((await get(server.url, { verify: files[0] })).statusCode, 200)

  const wrong: [passphrase: string | undefined, message: RegExp][] = [
    [undefined, /ca\.key': it is encrypted, pass its `passphrase`$/],
    ['wrong secret', /ca\.key': it cannot be decrypted: the passphrase is wrong/],
  ]
  for (const [passphrase, message] of wrong) {
    await assert.rejects(loadCA(...files, { passphrase }), (error: NodeJS.ErrnoException) => {
      assert.match(error.message, message)
      assert.deepEqual([error.code, error.path], ['ERR_PRIVATE_KEY', files[1]])
      assert.doesNotMatch(inspect(error), /secret/)
      return true
    })
  }
})

test('authorities made with other tools issue too: their names and key identifiers are taken as they are', async () => {
  using dir = tempDir()
  const [cert, key] = [dir.join('ca.pem'), dir.join('ca.key')]
  const subject = '/C=DE/ST=Baden-Württemberg/O=Beispiel GmbH/OU=IT/CN=Ämter CA'
  const make = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-utf8', '-subj', subject, '-days', '30']
  openssl([...make, '-keyout', key, '-out', cert, '-addext', 'keyUsage=critical,keyCertSign'])
  const ca = await loadCA(cert, key)
  const { cert: leaf } = await ca.issue('localhost')
  dir.write('leaf.pem', leaf)
  assert.match(
    openssl(['verify', '-x509_strict', '-purpose', 'sslserver', '-CAfile', cert, dir.join('leaf.pem')]),
    /OK/,
  )
  assert(Math.abs(new X509Certificate(leaf).validToDate.getTime() - ca.validTo.getTime()) < 1000)
})

test('what an intermediate authority issues comes with its chain', async () => {
  using dir = tempDir()
  const root = createAuthority()
  const intermediate = root.intermediate()
  const ca = await loadCA(dir.write('i.pem', intermediate.certificate), dir.write('i.key', intermediate.key, 0o600))
  const pair = await ca.issue('localhost')
  assert.equal(pair.cert.match(/BEGIN CERTIFICATE/g)?.length, 2)
  await using server = await startHttpsServer(pair)
  assert.equal((await get(server.url, { verify: root.certificate })).statusCode, 200)
})

test('files that are no authority are refused by name', async () => {
  using dir = tempDir()
  const root = createAuthority()
  const leaf = root.issue()
  const pem = dir.write('ca.pem', root.certificate)
  const key = dir.write('ca.key', root.key, 0o600)
  const leafPem = dir.write('leaf.pem', leaf.certificate)
  const leafKey = dir.write('leaf.key', leaf.key, 0o600)
  const junk = dir.write('junk', 'junk')
  mkdirSync(dir.join('directory'))
  const cases: [cert: string, key: string, code: string, message: RegExp][] = [
    [leafPem, leafKey, 'ERR_CERTIFICATE', /leaf\.pem': it may not issue certificates/],
    [pem, leafKey, 'ERR_KEY_MISMATCH', /leaf\.key': the key does not belong to the certificate '.*ca\.pem'/],
    [key, pem, 'ERR_CERTIFICATE', /ca\.key': .*private key/],
    [pem, junk, 'ERR_PRIVATE_KEY', /junk': there is no private key in it/],
    [junk, key, 'ERR_CERTIFICATE', /junk': no certificate in it/],
    [pem, dir.join('missing'), 'ENOENT', /cannot read '.*missing': no such file or directory/],
    [dir.join('none/ca.pem'), key, 'ENOENT', /cannot read '.*none\/ca.pem': no such file/],
    [pem, dir.join('directory'), 'EISDIR', /directory': illegal operation on a directory/],
  ]
  for (const [cert, keyFile, code, message] of cases) {
    await assert.rejects(loadCA(cert, keyFile), { code, message }, message.source)
  }
})

test('a key that others can read is reported, once', onPosix, async () => {
  using dir = tempDir()
  const root = createAuthority()
  const files = [dir.write('ca.pem', root.certificate), dir.write('ca.key', root.key, 0o644)] as const
  const warnings = await expectWarnings('KeyPermissionsWarning', async () => {
    await loadCA(...files)
    await loadCA(...files)
  })
  assert.equal(warnings.length, 1)
  assert.match(warnings[0]?.message ?? '', /ca\.key can be read by users other than its owner \(mode 0644\)/)
  assert.match(warnings[0]?.detail ?? '', /chmod 600/)
})

test('no certificate outlives its authority', async () => {
  const ca = await createCA({ days: 10 })
  assert.deepEqual((await ca.issue('localhost')).validTo, ca.validTo)
  assert((await ca.issue('localhost', { days: 9 })).validTo < ca.validTo)
  await assert.rejects(ca.issue('localhost', { days: 11 }), {
    name: 'RangeError',
    message: /days is 11, but the CA's own certificate expires in 9 days/,
  })
  using dir = tempDir()
  const old = createAuthority({ notAfter: new Date(Date.now() - DAY) })
  const ended = await loadCA(dir.write('ca.pem', old.certificate), dir.write('ca.key', old.key, 0o600))
  await assert.rejects(ended.issue('localhost'), { name: 'RangeError', message: /own certificate expired 20/ })
})

test('files of what is issued are kept without overwrite, and replaced with it', async () => {
  using dir = tempDir()
  const ca = await createCA()
  const files = { certFile: dir.join('a.pem'), keyFile: dir.join('a.key') }
  const first = await ca.issue('localhost', files)
  assert.equal(readFileSync(files.certFile, 'utf8'), first.cert)
  await assert.rejects(ca.issue('localhost', files), { code: 'EEXIST', path: files.certFile })
  const second = await ca.issueClient('ada', { ...files, overwrite: true })
  assert.equal(readFileSync(files.keyFile, 'utf8'), second.key)
})

test('keys with a passphrase serve with it, and are PKCS#8 that openssl reads', async () => {
  const pair = await createSelfSignedCert(null, null, 'localhost', { passphrase: 'pässword', keyType: 'rsa-2048' })
  assert.match(pair.key, /BEGIN ENCRYPTED PRIVATE KEY/)
  assert.equal(pair.passphrase, 'pässword')
  openssl(['pkey', '-noout', '-passin', 'pass:pässword'], pair.key)
  assert.throws(() => createPrivateKey(pair.key))
  await using server = await startHttpsServer(pair)
  assert.equal((await get(server.url, { verify: pair.cert })).statusCode, 200)
  assert(!('passphrase' in (await createSelfSignedCert(null, null, 'localhost'))))
})

const wrong: [what: string, call: (ca: CertificateAuthority) => Promise<unknown>, name: string, message: RegExp][] = [
  ['an unknown option of createCA', () => createCA({ comonName: 'x' } as CAOptions), 'TypeError', /mean "commonName"/],
  ['one path only', () => createCA('ca.pem'), 'TypeError', /keyFile is null and the other is not/],
  ['days: 0', () => createCA({ days: 0 }), 'RangeError', /days must be a whole number from 1/],
  ['a hash for ed25519', () => createCA({ keyType: 'ed25519', hash: 'sha256' }), 'TypeError', /that has its own/],
  ["commonName: ''", () => createCA({ commonName: '' }), 'RangeError', /commonName must have 1 to 64/],
  ["passphrase: ''", () => createCA({ passphrase: '' }), 'RangeError', /passphrase must have 1 to 1024 bytes, not 0/],
  ['a number as passphrase', () => createCA({ passphrase: 5 as never }), 'TypeError', /passphrase must be a string/],
  ['no hosts', (ca) => ca.issue([]), 'TypeError', /no hosts given/],
  ['a URL as host', (ca) => ca.issue('https://a.example/'), 'TypeError', /give the host alone: 'a\.example'/],
  ['an option of the other', (ca) => ca.issueClient('a', { commonName: 'x' } as never), 'TypeError', /has no option/],
  ['no name', (ca) => ca.issueClient(undefined as never), 'TypeError', /name must be a string/],
  ['an empty name', (ca) => ca.issueClient(''), 'RangeError', /name must have 1 to 64/],
  ['an option of loadCA', () => loadCA('a', 'b', { days: 3 } as never), 'TypeError', /loadCA has no option "days"/],
]

for (const [what, call, name, message] of wrong) {
  test(`${what} is a ${name}, and nothing is written`, async () => {
    using dir = tempDir()
    const before = process.cwd()
    const ca = await createCA()
    process.chdir(dir.path)
    try {
      await assert.rejects(call(ca), { name, message })
      assert.deepEqual(readdirSync('.'), [])
    } finally {
      process.chdir(before)
    }
  })
}

test('an authority whose key is RSA signs for TLS 1.2 clients too', async () => {
  const ca = await createCA({ keyType: 'rsa-2048', hash: 'sha512' })
  const pair = await ca.issue('localhost', { hash: 'sha384' })
  assert.match(text(ca.cert), /sha512WithRSAEncryption/)
  assert.match(text(pair.cert), /sha384WithRSAEncryption/)
  await using server = await startHttpsServer({ ...pair, maxVersion: 'TLSv1.2' })
  const socket = connect({ port: server.port, host: '127.0.0.1', servername: 'localhost', ca: ca.cert })
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject))
  assert.equal(socket.getProtocol(), 'TLSv1.2')
  socket.destroy()
})

test('what an authority two levels below the root issues comes with the whole chain', async () => {
  using dir = tempDir()
  const root = createAuthority({ commonName: 'Root' })
  const [one] = [root.intermediate({ commonName: 'One' })]
  const two = one.intermediate({ commonName: 'Two' })
  const ca = await loadCA(
    dir.write('two.pem', two.certificate + one.certificate + root.certificate),
    dir.write('two.key', two.key, 0o600),
  )
  const pair = await ca.issue('localhost')
  assert.equal(pair.cert.match(/BEGIN CERTIFICATE/g)?.length, 3)
  await using server = await startHttpsServer(pair)
  assert((await get(server.url, { verify: root.certificate })).ok)
})

test('a certificate of as many days as its CA expires with it', async () => {
  const ca = await createCA({ days: 2 })
  assert.equal((await ca.issue('localhost', { days: 2 })).validTo.getTime(), ca.validTo.getTime())
  await assert.rejects(ca.issue('localhost', { days: 3 }), /days is 3, but the CA's own certificate expires in 1 days/)
})
