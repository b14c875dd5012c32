/** The peers of a hostile connection on loopback: a server, what damages its records, and a proxy, as the plan says. */
import { X509Certificate } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls'
import { createAuthority } from '../../helpers/pki.ts'
import { startTcpServer, type TcpServer } from '../../helpers/tcp.ts'
import type { Damage, Identity, Plan, Turn } from './plan.ts'

const authority = createAuthority()
const stranger = createAuthority({ commonName: 'Stranger' })

/** What the clients trust. */
const TRUSTED = authority.certificate

const PAIRS: Readonly<Record<Identity, { readonly key: string; readonly chain: string }>> = {
  right: authority.issue({ hosts: ['127.0.0.1', 'localhost'] }),
  stranger: stranger.issue({ hosts: ['127.0.0.1', 'localhost'] }),
  'other host': authority.issue({ hosts: ['other.test'] }),
}
const PIN = `sha256:${new X509Certificate(PAIRS.right.chain).fingerprint256}`

/** What a client of this plan trusts. */
export function trustOf({ isPinned = false }: Plan): string {
  return isPinned ? PIN : TRUSTED
}

const contexts = new Map<string, SecureContext>()

function contextFor(identity: Identity, version: 'TLSv1.2' | 'TLSv1.3'): SecureContext {
  const name = `${identity} ${version}`
  let context = contexts.get(name)
  if (context === undefined) {
    const { key, chain } = PAIRS[identity]
    context = createSecureContext({ key, cert: chain, maxVersion: version })
    contexts.set(name, context)
  }
  return context
}

export class Peers {
  readonly #plan: Plan
  readonly #servers: TcpServer[] = []
  #turn = 0
  #hungUp = false
  /** Bytes that the server has received; without TLS's own. */
  received = 0
  /** Where the client connects to. */
  port = 0
  proxyPort: number | undefined

  constructor(plan: Plan) {
    this.#plan = plan
  }

  async start(): Promise<void> {
    const { tls, damage, proxy } = this.#plan
    this.port = await this.#listen((tcp) => this.#accept(tcp))
    if (damage !== undefined && (tls === 'TLSv1.2' || tls === 'TLSv1.3')) {
      const { port } = this
      this.port = await this.#listen((tcp) => this.#damage(tcp, port, damage))
    }
    if (proxy !== 'none') this.proxyPort = await this.#listen((tcp) => this.#mediate(tcp))
  }

  /** Connections that are open now. */
  get open(): number {
    return this.#servers.reduce((sum, { sockets }) => sum + sockets.size, 0)
  }

  /** Ends all connections, now and from now on. */
  hangUp(): void {
    this.#hungUp = true
    for (const server of this.#servers) server.hangUp()
  }

  async close(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.close()))
  }

  async #listen(serve: (tcp: Socket) => void): Promise<number> {
    const server = await startTcpServer((tcp) => {
      if (this.#hungUp) tcp.destroy()
      else serve(tcp)
    })
    this.#servers.push(server)
    return server.port
  }

  /** As the server. */
  #accept(tcp: Socket): void {
    const { tls, identity, early, scheme } = this.#plan
    const socket = tls === 'TLSv1.2' || tls === 'TLSv1.3' ? secured(tcp, contextFor(identity, tls)) : tcp
    const next = () => this.#plan.turns[Math.min(this.#turn++, this.#plan.turns.length - 1)]
    let isBusy = false
    const perform = () => {
      isBusy = true
      void act(next(), socket, tcp).then(() => {
        isBusy = false
      })
    }
    socket.on('data', (data: Buffer) => {
      if (tls !== 'forged') this.received += data.length
      if (!isBusy && (tls === 'forged' || scheme !== undefined || data.includes('\r\n\r\n'))) perform()
    })
    if (!early) return
    if (socket === tcp) perform()
    else socket.once('secure', perform)
  }

  /** Between the client and the server at `port`. */
  #damage(client: Socket, port: number, damage: Damage): void {
    const server = this.#relay(client, port)
    let rest = Buffer.alloc(0)
    let count = 0
    let isStalled = false
    const harm = (record: Buffer) => {
      client.write(damaged(record, damage))
      if (damage.end === 'fin') client.end()
      if (damage.end === 'rst') setImmediate(() => reset(client))
      isStalled = damage.end !== 'keep'
    }
    server.on('data', (data: Buffer) => {
      rest = Buffer.concat([rest, data])
      for (let size = recordSize(rest); size <= rest.length; size = recordSize(rest)) {
        const record = rest.subarray(0, size)
        rest = rest.subarray(size)
        if (count++ === damage.after) harm(record)
        else if (!isStalled && client.writable) client.write(record)
      }
    })
    client.on('data', (data: Buffer) => server.write(data))
  }

  /** As the proxy. */
  #mediate(tcp: Socket): void {
    const { proxy, proxyTurns } = this.#plan
    if (proxy === 'none') return
    const client = proxy === 'https' ? secured(tcp, contextFor('right', 'TLSv1.3')) : tcp
    const honest = HONEST[proxy]
    const turns = proxyTurns.length === 0 ? honest : proxyTurns.map((turn, index) => turn ?? honest[index] ?? honest[0])
    const left = [...turns]
    const onData = (data: Buffer) => {
      if (left.length > 0) {
        void act(left.shift(), client, tcp)
        return
      }
      client.off('data', onData)
      const server = this.#relay(tcp, this.port)
      server.write(data)
      client.on('data', (more: Buffer) => server.write(more))
      server.on('data', (more: Buffer) => client.writable && client.write(more))
    }
    client.on('data', onData)
  }

  /** A connection to a server of ours that is closed with `client`, and closes it. */
  #relay(client: Socket, port: number): Socket {
    const server = connect(port, '127.0.0.1')
    server.on('error', () => {}).on('close', () => client.destroySoon())
    client.on('close', () => server.destroy())
    return server
  }
}

