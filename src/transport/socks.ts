/** A connection to the origin through a SOCKS proxy (RFC 1928, RFC 1929, and SOCKS 4 and 4a before them). */
import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import net, { isIP, isIPv6, type Socket } from 'node:net'
import { NO_PATH, parseAuthority, serverAddress } from '../core/address.ts'
import { withDeadline } from '../core/deadline.ts'
import { ProxyError } from '../core/errors.ts'
import { socks } from '../core/lazy.ts'
import type { TunnelAttempt, TunnelCallback, TunnelOptions } from './connection.ts'
import { mapProxyError } from './map-error.ts'
import { ConnectTimeLimit } from './time-limits.ts'

/** Opens a tunnel; see {@link openTunnel}. */
export function openSocksTunnel(options: TunnelOptions, callback: TunnelCallback): TunnelAttempt {
  const { connectTimeout: limit } = options
  const abandon = new AbortController()
  const timer = limit === undefined ? undefined : setTimeout(() => abandon.abort(new ConnectTimeLimit(limit)), limit)
  negotiate(options, abandon.signal)
    .finally(() => clearTimeout(timer))
    .then((socket) => callback(null, socket))
    .catch(callback)
  return { destroy: (reason) => abandon.abort(reason) }
}

async function negotiate(options: TunnelOptions, signal: AbortSignal): Promise<Socket> {
  const { proxy, authority } = options
  const destination = await withDeadline(resolve(authority, proxy.url.protocol), { signal })
  const { host, port } = serverAddress(proxy.url)
  const socket = net.connect({ ...NO_PATH, host, port, signal }).setNoDelay(true)
  try {
    await once(socket, 'connect')
    await handshake(socket, options, destination)
    return socket
  } catch (error) {
    socket.destroy()
    if (signal.aborted) throw signal.reason
    if (error instanceof ProxyError || !(error instanceof Error)) throw error
    throw mapProxyError(error, proxy.url)
  }
}

interface Destination {
  readonly host: string
  readonly port: number
}

/** The origin as the proxy is told of it: by address for `socks4` and `socks5`, which resolve names here, as in requests. */
async function resolve(authority: string, scheme: string): Promise<Destination> {
  const { host, port } = parseAuthority(authority)
  const isLocal = scheme === 'socks4:' || scheme === 'socks5:'
  if (!isLocal || isIP(host) !== 0) return { host, port }
  const { address } = await lookup(host, scheme === 'socks4:' ? { family: 4 } : {})
  return { host: address, port }
}

function handshake(
  socket: Socket,
  { proxy, authority, connectTimeout }: TunnelOptions,
  destination: Destination,
): Promise<void> {
  const { host, port } = serverAddress(proxy.url)
  const type = proxy.url.protocol.startsWith('socks4') ? 4 : 5
  const [userId, password] = proxy.login ?? []
  return new Promise((resolve, reject) => {
    // Without the library's error as its cause: that holds the password.
    const refuse = (words: string) =>
      reject(new ProxyError(`Unable to connect to ${authority} through SOCKS proxy ${proxy.url.host}: ${words}`))
    const problem = unsuited(destination, type)
    if (problem !== undefined) {
      refuse(problem)
      return
    }
    const client = new (socks().SocksClient)({
      command: 'connect',
      destination,
      proxy: { host, port, type, ...(userId !== undefined && { userId, password: password ?? '' }) },
      timeout: connectTimeout ?? MAX_NEGOTIATION,
    })
    // Before those of the library, which keep nothing of the error but its message.
    socket.once('error', reject)
    client.once('error', ({ message }) => refuse(inWords(message, type)))
    client.once('established', () => {
      socket.off('error', reject)
      keepEarlyBytes(socket, resolve)
    })
    client.connect(socket)
  })
}

/**
 * In an immediate after `established` the library emits what followed the proxy's reply, and makes the socket flow: bytes of a
 * server that speaks first would be lost. A listener for `readable` keeps it from flowing; what was emitted is put back.
 */
function keepEarlyBytes(socket: Socket, done: () => void): void {
  const chunks: Buffer[] = []
  const keep = (chunk: Buffer) => chunks.push(chunk)
  const wait = () => {}
  socket.on('readable', wait).on('data', keep)
  setImmediate(() => {
    socket.off('data', keep).off('readable', wait)
    if (chunks.length > 0) socket.unshift(Buffer.concat(chunks))
    // Node notices on the next tick that nothing listens any more.
    process.nextTick(done)
  })
}

/** Why the protocol cannot express a destination. */
function unsuited({ host }: Destination, type: 4 | 5): string | undefined {
  if (type === 4 && isIPv6(host)) return 'SOCKS 4 knows IPv4 only; use socks5:// or socks5h://'
  return Buffer.byteLength(host) > 255 ? 'the name is longer than SOCKS allows (255 bytes)' : undefined
}

/**
 * The library wants a limit (30 s if none is given), and keeps its timer and what belongs to it that long. This is more
 * than a proxy needs to find out that a server does not answer: Linux gives up after 131 s, Tor after 120 s.
 */
const MAX_NEGOTIATION = 150_000

/** What the library says, for people: `Socks5 proxy rejected connection - NotAllowed`. */
function inWords(message: string, type: 4 | 5): string {
  const [, reply] = / - \(?(\w+)\)?$/.exec(message) ?? []
  // It grants, but in the version of another protocol.
  if (reply !== undefined && reply !== 'undefined' && reply !== 'Granted')
    return `it answers "${reply.replace(/\B[A-Z]/g, (letter) => ` ${letter}`).toLowerCase()}"`
  if (/Authentication failed/.test(message)) return 'it refuses the credentials'
  if (/no accepted authentication/.test(message)) return 'it wants credentials, or others: socks5h://user:password@…'
  if (/invalid|closed|undefined|granted/i.test(message)) return `it does not answer as a SOCKS ${type} proxy does`
  return message
}
