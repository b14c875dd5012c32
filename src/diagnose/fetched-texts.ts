/** Texts about intermediate certificates that the server does not send and that were fetched. */
import type { X509Certificate } from 'node:crypto'
import { redactUrl } from '../core/credentials.ts'
import { printable } from '../core/printable.ts'
import { called } from './notation.ts'
import { dateFound, rootNotTrusted } from './texts.ts'

const names = (certificates: readonly X509Certificate[]): string => certificates.map(called).join(' and ')

/** The chain with the fetched certificates was verified. */
export const complete = (intermediates: readonly X509Certificate[], anchor: X509Certificate): string =>
  `the server does not send ${names(intermediates)}; fetched from the address in the certificate, it completes the chain, up to ${called(anchor)}, which is trusted`

/** The chain with them was refused for another reason. */
export const refusedWith = (intermediates: readonly X509Certificate[], summary: string): string =>
  `with ${names(intermediates)}, fetched from the address in the certificate, the server is not trusted either: ${summary}`

export const noAddress = (certificate: X509Certificate): string =>
  `${called(certificate)} contains no http: address of its issuer's certificate (caIssuers), so there is nothing to fetch`

export const notFetched = (url: string, problem: string): string =>
  `the issuer's certificate was not fetched from ${printable(redactUrl(url))}: ${problem}`

export const tooManyHops = (hops: number): string =>
  `${hops} certificates were fetched, one above the other, and none of them was issued by a trusted one: vouch fetches no more`

export const loops = (certificate: X509Certificate): string =>
  `the chain of issuers returns to ${called(certificate)}, so it does not end at a root`

export const endsUntrusted = (root: X509Certificate): string => `with the fetched certificates ${rootNotTrusted(root)}`

export const otherServer =
  'the server presented another certificate the second time, so nothing is known for certain: try again'

export const notStrict = (problem: string): string =>
  `the chain cannot be checked with the fetched certificates: ${printable(problem)}`

/** Why a fetched certificate is not the issuer. */
export function unfit(candidate: X509Certificate, certificate: X509Certificate, flaw: Flaw, now: number): string {
  if (flaw === 'date') {
    const isExpired = Date.parse(candidate.validTo) < now
    return dateFound({ certificate: candidate, index: 1, isExpired }, false, now)
  }
  return `${called(candidate)} ${FLAWS[flaw]} ${called(certificate)}`
}

export type Flaw = keyof typeof FLAWS | 'date'

const FLAWS = {
  name: 'was fetched, but is not the issuer named in',
  'no-ca': 'was fetched, but is not a CA (basicConstraints has no CA:TRUE): it may not have issued',
  signature: 'was fetched, but its key did not sign',
} as const

export const HAND_OVER =
  "the server's owner must put the fetched certificates after the server's own in the certificate file (fullchain.pem)"
