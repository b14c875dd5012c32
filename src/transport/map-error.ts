/** Errors of got, Node and OpenSSL become errors of ours: on their code, never on a message that only people should read. */
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
import { diagnose } from '../diagnose/diagnosis.ts'
import { reasonFor } from '../diagnose/reasons.ts'
import { reportOf } from '../diagnose/report.ts'
import { type ResolvedTrust, trustedCertificates } from '../trust/verify.ts'
import { ConnectTimeLimit, ReadTimeLimit, TotalTimeLimit } from './time-limits.ts'

/** Where an error happened. */
export interface ErrorContext {
  readonly host: string
  readonly port: number
  /** What was presented, the server's own certificate first; empty when the handshake did not come that far. */
  readonly chain: readonly X509Certificate[]
  readonly trust: ResolvedTrust | undefined
  /** The proxy that forwards a plain http request: whom the connection was made to, then. */
  readonly forwardedBy?: URL | undefined
  /** The proxy that the request goes through, in one way or the other. */
  readonly through?: URL | undefined
  /** The client certificate that was given on a new connection, as it is called in messages. */
  readonly client?: string | undefined
}

/** An error of the transport, reduced to what decides. */
interface TransportError extends Error {
  code?: string
  syscall?: string
}

/** An error from before the response: DNS, TCP, TLS, sending, waiting. */
export function mapRequestError(error: TransportError, context: ErrorContext): RequestException {
  const { forwardedBy } = context
  const timeout = mapTimeout(error, context)
  if (timeout) return timeout
  if (forwardedBy === undefined) return mapTlsError(error, context) ?? mapConnectionError(error, context)
  const { code = '' } = error
  const proxyFailed = NOT_CONNECTED.has(code) || endedInHandshake(error) || reasonFor(error) !== undefined
  return proxyFailed ? mapProxyError(error, forwardedBy, context) : mapConnectionError(error, context)
}

/** An error of the connection to a proxy; one of its TLS side comes as the cause. */
export function mapProxyError(
  error: TransportError,
  proxy: URL,
  { chain = [], trust }: Partial<Pick<ErrorContext, 'chain' | 'trust'>> = {},
): ProxyError {
  const cause = mapTlsError(error, { ...serverAddress(proxy), chain, trust })
  const hint =
    cause?.reason === 'not-tls' ? '; your proxy appears to only use HTTP and not HTTPS: write http:// in its URL' : ''
  const message = `Unable to connect to proxy ${proxy.host}: ${cause?.summary ?? problemOf(error)}${hint}`
  return new ProxyError(message, { code: error.code, cause: cause ?? error })
}

/** An error from reading the body. */
export function mapBodyError(error: TransportError, context: ErrorContext): RequestException {
  const timeout = mapTimeout(error, context)
  if (timeout) return timeout
  const { code = '' } = error
  const options = { code: code === '' ? undefined : code, cause: error }
  if (DECODING.test(code)) {
    return new ContentDecodingError(
      `the response of ${authorityOf(context)} could not be decompressed as its Content-Encoding says: ${error.message}`,
      options,
    )
  }
  // What came is not what the server sent: nothing of it may be taken for an ordinary end.
  if (code.startsWith('ERR_SSL_')) {
    const { host, port, chain, trust } = context
    const details = { code, cause: error, reason: 'protocol' as const, host, port, chain, trust: trust?.info }
    return new SSLError(`TLS broke in the middle of the response of ${authorityOf(context)} (${code})`, details)
  }
  const problem = isParserError(error) ? `: ${problemOf(error)}` : ' ended before its body was complete'
  return new ChunkedEncodingError(`Connection broken: the response of ${authorityOf(context)}${problem}`, options)
}

/** zlib's codes (`Z_DATA_ERROR`, `ERR__ERROR_FORMAT_…` of Brotli, `ZSTD_error_…`). */
const DECODING = /^(?:Z_|ERR__ERROR_|ERR_BROTLI|ERR_ZSTD|ZSTD_error_|ERR_PADDING|ERR_TRAILING_JUNK)/

