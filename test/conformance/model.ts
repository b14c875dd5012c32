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
  /** Certificates that are trusted, and others that only help: a chain ends at a root. */
  | { readonly kind: 'helped'; readonly certificates: readonly string[]; readonly helping: readonly string[] }
  /** Whether a pin matches the server. */
  | { readonly kind: 'pins'; readonly match: boolean }
  | { readonly kind: 'public' | 'anything' | 'refused' }

/** `trusted`, a reason of `SSLError`, or `bundle` for a `CABundleError`. */
export function verdictOf(server: ServerCase, trusts: Trusts): string {
  if (trusts.kind === 'anything') return 'trusted'
  if (trusts.kind === 'refused') return 'bundle'
  if (trusts.kind === 'pins') return pinnedVerdict(server, trusts.match)
  const anchors = 'certificates' in trusts ? trusts.certificates : []
  const helping = trusts.kind === 'helped' ? trusts.helping : []
  const isStrict = trusts.kind === 'public' || trusts.kind === 'helped'
  const { depth, complete } = helping.length > 0 ? buildHelped(server, anchors, helping) : buildChain(server, anchors)
  const problems = server.flaws.filter((flaw) => isSeen(flaw, depth, isStrict && !complete))
  if (complete && trusts.kind === 'certificates' && trusts.rejects) {
    problems.push({ at: depth, reason: 'wrong-purpose', phase: 'extensions' })
  } else if (!complete) {
    const reason =
      server.path.length === 1
        ? 'self-signed'
        : lacksIntermediate({ ...server, sent: [...new Set([...server.sent, ...helping])] })
          ? 'missing-intermediate'
          : 'unknown-ca'
    // Without partial chains, a signature that cannot be checked is found late.
    problems.push({ at: depth, reason, phase: isStrict && depth === 0 ? 'names' : 'chain' })
  } else if (trusts.kind === 'certificates' && trusts.namesakeFirst && !server.keyIdentifiers) {
    // Nothing but the name distinguishes the two CAs, and OpenSSL takes the first.
    problems.push({ at: depth, reason: 'unknown-ca', phase: 'signatures' })
  }
  const late = (phase: Phase) => PHASES.indexOf(phase)
  const [last] = problems.sort((a, b) => late(b.phase) - late(a.phase))
  return last?.reason ?? (server.wrongHost ? 'hostname-mismatch' : 'trusted')
}

/** A pin stands for the name and the trust. OpenSSL checks the CA certificates that are sent above, as for a trusted leaf. */
function pinnedVerdict(server: ServerCase, match: boolean): string {
  if (!match) return 'pin-mismatch'
  const flaws = server.flaws.filter(({ at, phase }) => at > 0 || phase === 'dates')
  return verdictOf(
    { ...server, flaws, wrongHost: false },
    { kind: 'certificates', certificates: server.path.slice(0, 1) },
  )
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

/**
 * Climbs to a root. OpenSSL looks for an issuer among what it was given before what was sent, and after the first that it was given it
 * looks at no more of what was sent.
 */
function buildHelped(
  { path, sent }: ServerCase,
  anchors: readonly string[],
  helping: readonly string[],
): { depth: number; complete: boolean } {
  let isAmongSent = true
  for (let depth = 0; ; depth++) {
    const issuer = path[depth + 1]
    if (issuer !== undefined && anchors.includes(issuer)) return { depth: depth + 1, complete: true }
    if (issuer !== undefined && helping.includes(issuer)) isAmongSent = false
    else if (issuer === undefined || !isAmongSent || !sent.includes(issuer)) return { depth, complete: false }
  }
}
