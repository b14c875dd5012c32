/** Why a server is trusted or not, as a value and as text. Pure: `client/explain.ts` connects to the server. */
import type { X509Certificate } from 'node:crypto'
import { httpsAuthority } from '../core/address.ts'
import { displayName } from '../core/credentials.ts'
import type { SSLErrorReason } from '../core/errors.ts'
import { printable } from '../core/printable.ts'
import type { Service } from '../core/service.ts'
import type { TrustInfo } from '../core/trust-info.ts'
import { type CertificateInfo, describeCertificate, nameInOneLine } from '../x509/certificate-info.ts'
import { spanOf } from './notation.ts'
import { certificateInOneLine, columns, guideTo, MAX_LINE, trustInWords } from './report.ts'

/** What an {@link Explanation} is made of. */
export interface ExplanationParts {
  readonly reason: SSLErrorReason | null
  readonly summary: string
  readonly host: string
  readonly port: number
  /** The server, if its protocol is not https. */
  readonly service?: Service | undefined
  readonly chain: readonly X509Certificate[]
  readonly failing?: number | undefined
  /** Fetched certificates that the server does not send, each issued by the next: the chain is complete with them. */
  readonly intermediates?: readonly X509Certificate[]
  readonly anchor?: { readonly certificate: X509Certificate; readonly path: string | undefined } | undefined
  readonly trust: TrustInfo
  readonly findings?: readonly string[]
  readonly hints: readonly string[]
  readonly protocol?: string | null
  readonly cipher?: string | undefined
}

/**
 * Why a server is trusted, or not. `String(explanation)` is a report for people, `JSON.stringify(explanation)` the same data
 * for programs.
 */
export class Explanation {
  /** Whether the server is trusted and the handshake succeeded, so that a request would be sent. */
  readonly ok: boolean
  /** The reason of the `SSLError` of such a request; null if there is none. */
  readonly reason: SSLErrorReason | null
  /** One line. */
  readonly summary: string
  /** The server: scheme, host and port, and no more of the URL. */
  readonly url: string
  readonly host: string
  readonly port: number
  /** What the server presented: its own certificate first, each issued by the next. */
  readonly chain: readonly CertificateInfo[]
  /** Fetched intermediates that the server does not send and that complete its chain, each issued by the next. Not trusted. */
  readonly intermediates: readonly CertificateInfo[]
  /** The trusted certificate at the end of the chain, with its file; null if there is none. */
  readonly anchor: (CertificateInfo & { readonly path: string | null }) | null
  /** What is trusted, and where that was set. */
  readonly trust: TrustInfo
  /** What was expected and what was found instead, a sentence each. */
  readonly findings: readonly string[]
  /** What to write or do, one sentence each, the likeliest first. */
  readonly hints: readonly string[]
  /** `TLSv1.3`; null if the handshake failed. */
  readonly protocol: string | null
  readonly cipher: string | null
  readonly #parts: ExplanationParts

  /** Not for users: explanations come from `explain`. */
  constructor(parts: ExplanationParts) {
    const { chain, anchor, intermediates = [] } = parts
    this.ok = parts.reason === null
    this.reason = parts.reason
    this.summary = parts.summary
    this.url = parts.service?.origin ?? `https://${httpsAuthority(parts)}`
    this.host = parts.host
    this.port = parts.port
    this.chain = chain.map(describeCertificate)
    this.intermediates = intermediates.map(describeCertificate)
    this.anchor = anchor
      ? {
          ...describeCertificate(anchor.certificate),
          path: anchor.path === undefined ? null : displayName(anchor.path),
        }
      : null
    this.trust = parts.trust
    this.findings = parts.findings ?? []
    this.hints = parts.hints
    this.protocol = parts.protocol ?? null
    this.cipher = parts.cipher ?? null
    this.#parts = parts
  }

  /** A report: the chain as a tree, what is wrong with it, and what to do. */
  toString(): string {
    const { url, summary, ok, anchor } = this
    const verdict = anchor && ok ? 'is trusted' : ok ? `is let through: ${summary}` : `${this.#refusal()}${summary}`
    const tree = this.#tree().map((line, depth) => `\n  ${depth === 0 ? '' : `${'   '.repeat(depth - 1)}└─ `}${line}`)
    return `${url} ${verdict}\n${tree.join('')}${tree.length > 0 ? '\n' : ''}${this.#rows()}`
  }

  /** The explanation as plain data; certificates include their PEM. */
  toJSON(): object {
    return { ...this }
  }

  /** Only a certificate that was presented can have been verified; without a usable bundle nothing is trusted. */
  #refusal(): string {
    if (this.chain.length === 0 && this.reason !== 'bad-bundle') return 'cannot be verified: '
    return this.reason === 'client-certificate' ? 'is trusted, but ' : 'is not trusted: '
  }

  /** A line for each certificate, the failing one and the trusted one marked. */
  #tree(): string[] {
    const { chain, intermediates = [], anchor, failing } = this.#parts
    const isAnchor = ({ raw }: X509Certificate) => anchor?.certificate.raw.equals(raw)
    const lines = chain.map((certificate, index) => {
      const mark = index === failing ? '  ✗' : isAnchor(certificate) ? '  ✓ trusted' : ''
      return `${printable(certificateInOneLine(certificate), MAX_LINE)}${mark}`
    })
    for (const certificate of intermediates)
      lines.push(`${printable(certificateInOneLine(certificate), MAX_LINE)}  ✗ not sent`)
    const last = chain.at(-1)
    if (anchor && !chain.some(isAnchor))
      lines.push(`${printable(certificateInOneLine(anchor.certificate), MAX_LINE)}  ✓ trusted`)
    if (last && failing === chain.length && intermediates.length === 0)
      lines.push(`${printable(nameInOneLine(last.issuer), MAX_LINE)}  ✗ not found`)
    return lines
  }

  #rows(): string {
    const [server] = this.#parts.chain
    const { daysLeft = 0 } = this.chain[0] ?? {}
    return columns([
      ['valid', server && `${spanOf(server)}${rest(daysLeft)}`],
      ['SHA-256', server?.fingerprint256],
      ['trusted', trustInWords(this.trust)],
      ['by', this.anchor?.path ?? undefined],
      ['protocol', this.protocol === null ? undefined : `${this.protocol}, ${this.cipher}`],
      ...this.findings.map((text) => ['found', text] as const),
      ...this.hints.map((text) => ['hint', text] as const),
      ['more', this.reason === null ? undefined : guideTo(this.reason)],
    ])
  }
}

/** Empty if the date of the certificate cannot be parsed. */
function rest(daysLeft: number): string {
  if (Number.isNaN(daysLeft)) return ''
  return daysLeft < 0 ? ', it has ended' : daysLeft === 1 ? ', 1 day left' : `, ${daysLeft} days left`
}
