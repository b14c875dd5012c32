/** `vouch ca create`, `issue` and `issue-client`: a private CA, and the certificates it issues. */
import {
  type CAOptions,
  type CertificatePair,
  createCA,
  type HashName,
  type IssueOptions,
  type KeyType,
  loadCA,
} from '../../certs/index.ts'
import { displayName } from '../../core/credentials.ts'
import { shellPath } from '../../core/shell.ts'
import { type Command, readArguments, readNumber, UsageError } from '../command.ts'
import { readPassphrase } from '../input.ts'
import { hint, type Output, printJson, printTable } from '../print.ts'

const SHARED = {
  cert: { type: 'string' },
  key: { type: 'string' },
  days: { type: 'string' },
  'key-type': { type: 'string' },
  hash: { type: 'string' },
  organization: { type: 'string' },
  'passphrase-file': { type: 'string' },
  overwrite: { type: 'boolean' },
  json: { type: 'boolean' },
} as const

const CREATE_OPTIONS = { ...SHARED, 'common-name': { type: 'string' } } as const
const CLIENT_OPTIONS = {
  ...SHARED,
  ca: { type: 'string', default: 'ca.pem' },
  'ca-key': { type: 'string', default: 'ca.key' },
  'ca-passphrase-file': { type: 'string' },
} as const
const SERVER_OPTIONS = { ...CLIENT_OPTIONS, 'common-name': { type: 'string' } } as const

const SHARED_HELP = `  --key-type TYPE          ec-p256 (the default), ec-p384, rsa-2048, rsa-3072, rsa-4096, ed25519
  --hash NAME              sha256, sha384, sha512
  --organization NAME      a label (none)
  --overwrite              replace existing files
  --json                   print the result as JSON`

const ISSUER_HELP = `  --ca FILE                the CA's certificate (ca.pem)
  --ca-key FILE            the CA's key (ca.key)
  --ca-passphrase-file FILE  a file whose first line is the passphrase of the CA's key`

export const caCreate: Command = {
  name: 'ca create',
  summary: 'create a private CA for a team',
  options: CREATE_OPTIONS,
  help: `Usage: vouch ca create [options]

Creates a certificate authority (CA). Clients trust its certificate, and it issues the certificates of servers. Anyone who
has its key can impersonate any server, so keep the key on one machine and encrypt it. Existing files are kept.

  --cert FILE              the certificate file to write (ca.pem)
  --key FILE               the key file to write, readable by you only (ca.key)
  --common-name NAME       the name of the CA, which error messages show (Private CA)
  --days N                 validity period in days (3650)
  --passphrase-file FILE   a file whose first line is the passphrase that encrypts the key
${SHARED_HELP}

Examples:
  vouch ca create --common-name 'Team CA' --passphrase-file passphrase.txt
  vouch ca create && vouch ca issue localhost 127.0.0.1 && vouch ca trust ca.pem`,

  async run(args, output) {
    const { values, positionals } = readArguments(args, CREATE_OPTIONS)
    if (positionals.length > 0) throw new UsageError('name the CA with --common-name; its files with --cert and --key')
    const { cert = 'ca.pem', key = 'ca.key' } = values
    const options: CAOptions = { ...sharedOf(values), commonName: values['common-name'] }
    report(await createCA(cert, key, options), undefined, values.json, output)
    if (values.json) return 0
    const file = shellPath(cert) ?? 'ca.pem'
    const isDefault = cert === 'ca.pem' && key === 'ca.key'
    const files = isDefault ? '' : ` --ca ${file} --ca-key ${shellPath(key) ?? 'ca.key'}`
    if (values['passphrase-file'] === undefined)
      hint(output, 'the key is not encrypted: --passphrase-file FILE encrypts it')
    hint(output, `issue a certificate: vouch ca issue localhost 127.0.0.1${files}`)
    hint(output, `trust it on this machine: vouch ca trust ${file}; in a request: --verify ${file}`)
    return 0
  },
}

