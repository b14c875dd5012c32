/** `vouch check`: explains why a server is trusted, or not. */
import { VOUCH } from '../../core/shell.ts'
import { explain } from '../../index.ts'
import { type Command, readArguments, readUrl } from '../command.ts'
import { CONNECTION_HELP, CONNECTION_OPTIONS, connectionOf, SERVICES_HELP } from '../connection.ts'
import { paint, print, printJson } from '../print.ts'

export const check: Command = {
  name: 'check',
  summary: 'explain why a server is trusted or not, and what to do',
  help: `Usage: vouch check URL [options]

Makes a TLS handshake as a request would, with the same trust settings and proxies, and explains why the server is trusted
or not. No request is sent. The exit status is 0 if the server is trusted, 1 if not.

${SERVICES_HELP}

${CONNECTION_HELP}
  --timeout SECONDS       how long to wait for the connection (10)
  --json                  the whole explanation as JSON

Examples:
  vouch check https://intranet.example/
  vouch check 192.168.1.172:10330 --verify selfsigned.crt
  vouch check postgres://db.example --verify company-ca.pem
  REQUESTS_CA_BUNDLE=corp.pem vouch check https://api.example --json | jq .reason`,

  async run(args, output) {
    const { values, positionals } = readArguments(args, { ...CONNECTION_OPTIONS, json: { type: 'boolean' } })
    const explanation = await explain(readUrl(positionals), connectionOf(values))
    if (values.json) printJson(output, explanation)
    else print(output, paintMarks(String(explanation).replaceAll(VOUCH, 'vouch'), output.stdout))
    return explanation.ok ? 0 : explanation.reason === 'client-certificate' ? 3 : 1
  },
}

function paintMarks(report: string, stream: NodeJS.WritableStream): string {
  return report
    .replace(/✓.*$/gm, (mark) => paint(stream, 'green', mark))
    .replace(/✗.*$/gm, (mark) => paint(stream, 'red', mark))
}
