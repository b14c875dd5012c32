/** Host names: which certificates are for which hosts, by RFC 9525 (and 6125 before it). */
import type { LimboCase } from './case.ts'
import { authority, directory, dns, email, ip, leaf, otherName, registeredId, uri } from './forge.ts'

interface Row {
  readonly name: string
  readonly rule: string
  /** The entries of subjectAltName; `null`: none. */
  readonly names: readonly Buffer[] | null
  readonly subject?: string
  /** Hosts of URLs that the rule has the certificate be for, and that it does not. */
  readonly valid?: readonly string[]
  readonly invalid?: readonly string[]
  /** Why vouch is stricter than the rule about a host. */
  readonly stricter?: Readonly<Record<string, string>>
  /** Why OpenSSL says otherwise than vouch about a host. */
  readonly openssl?: Readonly<Record<string, string>>
}

const WILDCARD = 'RFC 9525, section 6.3: a wildcard is the whole leftmost label, and stands for one label'
const EXACT = 'RFC 9525, section 6.3: labels are compared one by one, letters in any case'
const ADDRESS = 'RFC 9525, section 6.4: an address is compared with iPAddress entries, octet by octet'
const ALPHABET = 'RFC 5280, sections 4.2.1.6 and 7.2: a dNSName is ASCII in preferred name syntax'
const OTHER_TYPES = 'RFC 9525, section 6.2: an https URL has a DNS-ID or an IP-ID'
const NO_COMMON_NAME = 'RFC 9525, section 2: the common name is not looked at'
const NOT_LDH = 'a wildcard stands for letters, digits and hyphens, as in OpenSSL'

