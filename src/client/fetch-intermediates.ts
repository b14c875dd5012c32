/** Fetches the certificates of issuers that a server does not send, from the addresses in certificates (RFC 5280, 4.2.2.1). */
import type { X509Certificate } from 'node:crypto'
import { withoutAuth } from '../core/credentials.ts'
import { RequestException } from '../core/errors.ts'
import { signed } from '../diagnose/facts.ts'
import * as say from '../diagnose/fetched-texts.ts'
import { HeaderMap } from '../http/headers.ts'
import type { AdapterResponse } from '../transport/adapter.ts'
import { HTTPAdapter } from '../transport/http-adapter.ts'
import { proxyFor } from '../transport/proxies.ts'
import { BundleSyntaxError, readCertificates } from '../x509/certificate.ts'
import { isSelfSigned } from '../x509/certificate-info.ts'
import type { Settings } from './settings.ts'

/** Certificates that were fetched. Nothing is known of them but that each signed the one before it. */
export interface Fetched {
  /** Each issued by the next, the last one by a trusted certificate; empty if that is not so. */
  readonly intermediates: readonly X509Certificate[]
  /** Why there are none, a sentence each. */
  readonly findings: readonly string[]
}

/**
 * Fetches the issuers of a certificate until one was issued by a trusted certificate.
 *
 * The addresses are chosen by the maker of a certificate that nothing vouches for: only `http:` is fetched, without redirects, cookies
 * or credentials, and at most {@link MAX_BYTES} of each answer, in {@link LIMIT_MS} in all.
 *
 * @param last the last certificate that the server sent
 */
export async function fetchIntermediates(
  last: X509Certificate,
  trusted: readonly X509Certificate[],
  settings: Settings,
): Promise<Fetched> {
  const now = Date.now()
  const found: X509Certificate[] = []
  const received: X509Certificate[] = []
  const download = new Download(settings)
  try {
    for (let below = last; !hasTrustedIssuer(below, trusted, now); ) {
      if (found.length === MAX_HOPS) return nothing(say.tooManyHops(MAX_HOPS))
      const problems = issuerIn(received, below, trusted, now) ? [] : await download.issuersOf(below, received)
      const issuer = issuerIn(received, below, trusted, now)
      if (issuer === undefined) return nothing(...problems, ...unfitOf(received, below, now))
      if (isSelfSigned(issuer)) return nothing(say.endsUntrusted(issuer))
      if ([last, ...found].some(({ raw }) => raw.equals(issuer.raw))) return nothing(say.loops(issuer))
      found.push(issuer)
      below = issuer
    }
    return { intermediates: found, findings: [] }
  } finally {
    download.close()
  }
}

/** Whether a trusted certificate issued this one. */
export function hasTrustedIssuer(
  certificate: X509Certificate,
  trusted: readonly X509Certificate[],
  now: number,
): boolean {
  return trusted.some((anchor) => flawOf(anchor, certificate, now) === undefined)
}

/** What keeps a certificate from being the issuer of another one; `undefined`: nothing. */
function flawOf(candidate: X509Certificate, certificate: X509Certificate, now: number): say.Flaw | undefined {
  if (candidate.subject !== certificate.issuer) return 'name'
  if (!candidate.ca) return 'no-ca'
  if (!signed(candidate, certificate)) return 'signature'
  if (!certificate.checkIssued(candidate)) return 'name'
  // Written so that a date which cannot be parsed is a flaw.
  const isValid = Date.parse(candidate.validFrom) <= now && now <= Date.parse(candidate.validTo)
  return isValid ? undefined : 'date'
}

/** The issuer among several: one that a trusted certificate issued, else one that is not a root itself. */
function issuerIn(
  received: readonly X509Certificate[],
  certificate: X509Certificate,
  trusted: readonly X509Certificate[],
  now: number,
): X509Certificate | undefined {
  const issuers = received.filter((candidate) => flawOf(candidate, certificate, now) === undefined)
  return (
    issuers.find((issuer) => !isSelfSigned(issuer) && hasTrustedIssuer(issuer, trusted, now)) ??
    issuers.find((issuer) => !isSelfSigned(issuer)) ??
    issuers[0]
  )
}

