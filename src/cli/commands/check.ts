/** `vouch check`: explains why a server is trusted or not. */
import { Readable } from 'node:stream'
import { displayName } from '../../core/credentials.ts'
import { type Explanation, explain } from '../../index.ts'
import { type Command, readArguments, readUrl, UsageError } from '../command.ts'
import { CONNECTION_HELP, CONNECTION_OPTIONS, connectionOf, SERVICES_HELP } from '../connection.ts'
import { EXIT } from '../exit-status.ts'
import { logLine, type Output, paint, print, printJson } from '../print.ts'
import { inFlags } from '../report-error.ts'
import { checkTarget, save } from '../save.ts'
import { wrapFor } from '../wrap.ts'

const OPTIONS = {
  ...CONNECTION_OPTIONS,
  'fetch-intermediates': { type: 'boolean', default: false },
  output: { type: 'string', short: 'o' },
  overwrite: { type: 'boolean', default: false },
  json: { type: 'boolean' },
} as const

export const check: Command = {
  name: 'check',
  summary: 'explain why a server is trusted or not, and what to do',
  options: OPTIONS,
  help: `Usage: vouch check URL [options]

Performs a TLS handshake as a request would, with the same trust settings and proxies, and explains why the server is trusted
or not. No request is sent. The exit status is 0 if the server is trusted, 1 if not, 3 if it was not reached.

${SERVICES_HELP}

${CONNECTION_HELP}
  --timeout SECONDS       how long to wait for the connection (10)
  --fetch-intermediates   fetch missing intermediates from the http: addresses in the server's certificate, and check
                          whether they complete its chain; they are never trusted
  -o, --output FILE       write the server's certificate and its intermediates, for its owner, if the chain is complete;
                          an existing file is kept
  --overwrite             replace an existing file
  --json                  print the explanation as JSON

Examples:
  vouch check https://intranet.example/
  vouch check 192.168.1.172:10330 --verify selfsigned.crt
  vouch check postgres://db.example --verify company-ca.pem
  vouch check https://shop.example --fetch-intermediates -o fullchain.pem
  REQUESTS_CA_BUNDLE=corp.pem vouch check https://api.example --json | jq .reason`,

  async run(args, output) {
    const { values, positionals } = readArguments(args, OPTIONS)
    const { output: file, overwrite } = values
    if (file !== undefined && !values['fetch-intermediates'])
      throw new UsageError('--output needs --fetch-intermediates')
    const url = readUrl(positionals)
    if (file === '-' && values.json)
      throw new UsageError('--json and --output - exclude each other: both write to stdout')
    if (file !== undefined && file !== '-') checkTarget(file, overwrite)
    const options = { ...connectionOf(values), fetchIntermediates: values['fetch-intermediates'] }
    const explanation = await explain(url, options)
    if (values.json) printJson(output, { ...explanation.toJSON(), hints: explanation.hints.map(inFlags) })
    else {
      // The chain goes to stdout, so the report does not.
      const shown = file === '-' ? { ...output, stdout: output.stderr } : output
      print(shown, paintMarks(wrapFor(shown.stdout, inFlags(String(explanation))), shown.stdout))
    }
    if (file !== undefined) await writeChain(explanation, file, overwrite, output)
    if (explanation.reason === 'bad-bundle') return EXIT.usage
    return explanation.ok ? EXIT.done : EXIT.notTrusted
  },
}

/** Writes what the server ought to send: its certificate and the intermediates, without the root. */
async function writeChain(
  { ok, chain, intermediates }: Explanation,
  file: string,
  overwrite: boolean,
  output: Output,
): Promise<void> {
  const [server, ...issuers] = [...chain, ...intermediates]
  if (server === undefined || (!ok && intermediates.length === 0)) {
    logLine(output, `'${displayName(file)}' was not written, since no complete chain is known`)
    return
  }
  const certificates = [server, ...issuers.filter(({ selfSigned }) => !selfSigned)]
  if (file === '-') {
    print(
      output,
      certificates
        .map(({ pem }) => pem)
        .join('')
        .trimEnd(),
    )
    return
  }
  await save(file, Readable.from(certificates.map(({ pem }) => pem)), overwrite)
  const count = certificates.length === 2 ? '1 intermediate' : `${certificates.length - 1} intermediates`
  logLine(output, `wrote '${displayName(file)}': the server's certificate and ${count}, for the server's owner`)
}

function paintMarks(report: string, stream: NodeJS.WritableStream): string {
  return report
    .replace(/✓.*$/gm, (mark) => paint(stream, 'green', mark))
    .replace(/✗.*$/gm, (mark) => paint(stream, 'red', mark))
}
