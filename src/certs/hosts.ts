/** Parses the hosts of a certificate: host names and addresses become subjectAltName entries. */
import { isIP, isIPv4 } from 'node:net'
import { domainToASCII } from 'node:url'
import { withoutBrackets } from '../core/address.ts'
import { hasKeyAsHost, KEY_AS_HOST, redactUrl } from '../core/credentials.ts'
import { canonicalAddress } from '../x509/certificate-info.ts'

/** One name of a subjectAltName: a dNSName, or an iPAddress in canonical text form. */
export interface AltName {
  type: 'dns' | 'ip'
  value: string
}

/**
 * Parses the hosts of a certificate: DNS names (international names become A-labels, a wildcard may be the leftmost label),
 * IPv4 addresses, IPv6 addresses with or without brackets. The results are names in lower case without a trailing dot and
 * addresses in canonical form, without duplicates, in the order given.
 *
 * @throws TypeError with the value and the fix, for anything else and for an empty list
 */
export function parseHosts(hosts: string | readonly string[]): AltName[] {
  const list: readonly unknown[] = typeof hosts === 'string' ? [hosts] : Array.isArray(hosts) ? hosts : [hosts]
  if (list.length === 0) throw new TypeError("no hosts given: name at least one, such as 'localhost'")
  const names = new Map<string, AltName>()
  for (const host of list) {
    const name = parseHost(host)
    names.set(name.value, name)
  }
  return [...names.values()]
}

/** Parses one host; see {@link parseHosts}. */
export function parseHost(host: unknown): AltName {
  if (typeof host !== 'string') {
    throw new TypeError(`a host must be a string, such as 'localhost', not ${host === null ? 'null' : typeof host}`)
  }
  if (host.trim() === '') throw new TypeError("a host is empty: name one, such as 'localhost'")
  return address(host) ?? { type: 'dns', value: dnsName(host) }
}

function address(host: string): AltName | undefined {
  const bare = withoutBrackets(host)
  if (isIP(bare) === 0 || (bare !== host && isIPv4(bare))) return undefined
  if (isIPv4(bare)) return { type: 'ip', value: bare }
  if (bare.includes('%')) throw refused(host, `a certificate has no zones: give '${bare.replace(/%.*/, '')}'`)
  return { type: 'ip', value: canonicalAddress(bare) }
}

function dnsName(host: string): string {
  assertBareHost(host)
  if (hasKeyAsHost(host)) throw refused(host, KEY_AS_HOST)
  const wildcard = host.startsWith('*.')
  const given = wildcard ? host.slice(2) : host
  if (given.includes('*')) throw refused(host, "a wildcard stands alone in the leftmost label: '*.example.com'")
  // Checked before the conversion, too, since that decodes percent signs.
  if (!NAME_CHARACTERS.test(given)) throw refused(host, NAME_RULE)
  const withoutDot = given.replace(/\.$/, '')
  const name = domainToASCII(withoutDot)
  if (NUMERIC_END.test(withoutDot) || NUMERIC_END.test(name)) {
    throw refused(host, 'a name whose last label is a number is a wrong or shortened IPv4 address')
  }
  const labels = name.split('.')
  if (!labels.every((label) => LABEL.test(label))) throw refused(host, NAME_RULE)
  // OpenSSL, Node and the browsers match a wildcard only if two labels follow the star.
  if (wildcard && labels.length < 2) {
    throw refused(host, "a wildcard needs two more labels, as in '*.example.com'; no client accepts less")
  }
  const full = wildcard ? `*.${name}` : name
  if (full.length > MAX_NAME_LENGTH) throw refused(host, `it is longer than ${MAX_NAME_LENGTH} characters`)
  return full
}

/** Refuses a URL or host:port, which is often pasted: the message has the host alone. */
function assertBareHost(host: string): void {
  if (!/[/:?#@\\]/.test(host)) return
  // Redacted first: the parser may take a part of the password for the host.
  const redacted = redactUrl(host)
  // The scheme becomes http, since the URL parser splits hosts only for the web's own schemes.
  const url = `http://${redacted.replace(/^[a-z][a-z0-9+.-]*:\/\//i, '')}`
  const bare = withoutBrackets(URL.parse(url)?.hostname ?? '')
  throw refused(host, `give the host alone: '${bare || 'example.com'}', not '${redacted}'`)
}

/** Redacted, since a pasted URL may have a password. */
function refused(host: string, why: string): TypeError {
  return new TypeError(`not a host: '${redactUrl(host)}': ${why}`)
}

/** Letters, digits, hyphens (RFC 1123, section 2.1), and underscores, which names in container networks have. */
const LABEL = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/
/** The ASCII of labels, and anything that is not ASCII: the conversion checks that. */
const NAME_CHARACTERS = /^(?:[a-z0-9_.-]|[^\0-\x7f])+$/i
const NAME_RULE = 'labels are 1 to 63 letters, digits or inner hyphens, with dots between them'
/** A URL parser takes the name for an IPv4 address: its last label is a decimal or hexadecimal number. */
const NUMERIC_END = /(?:^|\.)(?:\d+|0x[\da-f]*)$/i
/** RFC 1035, section 2.3.4: 255 octets on the wire are 253 characters. */
const MAX_NAME_LENGTH = 253
