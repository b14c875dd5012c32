/** Name constraints of every kind, for every kind of name. */
import type { LimboCase } from './case.ts'
import { type Constraints, directory, dns, email, ip, otherName, registeredId, uri } from './forge.ts'

export const RULE = 'RFC 5280, section 4.2.1.10'
const LOOPBACK = ip(127, 0, 0, 0, 255, 0, 0, 0)
const OTHER_NET = ip(10, 0, 0, 0, 255, 0, 0, 0)
const LOOPBACK_V6 = ip(...Array<number>(15).fill(0), 1, ...Array<number>(16).fill(255))

/** What an authority may issue for, and what it issued. */
export interface Row {
  readonly name: string
  readonly constraints: Constraints
  /** Default: www.lab.test. */
  readonly names?: readonly Buffer[]
  /** Default: www.lab.test. */
  readonly host?: string
  /** The common name of the server. */
  readonly subject?: string
  readonly valid: boolean
  readonly rule?: string
  readonly verdict?: LimboCase['verdict']
  readonly why?: string
  readonly openssl?: string
}

export const www = [dns('www.lab.test')]
/** Where nothing else is said. */
export const HOST = 'www.lab.test'

const LOCAL = { names: [ip(127, 0, 0, 1)], host: '127.0.0.1' }

