/** `vouch cert fetch`: saves the certificate that a server presents, to compare its fingerprint and then trust it. */
import { Readable } from 'node:stream'
import { type CertificateInfo, fetchCert } from '../../certs/index.ts'
import { displayName } from '../../core/credentials.ts'
import { documentation } from '../../core/documentation.ts'
import { printable } from '../../core/printable.ts'
import { shellPath } from '../../core/shell.ts'
import { type Command, readArguments, UsageError } from '../command.ts'
import { ROUTE_OPTIONS, routeOf, SERVICES_HELP } from '../connection.ts'
import { hint, logLine, type Output, print, printJson, shownServer } from '../print.ts'
import { checkTarget, save } from '../save.ts'

const OPTIONS = {
  output: { type: 'string', short: 'o' },
  overwrite: { type: 'boolean', default: false },
  chain: { type: 'boolean' },
  servername: { type: 'string' },
  ...ROUTE_OPTIONS,
  json: { type: 'boolean' },
} as const

export const certFetch: Command = {
  name: 'cert fetch',
  summary: 'save the certificate that a server presents, unverified',
  options: OPTIONS,
  help: `Usage: vouch cert fetch URL [options]

Prints the certificate that a server presents, as PEM. It is not verified: compare its fingerprint with the server's
owner, out of band, before you trust it.

${SERVICES_HELP}

  -o, --output FILE   write the certificate to a file; an existing file is kept; - is stdout
  --overwrite         replace an existing file
  --chain             save all certificates that the server sends; trusting this file means trusting its CAs too
  --servername NAME   the server name to send, if it differs from the URL's
  --proxy URL         the proxy to use, instead of the environment's
  --connect-to HOST:PORT:ADDRESS:PORT  connect to this address instead of HOST:PORT, as in curl
  --no-env            use no proxy of the environment
  --timeout SECONDS   how long to wait (10)
  --json              print the fields of the certificate as JSON

Examples:
  vouch cert fetch https://192.168.1.172:10330 -o selfsigned.crt
  vouch cert fetch postgres://db.example -o db.crt
  vouch cert fetch box.lan:8443 | openssl x509 -noout -text`,

  async run(args, output) {
    const { values, positionals } = readArguments(args, OPTIONS)
    const [url, ...others] = positionals
    if (url === undefined || others.length > 0) throw new UsageError('name one URL')
    const file = values.output === '-' ? undefined : values.output
    if (values.output === '-' && values.json)
      throw new UsageError('--json and --output - exclude each other: both write to stdout')
    if (file !== undefined) checkTarget(file, values.overwrite)
    const [first, ...rest] = await fetchCert(url, { servername: values.servername, ...routeOf(values) })
    const certificates = values.chain ? [first, ...rest] : [first]
    const pem = certificates.map((each) => each.pem).join('')
    if (file !== undefined) await save(file, Readable.from([pem]), values.overwrite)
    if (values.json) printJson(output, values.chain ? certificates : first)
    else if (file === undefined) print(output, pem.trimEnd())
    logLine(
      output,
      `fetched the certificate of ${shownServer(url)}, UNVERIFIED: '${printable(first.subject)}', issued by '${printable(first.issuer)}'`,
    )
    logLine(output, `SHA-256 ${first.fingerprint}`)
    advise(url, first, file, output)
    return 0
  },
}

function advise(url: string, { fingerprint }: CertificateInfo, path = 'FILE', output: Output): void {
  hint(output, 'an attacker in the network path could have replaced it: compare the SHA-256 before you trust it')
  hint(output, "the server's owner can print it: openssl x509 -noout -fingerprint -sha256 -in CERTIFICATE")
  const file = displayName(path)
  const isHttps = /^(?:https:\/\/|(?![a-z][a-z0-9+.-]*:\/\/))/i.test(url)
  const trust = isHttps
    ? `--verify ${shellPath(path) ?? 'FILE'}; in code: { verify: '${file}' }`
    : `tlsOptions('${file}') in its client, ${documentation('guides/other-clients.md')}`
  hint(output, `if they are equal, trust it: ${trust}`)
  if (isHttps) hint(output, `or pin it, so that its names do not matter: --verify sha256:${fingerprint}`)
}
