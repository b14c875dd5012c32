/** Several ways to build a path, and what is sent besides: in the manner of BetterTLS. */
import type { LimboCase } from './case.ts'
import { authority, dns, type Forged, type Forgery, leaf, twin } from './forge.ts'

const BUILD = 'RFC 4158: a path is to be found if there is one'
const ORDER = 'RFC 8446, section 4.4.2: certificates may come in any order, and more of them than are needed'
const ONE_TRY = 'OpenSSL takes the first issuer that fits, and looks for no other when its certificate will not do'

type Verdict = LimboCase['verdict']

const trusted = (name: string, rule: string, sent: readonly Forged[], anchors: readonly Forged[]): LimboCase => ({
  name,
  rule,
  sent,
  anchors,
  valid: true,
  verdict: 'trusted',
})

const refused = (
  name: string,
  rule: string,
  sent: readonly Forged[],
  anchors: readonly Forged[],
  verdict: Verdict,
): LimboCase => ({ name, rule, sent, anchors, valid: false, verdict })

/** What can be wrong with one of two certificates of an intermediate, and what OpenSSL says when it takes that one. */
const FLAWS: readonly [name: string, forgery: Forgery, verdict: Verdict][] = [
  ['has expired', { from: -10, to: -1 }, 'trusted'],
  ['is not valid yet', { from: 1 }, 'trusted'],
  ['is no CA', { ca: false }, 'invalid-ca'],
  ['may not sign', { usage: ['digitalSignature'] }, 'invalid-ca'],
  ['is for clients', { purposes: ['clientAuth'] }, 'wrong-purpose'],
  ['may not have such names', { nameConstraints: { permitted: [dns('other.test')] } }, 'invalid-ca'],
  ['is signed with SHA-1', { hash: 'sha1' }, 'weak'],
  ['is signed with another key', { signedWith: authority().key }, 'unknown-ca'],
]

/** Two certificates of one intermediate, by two roots that are both trusted, of which one is flawed. */
function twoCertificates(): LimboCase[] {
  const [one, two] = [authority(), authority()]
  return FLAWS.flatMap(([flaw, forgery, verdict]) => {
    const good = authority(one)
    const bad = twin(good, two, forgery)
    const server = leaf(good)
    const first = (which: string) => `two certificates of an intermediate: the ${which} one ${flaw}`
    const result = verdict === 'trusted' ? ({ verdict } as const) : ({ verdict, why: ONE_TRY } as const)
    return [
      trusted(first('second'), BUILD, [server, good, bad], [one, two]),
      { ...trusted(first('first'), BUILD, [server, bad, good], [one, two]), ...result },
    ]
  })
}

/** An intermediate that two roots have certified, of which one or both are trusted. */
function twoRoots(): LimboCase[] {
  const [one, two] = [authority(), authority()]
  const byOne = authority(one)
  const byTwo = twin(byOne, two)
  const server = leaf(byOne)
  const unknownFirst = { verdict: 'unknown-ca', why: ONE_TRY } as const
  return [
    trusted('two roots, both trusted', BUILD, [server, byOne, byTwo], [one, two]),
    trusted('two roots, the way to the trusted one sent first', BUILD, [server, byOne, byTwo], [one]),
    {
      ...trusted('two roots, the way to the trusted one sent last', BUILD, [server, byOne, byTwo], [two]),
      ...unknownFirst,
    },
    refused('two roots, none trusted', BUILD, [server, byOne, byTwo], [authority()], 'unknown-ca'),
  ]
}

/** A root that was certified by an older one, which has expired or is not trusted (Let's Encrypt in 2021). */
function crossSigned(): LimboCase[] {
  const old = authority(undefined, { from: -100, to: -1 })
  const stranger = authority()
  const root = authority()
  const crossOld = twin(root, old)
  const crossStranger = twin(root, stranger)
  const crossExpired = twin(root, stranger, { from: -100, to: -1 })
  const above = authority(root)
  const server = leaf(above)
  return [
    trusted('a trusted root, and its certificate by an expired one', BUILD, [server, above, crossOld], [root]),
    trusted(
      'a trusted root, its certificate by an expired one, and that one trusted too',
      BUILD,
      [server, above, crossOld, old],
      [old, root],
    ),
    trusted('a trusted root, and its certificate by an unknown one', BUILD, [server, above, crossStranger], [root]),
    trusted('an expired certificate of a trusted root', BUILD, [server, above, crossExpired], [root]),
    trusted('the root that certified the one above', BUILD, [server, above, crossStranger], [stranger]),
    refused('an expired root that certified the one above', BUILD, [server, above, crossOld], [old], 'expired'),
    refused(
      'an expired certificate by the only trusted root',
      BUILD,
      [server, above, crossExpired],
      [stranger],
      'expired',
    ),
    trusted('a root that is sent, and trusted', ORDER, [server, above, root], [root]),
    refused('a root that is sent, and not trusted', BUILD, [server, above, root], [stranger], 'unknown-ca'),
    refused('an expired root', BUILD, [leaf(old)], [old], 'expired'),
  ]
}