export const ROWS: readonly Row[] = [
  { name: 'the name itself is permitted', constraints: { permitted: [dns('www.lab.test')] }, valid: true },
  { name: 'names below are permitted', constraints: { permitted: [dns('lab.test')] }, valid: true },
  { name: 'names far below are permitted', constraints: { permitted: [dns('test')] }, valid: true },
  { name: 'permitted in capitals', constraints: { permitted: [dns('LAB.Test')] }, valid: true },
  { name: 'another name is permitted', constraints: { permitted: [dns('other.test')] }, valid: false },
  { name: 'a name of the same end is permitted', constraints: { permitted: [dns('w.lab.test')] }, valid: false },
  {
    name: 'a name with the same letters at its end is permitted',
    constraints: { permitted: [dns('ab.test')] },
    valid: false,
  },
  { name: 'one of two is permitted', constraints: { permitted: [dns('other.test'), dns('lab.test')] }, valid: true },
  {
    name: 'one name is permitted, the other is not',
    constraints: { permitted: [dns('lab.test')] },
    names: [...www, dns('other.test')],
    valid: false,
  },
  { name: 'every name is permitted', constraints: { permitted: [dns('')] }, valid: true },
  {
    name: 'names below a dot are permitted',
    constraints: { permitted: [dns('.lab.test')] },
    valid: false,
    rule: `${RULE}: a constraint of names has no dot before it`,
    verdict: 'trusted',
    why: 'OpenSSL takes it for the names below lab.test, without itself, which is what is meant by those who write it',
  },
  {
    name: 'names below a dot are permitted, and not the one above',
    constraints: { permitted: [dns('.lab.test')] },
    names: [dns('lab.test')],
    host: 'lab.test',
    valid: false,
  },
  { name: 'the name itself is excluded', constraints: { excluded: [dns('www.lab.test')] }, valid: false },
  { name: 'names below are excluded', constraints: { excluded: [dns('lab.test')] }, valid: false },
  { name: 'excluded in capitals', constraints: { excluded: [dns('LAB.TEST')] }, valid: false },
  { name: 'another name is excluded', constraints: { excluded: [dns('other.test')] }, valid: true },
  {
    name: 'a name with the same letters at its end is excluded',
    constraints: { excluded: [dns('ab.test')] },
    valid: true,
  },
  {
    name: 'one name is excluded, the other is asked for',
    constraints: { excluded: [dns('other.test')] },
    names: [...www, dns('a.other.test')],
    valid: false,
  },
  { name: 'every name is excluded', constraints: { excluded: [dns('')] }, valid: false },
  { name: 'names below a dot are excluded', constraints: { excluded: [dns('.lab.test')] }, valid: false },
  {
    name: 'permitted, and excluded again',
    constraints: { permitted: [dns('lab.test')], excluded: [dns('www.lab.test')] },
    valid: false,
  },
  {
    name: 'a wildcard within what is permitted',
    constraints: { permitted: [dns('lab.test')] },
    names: [dns('*.lab.test')],
    valid: true,
  },
  {
    name: 'a wildcard beyond what is permitted',
    constraints: { permitted: [dns('www.lab.test')] },
    names: [dns('*.lab.test')],
    valid: false,
  },
  {
    name: 'a wildcard within what is excluded',
    constraints: { excluded: [dns('lab.test')] },
    names: [dns('*.lab.test')],
    valid: false,
  },
  {
    name: 'a wildcard that stands for what is excluded, too',
    constraints: { excluded: [dns('www.lab.test')] },
    names: [dns('*.lab.test')],
    valid: false,
    verdict: 'trusted',
    why: 'OpenSSL compares names as they are written, as RFC 5280 does: it says nothing of wildcards',
    rule: 'CVE-2025-61727 of Go: what a wildcard stands for can be excluded',
  },
  {
    name: 'a common name that is not permitted beside names that are',
    constraints: { permitted: [dns('lab.test')] },
    subject: 'www.other.test',
    valid: true,
  },
  { name: 'an address is permitted', constraints: { permitted: [LOOPBACK] }, ...LOCAL, valid: true },
  { name: 'another address is permitted', constraints: { permitted: [OTHER_NET] }, ...LOCAL, valid: false },
  { name: 'an address is excluded', constraints: { excluded: [LOOPBACK] }, ...LOCAL, valid: false },
  { name: 'another address is excluded', constraints: { excluded: [OTHER_NET] }, ...LOCAL, valid: true },
  {
    name: 'every IPv4 address is excluded',
    constraints: { excluded: [ip(0, 0, 0, 0, 0, 0, 0, 0)] },
    ...LOCAL,
    valid: false,
  },
  {
    name: 'an IPv6 address is permitted, one of IPv4 asked for',
    constraints: { permitted: [LOOPBACK_V6] },
    ...LOCAL,
    valid: false,
  },
  {
    name: 'an IPv6 address is permitted',
    constraints: { permitted: [LOOPBACK_V6] },
    names: [ip(...Array<number>(15).fill(0), 1)],
    host: '[::1]',
    valid: true,
  },
  {
    name: 'an IPv6 address is excluded',
    constraints: { excluded: [LOOPBACK_V6] },
    names: [ip(...Array<number>(15).fill(0), 1)],
    host: '[::1]',
    valid: false,
  },
  {
    name: 'an address without a mask is permitted',
    constraints: { permitted: [ip(127, 0, 0, 1)] },
    ...LOCAL,
    valid: false,
    verdict: 'other',
  },
  {
    name: 'an address without a mask is excluded',
    constraints: { excluded: [ip(10, 0, 0, 1)] },
    ...LOCAL,
    valid: false,
    verdict: 'other',
  },
  {
    name: 'only addresses are constrained, and the server has a name',
    constraints: { permitted: [OTHER_NET] },
    valid: true,
  },
  {
    name: 'only names are constrained, and the server has an address',
    constraints: { permitted: [dns('lab.test')] },
    ...LOCAL,
    valid: true,
  },
  {
    name: 'a directory name is permitted',
    constraints: { permitted: [directory('lab')] },
    subject: 'lab',
    valid: true,
  },
  {
    name: 'another directory name is permitted',
    constraints: { permitted: [directory('lab')] },
    subject: 'other',
    valid: false,
  },
  { name: 'a directory name is excluded', constraints: { excluded: [directory('lab')] }, subject: 'lab', valid: false },
  {
    name: 'another directory name is excluded',
    constraints: { excluded: [directory('lab')] },
    subject: 'other',
    valid: true,
  },
  {
    name: 'a directory name among the names is excluded',
    constraints: { excluded: [directory('lab')] },
    names: [...www, directory('lab')],
    subject: 'other',
    valid: false,
  },
  {
    name: 'an email address is permitted',
    constraints: { permitted: [email('lab.test')] },
    names: [...www, email('root@lab.test')],
    valid: true,
  },
  {
    name: 'another email address is permitted',
    constraints: { permitted: [email('lab.test')] },
    names: [...www, email('root@other.test')],
    valid: false,
  },
  {
    name: 'a URI is permitted',
    constraints: { permitted: [uri('lab.test')] },
    names: [...www, uri('https://lab.test/')],
    valid: true,
  },
  {
    name: 'another URI is permitted',
    constraints: { permitted: [uri('lab.test')] },
    names: [...www, uri('https://other.test/')],
    valid: false,
  },
  {
    name: 'a kind of name that the server does not have is constrained',
    constraints: { excluded: [registeredId('1.2.3')] },
    valid: true,
  },
  {
    name: 'a kind of name that nobody compares is constrained',
    constraints: { excluded: [registeredId('1.2.3')] },
    names: [...www, registeredId('1.2.4')],
    valid: false,
    verdict: 'other',
    rule: `${RULE}: process it, or refuse`,
  },
  {
    name: 'other names are constrained',
    constraints: { permitted: [otherName('1.2.3', 'a')] },
    names: [...www, otherName('1.2.3', 'b')],
    valid: false,
    verdict: 'other',
    rule: `${RULE}: process it, or refuse`,
  },
  {
    name: 'subtrees from a depth on',
    constraints: { permitted: [dns('lab.test')], minimum: 1 },
    valid: false,
    verdict: 'other',
    rule: `${RULE}: process it, or refuse`,
  },
  {
    name: 'nothing is constrained',
    constraints: {},
    valid: true,
    rule: `${RULE}: it is for the issuer to say something`,
  },
]