function mapTimeout(error: TransportError, context: ErrorContext): RequestException | undefined {
  const peer = `${authorityOf(context)}${via(context)}`
  if (error instanceof ConnectTimeLimit) {
    return new ConnectTimeout(`Connection to ${peer} timed out. (connect timeout=${error.limit} ms)`, { cause: error })
  }
  if (error instanceof ReadTimeLimit) {
    return error.connected
      ? new ReadTimeout(`Read from ${authorityOf(context)} timed out. (read timeout=${error.limit} ms)`, {
          cause: error,
        })
      : new ConnectTimeout(`Connection to ${peer} timed out. (no byte within ${error.limit} ms)`, { cause: error })
  }
  if (error instanceof TotalTimeLimit) {
    return new Timeout(`Request to ${authorityOf(context)} timed out. (total timeout=${error.limit} ms)`, {
      cause: error,
    })
  }
  return undefined
}

/** Whom a connection was made to, and what was presented and trusted there. */
type Peer = Pick<ErrorContext, 'host' | 'port' | 'chain' | 'trust' | 'client'>

function mapTlsError(error: TransportError, context: Peer): SSLError | undefined {
  const { host, port, chain, trust } = context
  const common = { code: error.code, cause: error, host, port, chain, trust: trust?.info }
  if (endedInHandshake(error)) {
    const message = `the server closed the connection during the TLS handshake (${authorityOf(context)})`
    const reason = 'protocol'
    const { client } = context
    const hints = [
      ENDED_EARLY,
      ...(client === undefined ? [] : [`or it does not accept the client certificate (${client})`]),
    ]
    const details = reportOf({ reason, findings: [], hints }, chain, trust?.info)
    return new SSLError(message, { ...common, reason, hints, details })
  }
  const row = reasonFor(error)
  if (row === undefined) return undefined
  // Our own host check words it exactly (an address or a name); the table knows the kind only.
  const summary = row.reason === 'hostname-mismatch' ? `certificate verify failed: ${error.message}` : row.summary
  const trusted = () => (trust === undefined ? [] : trustedCertificates(trust))
  const diagnosis = diagnose(row, { host, port, chain, trusted, path: trust?.info.path, now: Date.now() })
  const { reason, findings, failing, hints } = diagnosis
  const details = reportOf(diagnosis, chain, trust?.info)
  return new SSLError(`${summary} (${authorityOf(context)})`, { ...common, reason, findings, failing, hints, details })
}

const ENDED_EARLY =
  'it may be too old, be asked for a name that it does not know, sit behind a filter, or want a client certificate'

/** Node's own error for an end of file before the handshake was done; a reset has a syscall. */
function endedInHandshake(error: TransportError): boolean {
  return (
    error.code === 'ECONNRESET' && error.syscall === undefined && /before secure TLS connection/.test(error.message)
  )
}

function mapConnectionError(error: TransportError, context: ErrorContext): RequestException {
  const { code = '' } = error
  const problem = problemOf(error)
  if (code === 'HPE_UNEXPECTED_CONTENT_LENGTH') {
    return new InvalidHeader(`${authorityOf(context)} sent contradictory Content-Length headers`, {
      code,
      cause: error,
    })
  }
  const what = NOT_CONNECTED.has(code) ? 'Failed to establish a new connection to' : 'Connection aborted by'
  // Many servers do not say so in TLS: they hang up.
  const doubt = BROKEN.has(code) && context.client ? `, maybe for its client certificate (${context.client})` : ''
  const message = `${what} ${authorityOf(context)}${via(context)}: ${problem}${doubt}`
  return new ConnectionError(message, { code: code === '' ? undefined : code, cause: error })
}

/** What went wrong, in words; and no more of it in the error than that. */
function problemOf(error: TransportError): string {
  const isParser = isParserError(error)
  // The parser keeps the bytes it choked on: headers, with their cookies, that would end up in logs.
  if (isParser) delete (error as { rawPacket?: Buffer }).rawPacket
  return PROBLEMS.get(error.code ?? '') ?? (isParser ? 'the answer is not valid HTTP' : error.message)
}

const isParserError = ({ code = '' }: TransportError) => code.startsWith('HPE_')

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

/** Codes of a connection that was there and broke. */
export const BROKEN: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE'])

/** Codes of a connection that was never made: the server has seen nothing of the request. */
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
