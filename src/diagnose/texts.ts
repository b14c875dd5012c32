/**
 * The texts of diagnoses, collected in one place.
 *
 * A finding states what was computed, or says that it is a guess. A hint never has text of a certificate in it, which
 * its maker chose: apart from names of hosts that are plain, and fingerprints of certificates that are trusted already.
 */
import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { withoutBrackets } from '../core/address.ts'
import { documentation } from '../core/documentation.ts'
import { printable } from '../core/printable.ts'
import { plainAuthority, VOUCH } from '../core/shell.ts'
import {
  type Anchor,
  type ConstraintProblem,
  type DateProblem,
  dateProblem,
  type Obstacle,
  type PurposeProblem,
} from './facts.ts'
import { called, duration, identified, iso, listed, quoted, type Server, serverArgument, urlOf } from './notation.ts'

/* Trust: nothing that is trusted vouches for the server. */

export const TRUST_IT =
  "if you know the server: save its certificate, compare its SHA-256 with the one that the server's owner sees, then verify: 'server.pem'"
export const saveIt = (server: string): string => `to save it: ${VOUCH} cert fetch ${server} -o server.pem`
export const TRUST_CA =
  "trust the CA that issued it: verify: 'ca.pem' or CABundle.default().with('ca.pem'); get the file from the CA's owner, not from the server"
export const TRUST_LEAF =
  "or trust this server's certificate alone: compare its SHA-256 with the one that the server's owner sees, save it, then verify: 'server.pem'"
export const MAYBE_INTERMEDIATE =
  "or an intermediate CA issued it, and the server does not send that CA's certificate: the server's owner must add it to the certificate file (fullchain.pem); until then use bundle.withIntermediates(…)"
export const PIN_IT =
  "get the certificate's SHA-256 from the server's owner or its screen, and pin it: verify: 'sha256:…'; a pin does not depend on the names in the certificate"
export const pinTrusted = (certificate: X509Certificate): string =>
  `you trust this certificate: pin it instead, so that its names do not matter: verify: 'sha256:${certificate.fingerprint256}'`

/* Pins. */

/** Presented and expected, side by side. */
export function notPinned(what: string, presented: string, expected: readonly string[]): string[] {
  const more = expected.length > MAX_PINS ? ` and ${expected.length - MAX_PINS} more` : ''
  return [
    `SHA-256 of the ${what} that was presented: ${presented}`,
    `SHA-256 of the ${what} that is pinned:     ${expected.slice(0, MAX_PINS).join(' or ')}${more}`,
  ]
}

/** A fleet may have hundreds. */
const MAX_PINS = 4

export const NO_KEY = '(it cannot be read)'
export const ASK_ABOUT_CHANGE =
  "ask the server's owner, out of band, whether its certificate was replaced; until then assume an attack"
export const NOT_TO_COPY =
  'do not copy the fingerprint that was presented: an attacker in the network path would present one as well'
export const MATCHES_PIN = 'the certificate matches the pin'
export const REFUSED_ABOVE =
  'the server also sends CA certificates, and OpenSSL refuses one of them, although a pin does not depend on them'
export const SEND_ALONE =
  "the server's owner must remove the CA certificates from the certificate file, or replace them: a pin needs only the server's own certificate"
export const RENEW_PINNED =
  "its owner must renew it on the server; the pin of a public key ('sha256//…') survives a renewal with the same key"
export const DATES_END_PINS = 'dates are checked, since a pin itself does not expire'
export const WEAK_PINNED =
  'OpenSSL refuses its key even with a pin: anyone can compute the private key of RSA below 1024 bits; its owner must replace it'
export const REFUSED_PINNED =
  'OpenSSL refuses the certificate itself, even with a pin: its owner must replace it on the server'

export const rootNotTrusted = (root: X509Certificate): string =>
  `the chain ends in ${called(root)}, SHA-256 ${root.fingerprint256}, which is not trusted`
export const issuerUnknown = (certificate: X509Certificate): string =>
  `${called(certificate)} was issued by ${quoted(certificate.issuer)}, and no certificate of that name is trusted`
export const notSeen = (last: X509Certificate): string =>
  `the failing certificate is above ${called(last)} in the chain that OpenSSL built, which Node does not provide`
export const TRUST_NEW =
  "it is not trusted either: once the server has a new certificate, save it, compare its SHA-256 with the one that the owner sees, then verify: 'server.pem'"
export const besideTrust = (certificate: X509Certificate): string =>
  `in addition, it is not trusted: ${called(certificate)} is self-signed`
export const SAME_NAMES =
  'its subject and its issuer have the same name, but its own key did not sign it: it is not self-signed'

/** A trusted certificate of the issuer's name that did not sign. */
export const otherKey = (certificate: X509Certificate, namesake: X509Certificate): string =>
  `a CA named ${called(namesake)} is trusted, but with another key than the one that signed ${called(certificate)}: ${identified(namesake)}`
