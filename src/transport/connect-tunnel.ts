/** A connection to the origin through an http or https proxy: CONNECT (RFC 9110 section 9.3.6). Each leg has its own TLS. */
import http from 'node:http'
import net, { type Socket } from 'node:net'
import tls from 'node:tls'
import { SOCKET_DEFAULTS, serverAddress } from '../core/address.ts'
import { ProxyError } from '../core/errors.ts'
import { printable } from '../core/printable.ts'
import type { TunnelAttempt, TunnelCallback, TunnelOptions } from './connection.ts'
import { MAYBE_TLS_PROXY, mapProxyError } from './map-error.ts'
import type { ProxyServer } from './proxies.ts'
import { attemptTimeout } from './tcp-socket.ts'
import { enforceConnectTimeout, InternalConnectTimeout } from './time-limits.ts'
import { observeHandshake, presentedChain } from './tls-info.ts'

/** Opens a tunnel through an http or https proxy. */
export function openConnectTunnel(options: TunnelOptions, callback: TunnelCallback): TunnelAttempt {
  const { proxy, authority, connectTimeout, trust } = options
  let connection: Socket | undefined
  const request = http.request({
    method: 'CONNECT',
    path: authority,
    headers: {
      Host: authority,
      ...(proxy.authorization !== undefined && { 'Proxy-Authorization': proxy.authorization }),
    },
    createConnection: () => {
      connection = connectToProxy(options)
      return connection
    },
  })
  // Node would send `close`, which is wrong for a tunnel; requests and curl send none either.
  request.removeHeader('Connection')
  enforceConnectTimeout(request, 'connect', connectTimeout)
  const started = performance.now()
  let abortReason: Error | undefined
  let isSettled = false
  const fail = (error: Error) => {
    if (isSettled) return
    isSettled = true
    callback(
      abortReason ?? (error instanceof InternalConnectTimeout ? error : mapProxyError(error, proxy.url, presented())),
    )
  }
  const settle = (socket: Socket, { status, reason, rest, schemes }: FinalResponse) => {
    isSettled = true
    if (status === 200) {
      // The server's first bytes may have arrived in the same packet as the proxy's response.
      if (options.serverFirst && rest.length > 0) socket.unshift(rest)
      callback(null, socket)
      return
    }
    socket.destroy()
    const shown = `${printable(`${status} ${reason}`.trim())}${tunnelAdvice(status, schemes, proxy)}`
    callback(new ProxyError(`Unable to connect to proxy ${proxy.url.host}: Tunnel connection failed: ${shown}`))
  }
  request.once(
    'connect',
    ({ statusCode: status = 0, statusMessage: reason = '', headers }, socket: Socket, rest: Buffer) => {
      // Node has removed its own listener; the one of the tunnel's user may come later.
      socket.on('error', fail)
      if (!isInterim(status)) settle(socket, { status, reason, rest, schemes: headers['proxy-authenticate'] })
      else readFinalResponse(socket, rest, { connectTimeout, started }, (final) => settle(socket, final))
    },
  )
  request.on('error', fail)
  request.end()
  const presented = () => ({
    chain: presentedChain(connection),
    trust,
    hasReceived: connection !== undefined && connection.bytesRead > 0,
  })
  const destroy = (reason: Error) => {
    abortReason = reason
    request.destroy(reason)
    connection?.destroy(reason)
  }
  return { destroy }
}

/** The response to CONNECT that decides, and the bytes behind its head. */
interface FinalResponse {
  readonly status: number
  readonly reason: string
  readonly rest: Buffer
  /** How a proxy wants to be told the user. */
  readonly schemes?: string | undefined
}

/** What helps if a proxy refuses a tunnel. */
function tunnelAdvice(status: number, schemes: string | undefined, { url, authorization }: ProxyServer): string {
  if (status === 400 && url.protocol === 'http:') return `; ${MAYBE_TLS_PROXY}`
  if (status !== 407) return ''
  if (schemes !== undefined && !/\bbasic\b/i.test(schemes))
    return `; it does not offer Basic, the only scheme that is supported for proxies: ${printable(schemes)}`
  return authorization === undefined
    ? `; write user and password into its URL, percent-encoded: ${url.protocol}//USER:PASSWORD@${url.host}`
    : '; it does not accept the user and password that were given: check them, and that they are percent-encoded'
}

/** Interim responses precede the final one (RFC 9110 section 15.2); 101 is final. Node takes them for the final response to CONNECT. */
const isInterim = (status: number): boolean => status >= 100 && status < 200 && status !== 101

/**
 * Reads on behind an interim response. The socket is destroyed with an error if what follows is no HTTP, has no end or does not
 * arrive in time.
 */
function readFinalResponse(
  socket: Socket,
  head: Buffer,
  { connectTimeout: limit, started }: Pick<TunnelOptions, 'connectTimeout'> & { readonly started: number },
  done: (final: FinalResponse) => void,
): void {
  let received: Buffer = Buffer.alloc(0)
  let total = 0
  const expire = (ms: number) => socket.destroy(new InternalConnectTimeout(ms))
  const timer =
    limit === undefined ? undefined : setTimeout(expire, Math.max(1, limit - (performance.now() - started)), limit)
  const onEnd = () => socket.destroy(Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }))
  const onData = (chunk: Buffer) => {
    total += chunk.length
    received = Buffer.concat([received, chunk])
    for (let end = received.indexOf(HEAD_END); end >= 0; end = received.indexOf(HEAD_END)) {
      const [, status, reason = ''] = STATUS_LINE.exec(received.toString('latin1', 0, end)) ?? []
      const rest = received.subarray(end + HEAD_END.length)
      if (status !== undefined && isInterim(Number(status))) received = rest
      else {
        stop()
        if (status === undefined) socket.destroy(new Error('its response is not HTTP'))
        else done({ status: Number(status), reason, rest })
        return
      }
    }
    if (total > MAX_HEAD_BYTES) socket.destroy(new Error('its response to CONNECT has no end'))
  }
  const stop = () => {
    clearTimeout(timer)
    socket.off('data', onData).off('end', onEnd).off('close', stop)
  }
  socket.on('data', onData).on('end', onEnd).on('close', stop)
  onData(head)
}

const HEAD_END = '\r\n\r\n'
const STATUS_LINE = /^HTTP\/1\.[01] (\d{3})(?: ([^\r\n]*))?(?:\r\n|$)/
/** For all interim responses and the head of the final one. */
const MAX_HEAD_BYTES = 16_384

/** A connection to the proxy itself. */
function connectToProxy({ proxy: { url }, tls: settings, connectTimeout }: TunnelOptions): Socket {
  const { host, port, servername } = serverAddress(url)
  const attempts = attemptTimeout(connectTimeout)
  if (url.protocol !== 'https:') return net.connect({ ...SOCKET_DEFAULTS, ...attempts, host, port }).setNoDelay(true)
  const socket = tls.connect({ ...SOCKET_DEFAULTS, ...attempts, ...settings(), host, port, servername })
  observeHandshake(socket)
  // As in agents: otherwise a request in several writes waits 40 ms for the acknowledgement of the first.
  return socket.setNoDelay(true)
}
