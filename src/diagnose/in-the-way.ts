/** Trusted certificates that prevent verification: OpenSSL uses them in place of suitable ones. */
import type { X509Certificate } from 'node:crypto'
import type { Chain } from './facts.ts'
import type { Case, Problem } from './problem.ts'
import { caseOf, problemsOf } from './problems.ts'
import * as say from './texts.ts'

/** `undefined` if nothing that is trusted would do. */
export function inTheWay(chain: Chain, found: Case): Pick<Problem, 'findings' | 'hints'> | undefined {
  const others: X509Certificate[] = []
  let left = found
  while (others.length < MAX_OTHERS) {
    const { anchor } = left
    if (anchor === undefined) return undefined
    const other = anchor.shadowedBy ?? (problemsOf(left).length > 0 ? anchor.certificate : undefined)
    if (other === undefined) {
      return others.length === 0
        ? undefined
        : {
            findings: [say.takenInstead(anchor.certificate, others)],
            hints: [say.leaveOut(anchor.certificate, others)],
          }
    }
    others.push(other)
    left = caseOf(
      chain,
      left.trusted.filter((each) => each !== other),
      found,
    )
  }
  return undefined
}

/** A bundle with more certificates in the way is not worth a hint. */
const MAX_OTHERS = 8
