/** Subresource Integrity: the option `integrity` of `fetch`. */
import { hash } from 'node:crypto'

/**
 * Whether the bytes have one of the digests. Of several algorithms the strongest counts; metadata without a known algorithm
 * matches everything.
 *
 * Source: https://w3c.github.io/webappsec-subresource-integrity/#does-response-match-metadatalist
 *
 * @param metadata such as `sha384-BASE64`, several separated by white space
 */
export function matchesIntegrity(bytes: Uint8Array, metadata: string): boolean {
  const digests = metadata.split(/[\t\n\f\r ]+/).flatMap((item) => {
    const [, algorithm = '', value = ''] = /^(sha256|sha384|sha512)-([^?]*)/i.exec(item) ?? []
    return algorithm === '' ? [] : [{ algorithm: algorithm.toLowerCase(), value }]
  })
  // By name they are in the order of their strength.
  const strongest = digests
    .map(({ algorithm }) => algorithm)
    .toSorted()
    .at(-1)
  if (strongest === undefined) return true
  const expected = Buffer.from(hash(strongest, bytes, 'hex'), 'hex')
  return digests.some(
    ({ algorithm, value }) => algorithm === strongest && expected.equals(Buffer.from(value, 'base64')),
  )
}
