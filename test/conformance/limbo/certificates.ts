/** What a certificate says: its usages, purposes, extensions and numbers. */
import { integer, octets, oid, sequence } from './asn1.ts'
import { ANCHOR, ANCHOR_CHECKED, chain, direct, type LimboCase, PROFILE } from './case.ts'
import { dns, extension, ID, UNKNOWN } from './forge.ts'

const PURPOSE = 'RFC 5280, section 4.2.1.12: for TLS servers, or for any purpose'
const CRITICAL = 'RFC 5280, section 4.2: who does not know a critical extension refuses the certificate'
const SERIAL = 'RFC 5280, section 4.1.2.2: who verifies handles odd numbers gracefully'
/** OpenSSL finds no issuer for a certificate that cannot be read in full, and no certificate that issued with it. */
const MALFORMED = 'unknown-ca'

const servers = (): LimboCase[] => [
  direct(
    { name: 'server: a CA too', rule: PROFILE, valid: true, verdict: 'trusted' },
    { server: { ca: true, usage: ['digitalSignature', 'keyCertSign'] } },
  ),
  direct(
    { name: 'server: no CA, but may sign certificates', rule: PROFILE, valid: true, verdict: 'trusted' },
    { server: { usage: ['digitalSignature', 'keyCertSign'] } },
  ),
  direct(
    {
      name: 'server: no keyUsage, no basicConstraints, no extendedKeyUsage',
      rule: PURPOSE,
      valid: true,
      verdict: 'trusted',
    },
    { server: { usage: null, ca: null, purposes: null } },
  ),
  direct(
    {
      name: 'server: keyUsage for certificates only',
      rule: 'RFC 8446, section 4.4.2.2: it may sign',
      valid: false,
      verdict: 'wrong-purpose',
    },
    { server: { usage: ['keyCertSign'] } },
  ),
  direct(
    {
      name: 'server: keyUsage for nothing',
      rule: 'RFC 8446, section 4.4.2.2: it may sign',
      valid: false,
      verdict: MALFORMED,
    },
    { server: { usage: [] } },
  ),
  direct(
    {
      name: 'server: keyUsage to encipher keys only',
      rule: 'RFC 8446, section 4.4.2.2: it may sign',
      valid: false,
      verdict: 'trusted',
      why: 'OpenSSL asks for any usage of TLS servers, of old ciphers too: the owner of the key is the same',
    },
    { server: { usage: ['keyEncipherment'] } },
  ),
  direct(
    {
      name: 'server: version 1',
      rule: 'RFC 9525, section 2: names are in subjectAltName',
      valid: false,
      verdict: 'hostname-mismatch',
    },
    { server: { version: 1, subject: 'localhost' } },
  ),
]

const purposes = (): LimboCase[] => [
  ...(
    [
      [['serverAuth', 'clientAuth'], true, 'trusted'],
      [['clientAuth'], false, 'wrong-purpose'],
      [['codeSigning'], false, 'wrong-purpose'],
      [[], false, 'wrong-purpose'],
      [['any', 'serverAuth'], true, 'trusted'],
    ] as const
  ).map(([list, valid, verdict]) =>
    direct(
      { name: `purposes of the server: ${list.join(', ') || 'none in the list'}`, rule: PURPOSE, valid, verdict },
      { server: { purposes: list } },
    ),
  ),
  direct(
    {
      name: 'purposes of the server: any',
      rule: PURPOSE,
      valid: true,
      verdict: 'wrong-purpose',
      why: 'OpenSSL wants serverAuth by name, as the CA/Browser Forum does (7.1.2.7.10)',
    },
    { server: { purposes: ['any'] } },
  ),
  direct(
    {
      name: "purposes of the server: Netscape's server gated cryptography",
      rule: PURPOSE,
      valid: false,
      verdict: 'trusted',
      why: 'OpenSSL takes it for serverAuth, which it was an early form of',
    },
    { server: { purposes: ['sgc'] } },
  ),
  direct(
    { name: 'purposes of the server: critical', rule: PURPOSE, valid: true, verdict: 'trusted' },
    { server: { flipped: [ID.purposes] } },
  ),
  chain(
    { name: 'purposes of the intermediate: serverAuth', rule: PURPOSE, valid: true, verdict: 'trusted' },
    { middle: { purposes: ['serverAuth'] } },
  ),
  chain(
    {
      name: 'purposes of the intermediate: clientAuth',
      rule: 'CA/Browser Forum 7.1.2.10.6: an authority is for what its purposes say',
      valid: false,
      verdict: 'wrong-purpose',
    },
    { middle: { purposes: ['clientAuth'] } },
  ),
  chain(
    {
      name: 'purposes of the intermediate: any',
      rule: PURPOSE,
      valid: true,
      verdict: 'wrong-purpose',
      why: 'OpenSSL wants serverAuth by name',
    },
    { middle: { purposes: ['any'] } },
  ),
  chain(
    {
      name: 'purposes of the root: clientAuth',
      rule: ANCHOR,
      valid: true,
      verdict: 'wrong-purpose',
      why: ANCHOR_CHECKED,
    },
    { root: { purposes: ['clientAuth'] } },
  ),
]

