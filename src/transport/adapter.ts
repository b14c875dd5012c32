/** The interface between sessions and the network: an adapter sends a prepared request and returns its response. */
import type { Readable } from 'node:stream'
import type { HeaderMap } from '../http/headers.ts'
import type { ClientCertSource } from '../trust/client-cert.ts'
import type { Trust } from '../trust/verify.ts'
import type { Progress } from './progress.ts'
import type { ProxyServer } from './proxies.ts'
import type { TlsInfo } from './tls-info.ts'

/** The part of a prepared request that is sent. */
export interface WireRequest {
  readonly method: string
  /** Scheme, host, path and query; without credentials. */
  readonly target: URL
  readonly headers: HeaderMap
  readonly body: WireBody | undefined
  /** Whether the body can be sent again: each iteration starts at its beginning. */
  readonly rewindable: boolean
}

/** A body: complete, or in chunks. */
export type WireBody = Buffer | AsyncIterable<Uint8Array>

/** Limits in ms; `undefined` is no limit. */
export interface TimeoutLimits {
  /** DNS, TCP and TLS together. */
  readonly connect?: number | undefined
  /** The longest time without data from the server. */
  readonly read?: number | undefined
  /** From the call to the end of the body, all redirects included. */
  readonly total?: number | undefined
}

/** The resolved settings of one request. */
export interface SendSettings {
  /** What the server's certificate is verified against; ignored for http. */
  readonly trust: Trust
  readonly cert: ClientCertSource | undefined
  /** The proxy; `undefined`: none. */
  readonly proxy: ProxyServer | undefined
  readonly timeout: TimeoutLimits
  /** The time of `performance.now()` at which the total limit is reached. */
  readonly deadline: number | undefined
  readonly signal: AbortSignal | undefined
  /** How many days before a certificate expires a warning is emitted; `false`: never. */
  readonly expiryWarning: number | false
  /** Whether the response may break rules of HTTP that Node's lenient parser ignores. */
  readonly insecureHTTPParser: boolean
  /** How long the body waits for `100 Continue`, in ms; `undefined`: it is sent at once. */
  readonly expectContinue: number | undefined
  readonly onUploadProgress: ((progress: Progress) => void) | undefined
  readonly onDownloadProgress: ((progress: Progress) => void) | undefined
}

/** A response whose body has not been read yet. */
export interface AdapterResponse {
  readonly statusCode: number
  /** The reason phrase; may be empty. */
  readonly reason: string
  /** Names and values alternate, in the order and spelling as received. */
  readonly rawHeaders: readonly string[]
  /** The body, decompressed. */
  readonly body: Readable
  /** `null` without TLS. */
  readonly tls: TlsInfo | null
  /** Turns an error of `body` into an error of vouch. Default: a `ConnectionError` with the error as its cause. */
  readonly mapBodyError?: (error: Error) => Error
}

/**
 * The transport of a session. Mount your own for a prefix with `session.mount(prefix, adapter)`.
 *
 * @example
 * const adapter: Adapter = {
 *   send: async () => ({ statusCode: 204, reason: '', rawHeaders: [], body: Readable.from([]), tls: null }),
 *   close() {},
 * }
 */
export interface Adapter {
  /** Sends one request, follows no redirect, and resolves when the headers have arrived. Rejects with a `RequestException`. */
  send(request: WireRequest, settings: SendSettings): Promise<AdapterResponse>
  /** Closes every connection. The adapter may be used again. */
  close(): void | Promise<void>
}
