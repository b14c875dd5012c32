/** Stand-ins for servers that begin in the clear: they follow a script, then speak TLS, and remember what they were sent. */
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { StartTlsProtocol } from '../../src/core/service.ts'
import type { TestCertificate } from './pki.ts'
import { startServer } from './tcp.ts'

/** What is waited for, in the clear (a number: so many bytes; `undefined`: nothing), and what is sent then. */
export type Step = readonly [expected: RegExp | number | undefined, answer: string | Buffer]

export interface StandIn extends AsyncDisposable {
  readonly port: number
  /** All that clients sent in the clear, as latin1. */
  readonly clear: string
  /** All that clients sent inside TLS. */
  readonly secured: string
  /** The server names that were asked for; `''`: none. */
  readonly names: readonly string[]
  /** Connections that are open. */
  readonly open: number
}

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')

/** A greeting of MySQL's protocol 10. */
export function mysqlGreeting({ flags = 0xfffe, version = '8.4.0' } = {}): Buffer {
  const lower = Buffer.from([flags & 0xff, flags >> 8])
  const payload = Buffer.concat([
    bytes(`\x0a${version}\0`),
    Buffer.alloc(4, 1),
    Buffer.alloc(8, 2),
    bytes('\0'),
    lower,
    Buffer.from('2d02ffdf15', 'hex'),
    Buffer.alloc(10),
    bytes('nonce-of-12-\0mysql_native_password\0'),
  ])
  return mysqlPacket(payload)
}

/** A packet: three bytes of length, a number, the payload. */
export function mysqlPacket(payload: Buffer, sequence = 0): Buffer {
  return Buffer.concat([Buffer.from([payload.length & 0xff, payload.length >> 8, 0, sequence]), payload])
}

/** An ExtendedResponse, with lengths of four octets, as Active Directory writes them. */
export function ldapResponse({ id = 1, result = 0, diagnostic = '' } = {}): Buffer {
  const long = (tag: number, ...parts: Buffer[]) => {
    const content = Buffer.concat(parts)
    const header = Buffer.from([tag, 0x84, 0, 0, 0, 0])
    header.writeUInt32BE(content.length, 2)
    return Buffer.concat([header, content])
  }
  const text = long(0x04, bytes(diagnostic))
  return long(0x30, Buffer.from([2, 1, id]), long(0x78, Buffer.from([0x0a, 1, result, 4, 0]), text))
}

/** What each client sends to ask for TLS, byte for byte. */
export const REQUESTS: Readonly<Record<StartTlsProtocol, string>> = {
  postgres: '\0\0\0\x08\x04\xd2\x16\x2f',
  mysql: `\x20\0\0\x01\x01\x8a\x08\0\0\0\0\x01\x2d${'\0'.repeat(23)}`,
  smtp: 'EHLO [127.0.0.1]\r\nSTARTTLS\r\n',
  imap: 'a1 STARTTLS\r\n',
  pop3: 'STLS\r\n',
  ldap: '\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037',
}

/** How a server that offers TLS speaks. */
export const SCRIPTS: Readonly<Record<StartTlsProtocol, readonly Step[]>> = {
  postgres: [[8, 'S']],
  mysql: [
    [undefined, mysqlGreeting()],
    [36, ''],
  ],
  smtp: [
    [undefined, '220-mail.example\r\n220 ready\r\n'],
    [/EHLO .*\r\n$/, '250-mail.example\r\n250-SIZE\r\n250 starttls\r\n'],
    [/STARTTLS\r\n$/, '220 go ahead\r\n'],
  ],
  imap: [
    [undefined, '* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n'],
    [/STARTTLS\r\n$/, '* 1 unsolicited\r\na1 OK begin\r\n'],
  ],
  pop3: [
    [undefined, '+OK ready\r\n'],
    [/STLS\r\n$/, '+OK begin\r\n'],
  ],
  ldap: [[/20037$/, ldapResponse()]],
}

export interface StandInOptions {
  readonly host?: '127.0.0.1' | '::1'
  /** What is done when the script is at its end. Default: `'tls'`. */
  readonly ending?: 'tls' | 'silence' | 'close' | 'reset'
}

/** Listens on loopback. */
export async function startStandIn(
  { key, chain }: Pick<TestCertificate, 'key' | 'chain'>,
  script: readonly Step[],
  { host = '127.0.0.1', ending = 'tls' }: StandInOptions = {},
): Promise<StandIn> {
  const seen = { clear: '', secured: '', names: [] as string[] }
  const secure = (socket: Socket) => {
    const tls = new TLSSocket(socket, { isServer: true, key, cert: chain })
    tls
      .on('error', () => {})
      .on('data', (data) => {
        seen.secured += data.toString('latin1')
      })
    tls.on('secure', () => seen.names.push(String((tls as { servername?: string | false }).servername || '')))
  }
  const follow = async (socket: Socket) => {
    let received = ''
    for (const [expected, answer] of script) {
      const isThere = () =>
        typeof expected === 'number' ? received.length >= expected : (expected?.test(received) ?? true)
      while (!isThere()) {
        const chunk: Buffer | null = socket.read()
        if (chunk === null) await once(socket, 'readable')
        else received += chunk.toString('latin1')
        if (socket.readableEnded || socket.destroyed) return
      }
      // What follows may be the handshake already.
      const taken = typeof expected === 'number' ? received.slice(0, expected) : received
      if (taken.length < received.length) socket.unshift(Buffer.from(received.slice(taken.length), 'latin1'))
      seen.clear += taken
      received = ''
      if (answer.length > 0) socket.write(answer)
    }
    if (ending === 'tls') secure(socket)
    else if (ending === 'close') socket.resume().end()
    else if (ending === 'reset') socket.resetAndDestroy()
    else socket.resume()
  }
  const server = createServer((socket) => follow(socket).catch(() => socket.destroy()))
  const { port, sockets, close } = await startServer(server, host)
  return {
    port,
    get clear() {
      return seen.clear
    },
    get secured() {
      return seen.secured
    },
    names: seen.names,
    get open() {
      return sockets.size
    },
    [Symbol.asyncDispose]: close,
  }
}
