/**
 * Each refusal of a certificate, with certificates made by the openssl command: what is found agrees with facts from elsewhere,
 * and what the hints say leads to an answer, or is for the server's owner.
 */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { get, type RequestOptions, SSLError, type SSLErrorReason } from '../../src/index.ts'
import { vouch } from '../cli/vouch.ts'
import { openssl } from '../helpers/openssl.ts'
import {
  CA_EXTENSIONS,
  certify,
  IDENTIFIERS,
  type OpensslCertificate,
  type OpensslOptions,
  rsa,
  SERVER_EXTENSIONS,
} from '../helpers/openssl-pki.ts'
import { startHttpsServer } from '../helpers/servers.ts'
import { tempDir } from '../helpers/temp.ts'

interface Refusal {
  readonly what: string
  readonly reason: SSLErrorReason
  /** What the server sends: its own certificate first. */
  readonly sent: readonly [OpensslCertificate, ...OpensslCertificate[]]
  readonly trusted: readonly OpensslCertificate[]
  readonly host?: string
  readonly says: readonly RegExp[]
  readonly never?: RegExp
  /** What a hint names, done: `owner` if the server's owner must act. */
  readonly way: 'owner' | RequestOptions
}

const ca = (options: OpensslOptions = {}) => certify({ subject: '/CN=Team CA', extensions: CA_EXTENSIONS, ...options })
const pems = (...certificates: OpensslCertificate[]) => certificates.map(({ certificate }) => certificate)
const issue = (issuer: OpensslCertificate, options: OpensslOptions = {}) => certify({ issuer, ...options })
const fingerprint = ({ certificate }: OpensslCertificate) =>
  openssl(['x509', '-noout', '-fingerprint', '-sha256'], certificate).split('=')[1]?.trim() ?? ''
const publicKey = ({ certificate }: OpensslCertificate) => openssl(['x509', '-noout', '-pubkey'], certificate)

const root = ca()
const other = certify({ subject: '/CN=Other CA', extensions: CA_EXTENSIONS })
const twin = ca()
const withId = ca({ extensions: [...CA_EXTENSIONS, ...IDENTIFIERS] })
const sameKeyOtherId = ca({ key: withId.key, extensions: [...CA_EXTENSIONS, 'subjectKeyIdentifier=01020304'] })
const sameKeyOtherSerial = ca({ key: withId.key, extensions: [...CA_EXTENSIONS, 'subjectKeyIdentifier=hash'] })
const oldRoot = ca({ key: withId.key, extensions: [...CA_EXTENSIONS, ...IDENTIFIERS], from: -90, to: -30 })
const leaf = issue(root)
const own = certify()
const renewed = certify({ key: own.key })
const noCA = issue(root, { subject: '/CN=No CA', extensions: ['basicConstraints=CA:FALSE'] })
const noSign = ca({ extensions: ['basicConstraints=critical,CA:TRUE', 'keyUsage=cRLSign'] })
const constrained = ca({ extensions: [...CA_EXTENSIONS, 'nameConstraints=permitted;DNS:corp.example'] })
const short = ca({ extensions: ['basicConstraints=critical,CA:TRUE,pathlen:0', 'keyUsage=keyCertSign'] })
const middle = issue(short, { subject: '/CN=Middle', extensions: CA_EXTENSIONS })
const rsaRoot = ca({ keyType: rsa(2048) })
const fake = certify({
  subject: '/CN=Kubernetes Ingress Controller Fake Certificate',
  extensions: ['subjectAltName=DNS:ingress.local'],
})
const box = certify({ subject: '/CN=unifi.local', extensions: ['subjectAltName=DNS:unifi.local'] })
const nameless = certify({ subject: '/CN=box', extensions: ['nsComment=none'] })
const sameName = issue(root, { subject: '/CN=Team CA' })
const evil = certify({ subject: '/CN=$(id) verify: false #' })
const byIssuing = ca({ subject: '/CN=Team Issuing CA 1' })
const ldap = issue(ca({ subject: '/CN=corp-DC1-CA' }), {
  extensions: [...SERVER_EXTENSIONS, 'authorityInfoAccess=caIssuers;URI:ldap:///CN=corp'],
})

