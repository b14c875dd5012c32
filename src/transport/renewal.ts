/**
 * Renewed certificates: connects again while a server still presents the certificate that a trusted file no longer
 * contains. Server and client read the same file, but not at the same time: the server may still present what the file
 * held before, or already present what the file holds now.
 */
import type { X509Certificate } from 'node:crypto'
import { SSLError } from '../core/errors.ts'
import { retryWhileBeingWritten } from '../core/file-being-written.ts'
import { publishRefusal } from '../trust/events.ts'
import { resolveTrust, type Trust } from '../trust/verify.ts'
import type { TrustAnchor } from '../x509/certificate.ts'
import { isValidFor } from '../x509/hostname.ts'
import type { AdapterResponse, SendSettings, WireRequest } from './adapter.ts'

/** How long a server may take to present a renewed certificate: four times the interval of `watchCert`. */
const RENEWAL_GRACE_MS = 1000

/** The delay doubles up to the maximum, so that a server under load gets few useless handshakes. */
const FIRST_DELAY_MS = 20
const MAX_DELAY_MS = 160

/**
 * Sends a request; again, for up to {@link RENEWAL_GRACE_MS}, while the server's certificate is being renewed. An error that
 * stands is published if it is a refusal.
 *
 * @param send sends the request once
 * @param wait waits so many ms, and rejects if the request is aborted meanwhile
 */
export async function sendUnlessRenewing(
  { rewindable }: WireRequest,
  { trust, deadline = Number.POSITIVE_INFINITY }: SendSettings,
  send: () => Promise<AdapterResponse>,
  wait: (ms: number) => Promise<void>,
): Promise<AdapterResponse> {
  let end: number | undefined
  for (let delay = FIRST_DELAY_MS; ; delay = Math.min(2 * delay, MAX_DELAY_MS)) {
    try {
      return await send()
    } catch (error) {
      const now = performance.now()
      end ??= Math.min(now + RENEWAL_GRACE_MS, deadline)
      if (!(now + delay < end && rewindable && (await isRenewal(error, trust)))) {
        publishRefusal(error)
        throw error
      }
    }
    await wait(delay)
  }
}

/** Whether a certificate was refused that is being renewed. The file that says so may be half written at this moment. */
async function isRenewal(error: unknown, trust: Trust): Promise<boolean> {
  if (!(error instanceof SSLError)) return false
  const { peerCertificate, host } = error
  if (peerCertificate === undefined || host === undefined) return false
  return retryWhileBeingWritten(() => isBeingRenewed(peerCertificate, host, trust))
}

/**
 * Whether the trusted file changed within the grace period and either holds the refused certificate only since then, or held it
 * before and now holds one for the same host that is no older.
 *
 * @throws CABundleError if the file cannot be used now
 */
function isBeingRenewed(refused: X509Certificate, host: string, trust: Trust): boolean {
  const { set } = resolveTrust(trust)
  if (set === undefined) return false
  const since = performance.now() - RENEWAL_GRACE_MS
  const isRefused = ({ certificate }: TrustAnchor) => certificate.raw.equals(refused.raw)
  const succeeds = ({ certificate }: TrustAnchor) =>
    Date.parse(certificate.validFrom) >= Date.parse(refused.validFrom) && isValidFor(certificate, host)
  return set.parts.some(({ value, replaced = [] }) => {
    const before = replaced.filter(({ at }) => at > since).map((version) => version.value.some(isRefused))
    return value.some(isRefused) ? before.includes(false) : before.includes(true) && value.some(succeeds)
  })
}
