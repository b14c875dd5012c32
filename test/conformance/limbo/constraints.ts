/** Name constraints on a root, on an intermediate, on several of a path, on a pinned one. */
import { direct, type LimboCase } from './case.ts'
import { HOST, ROWS, RULE, www } from './constraint-rows.ts'
import { authority, dns, ID, leaf } from './forge.ts'

/** Each of the rows on an intermediate, and on the root: RFC 5937 has those of an anchor count as well. */
function rows(): LimboCase[] {
  const root = authority()
  return ROWS.flatMap(({ name, constraints, names = www, subject, rule = RULE, verdict, ...rest }) => {
    const server = subject === undefined ? { names } : { names, subject }
    const expected = {
      host: HOST,
      ...rest,
      rule,
      verdict: verdict ?? (rest.valid ? ('trusted' as const) : ('invalid-ca' as const)),
    }
    const above = authority(root, { nameConstraints: constraints })
    const anchor = authority(undefined, { nameConstraints: constraints })
    return [
      { ...expected, name: `of an intermediate: ${name}`, sent: [leaf(above, server), above], anchors: [root] },
      { ...expected, name: `of the root: ${name}`, sent: [leaf(anchor, server)], anchors: [anchor] },
    ]
  })
}

function places(): LimboCase[] {
  const root = authority()
  const constrained = authority(root, { nameConstraints: { permitted: [dns('lab.test')] } })
  const wider = authority(constrained, { nameConstraints: { permitted: [dns('test')] } })
  const narrower = authority(constrained, { nameConstraints: { permitted: [dns('www.lab.test')] } })
  const plain = authority(constrained)
  const notCritical = authority(root, {
    nameConstraints: { permitted: [dns('lab.test')] },
    flipped: [ID.nameConstraints],
  })
  const below = (name: string, sent: LimboCase['sent'], valid: boolean, host = HOST): LimboCase => ({
    name,
    rule: RULE,
    host,
    sent,
    anchors: [root],
    valid,
    verdict: valid ? 'trusted' : 'invalid-ca',
  })
  const other = { names: [dns('www.other.test')] }
  const api = { names: [dns('api.lab.test')] }
  return [
    below('of an intermediate two above the server', [leaf(plain, other), plain, constrained], false, 'www.other.test'),
    below('widened by the next', [leaf(wider, other), wider, constrained], false, 'www.other.test'),
    below('narrowed by the next', [leaf(narrower, api), narrower, constrained], false, 'api.lab.test'),
    below('narrowed by the next, and kept', [leaf(narrower, { names: www }), narrower, constrained], true),
    below('not critical, and kept', [leaf(notCritical, { names: www }), notCritical], true),
    below('not critical, and not kept', [leaf(notCritical, other), notCritical], false, 'www.other.test'),
    {
      ...below(
        'of a pinned intermediate, and not kept',
        [leaf(constrained, other), constrained],
        false,
        'www.other.test',
      ),
      anchors: [constrained],
    },
    {
      ...below(
        'of a pinned intermediate that is not sent, and not kept',
        [leaf(constrained, other)],
        false,
        'www.other.test',
      ),
      anchors: [constrained],
    },
    direct(
      {
        name: 'of a server, which is no CA',
        rule: `${RULE}: for authorities only`,
        valid: true,
        verdict: 'trusted',
      },
      { server: { nameConstraints: { permitted: [dns('other.test')] } } },
    ),
  ]
}

export const constraintCases = (): LimboCase[] => [...rows(), ...places()]
