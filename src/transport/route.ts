/** The route of a request: its pool, trust, client certificate and proxy. */

import { retryWhileBeingWritten } from '../core/file-being-written.ts'
import { fileOf } from '../core/file-error.ts'
import { assertClientCertExists, type ClientIdentity, resolveClientCert } from '../trust/client-identity.ts'
import { publish } from '../trust/events.ts'
import { type ResolvedTrust, resolveTrust, trustForProxy } from '../trust/verify.ts'
import type { SendSettings, WireRequest } from './adapter.ts'
import { notThroughProxy } from './connect-to.ts'
import type { ConnectionPool } from './connection-pool.ts'
import { Origin } from './origin.ts'
import type { PoolManager } from './pool-manager.ts'
import { isSocks, type ProxyServer } from './proxies.ts'

export interface Route {
  readonly pool: ConnectionPool
  /** `undefined` for plain http. */
  readonly trust: ResolvedTrust | undefined
  /** The client certificate. */
  readonly identity: ClientIdentity | undefined
  readonly proxy: ProxyServer | undefined
  /** What an `https:` proxy that opens a tunnel is verified against. */
  readonly proxyTrust: ResolvedTrust | undefined
}

type Destination = Pick<WireRequest, 'target' | 'headers'>

/** The settings that the route depends on. */
export type RouteSettings = Pick<SendSettings, 'trust' | 'cert' | 'proxy'>

/**
 * The route by the current content of the trusted files. Asynchronous only if one of them cannot be used, and is being written.
 *
 * @throws CABundleError, ClientCertError if a file cannot be used
 */
export function findRoute(pools: PoolManager, to: Destination, settings: RouteSettings): Route | Promise<Route> {
  try {
    return routeNow(pools, to, settings)
  } catch (error) {
    if (fileOf(error) === undefined) throw error
    return retryWhileBeingWritten(() => routeNow(pools, to, settings))
  }
}

function routeNow(pools: PoolManager, { target: url, headers }: Destination, settings: RouteSettings): Route {
  const { cert, proxy } = settings
  const origin = new Origin(url)
  const connectTo = pools.connectTo.find(origin)
  if (connectTo && proxy) throw notThroughProxy(origin, connectTo)
  if (url.protocol !== 'https:') {
    if (cert) assertClientCertExists(cert)
    const pool = connectTo ? pools.plain({ origin, proxy, connectTo }) : plainPool(pools, url, settings)
    return { pool, trust: undefined, identity: undefined, proxy, proxyTrust: undefined }
  }
  const trust = resolveTrust(settings.trust)
  publish(() => ({ event: 'resolved', origin: url.origin, verified: trust.verified, trust: trust.info }))
  const identity = cert && resolveClientCert(cert)
  const authorization = proxy?.authorization ?? headers.get('Proxy-Authorization')
  const tunnel = proxy && (isSocks(proxy) ? proxy : { ...proxy, authorization })
  const proxyTrust = tunnel?.url.protocol === 'https:' ? resolveTrust(trustForProxy(settings.trust)) : undefined
  const spec = { origin, connectTo, trust, identity, proxy: tunnel, proxyTrust }
  return { pool: pools.secure(spec), trust, identity, proxy: tunnel, proxyTrust }
}

/** The pool for plain http: to the origin, or to the proxy that forwards requests and is verified if it uses TLS. */
function plainPool(pools: PoolManager, url: URL, { proxy, trust }: RouteSettings): ConnectionPool {
  const direct = { proxy: undefined, connectTo: undefined }
  if (proxy === undefined) return pools.plain({ ...direct, origin: new Origin(url) })
  if (isSocks(proxy)) return pools.plain({ ...direct, origin: new Origin(url), proxy })
  const origin = new Origin(proxy.url)
  if (proxy.url.protocol === 'http:') return pools.plain({ ...direct, origin })
  const proxyTrust = resolveTrust(trustForProxy(trust))
  return pools.secure({ ...direct, origin, trust: proxyTrust, identity: undefined, proxyTrust: undefined })
}
