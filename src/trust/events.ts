/** What is decided about trust, for logs and counters: the channel `vouch:trust` of `node:diagnostics_channel`. */
import { channel } from 'node:diagnostics_channel'
import type { SSLErrorReason } from '../core/errors.ts'
import type { TrustInfo } from '../core/trust-info.ts'

/**
 * A message of the channel.
 *
 * - `resolved`: an https request is about to be made, and this is what it trusts.
 * - `loaded`, `reloaded`: a file of certificates was read for the first time, or again because it had changed.
 * - `refused`: a server was refused, or a source of trust or client certificate cannot be used.
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
      /** SHA-256 of the certificate that was presented. */
      readonly fingerprint: string | undefined
      readonly trust: TrustInfo | undefined
      /** The file that cannot be used. */
      readonly path: string | undefined
    }

/** Tells those who listen, if any: the message is made for them only. */
export function tell(make: () => TrustEvent): void {
  if (trust.hasSubscribers) trust.publish(make())
}

const trust = channel('vouch:trust')
