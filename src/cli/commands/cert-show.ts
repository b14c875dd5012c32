/** `vouch cert show`: prints the fields of the certificates of a file or a server. */
import { X509Certificate } from 'node:crypto'
import { existsSync } from 'node:fs'
import { type CertificateInfo, fetchCert, inspectCert } from '../../certs/index.ts'
import { displayName } from '../../core/credentials.ts'
import { FileError } from '../../core/file-error.ts'
import { printable } from '../../core/printable.ts'
import { certificatePin, publicKeyPin } from '../../x509/fingerprint.ts'
import { type Command, readArguments, UsageError } from '../command.ts'
import { ROUTE_OPTIONS, routeOf } from '../connection.ts'
import { fileOrContent, MAX_INPUT_BYTES, readPipe } from '../input.ts'
import { logLine, type Output, paint, print, printJson, printTable, shownServer } from '../print.ts'

const OPTIONS = {
  json: { type: 'boolean' },
  servername: { type: 'string' },
  ...ROUTE_OPTIONS,
} as const

export const certShow: Command = {
  name: 'cert show',
  summary: 'print the fields of a certificate',
  options: OPTIONS,
  help: `Usage: vouch cert show FILE|URL|- [options]

Prints the fields of the certificates of a file (PEM, DER, PKCS#7), a directory, or a server (of any protocol of vouch check);
- is stdin. Nothing is verified.

  --json              print JSON: an object, or a list if there are several certificates
  --servername NAME   for a server: the name to send, if it differs from the URL's
  --proxy URL         the proxy to use, instead of the environment's
  --no-env            use no proxy of the environment
  --timeout SECONDS   how long to wait (10)

Examples:
  vouch cert show cert.pem
  vouch cert show https://192.168.1.172:10330
  vouch cert show imap://mail.example
  kubectl get configmap kube-root-ca.crt -o jsonpath='{.data.ca\\.crt}' | vouch cert show -
  vouch cert show --json bundle.pem | jq '[.] | flatten | .[] | select(.daysLeft < 30) | .subject'`,

  async run(args, output) {
    const { values, positionals } = readArguments(args, OPTIONS)
    const [source, ...others] = positionals
    if (source === undefined || others.length > 0) throw new UsageError('name one file or URL')
    const found = isUrl(source)
      ? await fetchCert(source, { servername: values.servername, ...routeOf(values) })
      : [
          inspectCert<CertificateInfo | CertificateInfo[]>(
            source === '-' ? contentOfStdin() : fileOrContent(existing(source)),
          ),
        ].flat()
    if (isUrl(source)) logLine(output, `${shownServer(source)} presents this; nothing was verified`)
    if (values.json) printJson(output, found.length === 1 ? found[0] : found)
    else printAll(found, output)
    return 0
  },
}

function contentOfStdin(): Buffer {
  try {
    const content = readPipe('-', MAX_INPUT_BYTES)
    if (content.length === 0) throw new FileError('read', 'ERR_EMPTY', 'stdin', 'it is empty')
    return content
  } catch (error) {
    throw FileError.from('read', 'stdin', error)
  }
}

function existing(source: string): string {
  if (existsSync(source)) return source
  throw new Error(`there is no file '${displayName(source)}'; for a server give https://HOST or HOST:PORT`)
}

/** Whether a server is meant: `box:8443` is one unless there is a file of that name. */
function isUrl(source: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(source) || (/^[^/\\]+:\d+$/.test(source) && !existsSync(source))
}

function printAll(certificates: readonly CertificateInfo[], output: Output): void {
  for (const [index, certificate] of certificates.entries()) {
    if (certificates.length > 1) print(output, `${index === 0 ? '' : '\n'}${index + 1} of ${certificates.length}`)
    printOne(certificate, output)
  }
}

function printOne(info: CertificateInfo, output: Output): void {
  const { hosts, validFrom, validTo, purposes, fingerprints } = info
  const certificate = new X509Certificate(info.pem)
  const keyPin = publicKeyPin(certificate)
  const [subject, issuer] = [printable(info.subject), printable(info.issuer)]
  printTable(output, [
    ['subject', subject || '(none)'],
    ['issuer', info.selfSigned ? `${issuer || '(none)'} (self-signed)` : issuer || '(none)'],
    ['hosts', hosts.length > 0 ? printable(hosts.join(', '), MAX_LIST) : undefined],
    ['valid', `${dateOf(validFrom)} to ${dateOf(validTo)}, ${daysLeft(info, output)}`],
    ['key', info.keyType],
    ['authority', info.ca ? 'yes' : 'no'],
    ['purposes', purposes.length > 0 ? printable(purposes.join(', '), MAX_LIST) : undefined],
    ['serial', printable(info.serialNumber)],
    ['SHA-256', fingerprints.sha256],
    ['pin', `verify: '${certificatePin(certificate)}'`],
    ['key pin', keyPin && `verify: '${keyPin}'`],
    ['SHA-1', fingerprints.sha1],
  ])
}

/** Of characters: longer than the names of a large site. `--json` has all of them. */
const MAX_LIST = 8000

/** A certificate can have invalid dates. */
const dateOf = (date: Date): string => (Number.isNaN(date.getTime()) ? '(no date)' : date.toISOString())

function daysLeft({ daysLeft: days, validFrom }: CertificateInfo, { stdout }: Output): string {
  if (validFrom.getTime() > Date.now()) return paint(stdout, 'red', 'not yet valid')
  if (Number.isNaN(days)) return paint(stdout, 'red', 'never valid')
  if (days < 0) return paint(stdout, 'red', 'expired')
  const text = days === 1 ? '1 day left' : `${days} days left`
  return days < 14 ? paint(stdout, 'yellow', text) : text
}
