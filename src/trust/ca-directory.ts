/**
 * Directories of certificates, as OpenSSL reads them: `HHHHHHHH.N`, the names that `openssl rehash` makes.
 *
 * OpenSSL computes the hash of the issuer that it looks for and opens `hash.0`, `hash.1` and so on until one is missing,
 * so a certificate with any other name is never read. In a directory without such names, made by hand, requests silently trusts
 * nothing; here its certificate files count.
 */
import type { X509Certificate } from 'node:crypto'
import { subjectHash } from '../x509/subject-hash.ts'

/** The names of the files to read, and whether they are hashed names. */
export interface DirectoryListing {
  readonly hashed: boolean
  readonly names: readonly string[]
}

/** Chooses the files to read: hashed ones numbered from 0 without a gap, else `*.pem`, `*.crt`, `*.cer`. */
export function certificateNames(names: readonly string[]): DirectoryListing {
  const present = new Set(names)
  const hashed = names.filter((name) => HASHED_NAME.test(name)).sort(byHashAndNumber)
  if (hashed.length === 0) return { hashed: false, names: names.filter((name) => PLAIN_NAME.test(name)).sort() }
  return { hashed: true, names: hashed.filter((name) => isReachable(name, present)) }
}

const HASHED_NAME = /^[0-9a-f]{8}\.[0-9]{1,9}$/
const PLAIN_NAME = /^[^.].*\.(?:pem|crt|cer)$/i

/** OpenSSL's order of reading: `.2` before `.10`. */
function byHashAndNumber(a: string, b: string): number {
  return a.slice(0, 8) === b.slice(0, 8) ? Number(a.slice(9)) - Number(b.slice(9)) : a < b ? -1 : 1
}

/** Whether OpenSSL gets as far as this name, counting up from 0. */
function isReachable(name: string, present: ReadonlySet<string>): boolean {
  const [prefix, suffix] = name.split('.') as [string, string]
  for (let number = Number(suffix) - 1; number >= 0; number--) {
    if (!present.has(`${prefix}.${number}`)) return false
  }
  return String(Number(suffix)) === suffix
}

/** Whether OpenSSL would open a file of this name when it looks for one of these certificates. */
export function nameMatches(name: string, certificates: Iterable<X509Certificate>): boolean {
  const prefix = name.slice(0, 8)
  for (const certificate of certificates) {
    if (subjectHash(certificate) === prefix) return true
  }
  return false
}
