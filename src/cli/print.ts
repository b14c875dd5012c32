/** Data goes to stdout, talk to stderr; colour to terminals only. */
import { styleText } from 'node:util'

/** Where a command writes. */
export interface Output {
  readonly stdout: NodeJS.WritableStream
  readonly stderr: NodeJS.WritableStream
}

export function isTerminal(stream: NodeJS.WritableStream): boolean {
  return 'isTTY' in stream && stream.isTTY === true
}

/** Data: what the command was asked for. */
export function print({ stdout }: Output, text: string): void {
  stdout.write(`${text}\n`)
}

/** The same data, without a character that a terminal would obey: JSON itself escapes but the oldest of them. */
export function printJson(output: Output, value: unknown): void {
  print(
    output,
    JSON.stringify(value, null, 2).replace(UNPRINTABLE, (character) => character.replace(/./gs, escaped)),
  )
}

/** One UTF-16 code unit, as JSON writes it. */
const escaped = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`

/** Names and values in two columns; `undefined` values are left out. */
export function printTable(
  output: Output,
  rows: readonly (readonly [name: string, value: string | undefined])[],
): void {
  const shown = rows.filter(([, value]) => value !== undefined)
  const width = Math.max(...shown.map(([name]) => name.length))
  for (const [name, value] of shown)
    print(output, `${paint(output.stdout, 'dim', name.padEnd(width))}  ${printable(value)}`)
}

/** A URL as it may be shown: without user and password. */
export function shownUrl(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)?[^/]*@/i, '$1')
}

/** A certificate says what its maker likes, and a terminal obeys control characters. Lines stay lines: the library's own. */
export function printable(text = ''): string {
  return text.replace(UNPRINTABLE, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)
}

const UNPRINTABLE = /[^\P{C}\n]/gu

/** Talk: what is good to know, and no data. */
export function say({ stderr }: Output, text: string): void {
  stderr.write(`vouch: ${printable(text)}\n`)
}

export function hint({ stderr }: Output, text: string): void {
  stderr.write(`vouch: ${paint(stderr, 'cyan', 'hint')}: ${printable(text)}\n`)
}

export function warning({ stderr }: Output, text: string): void {
  stderr.write(`vouch: ${paint(stderr, 'yellow', 'warning')}: ${printable(text)}\n`)
}

export function fail({ stderr }: Output, text: string): void {
  stderr.write(`vouch: ${paint(stderr, 'red', 'error')}: ${printable(text)}\n`)
}

/** `NO_COLOR` and its kin are respected by Node. */
export function paint(
  stream: NodeJS.WritableStream,
  colour: 'red' | 'green' | 'yellow' | 'cyan' | 'dim',
  text: string,
): string {
  return styleText(colour, text, { stream, validateStream: true })
}