/** Of those that were received, one is described: others of the file are of no interest. */
function unfitOf(received: readonly X509Certificate[], certificate: X509Certificate, now: number): string[] {
  const candidate = received.find(({ subject }) => subject === certificate.issuer) ?? received.at(-1)
  const flaw = candidate && flawOf(candidate, certificate, now)
  return candidate && flaw ? [say.unfit(candidate, certificate, flaw, now)] : []
}

const nothing = (...findings: readonly string[]): Fetched => ({ intermediates: [], findings })

/** Fetches over connections of its own, until one deadline. */
class Download {
  readonly #adapter = new HTTPAdapter({ poolMaxsize: 1 })
  readonly #settings: Settings
  readonly #deadline = performance.now() + LIMIT_MS

  constructor(settings: Settings) {
    this.#settings = settings
  }

  /** Adds what the addresses in a certificate have. @returns why nothing came, a sentence each */
  async issuersOf(certificate: X509Certificate, received: X509Certificate[]): Promise<string[]> {
    const urls = issuerUrls(certificate)
    if (urls.length === 0) return [say.noAddress(certificate)]
    const problems: string[] = []
    for (const url of urls) {
      const content = await this.#fetch(url)
      if (typeof content === 'string') problems.push(say.notFetched(url.href, content))
      else {
        received.push(...content)
        return []
      }
    }
    return problems
  }

  close(): void {
    this.#adapter.close()
  }

  /** The certificates, or why there are none. */
  async #fetch(url: URL): Promise<X509Certificate[] | string> {
    try {
      const response = await this.#send(url)
      if (response.statusCode !== 200) return statusProblem(response)
      const content = await readAtMost(response, MAX_BYTES)
      if (content === undefined) return `it is larger than ${MAX_BYTES / 1024} KiB`
      return readCertificates(content).map(({ certificate }) => certificate)
    } catch (error) {
      if (error instanceof BundleSyntaxError) return error.message
      if (error instanceof RequestException) {
        return performance.now() >= this.#deadline
          ? `no more than ${LIMIT_MS / 1000} s are spent on this`
          : error.message
      }
      throw error
    }
  }

  async #send(url: URL): Promise<AdapterResponse> {
    const target = withoutAuth(url)
    const left = Math.max(1, this.#deadline - performance.now())
    return await this.#adapter.send(
      { method: 'GET', target, headers: HeaderMap.from(HEADERS), body: undefined, rewindable: true },
      {
        ...this.#settings,
        cert: undefined,
        proxy: proxyFor(target, this.#settings.proxyRules),
        timeout: { connect: left, read: left, total: LIMIT_MS },
        deadline: this.#deadline,
        insecureHTTPParser: false,
      },
    )
  }
}

/** Without encodings: the limit is of the bytes that are sent. */
const HEADERS = { Accept: 'application/pkix-cert, application/pkcs7-mime, */*;q=0.1', 'Accept-Encoding': 'identity' }

function statusProblem({ statusCode, body }: AdapterResponse): string {
  body.destroy()
  const isRedirect = statusCode >= 300 && statusCode < 400
  return isRedirect ? `it redirects (${statusCode}), and no redirect is followed` : `the status is ${statusCode}`
}

/** `undefined` for more bytes. */
async function readAtMost({ body, mapBodyError }: AdapterResponse, limit: number): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      size += chunk.length
      // The iteration destroys the body.
      if (size > limit) return undefined
      chunks.push(chunk)
    }
  } catch (error) {
    throw mapBodyError ? mapBodyError(error as Error) : error
  }
  return Buffer.concat(chunks)
}

/** The `http:` addresses at which a certificate says that its issuer's is. */
function issuerUrls({ infoAccess }: X509Certificate): URL[] {
  const values = Array.from((infoAccess ?? '').matchAll(CA_ISSUERS), ([, quoted, plain = '']) =>
    quoted === undefined ? plain : String(JSON.parse(quoted)),
  )
  return values
    .map((value) => URL.parse(value))
    .filter((url) => url?.protocol === 'http:')
    .slice(0, MAX_ADDRESSES) as URL[]
}

/** Node writes an address with special characters as a JSON string (CVE-2021-44532). */
const CA_ISSUERS = /^CA Issuers - URI:(?:("(?:[^"\\]|\\.)*")|(.*))$/gm

export const MAX_BYTES = 64 * 1024
export const LIMIT_MS = 5000
const MAX_HOPS = 3
/** Of one certificate. */
const MAX_ADDRESSES = 2
