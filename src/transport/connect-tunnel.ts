/** A connection to the origin through an http or https proxy: CONNECT (RFC 9110 section 9.3.6). Each leg has its own TLS. */
import http from 'node:http'
import net, { type Socket } from 'node:net'
import tls from 'node:tls'
import { SOCKET_DEFAULTS, serverAddress } from '../core/address.ts'
import { ProxyError } from '../core/errors.ts'
import { printable } from '../core/printable.ts'
import type { TunnelAttempt, TunnelCallback, TunnelOptions } from './connection.ts'
import { mapProxyError } from './map-error.ts'
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
  let abortReason: Error | undefined
  let isSettled = false
  request.once('connect', (response, socket: Socket, head: Buffer) => {
    isSettled = true
    // Node has removed its own listener; the one of whoever gets the socket may come later.
    socket.on('error', () => {})
    if (response.statusCode === 200) {
      // The server's first bytes may have arrived in the same packet as the proxy's response.
      if (options.serverFirst && head.length > 0) socket.unshift(head)
      callback(null, socket)
      return
    }
    socket.destroy()
    const status = printable(`${response.statusCode} ${response.statusMessage ?? ''}`.trim())
    callback(new ProxyError(`Unable to connect to proxy ${proxy.url.host}: Tunnel connection failed: ${status}`))
  })
  request.on('error', (error) => {
    if (isSettled) return
    isSettled = true
    callback(
      abortReason ?? (error instanceof InternalConnectTimeout ? error : mapProxyError(error, proxy.url, presented())),
    )
  })
  request.end()
  const presented = () => ({ chain: presentedChain(connection), trust })
  const destroy = (reason: Error) => {
    abortReason = reason
    request.destroy(reason)
  }
  return { destroy }
}

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