const constrainedTwin = ca({
  key: root.key,
  extensions: [...CA_EXTENSIONS, 'nameConstraints=permitted;DNS:corp.example'],
})
const mailTwin = ca({ key: root.key, extensions: [...CA_EXTENSIONS, 'extendedKeyUsage=emailProtection'] })
const shortRoot = ca({
  key: root.key,
  extensions: ['basicConstraints=critical,CA:TRUE,pathlen:0', 'keyUsage=keyCertSign'],
})
const expiredTwin = ca({ key: root.key, from: -90, to: -30 })
const issuing = issue(root, { subject: '/CN=Issuing', extensions: CA_EXTENSIONS })
const oldIssuing = issue(root, {
  subject: '/CN=Issuing',
  key: issuing.key,
  extensions: CA_EXTENSIONS,
  from: -90,
  to: -9,
})
const expiredOwn = certify({ from: -90, to: -3 })
const nextOwn = certify({ key: expiredOwn.key })
const withoutId = issue(root, {
  extensions: [...SERVER_EXTENSIONS, 'subjectKeyIdentifier=none', 'authorityKeyIdentifier=none'],
})
/** A `TRUSTED CERTIFICATE`. */
const withSettings = (of: OpensslCertificate, ...settings: string[]): OpensslCertificate => ({
  ...of,
  certificate: openssl(['x509', '-trustout', ...settings], of.certificate),
})
const notForServers = withSettings(root, '-addreject', 'serverAuth')

const renewedLeaf = issue(root, { key: leaf.key })
const otherIssuing = issue(root, { subject: '/CN=Issuing', extensions: CA_EXTENSIONS })
const gateway = ca({ subject: '/CN=Zscaler Root CA' })
const oldGateway = ca({ subject: '/CN=Zscaler Root CA' })

const ANOTHER_KEY = /with another key/
const UNTRUSTED = /no certificate of that name is trusted|not trusted/

