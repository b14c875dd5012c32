/** Servers that are refused, one for each thing that can be wrong, and what is to be made of them. */
import type { ClientCert, RequestOptions, SSLErrorReason, Verify } from '../../src/index.ts'
import { nodeMajor } from '../helpers/modules.ts'
import { type CertificateOptions, createAuthority, selfSigned, type TestCertificate } from '../helpers/pki.ts'
import { startProgram } from '../helpers/programs.ts'
import { type HttpsServerOptions, startHttpsServer } from '../helpers/servers.ts'
import { startTcpServer } from '../helpers/tcp.ts'

export interface Case {
  readonly what: string
  readonly reason: SSLErrorReason
  /** Default: `localhost`. */
  readonly host?: string
  readonly verify: Verify
  readonly cert?: ClientCert
  /** The server; default: none is needed. */
  readonly start: () => Promise<Started>
  /** Whether the error is to have the certificate of the server. */
  readonly presents?: boolean
  /** Whether one certificate can be named that fails; default: where there is one at all. */
  readonly marked?: boolean
}

interface Started extends AsyncDisposable {
  readonly port: number
}

const DAY = 24 * 60 * 60 * 1000
const inDays = (days: number) => new Date(Date.now() + days * DAY)

/** A server that sends these certificates. */
const sending = (key: string, sent: readonly string[], options: HttpsServerOptions = {}) => {
  return () => startHttpsServer({ key, cert: sent.join(''), ...options })
}

/** A server with a certificate of its own making. */
function own(options: CertificateOptions = {}): Pick<Case, 'verify' | 'start' | 'presents'> {
  const { certificate, key } = selfSigned(options)
  return { verify: certificate, start: sending(key, [certificate]), presents: true }
}

const root = createAuthority({ commonName: 'Acme Root CA', organization: 'Acme' })
const stranger = createAuthority({ commonName: 'Some Other CA' })
const issued = (options: CertificateOptions = {}): TestCertificate => root.issue(options)
const issuedBy = (authority: typeof root, options?: CertificateOptions) => {
  const { certificate, key } = authority.issue(options)
  return { start: sending(key, [certificate, authority.chain]), presents: true }
}

/** What a server whose certificate is this one presents, asked for by a client that trusts its root. */
function below(authority: typeof root, options: CertificateOptions = {}): Pick<Case, 'verify' | 'start' | 'presents'> {
  return { verify: root.certificate, ...issuedBy(authority, options) }
}

const zscaler = createAuthority({ commonName: 'Zscaler Root CA', organization: 'Zscaler Inc.' })
const anew = createAuthority({ commonName: 'Acme Root CA', organization: 'Acme' })
const issuing = root.intermediate({ commonName: 'Acme Issuing CA 1', organization: 'Acme' })
const web = root.intermediate({ commonName: 'Acme Web', organization: 'Acme' })
const ended = root.intermediate({ commonName: 'Acme Old CA', notBefore: inDays(-90), notAfter: inDays(-30) })
const endedRoot = createAuthority({ commonName: 'Ended Root CA', notBefore: inDays(-90), notAfter: inDays(-3) })
const noCA = root.intermediate({ commonName: 'No CA', ca: false, keyUsage: null })
const mayNotSign = root.intermediate({ commonName: 'May Not Sign', keyUsage: ['digitalSignature'] })
const clients = createAuthority({ commonName: 'Client CA' })
const plain = issued()
const foreignClient = stranger.issue({ commonName: 'eve', hosts: [], extendedKeyUsage: ['clientAuth'] })
const mutual = sending(plain.key, [plain.certificate], {
  ca: clients.certificate,
  requestCert: true,
  rejectUnauthorized: true,
})
const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' } as const

