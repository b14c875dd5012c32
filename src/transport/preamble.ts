/** The plain-text part of a connection before TLS, with limits on all input. */
import type { Socket } from 'node:net'
import { authorityOf, serverAddress } from '../core/address.ts'
import { SSLError } from '../core/errors.ts'
import { printable } from '../core/printable.ts'
import type { Service } from '../core/service.ts'
import { reportOf } from '../diagnose/report.ts'
import { noTlsHints } from '../diagnose/service-hints.ts'

/** Reads and writes on a socket that does not speak TLS yet. The socket is paused, and stays so. */
export class Preamble {
  readonly service: Service
  readonly #socket: Socket
  #buffer: Buffer = Buffer.alloc(0)
  #received = 0
  #lines = 0

  constructor(socket: Socket, service: Service) {
    this.#socket = socket
    this.service = service
    // Between two reads as well: an error without a listener would end the process.
    socket.on('error', () => {})
  }

  write(data: string | Buffer): void {
    this.#socket.write(data)
  }

  /** Exactly so many bytes. */
  async read(length: number): Promise<Buffer> {
    while (this.#buffer.length < length) await this.#receive()
    return this.#take(length)
  }

  /** A line without its end: CR LF, or LF. */
  async readLine(): Promise<string> {
    this.#lines++
    if (this.#lines > MAX_LINES) throw this.broken(`the server sends more than ${MAX_LINES} lines before TLS`)
    let end = this.#buffer.indexOf(LF)
    while (end < 0) {
      await this.#receive()
      end = this.#buffer.indexOf(LF)
    }
    return this.#take(end + 1)
      .toString()
      .replace(/\r?\n$/, '')
  }

  /**
   * Ends the part in the clear: whatever follows must be TLS. Bytes that have arrived already were sent by the server, or
   * by an attacker, before the handshake; a client that keeps them reads them as if they were protected (CVE-2011-0411,
   * CVE-2021-23222).
   *
   * @throws SSLError if there are any
   */
  end(): void {
    const rest: Buffer | null = this.#socket.read()
    const extra = Buffer.concat([this.#buffer, ...(rest ? [rest] : [])])
    if (extra.length === 0) return
    throw this.broken(`the server sends ${extra.length} bytes in the clear where TLS must begin: ${quoted(extra)}`, [
      'do not trust this connection: they may be injected by an attacker in transit',
    ])
  }

  /** What was read last, with what has arrived behind it: for messages. */
  seen(read: Buffer | string): Buffer {
    return Buffer.concat([Buffer.from(read), this.#buffer])
  }

  /** The error for a server that does not offer TLS, or that speaks another protocol. */
  refused(problem: string): SSLError {
    return this.#error('not-tls', problem, noTlsHints(this.service))
  }

  /** The error for a server that does not keep to its protocol: whether it would offer TLS is not known. */
  broken(problem: string, hints: readonly string[] = []): SSLError {
    return this.#error('protocol', problem, hints)
  }

  #error(reason: 'not-tls' | 'protocol', problem: string, hints: readonly string[]): SSLError {
    const { host, port } = serverAddress(this.service.target)
    const details = reportOf({ reason, findings: [], hints }, [], undefined)
    return new SSLError(`${problem} (${authorityOf({ host, port })})`, { reason, host, port, hints, details })
  }

  #take(length: number): Buffer {
    const taken = this.#buffer.subarray(0, length)
    this.#buffer = this.#buffer.subarray(length)
    return taken
  }

  async #receive(): Promise<void> {
    const chunk: Buffer | null = this.#socket.read()
    if (chunk === null) {
      await this.#readable()
      return
    }
    this.#received += chunk.length
    if (this.#received > MAX_BYTES) throw this.broken(`the server sends more than ${MAX_BYTES} bytes before TLS`)
    this.#buffer = Buffer.concat([this.#buffer, chunk])
  }

  /** Waits for something to read. @throws the socket's error, or SSLError if the server closes the connection */
  #readable(): Promise<void> {
    const socket = this.#socket
    return new Promise((resolve, reject) => {
      const stop = () => {
        for (const [event, listener] of Object.entries(listeners)) socket.off(event, listener)
      }
      const listeners = {
        readable: () => {
          stop()
          resolve()
        },
        error: (error: Error) => {
          stop()
          reject(error)
        },
        close: () => {
          stop()
          reject(socket.errored ?? this.#closed())
        },
        end: () => {
          stop()
          reject(this.#closed())
        },
      }
      if (socket.destroyed || socket.readableEnded) {
        listeners.close()
        return
      }
      for (const [event, listener] of Object.entries(listeners)) socket.on(event, listener)
    })
  }

  #closed(): SSLError {
    const rest = this.#buffer.length === 0 ? '' : `, after ${quoted(this.#buffer)}`
    return this.broken(`the server closed the connection before TLS began${rest}`)
  }
}

/** What a server sent, for messages: text in quotes, other bytes in hex; not more than helps. */
export function quoted(bytes: Buffer | string): string {
  const text = typeof bytes === 'string' ? bytes : bytes.toString()
  if (typeof bytes !== 'string' && /[^\P{C}\t\r\n]|\ufffd/u.test(text.slice(0, MAX_QUOTED))) {
    const hex = bytes.subarray(0, MAX_HEX_BYTES).toString('hex')
    return bytes.length > MAX_HEX_BYTES ? `${hex}… (${bytes.length} bytes)` : hex
  }
  return `"${printable(text.trim().replaceAll('"', '\\"'), MAX_QUOTED)}"`
}

const LF = 0x0a

/** More than any server has to say before TLS; all of it together. */
const MAX_BYTES = 16_384
const MAX_LINES = 100

/** Characters of a server's own words. */
const MAX_QUOTED = 200
const MAX_HEX_BYTES = 32