const REFUSALS: readonly Refusal[] = [
  {
    what: 'a self-signed certificate',
    reason: 'self-signed',
    sent: [own],
    trusted: [other],
    says: [/cert fetch localhost/],
    way: { verify: own.certificate },
  },
  {
    what: 'one renewed with the same key',
    reason: 'self-signed',
    sent: [renewed],
    trusted: [own],
    says: [/of this name and with the same key is trusted/],
    never: ANOTHER_KEY,
    way: { verify: renewed.certificate },
  },
  {
    what: 'a subject that is a command',
    reason: 'self-signed',
    sent: [evil],
    trusted: [other],
    says: [/compare its SHA-256/],
    way: { verify: evil.certificate },
  },
  {
    what: 'an unknown CA',
    reason: 'unknown-ca',
    sent: [leaf],
    trusted: [other],
    says: [/'CN=Team CA', and no certificate of that name/],
    never: ANOTHER_KEY,
    way: { verify: root.certificate },
  },
  {
    what: 'an unknown CA, the certificate itself trusted',
    reason: 'unknown-ca',
    sent: [leaf],
    trusted: [other],
    says: [/trust this server's certificate alone/],
    way: { verify: leaf.certificate },
  },
  {
    what: 'an unknown CA of Active Directory',
    reason: 'unknown-ca',
    sent: [ldap],
    trusted: [other],
    says: [UNTRUSTED],
    way: { verify: ldap.certificate },
  },
  {
    what: 'an unknown root that is sent',
    reason: 'unknown-ca',
    sent: [leaf, root],
    trusted: [other],
    says: [/the chain ends in 'CN=Team CA'.*not trusted/],
    way: { verify: root.certificate },
  },
  {
    what: 'another CA of that name',
    reason: 'unknown-ca',
    sent: [leaf],
    trusted: [twin],
    says: [ANOTHER_KEY],
    way: { verify: root.certificate },
  },
  {
    what: 'a CA renewed with the same key, and another identifier',
    reason: 'unknown-ca',
    sent: [issue(withId, { extensions: [...SERVER_EXTENSIONS, ...IDENTIFIERS] })],
    trusted: [sameKeyOtherId],
    says: [/its key signed, but .*identifier/],
    never: ANOTHER_KEY,
    way: { verify: withId.certificate },
  },
  {
    what: 'a CA renewed with the same key, and another serial number',
    reason: 'unknown-ca',
    sent: [issue(withId, { extensions: [...SERVER_EXTENSIONS, 'authorityKeyIdentifier=keyid,issuer:always'] })],
    trusted: [sameKeyOtherSerial],
    says: [/its key signed, but .*serial number/],
    never: ANOTHER_KEY,
    way: { verify: withId.certificate },
  },
  {
    what: 'a CA that has expired',
    reason: 'expired',
    sent: [issue(withId)],
    trusted: [oldRoot],
    says: [/\(the root\) expired 30 days ago/],
    never: ANOTHER_KEY,
    way: { verify: withId.certificate },
  },
  {
    what: 'a CA and a server of one name',
    reason: 'unknown-ca',
    sent: [sameName],
    trusted: [twin],
    says: [/its own key did not sign it/],
    never: /, self-signed certificate of/,
    way: { verify: root.certificate },
  },
  {
    what: 'an intermediate by its name',
    reason: 'missing-intermediate',
    sent: [issue(byIssuing)],
    trusted: [root],
    says: [/probably an intermediate CA/],
    way: 'owner',
  },
  {
    what: 'an expired certificate',
    reason: 'expired',
    sent: [issue(root, { to: -3 })],
    trusted: [root],
    says: [/expired 3 days ago/],
    never: UNTRUSTED,
    way: 'owner',
  },
  {
    what: 'an expired certificate of an unknown CA',
    reason: 'expired',
    sent: [issue(root, { to: -3 })],
    trusted: [other],
    says: [/expired 3 days ago/, UNTRUSTED],
    way: 'owner',
  },
  {
    what: 'an expired certificate, self-signed',
    reason: 'expired',
    sent: [certify({ to: -3 })],
    trusted: [other],
    says: [/expired 3 days ago/, UNTRUSTED],
    way: 'owner',
  },
  {
    what: 'a certificate of tomorrow, self-signed',
    reason: 'not-yet-valid',
    sent: [certify({ from: 3 })],
    trusted: [other],
    says: [/becomes valid in 2 days/, UNTRUSTED],
    way: 'owner',
  },
  {
    what: 'an issuer that is no CA',
    reason: 'invalid-ca',
    sent: [issue(noCA), noCA],
    trusted: [root],
    says: [/'CN=No CA'.* not a CA \(basicConstraints has no CA:TRUE\)/],
    way: 'owner',
  },
  {
    what: 'a CA without keyCertSign',
    reason: 'invalid-ca',
    sent: [issue(noSign)],
    trusted: [noSign],
    says: [/keyUsage has no keyCertSign/],
    never: /has no CA:TRUE\)/,
    way: 'owner',
  },
  {
    what: 'a constrained CA',
    reason: 'invalid-ca',
    sent: [issue(constrained)],
    trusted: [constrained],
    says: [/may issue for corp\.example only .* for localhost/],
    way: 'owner',
  },
  {
    what: 'a constrained CA and a common name',
    reason: 'invalid-ca',
    host: '127.0.0.1',
    sent: [issue(constrained, { subject: '/CN=box.local.test', extensions: ['subjectAltName=IP:127.0.0.1'] })],
    trusted: [constrained],
    says: [/the common name 'box\.local\.test'/],
    way: 'owner',
  },
  {
    what: 'a path that is too long',
    reason: 'invalid-ca',
    sent: [issue(middle), middle],
    trusted: [short],
    says: [/allows no CA below it.* is one/],
    way: 'owner',
  },
  {
    what: 'a certificate for clients',
    reason: 'wrong-purpose',
    sent: [issue(root, { extensions: ['extendedKeyUsage=clientAuth', 'subjectAltName=DNS:localhost'] })],
    trusted: [root],
    says: [/is for clientAuth only/],
    way: 'owner',
  },
  {
    what: 'keyUsage without digitalSignature',
    reason: 'wrong-purpose',
    sent: [issue(root, { extensions: [...SERVER_EXTENSIONS, 'keyUsage=keyCertSign'] })],
    trusted: [root],
    says: [/has the keyUsage keyCertSign, but digitalSignature is required/],
    way: 'owner',
  },
  {
    what: 'a signature with SHA-1',
    reason: 'weak',
    sent: [issue(rsaRoot, { digest: 'sha1', keyType: rsa(2048) })],
    trusted: [rsaRoot],
    says: [/'CN=localhost' is signed with SHA-1/],
    never: /kind rsa-2048/,
    way: 'owner',
  },
  {
    what: 'names of another kind',
    reason: 'hostname-mismatch',
    sent: [issue(root, { extensions: ['subjectAltName=URI:https://localhost/,email:a@b.test'] })],
    trusted: [root],
    says: [/its subjectAltName has URI, email only/],
    never: /has no subjectAltName/,
    way: 'owner',
  },
  {
    what: 'a device of another name, not trusted',
    reason: 'self-signed',
    sent: [box],
    trusted: [other],
    says: [/trusting this certificate by its file would not be enough/, /pin it: verify: 'sha256:…'/],
    never: /cert create/,
    way: { verify: `sha256:${fingerprint(box)}` },
  },
  {
    what: 'a device without a name, not trusted',
    reason: 'self-signed',
    sent: [nameless],
    trusted: [other],
    says: [/trusting this certificate by its file would not be enough/],
    never: /cert create/,
    way: { verify: `sha256:${fingerprint(nameless)}` },
  },
  {
    what: 'a device of another name, its file trusted',
    reason: 'hostname-mismatch',
    sent: [box],
    trusted: [box],
    says: [new RegExp(`verify: 'sha256:${fingerprint(box)}'`)],
    never: /cert create/,
    way: { verify: `sha256:${fingerprint(box)}` },
  },
  {
    what: 'two CAs of one name and key, the first of them constrained',
    reason: 'invalid-ca',
    sent: [leaf],
    trusted: [constrainedTwin, root],
    says: [firstIs(root), new RegExp(`leave out SHA-256 ${fingerprint(constrainedTwin)}`)],
    never: /owner must/,
    way: { verify: pems(root, constrainedTwin) },
  },
  {
    what: 'two CAs of one name and key, the first of them for mail',
    reason: 'wrong-purpose',
    sent: [leaf],
    trusted: [mailTwin, root],
    says: [firstIs(root)],
    never: /owner must/,
    way: { verify: pems(root, mailTwin) },
  },
  {
    what: 'two CAs of one name and key, the first of them without CAs below it',
    reason: 'invalid-ca',
    sent: [issue(issuing), issuing],
    trusted: [shortRoot, root],
    says: [firstIs(root)],
    never: /owner must/,
    way: { verify: pems(root, shortRoot) },
  },
  {
    what: 'four CAs of one name, the last of them right',
    reason: 'invalid-ca',
    sent: [leaf],
    trusted: [constrainedTwin, mailTwin, twin, root],
    says: [firstIs(root)],
    never: /owner must/,
    way: { verify: pems(root, constrainedTwin, mailTwin, twin) },
  },
  {
    what: 'two CAs of one name, the first of them with another key',
    reason: 'unknown-ca',
    sent: [withoutId],
    trusted: [twin, root],
    says: [firstIs(root)],
    way: { verify: pems(root, twin) },
  },
  {
    what: 'two constrained CAs of one name and key',
    reason: 'invalid-ca',
    sent: [leaf],
    trusted: [constrainedTwin, mailTwin],
    says: [/may issue for corp\.example only/],
    never: /order decides|leave out/,
    way: 'owner',
  },
  {
    what: 'an expired CA before its successor, and a certificate for clients',
    reason: 'wrong-purpose',
    sent: [issue(root, { extensions: ['extendedKeyUsage=clientAuth', 'subjectAltName=DNS:localhost'] })],
    trusted: [expiredTwin, root],
    says: [/is for clientAuth only/],
    never: /expired|order decides|leave out/,
    way: 'owner',
  },
  {
    what: 'an expired intermediate CA that is trusted, while its successor is sent',
    reason: 'expired',
    sent: [issue(issuing), issuing],
    trusted: [oldIssuing, root],
    says: [
      /'CN=Issuing'.* expired 9 days ago/,
      new RegExp(`leave out of the bundle: SHA-256 ${fingerprint(oldIssuing)}`),
    ],
    never: /owner must/,
    way: { verify: root.certificate },
  },
  {
    what: 'a CA with settings that refuse it for servers',
    reason: 'wrong-purpose',
    sent: [leaf],
    trusted: [notForServers],
    says: [/'CN=Team CA' is trusted, but not for servers: its own settings/, /-clrtrust -clrreject/],
    never: /another key|did not take/,
    way: { verify: openssl(['x509', '-clrtrust', '-clrreject'], notForServers.certificate) },
  },
  {
    what: 'a CA with settings that trust it for mail only',
    reason: 'wrong-purpose',
    sent: [leaf],
    trusted: [withSettings(root, '-addtrust', 'emailProtection')],
    says: [/'CN=Team CA' is trusted, but not for servers: its own settings/],
    never: /another key|did not take/,
    way: { verify: root.certificate },
  },
  {
    what: "the server's own certificate with settings that refuse it for servers",
    reason: 'unknown-ca',
    sent: [leaf],
    trusted: [withSettings(leaf, '-addreject', 'serverAuth')],
    says: [/'CN=localhost' is trusted, but not for servers: its own settings/],
    never: /another key|did not take|no certificate of that name/,
    way: { verify: leaf.certificate },
  },
  {
    what: 'an expired certificate whose successor is trusted',
    reason: 'expired',
    sent: [expiredOwn],
    trusted: [nextOwn],
    says: [new RegExp(`a newer certificate of this name is trusted already, SHA-256 ${fingerprint(nextOwn)}`)],
    never: /once the server has a new certificate|renew it/,
    way: 'owner',
  },
  {
    what: 'a successor while the expired certificate is trusted',
    reason: 'self-signed',
    sent: [nextOwn],
    trusted: [expiredOwn],
    says: [/another certificate of this name and with the same key is trusted, .* it has expired/],
    way: { verify: nextOwn.certificate },
  },
  {
    what: 'a certificate of a CA, renewed, while the one before it is trusted alone',
    reason: 'unknown-ca',
    sent: [renewedLeaf],
    trusted: [leaf],
    says: [
      new RegExp(
        `another certificate named 'CN=localhost' and with the same key is trusted, SHA-256 ${fingerprint(leaf)}`,
      ),
      /was renewed or replaced/,
    ],
    way: { verify: renewedLeaf.certificate },
  },
  {
    what: 'an intermediate CA that was made anew, while the one before it is trusted alone',
    reason: 'unknown-ca',
    sent: [issue(otherIssuing), otherIssuing],
    trusted: [issuing],
    says: [new RegExp(`another certificate named 'CN=Issuing' is trusted, SHA-256 ${fingerprint(issuing)}`)],
    way: { verify: otherIssuing.certificate },
  },
  {
    what: 'a product that inspects TLS and has another CA of its name now',
    reason: 'unknown-ca',
    sent: [issue(gateway)],
    trusted: [oldGateway],
    says: [/probably inspects TLS/, ANOTHER_KEY],
    way: { verify: gateway.certificate },
  },
  {
    what: 'a placeholder',
    reason: 'self-signed',
    sent: [fake],
    trusted: [other],
    says: [/placeholder of ingress-nginx.*probably has no certificate for localhost/],
    way: 'owner',
  },
]

