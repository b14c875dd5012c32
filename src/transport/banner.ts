/** Recognises the protocol of a server that was contacted with another one, by its first bytes. */
import type { ConnectAddress } from './connect-to.ts'
import { connectTcp } from './tcp-socket.ts'

/** What speaks there. */
export interface Speaker {
  /** `SSH`, for messages. */
  readonly protocol: string
  /** The scheme of `vouch check`, if it knows the protocol. */
  readonly scheme?: string | undefined
}

/** `undefined` if the bytes are of no known protocol. */
export function speakerOf(bytes: Buffer): Speaker | undefined {
  const text = bytes.toString('latin1', 0, MAX_BYTES)
  const digits = bytes.toString('hex', 0, MAX_BYTES)
  const known = BANNERS.find(([pattern]) => pattern.test(text)) ?? BINARY.find(([pattern]) => pattern.test(digits))
  return known && { protocol: known[1], scheme: known[2] }
}

/**
 * The first bytes of a server that speaks first, by a connection of its own on which nothing is sent; empty if it is silent for
 * 300 ms.
 */
export function readBanner(address: ConnectAddress): Promise<Buffer> {
  return new Promise((resolve) => {
    const socket = connectTcp({ ...address })
    const done = (bytes: Buffer) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(bytes)
    }
    const silent = () => done(Buffer.alloc(0))
    const timer = setTimeout(silent, MAX_SILENCE_MS)
    socket.once('data', done).on('end', silent).on('close', silent)
  })
}

const MAX_SILENCE_MS = 300
const MAX_BYTES = 256

type Banner = readonly [pattern: RegExp, protocol: string, scheme?: string]

/** The greetings of servers, and how some refuse what they do not understand. */
const BANNERS: readonly Banner[] = [
  [/^SSH-/, 'SSH'],
  [/^(?:220|421|554)[ -].*(?:\bE?SMTP\b|mail)/is, 'SMTP', 'smtp'],
  [/^220[ -].*FTP/is, 'FTP'],
  [/^220[ -]/, 'FTP or SMTP'],
  [/^\+OK\b/, 'POP3', 'pop3'],
  [/^\* (?:OK|PREAUTH|BYE)\b/, 'IMAP', 'imap'],
  [/^-(?:ERR|NOAUTH|DENIED|WRONGPASS)\b/, 'Redis'],
  [/^ICY \d/, 'ICY (SHOUTcast)'],
  [/^RFB \d{3}\./, 'RFB (VNC)'],
  [/^RTSP\/\d/, 'RTSP'],
  [/^SIP\/\d/, 'SIP'],
  [/^AMQP/, 'AMQP'],
  [/^@RSYNCD:/, 'rsync'],
  [/^20[01][ -].*\bNNTP/is, 'NNTP'],
  [/^:\S+ (?:NOTICE|020) /, 'IRC'],
  [/^(?:<\?xml[^>]*>\s*)?<stream:/, 'XMPP'],
]

/** By their bytes in hexadecimal digits. */
const BINARY: readonly Banner[] = [
  // A record of an alert or of a handshake.
  [/^1[56]030[0-4]/, 'TLS'],
  // A packet with its length, its number, and the version 10 of the protocol with digits after it, or an error.
  [/^.{6}0[01](?:0a3\d|ff)/, 'MySQL', 'mysql'],
  // `E`, a length, `S` and `ERROR` or `FATAL`.
  [/^45.{8}53(?:4552524f52|464154414c)00/, 'PostgreSQL', 'postgres'],
  // A frame of SETTINGS for the stream 0.
  [/^00.{4}040[01]00000000/, 'HTTP/2 without TLS'],
  [/^fff[b-e]/, 'Telnet'],
]
