/** The servers of the matrix: one for each way in which a certificate can be right or wrong. */
import { X509Certificate } from 'node:crypto'
import { networkInterfaces } from 'node:os'
import { nodeMajor } from '../helpers/modules.ts'
import {
  type CertificateOptions,
  createAuthority,
  selfSigned,
  type TestAuthority,
  type TestCertificate,
  toDer,
} from '../helpers/pki.ts'

/** What the model knows about a server, and what the server needs to run. */
export interface ServerCase {
  readonly name: string
  /** The host of the URL. Names under `.test` are resolved to loopback by `names.ts`. */
  readonly host: string
  /** The true path, from the server's certificate up to its root; one certificate when it is self-signed. */
  readonly path: readonly string[]
  /** How many certificates of the path the server sends, or which. */
  readonly sent: readonly string[]
  readonly key: string
  /** What is wrong with a certificate of the path; it shows in chains that reach this certificate. */
  readonly flaws: readonly Flaw[]
  /** Whether CAs of the same name have key identifiers that distinguish them. */
  readonly keyIdentifiers: boolean
  /** Whether the certificate is for another host. */
  readonly wrongHost: boolean
  /** TLS options that the server needs beyond its key and chain. */
  readonly ciphers?: string
}

export interface Flaw {
  /** Index into `path`. */
  readonly at: number
  readonly reason: string
  /** When OpenSSL looks at it; the last failure is the one that Node reports. */
  readonly phase: Phase
}

export type Phase = 'chain' | 'extensions' | 'security level' | 'names' | 'signatures' | 'dates'

const DAY = 24 * 60 * 60 * 1000
const EXPIRED = { notBefore: new Date(Date.now() - 3 * DAY), notAfter: new Date(Date.now() - DAY) }
const FUTURE = { notBefore: new Date(Date.now() + DAY) }

const expired = (at: number): Flaw => ({ at, reason: 'expired', phase: 'dates' })

/** The servers that can run on this machine. */
export function serverCases(): ServerCase[] {
  return allCases().filter(({ name }) => !serversElsewhere().includes(name))
}

/** The names of those that cannot. */
export function serversElsewhere(): readonly string[] {
  return HAS_IPV6 ? [] : ['an IPv6 address']
}

export const HAS_IPV6 = Object.values(networkInterfaces()).some((entries) =>
  entries?.some(({ address }) => address === '::1'),
)