function firstIs(first: OpensslCertificate): RegExp {
  return new RegExp(`the order matters: put the certificate SHA-256 ${fingerprint(first)} first`)
}

for (const { what, reason, sent, trusted, host = 'localhost', says, never, way } of REFUSALS) {
  test(`${what}: ${reason}, found as it is, and the hints lead out`, async () => {
    await using server = await startHttpsServer({
      key: sent[0].key,
      cert: pems(...sent).join(''),
      ciphers: 'DEFAULT:@SECLEVEL=0',
    })
    const url = `https://${host}:${server.port}/`
    const error = await get(url, { verify: pems(...trusted) }).then(
      () => assert.fail('it must be refused'),
      (refused: unknown) => refused,
    )
    assert(error instanceof SSLError, String(error))
    assert.equal(error.reason, reason, error.message)
    const text = [...error.findings, ...error.hints].join('\n')
    for (const words of says) assert.match(text, words)
    if (never) assert.doesNotMatch(text, never)
    assertFacts(error, sent, trusted)
    assertHarmless(error.hints, sent)
    if (way === 'owner') assert.match(error.hints.join('\n'), /owner/)
    else assert.equal((await get(url, way)).statusCode, 200)
  })
}

/** Each fingerprint is of a certificate at hand, is trusted or not as the sentence says, and has the key that it says. */
function assertFacts(
  { findings }: SSLError,
  sent: readonly OpensslCertificate[],
  trusted: readonly OpensslCertificate[],
): void {
  const known = new Map([...sent, ...trusted].map((each) => [fingerprint(each), each]))
  const isTrusted = (each: OpensslCertificate) => trusted.some(({ certificate }) => certificate === each.certificate)
  for (const finding of findings) {
    for (const [print] of finding.matchAll(/(?:[\dA-F]{2}:){31}[\dA-F]{2}/g)) {
      const certificate = known.get(print) ?? assert.fail(`of no certificate at hand: ${finding}`)
      if (/is trusted/.test(finding)) assert(isTrusted(certificate), finding)
      else assert(!isTrusted(certificate), finding)
      if (/another key/.test(finding)) assert.notEqual(publicKey(certificate), publicKey(root), finding)
      if (/key (?:of .* )?signed/.test(finding))
        assert(
          [withId, noSign, noCA].some((each) => sameKey(certificate, each)),
          finding,
        )
    }
  }
}

const sameKey = (a: OpensslCertificate, b: OpensslCertificate) => publicKey(a) === publicKey(b)

/** No hint has text of a certificate in it, replaces a file or installs a package. */
function assertHarmless(hints: readonly string[], sent: readonly OpensslCertificate[]): void {
  for (const hint of hints) {
    assert.doesNotMatch(hint, /--overwrite|npx (?!--no )|verify: false/, hint)
    for (const { subject } of sent) {
      const name = subject.replace(/^.*CN=/, '')
      if (!/^(?:localhost|box|Middle)$/.test(name)) assert(!hint.includes(name), hint)
    }
  }
}

test('the command of the hint saves the certificate, which is trusted then', async () => {
  await using server = await startHttpsServer({ key: own.key, cert: own.certificate })
  using dir = tempDir()
  const url = `https://localhost:${server.port}/`
  const error = await get(url).catch((refused: unknown) => refused)
  assert(error instanceof SSLError)
  const [, line = ''] = /npx --no vouch (cert fetch \S+ -o server\.pem)$/m.exec(error.message) ?? []
  assert.equal((await vouch(dir, line)).status, 0)
  assert.equal((await get(url, { verify: dir.join('server.pem') })).statusCode, 200)
})