/** A root that was renewed with its key kept. */
function renewedRoots(): LimboCase[] {
  const old = authority(undefined, { from: -100, to: -1 })
  const current = twin(old)
  const future = twin(old, undefined, { from: 1 })
  const above = authority(old)
  const server = leaf(above)
  const valid = (name: string, sent: readonly Forged[], anchors: readonly Forged[]) =>
    trusted(`a renewed root: ${name}`, BUILD, sent, anchors)
  return [
    valid('the new one is trusted', [server, above], [current]),
    valid('the new one is trusted, the old one sent', [server, above, old], [current]),
    valid('both are trusted, the old one first', [server, above], [old, current]),
    valid('both are trusted, the new one first', [server, above], [current, old]),
    valid('old, new and next are trusted', [server, above], [old, future, current]),
    refused(
      'a renewed root: the old one is trusted, the new one sent',
      BUILD,
      [server, above, current],
      [old],
      'expired',
    ),
    refused('a renewed root: only the next one is trusted', BUILD, [server, above], [future], 'not-yet-valid'),
  ]
}

/** Order, doubles and strangers in what is sent. */
function orders(): LimboCase[] {
  const root = authority()
  const first = authority(root)
  const second = authority(first)
  const third = authority(second)
  const server = leaf(third)
  const stranger = authority()
  const valid = (name: string, ...sent: readonly Forged[]) => trusted(`sent: ${name}`, ORDER, [server, ...sent], [root])
  return [
    valid('in order', third, second, first),
    valid('upside down', first, second, third),
    valid('mixed', second, first, third),
    valid('with the root in front', root, third, second, first),
    valid('each twice', third, third, second, second, first, first),
    valid('the server again', server, third, second, first),
    valid('with strangers between', stranger, third, authority(stranger), second, leaf(stranger), first),
    refused('sent: one missing in the middle', BUILD, [server, third, first], [root], 'missing-intermediate'),
    refused('sent: the first above missing', BUILD, [server, second, first], [root], 'missing-intermediate'),
    trusted('sent: one missing that is trusted', BUILD, [server, third, first], [root, second]),
  ]
}

/** Authorities that certified each other, and long ways. */
function loops(): LimboCase[] {
  const root = authority()
  const a = authority(root)
  const c = authority(root)
  const aByC = twin(a, c)
  const cByA = twin(c, a)
  const b = authority(a)
  const bByC = twin(b, c)
  const server = leaf(b)
  const all = [b, bByC, aByC, cByA, a, c]
  const island = authority()
  const islandByA = twin(island, a)
  const aByIsland = twin(a, islandByA)
  const long = Array.from({ length: 30 }).reduce<Forged[]>((above) => [authority(above[0]), ...above], [])
  const [lowest] = long
  return [
    trusted('a loop, the ways out of it last', BUILD, [server, ...all], [root]),
    trusted('a loop, the ways out of it first', BUILD, [server, ...all.toReversed()], [root]),
    refused('a loop without a way out', BUILD, [leaf(islandByA), islandByA, aByIsland], [root], 'unknown-ca'),
    trusted('30 authorities', BUILD, [leaf(lowest), ...long.slice(0, -1)], long.slice(-1)),
  ]
}

/** Authorities of one name with different keys. */
function namesakes(): LimboCase[] {
  const root = authority()
  const middle = authority(root)
  const other = authority(root, { subject: middle.subject })
  const otherRoot = authority(undefined, { subject: root.subject })
  const server = leaf(middle)
  const silent = leaf(middle, { authorityKeyId: null })
  return [
    trusted('two intermediates of a name, told apart by their keys', BUILD, [server, other, middle], [root]),
    trusted('two roots of a name, told apart by their keys', BUILD, [server, middle], [otherRoot, root]),
    {
      ...trusted(
        'two intermediates of a name, not told apart, the wrong one first',
        BUILD,
        [silent, other, middle],
        [root],
      ),
      verdict: 'unknown-ca',
      why: ONE_TRY,
    },
    trusted('two intermediates of a name, not told apart, the right one first', BUILD, [silent, middle, other], [root]),
    refused('a root of the right name with another key', BUILD, [server, middle], [otherRoot], 'unknown-ca'),
  ]
}

export const pathCases = (): LimboCase[] => [
  ...twoCertificates(),
  ...twoRoots(),
  ...crossSigned(),
  ...renewedRoots(),
  ...orders(),
  ...loops(),
  ...namesakes(),
]
