/** `vouch check`: why a server is trusted, or not. */
import { explain } from '../../index.ts'
import { type Command, readArguments, UsageError } from '../command.ts'
import { paint, print, printJson } from '../print.ts'

export const check: Command = {
  name: 'check',
  summary: 'say why a server is trusted, or not, and what to do',
  help: `Usage: vouch check URL [options]

Shakes hands with a server as a request would, with the same trust and through the same proxies, and says why it is trusted
or not. No request is sent. The exit status is 0 when it is trusted, 1 when not.

  --verify PATH     the file or directory to trust, in place of the environment's bundle or the default roots
  --cert FILE       a client certificate, with its key in the same file or in --key
  --key FILE
  --proxy URL       a proxy to go through, in place of the environment's
  --no-env          take no bundle and no proxy from the environment
  --json

Examples:
  vouch check https://intranet.example/
  vouch check 192.168.1.172:10330 --verify selfsigned.crt
  REQUESTS_CA_BUNDLE=corp.pem vouch check https://api.example --json | jq .reason`,

  async run(args, output) {
    const { values, positionals } = readArguments(args, {
      verify: { type: 'string' },
      cert: { type: 'string' },
      key: { type: 'string' },
      proxy: { type: 'string' },
      'no-env': { type: 'boolean' },
      json: { type: 'boolean' },
    })
    const [url, ...others] = positionals
    if (url === undefined || others.length > 0) throw new UsageError('name one URL')
    if (values.key !== undefined && values.cert === undefined) throw new UsageError('--key goes with --cert')
    const explanation = await explain(/^[a-z][a-z0-9+.-]*:\/\//i.test(url) ? url : `https://${url}`, {
      verify: values.verify,
      cert: values.cert === undefined || values.key === undefined ? values.cert : [values.cert, values.key],
      proxies: values.proxy === undefined ? undefined : { all: values.proxy },
      trustEnv: !values['no-env'],
    })
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
