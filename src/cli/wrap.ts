/** Wraps text for a terminal: at words, with a hanging indent. What is to be copied, a command or code, stays whole. */

/** The text for this stream: wrapped on a terminal, as it is elsewhere. */
export function wrapFor(stream: NodeJS.WritableStream, text: string): string {
  const { columns } = stream as { readonly columns?: number }
  return isTerminal(stream) && columns !== undefined && columns > 0 ? wrap(text, columns) : text
}

export function wrap(text: string, width: number): string {
  return text
    .split('\n')
    .map((line) => (line.length <= width ? line : wrapLine(line, width)))
    .join('\n')
}

function wrapLine(line: string, width: number): string {
  const indent = ' '.repeat(Math.min(hangingOf(line), Math.floor(width / 2)))
  const [, start = '', rest = ''] = /^(\s*)(.*)$/.exec(line) ?? []
  const lines: string[] = []
  let current = start
  let isEmpty = true
  for (const { blanks, piece } of piecesOf(rest)) {
    // What fits on no line stays beside its label: the terminal breaks it, and a copy of it is whole.
    const isHopeless = indent.length + piece.length > width && current.length <= indent.length
    if (!isEmpty && !isHopeless && current.length + blanks.length + piece.length > width) {
      lines.push(current)
      current = indent + piece
    } else current += (isEmpty ? '' : blanks) + piece
    isEmpty = false
  }
  return [...lines, current].join('\n')
}

/** Words, with the blanks before them; commands and code are one piece each. */
function piecesOf(text: string): { blanks: string; piece: string }[] {
  return Array.from(text.matchAll(PIECE), ([, blanks = '', piece = '']) => ({ blanks, piece }))
}

/** A command with its arguments, up to the end of its clause. */
const COMMAND = String.raw`(?:(?:npx --no |sudo )?(?:vouch (?:check|get|head|post|put|patch|delete|request|cert|ca|audit)|openssl|certutil|keytool|iconv|kubectl|base64|node --\S+)(?= )[^;,()]*?)(?=$|[;,)]| \()`
/** A call with a quoted text or an object in it, or an option with its value. */
const CODE = String.raw`[\w.]*\w\((?=[^()]*['{])(?:[^()]|\([^()]*\))*\)|verify: \S+|--[a-z][a-z-]* (?=\S*[./:])\S+`
const PIECE = new RegExp(String.raw`(\s*)(${COMMAND}\S*|(?:${CODE})\S*|\S+)`, 'g')

/** Where the lines after the first begin: at the second column of a table, after the branch of a tree, or two further in. */
function hangingOf(line: string): number {
  const [column = ''] = /^ *(?:└─ )+/.exec(line) ?? /^ {2,}\S[^.]{0,30}?\s{2,}(?=\S)/.exec(line) ?? []
  if (column !== '') return column.length
  const leading = line.length - line.trimStart().length
  if (leading === 0) return line.startsWith('vouch: ') ? 2 : 0
  return leading >= 8 ? leading : leading + 2
}

/** The lines of a help text, without the breaks that are for wide terminals; its examples stay as they are. */
export function reflow(help: string): string {
  const [text = '', examples] = help.split(/^(?=Examples:$)/m)
  const lines: string[] = []
  for (const line of text.split('\n')) {
    const before = lines.at(-1) ?? ''
    const leading = line.length - line.trimStart().length
    const isParagraph = leading === 0 && /^\S/.test(before) && !before.startsWith('Usage:')
    const isContinued = leading >= 8 && before !== '' && leading === hangingOf(before)
    if (line !== '' && (isParagraph || isContinued)) lines[lines.length - 1] = `${before} ${line.trimStart()}`
    else lines.push(line)
  }
  return lines.join('\n') + (examples ?? '')
}

export function isTerminal(stream: NodeJS.WritableStream): boolean {
  return 'isTTY' in stream && stream.isTTY === true
}
