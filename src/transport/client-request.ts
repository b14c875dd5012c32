/** Creates Node's `ClientRequest`. Everything that TLS checks is in its agent: see `agents.ts`. */
import http from 'node:http'
import https from 'node:https'
import { serverAddress } from '../core/address.ts'
import { InvalidHeader, RequestException } from '../core/errors.ts'
import type { HeaderMap } from '../http/headers.ts'
import type { SendSettings, WireRequest } from './adapter.ts'
import { isSocks, type ProxyServer } from './proxies.ts'
import type { Route } from './route.ts'

/** Starts the request; its body is not sent yet. */
export function openRequest(
  { method, target: url, headers, body }: WireRequest,
  route: Route,
  {
    timeout,
    insecureHTTPParser,
    expectContinue,
  }: Pick<SendSettings, 'timeout' | 'insecureHTTPParser' | 'expectContinue'>,
): http.ClientRequest {
  const forwarder = forwarderFor(url, route)
  const peer = forwarder?.url ?? url
  const authorization = forwarder?.authorization
  const fields = (forwarder && authorization === undefined ? headers : withoutProxyAuth(headers)).toList()
  if (!headers.has('Host')) fields.unshift('Host', url.host)
  if (authorization !== undefined) fields.push('Proxy-Authorization', authorization)
  if (body !== undefined && expectContinue !== undefined && !headers.has('Expect'))
    fields.push('Expect', '100-continue')
  if (headers.has('Trailer') && !/\bchunked\s*$/i.test(headers.get('Transfer-Encoding') ?? '')) {
    // Node would throw when the body has begun.
    throw new InvalidHeader(
      'the header Trailer needs a chunked body: data that is a stream or an iterable, without Content-Length',
    )
  }
  const path = `${url.pathname}${url.search}`
  const options = {
    ...serverAddress(peer),
    protocol: peer.protocol,
    agent: route.pool.agent,
    path: forwarder ? `${url.origin}${path}` : path,
    method,
    // Otherwise Node adds headers that the session removed.
    setDefaultHeaders: false,
    maxHeaderSize: MAX_HEADERS_BYTES,
    // `undefined` leaves the decision to Node's own --insecure-http-parser.
    insecureHTTPParser: insecureHTTPParser || undefined,
    connectTimeout: timeout.connect,
    // Otherwise Node finds these on a polluted Object.prototype.
    signal: undefined,
    timeout: undefined,
    headers: undefined,
    auth: undefined,
  }
  // Looked up for each request: tracing and mocks replace these functions.
  const request = peer.protocol === 'https:' ? https.request(options) : http.request(options)
  assertAgent(request, route)
  // Set one by one, not given as options: Node renders a list at once, and a tracer that adds a header then fails.
  for (let index = 0; index < fields.length; index += 2) {
    request.appendHeader(fields[index] as string, fields[index + 1] as string)
  }
  // Node drops all headers after the thousandth by default.
  request.maxHeadersCount = 0
  return request
}

/**
 * The agent carries all trust. A replaced `http.request` must not bring another; that of a mock, which asks ours for the
 * connections that it does not answer itself (`customAgent` of @mswjs/interceptors), is none.
 *
 * @throws RequestException before anything is sent
 */
function assertAgent(request: http.ClientRequest, { pool }: Route): void {
  const { agent } = request as { readonly agent?: { readonly customAgent?: unknown } }
  if (agent === pool.agent || agent?.customAgent === pool.agent) return
  request.on('error', () => {}).destroy()
  throw new RequestException(
    'http.request was replaced by a function that uses another agent: it would decide what is trusted',
    {
      code: 'ERR_FOREIGN_AGENT',
    },
  )
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
