/** The report on a refused connection: the lines of an error's message after the first. */
import type { X509Certificate } from 'node:crypto'
import { documentation } from '../core/documentation.ts'
import type { SSLErrorReason } from '../core/errors.ts'
import { printable } from '../core/printable.ts'
import type { TrustInfo } from '../core/trust-info.ts'
import { hostsOf, isSelfSigned, nameInOneLine } from '../x509/certificate-info.ts'
import type { Diagnosis } from './diagnosis.ts'
import { spanOf } from './notation.ts'

/**
 * The lines of an error's message after the first: the presented and the trusted certificates, findings and hints.
 *
 * @returns text that begins with a line break, or an empty string
 */
export function reportOf(
  { reason, findings, hints }: Pick<Diagnosis, 'reason' | 'findings' | 'hints'>,
  chain: readonly X509Certificate[],
  trust: TrustInfo | undefined,
): string {
  const [server] = chain
  const rows: (readonly [name: string, text: string | undefined])[] = [
    ['presented', server && certificateInOneLine(server)],
    ['', server && `valid ${spanOf(server)}, SHA-256 ${server.fingerprint256}`],
    ['trusted', trust && trustInWords(trust)],
    ...findings.map((text) => ['found', text] as const),
    ...hints.map((text) => ['hint', text] as const),
    ['more', guideTo(reason)],
  ]
  return columns(rows)
}

/** Where the guide is, as seen from a project that has installed the package. */
export function guideTo(reason: SSLErrorReason): string {
  return documentation(`troubleshooting.md#${reason}`)
}

/** Names in one column and texts in the other, a line each; a repeated name is left out. */
export function columns(rows: readonly (readonly [name: string, text: string | undefined])[]): string {
  let before = ''
  return rows
    .filter(([, text]) => text !== undefined)
    .map(([name, text]) => {
      const label = name === before ? '' : name
      before = name
      return `\n  ${label.padEnd(WIDTH)}${printable(text ?? '', MAX_LINE)}`
    })
    .join('')
}

/** Lists of names can be long, but a server must not fill a log. */
export const MAX_LINE = 1024

const WIDTH = 'presented'.length + 2

/** `CN=localhost, self-signed, for localhost, 127.0.0.1` */
export function certificateInOneLine(certificate: X509Certificate): string {
  const issuer = isSelfSigned(certificate) ? 'self-signed' : `issued by ${nameInOneLine(certificate.issuer)}`
  return `${nameInOneLine(certificate.subject) || '(no name)'}, ${issuer}${hostsInWords(hostsOf(certificate))}`
}

function hostsInWords(hosts: readonly string[]): string {
  if (hosts.length === 0) return ''
  const list = hosts.slice(0, MAX_HOSTS).join(', ')
  return `, for ${list}${hosts.length > MAX_HOSTS ? ` and ${hosts.length - MAX_HOSTS} more` : ''}`
}

/** Certificates of content networks have a hundred. */
const MAX_HOSTS = 6

/** `1 certificate from ca.pem (verify of the call)` */
export function trustInWords({ source, path, certificates, pins }: TrustInfo): string {
  if (source !== 'default' && pins !== undefined) return `${pins === 1 ? '1 pin' : `${pins} pins`} (${SOURCES[source]})`
  if (source === 'default' && certificates === 0)
    return "OpenSSL's default roots (Node was started with --use-openssl-ca)"
  if (source === 'default') return `${certificates} certificates, Node's default roots`
  const count = certificates === 1 ? '1 certificate' : `${certificates} certificates`
  return `${count}${path === undefined ? '' : ` from ${path}`} (${SOURCES[source]})`
}

const SOURCES = {
  call: 'verify of the call',
  session: 'verify of the session',
  REQUESTS_CA_BUNDLE: 'REQUESTS_CA_BUNDLE',
  CURL_CA_BUNDLE: 'CURL_CA_BUNDLE',
} as const
