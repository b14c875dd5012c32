/**
 * The renewal race: a certificate is renewed, and clients trust it by its file. Server and client read the same file, but not at
 * the same time: the server may still present what the file held before, or already present what the file holds now.
 */
import type { X509Certificate } from 'node:crypto'
import { SSLError } from '../core/errors.ts'
import { retryWhileBeingWritten } from '../core/file-errors.ts'
import { resolveTrust, type Trust } from '../trust/verify.ts'
import type { TrustAnchor } from '../x509/certificate.ts'
import { isValidFor } from '../x509/hostname.ts'
import type { SendSettings } from './adapter.ts'

/** How long a server may take to present a renewed certificate: four times the interval of `watchCert`. */
const RENEWAL_GRACE_MS = 1000

/** The delay doubles up to the maximum, so that a server under load gets few useless handshakes. */
const FIRST_DELAY_MS = 20
const MAX_DELAY_MS = 160

/** Decides, after each failure of one request, whether the server may present a renewed certificate soon. */
export class RenewalRace {
  #end: number | undefined
  #delay = FIRST_DELAY_MS

  /** ms to wait before the request is sent again; `undefined` if it is not, and the error stands. */
  async afterError(error: unknown, { trust, deadline }: SendSettings): Promise<number | undefined> {
    const now = performance.now()
    this.#end ??= Math.min(now + RENEWAL_GRACE_MS, deadline ?? Number.POSITIVE_INFINITY)
    const delay = this.#delay
    if (now + delay >= this.#end || !(await isRenewal(error, trust))) return undefined
    this.#delay = Math.min(2 * delay, MAX_DELAY_MS)
    return delay
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
