/** What carries a prepared request to a server and brings the answer back: the seam between sessions and the network. */
import type { Readable } from 'node:stream'
import type { HeaderMap } from '../http/headers.ts'
import type { ClientCertSource } from '../trust/client-cert.ts'
import type { Trust } from '../trust/verify.ts'
import type { ProxyServer } from './proxies.ts'
import type { TlsInfo } from './tls-info.ts'

/** The part of a prepared request that goes over the wire. */
export interface WireRequest {
  readonly method: string
  /** Scheme, host, path and query; without credentials. */
  readonly target: URL
  readonly headers: HeaderMap
  readonly body: WireBody | undefined
  /** Whether the body can be sent again: each iteration of it begins at the start. */
  readonly rewindable: boolean
}

/** A body: all of it, or a stream of it. */
export type WireBody = Buffer | AsyncIterable<Uint8Array>

/** Limits in ms; `undefined` is no limit. */
export interface TimeoutLimits {
  /** DNS, TCP and TLS together. */
  readonly connect?: number | undefined
  /** The longest time without a byte from the server. */
  readonly read?: number | undefined
  /** From the call to the end of the body, all redirects included. */
  readonly total?: number | undefined
}

/** How far an upload or download is. `percent` runs from 0 to 1; `total` is `undefined` when nobody said. */
export interface Progress {
  readonly transferred: number
  readonly total: number | undefined
  readonly percent: number
}

/** What applies to one sending of a request, settled. */
export interface SendSettings {
  /** What the server's certificate is verified against; matters for https only. */
  readonly trust: Trust
  readonly cert: ClientCertSource | undefined
  /** The proxy to go through; `undefined`: none. */
  readonly proxy: ProxyServer | undefined
  readonly timeout: TimeoutLimits
  /** The time (of `performance.now()`) at which the total limit runs out. */
  readonly deadline: number | undefined
  readonly signal: AbortSignal | undefined
  /** How many days before its end a certificate is warned of; `false`: never. */
  readonly expiryWarning: number | false
  readonly onUploadProgress: ((progress: Progress) => void) | undefined
  readonly onDownloadProgress: ((progress: Progress) => void) | undefined
}

/** A response whose body is still to be read. */
export interface AdapterResponse {
  readonly statusCode: number
  /** The reason phrase; may be empty. */
  readonly reason: string
  /** Names and values in turn, in the order and spelling of the wire. */
  readonly rawHeaders: readonly string[]
  /** The body, decompressed. */
  readonly body: Readable
  /** `null` without TLS. */
  readonly tls: TlsInfo | null
  /** Makes one of vouch's errors of an error of `body`. Left out: a `ConnectionError` with the error as its cause. */
  readonly mapBodyError?: (error: Error) => Error
}

/**
 * The transport under a session. Mount one of your own for a prefix with `session.mount(prefix, adapter)`.
 *
 * @example
 * const adapter: Adapter = {
 *   send: async () => ({ statusCode: 204, reason: '', rawHeaders: [], body: Readable.from([]), tls: null }),
 *   close() {},
 * }
 */
export interface Adapter {
  /** Sends one request, follows nothing, and resolves when the headers have arrived. Rejects with a `RequestException`. */
  send(request: WireRequest, settings: SendSettings): Promise<AdapterResponse>
  /** Closes every connection. The adapter may be used again. */
  close(): void | Promise<void>
}