export const CASES: readonly Case[] = [
  { what: 'self-signed', reason: 'self-signed', ...own(), verify: true },
  {
    what: 'self-signed, while another of its name is trusted',
    reason: 'self-signed',
    ...own(),
    verify: selfSigned().certificate,
  },
  {
    what: 'the root is sent as well, and is not trusted',
    reason: 'unknown-ca',
    verify: stranger.certificate,
    start: sending(plain.key, [plain.certificate, root.certificate]),
    presents: true,
  },
  {
    what: 'issued by a root that is not trusted',
    reason: 'unknown-ca',
    verify: stranger.certificate,
    ...issuedBy(createAuthority({ commonName: 'Private CA' })),
  },
  { what: 'inspected by a proxy', reason: 'unknown-ca', verify: true, ...issuedBy(zscaler) },
  { what: 'a CA of the right name with another key', reason: 'unknown-ca', ...below(anew) },
  {
    what: 'the intermediate is not sent, and is called so',
    reason: 'missing-intermediate',
    ...below(issuing),
    start: sending(...loneServer(issuing)),
  },
  {
    what: 'the issuer is of the organization of the root, and nothing says that it is an intermediate',
    reason: 'unknown-ca',
    ...below(web),
    start: sending(...loneServer(web)),
  },
  { what: 'expired', reason: 'expired', ...below(root, { notBefore: inDays(-90), notAfter: inDays(-5) }) },
  { what: 'an intermediate has expired', reason: 'expired', ...below(ended) },
  {
    what: 'the root has expired',
    reason: 'expired',
    ...issuedBy(endedRoot),
    verify: endedRoot.certificate,
  },
  { what: 'not yet valid', reason: 'not-yet-valid', ...below(root, { notBefore: inDays(0.5) }) },
  { what: 'for other hosts', reason: 'hostname-mismatch', ...below(root, { hosts: ['box.test', '10.0.0.7'] }) },
  {
    what: 'with a common name only',
    reason: 'hostname-mismatch',
    ...below(root, { hosts: [], commonName: 'localhost' }),
  },
  {
    what: 'asked for by address',
    reason: 'hostname-mismatch',
    host: '127.0.0.1',
    ...own({ hosts: ['localhost'] }),
  },
  { what: 'an address as a name', reason: 'hostname-mismatch', host: '127.0.0.1', ...below(root, addressAsName()) },
  { what: 'for www. of it', reason: 'hostname-mismatch', ...below(root, { hosts: ['www.localhost'] }) },
  {
    what: 'a wildcard that does not reach',
    reason: 'hostname-mismatch',
    ...below(root, { hosts: ['*.localhost'] }),
  },
  { what: 'for clients only', reason: 'wrong-purpose', ...below(root, { extendedKeyUsage: ['clientAuth'] }) },
  { what: 'its issuer is no CA', reason: 'invalid-ca', ...below(noCA) },
  // Node does not link that issuer to the certificate that it issued.
  { what: 'its issuer may not sign', reason: 'invalid-ca', ...below(mayNotSign) },
  ...(nodeMajor >= 24
    ? [
        {
          what: 'a key of 1024 bits',
          reason: 'weak',
          verify: root.certificate,
          start: weak(),
          presents: true,
        } as const,
      ]
    : []),
  {
    what: 'no TLS version in common',
    reason: 'protocol',
    verify: root.certificate,
    start: sending(plain.key, [plain.certificate], old),
  },
  {
    what: 'no cipher in common',
    reason: 'protocol',
    verify: root.certificate,
    start: sending(plain.key, [plain.certificate], { ciphers: 'ECDHE-RSA-AES128-SHA', maxVersion: 'TLSv1.2' }),
  },
  { what: 'plain HTTP on the port', reason: 'not-tls', verify: root.certificate, start: startPlain },
  {
    what: 'a client certificate is wanted',
    reason: 'client-certificate',
    verify: root.certificate,
    start: mutual,
    presents: true,
    marked: false,
  },
  {
    what: 'the client certificate is refused',
    reason: 'client-certificate',
    verify: root.certificate,
    cert: { cert: foreignClient.chain, key: foreignClient.key },
    start: refusingClients,
  },
  {
    what: 'no such bundle',
    reason: 'bad-bundle',
    verify: 'no-such-bundle.pem',
    start: sending(plain.key, [plain.certificate]),
  },
]

export function optionsOf({ verify, cert }: Case): Pick<RequestOptions, 'verify' | 'cert'> {
  return { verify, ...(cert && { cert }) }
}

function loneServer(authority: typeof root): [key: string, sent: string[]] {
  const { key, certificate } = authority.issue()
  return [key, [certificate]]
}

/** 127.0.0.1 as a dNSName, as careless tools write it. */
function addressAsName(): CertificateOptions {
  return { hosts: ['dns:127.0.0.1'], commonName: 'box' }
}

function weak(): Case['start'] {
  const { key, certificate } = root.issue({ keyType: 'rsa-1024' })
  return sending(key, [certificate], { ciphers: 'DEFAULT:@SECLEVEL=0' })
}

/** Node's servers hang up on a client that they do not accept; OpenSSL's own says why. */
async function refusingClients(): Promise<Started> {
  return startProgram((port, dir) => {
    const own = ['-cert', dir.write('cert.pem', plain.certificate), '-key', dir.write('key.pem', plain.key)]
    const wanted = ['-Verify', '1', '-verify_return_error', '-CAfile', dir.write('ca.pem', clients.certificate)]
    // In TLS 1.3 the refusal may be lost: the client has sent its request by then.
    return ['openssl', 's_server', '-accept', `127.0.0.1:${port}`, '-tls1_2', '-www', ...own, ...wanted]
  })
}

/** Answers whatever comes with a line of HTTP. */
function startPlain(): Promise<Started> {
  return startTcpServer((socket) => socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')))
}
