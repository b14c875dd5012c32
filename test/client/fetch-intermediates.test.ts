/** Servers that do not send their intermediate, which is fetched from the address in their certificate: from good sources and bad ones. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { after, before, test } from 'node:test'
import { CABundle, type ExplainOptions, type Explanation, explain, Session } from '../../src/index.ts'
import {
  CA_EXTENSIONS,
  certify,
  IDENTIFIERS,
  type OpensslCertificate,
  SERVER_EXTENSIONS,
} from '../helpers/openssl-pki.ts'
import { toDer, toPkcs7 } from '../helpers/pki.ts'
import { startProxy } from '../helpers/proxy.ts'
import { startHttpServer, startHttpsServer, type TestServer } from '../helpers/servers.ts'

/** What the source of certificates has, by path. */
const pages = new Map<string, (response: ServerResponse) => unknown>()
const asked: string[] = []
let source: TestServer

before(async () => {
  source = await startHttpServer({
    handler(request, response) {
      asked.push(
        `${request.method} ${request.url} ${request.headers.authorization ?? ''}${request.headers.cookie ?? ''}`,
      )
      const page = pages.get(request.url ?? '')
      if (page) page(response)
      else response.writeHead(404).end()
    },
  })
})
after(() => source[Symbol.asyncDispose]())

const root = certify({ subject: '/CN=Fetch Root', extensions: [...CA_EXTENSIONS, ...IDENTIFIERS.slice(0, 1)] })
const stranger = certify({ subject: '/CN=Stranger Root', extensions: CA_EXTENSIONS })
const key = certify().key

const addressOf = (path: string) => `authorityInfoAccess=caIssuers;URI:${path.includes(':') ? path : source.url + path}`
const content = (body: string | Buffer) => (response: ServerResponse) => response.end(body)

/** A CA below another one; `at` is where its own issuer's certificate is. */
function intermediate(
  name: string,
  issuer: OpensslCertificate,
  options: Parameters<typeof certify>[0] = {},
  at?: string,
) {
  const extensions = options.extensions ?? CA_EXTENSIONS
  return certify({
    subject: `/CN=${name}`,
    issuer,
    ...options,
    extensions: [...extensions, ...(at === undefined ? [] : [addressOf(at)])],
  })
}

/** Explains a server that sends its own certificate only. */
async function explained(
  issuer: OpensslCertificate,
  at: string | undefined,
  options: ExplainOptions = {},
  extensions: readonly string[] = SERVER_EXTENSIONS,
): Promise<Explanation> {
  const address = at === undefined ? [] : [addressOf(at)]
  const { certificate } = certify({ issuer, key, extensions: [...extensions, ...address] })
  await using server = await startHttpsServer({ key, cert: certificate })
  asked.length = 0
  const explanation = await explain(server.url, { verify: root.certificate, fetchIntermediates: true, ...options })
  assert.equal(server.requests, 0, 'no request is sent to the server')
  return explanation
}

const nameOf = ({ subject }: { subject: string }) => subject

for (const [form, encode] of [
  ['DER', toDer],
  ['PEM', (pem: string) => pem],
  ['PKCS#7 in PEM', (pem: string) => toPkcs7(pem)],
  ['PKCS#7 in DER', (pem: string) => toDer(toPkcs7(pem))],
] as const)
  test(`an intermediate that is fetched as ${form} makes the chain complete, and the server no more trusted`, async () => {
    const middle = intermediate('Fetched CA', root)
    pages.set('/middle', content(encode(middle.certificate)))
    const explanation = await explained(middle, '/middle')
    assert.deepEqual(
      [explanation.ok, explanation.reason, explanation.intermediates.map(nameOf), explanation.anchor?.subject],
      [false, 'missing-intermediate', ['CN=Fetched CA'], 'CN=Fetch Root'],
    )
    assert.deepEqual(asked, ['GET /middle '])
    assert.match(explanation.findings.join('\n'), /^the server does not send 'CN=Fetched CA'.* it completes the chain/)
    assert.match(
      String(explanation),
      /\n {2}CN=localhost, issued by CN=Fetched CA, for localhost\n {2}└─ CN=Fetched CA, issued by CN=Fetch Root {2}✗ not sent\n {5}└─ CN=Fetch Root, self-signed {2}✓ trusted\n/,
    )
    assert.deepEqual(JSON.parse(JSON.stringify(explanation)).intermediates.map(nameOf), ['CN=Fetched CA'])
  })

