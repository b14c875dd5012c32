/** Texts about intermediate certificates that the server does not send and that were fetched. */
import type { X509Certificate } from 'node:crypto'
import { redactUrl } from '../core/credentials.ts'
import { printable } from '../core/printable.ts'
import { called } from './notation.ts'
import { dateFound, rootNotTrusted } from './texts.ts'

const names = (certificates: readonly X509Certificate[]): string => certificates.map(called).join(' and ')

/** The chain with the fetched certificates was verified. */
export const complete = (intermediates: readonly X509Certificate[], anchor: X509Certificate): string =>
  `the server does not send ${names(intermediates)}; fetched from the address in the certificate, it makes the chain complete: that ends at ${called(anchor)}, which is trusted`

/** The chain with them was refused for another reason. */
export const refusedWith = (intermediates: readonly X509Certificate[], summary: string): string =>
  `with ${names(intermediates)}, fetched from the address in the certificate, the server is not trusted either: ${summary}`

export const noAddress = (certificate: X509Certificate): string =>
  `${called(certificate)} names no http: address of its issuer's certificate (caIssuers), so there is nothing to fetch`

export const notFetched = (url: string, problem: string): string =>
  `the issuer's certificate was not fetched from ${printable(redactUrl(url))}: ${problem}`

export const tooManyHops = (hops: number): string =>
  `${hops} certificates were fetched, one above the other, and none of them was issued by a trusted one: no more are fetched`

export const loops = (certificate: X509Certificate): string =>
  `the chain of issuers comes back to ${called(certificate)}, so it ends at no root`

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
  name: 'is fetched, and is not the issuer that is named in',
  'no-ca': 'is fetched, and is no CA (basicConstraints has no CA:TRUE): it may not have issued',
  signature: 'is fetched, and its key did not sign',
} as const

export const HAND_OVER =
  "the server's owner must put the fetched certificates after the server's own in the file of the certificate (fullchain.pem)"