function allCases(): ServerCase[] {
  const root = createAuthority()
  const middle = root.intermediate()
  const lower = middle.intermediate()
  /** A server certificate straight from the root. */
  const direct = (name: string, options: CertificateOptions, more: Partial<ServerCase> = {}): ServerCase =>
    below(name, [root], options, more)

  const expiredRoot = createAuthority(EXPIRED)
  const expiredMiddle = root.intermediate(EXPIRED)
  const notCA = root.intermediate({ ca: false })
  const noSignUsage = root.intermediate({ keyUsage: ['digitalSignature'] })
  const short = createAuthority({ pathLength: 0 })
  const tooDeep = short.intermediate()
  const constrained = root.intermediate({ nameConstraints: { permitted: ['lab.test'] } })
  const excluding = root.intermediate({ nameConstraints: { excluded: ['lab.test'] } })
  const bare = createAuthority({ keyIdentifiers: false })
  const rsa = createAuthority({ keyType: 'rsa-2048' })
  const p384 = createAuthority({ keyType: 'ec-p384', hash: 'sha384' })
  const ed25519 = createAuthority({ keyType: 'ed25519' })
  const noUsage = createAuthority({ keyUsage: null })
  const good = direct('good', {})

  return [
    good,
    below('via an intermediate', [middle, root], {}),
    below('via two intermediates', [lower, middle, root], {}),
    below('via an intermediate that it does not send', [middle, root], {}, { sent: 'leaf only' }),
    below('sends its intermediates in the wrong order', [lower, middle, root], {}, { sent: 'reversed' }),
    below('sends its root too', [middle, root], {}, { sent: 'all' }),
    own('self-signed, a CA', {}),
    own('self-signed, not a CA', { ca: false }),
    own('self-signed, expired', EXPIRED, { flaws: [expired(0)] }),
    own('self-signed, for another host', { hosts: ['other.test'] }, { wrongHost: true }),
    direct('expired', EXPIRED, { flaws: [expired(0)] }),
    below('expired intermediate', [expiredMiddle, root], {}, { flaws: [expired(1)] }),
    below('expired root', [expiredRoot], {}, { flaws: [expired(1)] }),
    direct('not yet valid', FUTURE, { flaws: [{ at: 0, reason: 'not-yet-valid', phase: 'dates' }] }),
    direct(
      'expired, for another host',
      { ...EXPIRED, hosts: ['other.test'] },
      { flaws: [expired(0)], wrongHost: true },
    ),
    direct('for another host', { hosts: ['other.test'] }, { wrongHost: true }),
    direct('a common name only', { hosts: [], commonName: 'localhost' }, { wrongHost: true }),
    direct('an address', { hosts: ['127.0.0.1'] }, { host: '127.0.0.1' }),
    direct('an IPv6 address', { hosts: ['::1'] }, { host: '[::1]' }),
    direct('a name, asked for by address', { hosts: ['localhost'] }, { host: '127.0.0.1', wrongHost: true }),
    direct('a wildcard', { hosts: ['*.lab.test'] }, { host: 'foo.lab.test' }),
    direct('a wildcard, two labels deep', { hosts: ['*.lab.test'] }, { host: 'a.b.lab.test', wrongHost: true }),
    direct('a wildcard, the domain itself', { hosts: ['*.lab.test'] }, { host: 'lab.test', wrongHost: true }),
    direct('a partial wildcard', { hosts: ['f*.lab.test'] }, { host: 'foo.lab.test', wrongHost: true }),
    direct('a wildcard of a top-level domain', { hosts: ['*.test'] }, { host: 'foo.test', wrongHost: true }),
    direct('for clients only', { extendedKeyUsage: ['clientAuth'] }, { flaws: [purpose(0)] }),
    direct('without extended key usage', { extendedKeyUsage: null }),
    below('issuer not a CA', [notCA, root], {}, { flaws: [{ at: 1, reason: 'invalid-ca', phase: 'extensions' }] }),
    below(
      'issuer may not sign',
      [noSignUsage, root],
      {},
      { flaws: [{ at: 1, reason: 'invalid-ca', phase: 'signatures' }] },
    ),
    below('path too long', [tooDeep, short], {}, { flaws: [{ at: 2, reason: 'invalid-ca', phase: 'extensions' }] }),
    below(
      'name constraints: not permitted',
      [constrained, root],
      {},
      { flaws: [{ at: 1, reason: 'invalid-ca', phase: 'names' }] },
    ),
    below('name constraints: permitted', [constrained, root], { hosts: ['foo.lab.test'] }, { host: 'foo.lab.test' }),
    below(
      'name constraints: excluded',
      [excluding, root],
      { hosts: ['foo.lab.test'] },
      {
        host: 'foo.lab.test',
        flaws: [{ at: 1, reason: 'invalid-ca', phase: 'names' }],
      },
    ),
    below('without key identifiers', [bare], { keyIdentifiers: false }, { keyIdentifiers: false }),
    below('root without key usage', [noUsage], {}),
    below('RSA', [rsa], { keyType: 'rsa-2048' }),
    below('P-384', [p384], { keyType: 'ec-p384' }),
    below('Ed25519', [ed25519], { keyType: 'ed25519' }),
    direct(
      'RSA of 1024 bits',
      { keyType: 'rsa-1024' },
      {
        ciphers: 'DEFAULT:@SECLEVEL=0',
        flaws: LEVEL_2 ? [{ at: 0, reason: 'weak', phase: 'security level' }] : [],
      },
    ),
  ]
}

const purpose = (at: number): Flaw => ({ at, reason: 'wrong-purpose', phase: 'extensions' })

/** OpenSSL's security level, which Node 22 sets to 1. */
const LEVEL_2 = nodeMajor >= 24

type More = Partial<Omit<ServerCase, 'sent'>> & { sent?: 'leaf only' | 'all' | 'reversed' | readonly string[] }

/** A server below these authorities, the nearest first. */
function below(
  name: string,
  above: readonly TestAuthority[],
  options: CertificateOptions,
  more: More = {},
): ServerCase {
  const leaf = (above[0] as TestAuthority).issue(options)
  return complete(name, leaf, [leaf.certificate, ...above.map(({ certificate }) => certificate)], more)
}

function own(name: string, options: CertificateOptions, more: More = {}): ServerCase {
  const leaf = selfSigned(options)
  return complete(name, leaf, [leaf.certificate], more)
}

function complete(name: string, leaf: TestCertificate, path: readonly string[], { sent, ...more }: More): ServerCase {
  const normal = path.length === 1 ? path : path.slice(0, -1)
  const [first = '', ...others] = normal
  return {
    name,
    host: 'localhost',
    path,
    key: leaf.key,
    flaws: [],
    keyIdentifiers: true,
    wrongHost: false,
    ...more,
    sent:
      sent === 'leaf only'
        ? [first]
        : sent === 'all'
          ? path
          : sent === 'reversed'
            ? [first, ...others.reverse()]
            : (sent ?? normal),
  }
}

/** The subject's text of a certificate, to make another of the same name. */
export function commonNameOf(pem: string): string {
  return /CN=(.*)/.exec(new X509Certificate(toDer(pem)).subject)?.[1] ?? ''
}