test('what was fetched serves no request: the server stays refused, and is trusted with its help only', async () => {
  const middle = intermediate('Helping CA', root)
  pages.set('/helping', content(toDer(middle.certificate)))
  const { certificate } = certify({ issuer: middle, key, extensions: [...SERVER_EXTENSIONS, addressOf('/helping')] })
  await using server = await startHttpsServer({ key, cert: certificate })
  const explanation = await explain(server.url, { verify: root.certificate, fetchIntermediates: true })
  const bundle = CABundle.from(root.certificate)
  await using refusing = new Session({ verify: bundle })
  await assert.rejects(refusing.get(server.url), { name: 'SSLError' })
  await using trusting = new Session({
    verify: bundle.withIntermediates(explanation.intermediates.map(({ pem }) => pem)),
  })
  assert.equal((await trusting.get(server.url)).statusCode, 200)
})

test('without the option nothing is fetched, and the hint names the command that does', async () => {
  const middle = intermediate('Left CA', root)
  const explanation = await explained(middle, '/left', { fetchIntermediates: false })
  assert.deepEqual([asked, explanation.intermediates, explanation.reason], [[], [], 'missing-intermediate'])
  assert.match(explanation.hints.join('\n'), /vouch check localhost:\d+ --fetch-intermediates -o fullchain\.pem/)
  assert.match(explanation.hints.join('\n'), /withIntermediates\('intermediate\.pem'\)/)
})

test('several intermediates are fetched one above the other, and four are too many', async () => {
  const cas: OpensslCertificate[] = [root]
  for (const [index, name] of ['One', 'Two', 'Three', 'Four'].entries()) {
    const above = cas.at(-1) as OpensslCertificate
    const ca = intermediate(`CA ${name}`, above, {}, `/up-${index}`)
    pages.set(`/up-${index + 1}`, content(toDer(ca.certificate)))
    cas.push(ca)
  }
  const three = await explained(cas[3] as OpensslCertificate, '/up-3')
  assert.deepEqual(three.intermediates.map(nameOf), ['CN=CA Three', 'CN=CA Two', 'CN=CA One'])
  const four = await explained(cas[4] as OpensslCertificate, '/up-4')
  assert.deepEqual([four.ok, four.intermediates, asked.length], [false, [], 3])
  assert.match(four.findings.join('\n'), /3 certificates were fetched, one above the other/)
})

test('intermediates in one file are taken from it, whatever their order', async () => {
  const upper = intermediate('Upper', root)
  const lower = intermediate('Lower', upper)
  pages.set('/both', content(toPkcs7(upper.certificate, stranger.certificate, lower.certificate)))
  const explanation = await explained(lower, '/both')
  assert.deepEqual([explanation.intermediates.map(nameOf), asked.length], [['CN=Lower', 'CN=Upper'], 1])
})

test('the proxy of the call is used for the address as well', async () => {
  const middle = intermediate('Proxied CA', root)
  pages.set('/proxied', content(toDer(middle.certificate)))
  await using proxy = await startProxy()
  const explanation = await explained(middle, '/proxied', { proxies: { all: proxy.url } })
  assert.deepEqual(explanation.intermediates.map(nameOf), ['CN=Proxied CA'])
  assert.deepEqual(proxy.forwarded, [`${source.url}/proxied`])
})

/** What may come instead of the issuer; each ends in a finding. */
const middle = intermediate('Wanted CA', root)
const impostor = certify({ subject: '/CN=Wanted CA', issuer: root, extensions: CA_EXTENSIONS })
const expired = intermediate('Wanted CA', root, { key: middle.key, from: -20, to: -5 })
const early = intermediate('Wanted CA', root, { key: middle.key, from: 5, to: 20 })
const noCA = intermediate('Wanted CA', root, { key: middle.key, extensions: ['basicConstraints=CA:FALSE'] })
const noSigner = intermediate('Wanted CA', root, {
  key: middle.key,
  extensions: ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,cRLSign'],
})
const ownRoot = certify({ subject: '/CN=Wanted CA', key: middle.key, extensions: CA_EXTENSIONS })
const strangers = certify({ subject: '/CN=Wanted CA', key: middle.key, issuer: stranger, extensions: CA_EXTENSIONS })
const constrained = intermediate('Wanted CA', root, {
  key: middle.key,
  extensions: [...CA_EXTENSIONS, 'nameConstraints=critical,permitted;DNS:.corp.example'],
})
const forClients = intermediate('Wanted CA', root, {
  key: middle.key,
  extensions: [...CA_EXTENSIONS, 'extendedKeyUsage=clientAuth'],
})