export const caIssue: Command = {
  name: 'ca issue',
  summary: 'issue a server certificate with a private CA',
  options: SERVER_OPTIONS,
  help: `Usage: vouch ca issue HOST… [options]

Issues a certificate for these host names and addresses, with a new key. Existing files are kept.

  --cert FILE              the certificate file to write (cert.pem)
  --key FILE               the key file to write, readable by you only (key.pem)
  --days N                 validity period in days (365, or as long as the CA)
  --common-name NAME       a label (the first host)
  --passphrase-file FILE   a file whose first line is the passphrase that encrypts the key
${ISSUER_HELP}
${SHARED_HELP}

Examples:
  vouch ca issue localhost 127.0.0.1 ::1
  vouch ca issue db.internal 10.0.0.7 --cert db.pem --key db.key --ca-passphrase-file passphrase.txt`,

  async run(args, output) {
    const { values, positionals } = readArguments(args, SERVER_OPTIONS)
    if (positionals.length === 0)
      throw new UsageError("name the hosts that clients will connect to, such as 'localhost'")
    const ca = await caOf(values)
    const options = { ...issueOptions(values), commonName: values['common-name'] }
    report(await ca.issue(positionals, options), positionals, values.json, output)
    return 0
  },
}

export const caIssueClient: Command = {
  name: 'ca issue-client',
  summary: 'issue a client certificate with a private CA',
  options: CLIENT_OPTIONS,
  help: `Usage: vouch ca issue-client NAME [options]

Issues a client certificate for mutual TLS, with a new key. The server identifies the client by NAME. Existing files are kept.

  --cert FILE              the certificate file to write (cert.pem)
  --key FILE               the key file to write, readable by you only (key.pem)
  --days N                 validity period in days (365, or as long as the CA)
  --passphrase-file FILE   a file whose first line is the passphrase that encrypts the key
${ISSUER_HELP}
${SHARED_HELP}

Examples:
  vouch ca issue-client ada --cert ada.pem --key ada.key`,

  async run(args, output) {
    const { values, positionals } = readArguments(args, CLIENT_OPTIONS)
    const [name, ...others] = positionals
    if (name === undefined || others.length > 0) throw new UsageError('name one client')
    const ca = await caOf(values)
    report(await ca.issueClient(name, issueOptions(values)), undefined, values.json, output)
    return 0
  },
}

interface Values {
  readonly days?: string | undefined
  readonly 'key-type'?: string | undefined
  readonly hash?: string | undefined
  readonly organization?: string | undefined
  readonly 'passphrase-file'?: string | undefined
  readonly overwrite?: boolean | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
}

/** The library checks the kinds of keys and hashes. */
function sharedOf(values: Values) {
  return {
    days: readNumber('days', values.days),
    keyType: values['key-type'] as KeyType | undefined,
    hash: values.hash as HashName | undefined,
    organization: values.organization,
    passphrase: readPassphrase(values['passphrase-file']),
    overwrite: values.overwrite,
  }
}

function issueOptions(values: Values): IssueOptions {
  return { ...sharedOf(values), certFile: values.cert ?? 'cert.pem', keyFile: values.key ?? 'key.pem' }
}

function caOf(values: {
  readonly ca: string
  readonly 'ca-key': string
  readonly 'ca-passphrase-file'?: string | undefined
}) {
  return loadCA(values.ca, values['ca-key'], { passphrase: readPassphrase(values['ca-passphrase-file']) })
}

/** Prints everything but the key itself. */
function report(
  pair: Pick<CertificatePair, 'certFile' | 'keyFile' | 'validFrom' | 'validTo' | 'fingerprint'>,
  hosts: readonly string[] | undefined,
  json: boolean | undefined,
  output: Output,
): void {
  const { validFrom, validTo, fingerprint } = pair
  const [certFile, keyFile] = [displayName(String(pair.certFile)), displayName(String(pair.keyFile))]
  if (json) {
    printJson(output, { certFile, keyFile, hosts, validFrom, validTo, fingerprint })
    return
  }
  printTable(output, [
    ['certificate', certFile],
    ['key', keyFile],
    ['hosts', hosts?.map(displayName).join(', ')],
    ['valid until', validTo.toISOString()],
    ['SHA-256', fingerprint],
  ])
}
