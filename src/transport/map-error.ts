/** Maps errors of got, Node and OpenSSL to errors of vouch, by code, since messages change. */
import type { X509Certificate } from 'node:crypto'
import { authorityOf, serverAddress } from '../core/address.ts'
import {
  ChunkedEncodingError,
  ConnectionError,
  ConnectTimeout,
  ContentDecodingError,
  InvalidHeader,
  ProxyError,
  ReadTimeout,
  type RequestException,
  SSLError,
  Timeout,
} from '../core/errors.ts'
import { printable } from '../core/printable.ts'
import type { Service } from '../core/service.ts'
import { diagnose } from '../diagnose/diagnosis.ts'
import { closedReason } from '../diagnose/handshakes.ts'
import { reasonFor } from '../diagnose/reasons.ts'
import { reportOf } from '../diagnose/report.ts'
import { silenceHint } from '../diagnose/service-hints.ts'
import type { ResolvedTrust } from '../trust/verify.ts'
import { describeParserError, isOfTls, isParserError, parserAdvice } from './parser-errors.ts'
import { InternalConnectTimeout, InternalReadTimeout, InternalTotalTimeout } from './time-limits.ts'
import { elsewhereHints, evidenceOf } from './trust-elsewhere.ts'

/** Where an error happened. */
export interface ErrorContext {
  readonly host: string
  readonly port: number
  /** The server, if its protocol is not https. */
  readonly service?: Service | undefined
  /** What was presented, the server's own certificate first; empty if the handshake failed before. */
  readonly chain: readonly X509Certificate[]
  readonly trust: ResolvedTrust | undefined
  /** The proxy that forwards a plain http request: the connection was made to it. */
  readonly forwardedBy?: URL | undefined
  /** The proxy that the request goes through, by forwarding or by a tunnel. */
  readonly through?: URL | undefined
  /** Whether the lenient parser was used; `undefined`: the connection carries no request. */
  readonly lenient?: boolean | undefined
  /** Whether the connection has received data, of this response or of an earlier one. */
  readonly hasReceived?: boolean | undefined
  /** The client certificate that was presented on a new connection, safe to print. */
  readonly client?: string | undefined
}

/** An error of Node or got. */
interface TransportError extends Error {
  code?: string
  syscall?: string
}

/** Maps an error from before the response: DNS, TCP, TLS, sending, waiting. */
export function mapRequestError(error: TransportError, context: ErrorContext): RequestException {
  const { forwardedBy } = context
  const timeout = mapTimeout(error, context)
  if (timeout) return timeout
  if (forwardedBy === undefined) return mapTlsError(error, context) ?? mapConnectionError(error, context)
  const { code = '' } = error
  const proxyFailed = NOT_CONNECTED.has(code) || isClosedInHandshake(error) || reasonFor(error) !== undefined
  return proxyFailed ? mapProxyError(error, forwardedBy, context) : mapConnectionError(error, context)
}

/** Maps an error of the connection to a proxy; a TLS error becomes its cause. */
export function mapProxyError(
  error: TransportError,
  proxy: URL,
  { chain = [], trust, hasReceived }: Partial<Pick<ErrorContext, 'chain' | 'trust' | 'hasReceived'>> = {},
): ProxyError {
  const cause = mapTlsError(error, { ...serverAddress(proxy), chain, trust })
  const problem = cause?.summary ?? lostConnection(error, hasReceived) ?? problemOf(error)
  const hint =
    cause?.reason === 'not-tls'
      ? '; your proxy appears to only use HTTP and not HTTPS: write http:// in its URL'
      : proxyTlsAdvice(error, proxy, hasReceived)
  const message = `Unable to connect to proxy ${proxy.host}: ${problem}${hint}`
  return new ProxyError(message, { code: error.code, cause: cause ?? error })
}

/** Maps an error from reading the body. */
export function mapBodyError(error: TransportError, context: ErrorContext): RequestException {
  const timeout = mapTimeout(error, context)
  if (timeout) return timeout
  const { code = '' } = error
  const options = { code: code === '' ? undefined : code, cause: error }
  if (DECODING.test(code)) {
    return new ContentDecodingError(
      `the response of ${authorityOf(context)} could not be decompressed as its Content-Encoding says: ${printable(error.message)}`,
      options,
    )
  }
  // A TLS error mid-body means the data may have been tampered with: report SSLError, never a plain end of stream.
  if (code.startsWith('ERR_SSL_')) {
    const details = { ...detailsOf(error, context), reason: 'protocol' as const }
    return new SSLError(`TLS broke in the middle of the response of ${authorityOf(context)} (${code})`, details)
  }
  const problem = isParserError(error)
    ? `: ${problemOf(error)}${parserAdvice(error, context.lenient)}`
    : ` ended before its body was complete${context.lenient ? LENIENT_END : ''}`
  return new ChunkedEncodingError(`Connection broken: the response of ${authorityOf(context)}${problem}`, options)
}

