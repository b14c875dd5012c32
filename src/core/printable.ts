/** Makes text from certificates, servers and options safe to print: escaped, and limited in length. */

/**
 * The text on one line: control, format and separator characters escaped as `\u{a}`, and cut after `max` characters.
 * A log line cannot be forged with it, and a terminal does not obey it.
 *
 * @example
 * printable('a\nb') // 'a\\u{a}b'
 */
export function printable(text: string, max: number = MAX_TEXT): string {
  return shorten(text, max).replace(UNPRINTABLE, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)
}

/** A whole message of several lines, cut after `MAX_MESSAGE` characters, however much a server sends. */
export function boundedMessage(text: string): string {
  return shorten(text, MAX_MESSAGE)
}

/** Cuts a long text, and says how much is missing. */
function shorten(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max)}… (${text.length} characters)`
}

/** Longer than any report on a connection that is refused. */
const MAX_MESSAGE = 8000

/** Longer than any path or name that helps in a message. */
const MAX_TEXT = 300

/** Control and format characters, separators of lines and paragraphs, and halves of surrogate pairs. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu
