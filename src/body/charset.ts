/** Charsets of response bodies: which one applies, and decoding. */

/** The `charset` parameter of a Content-Type; it may be empty. */
export function charsetParameter(contentType: string | undefined): string | undefined {
  return /;\s*charset\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s;]*))/i
    .exec(contentType ?? '')
    ?.slice(1)
    .find((value) => value !== undefined)
}

/** The charset that follows from the Content-Type alone; `null`: none (requests' `get_encoding_from_headers`). */
export function charsetOf(contentType: string | undefined): string | null {
  if (contentType === undefined) return null
  const charset = charsetParameter(contentType)
  if (charset !== undefined) return charset
  const [type = ''] = contentType.split(';')
  if (type.includes('text')) return 'ISO-8859-1'
  return type.includes('application/json') ? 'utf-8' : null
}

/** The charset that a byte-order mark at the start names; `undefined` without one. */
export function charsetOfMark([a, b, c]: Uint8Array): string | undefined {
  if (a === 0xef && b === 0xbb && c === 0xbf) return 'utf-8'
  if (a === 0xff && b === 0xfe) return 'utf-16le'
  return a === 0xfe && b === 0xff ? 'utf-16be' : undefined
}

/** Decodes a body, without a byte-order mark. Invalid bytes become U+FFFD; an unknown charset counts as UTF-8. */
export function decodeText(content: Buffer, charset: string): string {
  return withoutMark(decodeAll(content, charset))
}

function withoutMark(text: string): string {
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text
}

function decodeAll(content: Buffer, charset: string): string {
  const name = charset.toLowerCase()
  if (name === 'utf-8' || name === 'utf8') return content.toString('utf8')
  // TextDecoder decodes latin1 as windows-1252, which differs from 0x80 to 0x9f.
  if (LATIN1.has(name)) return content.toString('latin1')
  // TextDecoder decodes utf-16 as little-endian even if the byte-order mark says otherwise.
  if (name === 'utf-16' && content[0] === 0xfe && content[1] === 0xff) return decodeAll(content, 'utf-16be')
  return isKnownCharset(charset) ? new TextDecoder(charset).decode(content) : content.toString('utf8')
}

/**
 * Like {@link decodeText}, chunk by chunk; call the decoder without a chunk at the end.
 *
 * @param charset `sniffed`: unless a byte-order mark names another
 */
export function streamDecoder(charset: string, { sniffed = false } = {}): (chunk?: Buffer) => string {
  let start: Buffer = Buffer.alloc(0)
  let decode: ((chunk?: Buffer) => string) | undefined
  return (chunk) => {
    if (decode !== undefined) return decode(chunk)
    if (chunk !== undefined) start = Buffer.concat([start, chunk])
    if (
      chunk !== undefined &&
      MARKS.some((mark) => start.length < mark.length && mark.startsWith(start.toString('latin1')))
    ) {
      return ''
    }
    decode = chunkDecoder((sniffed ? charsetOfMark(start) : undefined) ?? charset)
    const text = withoutMark(decode(start))
    return chunk === undefined ? text + decode() : text
  }
}

/** Byte-order marks of UTF-8 and UTF-16, a character for each byte. */
const MARKS = ['\xef\xbb\xbf', '\xff\xfe', '\xfe\xff']

function chunkDecoder(charset: string): (chunk?: Buffer) => string {
  if (LATIN1.has(charset.toLowerCase())) return (chunk) => chunk?.toString('latin1') ?? ''
  const create = () => new TextDecoder(isKnownCharset(charset) ? charset : 'utf-8', { ignoreBOM: true })
  let decoder = create()
  return (chunk) => {
    const options = { stream: chunk !== undefined }
    try {
      return decoder.decode(chunk, options)
    } catch {
      // In gb18030, gbk and euc-jp Node fails on a chunk of one or two bytes after half of a damaged character.
      decoder = create()
      return `\ufffd${decoder.decode(chunk, options)}`
    }
  }
}

const LATIN1: ReadonlySet<string> = new Set(['iso-8859-1', 'iso8859-1', 'latin-1', 'latin1', 'l1'])

function isKnownCharset(charset: string): boolean {
  try {
    new TextDecoder(charset)
    return true
  } catch {
    return false
  }
}

/** Decodes JSON as UTF-8, or as UTF-16 or UTF-32 if its zero bytes show that (RFC 4627 section 3; requests' `guess_json_utf`). */
export function decodeJson(content: Buffer): string {
  const [a, b, c, d] = content
  if (content.length < 4 || (a !== 0 && b !== 0 && a !== 0xff && a !== 0xfe)) return content.toString('utf8')
  if ((a === 0 && b === 0) || (c === 0 && d === 0 && b === 0) || (a === 0xff && b === 0xfe && c === 0 && d === 0)) {
    return decodeUtf32(content, a === 0)
  }
  if (a === 0xfe || a === 0) return new TextDecoder('utf-16be').decode(content)
  return new TextDecoder('utf-16le').decode(content)
}

function decodeUtf32(content: Buffer, bigEndian: boolean): string {
  let text = ''
  for (let offset = 0; offset + 4 <= content.length; offset += 4) {
    const point = bigEndian ? content.readUInt32BE(offset) : content.readUInt32LE(offset)
    text += point <= 0x10ffff ? String.fromCodePoint(point) : '\ufffd'
  }
  return text
}
