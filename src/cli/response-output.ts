/** Prints a response: its body, its headers, or all of it as JSON. */
import { isUtf8 } from 'node:buffer'
import { pipeline } from 'node:stream/promises'
import { displayName } from '../core/credentials.ts'
import { codeOf } from '../core/error-code.ts'
import { FileError } from '../core/file-error.ts'
import { RequestException, type Response } from '../index.ts'
import { type Output, printableLines } from './print.ts'
import { save } from './save.ts'
import { isTerminal } from './wrap.ts'

/** Writes the body to stdout: to a pipe or a file byte for byte, to a terminal as text. */
export async function printBody(response: Response, output: Output): Promise<void> {
  if (isTerminal(output.stdout)) await showBody(response, output)
  else await pipeBody(response, output)
}

/** With backpressure. */
async function pipeBody({ raw }: Response, { stdout }: Output): Promise<void> {
  try {
    await pipeline(raw, stdout, { end: false })
  } catch (error) {
    // Errors of the connection are RequestExceptions.
    if (error instanceof RequestException) throw error
    // The reader may close the pipe early: `vouch get … | head`.
    if (codeOf(error) !== 'EPIPE') throw FileError.from('write', 'stdout', error)
  }
}

/** Writes the body to a terminal as text, with control characters escaped. */
async function showBody(response: Response, { stdout }: Output): Promise<void> {
  // Without a charset the library assumes ISO-8859-1 (RFC 2616), as requests does; UTF-8 is more likely.
  if (!hasCharset(response)) response.encoding = 'utf-8'
  for await (const line of response.iterLines()) {
    if (line.includes('\0')) {
      throw new Error('the body is binary, and not for a terminal: use -o FILE, or a pipe')
    }
    stdout.write(`${line.split('\t').map(printableLines).join('\t')}\n`)
  }
}

/** The status line and the headers, as received. */
export function headOf({ statusCode, reason, headers }: Response): string[] {
  const fields = [...headers].flatMap(([name, value]) => {
    return name === 'set-cookie' ? headers.getSetCookie().map((each) => `${name}: ${each}`) : [`${name}: ${value}`]
  })
  return [`HTTP/1.1 ${statusCode} ${reason}`.trimEnd(), ...new Set(fields)]
}

/** The response without its body. */
export function describeResponse(response: Response): object {
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

/** Writes the body to a file. @returns what to say of it as JSON */
export async function saveBody({ raw }: Response, file: string, overwrite: boolean): Promise<object> {
  return { bytes: await save(file, raw, overwrite), file: displayName(file) }
}

/** The body as text if it is text, otherwise as Base64. */
export async function readBody(response: Response): Promise<object> {
  const content = await response.read()
  const bytes = content.length
  if (!hasCharset(response) && isUtf8(content)) return { bytes, text: content.toString() }
  return response.encoding === null ? { bytes, base64: content.toString('base64') } : { bytes, text: response.text }
}

function hasCharset({ headers }: Response): boolean {
  return /;\s*charset=/i.test(headers.get('content-type') ?? '')
}

/** Why a body is not what was asked for, although nothing broke off; `undefined`: it is. */
export function shortfallOf(response: Response, sent: ReadonlySet<string>, isFollowing: boolean): string | undefined {
  const { statusCode, headers } = response
  if (statusCode === 206 && !sent.has('range')) return 'the server sent a part of it (206), which was not asked for'
  if (statusCode === 204 && Number(headers.get('content-length') ?? 0) > 0)
    return `the server announced ${Number(headers.get('content-length'))} bytes and a status without a body (204)`
  if (statusCode === 304 && !CONDITIONS.some((name) => sent.has(name)))
    return 'the server sent nothing, as if it were known already (304)'
  if (statusCode >= 300 && statusCode < 400 && statusCode !== 304 && isFollowing)
    return `the server redirects (${statusCode}), and does not say where to`
  return undefined
}

/** Headers that ask for a 304. */
const CONDITIONS = ['if-none-match', 'if-modified-since', 'if-match', 'if-unmodified-since', 'if-range']
