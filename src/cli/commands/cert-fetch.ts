/** `vouch cert fetch`: the certificate that a server presents, to be compared and then trusted. */
import { Readable } from 'node:stream'
import { fetchCert } from '../../certs/index.ts'
import { type Command, readArguments, UsageError } from '../command.ts'
import { ROUTE_OPTIONS, routeOf } from '../connection.ts'
import { hint, type Output, print, printJson, say, shownUrl } from '../print.ts'
import { checkTarget, save } from '../save.ts'

export const certFetch: Command = {
  name: 'cert fetch',
  summary: 'save the certificate that a server presents, unverified',
  help: `Usage: vouch cert fetch URL [options]

Prints the certificate that a server presents, as PEM. Nothing vouches for it: compare its fingerprint with the server's
owner, on another way, before you trust it.

  -o, --output FILE   write it there; a file that exists is kept
  --overwrite         replace a file that exists
  --chain             all certificates that the server sends; who trusts the file trusts its authorities then
  --servername NAME   the name to ask for, where it is not the URL's
  --proxy URL         a proxy to go through, in place of the environment's
  --no-env            take no proxy from the environment
  --timeout SECONDS   how long to wait (10)
  --json

Examples:
  vouch cert fetch https://192.168.1.172:10330 -o selfsigned.crt
  vouch cert fetch box.lan:8443 | openssl x509 -noout -text`,

  async run(args, output) {
    const { values, positionals } = readArguments(args, {
      output: { type: 'string', short: 'o' },
      overwrite: { type: 'boolean', default: false },
      chain: { type: 'boolean' },
      servername: { type: 'string' },
      ...ROUTE_OPTIONS,
      json: { type: 'boolean' },
    })
    const [url, ...others] = positionals
    if (url === undefined || others.length > 0) throw new UsageError('name one URL')
    if (values.output !== undefined) checkTarget(values.output, values.overwrite)
    const [first, ...rest] = await fetchCert(url, { servername: values.servername, ...routeOf(values) })
    const certificates = values.chain ? [first, ...rest] : [first]
    const pem = certificates.map((each) => each.pem).join('')
    if (values.output !== undefined) await save(values.output, Readable.from([pem]), values.overwrite)
    if (values.json) printJson(output, values.chain ? certificates : first)
    else if (values.output === undefined) print(output, pem.trimEnd())
    say(
      output,
      `fetched the certificate of ${shownUrl(url)}, UNVERIFIED: '${first.subject}', issued by '${first.issuer}'`,
    )
    say(output, `SHA-256 ${first.fingerprint}`)
    advise(values.output, output)
    return 0
  },
}

function advise(path: string | undefined, output: Output): void {
  hint(output, 'whoever is on the way could have put his own there: compare the SHA-256 before you trust it')
  hint(output, "the server's owner sees it with: openssl x509 -noout -fingerprint -sha256 -in CERTIFICATE")
  hint(output, `if they are the same, trust it: get(url, { verify: '${path ?? 'FILE'}' })`)
}
