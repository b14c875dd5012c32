/** A request as Node sends it. The agent carries all that TLS checks; see `agents.ts`. */
import http from 'node:http'
import https from 'node:https'
import type { HeaderMap } from '../headers.ts'
import { isSocks, type ProxyServer } from '../proxies.ts'
import type { WireRequest } from './adapter.ts'
import { serverAddress } from './address.ts'
import type { Route } from './route.ts'

/** Opens the request; its body is still to be sent. */
export function openRequest(
  { method, target: url, headers }: WireRequest,
  route: Route,
  connectTimeout: number | undefined,
): http.ClientRequest {
  const forwarder = forwarderFor(url, route)
  const peer = forwarder?.url ?? url
  const fields = (forwarder ? headers : withoutProxyAuth(headers)).toRecord()
  if (forwarder) {
    if (!headers.has('Host')) fields.Host = url.host
    if (forwarder.authorization !== undefined) fields['Proxy-Authorization'] = forwarder.authorization
  }
  const path = `${url.pathname}${url.search}`
  const options = {
    ...serverAddress(peer),
    agent: route.pool.agent,
    path: forwarder ? `${url.origin}${path}` : path,
    method,
    headers: fields,
    maxHeaderSize: MAX_HEADER_SIZE,
    connectTimeout,
  }
  const request = peer.protocol === 'https:' ? https.request(options) : http.request(options)
  // Node adds one that was taken away; with `Expect` it has sent the headers already.
  if (!headers.has('Connection') && !request.headersSent) request.removeHeader('Connection')
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
