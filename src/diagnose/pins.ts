/** Diagnoses for servers with pins: another certificate, or one that no pin can match. Pure. */
import type { X509Certificate } from 'node:crypto'
import type { SSLErrorReason } from '../core/errors.ts'
import { publicKeyPin } from '../x509/fingerprint.ts'
import { type Chain, dateProblems } from './facts.ts'
import type { Reason } from './problem.ts'
import * as say from './texts.ts'

interface PinnedProblem {
  readonly findings: readonly string[]
  readonly failing: number
  readonly hints: readonly string[]
  readonly reason?: SSLErrorReason
}

/** @param pins as in messages: `sha256:AA:BB:…`, `sha256//BASE64=` */
export function pinnedProblem(
  { reason, hints }: Reason,
  chain: Chain,
  pins: readonly string[],
  now: number,
): PinnedProblem {
  const [server, ...above] = chain
  if (reason === 'pin-mismatch') return { findings: differences(server, pins), failing: 0, hints }
  if (above.length > 0 && OF_CAS.has(reason) && isCurrent(server, now)) return refusedAbove(reason, chain)
  return { findings: [say.MATCHES_PIN], failing: 0, hints: BESIDE_PINS[reason] ?? hints }
}

function refusedAbove(reason: SSLErrorReason, chain: Chain): PinnedProblem {
  // OpenSSL has the code of a wrong purpose for an issuer that is no CA.
  const isNoCA = chain.some((certificate, index) => chain[index - 1] && !certificate.ca)
  return {
    reason: isNoCA ? 'invalid-ca' : reason,
    findings: [say.MATCHES_PIN, say.REFUSED_ABOVE],
    failing: 1,
    hints: [say.SEND_ALONE],
  }
}

/** What OpenSSL may refuse about the CA certificates that a server sends above its own: it checks them although nothing depends on them. */
const OF_CAS: ReadonlySet<SSLErrorReason> = new Set([
  'unknown-ca',
  'expired',
  'not-yet-valid',
  'invalid-ca',
  'wrong-purpose',
])

function isCurrent(server: X509Certificate, now: number): boolean {
  return dateProblems({ path: [server], anchor: undefined }, now).length === 0
}

function differences(server: X509Certificate, pins: readonly string[]): string[] {
  const expected = (prefix: string) =>
    pins.filter((pin) => pin.startsWith(prefix)).map((pin) => pin.slice(prefix.length))
  const certificates = expected('sha256:')
  const keys = expected('sha256//')
  const key = publicKeyPin(server)?.slice('sha256//'.length) ?? say.NO_KEY
  return [
    ...(certificates.length > 0 ? say.notPinned('certificate', server.fingerprint256, certificates) : []),
    ...(keys.length > 0 ? say.notPinned('public key', key, keys) : []),
  ]
}

/** What remains to be done about a certificate that matches a pin and is refused. */
const BESIDE_PINS: { readonly [reason in SSLErrorReason]?: readonly string[] } = {
  expired: [say.RENEW_PINNED, say.DATES_END_PINS, say.CHECK_CLOCK],
  'not-yet-valid': [say.CHECK_CLOCK, say.DATES_END_PINS],
  weak: [say.WEAK_PINNED],
  other: [say.REFUSED_PINNED],
}
