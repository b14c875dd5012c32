/** `fetchCert`: the certificates that a server presents, unverified. */
import type { X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import { type ConnectionOptions, connect } from 'node:tls'
import { authorityOf, SOCKET_DEFAULTS, serverAddress } from '../core/address.ts'
import { hasKeyAsHost, KEY_AS_HOST, redactUrl } from '../core/credentials.ts'
import { environmentOf, processEnvironment } from '../core/environment.ts'
import {
  ConnectionError,
  ConnectTimeout,
  InvalidSchema,
  InvalidURL,
  RequestException,
  SSLError,
} from '../core/errors.ts'
import { checkTimeLimit, optionNames, ownOptions, ownProperties } from '../core/options.ts'
import { adviceForScheme, parseService, type Service } from '../core/service.ts'
import { silenceHint } from '../diagnose/service-hints.ts'
import type { ConnectAddress, ConnectToInit } from '../transport/connect-to.ts'
import { checkProxies, type ProxiesInit, type ProxyServer, proxyFor, proxyForService } from '../transport/proxies.ts'
import { resolveTrust, resolveVerify } from '../trust/verify.ts'
import { type CertificateInfo, describeCertificate } from '../x509/certificate-info.ts'
import { sentChain } from '../x509/sent-chain.ts'

/** Options of {@link fetchCert}. */
export interface FetchCertOptions {
  /** Limit for DNS, TCP, the proxy and TLS together, in ms. Default: 10,000. */
  timeout?: number | undefined
  /** The server name to send (SNI). Default: the URL's host. */
  servername?: string | undefined
  /** The proxies to use, as for a request. Default: the environment's. */
  proxies?: ProxiesInit | null | undefined
  /** Whether to use the environment's proxies, and its bundle to verify an https proxy. Default: `true`. */
  trustEnv?: boolean | undefined
  /** Other addresses to connect to, by host: `{ 'db.corp': '127.0.0.1:8443' }`. Default: none */
  connectTo?: ConnectToInit | null | undefined
}

/**
 * Fetches the chain that a server presents, its own certificate first, to inspect or save. Only a handshake is made; no
 * request is sent.
 *
 * **Nothing is verified**: an attacker in the network path can present another certificate. Before you trust the
 * certificate, compare its `fingerprint` out of band with the server's owner, who can print it with
 * `openssl x509 -noout -fingerprint -sha256 -in cert.pem`.
 *
 * @param url `https://host:port`, or `host:port`, or the URL of a server of another protocol, such as `postgres://host`: see
 *   `explain`
 * @throws InvalidURL, InvalidSchema for another URL, TypeError for a wrong option
 * @throws ConnectionError, ConnectTimeout if there is no connection, SSLError if the server does not speak TLS, ProxyError
 *   if a proxy refuses the connection, InvalidProxyURL
 *
 * @example
 * const [server] = await fetchCert('https://192.168.1.172:10330')
 * console.log(server.subject, server.fingerprint)
 * await writeFile('server.pem', server.pem) // after the fingerprint was compared
 */
export async function fetchCert(
  url: string | URL,
  options: FetchCertOptions = {},
): Promise<[CertificateInfo, ...CertificateInfo[]]> {
  const own = ownOptions(options, 'fetchCert', FETCH_OPTIONS)
  const timeout = checkTimeLimit('timeout', own.timeout ?? DEFAULT_TIMEOUT_MS)
  const { trustEnv = true } = own
  const service = parseService(url) ?? httpsServer(url)
  const server = serverAddress(service.target)
  const authority = authorityOf(server)
  const rules = {
    call: checkProxies(own.proxies),
    session: undefined,
    env: environmentOf(trustEnv),
    envOverSession: true,
  }
  const proxy = service.scheme === 'https' ? proxyFor(service.target, rules) : proxyForService(service, rules)
  const connectTo = own.connectTo ? await addressFor(service, own.connectTo, proxy) : undefined
  const { servername = server.servername } = own
  if (typeof servername !== 'string') throw new TypeError(`servername must be a string, not ${typeof servername}`)
  if (hasKeyAsHost(servername)) throw new TypeError(`servername: ${KEY_AS_HOST}`)
  const limit = new AbortController()
  const timer = setTimeout(() => {
    const hint = silenceHint(service)
    limit.abort(new ConnectTimeout(`${authority} did not present a certificate within ${timeout} ms${hint}`))
  }, timeout)
  const [first, ...others] = await presentedBy(
    { service, connectTo, servername, proxy, trustEnv },
    limit.signal,
  ).finally(() => clearTimeout(timer))
  if (first === undefined) {
    const { host, port } = server
    throw new SSLError(`${authority} presents no certificate`, { reason: 'other', host, port })
  }
  return [describeCertificate(first), ...others.map(describeCertificate)]
}

/** The address of `connectTo` for the server. The transport's file for it is loaded only then. */
async function addressFor(
  { target }: Service,
  init: ConnectToInit,
  proxy: ProxyServer | undefined,
): Promise<ConnectAddress | undefined> {
  const [{ ConnectTo, notThroughProxy }, { Origin }] = await Promise.all([
    import('../transport/connect-to.ts'),
    import('../transport/origin.ts'),
  ])
  const origin = new Origin(target)
  const address = new ConnectTo(init).find(origin)
  if (address && proxy) throw notThroughProxy(origin, address)
  return address
}

interface Server {
  readonly service: Service
  /** Where to connect to in place of the server's own address. */
  readonly connectTo: ConnectAddress | undefined
  readonly servername: string
  readonly proxy: ProxyServer | undefined
  readonly trustEnv: boolean
}

async function presentedBy(server: Server, limit: AbortSignal): Promise<X509Certificate[]> {
  const { service, servername } = server
  const { host, port } = serverAddress(service.target)
  let reached: Socket | undefined
  try {
    reached = await reach(server, limit)
    limit.throwIfAborted()
    return await handshake(
      { ...(reached ? { socket: reached } : { host, port, ...server.connectTo }), servername },
      limit,
    )
  } catch (error) {
    reached?.destroy()
    return rejectMapped(error as Error, service)
  }
}

/** Resolves to the chain that the server sends, whether or not it completes the handshake. */
function handshake(to: ConnectionOptions, limit: AbortSignal): Promise<X509Certificate[]> {
  return new Promise((resolve, reject) => {
    // Old protocol versions and weak keys are accepted: nothing is verified, and nothing is sent.
    // vouch-audit: only a handshake is made, and what it presents is reported as unverified
    const lenient = { rejectUnauthorized: false, minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
    // Own properties, since Node copies the options into an object that inherits from Object.prototype.
    const none = { ca: undefined, cert: undefined, key: undefined, pfx: undefined }
    const socket = connect(ownProperties({ ...SOCKET_DEFAULTS, ...to, ...none, ...lenient }))
    const abort = () => socket.destroy(limit.reason)
    limit.addEventListener('abort', abort)
    // The listeners stay, since more than one error may be emitted. The first call decides.
    socket.on('secureConnect', () => {
      // The chain is read now: a server that requires a client certificate is about to abort the connection.
      resolve(sentChain(socket))
      // After the last flight is written, so that the server sees a complete handshake.
      socket.destroySoon()
    })
    socket.on('error', (error) => {
      const chain = sentChain(socket)
      if (chain.length > 0) resolve(chain)
      else reject(error)
    })
    socket.on('close', () => {
      limit.removeEventListener('abort', abort)
      reject(Object.assign(new Error('the connection was closed during the handshake'), { code: 'ECONNRESET' }))
    })
  })
}

/**
 * The connection on which the handshake begins, if a proxy or the protocol leads to it; `undefined` if TLS connects by itself.
 * The transport is loaded only for that.
 */
async function reach({ service, connectTo, proxy, trustEnv }: Server, limit: AbortSignal): Promise<Socket | undefined> {
  if (proxy === undefined && service.startTls === undefined) return undefined
  const [{ connectService }, { tlsSettings }] = await Promise.all([
    import('../transport/service-connection.ts'),
    import('../transport/agents.ts'),
  ])
  // The server's certificate is not verified here; the proxy's is, since the proxy gets credentials.
  const trust = resolveVerify(undefined, { verify: true, trustEnv }, processEnvironment())
  return connectService(service, { proxy, connectTo, tls: () => tlsSettings(resolveTrust(trust), undefined) }, limit)
}

/** Rejects with the error of vouch for a failed connection or handshake. What maps it is loaded only then. */
async function rejectMapped(error: Error & { code?: string }, service: Service): Promise<never> {
  if (error instanceof RequestException) throw error
  const { mapOpenSSLError, problemOf } = await import('../transport/map-error.ts')
  const server = serverAddress(service.target)
  const other = service.scheme === 'https' ? undefined : service
  const mapped = mapOpenSSLError(error, { ...server, service: other, chain: [], trust: undefined })
  if (mapped) throw mapped
  const { code } = error
  throw new ConnectionError(`no connection to ${authorityOf(server)}: ${problemOf(error)}`, { code, cause: error })
}

/** The server of an `https:` URL, or of a host with or without a port. */
function httpsServer(given: string | URL): Service {
  if (typeof given !== 'string' && !(given instanceof URL))
    throw new InvalidURL(`a URL must be a string, not ${typeof given}`)
  const text = String(given)
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`
  const url = URL.parse(full)
  if (hasKeyAsHost(text)) throw new InvalidURL(`not a URL or host: '${redactUrl(text)}', ${KEY_AS_HOST}`)
  if (url === null) throw new InvalidURL(`not a URL or host: '${redactUrl(text)}'`)
  const { protocol, host } = url
  if (protocol === 'http:') {
    const meant = redactUrl(`https://${host}`)
    throw new InvalidSchema(`only https servers present a certificate here, not http://: try ${meant}`)
  }
  if (protocol !== 'https:')
    throw new InvalidSchema(`no certificate is fetched from a server of ${protocol}//: ${adviceForScheme(protocol)}`)
  return { scheme: 'https', protocol: 'HTTPS', origin: `https://${host}`, target: url, startTls: undefined }
}

const DEFAULT_TIMEOUT_MS = 10_000

const FETCH_OPTIONS = optionNames<FetchCertOptions>({
  timeout: true,
  servername: true,
  proxies: true,
  trustEnv: true,
  connectTo: true,
})
