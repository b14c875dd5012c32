/** A connection to the origin through a proxy: by CONNECT (RFC 9110 section 9.3.6), or SOCKS. Each leg has its own TLS. */
import http from 'node:http'
import net, { type Socket } from 'node:net'
import tls from 'node:tls'
import { NO_PATH, serverAddress } from '../core/address.ts'
import { ProxyError } from '../core/errors.ts'
import type { TunnelAttempt, TunnelCallback, TunnelOptions } from './connection.ts'
import { mapProxyError } from './map-error.ts'
import { ConnectTimeLimit, limitConnectTime } from './time-limits.ts'
import { chainOf, observeHandshake } from './tls-info.ts'

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
  // Node's would be `close`, which is not true of a tunnel; requests and curl send none either.
  request.removeHeader('Connection')
  limitConnectTime(request, 'connect', connectTimeout)
  let givenUp: Error | undefined
  request.once('connect', (response, socket: Socket, head: Buffer) => {
    if (response.statusCode === 200) {
      // A server that speaks first may have greeted in the same packet.
      if (head.length > 0) socket.unshift(head)
      callback(null, socket)
      return
    }
    socket.destroy()
    const status = `${response.statusCode} ${response.statusMessage ?? ''}`.trim()
    callback(new ProxyError(`Unable to connect to proxy ${proxy.url.host}: Tunnel connection failed: ${status}`))
  })
  request.once('error', (error) => {
    callback(givenUp ?? (error instanceof ConnectTimeLimit ? error : mapProxyError(error, proxy.url, presented())))
  })
  request.end()
  const presented = () => ({ chain: chainOf(connection), trust })
  const destroy = (reason: Error) => {
    givenUp = reason
    request.destroy(reason)
  }
  return { destroy }
}

/** A connection to the proxy itself. */
function connectToProxy({ proxy: { url }, tls: settings }: TunnelOptions): Socket {
  const { host, port, servername } = serverAddress(url)
  if (url.protocol !== 'https:') return net.connect({ ...NO_PATH, host, port }).setNoDelay(true)
  const socket = tls.connect({ ...NO_PATH, ...settings(), host, port, servername })
  observeHandshake(socket)
  // As agents have it: otherwise a request in several pieces waits 40 ms for the acknowledgement of the first.
  return socket.setNoDelay(true)
}
