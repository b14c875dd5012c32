/** What the right verdict is: chain building and its checks in a few lines, to be compared with the real thing. */
import type { Flaw, Phase, ServerCase } from './servers.ts'

/**
 * What a source of trust comes to. `rejects`: the certificate is there, marked as not for servers. `namesakeFirst`: it
 * comes after another of the same name.
 */
export type Trusts =
  | {
      readonly kind: 'certificates'
      readonly certificates: readonly string[]
      readonly rejects?: boolean
      readonly namesakeFirst?: boolean
    }
  | { readonly kind: 'public' | 'anything' | 'refused' }

/** `trusted`, a reason of `SSLError`, or `bundle` for a `CABundleError`. */
export function verdictOf(server: ServerCase, trusts: Trusts): string {
  if (trusts.kind === 'anything') return 'trusted'
  if (trusts.kind === 'refused') return 'bundle'
  const anchors = trusts.kind === 'certificates' ? trusts.certificates : []
  const { depth, complete } = buildChain(server, anchors)
  const problems = server.flaws.filter((flaw) => isSeen(flaw, depth, trusts.kind === 'public'))
  if (complete && trusts.kind === 'certificates' && trusts.rejects) {
    problems.push({ at: depth, reason: 'wrong-purpose', phase: 'extensions' })
  } else if (!complete) {
    const reason =
      server.path.length === 1 ? 'self-signed' : lacksIntermediate(server) ? 'missing-intermediate' : 'unknown-ca'
    // Without partial chains, a signature that cannot be checked is found late.
    problems.push({ at: depth, reason, phase: trusts.kind === 'public' && depth === 0 ? 'names' : 'chain' })
  } else if (trusts.kind === 'certificates' && trusts.namesakeFirst && !server.keyIdentifiers) {
    // Nothing but the name tells the two authorities apart, and OpenSSL takes the first.
    problems.push({ at: depth, reason: 'unknown-ca', phase: 'signatures' })
  }
  const late = (phase: Phase) => PHASES.indexOf(phase)
  const [last] = problems.sort((a, b) => late(b.phase) - late(a.phase))
  return last?.reason ?? (server.wrongHost ? 'hostname-mismatch' : 'trusted')
}

/**
 * Whether an intermediate authority issued the last certificate that Node shows. Of certificates in the wrong order Node stops at the
 * one that was sent last.
 */
function lacksIntermediate({ path, sent }: ServerCase): boolean {
  const inOrder = sent.every((certificate, index) => certificate === path[index])
  const shown = inOrder ? sent.length : path.indexOf(sent.at(-1) ?? '') + 1
  return shown < path.length - 1
}

/** The order in which OpenSSL checks. Node lets it go on after a failure and reports the last one. */
const PHASES: readonly Phase[] = ['chain', 'security level', 'extensions', 'names', 'signatures', 'dates']

/** Whether a chain that ends at `depth` shows the flaw. The dates of the top of an incomplete chain are not looked at. */
function isSeen({ at, phase }: Flaw, depth: number, isPublic: boolean): boolean {
  return at < depth || (at === depth && !(isPublic && phase === 'dates' && depth > 0))
}

/**
 * Climbs to the first issuer that is trusted, over those that were sent. A certificate that was sent and is itself
 * trusted ends the climb only where there is nothing above it: what is sent above a pinned certificate is checked too.
 */
function buildChain({ path, sent }: ServerCase, anchors: readonly string[]): { depth: number; complete: boolean } {
  for (let depth = 0; ; depth++) {
    const issuer = path[depth + 1]
    if (issuer !== undefined && anchors.includes(issuer)) return { depth: depth + 1, complete: true }
    if (issuer === undefined || !sent.includes(issuer)) {
      return { depth, complete: path.slice(0, depth + 1).some((certificate) => anchors.includes(certificate)) }
    }
  }
}
