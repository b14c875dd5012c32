/** `vouch get`: fetches a URL, to stdout or to a file. */
import { isUtf8 } from 'node:buffer'
import { pipeline } from 'node:stream/promises'
import { displayName } from '../../core/credentials.ts'
import { codeOf } from '../../core/error-code.ts'
import { HTTPAdapter, RequestException, type Response, Session } from '../../index.ts'
import { type Command, readArguments, readLines, readUrl, UsageError } from '../command.ts'
import { CONNECTION_HELP, CONNECTION_OPTIONS, connectionOf } from '../connection.ts'
import { fail, hint, isTerminal, type Output, printableLines, printJson } from '../print.ts'
import { ProgressBar } from '../progress.ts'
import { checkTarget, save } from '../save.ts'

export const get: Command = {
  name: 'get',
  summary: 'fetch a URL, to stdout or to a file',
  help: `Usage: vouch get URL [options]

Fetches a URL as a request of the library does: verified, redirects followed, with the environment's bundle and proxies.
The body goes to stdout, decompressed and otherwise as received. A status of 400 or above is an error, and its body is not
printed. The exit status is 0 if the body is complete, 1 if not.

  -o, --output FILE       write it to a file, whole or not at all; an existing file is kept
  --overwrite             replace an existing file
  -H, --header TEXT       send this header, 'NAME: VALUE'; @FILE: the headers of a file, one a line
${CONNECTION_HELP}
  --no-verify             verify nothing, for tests: anyone in the network path can read and change the traffic
  --timeout SECONDS       how long to wait for the connection, and then for each byte that follows (for ever)
  --json                  status, headers and body as JSON, also for a status of 400 or above

Examples:
  vouch get https://192.168.1.172:10330/tor --verify selfsigned.crt
  vouch get https://example.com/big.iso -o big.iso
  vouch get https://api.example/me -H 'Accept: application/json' -H @token.txt | jq .name`,

  async run(args, output) {
    const { values, positionals } = readArguments(args, {
      ...CONNECTION_OPTIONS,
      output: { type: 'string', short: 'o' },
      overwrite: { type: 'boolean', default: false },
      header: { type: 'string', short: 'H', multiple: true, default: [] },
      'no-verify': { type: 'boolean' },
      json: { type: 'boolean' },
    })
    const url = readUrl(positionals)
    const { trustEnv, verify, connectTo, ...connection } = connectionOf(values)
    if (values['no-verify'] && verify !== undefined) throw new UsageError('--verify and --no-verify exclude each other')
    const file = values.output === '-' ? undefined : values.output
    if (file !== undefined) checkTarget(file, values.overwrite)

    using session = new Session({ trustEnv })
    if (connectTo !== undefined) {
      session.mount('https://', new HTTPAdapter({ connectTo }))
      session.mount('http://', new HTTPAdapter({ connectTo }))
    }
    // Bar and body would overwrite each other on one terminal.
    const isWatched = file !== undefined || values.json || !isTerminal(output.stdout)
    using bar = new ProgressBar(isWatched ? output.stderr : { write() {} })
    let final: Response | undefined
    const response = await session.get(url, {
      ...connection,
      verify: values['no-verify'] ? false : verify,
      headers: headersOf(values.header),
      stream: true,
      // Not for the bodies of redirects.
      onDownloadProgress: (progress) => final && bar.update(progress),
    })
    final = response
    if (values.json) {
      const body =
        file !== undefined && response.ok ? await saved(response, file, values.overwrite) : await read(response)
      printJson(output, { ...describe(response), ...body })
      return exitStatus(response, output)
    }
    if (!response.ok) {
      response.close()
      const status = exitStatus(response, output)
      hint(output, '--json shows the body of the response')
      return status
    }
    if (file !== undefined) await save(file, response.raw, values.overwrite)
    else if (isTerminal(output.stdout)) await show(response, output)
    else await pipeBody(response, output)
    return 0
  },
}

/** Headers from `NAME: VALUE` and `@FILE`. Secrets belong in a file: other users can read command lines. */
function headersOf(given: readonly string[]): [name: string, value: string][] {
  const lines = given.flatMap((text) => {
    return text.startsWith('@') ? readLines(text.slice(1)).filter(Boolean) : [text]
  })
  return lines.map((line) => {
    const colon = line.indexOf(':')
    // The message does not show the line: it may be a secret.
    if (colon < 1) throw new UsageError("a header is 'NAME: VALUE'")
    return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()]
  })
}

/** Reports an error status. @returns the exit status */
function exitStatus(response: Response, output: Output): number {
  try {
    response.raiseForStatus()
    return 0
  } catch (error) {
    fail(output, (error as Error).message)
    return 1
  }
}

/** Writes the body to a pipe or a file, byte for byte, with backpressure. */
async function pipeBody({ raw }: Response, { stdout }: Output): Promise<void> {
  try {
    await pipeline(raw, stdout, { end: false })
  } catch (error) {
    // The reader may close the pipe early: `vouch get … | head`. Errors of the connection are RequestExceptions.
    const isClosedPipe = !(error instanceof RequestException) && codeOf(error) === 'EPIPE'
    if (!isClosedPipe) throw error
  }
}

/** Writes the body to a terminal as text, with control characters escaped. */
async function show(response: Response, { stdout }: Output): Promise<void> {
  // Without a charset the library assumes ISO-8859-1 (RFC 2616), as requests does; UTF-8 is more likely.
  if (!hasCharset(response)) response.encoding = 'utf-8'
  for await (const line of response.iterLines()) {
    if (line.includes('\0')) {
      throw new Error('the body is binary, and not for a terminal: use -o FILE, or a pipe')
    }
    stdout.write(`${line.split('\t').map(printableLines).join('\t')}\n`)
  }
}

/** The response without its body. */
function describe(response: Response): object {
  const { url, statusCode, reason, ok, headers, history, elapsed, tls } = response
  const cookies = headers.getSetCookie()
  return {
    url,
    statusCode,
    reason,
    ok,
    headers: { ...Object.fromEntries(headers), ...(cookies.length > 0 && { 'set-cookie': cookies }) },
    history: history.map((each) => each.url),
    elapsed: Math.round(elapsed),
    tls: tls && {
      verified: tls.verified,
      protocol: tls.protocol,
      cipher: tls.cipher,
      fingerprint: tls.peerCertificate?.fingerprint256,
      trust: tls.trust,
    },
  }
}

async function saved(response: Response, file: string, overwrite: boolean): Promise<object> {
  return { bytes: await save(file, response.raw, overwrite), file: displayName(file) }
}

/** The body as text if it is text, otherwise as Base64. */
async function read(response: Response): Promise<object> {
  const content = await response.read()
  const bytes = content.length
  if (!hasCharset(response) && isUtf8(content)) return { bytes, text: content.toString() }
  return response.encoding === null ? { bytes, base64: content.toString('base64') } : { bytes, text: response.text }
}

function hasCharset({ headers }: Response): boolean {
  return /;\s*charset=/i.test(headers.get('content-type') ?? '')
}
