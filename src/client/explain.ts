/** `explain`: performs a TLS handshake as a request would, and reports why the server is trusted or not. */
import type { X509Certificate } from 'node:crypto'
import { authorityOf, serverAddress } from '../core/address.ts'
import { redactUrl } from '../core/credentials.ts'
import { InvalidSchema, ProxyError, SSLError } from '../core/errors.ts'
import { checkFlag, optionNames, ownOptions } from '../core/options.ts'
import { adviceForScheme, parseService, type Service } from '../core/service.ts'
import type { TrustInfo } from '../core/trust-info.ts'
import { Explanation } from '../diagnose/explanation.ts'
import * as say from '../diagnose/texts.ts'
import { prepareUrl } from '../http/url.ts'
import type { TimeoutLimits } from '../transport/adapter.ts'
import { readBanner, speakerOf } from '../transport/banner.ts'
import { ConnectTo, type ConnectToInit } from '../transport/connect-to.ts'
import { Origin } from '../transport/origin.ts'
import { type Probed, probe } from '../transport/probe.ts'
import { type ProxiesInit, proxyFor, proxyForService } from '../transport/proxies.ts'
import type { ClientCert } from '../trust/client-cert.ts'
import { type Trust, trustedCertificates, type Verify } from '../trust/verify.ts'
import { type Completion, completeChain } from './complete-chain.ts'
import { requestSettings, SESSION_DEFAULTS, type TimeoutInit } from './settings.ts'

/** Options of `explain`: those of a request that affect trust. */
export interface ExplainOptions {
  /** What to trust, as for a request. Default: the environment's bundle, else the default roots. */
  verify?: Verify | null | undefined
  /** The client certificate. */
  cert?: ClientCert | null | undefined
  /** The proxies to go through, as for a request. Default: the environment's. */
  proxies?: ProxiesInit | null | undefined
  /** Whether to read the environment. Default: `true` */
  trustEnv?: boolean | undefined
  /** In ms, to connect. Default: 10,000 */
  timeout?: TimeoutInit | null | undefined
  /** Other addresses to connect to, by host: `{ 'db.corp': '127.0.0.1:8443' }`. Default: none */
  connectTo?: ConnectToInit | null | undefined
  /**
   * Whether to fetch intermediate certificates that the server does not send from the `http:` addresses in its certificate, to say
   * with certainty whether they complete the chain. They are never trusted. Default: `false`
   */
  fetchIntermediates?: boolean | null | undefined
}

/** See `explain` in `api.ts`. */
export async function explain(url: string | URL, options: ExplainOptions = {}): Promise<Explanation> {
  const call = ownOptions(options, 'explain', EXPLAIN_OPTIONS)
  const { trustEnv = true, timeout = 10_000 } = call
  const isFetching = checkFlag('explain: fetchIntermediates', call.fetchIntermediates) ?? false
  const connectTo = new ConnectTo(call.connectTo)
  const service = parseService(url)
  const target = service?.target ?? httpsTarget(url)
  const address = { ...serverAddress(target), service }
  let trust: TrustInfo = { source: 'call', certificates: 0 }
  let findSpeaker: (() => Promise<Finding | undefined>) | undefined
  let verifyAgain: ((failure: SSLError) => Promise<Completion>) | undefined
  try {
    const settings = requestSettings(
      { ...SESSION_DEFAULTS, trustEnv, timeout },
      { verify: call.verify, cert: call.cert, proxies: call.proxies },
    )
    trust = trustBefore(settings.trust)
    const { proxyRules } = settings
    const proxy = service ? proxyForService(service, proxyRules) : proxyFor(target, proxyRules)
    const limits = handshakeLimits(settings.timeout)
    const handshake = (by: Trust) =>
      probe(target, { ...settings, proxy, trust: by, timeout: limits }, { service, connectTo })
    if (!service && !proxy) findSpeaker = () => whatSpeaks(target, connectTo)
    if (isFetching) verifyAgain = (failure) => completeChain(failure, settings, handshake)
    return trusted(address, await handshake(settings.trust))
  } catch (error) {
    // The certificate of an https proxy may be the one that is not trusted.
    const failure = error instanceof ProxyError ? error.cause : error
    if (!(failure instanceof SSLError)) throw error
    if (failure !== error) return refused({ ...address, service: undefined, trust }, failure)
    if (failure.reason === 'not-tls' && findSpeaker) return refused({ ...address, trust }, failure, await findSpeaker())
    return refused({ ...address, trust }, failure, await verifyAgain?.(failure))
  }
}

/** What was found out about a server after it was refused. */
interface Finding extends Partial<Completion> {
  /** In place of those of the error. */
  readonly ways?: readonly string[]
}