const bad: [what: string, page: (response: ServerResponse) => unknown, finding: RegExp][] = [
  [
    'another certificate',
    content(toDer(stranger.certificate)),
    /'CN=Stranger Root' was fetched, but is not the issuer/,
  ],
  ['one of its name with another key', content(toDer(impostor.certificate)), /its key did not sign 'CN=localhost'/],
  [
    'one that has expired',
    content(toDer(expired.certificate)),
    /^(?![\s\S]*not trusted either)[\s\S]*'CN=Wanted CA' .*expired 5 days ago/,
  ],
  ['one that is not yet valid', content(toDer(early.certificate)), /'CN=Wanted CA' .*becomes valid in/],
  ['one that is no CA', content(toDer(noCA.certificate)), /'CN=Wanted CA' was fetched, but is not a CA/],
  [
    'one that may not sign certificates',
    content(toDer(noSigner.certificate)),
    /'CN=Wanted CA' was fetched, but is not a CA/,
  ],
  [
    'a root that is not trusted',
    content(toDer(ownRoot.certificate)),
    /the chain ends in 'CN=Wanted CA'.* is not trusted/,
  ],
  ['one of a stranger', content(toDer(strangers.certificate)), /'CN=Wanted CA' contains no http: address/],
  [
    'one that may not issue for the host',
    content(toDer(constrained.certificate)),
    /is not trusted either: .*permitted subtree/,
  ],
  ['one that issues for clients only', content(toDer(forClients.certificate)), /is not trusted either: /],
  [
    'a redirect',
    (response) => response.writeHead(302, { Location: '/wanted' }).end(),
    /redirects \(302\), and no redirect is followed/,
  ],
  ['an error', (response) => response.writeHead(500).end(), /the status is 500/],
  ['nothing', content(''), /was not fetched from http/],
  ['a web page', content('<html>sign in</html>'), /no certificate in it: it is a web page/],
  ['half a certificate', content(toDer(middle.certificate).subarray(0, 200)), /was not fetched from http/],
  ['too much, as announced', content(middle.certificate + 'x'.repeat(64 * 1024)), /larger than 64 KiB/],
  ['too much, in pieces', endless, /larger than 64 KiB/],
  ['too much, compressed', compressed, /larger than 64 KiB|not fetched/],
  [
    'a body that breaks off',
    (response) => response.writeHead(200, { 'Content-Length': 900 }).write('x', () => response.destroy()),
    /was not fetched/,
  ],
]

function endless(response: ServerResponse): void {
  const write = () => {
    while (!response.destroyed && response.write('x'.repeat(16_384)));
  }
  response.on('drain', write)
  write()
}

async function compressed(response: ServerResponse): Promise<void> {
  const { gzipSync } = await import('node:zlib')
  response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(gzipSync(Buffer.alloc(10_000_000)))
}

for (const [what, page, finding] of bad)
  test(`${what} instead of the issuer is a finding, and no trust`, async () => {
    pages.set('/bad', page)
    pages.set('/wanted', content(toDer(middle.certificate)))
    const explanation = await explained(middle, '/bad')
    assert.deepEqual([explanation.ok, explanation.intermediates, explanation.anchor], [false, [], null])
    assert.match(explanation.findings.join('\n'), finding)
    assert.deepEqual(asked, ['GET /bad '])
  })

test('the constraints of a trusted root count: what may not be issued for the host is not trusted', async () => {
  for (const constraint of [
    'nameConstraints=critical,permitted;DNS:.corp.example',
    'basicConstraints=critical,CA:TRUE,pathlen:0',
  ]) {
    const above = certify({
      subject: '/CN=Narrow Root',
      extensions: [
        ...CA_EXTENSIONS.slice(1),
        constraint,
        ...(constraint.startsWith('name') ? CA_EXTENSIONS.slice(0, 1) : []),
      ],
    })
    const below = intermediate('Narrow CA', above)
    pages.set('/narrow', content(toDer(below.certificate)))
    const explanation = await explained(below, '/narrow', { verify: above.certificate })
    assert.deepEqual([explanation.ok, explanation.intermediates, explanation.anchor], [false, [], null], constraint)
    assert.match(explanation.findings.join('\n'), /is not trusted either: /)
  }
})

