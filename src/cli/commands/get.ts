/** `vouch get`: what a URL holds, to stdout or into a file. */
import { isUtf8 } from 'node:buffer'
import { readFileSync } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { RequestException, type Response, Session } from '../../index.ts'
import { type Command, readArguments, readUrl, UsageError } from '../command.ts'
import { CONNECTION_HELP, CONNECTION_OPTIONS, connectionOf } from '../connection.ts'
import { fail, hint, isTerminal, type Output, printable, printJson } from '../print.ts'
import { ProgressBar } from '../progress.ts'
import { checkTarget, save } from '../save.ts'

export const get: Command = {
  name: 'get',
  summary: 'fetch a URL, to stdout or into a file',
  help: `Usage: vouch get URL [options]

Fetches a URL as a request of the library does: verified, redirects followed, with the environment's bundle and proxies.
The body goes to stdout, decompressed and otherwise as it is. A status of 400 or above is an error, and its body is not
printed. The exit status is 0 when all of the body is there, 1 when not.

  -o, --output FILE       write it there, whole or not at all; a file that exists is kept
  --overwrite             replace a file that exists
  -H, --header TEXT       send this header, 'NAME: VALUE'; @FILE: those of a file, a line each
${CONNECTION_HELP}
  --no-verify             verify nothing, for tests: anyone on the way can read and change what is sent
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
    const { trustEnv, verify, ...connection } = connectionOf(values)
    if (values['no-verify'] && verify !== undefined) throw new UsageError('--verify and --no-verify exclude each other')
    const file = values.output === '-' ? undefined : values.output
    if (file !== undefined) checkTarget(file, values.overwrite)

    using session = new Session({ trustEnv })
    // On one terminal they would write over each other.
    const isWatched = file !== undefined || values.json || !isTerminal(output.stdout)
    using bar = new ProgressBar(isWatched ? output.stderr : { write() {} })
    let answer: Response | undefined
    const response = await session.get(url, {
      ...connection,
      verify: values['no-verify'] ? false : verify,
      headers: headersOf(values.header),
      stream: true,
      // The bodies of redirects are nobody's concern.
      onDownloadProgress: (progress) => answer && bar.update(progress),
    })
    answer = response
    if (values.json) {
      const body =
        file !== undefined && response.ok ? await saved(response, file, values.overwrite) : await read(response)
      printJson(output, { ...describe(response), ...body })
      return judge(response, output)
    }
    if (!response.ok) {
      response.close()
      const status = judge(response, output)
      hint(output, '--json shows what the server says about it')
      return status
    }
    if (file !== undefined) await save(file, response.raw, values.overwrite)
    else if (isTerminal(output.stdout)) await show(response, output)
    else await pour(response, output)
    return 0
  },
}

/** Of `NAME: VALUE` and `@FILE`. What is a secret belongs in a file: others on the machine can read command lines. */
function headersOf(given: readonly string[]): [name: string, value: string][] {
  const lines = given.flatMap((text) => {
    return text.startsWith('@') ? readFileSync(text.slice(1), 'utf8').split(/\r?\n/).filter(Boolean) : [text]
  })
  return lines.map((line) => {
    const colon = line.indexOf(':')
    // The line itself is not shown: there may be a secret in it.
    if (colon < 1) throw new UsageError("a header is 'NAME: VALUE'")
    return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()]
  })
}

/** @returns the exit status */
function judge(response: Response, output: Output): number {
  try {
    response.raiseForStatus()
    return 0
  } catch (error) {
    fail(output, (error as Error).message)
    return 1
  }
}

/** To a pipe or a file, byte for byte, at its pace. */
async function pour({ raw }: Response, { stdout }: Output): Promise<void> {
  try {
    await pipeline(raw, stdout, { end: false })
  } catch (error) {
    // Who reads it has seen enough: `vouch get … | head`. What breaks on the way from the server is an error of the library.
    const isOver = !(error instanceof RequestException) && (error as NodeJS.ErrnoException).code === 'EPIPE'
    if (!isOver) throw error
  }
}

/** To a terminal, as text: it would obey the server's control characters. */
async function show(response: Response, { stdout }: Output): Promise<void> {
  // The library's guess is that of RFC 2616, as in requests; a terminal has UTF-8 mostly.
  if (!hasCharset(response)) response.encoding = 'utf-8'
  for await (const line of response.iterLines()) {
    if (line.includes('\0')) {
      throw new Error('the body is binary, and not for a terminal: use -o FILE, or a pipe')
    }
    stdout.write(`${line.split('\t').map(printable).join('\t')}\n`)
  }
}

/** What is known of an answer besides its body. */
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
  return { bytes: await save(file, response.raw, overwrite), file }
}

/** Text where it is text, else Base64: exactly one of the two. */
async function read(response: Response): Promise<object> {
  const content = await response.read()
  const bytes = content.length
  if (!hasCharset(response) && isUtf8(content)) return { bytes, text: content.toString() }
  return response.encoding === null ? { bytes, base64: content.toString('base64') } : { bytes, text: response.text }
}

function hasCharset({ headers }: Response): boolean {
  return /;\s*charset=/i.test(headers.get('content-type') ?? '')
}
