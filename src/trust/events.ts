/** Decisions about trust, for logs and metrics: the channel `vouch:trust` of `node:diagnostics_channel`. */
import { channel } from 'node:diagnostics_channel'
import { CABundleError, ClientCertError, ProxyError, SSLError, type SSLErrorReason } from '../core/errors.ts'
import type { TrustInfo } from '../core/trust-info.ts'

/**
 * A message of the channel.
 *
 * - `resolved`: the trust of an https request that is about to be sent.
 * - `loaded`, `reloaded`: a file of certificates was read for the first time, or again because it had changed.
 * - `refused`: a server was refused, or a bundle or client certificate cannot be used.
 */
export type TrustEvent =
  | { readonly event: 'resolved'; readonly origin: string; readonly verified: boolean; readonly trust: TrustInfo }
  | { readonly event: 'loaded' | 'reloaded'; readonly path: string; readonly certificates: number }
  | {
      readonly event: 'refused'
      readonly reason: SSLErrorReason
      /** Node's code of the failure, or the class's own. */
      readonly code: string
      readonly host: string | undefined
      readonly port: number | undefined
      /** SHA-256 of the certificate that the server presented. */
      readonly fingerprint: string | undefined
      readonly trust: TrustInfo | undefined
      /** The file that cannot be used. */
      readonly path: string | undefined
    }

/** Publishes a message, which is frozen: a subscriber does not change what others see. It is only made if there are subscribers. */
export function publish(make: () => TrustEvent): void {
  if (trust.hasSubscribers) trust.publish(Object.freeze(make()))
}

/** Publishes the refusal of a server, of a proxy that is reached by TLS, or of a file; nothing for other errors. */
export function publishRefusal(error: unknown): void {
  const refusal = error instanceof ProxyError ? error.cause : error
  if (!(refusal instanceof SSLError)) return
  const { reason, code, host, port, trust, peerCertificate } = refusal
  const fingerprint = peerCertificate?.fingerprint256
  const path = refusal instanceof CABundleError || refusal instanceof ClientCertError ? refusal.path : undefined
  publish(() => ({ event: 'refused', reason, code, host, port, fingerprint, trust, path }))
}

const trust = channel('vouch:trust')
