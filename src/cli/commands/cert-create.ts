/** `vouch cert create` and `vouch cert ensure`: create a self-signed certificate, or keep one valid. */
import {
  type CertificatePair,
  createSelfSignedCert,
  type EnsureSelfSignedCertOptions,
  ensureSelfSignedCert,
  type HashName,
  type KeyType,
} from '../../certs/index.ts'
import { hostInUrl } from '../../core/address.ts'
import { displayName } from '../../core/credentials.ts'
import { shellPath } from '../../core/shell.ts'
import { type Command, readArguments, readNumber, UsageError } from '../command.ts'
import { readPassphrase } from '../input.ts'
import { hint, logLine, type Output, printJson, printTable } from '../print.ts'

const OPTIONS = {
  cert: { type: 'string', default: 'cert.pem' },
  key: { type: 'string', default: 'key.pem' },
  days: { type: 'string' },
  'key-type': { type: 'string' },
  hash: { type: 'string' },
  'common-name': { type: 'string' },
  organization: { type: 'string' },
  ca: { type: 'boolean' },
  'no-ca': { type: 'boolean' },
  'passphrase-file': { type: 'string' },
  json: { type: 'boolean' },
} as const

const OPTIONS_HELP = `
  --cert FILE              the certificate file to write (cert.pem)
  --key FILE               the key file to write, readable by you only (key.pem)
  --days N                 validity period in days (365)
  --key-type TYPE          ec-p256 (the default), ec-p384, rsa-2048, rsa-3072, rsa-4096, ed25519
  --hash NAME              sha256, sha384, sha512
  --common-name NAME       a label (the first host)
  --organization NAME      a label (none)
  --ca                     make it a CA, limited to these hosts, for clients that require a CA as an anchor
  --passphrase-file FILE   a file whose first line is the passphrase that encrypts the key`

export const certCreate: Command = {
  name: 'cert create',
  summary: 'create a self-signed certificate and its key',
  options: { ...OPTIONS, overwrite: { type: 'boolean' } },
  help: `Usage: vouch cert create HOST… [options]

Creates a self-signed certificate for these host names and addresses, and its key. Existing files are kept.
${OPTIONS_HELP}
  --overwrite              replace existing files
  --json                   print the result as JSON

Examples:
  vouch cert create localhost 127.0.0.1 ::1
  vouch cert create 192.168.1.172 --cert selfsigned.crt --key private.key --key-type rsa-4096`,

  async run(args, output) {
    const { values, positionals } = readArguments(args, { ...OPTIONS, overwrite: { type: 'boolean' } })
    const options = { ...optionsOf(values), overwrite: values.overwrite }
    const pair = await createSelfSignedCert(values.cert, values.key, hostsOf(positionals), options)
    report(pair, undefined, values.json, output)
    return 0
  },
}

export const certEnsure: Command = {
  name: 'cert ensure',
  summary: 'create a certificate if there is none, renew it if it expires soon',
  options: { ...OPTIONS, 'renew-before': { type: 'string' } },
  help: `Usage: vouch cert ensure HOST… [options]

Creates a self-signed certificate if there is none, renews it if it expires soon or is for other hosts, and otherwise keeps
it. Run it regularly: when a program starts, or once a day.
${OPTIONS_HELP}
  --renew-before N         how many days before it expires it is renewed (30, or a third of --days)
  --json                   print the result as JSON

Examples:
  vouch cert ensure localhost 127.0.0.1
  0 4 * * *  vouch cert ensure box.lan --cert /etc/box/cert.pem --key /etc/box/key.pem   # in a crontab`,

  async run(args, output) {
    const { values, positionals } = readArguments(args, { ...OPTIONS, 'renew-before': { type: 'string' } })
    const options = { ...optionsOf(values), renewBefore: readNumber('renew-before', values['renew-before']) }
    const { action, ...pair } = await ensureSelfSignedCert(values.cert, values.key, hostsOf(positionals), options)
    report(pair, action, values.json, output)
    return 0
  },
}

type Values = ReturnType<typeof readArguments<typeof OPTIONS>>['values']

/** The library checks the kinds of keys and hashes. */
function optionsOf(values: Values): EnsureSelfSignedCertOptions {
  return {
    days: readNumber('days', values.days),
    keyType: values['key-type'] as KeyType | undefined,
    hash: values.hash as HashName | undefined,
    commonName: values['common-name'],
    organization: values.organization,
    ca: caOf(values),
    passphrase: readPassphrase(values['passphrase-file']),
  }
}

/** `--no-ca`, once needed for what is now the default, is still accepted. */
function caOf({ ca, 'no-ca': noCa }: Values): boolean | undefined {
  if (ca && noCa) throw new UsageError('--ca and --no-ca exclude each other')
  return ca ?? (noCa ? false : undefined)
}

function hostsOf(hosts: readonly string[]): readonly string[] {
  if (hosts.length === 0) throw new UsageError("name the hosts that clients will connect to, such as 'localhost'")
  return hosts
}

/** Prints everything but the key itself. */
function report(
  { certFile, keyFile, hosts, validFrom, validTo, fingerprint }: CertificatePair,
  action: string | undefined,
  json: boolean | undefined,
  output: Output,
): void {
  const [cert, key] = [displayName(String(certFile)), displayName(String(keyFile))]
  if (json) {
    printJson(output, { action, certFile: cert, keyFile: key, hosts, validFrom, validTo, fingerprint })
    return
  }
  if (action) logLine(output, `${action} ${cert}`)
  printTable(output, [
    ['certificate', cert],
    ['key', key],
    ['hosts', hosts.join(', ')],
    ['valid until', validTo.toISOString()],
    ['SHA-256', fingerprint],
  ])
  if (action === 'kept') return
  const host = (hosts[0] ?? 'localhost').replace('*', 'www')
  hint(output, `serve it: https.createServer({ cert: readFileSync('${cert}'), key: readFileSync('${key}') })`)
  // An IPv6 address needs quotes: brackets are a pattern to a shell.
  const url = shellPath(`https://${hostInUrl(host)}/`) ?? 'URL'
  const file = shellPath(String(certFile)) ?? 'FILE'
  hint(output, `trust it: vouch get ${url} --verify ${file}; in code: { verify: '${cert}' }`)
}
