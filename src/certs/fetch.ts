/** `fetchCert`: the certificates that a server presents, unverified. */
import type { X509Certificate } from 'node:crypto'
import { isIP, type Socket } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import { authorityOf, withoutBrackets } from '../core/address.ts'
import { redactUrl } from '../core/credentials.ts'
import { environmentOf, processEnvironment } from '../core/environment.ts'
import {
  ConnectionError,
  ConnectTimeout,
  InvalidSchema,
  InvalidURL,
  RequestException,
  SSLError,
} from '../core/errors.ts'
import { checkTimeLimit, optionNames, ownOptions } from '../core/options.ts'
import { checkProxies, type ProxiesInit, type ProxyServer, proxyFor } from '../transport/proxies.ts'
import { resolveTrust, resolveVerify } from '../trust/verify.ts'
import { type CertificateInfo, describeCertificate } from '../x509/certificate-info.ts'

/** Options of {@link fetchCert}. */
export interface FetchCertOptions {
  /** Limit for DNS, TCP, the proxy and TLS together, in ms. Default: 10,000. */
  timeout?: number | undefined
  /** The server name to send (SNI), if it differs from the URL's host. */
  servername?: string | undefined
  /** The proxies to use, as for a request. Default: the environment's. */
  proxies?: ProxiesInit | null | undefined
  /** Whether to use the environment's proxies, and its bundle to verify an https proxy. Default: `true`. */
  trustEnv?: boolean | undefined
}

/**
 * Fetches the chain that a server presents, its own certificate first, to inspect or save. Only a handshake is made; no
 * request is sent.
 *
 * **Nothing is verified**: an attacker in the network path can present another certificate. Before you trust the
 * certificate, compare its `fingerprint` out of band with the server's owner, who can print it with
 * `openssl x509 -noout -fingerprint -sha256 -in cert.pem`.
 *
 * @param url `https://host:port`, or `host:port`; the port is 443 by default
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
  const { host, port } = addressOf(url)
  const proxy = proxyFor(new URL(`https://${authorityOf({ host, port })}`), {
    call: checkProxies(own.proxies),
    session: undefined,
    env: environmentOf(trustEnv),
    envOverSession: true,
  })
  const servername = own.servername ?? (isIP(host) === 0 ? host.replace(/\.$/, '') : '')
  if (typeof servername !== 'string') throw new TypeError(`servername must be a string, not ${typeof servername}`)
  const limit = new AbortController()
  const timer = setTimeout(() => {
    limit.abort(new ConnectTimeout(`${authorityOf({ host, port })} did not present a certificate within ${timeout} ms`))
  }, timeout)
  const [first, ...others] = await presentedBy({ host, port, servername, proxy, trustEnv }, limit.signal).finally(() =>
    clearTimeout(timer),
  )
  if (first === undefined)
    throw new SSLError(`${authorityOf({ host, port })} presents no certificate`, { reason: 'other', host, port })
  return [describeCertificate(first), ...others.map(describeCertificate)]
}

interface Server {
  readonly host: string
  readonly port: number
  readonly servername: string
  readonly proxy: ProxyServer | undefined
  readonly trustEnv: boolean
}

async function presentedBy(server: Server, limit: AbortSignal): Promise<X509Certificate[]> {
  const { host, port, servername } = server
  const tunnel = await openTunnelTo(server, limit)
  limit.throwIfAborted()
  return new Promise((resolve, reject) => {
    // Old protocol versions and weak keys are accepted: nothing is verified, and nothing is sent.
    // vouch-audit: only a handshake is made, and what it presents is reported as unverified
    const lenient = { rejectUnauthorized: false, minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
    const socket = connect({
      path: undefined,
      ...(tunnel ? { socket: tunnel } : { host, port }),
      servername,
      ...lenient,
    })
    limit.addEventListener('abort', () => socket.destroy(limit.reason))
    // The chain is read now: a server that requires a client certificate is about to abort the connection.
    socket.once('secureConnect', () => {
      resolve(sentChain(socket))
      // After the last flight is written, so that the server sees a complete handshake.
      socket.destroySoon()
    })
    socket.once('error', (error) => {
      const chain = sentChain(socket)
      if (chain.length > 0) resolve(chain)
      // `resolve` with a promise, so that 'close' cannot reject first.
      else resolve(rejectMapped(error, host, port))
    })
    socket.once('close', () => {
      reject(new ConnectionError(`${authorityOf({ host, port })} closed the connection during the handshake`))
    })
  })
}

/** The tunnel through the proxy, if there is one; the transport's files for it are loaded only then. */
async function openTunnelTo({ host, port, proxy, trustEnv }: Server, limit: AbortSignal): Promise<Socket | undefined> {
  if (proxy === undefined) return undefined
  const [{ openTunnel }, { tlsSettings }] = await Promise.all([
    import('../transport/tunnels.ts'),
    import('../transport/agents.ts'),
  ])
  limit.throwIfAborted()
  return new Promise((resolve, reject) => {
    // The proxy's certificate is verified, unlike the server's, since the proxy receives credentials.
    const trust = resolveVerify(undefined, { verify: true, trustEnv }, processEnvironment())
    const tls = () => tlsSettings(resolveTrust(trust), undefined)
    const authority = authorityOf({ host, port })
    const attempt = openTunnel({ proxy, authority, tls, connectTimeout: undefined }, (error, socket) => {
      if (error) reject(error)
      else resolve(socket)
    })
    limit.addEventListener('abort', () => attempt.destroy(limit.reason))
  })
}

/** The certificates that the server sent: without verification, `issuerCertificate` links no trusted ones. */
function sentChain(socket: TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = []
  let certificate = socket.getPeerX509Certificate()
  while (certificate && !chain.some(({ raw }) => raw.equals(certificate?.raw ?? raw))) {
    chain.push(certificate)
    certificate = certificate.issuerCertificate
  }
  return chain
}

/** Rejects with the error of vouch for a failed handshake. What maps it is loaded only then. */
async function rejectMapped(error: Error & { code?: string }, host: string, port: number): Promise<never> {
  if (error instanceof RequestException) throw error
  const { mapOpenSSLError } = await import('../transport/map-error.ts')
  const mapped = mapOpenSSLError(error, { host, port, chain: [], trust: undefined })
  if (mapped) throw mapped
  const { code, message } = error
  throw new ConnectionError(`no connection to ${authorityOf({ host, port })}: ${message}`, { code, cause: error })
}

function addressOf(given: string | URL): { host: string; port: number } {
  if (typeof given !== 'string' && !(given instanceof URL))
    throw new InvalidURL(`a URL must be a string, not ${typeof given}`)
  const text = String(given)
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`
  const url = URL.parse(full)
  if (url === null) throw new InvalidURL(`not a URL or host: '${redactUrl(text)}'`)
  const { protocol, hostname, port } = url
  if (protocol !== 'https:') {
    const meant = redactUrl(`https://${hostname}${port && `:${port}`}`)
    throw new InvalidSchema(`only https servers present a certificate here, not ${protocol}//: try ${meant}`)
  }
  return { host: withoutBrackets(hostname), port: port === '' ? 443 : Number(port) }
}

const DEFAULT_TIMEOUT_MS = 10_000

const FETCH_OPTIONS = optionNames<FetchCertOptions>({
  timeout: true,
  servername: true,
  proxies: true,
  trustEnv: true,
})
