/**
 * How TLS is requested in protocols that begin in plain text (STARTTLS and the like). Nothing of the URL but its host
 * is sent: no user, no password.
 */
import type { Socket } from 'node:net'
import type { Service, StartTlsProtocol } from '../core/service.ts'
import { readElements } from '../x509/der.ts'
import { Preamble, quoted } from './preamble.ts'

/**
 * Asks the server for TLS, if its protocol begins in the clear. Then the handshake is the next thing on the socket, which
 * is left paused.
 *
 * @throws SSLError with the reason `not-tls` if the server offers none, `protocol` if it does not keep to the protocol
 */
export async function startTls(socket: Socket, service: Service): Promise<void> {
  if (service.startTls === undefined) return
  const preamble = new Preamble(socket, service)
  await DIALOGUES[service.startTls](preamble)
  preamble.end()
}

const DIALOGUES: Readonly<Record<StartTlsProtocol, (preamble: Preamble) => Promise<void>>> = {
  postgres,
  mysql,
  smtp,
  imap,
  pop3,
  ldap,
}

/** PostgreSQL's SSLRequest: one byte is the answer. */
async function postgres(preamble: Preamble): Promise<void> {
  preamble.write(Buffer.from('0000000804d2162f', 'hex'))
  const answer = String(await preamble.read(1))
  if (answer === 'S') return
  if (answer === 'N') throw preamble.refused('the server offers no TLS: it answers "N" to an SSLRequest')
  if (answer !== 'E') throw unexpected(preamble, answer)
  const length = (await preamble.read(4)).readUInt32BE() - 4
  if (length < 0 || length > MAX_MESSAGE_BYTES) throw unexpected(preamble, answer)
  const fields = (await preamble.read(length)).toString().split('\0')
  const message = fields.find((field) => field.startsWith('M'))?.slice(1) ?? ''
  throw preamble.refused(`the server offers no TLS: it answers an SSLRequest with the error ${quoted(message)}`)
}

