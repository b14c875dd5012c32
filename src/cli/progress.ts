/** A progress bar for downloads, on terminals only. */
import type { Progress } from '../index.ts'

/** The stream that the bar is drawn on. */
export interface Terminal {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

/** One line that is redrawn on a terminal, and remains when it is finished; nothing on any other stream. */
export class ProgressBar implements Disposable {
  readonly #terminal: Terminal
  readonly #now: () => number
  readonly #started: number
  #drawnAt = Number.NEGATIVE_INFINITY
  #last: Progress | undefined
  #width = 0

  /** @param now the time in ms */
  constructor(terminal: Terminal, now: () => number = () => performance.now()) {
    this.#terminal = terminal
    this.#now = now
    this.#started = now()
  }

  /** Draws at most ten times a second: terminals are slow. */
  update(progress: Progress): void {
    this.#last = progress
    if (this.#terminal.isTTY && this.#now() - this.#drawnAt >= REDRAW_INTERVAL_MS) this.#draw(progress)
  }

  /** Draws the last state and ends the line, if one was drawn. */
  [Symbol.dispose](): void {
    if (this.#drawnAt === Number.NEGATIVE_INFINITY || this.#last === undefined) return
    this.#draw(this.#last)
    this.#terminal.write('\n')
    this.#drawnAt = Number.NEGATIVE_INFINITY
  }

  #draw(progress: Progress): void {
    this.#drawnAt = this.#now()
    // The last column stays free: a character there can move the cursor to the next line.
    const columns = (this.#terminal.columns || 80) - 1
    const line = progressLine(progress, this.#drawnAt - this.#started, columns)
    this.#terminal.write(`\r${line.padEnd(Math.min(this.#width, columns))}`)
    this.#width = line.length
  }
}

const REDRAW_INTERVAL_MS = 100

/** `[#######.......]  48 %  5.0 MB of 10.5 MB  1.2 MB/s`; without bar and percentage if the size is not known. */
export function progressLine({ transferred, total }: Progress, elapsedMs: number, columns: number): string {
  const rate = elapsedMs > 0 ? `  ${bytes((transferred / elapsedMs) * 1000)}/s` : ''
  // The size that a server declares can be 0, or less than it sends.
  if (total === undefined || total === 0 || transferred > total) return `${bytes(transferred)}${rate}`.slice(0, columns)
  const share = transferred / total
  const numbers = `${String(Math.floor(share * 100)).padStart(3)} %  ${bytes(transferred)} of ${bytes(total)}${rate}`
  const width = Math.min(40, columns - numbers.length - 4)
  if (width < 5) return numbers.slice(0, columns)
  const done = Math.floor(share * width)
  return `[${'#'.repeat(done)}${'.'.repeat(width - done)}] ${numbers}`
}

/** In units of a thousand: `999 B`, `1.0 kB`, `12.3 MB`. */
export function bytes(count: number): string {
  let unit = 0
  let value = count
  // Limits that account for rounding: 999,960 B would be printed as 1000.0 kB.
  for (; value >= (unit === 0 ? 999.5 : 999.95) && unit < UNITS.length - 1; unit++) value /= 1000
  return `${value.toFixed(unit === 0 ? 0 : 1)} ${UNITS[unit]}`
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB']
