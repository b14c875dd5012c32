/** Certificates made by the openssl command, good and bad ones: facts that owe nothing to the code under test. */
import { openssl } from './openssl.ts'
import { tempDir } from './temp.ts'

export interface OpensslOptions {
  /** `/O=Acme/CN=Acme Root`. Default: `/CN=localhost`. */
  subject?: string
  /** Default: itself. */
  issuer?: OpensslCertificate
  /** Lines of a section of openssl.cnf. Default: those of a server for localhost, or of a CA. */
  extensions?: readonly string[]
  /** Days from now. Default: -10 and 30. */
  from?: number
  to?: number
  /** `sha1` … */
  digest?: string
  /** Arguments of `openssl genpkey`. */
  keyType?: readonly string[]
  /** A key to use again (PEM). */
  key?: string
  /** In hexadecimal digits. */
  serial?: string
}

export interface OpensslCertificate {
  readonly certificate: string
  readonly key: string
  readonly subject: string
}

export const EC = ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256']
export const rsa = (bits: number) => ['-algorithm', 'RSA', '-pkeyopt', `rsa_keygen_bits:${bits}`]
export const SERVER_EXTENSIONS = [
  'basicConstraints=CA:FALSE',
  'extendedKeyUsage=serverAuth',
  'subjectAltName=DNS:localhost',
]
export const CA_EXTENSIONS = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign']
const NO_IDENTIFIERS: readonly string[] = []
export const IDENTIFIERS = ['subjectKeyIdentifier=hash', 'authorityKeyIdentifier=keyid']

/** A certificate for a server; for a CA pass {@link CA_EXTENSIONS}. */
export function certify(options: OpensslOptions = {}): OpensslCertificate {
  const { subject = '/CN=localhost', issuer, extensions = SERVER_EXTENSIONS, from = -10, to = 30 } = options
  using dir = tempDir()
  const key = options.key ?? openssl(['genpkey', ...(options.keyType ?? EC)])
  const keyFile = dir.write('own.key', key)
  dir.write('index.txt', '')
  dir.write('serial', `${options.serial ?? nextSerial()}\n`)
  const config = dir.write('openssl.cnf', configOf(dir.path, [...NO_IDENTIFIERS, ...extensions]))
  const request = dir.write(
    'request.pem',
    openssl(['req', '-new', '-config', config, '-key', keyFile, '-subj', subject]),
  )
  const signer = issuer
    ? ['-cert', dir.write('issuer.pem', issuer.certificate), '-keyfile', dir.write('issuer.key', issuer.key)]
    : ['-selfsign', '-keyfile', keyFile]
  const certificate = openssl([
    ...['ca', '-batch', '-notext', '-config', config, '-in', request, '-extensions', 'wanted', ...signer],
    ...['-startdate', dateOf(from), '-enddate', dateOf(to), '-md', options.digest ?? 'sha256'],
  ])
  return { certificate, key, subject }
}

let serial = 0x1000
const nextSerial = () => (serial++).toString(16).padStart(4, '0')

/** ASN.1 GeneralizedTime. */
function dateOf(days: number): string {
  return new Date(Date.now() + days * 86_400_000).toISOString().replace(/[-:T]|\.\d+/g, '')
}

function configOf(dir: string, extensions: readonly string[]): string {
  return `[ca]
default_ca=own
[own]
database=${dir}/index.txt
serial=${dir}/serial
new_certs_dir=${dir}
policy=any
unique_subject=no
[any]
CN=optional
O=optional
OU=optional
C=optional
[req]
distinguished_name=none
[none]
[wanted]
${extensions.map((line) => `${line}\n`).join('')}`
}
