/**
 * Directories of certificates, as OpenSSL reads them: `HHHHHHHH.N`, the file names that `openssl rehash` creates.
 *
 * OpenSSL computes the hash of the issuer that it looks for and opens `hash.0`, `hash.1` and so on until one is
 * missing, so a certificate with any other name is never read. In a directory without such names, made by hand,
 * requests silently trusts nothing; here its certificate files count.
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
  const hashed = names.filter((name) => HASHED_NAME.test(name)).sort(byHashAndNumber)
  if (hashed.length === 0) return { hashed: false, names: names.filter((name) => PLAIN_NAME.test(name)).sort() }
  return { hashed: true, names: reachable(hashed) }
}

const HASHED_NAME = /^[0-9a-f]{8}\.[0-9]{1,9}$/
const PLAIN_NAME = /^[^.].*\.(?:pem|crt|cer)$/i

/** OpenSSL's order of reading: `.2` before `.10`. */
function byHashAndNumber(a: string, b: string): number {
  return a.slice(0, 8) === b.slice(0, 8) ? Number(a.slice(9)) - Number(b.slice(9)) : a < b ? -1 : 1
}

/** The names that OpenSSL opens: it counts up from `.0` and stops at the first gap; `.01` is no number to it. */
function reachable(sorted: readonly string[]): string[] {
  const counts = new Map<string, number>()
  return sorted.filter((name) => {
    const prefix = name.slice(0, 8)
    const next = counts.get(prefix) ?? 0
    if (name.slice(9) !== String(next)) return false
    counts.set(prefix, next + 1)
    return true
  })
}

/** Whether OpenSSL would open a file of this name when it looks for one of these certificates. */
export function nameMatches(name: string, certificates: Iterable<X509Certificate>): boolean {
  const prefix = name.slice(0, 8)
  for (const certificate of certificates) {
    if (subjectHash(certificate) === prefix) return true
  }
  return false
}
