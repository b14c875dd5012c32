/** A connection to the origin through a SOCKS proxy (RFC 1928, RFC 1929, and SOCKS 4 and 4a before them). */
import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { isIP, isIPv6, type Socket } from 'node:net'
import { parseAuthority, serverAddress } from '../core/address.ts'
import { onDeadline, withDeadline } from '../core/deadline.ts'
import { ProxyError } from '../core/errors.ts'
import { MAX_TIMER_MS } from '../core/options.ts'
import type { TunnelAttempt, TunnelCallback, TunnelOptions } from './connection.ts'
import { mapProxyError } from './map-error.ts'
import { attemptTimeout, connectTcp } from './tcp-socket.ts'
import { InternalConnectTimeout } from './time-limits.ts'

/** Opens a tunnel; see {@link openTunnel}. */
export function openSocksTunnel(options: TunnelOptions, callback: TunnelCallback): TunnelAttempt {
  const { connectTimeout: limit } = options
  const controller = new AbortController()
  const deadline = limit === undefined ? undefined : performance.now() + limit
  const stop = onDeadline({ deadline }, () => controller.abort(new InternalConnectTimeout(limit ?? 0)))
  negotiate(options, controller.signal)
    .finally(stop)
    .then((socket) => callback(null, socket), callback)
  return { destroy: (reason) => controller.abort(reason) }
}

async function negotiate(options: TunnelOptions, signal: AbortSignal): Promise<Socket> {
  const { proxy, authority, connectTimeout } = options
  // Loaded with the first SOCKS proxy: the file system may fail.
  const importing = import('./socks-library.ts').catch((error) => {
    throw mapProxyError(error, proxy.url)
  })
  const loaded = Promise.all([resolve(authority, proxy.url.protocol), importing])
  const [destination, library] = await withDeadline(loaded, { signal })
  const { host, port } = serverAddress(proxy.url)
  const socket = connectTcp({ ...attemptTimeout(connectTimeout), host, port }).setNoDelay(true)
  // The listener stays: the socket may fail before its next owner has one.
  const failure = new Promise<never>((_resolve, reject) => socket.on('error', reject))
  failure.catch(() => {})
  const abort = () => socket.destroy(signal.reason)
  signal.addEventListener('abort', abort)
  try {
    await Promise.race([once(socket, 'connect'), failure])
    await Promise.race([handshake(socket, options, { destination, library }), failure])
    if (socket.destroyed) throw Object.assign(new Error('the proxy closed the connection'), { code: 'ECONNRESET' })
    return socket
  } catch (error) {
    socket.destroy()
    if (signal.aborted) throw signal.reason
    if (error instanceof ProxyError || !(error instanceof Error)) throw error
    throw mapProxyError(error, proxy.url)
  } finally {
    // Not with the socket, which outlives the negotiation: the signal must not destroy it later.
    signal.removeEventListener('abort', abort)
  }
}

interface Destination {
  readonly host: string
  readonly port: number
}

/** The origin as sent to the proxy: by address for `socks4` and `socks5`, which resolve names here, as in requests. */
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
  {
    destination,
    library,
  }: { readonly destination: Destination; readonly library: typeof import('./socks-library.ts') },
): Promise<void> {
  const { host, port } = serverAddress(proxy.url)
  const type = proxy.url.protocol.startsWith('socks4') ? 4 : 5
  const [userId, password] = proxy.login ?? []
  return new Promise((resolve, reject) => {
    // The library's error is not the cause: it holds the password.
    const fail = (reason: string) =>
      reject(new ProxyError(`Unable to connect to ${authority} through SOCKS proxy ${proxy.url.host}: ${reason}`))
    const problem = unsupportedDestination(destination, type)
    if (problem !== undefined) {
      fail(problem)
      return
    }
    const client = new library.SocksClient({
      command: 'connect',
      destination,
      proxy: { host, port, type, ...(userId !== undefined && { userId, password: password ?? '' }) },
      // Later than the deadline of the tunnel, whose error says what was exceeded.
      timeout: connectTimeout === undefined ? MAX_NEGOTIATION_MS : Math.min(connectTimeout + 1000, MAX_TIMER_MS),
    })
    client.on('error', ({ message }) => fail(describeReply(message, type)))
    client.on('established', () => keepEarlyBytes(socket, resolve))
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

/** Why the protocol cannot express a destination; `undefined` if it can. */
function unsupportedDestination({ host }: Destination, type: 4 | 5): string | undefined {
  if (type === 4 && isIPv6(host)) return 'SOCKS 4 knows IPv4 only; use socks5:// or socks5h://'
  return Buffer.byteLength(host) > 255 ? 'the name is longer than SOCKS allows (255 bytes)' : undefined
}

/**
 * The library always sets a timer (30 s by default), and keeps its references until it fires. This limit is longer than a proxy
 * needs to report that a server does not respond: Linux times out after 131 s, Tor after 120 s.
 */
const MAX_NEGOTIATION_MS = 150_000

/** The library's message, such as `Socks5 proxy rejected connection - NotAllowed`, in words. */
function describeReply(message: string, type: 4 | 5): string {
  const [, reply] = / - \(?(\w+)\)?$/.exec(message) ?? []
  // 'Granted' here means a reply of another protocol version.
  if (reply !== undefined && reply !== 'undefined' && reply !== 'Granted')
    return `it answers "${reply.replace(/\B[A-Z]/g, (letter) => ` ${letter}`).toLowerCase()}"`
  if (/Authentication failed/.test(message)) return 'it refuses the credentials'
  if (/no accepted authentication/.test(message)) return 'it wants credentials, or others: socks5h://user:password@…'
  if (/invalid|closed|undefined|granted/i.test(message)) return `it does not answer as a SOCKS ${type} proxy does`
  return message
}
