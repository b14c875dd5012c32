/** Prints the output of commands: data to stdout, messages to stderr, both without control characters. */
import { styleText } from 'node:util'
import { printable } from '../core/printable.ts'
import { wrapFor } from './wrap.ts'

/** The streams that a command writes to. */
export interface Output {
  readonly stdout: NodeJS.WritableStream
  readonly stderr: NodeJS.WritableStream
}

/** Prints the data that the command was asked for. */
export function print({ stdout }: Output, text: string): void {
  stdout.write(`${text}\n`)
}

/** Prints data as JSON, with every character escaped that could control a terminal: `JSON.stringify` escapes only some. */
export function printJson(output: Output, value: unknown): void {
  print(
    output,
    JSON.stringify(value, null, 2).replace(UNPRINTABLE, (character) => character.replace(/./gs, escaped)),
  )
}

/** Control and format characters, separators of lines and paragraphs, and others that have no glyph; the line feeds are those of the JSON text. */
const UNPRINTABLE = /[^\P{C}\n]|[\p{Zl}\p{Zp}]/gu

/** One UTF-16 code unit, as JSON writes it. */
const escaped = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`

/** Prints names and values in two columns, without the rows whose value is `undefined`. */
export function printTable(
  output: Output,
  rows: readonly (readonly [name: string, value: string | undefined])[],
): void {
  const present = rows.filter(([, value]) => value !== undefined)
  const width = Math.max(...present.map(([name]) => name.length))
  for (const [name, value = ''] of present) {
    const line = `  ${name.padEnd(width)}  ${printable(value, Number.POSITIVE_INFINITY)}`
    const wrapped = wrapFor(output.stdout, line).replace(/^ {2}/gm, '')
    print(output, `${paint(output.stdout, 'dim', name)}${wrapped.slice(name.length)}`)
  }
}

/** The text made printable line by line: its line feeds are ours, and its length is not limited. */
export function printableLines(text: string): string {
  return text
    .split('\n')
    .map((line) => printable(line, Number.POSITIVE_INFINITY))
    .join('\n')
}

/** The server of a URL, safe to print: without user, password, path and query. */
export function shownServer(url: string): string {
  const [, scheme = '', authority = ''] = /^([a-z][a-z0-9+.-]*:\/\/)?([^/\\?#]*)/i.exec(url) ?? []
  return `${scheme}${authority.slice(authority.lastIndexOf('@') + 1)}`
}

/** Writes a message that is no data. */
export function logLine({ stderr }: Output, text: string): void {
  stderr.write(`${wrapFor(stderr, `vouch: ${printableLines(text)}`)}\n`)
}

export function hint({ stderr }: Output, text: string): void {
  writeLabelled(stderr, 'cyan', 'hint', text)
}

export function warning({ stderr }: Output, text: string): void {
  writeLabelled(stderr, 'yellow', 'warning', text)
}

export function fail({ stderr }: Output, text: string): void {
  writeLabelled(stderr, 'red', 'error', text)
}

function writeLabelled(
  stream: NodeJS.WritableStream,
  colour: 'cyan' | 'yellow' | 'red',
  label: string,
  text: string,
): void {
  const wrapped = wrapFor(stream, `vouch: ${label}: ${printableLines(text)}`)
  stream.write(`vouch: ${paint(stream, colour, label)}${wrapped.slice(`vouch: ${label}`.length)}\n`)
}

/** Colours a text for a terminal; Node respects `NO_COLOR` and similar variables. */
export function paint(
  stream: NodeJS.WritableStream,
  colour: 'red' | 'green' | 'yellow' | 'cyan' | 'dim',
  text: string,
): string {
  return styleText(colour, text, { stream, validateStream: true })
}
