/** `vouch get`, `post` and the other verbs, and `vouch request METHOD URL`: send a request and print the response. */
import { HTTPAdapter, type Response, Session } from '../../index.ts'
import { type Command, readArguments, readNumber, readUrl, UsageError } from '../command.ts'
import { CONNECTION_HELP, CONNECTION_OPTIONS, connectionOf } from '../connection.ts'
import { EXIT } from '../exit-status.ts'
import { fail, hint, logLine, type Output, print, printableLines, printJson, warning } from '../print.ts'
import { ProgressBar } from '../progress.ts'
import { BODY_HELP, BODY_OPTIONS, bodyOf, headersOf, methodOf } from '../request-body.ts'
import { describeResponse, headOf, printBody, readBody, saveBody, shortfallOf } from '../response-output.ts'
import { checkTarget } from '../save.ts'
import { trace } from '../trace.ts'
import { isTerminal } from '../wrap.ts'

const OPTIONS = {
  ...CONNECTION_OPTIONS,
  output: { type: 'string', short: 'o' },
  overwrite: { type: 'boolean', default: false },
  header: { type: 'string', short: 'H', multiple: true },
  'no-verify': { type: 'boolean' },
  include: { type: 'boolean', short: 'i', default: false },
  verbose: { type: 'boolean', short: 'v', default: false },
  fail: { type: 'boolean', short: 'f', default: false },
  'max-redirects': { type: 'string' },
  'insecure-http-parser': { type: 'boolean' },
  json: { type: 'boolean', default: false },
} as const

const ALL_OPTIONS = { ...OPTIONS, ...BODY_OPTIONS }

const helpOf = (
  body: string,
) => `${body}  -o, --output FILE       write the body to a file, once it is complete; an existing file is kept; - is stdout
  --overwrite             replace an existing file
  -H, --header TEXT       send this header, 'NAME: VALUE'; @FILE: the headers in a file, one per line
  -i, --include           print the status line and the headers before the body
  -v, --verbose           print the request, the trust setting and the headers to stderr, without passwords and tokens
  -f, --fail              treat a status of 400 or above as an error: exit status 4, and no body
  --max-redirects N       how many redirects to follow (30); 0 prints the redirect itself
${CONNECTION_HELP}
  --no-verify             disable verification, for tests: anyone in the network path can read and change the traffic
  --insecure-http-parser  accept responses that violate HTTP, as some devices send them
  --timeout SECONDS       how long to wait for the connection, and then between bytes (no limit)
  --json                  print status, headers and body as JSON`

const STATUS_HELP = `The exit status is 0 if the body is complete, 1 if the server is not trusted, 3 if it was not reached or
the body is not complete, 4 with --fail and a status of 400 or above.`

export const get: Command = {
  name: 'get',
  summary: 'fetch a URL, to stdout or to a file',
  options: OPTIONS,
  help: `Usage: vouch get URL [options]

Fetches a URL as a request of the library does: with verification, redirects, and the environment's bundle and proxies.
The body is written to stdout, decompressed and otherwise as received.
${STATUS_HELP}

${helpOf('')}

Examples:
  vouch get https://192.168.1.172:10330/tor --verify selfsigned.crt
  vouch get https://example.com/big.iso -o big.iso
  vouch get https://api.example/me -H 'Accept: application/json' -H @token.txt | jq .name`,
  run: (args, output) => send('GET', readArguments(args, { ...OPTIONS, ...NO_BODY }), output),
}

export const head: Command = {
  name: 'head',
  summary: 'print the status and the headers of a URL',
  options: OPTIONS,
  help: `Usage: vouch head URL [options]

Requests the headers of a URL, without its body, and prints them. Redirects are not followed.

${helpOf('')}

Examples:
  vouch head https://example.com/big.iso`,
  run: (args, output) => send('HEAD', readArguments(args, { ...OPTIONS, ...NO_BODY }), output),
}

const withBody = (verb: string, summary: string, example: string): Command => ({
  name: verb,
  summary,
  options: ALL_OPTIONS,
  help: `Usage: vouch ${verb} URL [options]

Sends a ${verb.toUpperCase()} request and prints the body of the response, as vouch get does.
${STATUS_HELP}

${helpOf(BODY_HELP)}

Examples:
  ${example}`,
  run: (args, output) => send(verb.toUpperCase(), readArguments(args, ALL_OPTIONS), output),
})

export const post = withBody(
  'post',
  'send a form, JSON or a file',
  `vouch post https://api.example/items --data-json '{"name": "tor"}'
  vouch post https://192.168.1.172:10330/upload -F photo=@tor.jpg --verify selfsigned.crt
  vouch post https://api.example/log -d @today.log -H 'Content-Type: text/plain'`,
)
export const put = withBody('put', 'replace a resource', 'vouch put https://api.example/items/1 --data-json @item.json')
export const patch = withBody('patch', 'change a resource', `vouch patch https://api.example/items/1 -d name=tor`)
export const remove = withBody('delete', 'delete a resource', 'vouch delete https://api.example/items/1')