/** What listens on a port that does not speak TLS, by what it says first; nothing is sent. */
async function whatSpeaks(target: URL, connectTo: ConnectTo): Promise<Finding> {
  const address = serverAddress(target)
  const speaker = speakerOf(await readBanner(connectTo.find(new Origin(target)) ?? address))
  if (speaker === undefined) return { ways: [say.MAYBE_HTTP] }
  const { protocol, scheme } = speaker
  const service = scheme === undefined ? undefined : parseService(`${scheme}://${authorityOf(address)}`)
  const check = service && say.checkService({ ...address, service })
  return { findings: [say.speaks(protocol)], ways: [say.CHECK_PORT, ...(check === undefined ? [] : [check])] }
}

/** A handshake has no more than a connection: `total` limits it as `connect` does. */
function handshakeLimits(timeout: TimeoutLimits): TimeoutLimits {
  const limits = [timeout.connect, timeout.total].filter((limit) => limit !== undefined)
  return limits.length === 0 ? timeout : { ...timeout, connect: Math.min(...limits) }
}

function httpsTarget(url: string | URL): URL {
  const target = prepareUrl(url)
  const { protocol } = target
  if (protocol === 'https:') return target
  if (protocol === 'http:')
    throw new InvalidSchema(`only https servers are verified: there is nothing to explain about ${redactUrl(url)}`)
  throw new InvalidSchema(`there is nothing to explain about a server of ${protocol}//: ${adviceForScheme(protocol)}`)
}

interface Address {
  readonly host: string
  readonly port: number
  readonly service: Service | undefined
}

function trusted(address: Address, { chain, protocol, cipher, trust }: Probed): Explanation {
  const anchor = trust.pins ? chain[0] : trust.verified ? anchorOf(chain, trustedCertificates(trust)) : undefined
  const path = trust.set?.parts.find(({ value }) => value.some(({ certificate }) => certificate === anchor))?.path
  return new Explanation({
    ...address,
    reason: null,
    summary: trust.pins
      ? 'the certificate matches a pin'
      : trust.verified
        ? 'the certificate is trusted'
        : 'nothing was verified (verify: false)',
    chain,
    anchor: anchor && { certificate: anchor, path },
    trust: trust.info,
    hints: trust.verified ? [] : ["name what to trust: verify: 'FILE.pem'"],
    protocol,
    cipher,
  })
}

function refused(about: Address & { trust: TrustInfo }, error: SSLError, finding?: Finding): Explanation {
  const { intermediates = [], anchor, findings = [], hints = [], ways = error.hints } = finding ?? {}
  const isComplete = intermediates.length > 0
  return new Explanation({
    reason: isComplete ? 'missing-intermediate' : error.reason,
    // Without the server, which is a property of its own.
    summary: error.summary.replace(/ \([^()]*:\d+(?: via proxy [^()]*)?\)$/, ''),
    host: error.host ?? about.host,
    port: error.port ?? about.port,
    service: about.service,
    chain: error.chain,
    failing: error.failing,
    trust: error.trust ?? about.trust,
    intermediates,
    anchor: anchor && { certificate: anchor, path: undefined },
    // What was verified takes the place of the guess.
    findings: unique([...(isComplete ? [] : error.findings), ...findings]),
    hints: unique([...hints, ...ways]),
  })
}

/** What is known of the trust before the trusted files are read. */
function trustBefore(trust: Trust): TrustInfo {
  const { source } = trust
  if (trust.kind === 'pins') return { source, certificates: 0, pins: trust.pins.size }
  const path = trust.kind === 'bundle' ? trust.bundle.path : undefined
  return path === undefined ? { source, certificates: 0 } : { source, path, certificates: 0 }
}

/** The trust anchor of a chain: the first certificate that is trusted itself, else the first trusted issuer. */
function anchorOf(chain: readonly X509Certificate[], anchors: readonly X509Certificate[]): X509Certificate | undefined {
  for (const certificate of chain) {
    const same = anchors.find(({ raw }) => raw.equals(certificate.raw))
    if (same) return same
  }
  for (const certificate of chain) {
    const issuer = anchors.find((anchor) => certificate.checkIssued(anchor) && certificate.verify(anchor.publicKey))
    if (issuer) return issuer
  }
  return undefined
}

const unique = (texts: readonly string[]): string[] => [...new Set(texts)]

const EXPLAIN_OPTIONS = optionNames<ExplainOptions>({
  verify: true,
  cert: true,
  proxies: true,
  trustEnv: true,
  timeout: true,
  connectTo: true,
  fetchIntermediates: true,
})
