/** Creates Node's `ClientRequest`. Everything that TLS checks is in its agent: see `agents.ts`. */
import http from 'node:http'
import { serverAddress } from '../core/address.ts'
import type { HeaderMap } from '../http/headers.ts'
import type { WireRequest } from './adapter.ts'
import { isSocks, type ProxyServer } from './proxies.ts'
import type { Route } from './route.ts'

/** Starts the request; its body is not sent yet. */
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
    // A list is sent unchanged. Node would turn an object into a map, and add headers that the session removed.
    headers: fields,
    setDefaultHeaders: false,
    maxHeaderSize: MAX_HEADERS_BYTES,
    connectTimeout,
  }
  // `https.request` creates the same from its arguments, but copies them once more.
  const request = new http.ClientRequest(options)
  // Node drops all headers after the thousandth by default.
  request.maxHeadersCount = 0
  return request
}

/** The proxy that receives plain http requests with the whole URL; for https the agent opens a tunnel through it. */
export function forwarderFor(target: URL, { proxy }: Route): ProxyServer | undefined {
  return target.protocol === 'http:' && proxy && !isSocks(proxy) ? proxy : undefined
}

/** Removes credentials that are for the proxy, which received them with CONNECT: the origin must not receive them. */
function withoutProxyAuth(headers: HeaderMap): HeaderMap {
  if (!headers.has('Proxy-Authorization')) return headers
  const rest = headers.clone()
  rest.delete('Proxy-Authorization')
  return rest
}

/** For all headers of a response together. Node's default of 16 KiB is meant for servers; http.client allows 64 KiB per line. */
const MAX_HEADERS_BYTES = 262_144
