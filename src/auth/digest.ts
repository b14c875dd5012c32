/** Digest authentication: RFC 7616, and what came before it (RFC 2617, RFC 2069). */
import { createHash, randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import { LruMap } from '../core/lru-map.ts'
import type { Auth, AuthTarget } from './auth.ts'
import { checkCredential } from './auth.ts'
import { parseChallenges } from './challenge.ts'

/** What of a request goes into the digest. */
export interface DigestTarget extends AuthTarget {
  readonly method: string
  readonly target: URL
}

/**
 * Digest authentication: the password itself is never sent. The first request to an origin goes out without credentials
 * and is sent again to answer the server's challenge; the challenge is kept, so that later requests need no second try.
 *
 * MD5, SHA-256, SHA-512-256 and their `-sess` forms (RFC 7616), SHA and SHA-512 as in requests; quality of protection
 * `auth`, or none. A server that only asks for something else gets no answer: its 401 is the response.
 *
 * @example
 * const session = new Session({ auth: new HTTPDigestAuth('ada', 'secret') })
 */
export class HTTPDigestAuth implements Auth<DigestTarget> {
  readonly username: string
  readonly #password: string
  /** By origin: credentials made for one server say nothing to another. */
  readonly #challenges = new LruMap<string, DigestChallenge>(100)

  /** @throws TypeError when one is not a string, InvalidHeader when one has a control character */
  constructor(user: string, password: string) {
    checkCredential('Digest', 'user', user)
    checkCredential('Digest', 'password', password)
    this.username = user
    this.#password = password
  }

  /** Adds credentials where the server's challenge is known from an earlier request. */
  apply(request: DigestTarget): void {
    const challenge = this.#challenges.get(request.target.origin)
    if (challenge) this.#authorize(request, challenge)
  }

  /** Answers the first challenge of Digest that can be answered: the order is the server's preference. */
  answer(request: DigestTarget, challenges: readonly string[]): boolean {
    const { origin } = request.target
    for (const { scheme, params } of parseChallenges(challenges)) {
      const asked = scheme === 'digest' ? DigestChallenge.from(params) : undefined
      if (asked === undefined) continue
      const known = this.#challenges.get(origin)
      // The same nonce goes on being counted: a count that comes twice looks like a replay.
      const challenge = known?.isSameAs(asked) ? known : asked
      this.#challenges.set(origin, challenge)
      this.#authorize(request, challenge)
      return true
    }
    return false
  }

  /** The password is not shown. */
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

/** @internal A server's challenge, and how often its nonce was used. */
export class DigestChallenge {
  readonly #params: ReadonlyMap<string, string>
  readonly #nonce: string
  readonly #realm: string
  readonly #hash: (text: string) => string
  readonly #isSession: boolean
  readonly #hasQop: boolean
  /**
   * One for all uses of the nonce: the key of a `-sess` algorithm is made of it once by RFC 7616 section 3.4.2, and
   * each time anew by some servers, who then find the same.
   */
  readonly #cnonce: string
  #count = 0

  private constructor(params: ReadonlyMap<string, string>, hash: string, isSession: boolean, cnonce: string) {
    this.#params = params
    this.#nonce = params.get('nonce') ?? ''
    this.#realm = params.get('realm') ?? ''
    this.#cnonce = cnonce
    // What came from the server is latin-1, each byte a character; so is all else by the time it is hashed.
    this.#hash = (text) => createHash(hash).update(text, 'latin1').digest('hex')
    this.#isSession = isSession
    this.#hasQop = params.has('qop')
  }

  /** `undefined` for a challenge without a nonce, or with an algorithm or quality of protection that is not known here. */
  static from(
    params: ReadonlyMap<string, string>,
    cnonce: string = randomBytes(16).toString('hex'),
  ): DigestChallenge | undefined {
    const [, name = '', session] = /^(.*?)(-SESS)?$/.exec((params.get('algorithm') ?? 'MD5').toUpperCase()) ?? []
    const hash = HASHES.get(name)
    const qop = params
      .get('qop')
      ?.toLowerCase()
      .split(/[\s,]+/)
    if (hash === undefined || !params.has('nonce') || (qop !== undefined && !qop.includes('auth'))) return undefined
    return new DigestChallenge(params, hash, session !== undefined, cnonce)
  }

  /** Whether both ask for the same: the nonce goes on being counted then. */
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

  /** The user by name; by its hash, or as RFC 8187 writes what is not ASCII, where the server knows RFC 7616. */
  #userFields(user: string, name: string): string[] {
    if (this.#params.get('userhash')?.toLowerCase() === 'true') {
      return [`username="${this.#hash(`${name}:${this.#realm}`)}"`, 'userhash=true']
    }
    const isPlain = user === name
    if (isPlain || this.#params.get('charset')?.toUpperCase() !== 'UTF-8') return [`username=${quote(name)}`]
    return [`username*=UTF-8''${encodeURIComponent(user).replace(/['()*]/g, percentEncodeCharacter)}`]
  }

  #echo(name: string, write: (value: string) => string): string[] {
    const value = this.#params.get(name)
    return value === undefined ? [] : [`${name}=${write(value)}`]
  }
}

/** The UTF-8 bytes of a text, each as one character. */
function asBytes(text: string): string {
  return Buffer.from(text).toString('latin1')
}

function quote(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}

function percentEncodeCharacter(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`
}