export const sentImpostor = (certificate: X509Certificate, impostor: X509Certificate): string =>
  `the server sent a certificate of ${called(impostor)} as the issuer of ${called(certificate)}, but its key did not sign that: SHA-256 ${impostor.fingerprint256}`
export const OTHER_KEY_HINT =
  'the CA was recreated, or there are two CAs of this name: get its current certificate from its owner, and trust that'
export const SEND_MATCHING =
  "the server sends the wrong CA certificate: its owner must replace it with the issuer's in the certificate file"

/** A self-signed certificate while another of its name is trusted. */
export const otherOfItsName = (other: X509Certificate, hasSameKey: boolean, now: number): string =>
  otherTrusted('of this name', other, hasSameKey, now)

/** The same of any certificate. */
export const otherOfName = (other: X509Certificate, hasSameKey: boolean, now: number): string =>
  otherTrusted(`named ${called(other)}`, other, hasSameKey, now)

function otherTrusted(which: string, other: X509Certificate, hasSameKey: boolean, now: number): string {
  const end = dateProblem(other, now) === 'expired' ? '; it has expired' : ''
  return `another certificate ${which} ${hasSameKey ? 'and with the same key ' : ''}is trusted, ${identified(other)}${end}`
}

export const RENEWED =
  "the server's certificate was renewed or replaced, or another server answers: ask its owner for the new certificate or its SHA-256"
/** The server's certificate has expired, and its successor is trusted. */
export const successorTrusted = (successor: X509Certificate): string =>
  `a newer certificate of this name is trusted already, ${identified(successor)}: the server still presents the old one`
export const INSTALL_SUCCESSOR =
  "the server's owner must install the new certificate, and restart or reload the server: it is trusted here already"
export const RENEWED_CA =
  'the CA was renewed with the same key: get its new certificate from its owner, and trust that instead of the old one'
export const saveAsNew = (server: string): string =>
  `to save what it presents now, beside your file: ${VOUCH} cert fetch ${server} -o new-server.pem`

/** The trusted certificate did sign, and is not taken as the issuer. */
export function obstacleFound(issuer: X509Certificate, obstacle: Obstacle, isTrusted: boolean): string {
  const what = isTrusted ? `${called(issuer)} is trusted and its key signed` : `the key of ${called(issuer)} signed`
  return `${what}, but ${OBSTACLES[obstacle]}: ${identified(issuer)}`
}

const OBSTACLES: Readonly<Record<Obstacle, string>> = {
  'no-ca': 'it is not a CA (basicConstraints has no CA:TRUE)',
  'key-usage': 'its keyUsage has no keyCertSign, so it may not issue certificates',
  'key-identifier':
    'its key identifier (subjectKeyIdentifier) is not the one that the issued certificate names (authorityKeyIdentifier)',
  'serial-number': 'its serial number is not the one that the issued certificate names (authorityKeyIdentifier)',
}

export const OBSTACLE_HINTS: Readonly<Record<Obstacle, string>> = {
  'no-ca':
    "the server's owner must have it issued again, by a CA: its certificate has basicConstraints CA:TRUE and keyUsage keyCertSign",
  'key-usage': "the CA's owner must have it issued again with keyUsage keyCertSign",
  'key-identifier':
    "get the CA's certificate with that identifier from its owner, and trust that; or have the server's certificate issued again",
  'serial-number':
    "get the CA's certificate with that serial number from its owner, and trust that; or have the server's certificate issued again",
}

export function anchorPassedOver({ certificate, shadowedBy }: Anchor): string {
  const what = `${called(certificate)} is trusted and its key signed, but OpenSSL did not use it: ${identified(certificate)}`
  return shadowedBy === undefined ? what : takenInstead(certificate, [shadowedBy])
}

/** Of the trusted certificates, those that OpenSSL takes although another one would do. */
export function takenInstead(right: X509Certificate, others: readonly X509Certificate[]): string {
  const taken = others.map((other) => `${called(other)}, ${identified(other)}`).join(', and ')
  const position = isOrderOnly(right, others) ? 'comes later' : 'is ignored'
  return `OpenSSL uses the first trusted certificate with a matching name: ${taken}; the server would be accepted with ${called(right)}, ${identified(right)}, which is trusted too but ${position}`
}

export function leaveOut(right: X509Certificate, others: readonly X509Certificate[]): string {
  const out = others.map(({ fingerprint256 }) => `SHA-256 ${fingerprint256}`).join(' and ')
  return isOrderOnly(right, others)
    ? `the order matters: put the certificate SHA-256 ${right.fingerprint256} first in the bundle, or leave out ${out}`
    : `leave out of the bundle: ${out}`
}

