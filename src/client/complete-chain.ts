/** Checks with a second handshake whether missing intermediate certificates would make a server trusted. */
import type { X509Certificate } from 'node:crypto'
import { CABundleError, SSLError } from '../core/errors.ts'
import { signedPath } from '../diagnose/facts.ts'
import * as say from '../diagnose/fetched-texts.ts'
import type { Probed } from '../transport/probe.ts'
import { CABundle } from '../trust/ca-bundle.ts'
import { resolveTrust, type Trust, trustedCertificates } from '../trust/verify.ts'
import { isSelfSigned } from '../x509/certificate-info.ts'
import { fetchIntermediates, hasTrustedIssuer } from './fetch-intermediates.ts'
import type { Settings } from './settings.ts'

/** The fetched certificates, and what they show. */
export interface Completion {
  /** Each issued by the next; empty if no chain with them was verified. */
  readonly intermediates: readonly X509Certificate[]
  /** The trusted certificate above them. */
  readonly anchor?: X509Certificate
  readonly findings: readonly string[]
  readonly hints: readonly string[]
}

/**
 * Fetches what is missing between the presented chain and a trusted certificate, and verifies the server again with it: OpenSSL has the
 * last word, and the fetched certificates are not trusted for it.
 *
 * @param verify makes a handshake with another trust
 */
export async function completeChain(
  { chain: [server, ...issuers] }: SSLError,
  settings: Settings,
  verify: (trust: Trust) => Promise<Probed>,
): Promise<Completion> {
  const { trust } = settings
  if (server === undefined || (trust.kind !== 'default' && trust.kind !== 'bundle')) return NOTHING
  const trusted = trustedCertificates(resolveTrust(trust))
  const path = signedPath([server, ...issuers])
  const last = path.at(-1) ?? server
  const isVouchedFor = path.some(({ raw }) => trusted.some((anchor) => anchor.raw.equals(raw)))
  if (isVouchedFor || isSelfSigned(last) || hasTrustedIssuer(last, trusted, Date.now())) return NOTHING
  const { intermediates, findings } = await fetchIntermediates(last, trusted, settings)
  if (intermediates.length === 0) return { ...NOTHING, findings }
  return await verifyWith(intermediates, { server, trust, verify })
}

async function verifyWith(
  intermediates: readonly X509Certificate[],
  {
    server,
    trust,
    verify,
  }: {
    readonly server: X509Certificate
    readonly trust: Trust & { readonly kind: 'default' | 'bundle' }
    readonly verify: (trust: Trust) => Promise<Probed>
  },
): Promise<Completion> {
  try {
    const bundle = trust.kind === 'bundle' ? trust.bundle : CABundle.default()
    const strict = bundle.withIntermediates(...intermediates)
    const probed = await verify({ kind: 'bundle', source: trust.source, bundle: strict })
    const anchor = trustedCertificates(probed.trust).find((each) => isAbove(intermediates.at(-1), each))
    if (anchor === undefined || !probed.chain[0]?.raw.equals(server.raw))
      return { ...NOTHING, findings: [say.otherServer] }
    return { intermediates, anchor, findings: [say.complete(intermediates, anchor)], hints: [say.HAND_OVER] }
  } catch (error) {
    if (error instanceof CABundleError) return { ...NOTHING, findings: [say.notStrict(error.summary)] }
    if (!(error instanceof SSLError)) throw error
    const findings = [say.refusedWith(intermediates, error.summary), ...error.findings]
    return { ...NOTHING, findings, hints: error.hints }
  }
}

function isAbove(certificate: X509Certificate | undefined, anchor: X509Certificate): boolean {
  return certificate !== undefined && hasTrustedIssuer(certificate, [anchor], Date.now())
}

const NOTHING: Completion = { intermediates: [], findings: [], hints: [] }
