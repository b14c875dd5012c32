/**
 * Trust settings for other clients: `tlsOptions` for TLS connections, `trustedAgent` for clients that accept an agent.
 */
import type { Agent } from 'node:https'
import type { SecureContext } from 'node:tls'
import { processEnvironment } from '../core/environment.ts'
import { optionNames, ownOptions } from '../core/options.ts'
import { snapshot } from '../core/snapshot.ts'
import { warnInsecure } from '../core/warnings.ts'
import { tlsSettings } from '../transport/agents.ts'
import { checkProxies, type ProxyServer, proxyFor } from '../transport/proxies.ts'
import { TrustedAgent } from '../transport/trusted-agent.ts'
import { type ClientCert, toClientCertSource } from '../trust/client-cert.ts'
import { resolveClientCert } from '../trust/client-identity.ts'
import { resolveTrust, resolveVerify, type Trust, type Verify } from '../trust/verify.ts'
import type { checkServerIdentity } from '../x509/hostname.ts'

/** Options of {@link tlsOptions}. */
export interface TlsOptionsInit {
  /** The client certificate. */
  cert?: ClientCert | null | undefined
}

/** The result of {@link tlsOptions}; pass all three properties. */
export interface TrustedTlsOptions {
  readonly secureContext: SecureContext
  readonly rejectUnauthorized: boolean
  /** `(host, certificate) => Error | undefined` */
  readonly checkServerIdentity: typeof checkServerIdentity
}

/** Options of {@link trustedAgent}. */
export interface TrustedAgentOptions {
  /** What to trust, as for a request. Default: the environment's bundle, else the default roots. */
  verify?: Verify | null | undefined
  /** The client certificate. */
  cert?: ClientCert | null | undefined
  /**
   * The proxy to go through: an http, https or SOCKS URL, with credentials if it requires them; `true`: the environment's for each
   * request (`HTTPS_PROXY`, `NO_PROXY` …), as for requests of vouch. Default: none.
   */
  proxy?: string | URL | true | null | undefined
}

/**
 * TLS options for `tls.connect`, undici's `connect`, `ws` and other clients that pass their options to Node's TLS. Files
 * are read once; call it again after they have changed.
 *
 * Do not use them with a shared `https.Agent`, whose pool ignores the context: use {@link trustedAgent}.
 *
 * @param verify as for a request; `undefined` and `true`: the environment's bundle, else the default roots
 * @throws CABundleError, ClientCertError when a file cannot be used; TypeError for a wrong value, and for pins: use
 *   {@link trustedAgent} for them
 *
 * @example
 * const socket = tls.connect({ host: 'db.example', port: 5432, servername: 'db.example', ...tlsOptions('company-ca.pem') })
 * const dispatcher = new Agent({ connect: tlsOptions('company-ca.pem') }) // of undici
 */
export function tlsOptions(verify?: Verify | null, options: TlsOptionsInit = {}): TrustedTlsOptions {
  const { cert } = ownOptions(options, 'tlsOptions', TLS_OPTIONS)
  const trust = resolveTrust(trustOf(verify))
  if (trust.pins) {
    throw new TypeError('tlsOptions cannot verify by a pin, which takes two connections: use trustedAgent({ verify })')
  }
  if (!trust.verified) warnInsecure('any that tlsOptions(false) is used for')
  const identity = cert === undefined || cert === null ? undefined : resolveClientCert(toClientCertSource(cert))
  const { secureContext, rejectUnauthorized, checkServerIdentity } = tlsSettings(trust, identity)
  return { secureContext, rejectUnauthorized, checkServerIdentity }
}

/**
 * An agent for `https.get`, got, axios, node-fetch and other clients that accept one: servers are verified, and connections
 * pooled, as in a session. Files are checked for changes before each request.
 *
 * The agent ignores `ca`, `rejectUnauthorized` and `checkServerIdentity` of a request, and verifies the host of the URL.
 * If a trust file cannot be used, the request emits the error. `agent.destroy()` closes its connections.
 *
 * @throws TypeError for an unknown option or a wrong value, InvalidProxyURL for a proxy that cannot be used
 *
 * @example
 * const agent = trustedAgent({ verify: 'company-ca.pem' })
 * await got(url, { agent: { https: agent } })
 * await axios.get(url, { httpsAgent: agent })
 */
export function trustedAgent(options: TrustedAgentOptions = {}): Agent {
  const { verify, cert, proxy } = snapshot(ownOptions(options, 'trustedAgent', AGENT_OPTIONS))
  // Report wrong values here, not at the first request.
  trustOf(verify)
  const client = cert === undefined || cert === null ? undefined : toClientCertSource(cert)
  const through = proxy === true ? environmentProxy : fixedProxy(proxy)
  return new TrustedAgent((target) => ({ trust: trustOf(verify), cert: client, proxy: through(target) }))
}

function environmentProxy(target: URL): ProxyServer | undefined {
  return proxyFor(target, { ...NO_PROXIES, env: processEnvironment() })
}

/** @throws TypeError or InvalidProxyURL at once */
function fixedProxy(proxy: string | URL | null | undefined): () => ProxyServer | undefined {
  const found = proxyFor(ANY, { ...NO_PROXIES, call: checkProxies({ all: proxy }) })
  return () => found
}

/** As for a request of a session without options. */
function trustOf(verify: Verify | null | undefined): Trust {
  return resolveVerify(verify, { verify: true, trustEnv: true }, processEnvironment())
}

const ANY = new URL('https://localhost')
const NO_PROXIES = { call: undefined, session: undefined, env: undefined, envOverSession: true }
const TLS_OPTIONS = optionNames<TlsOptionsInit>({ cert: true })
const AGENT_OPTIONS = optionNames<TrustedAgentOptions>({ verify: true, cert: true, proxy: true })
