/** Who signed, with which key, and how strong that is. */
import { nodeMajor } from '../../helpers/modules.ts'
import { sequence } from './asn1.ts'
import { ANCHOR, chain, type LimboCase, PROFILE } from './case.ts'
import { authority, byKeyId, bySerial, ID, leaf } from './forge.ts'

const KEY_ID = 'RFC 5280, section 4.2.1.1: identifiers help to build a path; section 6 does not compare them'
const STRENGTH = 'NIST SP 800-131A: 112 bits of strength at least'

const identifiers = (): LimboCase[] => {
  const root = authority()
  const above = authority(root)
  const odd = (name: string, authorityKeyId: Buffer | null, rest: Pick<LimboCase, 'verdict'> & Partial<LimboCase>) => ({
    name: `issuer's key: ${name}`,
    rule: KEY_ID,
    sent: [leaf(above, { authorityKeyId }), above],
    anchors: [root],
    valid: true,
    ...rest,
  })
  const stricter = {
    verdict: 'missing-intermediate',
    why: 'OpenSSL passes over an issuer that has another identifier',
  } as const
  return [
    odd('not said', null, { verdict: 'trusted' }),
    odd('said by number', bySerial(root.subject, above.serial), { verdict: 'trusted' }),
    odd('empty', sequence(), { verdict: 'trusted' }),
    odd('another', byKeyId(Buffer.from('another')), stricter),
    odd('another number', bySerial(root.subject, [1]), stricter),
    odd('another name', bySerial('Nobody', above.serial), stricter),
    chain(
      { name: "issuer's key: not said by the issuer", rule: KEY_ID, valid: true, verdict: 'trusted' },
      { middle: { subjectKeyId: null }, server: { authorityKeyId: byKeyId(Buffer.from('id')) } },
    ),
    chain(
      {
        name: "issuer's key: critical",
        rule: PROFILE,
        valid: true,
        verdict: 'other',
        why: 'OpenSSL knows it as a hint only',
      },
      { server: { flipped: [ID.authorityKeyId] } },
    ),
  ]
}

/** OpenSSL's security level, which Node 22 sets to 1. */
const LEVEL_2 = nodeMajor >= 24
const BY_LEVEL = LEVEL_2
  ? ({ verdict: 'weak' } as const)
  : ({
      verdict: 'trusted',
      why: 'Node 22 has level 1, of 80 bits',
      openssl: 'builds of distributions have level 2',
    } as const)

const strengths = (): LimboCase[] => [
  chain(
    { name: 'strength: RSA of 1024 bits, server', rule: STRENGTH, valid: false, ...BY_LEVEL },
    { server: { rsaBits: 1024 } },
  ),
  chain(
    { name: 'strength: RSA of 1024 bits, intermediate', rule: STRENGTH, valid: false, ...BY_LEVEL },
    { middle: { rsaBits: 1024 } },
  ),
  chain(
    { name: 'strength: RSA of 1024 bits, root', rule: STRENGTH, valid: false, ...BY_LEVEL },
    { root: { rsaBits: 1024 } },
  ),
  chain(
    { name: 'strength: SHA-1, server', rule: STRENGTH, valid: false, verdict: 'weak' },
    { server: { hash: 'sha1' } },
  ),
  chain(
    { name: 'strength: SHA-1, intermediate', rule: STRENGTH, valid: false, verdict: 'weak' },
    { middle: { hash: 'sha1' } },
  ),
  chain(
    { name: "strength: SHA-1, of a root's own signature", rule: ANCHOR, valid: true, verdict: 'trusted' },
    { root: { hash: 'sha1' } },
  ),
  chain(
    { name: 'strength: MD5, intermediate', rule: STRENGTH, valid: false, verdict: 'weak' },
    { root: { rsaBits: 2048 }, middle: { hash: 'md5' } },
  ),
]

const signatures = (): LimboCase[] => {
  const stranger = authority().key
  return [
    chain(
      {
        name: 'signature of another key, server',
        rule: 'RFC 5280, section 6.1.3 (a)',
        valid: false,
        verdict: 'unknown-ca',
      },
      { server: { signedWith: stranger } },
    ),
    chain(
      {
        name: 'signature of another key, intermediate',
        rule: 'RFC 5280, section 6.1.3 (a)',
        valid: false,
        verdict: 'unknown-ca',
      },
      { middle: { signedWith: stranger } },
    ),
    chain(
      { name: "root: another key's signature on itself", rule: ANCHOR, valid: true, verdict: 'trusted' },
      { root: { signedWith: stranger } },
    ),
    chain(
      {
        name: 'signature: one algorithm inside, another outside',
        rule: 'RFC 5280, section 4.1.1.2',
        valid: false,
        verdict: 'unknown-ca',
      },
      { server: { outerHash: 'sha1' } },
    ),
    chain(
      { name: "issuer's name: another", rule: 'RFC 5280, section 6.1.3 (a) (4)', valid: false, verdict: 'unknown-ca' },
      { server: { issuerName: 'Somebody' } },
    ),
    chain(
      { name: "issuer's name: none", rule: 'RFC 5280, section 4.1.2.4', valid: false, verdict: 'unknown-ca' },
      { server: { issuerName: '' } },
    ),
  ]
}

export const signatureCases = (): LimboCase[] => [...identifiers(), ...strengths(), ...signatures()]