const unknown = (critical: boolean) => ({ more: [extension(UNKNOWN, critical, octets(Buffer.from('what')))] })
const again = (id: string, content: Buffer) => ({ more: [extension(id, false, content)] })
const infoAccess = sequence(sequence(oid('1.3.6.1.5.5.7.48.2'), dns('lab.test')))

const extensions = (): LimboCase[] => [
  chain(
    { name: 'unknown and critical: server', rule: CRITICAL, valid: false, verdict: 'other' },
    { server: unknown(true) },
  ),
  chain(
    { name: 'unknown and critical: intermediate', rule: CRITICAL, valid: false, verdict: 'other' },
    { middle: unknown(true) },
  ),
  chain(
    { name: 'unknown and critical: root', rule: ANCHOR, valid: true, verdict: 'other', why: ANCHOR_CHECKED },
    { root: unknown(true) },
  ),
  chain({ name: 'unknown: server', rule: CRITICAL, valid: true, verdict: 'trusted' }, { server: unknown(false) }),
  chain({ name: 'unknown: intermediate', rule: CRITICAL, valid: true, verdict: 'trusted' }, { middle: unknown(false) }),
  direct(
    { name: 'authorityInfoAccess, critical', rule: CRITICAL, valid: false, verdict: 'other' },
    { server: { more: [extension(ID.authorityInfoAccess, true, infoAccess)] } },
  ),
  direct(
    { name: 'authorityInfoAccess', rule: CRITICAL, valid: true, verdict: 'trusted' },
    { server: { more: [extension(ID.authorityInfoAccess, false, infoAccess)] } },
  ),
  ...(
    [
      ['names', ID.names, sequence(dns('localhost'))],
      ['basicConstraints', ID.basicConstraints, sequence()],
      ['purposes', ID.purposes, sequence(oid('1.3.6.1.5.5.7.3.1'))],
      ['key identifier', ID.subjectKeyId, octets(Buffer.from('id'))],
    ] as const
  ).map(([what, id, content]) =>
    direct(
      {
        name: `twice: ${what}`,
        rule: 'RFC 5280, section 4.2: no extension more than once',
        valid: false,
        verdict: MALFORMED,
      },
      { server: again(id, content) },
    ),
  ),
  direct(
    {
      name: 'twice: one that is unknown',
      rule: 'RFC 5280, section 4.2: no extension more than once',
      valid: false,
      verdict: 'trusted',
      why: 'OpenSSL looks for what it knows; what it does not know decides nothing',
    },
    { server: { more: [...unknown(false).more, ...unknown(false).more] } },
  ),
  direct(
    { name: 'names that are no sequence', rule: 'RFC 5280, section 4.2.1.6', valid: false, verdict: MALFORMED },
    { server: { names: null, more: [extension(ID.names, false, integer(1))] } },
  ),
]

const numbers = (): LimboCase[] =>
  (
    [
      ['0', [0]],
      ['negative', [0xff]],
      ['of 20 octets', [0x7f, ...Array<number>(19).fill(0xff)]],
      ['of 21 octets', [0x00, ...Array<number>(20).fill(0xff)]],
      ['of 100 octets', [0x7f, ...Array<number>(99).fill(1)]],
    ] as const
  ).flatMap(([what, serial]) => [
    chain(
      { name: `number: ${what}, of the server`, rule: SERIAL, valid: true, verdict: 'trusted' },
      { server: { serial } },
    ),
    chain(
      { name: `number: ${what}, of the root`, rule: SERIAL, valid: true, verdict: 'trusted' },
      { root: { serial } },
    ),
  ])

export const certificateCases = (): LimboCase[] => [...servers(), ...purposes(), ...extensions(), ...numbers()]
