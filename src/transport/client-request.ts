/** A request as Node sends it. The agent carries all that TLS checks; see `agents.ts`. */
import http from 'node:http'
import { serverAddress } from '../core/address.ts'
import type { HeaderMap } from '../http/headers.ts'
import type { WireRequest } from './adapter.ts'
import { isSocks, type ProxyServer } from './proxies.ts'
import type { Route } from './route.ts'

/** Opens the request; its body is still to be sent. */
export function openRequest(
  { method, target: url, headers }: WireRequest,
  route: Route,
  connectTimeout: number | undefined,
): http.ClientRequest {
  const forwarder = forwarderFor(url, route)
  const peer = forwarder?.url ?? url
  const authorization = forwarder?.authorization
  const fields = (forwarder && authorization === undefined ? headers : withoutProxyAuth(headers)).toList()
  if (!headers.has('Host')) fields.unshift('Host', url.host)
  if (authorization !== undefined) fields.push('Proxy-Authorization', authorization)
  const path = `${url.pathname}${url.search}`
  const options = {
    ...serverAddress(peer),
    protocol: peer.protocol,
    agent: route.pool.agent,
    path: forwarder ? `${url.origin}${path}` : path,
    method,
    // Sent as they are: Node makes a map of an object's first, and would add what the session took away.
    headers: fields,
    setDefaultHeaders: false,
    maxHeaderSize: MAX_HEADER_SIZE,
    connectTimeout,
  }
  // What `https.request` makes of its arguments, without copying them once more.
  const request = new http.ClientRequest(options)
  // Node would leave out what comes behind the thousandth.
  request.maxHeadersCount = 0
  return request
}

/** The proxy that gets plain http requests, with the whole URL; for https the agent has a tunnel through it. */
export function forwarderFor(target: URL, { proxy }: Route): ProxyServer | undefined {
  return target.protocol === 'http:' && proxy && !isSocks(proxy) ? proxy : undefined
}

/** The credentials for a proxy are for the proxy, which got them with CONNECT, if there is one; the origin must not see them. */
function withoutProxyAuth(headers: HeaderMap): HeaderMap {
  if (!headers.has('Proxy-Authorization')) return headers
  const rest = headers.clone()
  rest.delete('Proxy-Authorization')
  return rest
}

/**
 * For all headers of a response together, in bytes. Node's own limit of 16 KiB is for servers; http.client takes lines of up
 * to 64 KiB.
 */
const MAX_HEADER_SIZE = 262_144
