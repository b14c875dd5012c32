/** The table of TLS failures: a reason, a summary and hints for each code. */
import type { SSLErrorReason } from '../core/errors.ts'
import { handshakeReason } from './handshakes.ts'
import type { Reason } from './problem.ts'
import {
  ASK_ABOUT_CHANGE,
  CHECK_CLOCK,
  CONSTRAINT_HINT,
  MAYBE_INTERMEDIATE,
  NOT_TO_COPY,
  OBSTACLE_HINTS,
  PURPOSE_HINT,
  RENEW_IT,
  STRENGTH_HINT,
  TOO_LONG,
  TRUST_CA,
  TRUST_IT,
  UNKNOWN_EXTENSION,
  USE_LISTED,
} from './texts.ts'

const verification = (reason: SSLErrorReason, summary: string, ...hints: string[]): Reason => ({
  reason,
  summary: `certificate verify failed: ${summary}`,
  hints,
})

/**
 * Codes of failed verification, as Node reports them (`X509_V_ERR_…` without its prefix). Their messages are not stable: Node
 * 24 adds advice to some.
 */
const VERIFICATION: ReadonlyMap<string, Reason> = new Map([
  ['DEPTH_ZERO_SELF_SIGNED_CERT', verification('self-signed', 'self-signed certificate', TRUST_IT)],
  ['SELF_SIGNED_CERT_IN_CHAIN', verification('unknown-ca', 'self-signed certificate in certificate chain', TRUST_CA)],
  [
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    verification('unknown-ca', 'unable to get local issuer certificate', TRUST_CA, MAYBE_INTERMEDIATE),
  ],
  [
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    verification('unknown-ca', 'unable to get local issuer certificate', TRUST_CA, MAYBE_INTERMEDIATE),
  ],
  ['UNABLE_TO_GET_ISSUER_CERT', verification('unknown-ca', 'unable to get issuer certificate', TRUST_CA)],
  ['CERT_UNTRUSTED', verification('unknown-ca', 'certificate not trusted', TRUST_CA)],
  [
    'CERT_REJECTED',
    verification('unknown-ca', 'certificate rejected', 'the bundle says that this CA is not for servers'),
  ],
  ['CERT_SIGNATURE_FAILURE', verification('unknown-ca', 'certificate signature failure', TRUST_CA)],
  ['CERT_HAS_EXPIRED', verification('expired', 'certificate has expired', RENEW_IT, CHECK_CLOCK)],
  ['CERT_NOT_YET_VALID', verification('not-yet-valid', 'certificate is not yet valid', CHECK_CLOCK)],
  [
    'ERR_TLS_CERT_ALTNAME_INVALID',
    verification('hostname-mismatch', 'certificate is not valid for this host', USE_LISTED),
  ],
  [
    'ERR_PIN_MISMATCH',
    verification('pin-mismatch', 'the certificate is not the pinned one', ASK_ABOUT_CHANGE, NOT_TO_COPY),
  ],
  ['INVALID_PURPOSE', verification('wrong-purpose', 'unsuitable certificate purpose', PURPOSE_HINT)],
  ['INVALID_CA', verification('invalid-ca', 'invalid CA certificate', OBSTACLE_HINTS['no-ca'])],
  ['PATH_LENGTH_EXCEEDED', verification('invalid-ca', 'path length constraint exceeded', TOO_LONG)],
  ['CERT_CHAIN_TOO_LONG', verification('invalid-ca', 'certificate chain too long', TOO_LONG)],
  ['CA_MD_TOO_WEAK', verification('weak', 'CA signature digest algorithm too weak', STRENGTH_HINT)],
  ['EE_KEY_TOO_SMALL', verification('weak', 'EE certificate key too weak', STRENGTH_HINT)],
  ['CA_KEY_TOO_SMALL', verification('weak', 'CA certificate key too weak', STRENGTH_HINT)],
  ['CERT_REVOKED', verification('revoked', 'certificate revoked')],
  ['HOSTNAME_MISMATCH', verification('hostname-mismatch', 'Hostname mismatch')],
  ['ERROR_IN_CERT_NOT_BEFORE_FIELD', verification('other', "format error in certificate's notBefore field")],
  ['ERROR_IN_CERT_NOT_AFTER_FIELD', verification('other', "format error in certificate's notAfter field")],
  ['UNABLE_TO_DECRYPT_CERT_SIGNATURE', verification('other', "unable to decrypt certificate's signature")],
  ['UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY', verification('other', 'unable to decode issuer public key')],
  ['UNABLE_TO_GET_CRL', verification('other', 'unable to get certificate CRL')],
])

/** Failures for which Node has no code, by OpenSSL's message. */
const UNSPECIFIED: ReadonlyMap<string, Reason> = new Map([
  ['invalid CA certificate', verification('invalid-ca', 'invalid CA certificate', OBSTACLE_HINTS['no-ca'])],
  [
    'key usage does not include certificate signing',
    verification('invalid-ca', 'key usage does not include certificate signing', OBSTACLE_HINTS['no-ca']),
  ],
  ['unhandled critical extension', verification('other', 'unhandled critical extension', UNKNOWN_EXTENSION)],
  ['permitted subtree violation', verification('invalid-ca', 'permitted subtree violation', CONSTRAINT_HINT)],
  ['excluded subtree violation', verification('invalid-ca', 'excluded subtree violation', CONSTRAINT_HINT)],
  ['EE certificate key too weak', verification('weak', 'EE certificate key too weak', STRENGTH_HINT)],
  ['CA certificate key too weak', verification('weak', 'CA certificate key too weak', STRENGTH_HINT)],
  [
    'CA signature digest algorithm too weak',
    verification('weak', 'CA signature digest algorithm too weak', STRENGTH_HINT),
  ],
])

/**
 * The row for an error of a TLS connection; `undefined` if the error is not about TLS.
 *
 * @param client the display name of the client certificate that was given
 */
export function reasonFor(
  error: Error & { code?: string | undefined },
  client?: string | undefined,
): Reason | undefined {
  const { code = '', message } = error
  const known = VERIFICATION.get(code)
  if (known) return known
  if (code === 'UNSPECIFIED') return UNSPECIFIED.get(message) ?? verification('other', message)
  return handshakeReason(code, message, client) ?? (VERIFY_CODE.test(code) ? verification('other', message) : undefined)
}

/** The names of OpenSSL's verification errors that have no row of their own. */
const VERIFY_CODE = /^(?:CERT|CRL|CA|EE|UNABLE_TO|SUBTREE|PERMITTED|EXCLUDED|UNHANDLED|INVALID|AKID|KEYUSAGE)_/
