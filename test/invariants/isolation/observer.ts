/** What servers and proxies see of the connections to them, held against what the requests on these claim to be. */
import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { readElement, readElements } from '../../../src/x509/der.ts'
import type { ObservedProxy } from '../../helpers/observed-proxy.ts'
import type { TestServer } from '../../helpers/servers.ts'
import type { Owner, ProxyForm, ServerName } from './model.ts'

/** Where a request names its owner, which its connection is to have as well. */
export const OWNER_PARAMETER = 'owner'

interface Connection {
  readonly server: ServerName
  /** Whether its handshake resumed a TLS session. */
  readonly resumed: boolean
  /** The secret that is common to a TLS session and those that resume it (TLS 1.2). */
  readonly secret: string | undefined
  readonly owners: Set<string>
}

export class Observer {
  readonly #connections = new Map<TLSSocket, Connection>()
  readonly #violations: string[] = []
  readonly #proxies: ReadonlyMap<string, ObservedProxy>
  requests = 0

  /** @param proxies by their kinds */
  constructor(proxies: ReadonlyMap<string, ObservedProxy>) {
    this.#proxies = proxies
  }

  watch(name: ServerName, { server }: TestServer): void {
    server.on('secureConnection', (socket: TLSSocket) => {
      const resumed = socket.isSessionReused()
      const secret = socket.getProtocol() === 'TLSv1.2' ? masterSecret(socket) : undefined
      this.#connections.set(socket, { server: name, resumed, secret, owners: new Set() })
    })
  }

  /** Notes a request and answers with the client certificate that came with it. */
  note(request: IncomingMessage, response: ServerResponse): void {
    this.requests++
    const socket = request.socket as TLSSocket
    const claimed = new URL(request.url ?? '', 'https://host').searchParams.get(OWNER_PARAMETER) ?? ''
    this.#connections.get(socket)?.owners.add(claimed)
    const { client, proxy } = JSON.parse(claimed) as Owner
    const seen = { client: socket.getPeerCertificate().subject?.CN ?? 'nobody', proxy: this.#proxyOf(socket) }
    if (seen.client !== client || seen.proxy !== proxy) {
      this.#violations.push(`a request of ${claimed} came with ${JSON.stringify(seen)}`)
    }
    response.setHeader('x-client', String(seen.client))
  }

  /** Connections that served a request, and those of them that resumed a TLS session. */
  get counts(): { connections: number; resumed: number } {
    const used = [...this.#connections.values()].filter(({ owners }) => owners.size > 0)
    return { connections: used.length, resumed: used.filter(({ resumed }) => resumed).length }
  }

  assertIsolated(): void {
    assert.deepEqual(this.#violations, [])
    const begun = new Set<string>()
    const ownerOfSecret = new Map<string, string>()
    // In the order of their handshakes.
    for (const { server, resumed, secret, owners } of this.#connections.values()) {
      const [owner, ...others] = owners
      assert.deepEqual(others, [], `a connection to ${server} of ${owner} served others as well`)
      if (owner === undefined) continue
      const key = `${server} ${owner}`
      assert(begun.has(key) || !resumed, `the first connection of ${key} resumed the TLS session of another`)
      begun.add(key)
      if (secret === undefined) continue
      const first = ownerOfSecret.get(secret) ?? owner
      assert.equal(owner, first, `a TLS session with ${server} was resumed by another`)
      ownerOfSecret.set(secret, first)
    }
  }

  #proxyOf(socket: TLSSocket): ProxyForm {
    for (const [kind, proxy] of this.#proxies) {
      const user = proxy.userOf(socket)
      if (user !== undefined) return (user === '' ? kind : `${kind} ${user}`) as ProxyForm
    }
    return 'direct'
  }
}

/** OpenSSL's SSL_SESSION: version, protocol, cipher, session id, master key … */
function masterSecret(socket: TLSSocket): string | undefined {
  const session = socket.getSession()
  return session && readElements(readElement(session).content)[4]?.content.toString('hex')
}
