/** `vouch check`: why a server is trusted, or not. */
import { explain } from '../../index.ts'
import { type Command, readArguments, readUrl } from '../command.ts'
import { CONNECTION_HELP, CONNECTION_OPTIONS, connectionOf } from '../connection.ts'
import { paint, print, printJson } from '../print.ts'

export const check: Command = {
  name: 'check',
  summary: 'say why a server is trusted, or not, and what to do',
  help: `Usage: vouch check URL [options]

Shakes hands with a server as a request would, with the same trust and through the same proxies, and says why it is trusted
or not. No request is sent. The exit status is 0 when it is trusted, 1 when not.

${CONNECTION_HELP}
  --timeout SECONDS       how long to wait for the connection (10)
  --json                  all of it, for programs

Examples:
  vouch check https://intranet.example/
  vouch check 192.168.1.172:10330 --verify selfsigned.crt
  REQUESTS_CA_BUNDLE=corp.pem vouch check https://api.example --json | jq .reason`,

  async run(args, output) {
    const { values, positionals } = readArguments(args, { ...CONNECTION_OPTIONS, json: { type: 'boolean' } })
    const explanation = await explain(readUrl(positionals), connectionOf(values))
    if (values.json) printJson(output, explanation)
    else print(output, paintMarks(String(explanation), output.stdout))
    return explanation.ok ? 0 : 1
  },
}

function paintMarks(story: string, stream: NodeJS.WritableStream): string {
  return story
    .replace(/✓.*$/gm, (mark) => paint(stream, 'green', mark))
    .replace(/✗.*$/gm, (mark) => paint(stream, 'red', mark))
}