/** Node's lenient parser waits for more if the last line of the last chunk is LF alone. */
const LENIENT_END = ', or the line of its last chunk ends in LF without CR'

/** zlib's codes (`Z_DATA_ERROR`, `ERR__ERROR_FORMAT_…` of Brotli, `ZSTD_error_…`). */
const DECODING = /^(?:Z_|ERR__ERROR_|ERR_BROTLI|ERR_ZSTD|ZSTD_error_|ERR_PADDING|ERR_TRAILING_JUNK)/

function mapTimeout(error: TransportError, context: ErrorContext): RequestException | undefined {
  const peer = `${authorityOf(context)}${via(context)}`
  if (error instanceof InternalConnectTimeout) {
    const hint = silenceHint(context.service)
    return new ConnectTimeout(
      `Connection to ${peer} timed out. (connect timeout=${limitInWords(error.limit)})${hint}`,
      {
        cause: error,
      },
    )
  }
  if (error instanceof InternalReadTimeout) {
    return error.connected
      ? new ReadTimeout(`Read from ${authorityOf(context)} timed out. (read timeout=${limitInWords(error.limit)})`, {
          cause: error,
        })
      : new ConnectTimeout(`Connection to ${peer} timed out. (no byte within ${limitInWords(error.limit)})`, {
          cause: error,
        })
  }
  if (error instanceof InternalTotalTimeout) {
    return new Timeout(`Request to ${authorityOf(context)} timed out. (total timeout=${error.limit} ms)`, {
      cause: error,
    })
  }
  return undefined
}

/** requests' limits are seconds: a few ms are a mistake, mostly. */
const limitInWords = (limit: number): string => `${limit} ms${limit < SUSPICIOUS_MS ? ': ms, not seconds?' : ''}`

const SUSPICIOUS_MS = 50

/** The peer of a connection, what it presented and what is trusted. */
type PeerContext = Pick<ErrorContext, 'host' | 'port' | 'service' | 'chain' | 'trust' | 'client' | 'through'>

/** Maps an error of TLS; `undefined` for any other. */
function mapTlsError(error: TransportError, context: PeerContext): SSLError | undefined {
  if (!isClosedInHandshake(error)) return mapOpenSSLError(error, context)
  const { chain, trust, client } = context
  const { reason, summary, hints } = closedReason(client)
  const details = reportOf({ reason, findings: [], hints }, chain, trust?.info)
  const message = `${summary} (${peerOf(context)})`
  return new SSLError(message, { ...detailsOf(error, context), reason, hints, details })
}

/** Maps an error that OpenSSL, or our check of host names, reports; `undefined` for any other. */
export function mapOpenSSLError(error: TransportError, context: PeerContext): SSLError | undefined {
  const row = reasonFor(error, context.client)
  if (row === undefined) return undefined
  const { host, port, service, chain, trust } = context
  // Our own host check names the host or address; the table has only the kind.
  const summary = row.reason === 'hostname-mismatch' ? `certificate verify failed: ${error.message}` : row.summary
  const evidence = { host, port, service, chain, ...evidenceOf(trust), pins: trust?.pins?.texts, now: Date.now() }
  const diagnosis = diagnose(row, evidence)
  const { reason, findings, failing } = diagnosis
  const hints = [...diagnosis.hints, ...elsewhereHints(diagnosis, evidence, trust)]
  const details = reportOf({ reason, findings, hints }, diagnosis.chain, trust?.info)
  const message = `${summary} (${peerOf(context)})`
  return new SSLError(message, {
    ...detailsOf(error, { ...context, chain: diagnosis.chain }),
    reason,
    findings,
    failing,
    hints,
    details,
  })
}

/** The server, and the proxy that the tunnel to it goes through. */
function peerOf(context: PeerContext): string {
  const { through } = context
  return through === undefined ? authorityOf(context) : `${authorityOf(context)} via proxy ${through.host}`
}

function detailsOf(error: TransportError, { host, port, chain, trust }: PeerContext) {
  return { code: error.code, cause: error, host, port, chain, trust: trust?.info }
}

/** Node's own error for an EOF before the handshake was done; the error of a reset has a syscall. */
function isClosedInHandshake(error: TransportError): boolean {
  return (
    error.code === 'ECONNRESET' && error.syscall === undefined && /before secure TLS connection/.test(error.message)
  )
}

