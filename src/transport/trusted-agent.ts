/** The agent for other HTTP clients: it provides connections as an adapter does. */
import type http from 'node:http'
import https from 'node:https'
import { isIP } from 'node:net'
import { domainToUnicode } from 'node:url'
import { hostInUrl, serverAddress } from '../core/address.ts'
import { displayName, hasKeyAsHost } from '../core/credentials.ts'
import { toError } from '../core/error-code.ts'
import { warnInsecure } from '../core/warnings.ts'
import { HeaderMap } from '../http/headers.ts'
import type { ConnectionOptions } from './connection.ts'
import { PoolManager } from './pool-manager.ts'
import { findRoute, type Route, type RouteSettings } from './route.ts'

export class TrustedAgent extends https.Agent {
  readonly #pools = new PoolManager(SIZES)
  readonly #settings: (target: URL) => RouteSettings

  /** @param settings called for each request, with its URL */
  constructor(settings: (target: URL) => RouteSettings) {
    super({ keepAlive: true })
    this.#settings = settings
  }

  /** Node calls this for each request that uses this agent. */
  addRequest(request: http.ClientRequest, options: ConnectionOptions): void {
    // An error before there is a socket: `request.destroy` alone would emit nothing.
    const fail = (error: Error) => (request as unknown as NodeRequest).onSocket(null, error)
    try {
      const target = targetOf(options)
      const route = findRoute(this.#pools, { target, headers: NO_HEADERS }, this.#settings(target))
      const go = ({ pool, trust }: Route) => {
        if (request.destroyed) return fail(new Error('the request was aborted'))
        if (trust?.verified === false) warnInsecure(target.hostname)
        if (pool.delaysConnections) {
          onAbortBeforeSocket(request, (reason) => pool.abort(request, reason))
          emitTimeoutBeforeSocket(request)
        }
        pool.agent.addRequest(request, { ...options, ...serverAddress(target) })
      }
      if (route instanceof Promise) route.then(go).catch(fail)
      else go(route)
    } catch (error) {
      fail(toError(error))
    }
  }

  /** Connections belong to pools; one made here would have neither the trust nor the proxy. */
  override createConnection(): never {
    throw new TypeError('a trustedAgent makes connections for requests only: use tlsOptions for tls.connect')
  }

  /** Closes every connection, those in use as well. The agent can be used again. */
  override destroy(): void {
    this.#pools.close()
    super.destroy()
  }
}

interface NodeRequest {
  onSocket(socket: null, error: Error): void
}

/**
 * Calls `listener` if a request is destroyed before it has a socket. Node emits nothing in that case until the agent provides a
 * socket or an error. The only way to notice it in a request of foreign code is to replace the method.
 */
function onAbortBeforeSocket(request: http.ClientRequest, listener: (reason: Error | undefined) => void): void {
  const destroy = request.destroy.bind(request)
  request.destroy = (error) => {
    const isEarly = !request.destroyed && request.socket === null
    destroy(error)
    if (isEarly) listener(error)
    return request
  }
}

/**
 * Starts the timeout of a request, by the option or by `setTimeout`, while it has no socket. Node starts it with the socket, which
 * a proxy that is silent would put off without end.
 */
function emitTimeoutBeforeSocket(request: http.ClientRequest & { timeout?: number | undefined }): void {
  let timer: NodeJS.Timeout | undefined
  const start = (ms: number | undefined) => {
    clearTimeout(timer)
    if (ms) timer = setTimeout(() => request.emit('timeout'), ms).unref()
  }
  const stop = () => clearTimeout(timer)
  const setRequestTimeout = request.setTimeout.bind(request)
  request.setTimeout = (ms, callback) => {
    setRequestTimeout(ms, callback)
    if (request.socket === null && !request.destroyed) start(ms)
    return request
  }
  request.once('socket', stop).once('close', stop)
  start(request.timeout)
}

/** As many idle connections as Node's agents keep. */
const SIZES = { poolConnections: undefined, poolMaxsize: 256, poolBlock: false, keepAliveTimeout: 30_000 }
const NO_HEADERS = new HeaderMap()

/** @throws TypeError for no host name or port, or if the server is to be verified by another name than the host of the URL */
function targetOf({ host, port = 443, servername, socketPath }: ConnectionOptions & { socketPath?: string }): URL {
  if (socketPath) throw new TypeError('a trustedAgent connects to hosts, not to Unix sockets')
  const target = isPort(port) ? urlOf(host, port) : undefined
  if (target === undefined) {
    throw new TypeError(`not a host name and port: '${displayName(String(host))}', '${displayName(String(port))}'`)
  }
  if (servername && servername !== serverAddress(target).servername) {
    const given = displayName(servername)
    throw new TypeError(
      `servername '${given}' is not the host of the URL, '${host}', which a trustedAgent verifies: use tlsOptions`,
    )
  }
  return target
}

function isPort(port: unknown): port is string | number {
  return /^\d{1,5}$/.test(String(port)) && Number(port) <= 65_535
}

/** `undefined` if the URL would have another host: for `x@localhost`, `localhost/.example.com` or `%6cocalhost`. */
function urlOf(host: unknown, port: string | number): URL | undefined {
  if (typeof host !== 'string') return undefined
  const url = URL.parse(`https://${hostInUrl(host)}:${port}`)
  if (url === null || hasKeyAsHost(host)) return undefined
  const name = host.toLowerCase()
  const isSame = isIP(host) !== 0 || url.hostname === name || domainToUnicode(url.hostname) === name.normalize('NFC')
  return isSame ? url : undefined
}
