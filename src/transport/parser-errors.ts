/** Errors of Node's HTTP parser: which rule of HTTP a response breaks. */
import { codeOf } from '../core/error-code.ts'
import { printable } from '../core/printable.ts'

/** Whether a response could not be parsed. */
export function isParserError(error: unknown): boolean {
  return codeOf(error).startsWith('HPE_')
}

/**
 * The rule that a response breaks. Removes the received bytes from the error: they may be headers with cookies, which would end up
 * in logs.
 */
export function describeParserError(error: Error): string {
  delete (error as { rawPacket?: Buffer }).rawPacket
  const { reason = '' } = error as { reason?: unknown }
  const rule = RULES.get(codeOf(error)) ?? RULES.get(String(reason)) ?? printable(String(reason))
  return `the answer is not valid HTTP${rule === '' ? '' : `: ${rule}`}`
}

/**
 * The end of the message.
 *
 * @param lenient whether the lenient parser refused the response, too; `undefined`: there is no choice of the parser
 */
export function parserAdvice(error: Error, lenient: boolean | undefined): string {
  if (lenient === undefined || !isParserError(error) || codeOf(error) === 'HPE_HEADER_OVERFLOW') return ''
  return lenient
    ? ' (even with insecureHTTPParser)'
    : ' (insecureHTTPParser: true reads some answers that break its rules; use it for servers that you know)'
}

/** By llhttp's code or, if one code has several reasons, by the reason. */
const RULES: ReadonlyMap<string, string> = new Map([
  ['HPE_INVALID_CONSTANT', 'it does not begin with HTTP/ and a version'],
  ['HPE_INVALID_VERSION', 'its version of HTTP is neither 1.0 nor 1.1'],
  ['HPE_INVALID_STATUS', 'one blank and three digits must follow the version in the status line'],
  [
    'Invalid header token',
    'a header line must be a name without blanks or special characters, directly followed by a colon',
  ],
  ['Invalid header value char', 'a header value has a control character'],
  ['Invalid header field char', 'a header name has a blank or a special character'],
  ['Unexpected whitespace after header value', 'a header value is continued on the next line (folded)'],
  ['Invalid character in Content-Length', 'Content-Length is not one number'],
  ['Content-Length overflow', 'Content-Length is too large'],
  ['Empty Content-Length', 'Content-Length is empty'],
  ["Content-Length can't be present with Transfer-Encoding", 'it has both Content-Length and Transfer-Encoding'],
  ["Transfer-Encoding can't be present with Content-Length", 'it has both Content-Length and Transfer-Encoding'],
  ["Content-Length can't be present with chunked encoding", 'it has both Content-Length and Transfer-Encoding'],
  ['HPE_CR_EXPECTED', 'a line ends in LF without CR'],
  ['HPE_LF_EXPECTED', 'a CR is not followed by LF'],
  ['HPE_INVALID_CHUNK_SIZE', 'the size of a chunk is not a hexadecimal number at the end of its line'],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', 'the extensions of its chunks are longer than 16 KiB'],
  ['Expected LF after chunk data', 'a chunk is longer than its size'],
])