test('certificates that issue each other end the search', async () => {
  const first = intermediate('First', root)
  const second = certify({ subject: '/CN=Second', issuer: first, extensions: [...CA_EXTENSIONS, addressOf('/first')] })
  const again = certify({
    subject: '/CN=First',
    key: first.key,
    issuer: second,
    extensions: [...CA_EXTENSIONS, addressOf('/second')],
  })
  pages.set('/first', content(toDer(again.certificate)))
  pages.set('/second', content(toDer(second.certificate)))
  const explanation = await explained(first, '/first')
  assert.deepEqual([explanation.ok, explanation.intermediates], [false, []])
  assert.match(explanation.findings.join('\n'), /returns to|3 certificates were fetched/)
  assert(asked.length <= 3)
})

test('only http: addresses are fetched, and none with the password in it', async () => {
  for (const address of ['https://127.0.0.1:1/ca', 'ftp://127.0.0.1/ca', 'ldap://127.0.0.1/ca', 'file:///etc/passwd']) {
    const explanation = await explained(middle, address)
    assert.match(explanation.findings.join('\n'), /contains no http: address/)
  }
  const secret = `${source.url.replace('//', '//ada:hunter2@')}/gone`
  const explanation = await explained(middle, secret)
  assert.deepEqual(asked, ['GET /gone '])
  assert.doesNotMatch(JSON.stringify(explanation.findings), /hunter2/)
})

test('all of it takes five seconds at most, however slowly an answer drips', async () => {
  pages.set('/drips', (response) => {
    const timer = setInterval(() => response.write('x'), 200)
    response.on('close', () => clearInterval(timer))
  })
  pages.set('/silent', () => {})
  for (const path of ['/drips', '/silent']) {
    const from = performance.now()
    const explanation = await explained(middle, path)
    const ms = performance.now() - from
    assert(ms < 9000, `${ms} ms`)
    assert.deepEqual([explanation.ok, explanation.intermediates], [false, []])
    assert.match(explanation.findings.join('\n'), /no more than 5 s are spent/)
  }
})

test('a server that is trusted, a self-signed one, one known by a pin and one that is not verified have nothing fetched for them', async () => {
  pages.set('/wanted', content(toDer(middle.certificate)))
  assert.equal((await explained(middle, '/wanted', { verify: middle.certificate })).ok, true)
  assert.deepEqual(asked, [])
  assert.equal((await explained(middle, '/wanted', { verify: false })).ok, true)
  assert.deepEqual(asked, [])
  assert.equal((await explained(middle, '/wanted', { verify: `sha256:${'0'.repeat(64)}` })).reason, 'pin-mismatch')
  assert.deepEqual(asked, [])
})

test('a host name that does not match stays one, with the fetched certificate too', async () => {
  pages.set('/wanted', content(toDer(middle.certificate)))
  const extensions = ['basicConstraints=CA:FALSE', 'subjectAltName=DNS:other.example']
  const explanation = await explained(middle, '/wanted', {}, extensions)
  assert.deepEqual([explanation.ok, explanation.intermediates], [false, []])
  assert.match(explanation.findings.join('\n'), /is not trusted either: .*Hostname mismatch/i)
})

test('a bundle with an anchor that is no root cannot be checked strictly, and says so', async () => {
  pages.set('/wanted', content(toDer(middle.certificate)))
  const other = intermediate('Other CA', stranger)
  const explanation = await explained(middle, '/wanted', { verify: [root.certificate, other.certificate] })
  assert.deepEqual([explanation.ok, explanation.intermediates], [false, []])
  assert.match(explanation.findings.join('\n'), /cannot be checked with the fetched certificates: .*'CN=Other CA'/)
})

test('the default roots are the anchors if no bundle is named', async () => {
  pages.set('/wanted', content(toDer(middle.certificate)))
  const explanation = await explained(middle, '/wanted', { verify: true, trustEnv: false })
  assert.deepEqual([explanation.ok, explanation.intermediates], [false, []])
})

test('fetchIntermediates is a boolean', async () => {
  await assert.rejects(explain('https://localhost:1/', { fetchIntermediates: 'yes' as never }), {
    name: 'TypeError',
    message: /fetchIntermediates must be a boolean/,
  })
})