const ROWS: readonly Row[] = [
  {
    name: 'one name',
    rule: EXACT,
    names: [dns('lab.test')],
    valid: ['lab.test', 'LAB.test', 'lab.test.'],
    invalid: ['www.lab.test', 'lab2.test', 'xlab.test', 'ab.test', 'localhost', '127.0.0.1'],
  },
  { name: 'a name in capitals', rule: EXACT, names: [dns('WWW.Lab.TEST')], valid: ['www.lab.test'] },
  {
    name: 'a name of one label',
    rule: EXACT,
    names: [dns('localhost')],
    valid: ['localhost'],
    invalid: ['localhost.test'],
  },
  {
    name: 'several names',
    rule: EXACT,
    names: [dns('one.test'), ip(127, 0, 0, 1), dns('two.test')],
    valid: ['one.test', 'two.test', '127.0.0.1'],
    invalid: ['three.test', 'one.two.test', 'localhost'],
  },
  {
    name: 'a name with a dot at its end',
    rule: ALPHABET,
    names: [dns('lab.test.')],
    invalid: ['lab.test', 'lab.test.'],
  },
  {
    name: 'a name with a dot before it',
    rule: ALPHABET,
    names: [dns('.lab.test')],
    invalid: ['lab.test', 'www.lab.test'],
  },
  { name: 'an empty label', rule: ALPHABET, names: [dns('www..lab.test')], invalid: ['www.lab.test', 'lab.test'] },
  { name: 'an empty name', rule: ALPHABET, names: [dns('')], invalid: ['lab.test', 'localhost'] },
  { name: 'a blank behind a name', rule: ALPHABET, names: [dns('lab.test ')], invalid: ['lab.test'] },
  { name: 'a port behind a name', rule: ALPHABET, names: [dns('lab.test:443')], invalid: ['lab.test'] },
  {
    name: 'two names in one',
    rule: ALPHABET,
    names: [dns('lab.test,www.lab.test')],
    invalid: ['lab.test', 'www.lab.test'],
  },
  {
    name: 'NUL inside of a name',
    rule: 'CVE-2009-2408: a name does not end at NUL',
    names: [dns('lab.test\0.evil.test')],
    invalid: ['lab.test', 'evil.test'],
  },
  { name: 'NUL behind a name', rule: 'CVE-2009-2408', names: [dns('lab.test\0')], invalid: ['lab.test'] },
  { name: 'NUL before a name', rule: 'CVE-2009-2408', names: [dns('\0lab.test')], invalid: ['lab.test'] },
  {
    name: 'an underscore',
    rule: EXACT,
    names: [dns('a_b.lab.test')],
    valid: ['a_b.lab.test'],
    invalid: ['a-b.lab.test'],
  },
  {
    name: 'an A-label',
    rule: 'RFC 9525, section 6.3: international names are compared as A-labels',
    names: [dns('xn--mnchen-3ya.test')],
    valid: ['xn--mnchen-3ya.test', 'münchen.test', 'MÜNCHEN.test'],
    invalid: ['munchen.test', 'xn--bcher-kva.test'],
  },
  {
    name: 'a U-label in latin-1',
    rule: ALPHABET,
    names: [dns('m\xfcnchen.test')],
    invalid: ['münchen.test', 'mnchen.test'],
  },
  {
    name: 'a U-label in UTF-8',
    rule: ALPHABET,
    names: [dns(Buffer.from('münchen.test').toString('latin1'))],
    invalid: ['münchen.test'],
  },
  {
    name: 'a wildcard',
    rule: WILDCARD,
    names: [dns('*.lab.test')],
    valid: ['www.lab.test', 'WWW.LAB.TEST', '1.lab.test', 'a-b.lab.test', 'www.lab.test.'],
    invalid: ['lab.test', 'a.b.lab.test', 'wwwlab.test', 'www.lab.test.evil.test', 'www.other.test'],
  },
  {
    name: 'a wildcard and labels that are not only letters, digits and hyphens',
    rule: WILDCARD,
    names: [dns('*.lab.test')],
    valid: ['a_b.lab.test'],
    stricter: { 'a_b.lab.test': NOT_LDH },
  },
  {
    name: 'a wildcard and A-labels',
    rule: 'RFC 9525, section 6.3: a wildcard stands for A-labels too',
    names: [dns('*.lab.test')],
    valid: ['xn--mnchen-3ya.lab.test', 'münchen.lab.test'],
  },
  {
    name: 'a wildcard and the name that it is below',
    rule: WILDCARD,
    names: [dns('*.lab.test'), dns('lab.test')],
    valid: ['www.lab.test', 'lab.test'],
    invalid: ['a.b.lab.test'],
  },
  { name: 'a wildcard in capitals', rule: WILDCARD, names: [dns('*.LAB.Test')], valid: ['www.lab.test'] },
  {
    name: 'a wildcard at the end of a label',
    rule: WILDCARD,
    names: [dns('w*.lab.test')],
    invalid: ['www.lab.test', 'w.lab.test'],
  },
  {
    name: 'a wildcard at the beginning of a label',
    rule: WILDCARD,
    names: [dns('*w.lab.test')],
    invalid: ['www.lab.test'],
  },
  {
    name: 'a wildcard within a label',
    rule: WILDCARD,
    names: [dns('w*w.lab.test')],
    invalid: ['www.lab.test', 'ww.lab.test'],
  },
  {
    name: 'a wildcard within an A-label',
    rule: WILDCARD,
    names: [dns('xn--*-3ya.lab.test')],
    invalid: ['xn--mnchen-3ya.lab.test'],
  },
  { name: 'two wildcards in a label', rule: WILDCARD, names: [dns('**.lab.test')], invalid: ['www.lab.test'] },
  { name: 'a wildcard in the second label', rule: WILDCARD, names: [dns('www.*.test')], invalid: ['www.lab.test'] },
  { name: 'a wildcard in the last label', rule: WILDCARD, names: [dns('lab.*')], invalid: ['lab.test'] },
  { name: 'two wildcards', rule: WILDCARD, names: [dns('*.*.test')], invalid: ['www.lab.test'] },
  {
    name: 'a wildcard of a top-level domain',
    rule: 'CA/Browser Forum 3.2.2.6: none for what a registry controls',
    names: [dns('*.test')],
    invalid: ['lab.test', 'www.lab.test', 'localhost'],
  },
  {
    name: 'a wildcard of a public suffix of two labels',
    rule: WILDCARD,
    names: [dns('*.co.test')],
    valid: ['lab.co.test'],
    invalid: ['www.lab.co.test', 'co.test'],
  },
  {
    name: 'a wildcard alone',
    rule: WILDCARD,
    names: [dns('*'), dns('*.')],
    invalid: ['localhost', 'lab.test', '127.0.0.1'],
  },
  {
    name: 'a wildcard with a dot at its end',
    rule: ALPHABET,
    names: [dns('*.lab.test.')],
    invalid: ['www.lab.test', 'www.lab.test.'],
  },
  { name: 'a wildcard with an empty label', rule: WILDCARD, names: [dns('*..lab.test')], invalid: ['www.lab.test'] },
  { name: 'a wildcard of an address', rule: ADDRESS, names: [dns('*.0.0.1')], invalid: ['127.0.0.1'] },
  {
    name: 'an IPv4 address',
    rule: ADDRESS,
    names: [ip(127, 0, 0, 1)],
    valid: ['127.0.0.1', '127.1', '2130706433', '0x7f.0.0.1'],
    invalid: ['localhost', 'lab.test', '[::ffff:127.0.0.1]'],
  },
  { name: 'another IPv4 address', rule: ADDRESS, names: [ip(127, 0, 0, 2)], invalid: ['127.0.0.1'] },
  { name: 'an IPv4 address as a dNSName', rule: ADDRESS, names: [dns('127.0.0.1')], invalid: ['127.0.0.1'] },
  {
    name: 'an IPv4 address as text in an iPAddress',
    rule: ADDRESS,
    names: [ip(...Buffer.from('127.0.0.1'))],
    invalid: ['127.0.0.1'],
  },
  { name: 'a name as an iPAddress', rule: ADDRESS, names: [ip(...Buffer.from('lab.test'))], invalid: ['lab.test'] },
  { name: 'an address of three octets', rule: ADDRESS, names: [ip(127, 0, 0)], invalid: ['127.0.0.1'] },
  { name: 'an address with its mask', rule: ADDRESS, names: [ip(127, 0, 0, 1, 255, 0, 0, 0)], invalid: ['127.0.0.1'] },
  {
    name: 'an IPv4 address as IPv6',
    rule: ADDRESS,
    names: [mapped(127, 0, 0, 1)],
    valid: ['[::ffff:127.0.0.1]'],
    invalid: ['127.0.0.1'],
  },
  { name: 'an empty iPAddress', rule: ADDRESS, names: [ip()], invalid: ['127.0.0.1'] },
  {
    name: 'an IPv6 address',
    rule: ADDRESS,
    names: [v6(1)],
    valid: ['[::1]', '[0:0:0:0:0:0:0:1]'],
    invalid: ['127.0.0.1', 'localhost'],
  },
  { name: 'another IPv6 address', rule: ADDRESS, names: [v6(2)], invalid: ['[::1]'] },
  { name: 'an IPv6 address as a dNSName', rule: ADDRESS, names: [dns('::1'), dns('[::1]')], invalid: ['[::1]'] },
  { name: 'an IPv4 address for IPv6', rule: ADDRESS, names: [ip(127, 0, 0, 1)], invalid: ['[::1]'] },
  {
    name: 'a common name only',
    rule: NO_COMMON_NAME,
    names: null,
    subject: 'lab.test',
    invalid: ['lab.test', 'localhost'],
  },
  {
    name: 'a common name beside other names',
    rule: NO_COMMON_NAME,
    names: [dns('other.test')],
    subject: 'lab.test',
    valid: ['other.test'],
    invalid: ['lab.test'],
  },
  {
    name: 'a common name beside an address',
    rule: NO_COMMON_NAME,
    names: [ip(127, 0, 0, 1)],
    subject: 'lab.test',
    invalid: ['lab.test'],
  },
  {
    name: 'an address as a common name',
    rule: NO_COMMON_NAME,
    names: null,
    subject: '127.0.0.1',
    invalid: ['127.0.0.1'],
  },
  {
    name: 'no subject, names that are critical',
    rule: 'RFC 5280, section 4.2.1.6: a subject may be empty, and the names are critical then',
    names: [dns('lab.test')],
    subject: '',
    valid: ['lab.test'],
    invalid: ['other.test'],
  },
  { name: 'no name at all', rule: OTHER_TYPES, names: null, subject: '', invalid: ['lab.test', '127.0.0.1'] },
  {
    name: 'names, but none in the list',
    rule: 'RFC 5280, section 4.2.1.6: at least one entry',
    names: [],
    invalid: ['lab.test'],
  },
  { name: 'a URI', rule: OTHER_TYPES, names: [uri('https://lab.test/')], invalid: ['lab.test'] },
  { name: 'a URI that is a name', rule: OTHER_TYPES, names: [uri('lab.test')], invalid: ['lab.test'] },
  { name: 'an email address', rule: OTHER_TYPES, names: [email('root@lab.test')], invalid: ['lab.test'] },
  { name: 'an email address that is a name', rule: OTHER_TYPES, names: [email('lab.test')], invalid: ['lab.test'] },
  { name: 'a directory name', rule: OTHER_TYPES, names: [directory('lab.test')], invalid: ['lab.test'] },
  {
    name: 'an SRV-ID',
    rule: OTHER_TYPES,
    names: [otherName('1.3.6.1.5.5.7.8.7', '_https.lab.test')],
    invalid: ['lab.test'],
  },
  { name: 'a registered number', rule: OTHER_TYPES, names: [registeredId('1.2.3.4')], invalid: ['lab.test'] },
  {
    name: 'an unknown kind of name beside a good one',
    rule: OTHER_TYPES,
    names: [otherName('1.2.3', 'lab.test'), dns('lab.test')],
    valid: ['lab.test'],
  },
]

function v6(last: number): Buffer {
  return ip(...Array<number>(15).fill(0), last)
}

function mapped(...address: readonly number[]): Buffer {
  return ip(...Array<number>(10).fill(0), 255, 255, ...address)
}

/** A case for each host of each row. */
export function nameCases(): LimboCase[] {
  const root = authority()
  return ROWS.flatMap(({ name, rule, names, subject, valid = [], invalid = [], stricter = {}, openssl = {} }) => {
    const server = leaf(root, { names, ...(subject === undefined ? {} : { subject }) })
    return [...valid, ...invalid].map((host): LimboCase => {
      const isFor = valid.includes(host)
      const why = stricter[host]
      return {
        name: `${name}, asked for as ${host}`,
        rule,
        host,
        sent: [server],
        anchors: [root],
        valid: isFor,
        verdict: isFor && why === undefined ? 'trusted' : 'hostname-mismatch',
        ...(why !== undefined && { why }),
        ...(openssl[host] !== undefined && { openssl: openssl[host] }),
      }
    })
  })
}