const isOrderOnly = (right: X509Certificate, others: readonly X509Certificate[]): boolean =>
  others.every(({ subject }) => subject === right.subject)

/** A `TRUSTED CERTIFICATE` of OpenSSL. */
export const settingsFound = (anchor: X509Certificate): string =>
  `${called(anchor)} is trusted, but not for servers: its own settings in the bundle (BEGIN TRUSTED CERTIFICATE) refuse serverAuth; ${identified(anchor)}`
export const SETTINGS_HINT =
  'to trust it for servers, remove these settings: openssl x509 -in FILE -clrtrust -clrreject -out NEW.pem; then verify: NEW.pem'

/* A missing intermediate: never certain. */

export const intermediateMissing = (certificate: X509Certificate): string =>
  `${called(certificate)} was issued by ${quoted(certificate.issuer)}, and no certificate of that name is trusted; that is probably an intermediate CA whose certificate the server does not send, or sends out of order`
export function missingIntermediateHints(server: string | undefined): string[] {
  return [
    'the server must send it: its owner must add the intermediate certificates to the certificate file, each followed by its issuer (fullchain.pem)',
    ...(server === undefined ? [] : [`to know for certain, and to write that file: ${writeChain(server)}`]),
    `until then, get its certificate from its owner, and use it without trusting it: ${WITH_INTERMEDIATES}`,
    "or, if that issuer is a root: get its certificate from its owner, and trust it: verify: 'ca.pem'",
  ]
}

/** The command that fetches what the server does not send. */
export const writeChain = (server: string): string => `${VOUCH} check ${server} --fetch-intermediates -o fullchain.pem`
const WITH_INTERMEDIATES = "verify: CABundle.default().withIntermediates('intermediate.pem')"

/* A product that inspects TLS, known by the name of its CA only. */

export const inspected = (product: string, issuer: string): string =>
  `'${printable(issuer)}' is a name that ${product} uses for its CA: it probably inspects TLS in transit and issued this certificate in place of the server's own`
export const INSPECTOR_HINTS = [
  "get the CA's certificate from the administrator (at a company: IT), and add it: verify: CABundle.default().with('company-ca.pem')",
  'if nothing in your network inspects TLS, do not trust it: anyone can give a CA this name',
]

/* Placeholders of servers, known by name only. */

export const placeholder = (product: string, certificate: X509Certificate, host: string): string =>
  `${called(certificate)} is the name of a placeholder of ${product}: the server probably has no certificate for ${printable(host)}`
export const PLACEHOLDER_HINT =
  "check the host in the URL; if it is right, the server's owner must set up a certificate for this name"

/* Dates. */

export function dateFound({ certificate, index, isExpired }: DateProblem, isRoot: boolean, now: number): string {
  const whose = index === 0 ? "the server's own" : isRoot ? 'the root' : 'an intermediate CA'
  const { validFrom, validTo } = certificate
  const when = isExpired
    ? `expired ${duration(now - Date.parse(validTo))} ago, ${iso(validTo)}`
    : `becomes valid in ${duration(Date.parse(validFrom) - now)}, ${iso(validFrom)}`
  return `${called(certificate)} (${whose}) ${when}; this machine's clock says ${iso(now)}`
}

export const RENEW_IT = 'its owner must renew it on the server'
export const CHECK_CLOCK = "check this machine's clock"
export const CA_SUCCESSOR =
  'most CAs that expire have a successor: have the server send the current chain, and trust the current root'

/* Names. */

export function namesFound(
  host: string,
  hosts: readonly string[],
  { hasUnusable, otherKinds }: { readonly hasUnusable: boolean; readonly otherKinds: readonly string[] },
): string {
  const none = hasUnusable
    ? 'no host (no name in its subjectAltName is valid)'
    : otherKinds.length === 0
      ? 'no host (it has no subjectAltName)'
      : `no host (its subjectAltName has ${otherKinds.join(', ')} only)`
  return `asked for ${printable(host)}; the certificate is for ${hosts.length === 0 ? none : listed(hosts)}`
}

export const FILE_NOT_ENOUGH =
  'trusting this certificate by its file would not be enough, since its names are checked as well'
export const commonNameOnly = (name: string): string =>
  `it has a common name, '${printable(name)}', which is ignored (RFC 9525)`

/** A dNSName that no host can match. */
export function unusableName(name: string): string {
  const shown = `'${printable(name)}'`
  if (isIP(withoutBrackets(name)) !== 0)
    return `${shown} is an address in a dNSName, which is ignored: an address needs an iPAddress entry`
  if (/[:/]/.test(name)) return `${shown} is not a host name: it has a scheme, a port or a path, so it is ignored`
  if (name.endsWith('.')) return `${shown} ends with a dot, so it is ignored: names in certificates have none`
  return name.includes('*')
    ? `${shown} matches no host: a wildcard stands for the whole first label of a name with at least two others`
    : `${shown} is ignored: no host can match it`
}

