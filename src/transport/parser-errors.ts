/** Errors of Node's HTTP parser: the rule of HTTP that a response breaks. */
import type { IncomingMessage } from 'node:http'
import { codeOf } from '../core/error-code.ts'
import { printable } from '../core/printable.ts'
import { speakerOf } from './banner.ts'

/** Whether a response could not be parsed. */
export function isParserError(error: unknown): boolean {
  return codeOf(error).startsWith('HPE_')
}

/**
 * The rule that a response breaks, or the other protocol that it is of. Removes the received bytes from the error: they may be
 * headers with cookies, which would end up in logs.
 */
export function describeParserError(error: ParserError): string {
  const { rawPacket, bytesParsed = 0, reason = '' } = error
  delete error.rawPacket
  if (rawPacket && codeOf(error) === 'HPE_INVALID_CONSTANT') speakers.set(error, speakerOf(rawPacket)?.protocol)
  const protocol = speakers.get(error)
  if (protocol !== undefined) return `it speaks ${protocol} there, not HTTP/1.1`
  const rule = ruleInBytes(reason, rawPacket?.subarray(0, bytesParsed)) ?? ruleOf(error)
  return `the answer is not valid HTTP${rule === '' ? '' : `: ${rule}`}`
}

/** Whether the response was of TLS: after {@link describeParserError}. */
export function isOfTls(error: Error): boolean {
  return speakers.get(error) === 'TLS'
}

/** The protocols that the first bytes of responses are of. */
const speakers = new WeakMap<Error, string | undefined>()

/**
 * The end of the message.
 *
 * @param lenient whether the lenient parser refused the response, too; `undefined`: there is no choice of the parser
 */
export function parserAdvice(error: ParserError, lenient: boolean | undefined): string {
  if (lenient === undefined || !isParserError(error) || codeOf(error) === 'HPE_HEADER_OVERFLOW') return ''
  if (speakers.get(error) !== undefined) return ''
  if (lenient) return ' (even with insecureHTTPParser)'
  return STRICT_RULES.has(error.reason ?? '') || STRICT_RULES.has(codeOf(error))
    ? ' (insecureHTTPParser: true reads some answers that break its rules; use it for servers that you know)'
    : ' (insecureHTTPParser: true does not read it either)'
}

/** An error for a status line that Node's parser accepts and HTTP/1 does not know. */
export function statusLineError({ statusCode = 0, httpVersionMajor }: IncomingMessage): ParserError | undefined {
  if (httpVersionMajor > 1) return parserError('HPE_INVALID_VERSION', ABOVE_ONE)
  return statusCode < 100 ? parserError('HPE_INVALID_STATUS', BELOW_100) : undefined
}

const ABOVE_ONE = 'Version above 1'
const BELOW_100 = 'Status below 100'

function parserError(code: string, reason: string): ParserError {
  return Object.assign(new Error(reason), { code, reason })
}

/** An error of llhttp. */
interface ParserError extends Error {
  readonly reason?: string
  /** What was received last, and how much of it was parsed. */
  rawPacket?: Buffer
  readonly bytesParsed?: number
}

/** The rule, if the reason is too general and the parsed bytes show more. */
function ruleInBytes(reason: string, parsed: Buffer | undefined): string | undefined {
  const end = parsed?.toString('latin1', Math.max(0, parsed.length - 1000)) ?? ''
  return IN_BYTES.find((row) => row.reason === reason && row.end.test(end))?.rule
}

function ruleOf(error: ParserError): string {
  const { reason = '' } = error
  const code = codeOf(error)
  return STRICT_RULES.get(reason) ?? RULES.get(reason) ?? STRICT_RULES.get(code) ?? RULES.get(code) ?? printable(reason)
}

const BOTH_FRAMINGS = 'it has both Content-Length and Transfer-Encoding'
const LF_ALONE = 'a line ends in LF without CR'
const CR_ALONE = 'a CR is not followed by LF'
const FOLDED = 'a header value is continued on the next line (folded)'
const CHUNK_END = 'there is no line break where a chunk ends by its size'
const EXTENSION_VALUE = 'a quoted value of a chunk extension has a control character'

