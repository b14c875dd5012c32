/** Which certificates may issue others, and how far down. */
import { ANCHOR, ANCHOR_CHECKED, chain, direct, type LimboCase, PROFILE } from './case.ts'
import { authority, ID, leaf } from './forge.ts'

const CA = 'RFC 5280, section 6.1.4 (k): an intermediate says CA:TRUE in basicConstraints'
const SIGNS = 'RFC 5280, section 6.1.4 (n): an intermediate with keyUsage may sign certificates'
const DEPTH = 'RFC 5280, section 6.1.4 (l, m): no more intermediates than pathLenConstraint says'
/** OpenSSL finds no issuer for a certificate that cannot be read in full, and no certificate that issued with it. */
const MALFORMED_ISSUER = 'missing-intermediate'

const authorities = (): LimboCase[] => [
  chain({ name: 'all is well', rule: 'RFC 5280, section 6.1', valid: true, verdict: 'trusted' }, {}),
  chain({ name: 'intermediate: no CA', rule: CA, valid: false, verdict: 'invalid-ca' }, { middle: { ca: false } }),
  chain(
    { name: 'intermediate: no CA, may not sign', rule: CA, valid: false, verdict: 'invalid-ca' },
    { middle: { ca: false, usage: ['digitalSignature'] } },
  ),
  chain(
    {
      name: 'intermediate: no basicConstraints, but may sign',
      rule: CA,
      valid: false,
      verdict: 'invalid-ca',
    },
    { middle: { ca: null } },
  ),
  chain(
    { name: 'intermediate: no basicConstraints, no keyUsage', rule: CA, valid: false, verdict: 'invalid-ca' },
    { middle: { ca: null, usage: null } },
  ),
  chain(
    { name: 'intermediate: no basicConstraints, may not sign', rule: CA, valid: false, verdict: 'invalid-ca' },
    { middle: { ca: null, usage: ['digitalSignature'] } },
  ),
  chain(
    { name: 'intermediate: basicConstraints is not critical', rule: PROFILE, valid: true, verdict: 'trusted' },
    { middle: { flipped: [ID.basicConstraints] } },
  ),
  chain({ name: 'intermediate: version 1', rule: CA, valid: false, verdict: 'invalid-ca' }, { middle: { version: 1 } }),
  chain(
    { name: 'intermediate: may not sign', rule: SIGNS, valid: false, verdict: 'invalid-ca' },
    { middle: { usage: ['digitalSignature', 'cRLSign'] } },
  ),
  chain(
    { name: 'intermediate: no keyUsage', rule: SIGNS, valid: true, verdict: 'trusted' },
    { middle: { usage: null } },
  ),
  chain(
    { name: 'root: no CA', rule: ANCHOR, valid: true, verdict: 'invalid-ca', why: ANCHOR_CHECKED },
    { root: { ca: false } },
  ),
  chain({ name: 'root: no basicConstraints', rule: ANCHOR, valid: true, verdict: 'trusted' }, { root: { ca: null } }),
  chain({ name: 'root: version 1', rule: ANCHOR, valid: true, verdict: 'trusted' }, { root: { version: 1 } }),
  chain(
    { name: 'root: may not sign', rule: ANCHOR, valid: true, verdict: 'invalid-ca', why: ANCHOR_CHECKED },
    { root: { usage: ['digitalSignature'] } },
  ),
  chain({ name: 'root: no name', rule: PROFILE, valid: true, verdict: 'trusted' }, { root: { subject: '' } }),
]

const depths = (): LimboCase[] => {
  const root = authority()
  const upper = authority(root, { pathLength: 0 })
  const lower = authority(upper)
  const enough = authority(root, { pathLength: 1 })
  const below = authority(enough)
  const same = authority(upper, { subject: upper.subject })
  const shallow = authority(undefined, { pathLength: 0 })
  const tooDeep = authority(shallow)
  const rollover = authority(shallow, { subject: shallow.subject })
  return [
    chain(
      { name: 'depth: 0, and none below', rule: DEPTH, valid: true, verdict: 'trusted' },
      { middle: { pathLength: 0 } },
    ),
    {
      name: 'depth: 0, and one below',
      rule: DEPTH,
      sent: [leaf(lower), lower, upper],
      anchors: [root],
      valid: false,
      verdict: 'invalid-ca',
    },
    {
      name: 'depth: 1, and one below',
      rule: DEPTH,
      sent: [leaf(below), below, enough],
      anchors: [root],
      valid: true,
      verdict: 'trusted',
    },
    {
      name: 'depth: 0, and one of the same name below',
      rule: `${DEPTH}; self-issued ones do not count`,
      sent: [leaf(same), same, upper],
      anchors: [root],
      valid: true,
      verdict: 'trusted',
    },
    {
      name: 'depth: 0 of the root, and one below',
      rule: 'RFC 5937, section 3: the depth of an anchor counts',
      sent: [leaf(tooDeep), tooDeep],
      anchors: [shallow],
      valid: false,
      verdict: 'invalid-ca',
    },
    {
      name: 'depth: 0 of the root, and its next key below',
      rule: `${DEPTH}; self-issued ones do not count`,
      sent: [leaf(rollover), rollover],
      anchors: [shallow],
      valid: true,
      verdict: 'trusted',
    },
    chain(
      {
        name: 'depth: negative',
        rule: 'RFC 5280, section 4.2.1.9: 0 or more',
        valid: false,
        verdict: MALFORMED_ISSUER,
      },
      { middle: { pathLength: -1 } },
    ),
    direct(
      { name: 'depth: of a server, which is no CA', rule: PROFILE, valid: true, verdict: 'trusted' },
      { server: { pathLength: 0 } },
    ),
  ]
}

export const authorityCases = (): LimboCase[] => [...authorities(), ...depths()]