/** MySQL's and MariaDB's: the server's greeting says whether it has TLS, the client's first packet asks for it. */
async function mysql(preamble: Preamble): Promise<void> {
  const header = await preamble.read(4)
  const length = header.readUIntLE(0, 3)
  if (length === 0 || length > MAX_MESSAGE_BYTES) throw unexpected(preamble, header)
  const greeting = await preamble.read(length)
  if (greeting[0] === 0xff) {
    const message = greeting
      .subarray(3)
      .toString()
      .replace(/^#.{5}/s, '')
    throw preamble.refused(`the server offers no TLS: it answers with the error ${quoted(message)}`)
  }
  const end = greeting.indexOf(0, 1)
  // Behind the version: 4 bytes of the connection's number, 8 of a nonce, 1 that is 0, then the lower flags.
  const flags = end + 14
  if (greeting[0] !== 10 || end < 0 || greeting.length < flags + 2) throw unexpected(preamble, greeting)
  if ((greeting.readUInt16LE(flags) & CLIENT_SSL) === 0)
    throw preamble.refused(`the server offers no TLS: version ${quoted(greeting.subarray(1, end))}, without CLIENT_SSL`)
  const request = Buffer.alloc(36)
  request.writeUIntLE(32, 0, 3)
  request[3] = ((header[3] ?? 0) + 1) & 0xff
  request.writeUInt32LE(CAPABILITIES, 4)
  request.writeUInt32LE(MAX_PACKET_BYTES, 8)
  request[12] = UTF8MB4
  preamble.write(request)
}

const CLIENT_SSL = 0x800
/** CLIENT_LONG_PASSWORD, CLIENT_PROTOCOL_41, CLIENT_SSL, CLIENT_SECURE_CONNECTION, CLIENT_PLUGIN_AUTH. */
const CAPABILITIES = 0x1 | 0x200 | CLIENT_SSL | 0x8000 | 0x80000
const MAX_PACKET_BYTES = 16_777_216
/** The number of the collation utf8mb4_general_ci. */
const UTF8MB4 = 45

/** RFC 3207. */
async function smtp(preamble: Preamble): Promise<void> {
  const greeting = await readReply(preamble)
  if (greeting.code !== '220') throw declined(preamble, greeting.words, 'its greeting is')
  // An address literal, as nodemailer sends: the server need not know the name of this machine.
  preamble.write('EHLO [127.0.0.1]\r\n')
  const hello = await readReply(preamble)
  if (hello.code !== '250') throw declined(preamble, hello.words, 'it answers EHLO with')
  if (!hello.lines.some((line) => /^STARTTLS\s*$/i.test(line))) {
    const offer = hello.lines.slice(1).join(', ')
    throw preamble.refused(`the server offers no STARTTLS: it offers ${offer === '' ? 'nothing' : quoted(offer)}`)
  }
  preamble.write('STARTTLS\r\n')
  const answer = await readReply(preamble)
  if (answer.code !== '220') throw declined(preamble, answer.words, 'it answers STARTTLS with')
}

/** One or more lines with the same code; on all but the last a hyphen follows it. */
async function readReply(preamble: Preamble): Promise<{ code: string; lines: string[]; words: string }> {
  const lines: string[] = []
  let first: string | undefined
  for (;;) {
    const line = await preamble.readLine()
    const [, code, more, text = ''] = /^(\d{3})(?:([ -])(.*))?$/s.exec(line) ?? []
    if (code === undefined || (first !== undefined && code !== first)) throw unexpected(preamble, line)
    first = code
    lines.push(text)
    if (more !== '-') return { code, lines, words: `${code} ${lines.join(' ')}` }
  }
}

/** RFC 9051 section 6.2.1. */
async function imap(preamble: Preamble): Promise<void> {
  const greeting = await preamble.readLine()
  // After PREAUTH there is no STARTTLS any more: an attacker's way to keep a client in the clear.
  if (/^\* (?:PREAUTH|BYE)\b/i.test(greeting)) throw declined(preamble, greeting, 'its greeting is')
  if (!/^\* OK\b/i.test(greeting)) throw unexpected(preamble, greeting)
  preamble.write('a1 STARTTLS\r\n')
  for (;;) {
    const line = await preamble.readLine()
    if (/^a1 OK\b/i.test(line)) return
    if (/^(?:a1 |\* BYE\b)/i.test(line)) throw declined(preamble, line, 'it answers STARTTLS with')
    if (!line.startsWith('* ')) throw unexpected(preamble, line)
  }
}

/** RFC 2595 section 4. */
async function pop3(preamble: Preamble): Promise<void> {
  for (const command of ['', 'STLS']) {
    if (command !== '') preamble.write(`${command}\r\n`)
    const line = await preamble.readLine()
    const what = command === '' ? 'its greeting is' : `it answers ${command} with`
    if (/^-ERR\b/i.test(line)) throw declined(preamble, line, what)
    if (!/^\+OK\b/i.test(line)) throw unexpected(preamble, line)
  }
}

/** RFC 4511 section 4.14: an extended request with the name of StartTLS. */
async function ldap(preamble: Preamble): Promise<void> {
  const name = Buffer.from('1.3.6.1.4.1.1466.20037')
  preamble.write(Buffer.concat([Buffer.from('301d02010177188016', 'hex'), name]))
  const { id, result, words } = await readLdapResponse(preamble)
  // The number 0 is a notice that the server ends the connection.
  if (id > 1)
    throw preamble.refused(`the server offers no StartTLS: it answers a request of number ${id}, which was not sent`)
  if (id !== 1 || result !== 0)
    throw preamble.refused(`the server offers no StartTLS: it answers with result ${result}, ${words}`)
}

async function readLdapResponse(preamble: Preamble): Promise<{ id: number; result: number; words: string }> {
  const start = await preamble.read(2)
  let length = start[1] ?? 0
  if (start[0] !== SEQUENCE || length === 0x80 || length > 0x84) throw unexpected(preamble, start)
  // Active Directory always writes four octets of length.
  if (length > 0x80) {
    const octets = length - 0x80
    length = (await preamble.read(octets)).readUIntBE(0, octets)
  }
  if (length > MAX_MESSAGE_BYTES) throw unexpected(preamble, start)
  const message = await preamble.read(length)
  try {
    const [id, response] = readElements(message)
    const [result, , diagnostic] = readElements(response?.content ?? Buffer.alloc(0))
    if (id?.tag === INTEGER && response?.tag === EXTENDED_RESPONSE && result?.tag === ENUMERATED) {
      const number = (content: Buffer) => content.readUIntBE(0, content.length)
      return { id: number(id.content), result: number(result.content), words: quoted(diagnostic?.content ?? '') }
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
  }
  throw unexpected(preamble, message)
}

const SEQUENCE = 0x30
const INTEGER = 0x02
const ENUMERATED = 0x0a
/** `[APPLICATION 24]`, constructed. */
const EXTENDED_RESPONSE = 0x78

/** The server speaks the protocol, and says no. */
const declined = (preamble: Preamble, words: string, what: string) =>
  preamble.refused(`the server offers no TLS: ${what} ${quoted(words)}`)

/** What is read is not of this protocol. */
const unexpected = (preamble: Preamble, read: Buffer | string) =>
  preamble.refused(`the server does not speak ${preamble.service.protocol}: it sends ${quoted(preamble.seen(read))}`)

/** Of one message of a server. */
const MAX_MESSAGE_BYTES = 4096