function secured(tcp: Socket, secureContext: SecureContext): TLSSocket {
  const socket = new TLSSocket(tcp, { isServer: true, secureContext, ALPNProtocols: ['http/1.1'] })
  // Of a connection that is reset, Node closes the handle, and only the TLS socket emits events.
  socket.on('error', () => tcp.destroy()).on('close', () => tcp.destroy())
  // An alert after the handshake: without a `tls.Server` it is no 'error', and the socket would stay open after it.
  socket.on('_tlsError', () => socket.destroy())
  return socket
}

async function act(turn: Turn | undefined, socket: Duplex, tcp: Socket): Promise<void> {
  if (turn === undefined) return
  for (const piece of turn.pieces) {
    if (socket.writable) socket.write(Buffer.from(piece, 'latin1'))
    await delay(turn.pause)
  }
  if (turn.end === 'end') socket.end()
  if (turn.end === 'fin') tcp.destroySoon()
  if (turn.end === 'rst') reset(tcp, socket)
}

/**
 * Not while an end is being sent, by the connection or by TLS over it: Node would never close the handle then (libuv's
 * `uv_tcp_close_reset` fails), and the process would spin at its exit.
 */
function reset(tcp: Socket, socket: Duplex = tcp): void {
  if (tcp.writableEnded || socket.writableEnded) tcp.destroy()
  else tcp.resetAndDestroy()
}

/** What an honest proxy says to each thing that it receives. */
const HONEST: Readonly<Record<Exclude<Plan['proxy'], 'none'>, readonly Turn[]>> = {
  http: [say('HTTP/1.1 200 OK\r\n\r\n')],
  https: [say('HTTP/1.1 200 OK\r\n\r\n')],
  socks4a: [say(`\0\x5a${'\0'.repeat(6)}`)],
  socks5: [say('\x05\0'), say(`\x05\0\0\x01${'\0'.repeat(6)}`)],
  socks5h: [say('\x05\0'), say(`\x05\0\0\x01${'\0'.repeat(6)}`)],
}

function say(piece: string): Turn {
  return { pieces: [piece], pause: 0, end: 'keep' }
}

/** Of the TLS record that begins here; infinite while its header is not there. */
function recordSize(bytes: Buffer): number {
  return bytes.length < 5 ? Number.POSITIVE_INFINITY : 5 + bytes.readUInt16BE(3)
}

function damaged(record: Buffer, { kind, place, bytes }: Damage): Buffer {
  const other = Buffer.from(bytes, 'latin1')
  const index = Math.floor(record.length * place)
  if (kind === 'insert') return Buffer.concat([other, record])
  if (kind === 'replace') return other
  if (kind === 'repeat') return Buffer.concat([record, record])
  if (kind === 'cut') return record.subarray(0, index)
  if (kind === 'drop') return Buffer.alloc(0)
  const copy = Buffer.from(record)
  copy[index] = (copy[index] ?? 0) ^ 0x20
  return copy
}