export const wildcardReach = (wildcard: string): string =>
  `'${printable(wildcard)}' stands for exactly one label in front of ${printable(wildcard.slice(1))}`
export const validForNear = (near: string, host: string): string =>
  `it is valid for ${printable(near)}, not for ${printable(host)}`
export const USE_LISTED =
  'use a name that the certificate lists, or have it issued again with this one in subjectAltName'
export const issueWith = (host: string): string =>
  `its owner must have it issued again with this host in subjectAltName${isIP(host) === 0 ? '' : ', as an iPAddress entry (IP:, not DNS:)'}`
export function askFor(server: Server): string | undefined {
  const url = urlOf(server)
  return url && `use the URL ${url}`
}

/** New files: those at hand are kept. */
export function makeAnother(hosts: readonly string[]): string | undefined {
  if (!hosts.every((host) => plainAuthority(host) !== undefined || isIP(host) !== 0)) return undefined
  const names = hosts.join(' ')
  return `if you run the server yourself: ${VOUCH} cert create ${names} --cert new-cert.pem --key new-key.pem; configure it to use both, then verify: 'new-cert.pem'`
}

/* A port on which another protocol is spoken. */

export const MAYBE_HTTP = 'if an HTTP server listens there, write http:// instead of https://'
export const speaks = (protocol: string): string =>
  `it speaks ${protocol} on this port: it sent data before the handshake`
export const checkService = (server: Server): string | undefined => {
  const argument = serverArgument(server)
  return argument && `to see its TLS certificate: ${VOUCH} check ${argument}`
}
export const CHECK_PORT = 'check the port in the URL: no HTTP server listens there'
export const askWhatSpeaks = (server: string): string => `to see what listens there: ${VOUCH} check ${server}`

/* Purposes, CAs, constraints, strength. */

export function purposeFound({ certificate, purposes, keyUsage }: PurposeProblem): string {
  if (purposes) {
    const others = purposes.filter((purpose) => purpose !== 'any').join(', ')
    const has = others === '' ? 'has anyExtendedKeyUsage, which OpenSSL ignores' : `is for ${others} only`
    return `${called(certificate)} ${has}, but serverAuth is required (extendedKeyUsage)`
  }
  const has = keyUsage?.join(', ') || 'nothing'
  return `${called(certificate)} has the keyUsage ${has}, but digitalSignature is required (or keyEncipherment, keyAgreement)`
}

export const PURPOSE_HINT =
  "the server's owner must have it issued again with extendedKeyUsage serverAuth and keyUsage digitalSignature"
export const CA_PURPOSE_HINT =
  "the server's owner must have it issued by a CA that may issue for servers: without extendedKeyUsage, or with serverAuth in it"
export const pathTooLong = (certificate: X509Certificate, allowed: number, below: number): string =>
  `${called(certificate)} allows ${allowed === 0 ? 'no CA' : allowed === 1 ? 'one CA' : `${allowed} CAs`} below it (pathLenConstraint), but there ${below === 1 ? 'is one' : `are ${below}`}`
export const UNKNOWN_EXTENSION =
  "the server's owner must have it issued again without the critical extension that OpenSSL does not know"
export const TOO_LONG =
  "the server's owner must have it issued by a CA higher in the chain, since a CA above it limits the CAs below (pathLenConstraint)"

export function constraintFound(problem: ConstraintProblem): string {
  const { certificate, name, isCommonName, isExcluded, constraints } = problem
  const what = `${called(certificate)} may ${isExcluded ? 'not issue' : 'issue'} for ${listed(constraints)}${isExcluded ? '' : ' only'} (nameConstraints)`
  const which = isCommonName
    ? `this applies to the common name '${printable(name)}' of the server's certificate, since it has no dNSName`
    : `the server's certificate is for ${printable(name)}`
  return `${what}, and ${which}`
}

export const CONSTRAINT_HINT =
  "the server's owner must have the certificate issued for names that the CA may issue for, or by another CA"
export const COMMON_NAME_HINT =
  "the server's owner must have it issued again without that common name, or with a dNSName that the CA may issue for: OpenSSL then ignores the common name"

export const weakKey = (certificate: X509Certificate, type: string): string =>
  `${called(certificate)} has a key of type ${type}, which is too short`
export const weakHash = (certificate: X509Certificate, hash: string): string =>
  `${called(certificate)} is signed with ${hash}, which is broken`
export const STRENGTH_HINT =
  'its owner must have it issued again with a key of at least ec-p256 or rsa-2048, and signed with SHA-256'

export const LOWER_LEVEL = `for a server that cannot be updated: node --tls-cipher-list=DEFAULT@SECLEVEL=0, which weakens every connection of the process; see ${documentation('guides/old-servers.md')}`
