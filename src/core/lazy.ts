/**
 * Libraries that are loaded on first use, since most requests do not need them.
 *
 * Bundlers do not see through `createRequire`. They load `bundled.ts` instead: both are `#libraries` in package.json.
 */
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

/** Cookies in the sense of RFC 6265; loaded with the first cookie. */
export const toughCookie = (): typeof import('tough-cookie') => require('tough-cookie')

/** Guesses a charset; loaded for text whose server names none. */
export const chardet = (): typeof import('chardet') => require('chardet')

/** Parses Link headers (RFC 8288). */
export const linkHeader = (): typeof import('http-link-header') => require('http-link-header')

/** Parses BER (X.690); loaded with the first file of certificates that is not DER. */
export const asn1 = (): typeof import('asn1js') => require('asn1js')
