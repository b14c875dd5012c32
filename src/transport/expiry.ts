/** The expiry dates of certificates, computed once per certificate. */
import { X509Certificate } from 'node:crypto'
import type { PresentedCertificate } from './tls-info.ts'

/** When a certificate expires, or the first one of a chain, in ms since 1970. */
export function expiryOf(certificate: X509Certificate | PresentedCertificate): number {
  let expiry = expiries.get(certificate)
  if (expiry === undefined) {
    const issuers = 'issuers' in certificate ? certificate.issuers.map((raw) => new X509Certificate(raw)) : []
    expiry = Math.min(...[certificate, ...issuers].map(({ validTo }) => Date.parse(validTo)))
    expiries.set(certificate, expiry)
  }
  return expiry
}

/** Node asks OpenSSL for each property of a certificate each time. */
const expiries = new WeakMap<X509Certificate | PresentedCertificate, number>()
