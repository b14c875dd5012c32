/** Diagnoses of servers that are known by pins: another certificate, or one that no pin can cover. Pure. */
import type { X509Certificate } from 'node:crypto'
import type { SSLErrorReason } from '../core/errors.ts'
import { publicKeyPin } from '../x509/fingerprint.ts'
import type { Chain } from './facts.ts'
import * as say from './texts.ts'

interface PinnedProblem {
  readonly findings: readonly string[]
  readonly failing: number
  readonly hints: readonly string[]
}

/** @param pins as in messages: `sha256:AA:BB:…`, `sha256//BASE64=` */
export function pinnedProblem({ reason, hints }: say.Reason, [server]: Chain, pins: readonly string[]): PinnedProblem {
  if (reason === 'pin-mismatch') return { findings: differences(server, pins), failing: 0, hints }
  return { findings: [say.MATCHES_PIN], failing: 0, hints: BESIDE_PINS[reason] ?? hints }
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
