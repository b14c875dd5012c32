/**
 * The PEM scanner: what OpenSSL's `PEM_read_bio` accepts, with line numbers.
 *
 * The rules were measured against OpenSSL 3 as requests uses it: text between blocks, CRLF, a byte-order mark, trailing
 * blanks, headers of encrypted keys and foreign blocks are fine; one damaged block refuses the whole file. Node itself
 * would silently stop at the damage, so all PEM passes this scanner before it reaches Node.
 */

/** One `-----BEGIN label-----` … `-----END label-----` block. */
export interface PemBlock {
  /** The text after BEGIN, e.g. `CERTIFICATE`. */
  readonly label: string
  /** The decoded base64. */
  readonly bytes: Buffer
  /** The line (from 1) on which the block begins. */
  readonly line: number
  /** Whether the block carries RFC 1421 headers (`Proc-Type: 4,ENCRYPTED`), as old encrypted keys do. */
  readonly headers: boolean
}

/** A damaged block: its line and the problem. */
export class PemSyntaxError extends Error {
  readonly line: number
  /** What to do, if it is anything else than to get the text again. */
  readonly hints: readonly string[] | undefined

  constructor(line: number, problem: string, hints?: readonly string[]) {
    super(problem)
    this.name = 'PemSyntaxError'
    this.line = line
    this.hints = hints
  }
}

/** Whether a text is PEM and not a path, or bytes are PEM and not DER. */
export function isPem(content: string | Buffer): boolean {
  return content.includes('-----BEGIN')
}

/** One PEM block (RFC 7468): lines of 64 characters, a line feed at the end. */
export function toPem(label: string, bytes: Buffer): string {
  const base64 = bytes.toString('base64')
  // A regular expression takes several times as long.
  let lines = base64.slice(0, 64)
  for (let start = 64; start < base64.length; start += 64) lines += `\n${base64.slice(start, start + 64)}`
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`
}

/** The labels that hold a certificate. `TRUSTED CERTIFICATE` adds OpenSSL's own trust settings. */
export const CERTIFICATE_LABELS: ReadonlySet<string> = new Set([
  'CERTIFICATE',
  'X509 CERTIFICATE',
  'TRUSTED CERTIFICATE',
])

/**
 * Finds all blocks of a PEM text, with any label.
 *
 * @throws PemSyntaxError for a block that has no end, ends with another label, or is not base64.
 *
 * @example
 * scanPem(readFileSync('bundle.pem', 'latin1')).filter((block) => CERTIFICATE_LABELS.has(block.label))
 */
export function scanPem(text: string): PemBlock[] {
  const lines = text.split('\n')
  const blocks: PemBlock[] = []
  let stoppedAt = 0
  // OpenSSL strips a byte-order mark from the first line that it reads for each block: concatenated files have marks in the
  // middle.
  let mayHaveMark = true
  for (let index = 0; index < lines.length; index++) {
    const line = trimLine(lines, index, mayHaveMark)
    mayHaveMark = false
    if (lines[index]?.startsWith('\0') && stoppedAt === 0) stoppedAt = index + 1
    const label = BEGIN.exec(line)?.[1]
    if (label === undefined) continue
    // OpenSSL stops reading at such a line: the blocks after it would be ignored silently.
    if (stoppedAt > 0) throw new PemSyntaxError(stoppedAt, 'a line begins with a NUL byte, so the file is damaged')
    const end = findEnd(lines, index, label)
    blocks.push(readBlock(lines, index, end, label))
    index = end
    mayHaveMark = true
  }
  return blocks
}

// In OpenSSL a label may be empty or have any characters; blocks with unknown labels are skipped.
const BEGIN = /^-----BEGIN ([^\r\n]*)-----$/
const HEADER = /^[^:\s]+:/
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/
/** The UTF-8 byte-order mark, as read in latin1 and in utf8. */
const BYTE_ORDER_MARK = /^(?:\u00ef\u00bb\u00bf|\ufeff)/

/**
 * The line without what OpenSSL strips: trailing blanks and control characters (bytes above 127 among them, such as a
 * no-break space, which are negative to it where `char` is signed), and a leading byte-order mark.
 */
function trimLine(lines: readonly string[], index: number, mayHaveMark = false): string {
  let line = lines[index] as string
  if (mayHaveMark) line = line.replace(BYTE_ORDER_MARK, '')
  let end = line.length
  while (end > 0 && isStripped(line.charCodeAt(end - 1))) end--
  return line.slice(0, end)
}

function isStripped(code: number): boolean {
  return code <= 0x20 || code >= 0x80
}

/** A label for messages: labels are short and in capitals, and what is not may be the key itself. */
export function labelName(label: string): string {
  return /^[A-Z0-9 #]{0,32}$/.test(label) ? label : `*** (${label.length} characters)`
}

/** An END line for messages. */
function lineName(line: string): string {
  return /^[A-Z0-9 #-]{0,80}$/.test(line) ? line : `*** (${line.length} characters)`
}

function findEnd(lines: readonly string[], begin: number, label: string): number {
  const name = labelName(label)
  const end = `-----END ${label}-----`
  for (let index = begin + 1; index < lines.length; index++) {
    const line = trimLine(lines, index)
    if (line === end) return index
    if (line.startsWith('-----END ')) {
      throw new PemSyntaxError(index + 1, `the block "${name}" begun on line ${begin + 1} ends as "${lineName(line)}"`)
    }
    if (line.includes('-----')) {
      throw new PemSyntaxError(index + 1, `the block "${name}" begun on line ${begin + 1} has "-----" inside a line`)
    }
  }
  if (label.includes('-----'))
    throw new PemSyntaxError(
      begin + 1,
      'BEGIN and END stand on one line: the line feeds are missing, or have become blanks',
      [KEEP_LINE_FEEDS],
    )
  throw new PemSyntaxError(begin + 1, `the block "${name}" has no END line: the file is cut short`)
}

const KEEP_LINE_FEEDS =
  'keep its line feeds: in quotes in a shell ("$CERT"); or store base64 of the text, and pass Buffer.from(value, \'base64\')'

function readBlock(lines: readonly string[], begin: number, end: number, label: string): PemBlock {
  const name = labelName(label)
  let first = begin + 1
  const headers = HEADER.test(trimLine(lines, first))
  if (headers) {
    while (first < end && trimLine(lines, first) !== '') first++
  }
  // OpenSSL accepts one empty line at the start, even without headers; a later one is damage.
  if (first < end && trimLine(lines, first) === '') first++
  let base64 = ''
  for (let index = first; index < end; index++) {
    const line = trimLine(lines, index)
    if (line === '') throw new PemSyntaxError(index + 1, `the block "${name}" has an empty line inside`)
    const content = line.replace(/[ \t]/g, '')
    if (!BASE64.test(content)) throw new PemSyntaxError(index + 1, `the block "${name}" has a line that is not base64`)
    base64 += content
  }
  if (base64 === '') throw new PemSyntaxError(begin + 1, `the block "${name}" is empty`)
  if (!BASE64.test(base64) || base64.length % 4 !== 0) {
    throw new PemSyntaxError(begin + 1, `the block "${name}" is not valid base64: the file is damaged`)
  }
  return { label, bytes: Buffer.from(base64, 'base64'), line: begin + 1, headers }
}