export const request: Command = {
  ...withBody('request', 'send a request with any method', 'vouch request PROPFIND https://dav.example/ -H "Depth: 1"'),
  help: `Usage: vouch request METHOD URL [options]

Sends a request with any method and prints the body of the response, as vouch get does.
${STATUS_HELP}

${helpOf(BODY_HELP)}

Examples:
  vouch request OPTIONS https://api.example/
  vouch request PROPFIND https://dav.example/ -H 'Depth: 1'`,
  run: (args, output) => {
    const { values, positionals } = readArguments(args, ALL_OPTIONS)
    const [method, ...rest] = positionals
    if (method === undefined || rest.length !== 1)
      throw new UsageError('name a method and a URL: vouch request METHOD URL')
    return send(methodOf(method), { values, positionals: rest }, output)
  },
}

/** For verbs without a body: the options are known, so that the error can say what to use. */
const NO_BODY = BODY_OPTIONS

interface Given {
  readonly values: ReturnType<typeof readArguments<typeof ALL_OPTIONS>>['values']
  readonly positionals: readonly string[]
}

async function send(method: string, { values, positionals }: Given, output: Output): Promise<number> {
  const url = readUrl(positionals)
  const isBodyless = method === 'GET' || method === 'HEAD'
  if (isBodyless && (values.data || values['data-json'] !== undefined || values.form))
    throw new UsageError(`a ${method} request sends no body: use vouch post, or vouch request METHOD`)
  const { trustEnv, verify, connectTo, ...connection } = connectionOf(values)
  if (values['no-verify'] && verify !== undefined) throw new UsageError('--verify and --no-verify exclude each other')
  const maxRedirects = redirectsOf(values['max-redirects'])
  const file = values.output === '-' ? undefined : values.output
  const { type, ...body } = bodyOf(values)
  const headers = headersOf(values.header ?? [], type)
  if (file !== undefined) checkTarget(file, values.overwrite)

  using session = new Session({ trustEnv, ...(maxRedirects && { maxRedirects }) })
  if (connectTo !== undefined) {
    session.mount('https://', new HTTPAdapter({ connectTo }))
    session.mount('http://', new HTTPAdapter({ connectTo }))
  }
  // Bar and body would overwrite each other on one terminal.
  const isWatched = file !== undefined || values.json || !isTerminal(output.stdout)
  using bar = new ProgressBar(isWatched ? output.stderr : { write() {} })
  let final: Response | undefined
  const isFollowing = method !== 'HEAD' && maxRedirects !== 0
  const response = await session.request(method, url, {
    ...connection,
    ...body,
    verify: values['no-verify'] ? false : verify,
    headers,
    allowRedirects: isFollowing,
    insecureHTTPParser: values['insecure-http-parser'],
    stream: true,
    // Not for the bodies of redirects.
    onDownloadProgress: (progress) => final && bar.update(progress),
  })
  final = response
  if (values.verbose) trace(response, output)
  const sent = new Set(headers.map(([name]) => name.toLowerCase()))
  return await report(
    response,
    { ...values, method, file, shortfall: shortfallOf(response, sent, isFollowing) },
    output,
  )
}

function redirectsOf(text: string | undefined): number | undefined {
  const count = readNumber('max-redirects', text)
  if (count === undefined || (Number.isInteger(count) && count >= 0)) return count
  throw new UsageError(`--max-redirects must be a whole number of 0 or more, not ${count}`)
}

interface Report {
  readonly method: string
  readonly file: string | undefined
  readonly shortfall: string | undefined
  readonly overwrite: boolean
  readonly json: boolean
  readonly include: boolean
  readonly fail: boolean
}

async function report(response: Response, how: Report, output: Output): Promise<number> {
  const isError = how.fail && !response.ok
  const isRefused = isError || how.shortfall !== undefined
  if (how.json) {
    const body =
      how.file !== undefined && !isRefused && response.statusCode !== 304
        ? await saveBody(response, how.file, how.overwrite)
        : await readBody(response)
    printJson(output, { ...describeResponse(response), ...body })
  } else if (isRefused) response.close()
  else await printResponse(response, how, output)
  return verdictOf(response, how, output)
}

async function printResponse(response: Response, how: Report, output: Output): Promise<void> {
  if (how.include || how.method === 'HEAD') {
    for (const line of [...headOf(response), '']) print(output, printableLines(line))
  }
  if (how.method === 'HEAD') response.close()
  else if (how.file === undefined) await printBody(response, output)
  else if (response.statusCode === 304) {
    response.close()
    logLine(output, 'nothing was written: it has not changed (304)')
  } else await saveBody(response, how.file, how.overwrite)
}

/** Says what is wrong, if anything is. @returns the exit status */
function verdictOf(response: Response, { fail: isFailing, json, shortfall }: Report, output: Output): number {
  if (shortfall !== undefined) {
    fail(output, shortfall)
    if (!json) hint(output, '--json shows the response')
    return EXIT.notReached
  }
  if (response.ok) return EXIT.done
  if (!isFailing) {
    warning(output, `the status is ${response.statusCode} ${response.reason}`.trimEnd())
    return EXIT.done
  }
  try {
    response.raiseForStatus()
  } catch (error) {
    fail(output, (error as Error).message)
  }
  if (!json) hint(output, 'without --fail the body of the response is printed')
  return EXIT.httpError
}