/** llhttp's reasons that stand for several rules: which one it is shows in the last bytes that were parsed. */
const IN_BYTES: readonly { readonly reason: string; readonly end: RegExp; readonly rule: string }[] = [
  { reason: 'Invalid response status', end: /[^\r]\n$/, rule: LF_ALONE },
  { reason: 'Invalid header field char', end: /\n\n$/, rule: LF_ALONE },
  { reason: 'Invalid header value char', end: /\n[ \t]+$/, rule: FOLDED },
  { reason: 'Invalid character in chunk size', end: /[^\s\da-f][\da-f]*$/i, rule: CHUNK_END },
]

/** Rules of the strict parser, by llhttp's reason or, if all reasons of a code are one rule, by the code. */
const STRICT_RULES: ReadonlyMap<string, string> = new Map([
  ['Invalid HTTP version', 'its version of HTTP is neither 1.0 nor 1.1'],
  ['Invalid response status', 'a blank or the end of the line must follow the three digits of the status'],
  ['HPE_UNEXPECTED_SPACE', 'the first header line begins with a blank'],
  ['Invalid header value char', 'a header value has a control character'],
  ['Invalid header field char', 'a header name has a blank or a special character'],
  ['Unexpected whitespace after header value', FOLDED],
  ["Content-Length can't be present with Transfer-Encoding", BOTH_FRAMINGS],
  ["Transfer-Encoding can't be present with Content-Length", BOTH_FRAMINGS],
  ["Content-Length can't be present with chunked encoding", BOTH_FRAMINGS],
  ['HPE_CR_EXPECTED', LF_ALONE],
  ['Expected LF after CR', CR_ALONE],
  ['Expected LF after headers', CR_ALONE],
  ['Expected LF after chunk size', CR_ALONE],
  ['Expected LF after chunk data', CHUNK_END],
  ['Invalid character in chunk size', 'the size of a chunk is not a hexadecimal number at the end of its line'],
])

/** Rules of both parsers. */
const RULES: ReadonlyMap<string, string> = new Map([
  ['HPE_INVALID_CONSTANT', 'it does not begin with HTTP/ and a version'],
  ['HPE_INVALID_VERSION', 'the version after HTTP/ must be a digit, a dot, a digit and a blank'],
  [ABOVE_ONE, 'its version of HTTP is neither 1.0 nor 1.1'],
  ['HPE_INVALID_STATUS', 'one blank and three digits must follow the version in the status line'],
  [BELOW_100, 'its status is below 100'],
  [
    'Invalid header token',
    'a header line must be a name without blanks or special characters, directly followed by a colon',
  ],
  ['HPE_UNEXPECTED_CONTENT_LENGTH', 'it has more than one Content-Length'],
  ['Invalid character in Content-Length', 'Content-Length is not one number'],
  ['Content-Length overflow', 'Content-Length is too large'],
  ['Empty Content-Length', 'Content-Length is empty'],
  ['Empty Transfer-Encoding', 'Transfer-Encoding is empty'],
  ['HPE_LF_EXPECTED', CR_ALONE],
  ['Chunk size overflow', 'the size of a chunk is too large'],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', 'the extensions of its chunks are longer than 16 KiB'],
  ['Invalid character in chunk extensions', 'a semicolon in the line of a chunk size is not followed by an extension'],
  ['Invalid character in chunk extensions name', 'the name of a chunk extension has a blank or a special character'],
  ['Invalid character in chunk extensions value', 'the value of a chunk extension has a blank or a special character'],
  ['Invalid character in chunk extensions quoted value', EXTENSION_VALUE],
  ['Invalid quoted-pair in chunk extensions quoted value', EXTENSION_VALUE],
  ['Invalid character in chunk extensions quote value', 'other text follows the quoted value of a chunk extension'],
  ['HPE_CLOSED_CONNECTION', 'data follows a response with Connection: close'],
  ['HPE_INVALID_EOF_STATE', 'it ends too early'],
])
