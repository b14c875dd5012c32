/** A server that asks for Digest authentication and checks every answer by RFC 7616, apart from the code it tests. */
import { createHash, randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { startHttpServer, type TestServer } from './servers.ts'

export const USER = 'ada'
export const PASSWORD = 'op en:se"same'
export const REALM = 'test "realm"'

export interface DigestOptions {
  /** Default: MD5, without saying so. */
  readonly algorithm?: string | undefined
  /** Default: `auth`; `null` for none (RFC 2069). */
  readonly qop?: string | null | undefined
  /** How often a nonce can be used. Default: as often as one likes, but each count once. */
  readonly uses?: number
  /** What is answered to a request whose credentials are right. */
  readonly handler?: (request: IncomingMessage, response: ServerResponse, body: string) => unknown
  /** More headers of the refusal. */
  readonly refusalHeaders?: Readonly<Record<string, string>>
}

export interface DigestServer extends TestServer {
  /** Each request: its method, URL, status, and the count and nonce of its credentials. */
  readonly log: { method: string; url: string; status: number; nc: string | undefined; nonce: string | undefined }[]
}

const HASHES: Readonly<Record<string, string>> = {
  MD5: 'md5',
  SHA: 'sha1',
  'SHA-256': 'sha256',
  'SHA-512': 'sha512',
  'SHA-512-256': 'sha512-256',
}

export async function startDigestServer(options: DigestOptions = {}): Promise<DigestServer> {
  const { algorithm, qop = 'auth', uses = Number.POSITIVE_INFINITY, refusalHeaders = {} } = options
  const [, name = '', session] = /^(.*?)(-sess)?$/.exec(algorithm ?? 'MD5') ?? []
  const hash = (text: string) =>
    createHash(HASHES[name] ?? '')
      .update(text)
      .digest('hex')
  const counts = new Map<string, Set<string>>()
  const log: DigestServer['log'] = []

  const judge = (request: IncomingMessage): 'right' | 'stale' | 'wrong' => {
    const given = fieldsOf(request.headers.authorization ?? '')
    const used = counts.get(given.nonce ?? '')
    if (used === undefined) return 'wrong'
    const { nonce, nc, cnonce, uri } = given
    const first = hash(`${USER}:${REALM}:${PASSWORD}`)
    const ha1 = session ? hash(`${first}:${nonce}:${cnonce}`) : first
    const ha2 = hash(`${request.method}:${request.url}`)
    const expected = qop === null ? hash(`${ha1}:${nonce}:${ha2}`) : hash(`${ha1}:${nonce}:${nc}:${cnonce}:auth:${ha2}`)
    const same = given.response === expected && uri === request.url && given.username === USER
    if (!same || given.opaque !== 'o p' || given.algorithm !== algorithm || (qop !== null && given.qop !== 'auth')) {
      return 'wrong'
    }
    if (qop !== null && (used.size >= uses || used.has(nc ?? ''))) return 'stale'
    used.add(nc ?? '')
    return 'right'
  }

  const server = await startHttpServer({
    handler: async (request, response) => {
      let body = ''
      for await (const chunk of request) body += chunk
      const verdict = judge(request)
      const { nc, nonce } = fieldsOf(request.headers.authorization ?? '')
      const { method = '', url = '' } = request
      if (verdict === 'right') {
        await (options.handler ?? answer)(request, response, body)
      } else {
        const fresh = randomBytes(8).toString('hex')
        counts.set(fresh, new Set())
        const challenge = [
          `Digest realm="${REALM.replaceAll('"', '\\"')}"`,
          `nonce="${fresh}"`,
          'opaque="o p"',
          ...(qop === null ? [] : [`qop="${qop}"`]),
          ...(algorithm === undefined ? [] : [`algorithm=${algorithm}`]),
          ...(verdict === 'stale' ? ['stale=true'] : []),
        ].join(', ')
        response.writeHead(401, { 'WWW-Authenticate': challenge, ...refusalHeaders }).end('who are you?')
      }
      log.push({ method, url, status: response.statusCode, nc, nonce })
    },
  })
  return Object.defineProperty(server as DigestServer, 'log', { value: log })
}

function answer(request: IncomingMessage, response: ServerResponse, body: string): void {
  response.end(`${request.method} ${body}`)
}

/** The parameters of a header Authorization; nothing clever: each is `name=value` or `name="value"`. */
function fieldsOf(header: string): Partial<Record<string, string>> {
  const fields: Partial<Record<string, string>> = {}
  for (const [, name = '', quoted, plain] of header.matchAll(/(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^",\s]+))/g)) {
    fields[name] = quoted?.replace(/\\(.)/g, '$1') ?? plain
  }
  return fields
}
