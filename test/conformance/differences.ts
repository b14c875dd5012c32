/**
 * Where vouch judges otherwise than Python requests, on purpose: one row per difference, with its reason. Whatever is
 * not in this list fails the test, and so does a row that no cell needs any more.
 */
import type { Versions } from './oracle.ts'
import type { Accepted } from './tally.ts'

export interface Cell {
  readonly server: string
  readonly source: string
  /** requests' verdict: `trusted`, `refused`, `bundle`. */
  readonly theirs: string
  /** The same of vouch, with `refused` for every reason. */
  readonly ours: string
}

export interface Difference extends Accepted {
  readonly fits: (cell: Cell) => boolean
}

const before313 = ({ python: [major, minor] }: Versions) => major === 3 && minor < 13

/** Of the matrix of servers. */
export const SERVERS: readonly Difference[] = [
  {
    id: 'D3',
    why: 'DER and PKCS#7 are what certificates are handed out as; requests calls them "no certificate or crl found"',
    fits: ({ source, theirs, ours }) => /DER|PKCS#7/.test(source) && theirs === 'bundle' && ours !== 'bundle',
  },
  {
    id: 'D4a',
    why: 'the certificates of a directory without hashed names count; requests trusts nothing there and does not say so',
    fits: ({ source, theirs, ours }) =>
      source === 'plain directory' && theirs === 'refused' && (ours === 'trusted' || ours === 'refused'),
  },
  {
    id: 'D4b',
    why: 'a directory in which no certificate can be found is an error; requests refuses every server without saying why',
    fits: ({ source, theirs, ours }) =>
      ['empty directory', 'directory with a gap'].includes(source) && theirs === 'refused' && ours === 'bundle',
  },
  {
    id: 'D5',
    why: 'one pinned intermediate or leaf is enough, as with Python 3.13 and later',
    fits: ({ source, theirs, ours }) =>
      /^(?:intermediate only|leaf)|path$/.test(source) && theirs === 'refused' && ours === 'trusted',
    when: before313,
  },
  {
    id: 'D5, strict',
    why: 'Python 3.13 checks chains strictly (RFC 5280 to the letter); OpenSSL does not by default, and Node cannot',
    fits: ({ server, theirs, ours }) =>
      ['without key identifiers', 'root without key usage'].includes(server) &&
      theirs === 'refused' &&
      ours === 'trusted',
    when: (versions) => !before313(versions),
  },
  {
    id: 'security level',
    why: 'whether 1024 bits are enough is up to the build of OpenSSL, of which Node has its own',
    fits: ({ server, theirs, ours }) => server === 'RSA of 1024 bits' && theirs !== ours && theirs !== 'bundle',
    optional: true,
  },
  {
    id: 'urllib3 1',
    why: 'common names, partial wildcards and wildcards of a whole top-level domain have not counted since urllib3 2',
    fits: ({ server, theirs, ours }) =>
      ['a common name only', 'a partial wildcard', 'a wildcard of a top-level domain'].includes(server) &&
      theirs === 'trusted' &&
      ours === 'refused',
    when: ({ urllib3 }) => urllib3.startsWith('1.'),
  },
]

/** Rows of these names. */
const rows =
  (theirs: string, ours: string, ...names: readonly string[]) =>
  (cell: Cell): boolean =>
    cell.theirs === theirs && cell.ours === ours && names.includes(cell.source)

/** Of the contents of files and directories. */
export const CONTENTS: readonly Difference[] = [
  {
    id: 'D3',
    why: 'DER and PKCS#7 are what certificates are handed out as',
    fits: rows('bundle', 'trusted', 'DER', 'DER twice', 'PKCS#7 as PEM', 'PKCS#7 as DER'),
  },
  {
    id: 'D3, in a directory',
    why: 'the same under a hashed name, where requests passes over it without a word',
    fits: rows('refused', 'trusted', 'directory: DER under a hashed name'),
  },
  {
    id: 'D4, plain names',
    why: 'the certificates of a directory without hashed names count',
    fits: rows('refused', 'trusted', 'directory: plain names'),
  },
  {
    id: 'D4, nothing to trust',
    why: 'a source in which no certificate can be found is an error; requests refuses every server without saying why',
    fits: rows(
      'refused',
      'bundle',
      'a revocation list only',
      'directory: only 1',
      'directory: a gap',
      'directory: a number with a zero before',
      'directory: hash in upper case',
      'directory: the old hash',
      'directory: junk under a hashed name',
      'directory: plain names, one of them junk',
      'directory: empty',
      'directory: other files only',
    ),
  },
  {
    id: 'D4, a link to nowhere',
    why: 'as with OpenSSL 3.0.22, which passes over it; before, what is numbered behind it was not found',
    fits: rows('refused', 'trusted', 'directory: a dangling link at 0'),
    optional: true,
  },
  {
    id: 'D4, all certificates of a file',
    why: 'what OpenSSL finds in a hashed file depends on the certificates that it looked for before; here all of it counts',
    fits: rows('refused', 'trusted', "directory: under another certificate's hash"),
  },
  {
    id: 'D4, a damaged file in a directory',
    why: 'all files are read at once, and a source is used whole or not at all; OpenSSL opens only what it looks for',
    fits: rows('trusted', 'bundle', 'directory: junk under another hashed name'),
  },
  {
    id: 'whole or not at all, END missing',
    why: 'OpenSSL takes the first block and swallows the second without a word',
    fits: rows('trusted', 'bundle', 'no END, a good block after'),
  },
  {
    id: 'whole or not at all, NUL',
    why: 'OpenSSL stops at a line that begins with NUL and leaves out what follows without a word',
    fits: ({ source, theirs, ours }) =>
      source.startsWith('NUL at the start of a line between') && theirs !== 'bundle' && ours === 'bundle',
  },
  {
    id: 'keys are not looked at',
    why: 'OpenSSL parses some keys that stand beside certificates, and refuses the file when it cannot',
    fits: rows('bundle', 'trusted', 'a damaged RSA key before'),
  },
]