function mapConnectionError(error: TransportError, context: ErrorContext): RequestException {
  const { code = '' } = error
  const problem = lostConnection(error, context.hasReceived) ?? problemOf(error)
  if (code === 'HPE_UNEXPECTED_CONTENT_LENGTH') {
    const advice = parserAdvice(error, context.lenient)
    return new InvalidHeader(
      `${authorityOf(context)} sent repeated, perhaps contradictory Content-Length headers${advice}`,
      { code, cause: error },
    )
  }
  const start = NOT_CONNECTED.has(code) ? 'Failed to establish a new connection to' : 'Connection aborted by'
  // Many servers send no TLS alert for a refused client certificate: they close the connection.
  const suspicion = BROKEN.has(code) && context.client ? `, maybe for its client certificate (${context.client})` : ''
  const message = `${start} ${authorityOf(context)}${via(context)}: ${problem}${suspicion}${dotAdvice(error, context)}${tlsAdvice(error, context)}${parserAdvice(error, context.lenient)}`
  return new ConnectionError(message, { code: code === '' ? undefined : code, cause: error })
}

/** A connection that was closed in the middle of a response. */
function lostConnection({ code }: TransportError, hasReceived: boolean | undefined): string | undefined {
  return code === 'ECONNRESET' && hasReceived ? 'the connection was closed without a complete response' : undefined
}

/** A name with a dot at its end is complete: it is in no hosts file, and gets no search domain. */
function dotAdvice({ code = '' }: TransportError, { host }: ErrorContext): string {
  return /^(?:ENOTFOUND|EAI_AGAIN)$/.test(code) && host.endsWith('.') ? '; try it without the dot at its end' : ''
}

/** A server of TLS closes the connection of a plain http request, or sends an alert. */
function tlsAdvice(error: TransportError, { trust, service, forwardedBy, hasReceived }: ErrorContext): string {
  if (forwardedBy) return proxyTlsAdvice(error, forwardedBy, hasReceived)
  if (trust !== undefined || service !== undefined) return ''
  if (isOfTls(error)) return ': write https://'
  return error.code === 'ECONNRESET' && !hasReceived ? '; if the server speaks TLS on this port, write https://' : ''
}

/** A proxy of TLS does the same. */
function proxyTlsAdvice(error: TransportError, { protocol }: URL, hasReceived: boolean | undefined): string {
  if (protocol !== 'http:') return ''
  if (isOfTls(error)) return ': write https:// in the URL of the proxy'
  return error.code === 'ECONNRESET' && !hasReceived ? `; ${MAYBE_TLS_PROXY}` : ''
}

/** For a proxy that may speak TLS. */
export const MAYBE_TLS_PROXY = 'if the proxy speaks TLS on this port, write https:// in its URL'

/** The problem in words. */
export function problemOf(error: TransportError): string {
  if (error instanceof AggregateError) return error.errors.map(describeAttempt).join('; ')
  // First, also for an error with words of its own here: it takes the received bytes out of the error.
  const parserProblem = isParserError(error) ? describeParserError(error) : undefined
  return PROBLEMS.get(error.code ?? '') ?? parserProblem ?? printable(error.message)
}

/** One of several addresses of a name. */
function describeAttempt(error: TransportError & { readonly address?: string }): string {
  const problem = error.code === 'ETIMEDOUT' ? 'no answer in time' : problemOf(error)
  return error.address === undefined ? problem : `${error.address}: ${problem}`
}

const PROBLEMS: ReadonlyMap<string, string> = new Map([
  ['ECONNREFUSED', 'connection refused: nothing listens there'],
  ['ENOTFOUND', 'the name does not resolve'],
  ['EAI_AGAIN', 'the name does not resolve now (DNS failed for the moment)'],
  ['EHOSTUNREACH', 'no route to the host'],
  ['ENETUNREACH', 'the network cannot be reached'],
  ['ETIMEDOUT', 'the operating system gave up waiting'],
  ['EADDRNOTAVAIL', 'no local address or port is free'],
  ['EMFILE', 'too many open files'],
  ['ECONNRESET', 'the connection was closed without a response'],
  ['EPIPE', 'the connection was closed while sending'],
  ['HPE_HEADER_OVERFLOW', 'the headers of the answer are larger than 256 KiB'],
])

/** Codes of an established connection that broke. */
export const BROKEN: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE'])

/** Codes of a connection that was never established: the server has received nothing of the request. */
export const NOT_CONNECTED: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'EADDRNOTAVAIL',
  'EMFILE',
])

const via = ({ through }: ErrorContext) => (through === undefined ? '' : ` through proxy ${through.host}`)
