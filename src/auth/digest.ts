/** Digest authentication (RFC 7616, and its predecessors RFC 2617 and RFC 2069). */
import { createHash, randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import { LruMap } from '../core/lru-map.ts'
import { percentEncode } from '../http/form.ts'
import type { Auth, AuthTarget } from './auth.ts'
import { checkCredential } from './auth.ts'
import { parseChallenges } from './challenge.ts'

/** The parts of a request that the digest covers. */
export interface DigestTarget extends AuthTarget {
  readonly method: string
  readonly target: URL
}

/**
 * Digest authentication, which never sends the password itself. The first request to an origin is sent without credentials,
 * and again in response to the server's challenge. The challenge is kept, so that later requests are sent once.
 *
 * MD5, SHA-256, SHA-512-256 and their `-sess` forms (RFC 7616), SHA and SHA-512 as in requests; quality of protection
 * `auth`, or none. If a server offers nothing else, its 401 is the response of the call.
 *
 * @example
 * const session = new Session({ auth: new HTTPDigestAuth('ada', 'secret') })
 */
export class HTTPDigestAuth implements Auth<DigestTarget> {
  readonly username: string
  readonly #password: string
  /** By origin, so that credentials computed for one server are not sent to another. */
  readonly #challenges = new LruMap<string, DigestChallenge>(100)

  /** @throws TypeError if one is not a string, InvalidHeader for a control character */
  constructor(user: string, password: string) {
    checkCredential('Digest', 'user', user)
    checkCredential('Digest', 'password', password)
    this.username = user
    this.#password = password
  }

  /** Adds credentials if the server's challenge is known from an earlier request. */
  apply(request: DigestTarget): void {
    const challenge = this.#challenges.get(request.target.origin)
    if (challenge) this.#authorize(request, challenge)
  }

  /** Responds to the first supported Digest challenge; their order is the server's preference. */
  answer(request: DigestTarget, challenges: readonly string[]): boolean {
    const { origin } = request.target
    for (const { scheme, params } of parseChallenges(challenges)) {
      const received = scheme === 'digest' ? DigestChallenge.from(params) : undefined
      if (received === undefined) continue
      const known = this.#challenges.get(origin)
      // Continue the count of a known nonce: a repeated count looks like a replay.
      const challenge = known?.isSameAs(received) ? known : received
      this.#challenges.set(origin, challenge)
      this.#authorize(request, challenge)
      return true
    }
    return false
  }

  /** Hides the password. */
  [inspect.custom](): string {
    return `HTTPDigestAuth { username: ${inspect(this.username)}, password: '***' }`
  }

  #authorize({ method, target, headers }: DigestTarget, challenge: DigestChallenge): void {
    const uri = `${target.pathname}${target.search}`
    headers.set('Authorization', challenge.credentials(this.username, this.#password, method, uri))
  }
}

/** Node's name for each hash, by RFC 7616's name in capitals. */
const HASHES: ReadonlyMap<string, string> = new Map([
  ['MD5', 'md5'],
  ['SHA', 'sha1'],
  ['SHA-256', 'sha256'],
  ['SHA-512', 'sha512'],
  ['SHA-512-256', 'sha512-256'],
])

/** @internal A server's challenge, with the count of its nonce. */
export class DigestChallenge {
  readonly #params: ReadonlyMap<string, string>
  readonly #nonce: string
  readonly #realm: string
  readonly #hash: (text: string) => string
  readonly #isSession: boolean
  readonly #hasQop: boolean
  /**
   * Constant for all uses of the nonce. By RFC 7616 section 3.4.2 the key of a `-sess` algorithm is computed from the first
   * cnonce, but some servers use the latest: a constant one suits both.
   */
  readonly #cnonce: string
  #count = 0

  private constructor(params: ReadonlyMap<string, string>, hash: string, isSession: boolean, cnonce: string) {
    this.#params = params
    this.#nonce = params.get('nonce') ?? ''
    this.#realm = params.get('realm') ?? ''
    this.#cnonce = cnonce
    // Header values are latin-1, one character for each byte; user and password are converted by asBytes.
    this.#hash = (text) => createHash(hash).update(text, 'latin1').digest('hex')
    this.#isSession = isSession
    // An empty value is none, as in requests.
    this.#hasQop = (params.get('qop') ?? '').trim() !== ''
  }

  /** `undefined` for a challenge without a nonce, or with an unsupported algorithm or quality of protection. */
  static from(
    params: ReadonlyMap<string, string>,
    cnonce: string = randomBytes(16).toString('hex'),
  ): DigestChallenge | undefined {
    const [, name = '', session] = /^(.*?)(-SESS)?$/.exec((params.get('algorithm') || 'MD5').toUpperCase()) ?? []
    const hash = HASHES.get(name)
    const qop = params.get('qop')?.trim().toLowerCase()
    if (hash === undefined || !params.has('nonce') || (qop && !qop.split(/[\s,]+/).includes('auth'))) return undefined
    return new DigestChallenge(params, hash, session !== undefined, cnonce)
  }

  /** Whether both challenges are equal, so that the count of the nonce continues. */
  isSameAs(other: DigestChallenge): boolean {
    return ['nonce', 'realm', 'algorithm', 'qop'].every((name) => this.#params.get(name) === other.#params.get(name))
  }

  /** The value of the header Authorization for one request (RFC 7616 section 3.4). */
  credentials(user: string, password: string, method: string, uri: string): string {
    this.#count++
    const nc = this.#count.toString(16).padStart(8, '0')
    const name = asBytes(user)
    const secret = this.#hash(`${name}:${this.#realm}:${asBytes(password)}`)
    const key = this.#isSession ? this.#hash(`${secret}:${this.#nonce}:${this.#cnonce}`) : secret
    const use = this.#hasQop ? `${nc}:${this.#cnonce}:auth:` : ''
    const response = this.#hash(`${key}:${this.#nonce}:${use}${this.#hash(`${method}:${uri}`)}`)
    const fields = [
      ...this.#userFields(user, name),
      `realm=${quote(this.#realm)}`,
      `nonce=${quote(this.#nonce)}`,
      `uri=${quote(uri)}`,
      `response="${response}"`,
      ...this.#echo('algorithm', (value) => value),
      ...this.#echo('opaque', quote),
    ]
    if (this.#hasQop) fields.push('qop=auth', `nc=${nc}`)
    if (this.#hasQop || this.#isSession) fields.push(`cnonce="${this.#cnonce}"`)
    return `Digest ${fields.join(', ')}`
  }

  /** The user name; for servers that support RFC 7616 its hash, or the encoding of RFC 8187 if it is not ASCII. */
  #userFields(user: string, name: string): string[] {
    if (this.#params.get('userhash')?.toLowerCase() === 'true') {
      return [`username="${this.#hash(`${name}:${this.#realm}`)}"`, 'userhash=true']
    }
    const isPlain = user === name
    if (isPlain || this.#params.get('charset')?.toUpperCase() !== 'UTF-8') return [`username=${quote(name)}`]
    return [`username*=UTF-8''${encodeURIComponent(user).replace(/['()*]/g, (each) => percentEncode(each))}`]
  }

  #echo(name: string, write: (value: string) => string): string[] {
    const value = this.#params.get(name)
    return value === undefined || (name === 'algorithm' && value === '') ? [] : [`${name}=${write(value)}`]
  }
}

/** The UTF-8 bytes of a text, one character for each byte. */
function asBytes(text: string): string {
  return Buffer.from(text).toString('latin1')
}

function quote(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}
